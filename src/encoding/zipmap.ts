/**
 * zipmap: a small hash in one blob, as redis 2.4 and older kept it.
 *
 *   <count: u8, 254 and more = unknown> <pair> * <ff>
 *
 * pair = <field length> <field> <value length> <free: u8> <value> <free bytes>
 *
 *   length     one byte below 254, else fe + u32le; ff is the end
 *
 * `free` counts unused bytes behind the value, left there by an update. The
 * marker of a long length is 254 (redis 2.8 zipmap.c ZIPMAP_BIGLEN); readers
 * that take it for 253 and big-endian have been seen.
 */

import {readUint32le} from '../bytes/int64.js'
import type {LentBytes} from '../bytes/lent.js'
import {ByteWriter} from '../bytes/writer.js'
import {PACKED_END, PackedWalk} from './packed-walk.js'

const LENGTH_WIDE = 0xfe
/** An empty one: count and end mark. */
export const ZIPMAP_BYTES_MIN = 2

/** Reads the declared count of the zipmap in bytes[start, end), of which one byte suffices; -1 where it does not say. */
export function zipmapCount(bytes: Uint8Array, start: number, end: number): number {
  const count = end > start ? bytes[start]! : LENGTH_WIDE
  return count < LENGTH_WIDE ? count : -1
}

/** Walks the pairs of one zipmap. A FormatError's offset is the blob's own, or exact where `open` was told so. */
export class ZipmapWalker extends PackedWalk {
  /** The length that #passLength read. */
  #length = 0

  constructor() {
    super({
      name: 'zipmap',
      code: 'BAD_ZIPMAP',
      counted: 'fields',
      headerBytes: 1,
      declared: zipmapCount,
      countIndex: 0,
    })
  }

  /** Lends the next field and its value; false at the end. */
  next(field: LentBytes, value: LentBytes): boolean {
    if (this.position >= this.last) return this.finishWalk()
    const fieldStart = this.#passLength(this.position)
    const fieldEnd = fieldStart + this.#length
    const free = this.#passLength(fieldEnd)
    const valueEnd = free + 1 + this.#length
    if (valueEnd > this.last) throw this.overrun(free)
    const next = valueEnd + this.bytes[free]!
    if (next > this.last) throw this.overrun(free)
    this.position = next
    this.seen++
    field.lend(this.bytes, fieldStart, fieldEnd)
    value.lend(this.bytes, free + 1, valueEnd)
    return true
  }

  /** Reads the length at p into #length and returns where it ends. */
  #passLength(p: number): number {
    if (p >= this.last) throw this.overrun(p)
    const first = this.bytes[p]!
    if (first < LENGTH_WIDE) {
      this.#length = first
      return p + 1
    }
    if (first === PACKED_END) throw this.early(p)
    if (p + 5 > this.last) throw this.overrun(p)
    this.#length = readUint32le(this.bytes, p + 1)
    return p + 5
  }
}

/** Builds one zipmap after another in a buffer of its own. */
export class ZipmapBuilder {
  /** Pairs so far. */
  count = 0
  readonly #out = new ByteWriter()

  constructor() {
    this.reset()
  }

  /** Bytes of the blob if it were finished now. */
  get blobBytes(): number {
    return this.#out.length + 1
  }

  /** Starts the next zipmap; what `finish` lent is gone. */
  reset(): void {
    this.count = 0
    this.#out.length = 0
    this.#out.u8(0)
  }

  /** Appends a field and its value, followed by `free` (at most 255) unused bytes. */
  append(
    field: Uint8Array,
    fieldStart: number,
    fieldEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    free = 0,
  ): void {
    const out = this.#out
    this.#length(fieldEnd - fieldStart)
    out.copy(field, fieldStart, fieldEnd)
    this.#length(valueEnd - valueStart)
    out.u8(free)
    out.copy(value, valueStart, valueEnd)
    for (let i = 0; i < free; i++) out.u8(0)
    this.count++
  }

  /** Ends the zipmap and lends it: valid until `reset`, which has to come next. */
  finish(): Uint8Array {
    this.#out.u8(PACKED_END)
    this.#out.bytes[0] = Math.min(this.count, LENGTH_WIDE)
    return this.#out.view()
  }

  #length(length: number): void {
    if (length < LENGTH_WIDE) {
      this.#out.u8(length)
    } else {
      this.#out.u8(LENGTH_WIDE)
      this.#out.u32le(length)
    }
  }
}
