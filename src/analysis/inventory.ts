/**
 * What is in a snapshot, counted in one pass without decoding a value: keys and
 * expiries per database, types and encodings, the biggest keys, functions,
 * modules, aux fields.
 */
import {type Entry, NEVER, type ValueType} from '../keyspace/entry.js'
import {type EntryVisitor, type ModuleAux, type Problem, ValueVisitor} from '../keyspace/visitor.js'
import {limits} from '../limits.js'
import {TYPE_MODULE_2} from '../rdb/opcodes.js'
import type {RdbEnd} from '../rdb/reader.js'
import type {ChecksumVerdict} from '../rdb/records.js'
import type {RdbHeader} from '../rdb/versions.js'
import {type Producer, producerOf} from './producer.js'
import {KeySpread, type Spread, type SpreadOptions} from './spread.js'
import {TopN} from './top.js'

export interface DatabaseCount {
  db: number
  keys: number
  expiring: number
  expired: number
  /** Bytes of the keys' records in the file. */
  rdbBytes: number
}

export interface EncodingCount {
  type: ValueType
  encoding: string
  keys: number
  elements: number
  rdbBytes: number
}

export interface BigKey {
  db: number
  key: Uint8Array
  type: ValueType
  encoding: string
  elements: number
  rdbBytes: number
  /** NEVER where there is none. */
  expireAtMs: number | bigint
}

export interface FunctionLibrary {
  name: string
  engine: string
  bytes: number
}

export interface ModuleCount {
  name: string
  /** Encoding version, as the first value or aux of the module says. */
  version: number
  keys: number
  /** Bytes of its keys' records and its aux data. */
  bytes: number
}

export interface Inventory extends Producer {
  header: RdbHeader
  /** Undefined where the end was not reached. */
  checksum: ChecksumVerdict | undefined
  /** Bytes of the RDB file read so far; its size once the end was reached. */
  bytes: number
  aux: ReadonlyMap<string, string>
  keys: number
  /** Keys that the file announces itself, for the databases begun so far (none before redis 3.2); a hint. */
  announcedKeys: number
  expiring: number
  expired: number
  databases: DatabaseCount[]
  encodings: EncodingCount[]
  biggest: BigKey[]
  functions: FunctionLibrary[]
  modules: ModuleCount[]
  /** Slots of a cluster that the file has hints for. */
  slots: number
  /** Undefined where nobody asked. */
  spread: Spread | undefined
  problems: Problem[]
}

export interface InventoryOptions {
  /** Also count how keys are spread. */
  spread?: SpreadOptions | undefined
  /** How many of the biggest keys to remember. */
  top: number
  /** The moment that expiries are judged against, in milliseconds since 1970. */
  nowMs: number
}

/** What is counted per key, for each database and encoding: everything else is a sum of these. */
interface Tally extends EncodingCount {
  db: number
  typeId: number
  expiring: number
  expired: number
}

/** Counts every key it is shown; give it to RdbReader.run. */
export class InventoryVisitor extends ValueVisitor implements EntryVisitor {
  override readonly depth = 'skip'
  /** By database; one holds a tally per encoding, a few dozen at most. */
  readonly #tallies = new Map<number, Tally[]>()
  /** The tally of the key before: the next often belongs to it too. */
  #tally: Tally | undefined
  readonly #nowMs: number
  readonly #biggest: TopN<BigKey>
  #bigBytes: number
  readonly #aux = new Map<string, string>()
  readonly #functions: FunctionLibrary[] = []
  readonly #modules = new Map<string, ModuleCount>()
  readonly #slots = new Set<number>()
  readonly #problems: Problem[] = []
  #dragonfly = false
  #announcedKeys = 0
  /** What was counted of the keys' spread; absent where nobody asked. */
  readonly spread: KeySpread | undefined

  constructor(readonly options: InventoryOptions) {
    super()
    this.#nowMs = options.nowMs
    this.#biggest = new TopN(options.top, isBigger)
    this.spread = options.spread === undefined ? undefined : new KeySpread(options.spread)
    this.#bigBytes = options.top === 0 ? Number.POSITIVE_INFINITY : 0
  }

  entry(): ValueVisitor {
    return this
  }

