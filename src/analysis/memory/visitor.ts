/**
 * The bytes of memory that a key takes, from a look at every string and node of
 * its value. Packed nodes are not walked: their size is what counts.
 */
import type {Int64} from '../../bytes/int64.js'
import type {StreamId} from '../../encoding/stream-id.js'
import {
  NODE_BYTES_MAX as STREAM_NODE_BYTES_MAX,
  NODE_ENTRIES_MAX as STREAM_NODE_ENTRIES_MAX,
} from '../../encoding/stream-node.js'
import {type Entry, NEVER, NO_TYPE_ID} from '../../keyspace/entry.js'
import {type NodeKind, type StreamConsumer, type StreamGroup, ValueVisitor} from '../../keyspace/visitor.js'
import type {MemoryModel} from './model.js'

/** What an element of a listpack takes besides a short string, and a listpack besides its elements. */
const LISTPACK_ITEM = 2
const LISTPACK_HEAD = 7
/** The defaults of redis 7.0; a hash or a sorted set has two items for each of 128. */
const PACKED_ITEMS_MAX = 256
const PACKED_ITEM_BYTES_MAX = 64
/** Most scores are short numbers; an expiry is an integer of 64 bits. */
const SCORE_BYTES = 4
const EXPIRY_BYTES = 8
/** Flags, ID, number of fields and the length of all: small integers mostly (stream-node.ts). */
const STREAM_ENTRY_BYTES = 12

/** Elements of a value that is not stored anywhere: whoever loads them packs what is small. */
class Unpacked {
  elements = 0
  bytes = 0
  longest = 0

  clear(): void {
    this.elements = this.bytes = this.longest = 0
  }

  add(length: number): void {
    this.elements++
    this.bytes += length + LISTPACK_ITEM
    if (length > this.longest) this.longest = length
  }

  /** One node holds them, under the limits that servers have by default (redis.conf, hash-max-listpack-entries and others). */
  get packable(): boolean {
    return this.elements > 0 && this.elements <= PACKED_ITEMS_MAX && this.longest <= PACKED_ITEM_BYTES_MAX
  }
}

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
  #unpacked = false
  readonly #items = new Unpacked()

  constructor(readonly model: MemoryModel) {
    super()
  }

  override begin(entry?: Entry): void {
    this.#unpacked = entry?.typeId === NO_TYPE_ID
    if (this.#unpacked) this.#items.clear()
    this.#parts = 0
    this.#nodes = 0
    this.#plain = false
    this.#packed = false
    this.#itemBytes = 0
    this.#expiring = 0
  }

  override node(kind: NodeKind, _bytes: Uint8Array, start: number, end: number): void {
    const {model} = this
    this.#nodes++
    if (kind === 'plain') this.#plain = true
    else this.#packed = true
    const converted = kind === 'ziplist' && !model.layout.ziplists ? 4 : 0
    this.#parts += model.packed(end - start - converted)
  }

  override streamNode(_masterId: StreamId, _bytes: Uint8Array, start: number, end: number): void {
    this.#nodes++
    this.#parts += this.model.packed(end - start)
  }

  /** An element of a list that is packed by whoever loads it. */
  override item(_bytes: Uint8Array, start: number, end: number): void {
    this.#itemBytes += end - start
  }

  override member(_bytes: Uint8Array, start: number, end: number): void {
    if (this.#unpacked) this.#items.add(end - start)
    this.#parts += this.model.member(end - start)
  }

  override scored(_bytes: Uint8Array, start: number, end: number): void {
    if (this.#unpacked) {
      this.#items.add(end - start)
      this.#items.add(SCORE_BYTES)
    }
    this.#parts += this.model.scored(end - start)
  }

  override field(
    _name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    _value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    expireAtMs: Int64,
  ): void {
    const expires = expireAtMs !== NEVER
    if (expires) this.#expiring++
    if (this.#unpacked) {
      this.#items.add(nameEnd - nameStart)
      this.#items.add(valueEnd - valueStart)
      if (expires) this.#items.add(EXPIRY_BYTES)
    }
    this.#parts += this.model.field(nameEnd - nameStart, valueEnd - valueStart, expires)
  }

  /** Servers cut entries into nodes as they come. */
  override streamEntry(): void {
    this.#items.add(STREAM_ENTRY_BYTES)
    this.#nodes = Math.ceil(this.#items.elements / STREAM_NODE_ENTRIES_MAX)
  }

  override streamField(
    _name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    _value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    this.#items.bytes += nameEnd - nameStart + valueEnd - valueStart + 2 * LISTPACK_ITEM
  }

  override group({pendingCount}: StreamGroup): void {
    this.#parts += this.model.group(pendingCount)
  }

  override consumer({name, pendingCount}: StreamConsumer): void {
    this.#parts += this.model.consumer(name.length, pendingCount)
  }

  override indexed(_index: Int64, _bytes: Uint8Array, start: number, end: number): void {
    this.#parts += this.model.member(end - start)
  }

  override end(entry: Entry): void {
    const {model} = this
    const keyBytes = entry.keyBytes.end - entry.keyBytes.start
    const expires = entry.expireAtMs !== NEVER
    if (entry.type === 'string') {
      this.bytes = model.string(keyBytes, expires, entry.elements, entry.encoding === 'int')
    } else {
      this.bytes = Math.round(model.shell(keyBytes, expires) + this.#value(entry))
    }
  }

  #value(entry: Entry): number {
    const {model} = this
    const parts = this.#parts
    if (this.#unpacked && this.#items.elements > 0) return this.#unstored(entry)
    switch (entry.type) {
      case 'list':
        return this.#nodes === 0
          ? model.packedList(this.#itemBytes, entry.elements)
          : model.list(this.#nodes, parts, this.#plain)
      case 'set':
        return this.#packed ? parts : model.set(entry.elements, parts)
      case 'zset':
        return this.#packed ? parts : model.zset(entry.elements, parts)
      case 'hash':
        if (this.#packed) return entry.encoding.startsWith('listpackex') ? model.withFieldExpiries(parts) : parts
        return model.hash(entry.elements, parts, this.#expiring)
      case 'stream':
        return model.stream(this.#nodes, parts)
      default:
        // What a module holds nobody else can tell: as much as it stores.
        return entry.type === 'array' ? parts : entry.endOffset - entry.valueOffset
    }
  }

  /** What a server makes of elements that come from no snapshot. */
  #unstored(entry: Entry): number {
    const {model} = this
    const {bytes, packable} = this.#items
    if (entry.type === 'stream') {
      const nodes = Math.max(this.#nodes, Math.ceil(bytes / STREAM_NODE_BYTES_MAX))
      return model.stream(nodes, nodes * model.packed(Math.ceil(bytes / nodes))) + this.#parts
    }
    const expiring = this.#expiring
    if (packable) {
      const packed = model.packed(bytes + LISTPACK_HEAD)
      return expiring > 0 ? model.withFieldExpiries(packed) : packed
    }
    if (entry.type === 'hash') return model.hash(entry.elements, this.#parts, expiring)
    return entry.type === 'set' ? model.set(entry.elements, this.#parts) : model.zset(entry.elements, this.#parts)
  }
}
