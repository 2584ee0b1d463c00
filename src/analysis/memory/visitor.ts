/**
 * The bytes of memory that a key takes once a server has loaded it, from a look at every string and node of its value.
 * Packed nodes are not walked: their size is what counts.
 */
import type {Int64} from '../../bytes/int64.js'
import {listpackCount} from '../../encoding/listpack.js'
import type {StreamId} from '../../encoding/stream-id.js'
import {
  NODE_BYTES_MAX as STREAM_NODE_BYTES_MAX,
  NODE_ENTRIES_MAX as STREAM_NODE_ENTRIES_MAX,
} from '../../encoding/stream-node.js'
import {INTEGER_TEXT_MAX, isIntegerText} from '../../encoding/string.js'
import {type Entry, NEVER, type ValueType} from '../../keyspace/entry.js'
import {type NodeKind, type StreamConsumer, type StreamGroup, ValueVisitor} from '../../keyspace/visitor.js'
import {ExpiryWindows} from './expiring-fields.js'
import {LISTPACK_BYTES, LISTPACK_ITEM, LoadedElements, ZIPLIST_EXTRA} from './loaded.js'
import {isInteger, type MemoryModel} from './model.js'
import {StreamSize} from './stream-size.js'
import {meanField, meanString, packedList} from './sums.js'

/** Flags, ID, number of fields and the length of all: small integers mostly (stream-node.ts). */
const STREAM_ENTRY_BYTES = 12
/** An expiry and what a listpack adds to it. */
const EXPIRY_ITEM = 10

/** Answer it for an entry; once the value has ended, `bytes` is what the key takes. */
export class MemoryVisitor extends ValueVisitor {
  override readonly depth = 'nodes'
  /** Of the key that ended last. */
  bytes = 0
  /** What has been seen of the value. */
  #parts = 0
  #nodes = 0
  #plain = false
  #packed = false
  #itemBytes = 0
  #expiring = 0
  #streamEntries = 0
  #type: ValueType = 'string'
  readonly #loaded = new LoadedElements()
  readonly #windows = new ExpiryWindows()
  readonly #stream: StreamSize

  constructor(readonly model: MemoryModel) {
    super()
    this.#stream = new StreamSize(model)
  }

