/**
 * What is in a snapshot, counted in one pass without decoding a value: keys and
 * expiries per database, types and encodings, the biggest keys, functions,
 * modules, aux fields.
 */
import {type FormatError, LimitError} from '../errors.js'
import {type Entry, NEVER} from '../keyspace/entry.js'
import type {SourceEnd, SourceFormat, SourceOrigin} from '../keyspace/entry-source.js'
import type {PassedEntries, Passer} from '../keyspace/passer.js'
import {type EntryVisitor, type ModuleAux, type Problem, ValueVisitor} from '../keyspace/visitor.js'
import {limits} from '../limits.js'
import {TYPE_STRING} from '../rdb/opcodes.js'
import {type Producer, producerOf} from '../rdb/producer.js'
import type {ChecksumVerdict} from '../rdb/records.js'
import type {RdbHeader} from '../rdb/versions.js'
import {type BigElement, BiggestElements} from './biggest-elements.js'
import {BiggestKeys, type BigKey} from './inventory-biggest.js'
import {type FunctionLibrary, InventoryFacts, type ModuleCount, type OtherAux, textOf} from './inventory-facts.js'
import {type DatabaseCount, type DatabaseSums, type EncodingCount, Tallies, type Tally} from './inventory-tallies.js'
import {MeasuringVisitor} from './measuring.js'
import {layoutOf, layoutOfProducer} from './memory/layout.js'
import {MemoryModel} from './memory/model.js'
import {KeySpread, type Spread, type SpreadOptions} from './spread.js'
import {Extremes, THRESHOLDS, type Warning, warningsOf} from './warnings.js'

export interface Inventory extends Producer {
  format: SourceFormat
  /** Of an RDB file. */
  header: RdbHeader | undefined
  /** Undefined where the source does not say. */
  rdbVersion: number | undefined
  /** Undefined where the end was not reached. */
  checksum: ChecksumVerdict | undefined
  /** Bytes of the source (of an RDB file without what follows it) read so far; its size once the end was reached. */
  bytes: number
  aux: ReadonlyMap<string, string>
  /** Values of aux fields that are not UTF-8. */
  auxBytes: ReadonlyMap<string, Uint8Array>
  /** Aux fields whose names are not UTF-8. */
  otherAux: readonly OtherAux[]
  keys: number
  /** Keys that the file announces itself, for the databases begun so far (none before redis 3.2); a hint. */
  announcedKeys: number
  expiring: number
  expired: number
  databases: DatabaseCount[]
  /** Of databases beyond limits.databasesMax; undefined where there are none. */
  otherDatabases: DatabaseSums | undefined
  encodings: EncodingCount[]
  biggest: BigKey[]
  /** Collections only. */
  biggestByElements: BigKey[]
  /** Single elements of ELEMENT_BYTES_MIN and more; undefined where nobody asked. */
  biggestElements: BigElement[] | undefined
  /** What the memory of keys was estimated for; undefined where nobody asked, and all of memoryBytes is 0. */
  memory: EstimatedMemory | undefined
  functions: FunctionLibrary[]
  modules: ModuleCount[]
  /** Slots of a cluster that the file has hints for. */
  slots: number
  /** Undefined where nobody asked. */
  spread: Spread | undefined
  /** What the reader met; the first limits.problemsMax. */
  problems: Problem[]
  warnings: Warning[]
}

/** The memory that a server would take for the keys, as a model of it has it. */
export interface EstimatedMemory {
  /** Whose memory: such as redis-7.0. */
  server: string
  /** The model was compared with that server. */
  calibrated: boolean
  /** The server whose model that is, where that of `server` is not known. */
  like?: string | undefined
  /** Of all keys, with the tables of their databases. */
  bytes: number
  /** What other servers would take for the same keys; empty where nobody asked. */
  elsewhere: MemoryElsewhere[]
}

export type MemoryElsewhere = Omit<EstimatedMemory, 'elsewhere'>

/** A source, as far as it was read. */
export interface InventoriedSource extends Pick<Inventory, 'format' | 'header' | 'bytes'> {
  origin: SourceOrigin | undefined
  /** Absent where the reading failed. */
  end: SourceEnd | undefined
}

