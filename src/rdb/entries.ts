/**
 * Entries that are handed out one at a time, for library users. What they hold
 * is theirs: copies, not lent bytes.
 */
import type {Int64} from '../bytes/int64.js'
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
  /** The value has been read, or passed over. */
  done = false
  #begun = false

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
    if (this.type === 'string') {
      const chunks = new ChunkVisitor('elements', bytesMax)
      await this.visit(chunks)
      return Buffer.concat(chunks.take())
    }
    const gathered = new ElementVisitor(bytesMax)
    await this.visit(gathered)
    return gathered.take()
  }

  async *#read(visitor: ValueVisitor): AsyncGenerator<boolean> {
    if (this.#begun) throw new UsageError('a value can be read once, before the next entry is asked for')
    this.#begun = true
    for await (const complete of this.read(visitor)) {
      this.done = complete
      yield complete
    }
  }
}

/** Gathers copies of what it is shown, within a bound. */
abstract class Gathering<T> extends ValueVisitor {
  #gathered: T[] = []
  #bytes = 0

  constructor(readonly bytesMax: number) {
    super()
  }

  take(): T[] {
    const gathered = this.#gathered
    this.#gathered = []
    return gathered
  }

  protected gather(element: T, bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes > this.bytesMax) throw new LimitError('bytesMax', this.bytesMax, this.#bytes, 0)
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
    if (end > start) this.gather(bytes.slice(start, end), end - start)
  }
}

class ElementVisitor extends Gathering<RdbElement> {
  override readonly depth = 'elements'
  #entry: [Uint8Array, Uint8Array][] = []

  constructor(bytesMax = Number.POSITIVE_INFINITY) {
    super(bytesMax)
  }

  override item(bytes: Uint8Array, start: number, end: number): void {
    this.gather({kind: 'item', value: bytes.slice(start, end)}, end - start)
  }

  override member(bytes: Uint8Array, start: number, end: number): void {
    this.gather({kind: 'member', member: bytes.slice(start, end)}, end - start)
  }

  override scored(bytes: Uint8Array, start: number, end: number, score: number): void {
    this.gather({kind: 'scored', member: bytes.slice(start, end), score}, end - start)
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
    const field = name.slice(nameStart, nameEnd)
    const copy = value.slice(valueStart, valueEnd)
    this.gather({kind: 'field', field, value: copy, expireAtMs}, field.length + copy.length)
  }

  override indexed(index: Int64, bytes: Uint8Array, start: number, end: number): void {
    this.gather({kind: 'indexed', index, value: bytes.slice(start, end)}, end - start)
  }

  override streamEntry(id: {toString(): string}): void {
    this.#entry = []
    this.gather({kind: 'streamEntry', id: id.toString(), fields: this.#entry}, 0)
  }

  override streamField(
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    this.#entry.push([name.slice(nameStart, nameEnd), value.slice(valueStart, valueEnd)])
  }
}
