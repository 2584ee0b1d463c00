/**
 * Entries that are handed out one at a time, for library users. What they hold
 * is theirs: copies, not lent bytes.
 */
import type {Int64} from '../bytes/int64.js'
import {UsageError} from '../errors.js'
import type {Entry, ValueType} from '../keyspace/entry.js'
import {SKIP, type ValueVisitor} from '../keyspace/visitor.js'
import {ElementVisitor, type RdbElement} from './elements.js'
import {ChunkVisitor, type Gathering} from './gathering.js'

/** What `collect` does not hold: no element is larger, no sum of them either. */
const COLLECT_BYTES_MAX = 64 * 1024 * 1024

/** Reads the present value for a visitor: yields after every window, true when it is complete. */
export type ReadValue = (visitor: ValueVisitor) => AsyncGenerator<boolean>

export class RdbEntry {
  readonly db: number
  readonly key: Uint8Array
  readonly type: ValueType
  /** The type byte as stored. */
  readonly typeId: number
  /** How the value is stored, such as `listpack`; of a string `raw`, `int` or `lzf`. */
  readonly encoding: string
  /** Absolute, in milliseconds since 1970; Infinity where there is none. */
  readonly expireAtMs: Int64
  /** -1 where absent. */
  readonly idleSeconds: number
  /** -1 where absent. */
  readonly frequency: number
  /** The raw KEY_META record (redis 8.6), or nothing. */
  readonly keyMeta: Uint8Array | undefined
  /** Dragonfly's per-key flags, -1 where absent. */
  readonly dragonflyMask: number
  /** Where the record begins in the (unpacked) input. */
  readonly offset: number
  readonly value: RdbValue

  constructor(entry: Entry, read: ReadValue) {
    this.db = entry.db
    this.key = entry.key()
    this.type = entry.type
    this.typeId = entry.typeId
    this.encoding = entry.encoding
    this.expireAtMs = entry.expireAtMs
    this.idleSeconds = entry.idleSeconds
    this.frequency = entry.frequency
    this.keyMeta = entry.keyMeta
    this.dragonflyMask = entry.dragonflyMask
    this.offset = entry.offset
    this.value = new RdbValue(entry.type, read)
  }
}

/** A value, readable once, before the next entry is asked for. */
export class RdbValue {
  #done = false
  #begun = false
  readonly #readValue: ReadValue

  constructor(
    readonly type: ValueType,
    read: ReadValue,
  ) {
    this.#readValue = read
  }

  /** The value has been read to its end, or passed over. */
  get done(): boolean {
    return this.#done
  }

  /** Reading has begun: it cannot begin again. */
  get begun(): boolean {
    return this.#begun
  }

  /** Shows the value to a visitor, at the depth it asks for. */
  async visit(visitor: ValueVisitor): Promise<void> {
    for await (const complete of this.#read(visitor)) if (!complete) await visitor.drain()
  }

  async skip(): Promise<void> {
    if (this.#done) return
    await this.visit(SKIP)
  }

  /**
   * Everything that the value holds, in stored order: the elements of a collection; of a stream its live entries, then
   * its groups with all that is pending; of a module value its items. Only what is no content is left out: how it is
   * packed, and deleted stream entries (`raw()` has them).
   */
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

  /**
   * The whole value in memory: the bytes of a string, of any other type what `elements()` hands out. LimitError when its
   * bytes exceed `bytesMax` (64 MiB unless told).
   */
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
    if (this.#begun) throw new UsageError('a value can be read once, before the next entry is asked for')
    this.#begun = true
    for await (const complete of this.#readValue(visitor)) {
      this.#done = complete
      yield complete
    }
  }
}