export interface MemoryOptions {
  /** Named as redis-7.0 or valkey-8.1; absent: the file's own producer. */
  server?: string | undefined
  /** Compare with these, and with the file's own producer where another is asked for and it is known. */
  elsewhere?: readonly string[] | undefined
  /** Keys of an estimated size that it refuses are not counted. */
  takes?: ((memoryBytes: number) => boolean) | undefined
}

export interface InventoryOptions {
  /** Also estimate the memory of keys: values are then looked into. */
  memory?: MemoryOptions | undefined
  /** Also count how keys are spread. */
  spread?: SpreadOptions | undefined
  /** How many of the biggest keys to remember. */
  top: number
  /** Also list the biggest elements, where memory is estimated. */
  elements?: boolean | undefined
  /** The moment that expiries are judged against, in milliseconds since 1970. */
  nowMs: number
}

/** No string that deserves a warning takes less in a file: LZF packs 88 to 1 at best. */
const NOTABLE_BYTES_MAX = 1024 * 1024

const {bigKeyBytes: BIG_BYTES, hugeElements: HUGE_ELEMENTS} = THRESHOLDS

/** Nothing tells who made the source: only an RDB file is expected to say. */
export function isAnonymous({product, serverVersion, format}: Inventory): boolean {
  return format !== 'rdb' && product === 'unknown' && serverVersion === undefined
}

/** Counts every key it is shown; give it to the `run` of any source. */
export class InventoryVisitor extends ValueVisitor implements EntryVisitor {
  override readonly depth = 'skip'
  readonly #tallies = new Tallies()
  /** The tally of the key before: the next often belongs to it too. */
  #tally: Tally | undefined
  readonly #nowMs: number
  readonly #biggest: BiggestKeys
  readonly #extremes = new Extremes()
  readonly #facts = new InventoryFacts()
  readonly #problems: Problem[] = []
  /** Bytes from which a string is looked at more closely. */
  #notableBytes = 0
  #dragonfly = false
  #announcedKeys = 0
  readonly #estimating: boolean
  /** Made for the first key: what comes before tells whose memory is estimated. */
  #memory: MeasuringVisitor | undefined
  readonly #elements: BiggestElements | undefined
  /** What was counted of the keys' spread; absent where nobody asked. */
  readonly spread: KeySpread | undefined
  /** There where nothing but sums is asked for. */
  readonly passer: Passer | undefined
  /** There only where values are looked into: damage inside of them must not end a count that needs none of it. */
  readonly damage?: NonNullable<EntryVisitor['damage']>

  /** `origin` is asked for with the first key, where memory is estimated. */
  constructor(
    readonly options: InventoryOptions,
    readonly origin?: () => SourceOrigin | undefined,
  ) {
    super()
    this.#nowMs = options.nowMs
    this.#estimating = options.memory !== undefined
    this.#biggest = new BiggestKeys(options.top)
    if (this.#estimating && options.elements === true) this.#elements = new BiggestElements(options.top)
    this.spread = options.spread === undefined ? undefined : new KeySpread(options.spread)
    if (!this.#estimating && this.spread === undefined) {
      this.passer = {
        deep: false,
        types: -1,
        bytesEnd: 0,
        elementsEnd: 0,
        nowMs: this.#nowMs,
        add: sums => this.addPassed(sums),
      }
    }
    if (options.memory !== undefined) {
      // A name that nobody knows is refused before anything is read.
      for (const name of [options.memory.server ?? [], options.memory.elsewhere ?? []].flat()) layoutOf(name)
      this.damage = error => this.#unseen(error)
    }
  }

  entry(entry: Entry): ValueVisitor {
    return this.#estimating ? this.#visitorOf(entry) : this
  }

  #visitorOf({type}: Entry): ValueVisitor {
    this.#memory ??= new MeasuringVisitor(this.#models(this.options.memory!), this.#elements, one => this.end(one))
    // Of these, what the reader tells at any depth is enough.
    return type === 'string' || type === 'module' || type === 'cron' ? this : this.#memory
  }

