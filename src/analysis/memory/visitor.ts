/**
 * The bytes of memory that a key takes, from a look at every string and node of
 * its value. Packed nodes are not walked: their size is what counts.
 */
import type {Int64} from '../../bytes/int64.js'
import type {StreamId} from '../../encoding/stream-id.js'
import {type Entry, NEVER} from '../../keyspace/entry.js'
import {type NodeKind, type StreamConsumer, type StreamGroup, ValueVisitor} from '../../keyspace/visitor.js'
import type {MemoryModel} from './model.js'

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

  constructor(readonly model: MemoryModel) {
    super()
  }

  override begin(): void {
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
    this.#parts += this.model.member(end - start)
  }

  override scored(_bytes: Uint8Array, start: number, end: number): void {
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
    this.#parts += this.model.field(nameEnd - nameStart, valueEnd - valueStart, expires)
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
}
