/**
 * Entries that are handed out one at a time, for library users. What they hold
 * is theirs: copies, not lent bytes.
 */
import type {Int64} from '../bytes/int64.js'
import {STREAM_ID_BYTES} from '../encoding/stream-id.js'
import {LimitError, UsageError} from '../errors.js'
import type {Entry, ValueType} from '../keyspace/entry.js'
import {type Depth, SKIP, ValueVisitor} from '../keyspace/visitor.js'

/** One element of a value: which members it has depends on the type. */
export type RdbElement =
  | {kind: 'item'; value: Uint8Array}
  | {kind: 'member'; member: Uint8Array}
  | {kind: 'scored'; member: Uint8Array; score: number}
  | {kind: 'field'; field: Uint8Array; value: Uint8Array; expireAtMs: Int64}
  | {kind: 'indexed'; index: Int64; value: Uint8Array}
  | {kind: 'streamEntry'; id: string; fields: [field: Uint8Array, value: Uint8Array][]}

/** What `collect` does not hold: no element is larger, no sum of them either. */
const COLLECT_BYTES_MAX = 64 * 1024 * 1024

/** Reads the present value for a visitor: yields after every window, true when it is complete. */
export type ReadValue = (visitor: ValueVisitor) => AsyncGenerator<boolean>

export class RdbEntry {
  readonly db: number
  readonly key: Uint8Array
  readonly type: ValueType
  /** How the value is stored, by the type byte. */
  readonly encoding: string
  /** Absolute, in milliseconds since 1970; Infinity where there is none. */
  readonly expireAtMs: Int64
  /** -1 where absent. */
  readonly idleSeconds: number
  /** -1 where absent. */
  readonly frequency: number
  /** Where the record begins in the (unpacked) input. */
  readonly offset: number
  readonly value: RdbValue

  constructor(entry: Entry, read: ReadValue) {
    this.db = entry.db
    this.key = entry.key()
    this.type = entry.type
    this.encoding = entry.encoding
    this.expireAtMs = entry.expireAtMs
    this.idleSeconds = entry.idleSeconds
    this.frequency = entry.frequency
    this.offset = entry.offset
    this.value = new RdbValue(entry.type, read)
  }
}

/** A value, readable once, before the next entry is asked for. */
export class RdbValue {
  /** The value has been read to its end, or passed over. */
  done = false
  /** Reading has begun: it cannot begin again. */
  begun = false

  constructor(
    readonly type: ValueType,
    private readonly read: ReadValue,
  ) {}

