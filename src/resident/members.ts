/**
 * The elements of a set, a sorted set, a hash, and what is pending of a stream:
 * byte strings, each with a payload. Few small ones stand packed in one block,
 * as in a server; many in a table.
 *
 *   packed   <bytes: u32> <elements: u32> (<bytes of the member> <bytes of the payload> member payload)*
 *            (packed-length.ts)
 *
 * A handle names an element until elements are added, resized or removed.
 */
import type {Arena} from './arena.js'
import {HEAD_BYTES, placeOf} from './arena.js'
import {ByteTable, copyBytes, RecordPlace} from './byte-table.js'
import {hashOf} from './key-hash.js'
import {LENGTH_MORE, lengthBytes, lengthEnd, putLength, readLength} from './packed-length.js'

const USED = HEAD_BYTES
const COUNT = HEAD_BYTES + 4
const DATA = HEAD_BYTES + 8
/** Of the block, before its elements. */
const PACKED_HEAD_BYTES = 8
const PACKED_BYTES_MAX = 4096
const PACKED_ELEMENTS_MAX = 256
/** A new block has this room. */
const PACKED_BYTES_MIN = 52

/** It is the place of the element that `find`, `first`, `next` or `look` met last. Lent. */
export class Members extends RecordPlace {
  /** Changes whenever all handles do, in a table. */
  get era(): number {
    return this.#table === undefined ? -1 : this.#table.era
  }

  /** The block, where they are packed. */
  #packed = 0
  #table: ByteTable | undefined

  /** Of a block that is there already, or of none. */
  constructor(
    readonly arena: Arena,
    block = 0,
  ) {
    super()
    this.#packed = block
  }

  /** The block that they are packed in; 0 where they are not. */
  get block(): number {
    return this.#packed
  }

  /** Where the element lies that was met last. */
  get at(): RecordPlace {
    return this
  }