  override end(entry: Entry): void {
    const bytes = entry.endOffset - entry.offset
    let tally = this.#tally
    if (
      tally === undefined ||
      tally.encoding !== entry.encoding ||
      tally.typeId !== entry.typeId ||
      tally.db !== entry.db
    ) {
      tally = this.#tally = this.#tallyOf(entry)
    }
    tally.keys++
    tally.elements += entry.elements
    tally.rdbBytes += bytes
    if (entry.expireAtMs !== NEVER) {
      tally.expiring++
      // At its very moment a key still is (redis 7.0 db.c keyIsExpired).
      if (entry.expireAtMs < this.#nowMs) tally.expired++
    }
    if (bytes >= this.#bigBytes) this.#big(entry, bytes)
    if (this.spread !== undefined) this.spread.add(entry, bytes)
    if (entry.typeId === TYPE_MODULE_2) this.#module(entry.module, entry.moduleVersion, 1, bytes)
    if (entry.dragonflyMask >= 0) this.#dragonfly = true
  }

  aux(name: string, value: Uint8Array): void {
    // Repeated ones (slot hints, KeyDB's marks) are no facts about the file; the first value stands.
    if (name === 'slot-info') this.#slots.add(Number.parseInt(Buffer.from(value).toString('latin1'), 10))
    if (this.#aux.has(name) || this.#aux.size >= limits.namesMax) return
    this.#aux.set(name, Buffer.from(value).toString('utf8'))
  }

  function(source: Uint8Array): void {
    if (this.#functions.length >= limits.namesMax) return
    const line = Buffer.from(source).toString('utf8').split('\n', 1)[0]!
    const engine = /^#!\s*([^\s]+)/.exec(line)?.[1] ?? ''
    const name = /\bname=([^\s]+)/.exec(line)?.[1] ?? ''
    this.#functions.push({name, engine, bytes: source.length})
  }

  functionPreGa(name: Uint8Array, engine: Uint8Array, code: Uint8Array): void {
    const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8')
    this.#functions.push({name: text(name), engine: text(engine), bytes: code.length})
  }

  moduleAux(aux: ModuleAux): void {
    this.#module(aux.module, aux.version, 0, aux.payload.length)
  }

  resizeDb(_db: number, keys: number): void {
    this.#announcedKeys += keys
  }

  slotInfo(info: {slot: number}): void {
    this.#slots.add(info.slot)
  }

  problem(problem: Problem): void {
    this.#problems.push(problem)
  }

  /** The sums so far. `end` is absent where the reading failed. */
  result(header: RdbHeader, bytes: number, end: RdbEnd | undefined): Inventory {
    const tallies = [...this.#tallies.values()].flat()
    const databases = sumByDatabase(tallies)
    const sum = (what: 'keys' | 'expiring' | 'expired'): number =>
      databases.reduce((total, database) => total + database[what], 0)
    return {
      ...producerOf(header, this.#aux, this.#dragonfly),
      header,
      checksum: end?.checksum,
      bytes: end?.bytes ?? bytes,
      aux: this.#aux,
      keys: sum('keys'),
      announcedKeys: this.#announcedKeys,
      expiring: sum('expiring'),
      expired: sum('expired'),
      databases,
      encodings: sumByEncoding(tallies),
      biggest: this.#biggest.sorted(),
      functions: this.#functions,
      modules: [...this.#modules.values()].sort((a, b) => b.bytes - a.bytes),
      slots: this.#slots.size,
      spread: this.spread?.result(),
      problems: this.#problems,
    }
  }

  #tallyOf({db, type, typeId, encoding}: Entry): Tally {
    let ofDb = this.#tallies.get(db)
    if (ofDb === undefined) {
      ofDb = []
      this.#tallies.set(db, ofDb)
    }
    for (const tally of ofDb) if (tally.encoding === encoding && tally.typeId === typeId) return tally
    const tally = {db, type, typeId, encoding, keys: 0, elements: 0, rdbBytes: 0, expiring: 0, expired: 0}
    ofDb.push(tally)
    return tally
  }

  #big(entry: Entry, rdbBytes: number): void {
    const {db, type, encoding, elements, expireAtMs} = entry
    this.#biggest.add({db, key: entry.key(), type, encoding, elements, rdbBytes, expireAtMs})
    if (this.#biggest.full) this.#bigBytes = this.#biggest.least!.rdbBytes
  }

  #module(name: string, version: number, keys: number, bytes: number): void {
    const known = this.#modules.get(name)
    if (known !== undefined) {
      known.keys += keys
      known.bytes += bytes
    } else if (this.#modules.size < limits.namesMax) {
      this.#modules.set(name, {name, version, keys, bytes})
    }
  }
}

function sumByDatabase(tallies: readonly Tally[]): DatabaseCount[] {
  const sums = new Map<number, DatabaseCount>()
  for (const {db, keys, expiring, expired, rdbBytes} of tallies) {
    const sum = sums.get(db) ?? {db, keys: 0, expiring: 0, expired: 0, rdbBytes: 0}
    sum.keys += keys
    sum.expiring += expiring
    sum.expired += expired
    sum.rdbBytes += rdbBytes
    sums.set(db, sum)
  }
  return [...sums.values()].sort((a, b) => a.db - b.db)
}

function sumByEncoding(tallies: readonly Tally[]): EncodingCount[] {
  const sums = new Map<string, EncodingCount>()
  for (const {type, typeId, encoding, keys, elements, rdbBytes} of tallies) {
    const name = `${typeId} ${encoding}`
    const sum = sums.get(name) ?? {type, encoding, keys: 0, elements: 0, rdbBytes: 0}
    sum.keys += keys
    sum.elements += elements
    sum.rdbBytes += rdbBytes
    sums.set(name, sum)
  }
  return [...sums.values()].sort((a, b) => b.rdbBytes - a.rdbBytes)
}

/** By bytes, then database, then key: the same answer whatever the order of the file. */
export function isBigger(a: BigKey, b: BigKey): boolean {
  if (a.rdbBytes !== b.rdbBytes) return a.rdbBytes > b.rdbBytes
  if (a.db !== b.db) return a.db < b.db
  return Buffer.compare(a.key, b.key) < 0
}