  override end(entry: Entry): void {
    const bytes = entry.endOffset - entry.offset
    let memoryBytes = 0
    if (this.#estimating) {
      memoryBytes = this.#memory!.measure(entry)
      if (this.options.memory?.takes?.(memoryBytes) === false) return
      this.#memory!.count()
    }
    // Counted here and not by a call: that alone took 2 ns of a key's 43.
    let tally = this.#tally
    if (
      tally === undefined ||
      tally.encoding !== entry.encoding ||
      tally.typeId !== entry.typeId ||
      tally.type !== entry.type ||
      tally.db !== entry.db
    ) {
      tally = this.#tally = this.#tallies.of(entry)
    }
    tally.keys++
    tally.elements += entry.elements
    tally.rdbBytes += bytes
    if (memoryBytes > 0) tally.memoryBytes += memoryBytes
    if (entry.expireAtMs !== NEVER) {
      tally.expiring++
      // At its very moment a key still is (redis 7.0 db.c keyIsExpired).
      if (entry.expireAtMs < this.#nowMs) tally.expired++
    }
    // A string that is neither large nor estimated has nothing more to tell: most keys of many files are one.
    if (bytes >= this.#notableBytes || memoryBytes > 0 || entry.typeId !== TYPE_STRING) {
      this.#note(entry, bytes, memoryBytes)
    }
    if (this.spread !== undefined) this.spread.add(entry, bytes, memoryBytes)
    if (entry.dragonflyMask >= 0) this.#dragonfly = true
  }

  /** Counts entries that were passed over. */
  addPassed(sums: PassedEntries): void {
    const tally = this.#tallies.of(sums)
    tally.keys += sums.keys
    tally.elements += sums.elements
    tally.rdbBytes += sums.bytes
    tally.expiring += sums.expiring
    tally.expired += sums.expired
  }

  /** Part of a value could not be looked into. */
  #unseen(error: FormatError | LimitError): void {
    const {code, offset, message, place} = error
    const severity = error instanceof LimitError ? 'warning' : 'error'
    this.problem({code, severity, offset, text: message, ...place})
    if (this.#memory !== undefined) this.#memory.partly = true
  }

  /** What may be among the biggest, or worth a warning, or is a module's. */
  #note(entry: Entry, bytes: number, memoryBytes: number): void {
    const biggest = this.#biggest
    if ((memoryBytes > 0 ? memoryBytes : bytes) >= biggest.sizeMin) biggest.addBySize(entry, bytes, memoryBytes)
    this.#notableBytes = Math.min(biggest.sizeMin, NOTABLE_BYTES_MAX)
    if (entry.typeId !== TYPE_STRING && entry.elements >= biggest.elementsMin) {
      biggest.addByElements(entry, bytes, memoryBytes)
    }
    if (this.passer !== undefined) {
      this.passer.bytesEnd = this.#notableBytes
      this.passer.elementsEnd = Math.min(biggest.elementsMin, HUGE_ELEMENTS)
    }
    if (bytes >= BIG_BYTES || entry.elements >= HUGE_ELEMENTS) this.#extremes.add(entry, bytes)
    if (entry.type === 'module') this.#facts.addModule(entry.module, entry.moduleVersion, 1, bytes)
  }

  aux(name: string, value: Uint8Array, nameBytes?: Uint8Array): void {
    this.#facts.addAux(name, value, nameBytes)
  }

  function(source: Uint8Array): void {
    this.#facts.addFunction(source)
  }

  functionPreGa(name: Uint8Array, engine: Uint8Array, code: Uint8Array): void {
    this.#facts.addLibrary({name: textOf(name), engine: textOf(engine), bytes: code.length})
  }

  moduleAux(aux: ModuleAux): void {
    this.#facts.addModuleAux(aux)
  }

  resizeDb(_db: number, keys: number): void {
    this.#announcedKeys += keys
  }

  slotInfo(info: {slot: number}): void {
    this.#facts.addSlot(info.slot)
  }