  /** Shows the value to a visitor, at the depth it asks for. */
  async visit(visitor: ValueVisitor): Promise<void> {
    for await (const complete of this.#read(visitor)) if (!complete) await visitor.drain()
  }

  async skip(): Promise<void> {
    if (this.done) return
    await this.visit(SKIP)
  }

  /** The elements of a collection, in stored order; deleted stream entries are left out. */
  async *elements(): AsyncGenerator<RdbElement> {
    if (this.type === 'string') throw new UsageError('a string has no elements: read it with chunks() or collect()')
    const gathered = new ElementVisitor()
    for await (const _ of this.#read(gathered)) yield* gathered.take()
  }

  /** The bytes of a string, in pieces. */
  async *chunks(): AsyncGenerator<Uint8Array> {
    if (this.type !== 'string') throw new UsageError(`a ${this.type} has no chunks: read it with elements()`)
    const gathered = new ChunkVisitor('elements')
    for await (const _ of this.#read(gathered)) yield* gathered.take()
  }

  /** The value as stored, after type byte and key, in pieces: what a DUMP payload holds between type and footer. */
  async *raw(): AsyncGenerator<Uint8Array> {
    const gathered = new ChunkVisitor('raw')
    for await (const _ of this.#read(gathered)) yield* gathered.take()
  }

  /** The whole value in memory. LimitError when its bytes exceed `bytesMax` (64 MiB unless told). */
  async collect(options: {bytesMax?: number | undefined} = {}): Promise<Uint8Array | RdbElement[]> {
    const bytesMax = options.bytesMax ?? COLLECT_BYTES_MAX
    if (this.type === 'string') return Buffer.concat(await this.#gather(new ChunkVisitor('elements', bytesMax)))
    return this.#gather(new ElementVisitor(bytesMax))
  }

  async #gather<T>(gathered: Gathering<T>): Promise<T[]> {
    for await (const _ of this.#read(gathered)) gathered.check()
    return gathered.take()
  }

  async *#read(visitor: ValueVisitor): AsyncGenerator<boolean> {
    if (this.begun) throw new UsageError('a value can be read once, before the next entry is asked for')
    this.begun = true
    for await (const complete of this.read(visitor)) {
      this.done = complete
      yield complete
    }
  }
}

/** Gathers copies of what it is shown, within a bound: what lies beyond is counted and let go. */
abstract class Gathering<T> extends ValueVisitor {
  #gathered: T[] = []
  #bytes = 0
  #offset = 0

  constructor(readonly bytesMax: number) {
    super()
  }

  take(): T[] {
    const gathered = this.#gathered
    this.#gathered = []
    return gathered
  }

  override begin(entry: Entry): void {
    this.#offset = entry.valueOffset
  }

  /** Between windows, so that the value can be passed over by whoever catches the error. */
  check(): void {
    if (this.#bytes > this.bytesMax) throw new LimitError('bytesMax', this.bytesMax, this.#bytes, this.#offset)
  }

  /** Counts bytes; false where they are too many to keep. */
  protected takes(bytes: number): boolean {
    this.#bytes += bytes
    if (this.#bytes <= this.bytesMax) return true
    this.#gathered = []
    return false
  }

  protected keep(element: T): void {
    this.#gathered.push(element)
  }
}

class ChunkVisitor extends Gathering<Uint8Array> {
  constructor(
    readonly depth: Depth,
    bytesMax = Number.POSITIVE_INFINITY,
  ) {
    super(bytesMax)
  }

  override chunk(bytes: Uint8Array, start: number, end: number): void {
    if (end > start && this.takes(end - start)) this.keep(bytes.slice(start, end))
  }
}

class ElementVisitor extends Gathering<RdbElement> {
  override readonly depth = 'elements'
  #entry: [Uint8Array, Uint8Array][] = []

  constructor(bytesMax = Number.POSITIVE_INFINITY) {
    super(bytesMax)
  }

  override item(bytes: Uint8Array, start: number, end: number): void {
    if (this.takes(end - start)) this.keep({kind: 'item', value: bytes.slice(start, end)})
  }

  override member(bytes: Uint8Array, start: number, end: number): void {
    if (this.takes(end - start)) this.keep({kind: 'member', member: bytes.slice(start, end)})
  }

  override scored(bytes: Uint8Array, start: number, end: number, score: number): void {
    if (this.takes(end - start)) this.keep({kind: 'scored', member: bytes.slice(start, end), score})
  }

  override field(
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    expireAtMs: Int64,
  ): void {
    if (!this.takes(nameEnd - nameStart + valueEnd - valueStart)) return
    const field = name.slice(nameStart, nameEnd)
    this.keep({kind: 'field', field, value: value.slice(valueStart, valueEnd), expireAtMs})
  }

  override indexed(index: Int64, bytes: Uint8Array, start: number, end: number): void {
    if (this.takes(end - start)) this.keep({kind: 'indexed', index, value: bytes.slice(start, end)})
  }

  override streamEntry(id: {toString(): string}): void {
    this.#entry = []
    if (this.takes(STREAM_ID_BYTES)) this.keep({kind: 'streamEntry', id: id.toString(), fields: this.#entry})
  }

  override streamField(
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    if (!this.takes(nameEnd - nameStart + valueEnd - valueStart)) return
    this.#entry.push([name.slice(nameStart, nameEnd), value.slice(valueStart, valueEnd)])
  }
}
