/**
 * The first pass over one side: a digest of every entry goes into the index of both sides, under the place where the
 * entry lies. Values are not kept.
 */
import {createHash, randomFillSync} from 'node:crypto'
import {type Digest, type DigestSeed, RECORD_WORDS} from '../bytes/digest.js'
import {splitInt64} from '../bytes/int64.js'
import {type FormatError, LimitError} from '../errors.js'
import type {Side} from '../keyspace/difference.js'
import {DigestVisitor, type MeaningOptions} from '../keyspace/digest.js'
import {type Entry, isCollection, NEVER, type ValueType} from '../keyspace/entry.js'
import type {RecordTaker} from '../keyspace/key-index-records.js'
import {libraryName} from '../keyspace/library-name.js'
import {VALUE_TYPES} from '../keyspace/selection.js'
import {
  type EntryVisitor,
  type ModuleAux,
  type Problem,
  type StreamConsumer,
  type StreamInfo,
  ValueVisitor,
} from '../keyspace/visitor.js'
import {limits} from '../limits.js'
import {typesOf} from '../rdb/opcodes.js'
import type {DiffCounts} from './diff-counts.js'
import {isStored} from './diff-stored-types.js'

/** Places of the second side begin here: no input is so large. */
export const SECOND_SIDE = 2 ** 52
/** Added to the place of an entry that is not chosen: it matters where its counterpart is. */
export const UNCHOSEN = 2 ** 51
/** Words of a digest, and of an expiry beside it. */
export const DIGEST_WORDS = 4
export const EXPIRY_WORDS = 2

/** Where entries lie: by their offsets in an RDB file, counted in any other source. */
export class Places {
  #next = 0

  constructor(readonly byOffset: boolean) {}

  of(entry: Entry): number {
    return this.byOffset ? entry.offset : this.#next++
  }
}

/** What is found of one side besides its keys. */
export interface SideFacts {
  /** Libraries of functions by name. */
  libraries: Map<string, Uint8Array>
  /** What modules keep beside their keys: by module and place, a digest. */
  moduleAux: Map<string, string>
  /** Places of entries whose values are damaged, on this side. */
  damaged: Set<number>
  /** Whether any entry tells of its use. */
  idle: boolean
  frequency: boolean
  /** The newest form of streams whose facts were met (MeaningOptions.streamFacts). */
  streamFacts: 1 | 2 | 3
  /** Collections without elements, which are no keys. */
  empty: number
  placeMax: number
  /** Where databases begin, in the order of places; the first `limits.databasesMax`, and whether there are more. */
  dbs: {place: number; db: number}[]
  dbsCut: boolean
}

export interface DigestPassOptions {
  side: Side
  index: RecordTaker
  meaning: MeaningOptions
  seed: DigestSeed
  counts: DiffCounts
  places: Places
  /** A bit for each type whose values are digested as they are stored: equal ones are the same, others may be. */
  storedTypes: number
  /** The database that those of a source count as. */
  dbOf: (db: number) => number
  onProblem: (problem: Problem) => void
  /** Awaited between windows. */
  drain?: (() => Promise<void> | undefined) | undefined
}

export class DigestPass extends DigestVisitor implements EntryVisitor {
  readonly facts: SideFacts = {
    libraries: new Map(),
    moduleAux: new Map(),
    damaged: new Set(),
    idle: false,
    frequency: false,
    streamFacts: 1,
    empty: 0,
    placeMax: 0,
    dbs: [],
    dbsCut: false,
  }
  /** Keys that are chosen. */
  keys = 0
  /** Whether the next entry is. */
  chosen = true
  #libraryBytes = 0
  #place = 0
  #damaged = false
  readonly #payload = new Int32Array(DIGEST_WORDS + EXPIRY_WORDS)
  readonly #halves = {high: 0, low: 0}

  constructor(readonly options: DigestPassOptions) {
    super(options.meaning, options.seed)
  }