  problem(problem: Problem): void {
    if (this.#problems.length >= limits.problemsMax) return
    // A wrong checksum comes here only where whoever asked wants to go on: elsewhere it ends the reading.
    this.#problems.push(problem.code === 'BAD_CHECKSUM' ? {...problem, severity: 'warning'} : problem)
  }

  /** The sums so far of an RDB file. `end` is absent where the reading failed. */
  result(header: RdbHeader, bytes: number, end: (SourceEnd & {bytes: number}) | undefined): Inventory {
    return this.resultOf({format: 'rdb', header, origin: header, bytes: end?.bytes ?? bytes, end})
  }

  /** The same of any source. */
  resultOf({format, header, origin, bytes, end}: InventoriedSource): Inventory {
    const facts = this.#facts
    const {databases, otherDatabases} = this.#databases()
    const all: (DatabaseSums & {db?: number})[] =
      otherDatabases === undefined ? databases : [...databases, otherDatabases]
    const sum = (what: keyof DatabaseSums): number => all.reduce((total, database) => total + database[what], 0)
    const sums = {
      keys: sum('keys'),
      expiring: sum('expiring'),
      expired: sum('expired'),
      databases,
      otherDatabases,
      spread: this.spread?.result(),
    }
    return {
      ...this.#producer(origin),
      format,
      header,
      rdbVersion: origin?.rdbVersion,
      checksum: end?.checksum,
      bytes,
      aux: facts.aux,
      auxBytes: facts.auxBytes,
      otherAux: facts.otherAux,
      announcedKeys: this.#announcedKeys,
      ...sums,
      encodings: this.#tallies.encodings(),
      biggest: this.#biggest.bySize(),
      biggestByElements: this.#biggest.byElements(),
      biggestElements: this.#elements?.sorted(),
      memory: this.#estimate(origin, sum('memoryBytes'), all),
      functions: facts.functions,
      modules: facts.modules(),
      slots: facts.slots,
      problems: this.#problems,
      warnings: warningsOf(sums, this.#extremes),
    }
  }

  /** With the tables that hold their keys. */
  #databases(): Pick<Inventory, 'databases' | 'otherDatabases'> {
    const model = this.#memory?.models[0]
    const whole = <Row extends DatabaseSums & {db?: number}>(row: Row): Row =>
      model === undefined
        ? row
        : {...row, memoryBytes: row.memoryBytes + model.databaseBytes(row.keys, row.expiring, row.db)}
    const others = this.#tallies.others()
    return {
      databases: this.#tallies.databases().map(whole),
      otherDatabases: others === undefined ? undefined : whole(others),
    }
  }

  #estimate(
    origin: SourceOrigin | undefined,
    bytes: number,
    databases: readonly (DatabaseSums & {db?: number})[],
  ): EstimatedMemory | undefined {
    const {memory} = this.options
    if (memory === undefined) return undefined
    const [model, ...others] = this.#memory?.models ?? this.#models(memory, origin)
    const tables = (one: MemoryModel): number =>
      databases.reduce((sum, {keys, expiring, db}) => sum + one.databaseBytes(keys, expiring, db), 0)
    const elsewhere = others.map((one, at) => ({
      ...nameOf(one),
      bytes: (this.#memory?.sum(at + 1) ?? 0) + tables(one),
    }))
    return {...nameOf(model), bytes, elsewhere}
  }

  #producer(origin: SourceOrigin | undefined): Producer {
    return producerOf(origin, this.#facts.aux, this.#dragonfly)
  }

  /** That of the server asked for, then those it is compared with. */
  #models({server, elsewhere}: MemoryOptions, origin = this.origin?.()): [MemoryModel, ...MemoryModel[]] {
    const {product, serverVersion} = this.#producer(origin)
    const own = layoutOfProducer(product, serverVersion, origin?.rdbVersion)
    const first = server === undefined ? own : layoutOf(server)
    const others = (elsewhere ?? []).map(name => layoutOf(name))
    if (elsewhere !== undefined && serverVersion !== undefined && product !== 'unknown') others.push(own)
    const names = new Set([first.name])
    const apart = others.filter(({name}) => !names.has(name) && names.add(name))
    return [new MemoryModel(first), ...apart.map(layout => new MemoryModel(layout))]
  }
}

function nameOf({layout}: MemoryModel): Pick<EstimatedMemory, 'server' | 'calibrated' | 'like'> {
  const {name: server, calibrated, like} = layout
  return {server, calibrated, ...(like === undefined ? {} : {like})}
}