  override begin(entry?: Entry, count?: number): void {
    const type = entry?.type ?? this.#type
    this.#type = type
    this.#parts = this.#nodes = this.#itemBytes = this.#expiring = this.#streamEntries = 0
    this.#plain = this.#packed = false
    if (type === 'hash' || type === 'set' || type === 'zset') this.#loaded.begin(this.model.layout, type, count)
    else if (type === 'stream') this.#stream.clear()
    if (this.#windows.count > 0) this.#windows.clear()
  }

  /** A string, to whoever is shown its text. */
  override chunk(bytes: Uint8Array, start: number, end: number): void {
    this.#parts = isIntegerText(bytes, start, end) ? 1 : 0
  }

  override node(kind: NodeKind, bytes: Uint8Array, start: number, end: number): void {
    const {model} = this
    this.#nodes++
    if (kind === 'plain') this.#plain = true
    else this.#packed = true
    if (kind === 'listpack' && this.#type === 'set' && !model.layout.packedSets) this.#unpack(bytes, start, end)
    else this.#parts += model.packed(end - start - (kind === 'ziplist' && !model.layout.ziplists ? ZIPLIST_EXTRA : 0))
  }

  /** A set that this server does not pack. */
  #unpack(bytes: Uint8Array, start: number, end: number): void {
    const count = listpackCount(bytes, start, end)
    const mean = Math.max(1, (end - start - LISTPACK_BYTES) / Math.max(1, count) - LISTPACK_ITEM)
    this.#parts += count * meanString(this.model, mean)
    this.#packed = false
  }

  override streamNode(masterId: StreamId, _bytes: Uint8Array, start: number, end: number): void {
    this.#nodes++
    this.#parts += this.model.packed(end - start)
    this.#stream.node(masterId)
  }

  /** An element of a list that is packed by whoever loads it. */
  override item(_bytes: Uint8Array, start: number, end: number): void {
    this.#itemBytes += end - start
  }

  override member(bytes: Uint8Array, start: number, end: number): void {
    if (this.#loaded.packing) this.#loaded.member(bytes, start, end)
    this.#parts += this.model.member(end - start)
  }

  override scored(bytes: Uint8Array, start: number, end: number, score: number): void {
    if (this.#loaded.packing) this.#loaded.scored(bytes, start, end, score)
    this.#parts += this.model.scored(end - start)
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
    const expires = expireAtMs !== NEVER
    if (expires) {
      this.#expiring++
      if (this.model.layout.fieldExpiry === 'valkey') this.#windows.add(Number(expireAtMs))
    }
    if (this.#loaded.packing) this.#loaded.field(name, nameStart, nameEnd, value, valueStart, valueEnd, expires)
    this.#parts += this.model.field(nameEnd - nameStart, valueEnd - valueStart, expires)
  }

  /** Servers cut entries into nodes as they come. */
  override streamEntry(): void {
    this.#streamEntries++
    this.#itemBytes += STREAM_ENTRY_BYTES + LISTPACK_ITEM
  }

  override streamField(
    _name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    _value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    this.#itemBytes += nameEnd - nameStart + valueEnd - valueStart + 2 * LISTPACK_ITEM
  }

  override group({name}: StreamGroup): void {
    this.#stream.group(name)
  }

  override pending(id: StreamId): void {
    this.#stream.pending(id)
  }

  override consumer({name}: StreamConsumer): void {
    this.#stream.consumer(name)
  }

  override consumerPending(id: StreamId): void {
    this.#stream.consumerPending(id)
  }

  override indexed(_index: Int64, _bytes: Uint8Array, start: number, end: number): void {
    this.#parts += this.model.member(end - start)
  }

  override end(entry: Entry): void {
    const {model} = this
    const keyBytes = entry.keyBytes.end - entry.keyBytes.start
    const expires = entry.expireAtMs !== NEVER
    if (entry.type === 'string') {
      const integer = isInteger(entry) || (this.#parts > 0 && entry.elements <= INTEGER_TEXT_MAX)
      this.bytes = model.string(keyBytes, expires, entry.elements, integer)
      this.#parts = 0
    } else {
      this.bytes = Math.round(model.shell(keyBytes, expires) + this.#value(entry))
    }
  }

  #value(entry: Entry): number {
    const {model} = this
    const parts = this.#parts
    switch (entry.type) {
      case 'list':
        return this.#nodes === 0
          ? packedList(model, this.#itemBytes, entry.elements)
          : model.list(this.#nodes, parts, this.#plain)
      case 'set':
      case 'zset':
        if (this.#packed) return parts
        if (this.#isLoadedPacked) return model.packed(this.#loaded.packedBytes)
        return entry.type === 'set' ? model.set(entry.elements, parts) : model.zset(entry.elements, parts)
      case 'hash':
        return this.#packed ? this.#packedHash(entry) : this.#hash(entry)
      case 'stream':
        return this.#streamEntries > 0 ? this.#streamOfEntries() : this.#stream.bytes(parts)
      default:
        // What a module holds nobody else can tell: as much as it stores.
        return entry.type === 'array' ? parts : entry.endOffset - entry.valueOffset
    }
  }

  get #isLoadedPacked(): boolean {
    return this.#loaded.packing && this.#loaded.elements > 0
  }

  /** A hash that is packed where it comes from. */
  #packedHash({elements, encoding}: Entry): number {
    const {model} = this
    if (!encoding.startsWith('listpackex')) return this.#parts
    const {fieldExpiry} = model.layout
    if (fieldExpiry === 'redis') return model.withFieldExpiries(this.#parts)
    const bytes = Math.max(0, this.#parts - EXPIRY_ITEM * elements)
    if (fieldExpiry === 'none') return model.packed(bytes)
    const mean = Math.max(2, bytes / Math.max(1, elements) - 2 * LISTPACK_ITEM)
    return model.hash(elements, elements * meanField(model, mean + 8), 0)
  }

  #hash({elements}: Entry): number {
    const {model} = this
    const expiring = this.#expiring
    if (this.#isLoadedPacked) {
      const packed = model.packed(this.#loaded.packedBytes)
      return expiring > 0 && model.layout.fieldExpiry === 'redis' ? model.withFieldExpiries(packed) : packed
    }
    const windows = this.#windows.count > 0 ? this.#windows.bytes(model.layout) : 0
    return model.hash(elements, this.#parts, expiring, windows, this.#loaded.packedBefore)
  }

  /** What a server makes of entries that come from no snapshot. */
  #streamOfEntries(): number {
    const {model} = this
    const bytes = this.#itemBytes
    const nodes = Math.max(
      Math.ceil(this.#streamEntries / STREAM_NODE_ENTRIES_MAX),
      Math.ceil(bytes / STREAM_NODE_BYTES_MAX),
    )
    return this.#stream.bytes(nodes * model.packed(Math.ceil(bytes / nodes)), nodes)
  }
}