  /** Entries of an RDB file, many in one call of a kernel. */
  take(db: number, start: number, end: number, base: number): number {
    const {digest, meaning} = this
    const {side, index, counts, dbOf, storedTypes} = this.options
    const own = dbOf(db)
    const reached = digest.takeRecords(start, end, own, storedTypes, meaning.expiry === 'all')
    this.takeWaits = digest.recordGoesOn
    const {records} = digest
    const wordsEnd = digest.recordCount * RECORD_WORDS
    if (wordsEnd === 0) return reached
    const shift = base + (side === 0 ? 0 : SECOND_SIDE)
    const taken = this.#taken
    index.addPrints(records, digest.recordCount, RECORD_WORDS, shift)
    this.keys += digest.recordCount
    for (let at = 3; at < wordsEnd; at += RECORD_WORDS) taken[records[at]!]!++
    for (const [typeId, keys] of taken.entries()) {
      if (keys > 0) counts.has(side, own, TYPE_NUMBERS[typeId]!, keys)
      taken[typeId] = 0
    }
    this.#entered(db, records[2]! + base)
    this.facts.placeMax = records[wordsEnd - RECORD_WORDS + 2]! + base
    return reached
  }

  takeWaits = false
  readonly #taken = TYPE_NUMBERS.map(() => 0)

  entry(entry: Entry): ValueVisitor {
    const place = this.options.places.of(entry)
    this.#place = place
    if (place > this.facts.placeMax) this.facts.placeMax = place
    this.#entered(entry.db, place)
    if (entry.idleSeconds >= 0) this.facts.idle = true
    if (entry.frequency >= 0) this.facts.frequency = true
    if (!isStored(this.options.storedTypes, entry.typeId)) return this
    return entry.type === 'string' ? this.#stored : this.#unlike
  }

  override streamInfo(info: StreamInfo): void {
    if (info.derived !== true && info.entriesAdded !== undefined && this.facts.streamFacts === 1)
      this.facts.streamFacts = 2
    super.streamInfo(info)
  }

  override consumer(consumer: StreamConsumer): void {
    if (consumer.derived !== true && consumer.activeAtMs !== undefined) this.facts.streamFacts = 3
    super.consumer(consumer)
  }