  get size(): number {
    if (this.#table !== undefined) return this.#table.size
    if (this.#packed === 0) return 0
    return this.arena.chunk(this.#packed).words[(placeOf(this.#packed) + COUNT) >>> 2]!
  }

  /** In a table, all handles are below this. */
  get limit(): number {
    return this.#table === undefined ? 0 : this.#table.length
  }

  /** Whether elements stand in the order that they were put in, and handles rise with it. */
  get packed(): boolean {
    return this.#table === undefined
  }

  /** The handle of a member; -1 where there is none. `at` is where it lies. */
  find(bytes: Uint8Array, start: number, end: number): number {
    const table = this.#table
    if (table !== undefined) {
      const entry = table.find(bytes, start, end)
      if (entry >= 0) table.place(entry, this.at)
      return entry
    }
    return this.#packed === 0 ? -1 : this.#findPacked(bytes, start, end)
  }

  /** On locals: most of a replay's time goes by here. */
  #findPacked(bytes: Uint8Array, start: number, end: number): number {
    const {bytes: own, words} = this.arena.chunk(this.#packed)
    const data = placeOf(this.#packed) + DATA
    const stop = data + words[(data - DATA + USED) >>> 2]!
    const length = end - start
    for (let p = data; p < stop; ) {
      const at = p
      let member = own[p++]!
      let payload = own[p++]!
      if (member >= LENGTH_MORE || payload >= LENGTH_MORE) {
        this.#lookPacked(at - data)
        p = this.start
        member = this.end - p
        payload = this.payloadEnd - this.end
      }
      if (member === length) {
        let i = 0
        while (i < length && own[p + i] === bytes[start + i]) i++
        if (i === length) {
          this.bytes = own
          this.start = p
          this.end = p + member
          this.payloadEnd = this.end + payload
          return at - data
        }
      }
      p += member + payload
    }
    return -1
  }

  /** The first element; -1 where there is none. */
  first(): number {
    if (this.#table !== undefined) return this.#lookOn(0)
    return this.#packed === 0 ? -1 : this.#lookPacked(0)
  }

  /** The element behind another. */
  next(handle: number): number {
    if (this.#table !== undefined) return this.#lookOn(handle + 1)
    this.#lookPacked(handle)
    return this.#behind()
  }

  /** Of packed elements the one behind the one at `at`. */
  #behind(): number {
    return this.#lookPacked(this.at.payloadEnd - placeOf(this.#packed) - DATA)
  }

  /** Sees where an element lies. */
  look(handle: number): void {
    if (this.#table !== undefined) this.#table.place(handle, this.at)
    else this.#lookPacked(handle)
  }

  /** The same, somewhere else than in `at`; of a table only. */
  lookInto(handle: number, place: RecordPlace): void {
    this.#table!.place(handle, place)
  }

  #lookOn(from: number): number {
    const table = this.#table!
    const entry = table.next(from)
    if (entry >= 0) table.place(entry, this.at)
    return entry
  }

  #lookPacked(handle: number): number {
    const {bytes, words} = this.arena.chunk(this.#packed)
    const block = placeOf(this.#packed)
    if (handle >= words[(block + USED) >>> 2]!) return -1
    let p = block + DATA + handle
    let member = bytes[p++]!
    if (member >= LENGTH_MORE) {
      member = readLength(bytes, p - 1)
      p = lengthEnd()
    }
    let payload = bytes[p++]!
    if (payload >= LENGTH_MORE) {
      payload = readLength(bytes, p - 1)
      p = lengthEnd()
    }
    const {at} = this
    at.bytes = bytes
    at.start = p
    at.end = p + member
    at.payloadEnd = p + member + payload
    return handle
  }

  /**
   * Adds a member that is not there, last, or before another where they are packed; returns its handle, and `at` is where
   * it lies: the payload is still to be written.
   */
  add(bytes: Uint8Array, start: number, end: number, payloadBytes: number, before = -1): number {
    if (this.#table === undefined) {
      const handle = this.#addPacked(bytes, start, end, payloadBytes, before)
      if (handle >= 0) return handle
      this.#unpack()
    }
    const table = this.#table!
    const entry = table.add(hashOf(bytes, start, end), bytes, start, end, payloadBytes)
    table.place(entry, this.at)
    return entry
  }

  /** -1: they are too many for this. */
  #addPacked(bytes: Uint8Array, start: number, end: number, payloadBytes: number, before: number): number {
    const member = end - start
    if (member > PACKED_BYTES_MAX || payloadBytes > PACKED_BYTES_MAX) return -1
    const size = lengthBytes(member) + lengthBytes(payloadBytes) + member + payloadBytes
    if (this.#packed === 0) this.#beginPacked(size)
    const block = placeOf(this.#packed)
    const {words} = this.arena.chunk(this.#packed)
    const used = words[(block + USED) >>> 2]!
    const count = words[(block + COUNT) >>> 2]!
    if (count >= PACKED_ELEMENTS_MAX || (used + size > PACKED_BYTES_MAX && count > 0)) return -1
    const handle = before < 0 ? used : before
    const p = this.#gap(handle, 0, size)
    this.#setCount(count + 1)
    const chunk = this.arena.chunk(this.#packed)
    const memberAt = putLength(chunk.bytes, putLength(chunk.bytes, p, member), payloadBytes)
    copyBytes(bytes, start, end, chunk.bytes, memberAt)
    this.#lookPacked(handle)
    return handle
  }

  #beginPacked(size: number): void {
    this.#packed = this.arena.take(Math.max(PACKED_HEAD_BYTES + size, PACKED_BYTES_MIN))
    const block = placeOf(this.#packed)
    const {words} = this.arena.chunk(this.#packed)
    words[(block + USED) >>> 2] = 0
    words[(block + COUNT) >>> 2] = 0
  }

  #setCount(count: number): void {
    this.arena.chunk(this.#packed).words[(placeOf(this.#packed) + COUNT) >>> 2] = count
  }

  /** Makes `wanted` bytes of the `there` bytes from a place within the elements on; returns where they lie in the chunk. */
  #gap(handle: number, there: number, wanted: number): number {
    const {arena} = this
    let block = placeOf(this.#packed)
    const used = arena.chunk(this.#packed).words[(block + USED) >>> 2]!
    const needed = PACKED_HEAD_BYTES + used - there + wanted
    if (needed > arena.room(this.#packed)) {
      this.#packed = arena.grow(this.#packed, needed + (needed >>> 2), PACKED_HEAD_BYTES + used)
      block = placeOf(this.#packed)
    }
    const chunk = arena.chunk(this.#packed)
    const data = block + DATA
    if (there !== wanted && handle + there < used) {
      chunk.bytes.copyWithin(data + handle + wanted, data + handle + there, data + used)
    }
    chunk.words[(block + USED) >>> 2] = used - there + wanted
    return data + handle
  }

  #unpack(): void {
    const table = new ByteTable(this.arena)
    const {at} = this
    for (let handle = this.first(); handle >= 0; handle = this.next(handle)) {
      const {bytes, start, end, payloadEnd} = at
      table.place(table.add(hashOf(bytes, start, end), bytes, start, end, payloadEnd - end), place)
      copyBytes(bytes, end, payloadEnd, place.bytes, place.end)
    }
    if (this.#packed !== 0) this.arena.free(this.#packed)
    this.#packed = 0
    this.#table = table
  }

  /** Gives the payload another size; `at` is where it lies then, and its content is to be written. Returns the handle anew. */
  resize(handle: number, payloadBytes: number): number {
    if (this.#table !== undefined) {
      this.#table.resize(handle, payloadBytes)
      this.#table.place(handle, this.at)
      return handle
    }
    this.#lookPacked(handle)
    const {at} = this
    const before = at.payloadEnd - at.end
    if (before === payloadBytes) return handle
    const member = at.end - at.start
    const elementBytes = at.payloadEnd - placeOf(this.#packed) - DATA - handle
    const size = lengthBytes(member) + lengthBytes(payloadBytes) + member + payloadBytes
    const block = placeOf(this.#packed)
    const used = this.arena.chunk(this.#packed).words[(block + USED) >>> 2]!
    if (used - elementBytes + size > PACKED_BYTES_MAX && this.size > 1) return this.#unpackAt(handle, payloadBytes)
    // The member stands between the lengths, which may take other room, and the payload.
    const {bytes, start, end} = at
    const kept = bytes.slice(start, end)
    const p = this.#gap(handle, elementBytes, size)
    const chunk = this.arena.chunk(this.#packed)
    const memberAt = putLength(chunk.bytes, putLength(chunk.bytes, p, member), payloadBytes)
    copyBytes(kept, 0, kept.length, chunk.bytes, memberAt)
    this.#lookPacked(handle)
    return handle
  }

  #unpackAt(handle: number, payloadBytes: number): number {
    let number = 0
    for (let one = this.first(); one !== handle; one = this.next(one)) number++
    this.#unpack()
    return this.resize(number, payloadBytes)
  }

  remove(handle: number): void {
    const table = this.#table
    if (table !== undefined) {
      table.remove(handle)
      return
    }
    this.#lookPacked(handle)
    const count = this.size
    this.#gap(handle, this.at.payloadEnd - placeOf(this.#packed) - DATA - handle, 0)
    this.#setCount(count - 1)
  }

  /** Frees everything; there are no elements then. */
  clear(): void {
    if (this.#table !== undefined) this.#table.dispose()
    if (this.#packed !== 0) this.arena.free(this.#packed)
    this.#table = undefined
    this.#packed = 0
  }

  /** While the arena moves its blocks: takes everything along. */
  move(): void {
    if (this.#table !== undefined) this.#table.move()
    if (this.#packed !== 0) this.#packed = this.arena.move(this.#packed)
  }
}

const place = new RecordPlace()