  /** Notes where a database begins, or goes on. */
  #entered(db: number, place: number): void {
    const {dbs} = this.facts
    if (dbs.at(-1)?.db === db) return
    if (dbs.length < limits.databasesMax) dbs.push({place, db})
    else this.facts.dbsCut = true
  }

  protected override dbOf({db}: Entry): number {
    return this.options.dbOf(db)
  }

  /** The value has been passed over: whatever it is, it is like no other. */
  damage(error: FormatError | LimitError, entry: Entry): void {
    const {code, message, offset} = error
    const {db, type} = entry
    const kept = entry.keptKey(limits.problemsMax)
    this.options.onProblem({code, severity: 'error', offset, text: message, db, ...kept, type})
    this.#damaged = true
  }

  override end(entry: Entry): void {
    if (!this.#damaged) {
      super.end(entry)
      return
    }
    this.#damaged = false
    this.facts.damaged.add(this.#place)
    this.#unlikeAny(entry)
  }

  /** An entry that is like no other: whoever compares it looks at it closely. */
  #unlikeAny(entry: Entry): void {
    this.#beginKey(entry)
    randomFillSync(this.digest.out.subarray(2))
    this.digested(entry)
  }

  #beginKey(entry: Entry): void {
    const {bytes, start, end} = entry.keyBytes
    this.digest.key(this.dbOf(entry), bytes, start, end)
  }

  /** A string that the kernel left, by its stored bytes. */
  readonly #stored = new StoredString(
    this.digest,
    entry => this.#beginKey(entry),
    entry => this.seal(entry),
  )
  /** What else it left. */
  readonly #unlike = new PassingVisitor(entry => {
    if (entry.elements === 0 && isCollection(entry.type) && entry.type !== 'stream') this.empty()
    else this.#unlikeAny(entry)
  })

  protected override digested(entry: Entry): void {
    const {out} = this.digest
    const payload = this.#payload
    for (let i = 0; i < DIGEST_WORDS; i++) payload[i] = out[2 + i]!
    if (this.meaning.expiry === 'fields') {
      splitInt64(entry.expireAtMs, this.#halves)
      if (entry.expireAtMs === NEVER) Object.assign(this.#halves, NEVER_HALVES)
      payload[DIGEST_WORDS] = this.#halves.high
      payload[DIGEST_WORDS + 1] = this.#halves.low
    }
    this.#add(out[0]!, out[1]!, entry)
  }

  #add(high: number, low: number, entry: Entry): void {
    const {side, index, counts} = this.options
    const place = this.#place
    const marked = this.chosen ? place : UNCHOSEN + place
    index.addPrint(high, low, side === 0 ? marked : SECOND_SIDE + marked, this.#payload, 0)
    if (!this.chosen) return
    this.keys++
    counts.has(side, this.dbOf(entry), VALUE_TYPES.indexOf(entry.type), 1)
  }

  protected override empty(): void {
    if (this.chosen) this.facts.empty++
  }

  function(source: Uint8Array): void {
    this.#libraryBytes += source.length
    if (this.#libraryBytes > limits.listBytesMax) {
      throw new LimitError('listBytesMax', limits.listBytesMax, this.#libraryBytes, 0, 'libraries of functions')
    }
    this.facts.libraries.set(libraryName(source), source)
  }

  functionPreGa(name: Uint8Array, engine: Uint8Array, code: Uint8Array): void {
    this.function(libraryOf(name, engine, code))
  }

  moduleAux({module, version, when, payload}: ModuleAux): void {
    const {moduleAux} = this.facts
    if (moduleAux.size >= limits.namesMax) return
    const name = `${module} ${when}`
    const hash = createHash('sha256')
      .update(`${moduleAux.get(name) ?? ''} ${version} `)
      .update(payload)
    moduleAux.set(name, hash.digest('hex'))
  }

  problem(problem: Problem): void {
    this.options.onProblem(problem)
  }

  override drain(): Promise<void> | undefined {
    return this.options.drain?.()
  }
}

/** Digests a string by its stored bytes. */
class StoredString extends ValueVisitor {
  override readonly depth = 'raw'

  constructor(
    readonly digest: Digest,
    readonly beginKey: (entry: Entry) => void,
    readonly seal: (entry: Entry) => void,
  ) {
    super()
  }

  override begin(entry: Entry): void {
    this.beginKey(entry)
    this.digest.beginStored(entry.typeId)
  }

  override chunk(bytes: Uint8Array, start: number, end: number): void {
    this.digest.storedPiece(bytes, start, end)
  }

  override end(entry: Entry): void {
    this.digest.endStored()
    this.seal(entry)
  }
}

/** Passes over a value, and tells of its end. */
class PassingVisitor extends ValueVisitor {
  override readonly depth = 'skip'

  constructor(readonly passed: (entry: Entry) => void) {
    super()
  }

  override end(entry: Entry): void {
    this.passed(entry)
  }
}

/** By type byte: the number of its type among VALUE_TYPES. */
const TYPE_NUMBERS = Array.from({length: 32}, (_, typeId) =>
  VALUE_TYPES.indexOf(typesOf('redis')[typeId]?.[0] as ValueType),
)

/** Stand for no expiry: the earliest moment there is, which no server sets (src/kernels/digest-records.ts has it too). */
export const NEVER_HALVES = {high: -(2 ** 31), low: 0} as const

/** A library in the form of release candidates, as servers take it. */
export function libraryOf(name: Uint8Array, engine: Uint8Array, code: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from('#!'), engine, Buffer.from(' name='), name, Buffer.from('\n'), code])
}
