/**
 * A ziplist as servers look at it: redis 7.0 walks it with care, since it makes
 * a listpack of it; 6.2 looks at its ends; 6.0 walks it, where it must, into
 * whatever lies behind it (ziplist.c of each).
 */
import {formatInt64, readUint32le} from '../../bytes/int64.js'
import type {LentBytes} from '../../bytes/lent.js'

const HEADER_BYTES = 10
const END = 0xff
const BIG_PREVIOUS = 0xfe
const COUNT_UNKNOWN = 0xffff

/** Behind the last entry. */
export const NO_ENTRY = -1
/** The server stops at an encoding that is none. */
export const BROKEN = -2
/** Behind the ziplist, where nobody knows what is there. */
export const BEYOND = -3

export class ServerZiplist {
  bytes: Uint8Array = new Uint8Array(0)
  start = 0
  end = 0
  /** Of the entry looked at last: where its encoding stands, and bytes of that and of its data. */
  #encodingAt = 0
  #encodingBytes = 0
  #dataBytes = 0

  /** Looks at bytes[start, end); false where its ends are not a ziplist's. */
  open({bytes, start, end}: LentBytes): boolean {
    this.bytes = bytes
    this.start = start
    this.end = end
    const size = end - start
    if (size <= HEADER_BYTES || readUint32le(bytes, start) !== size || bytes[end - 1] !== END) return false
    return readUint32le(bytes, start + 4) < size
  }

  get claimed(): number {
    return this.bytes[this.start + 8]! | (this.bytes[this.start + 9]! << 8)
  }

  /** The header itself lies within the bytes. */
  get hasHeader(): boolean {
    return this.end - this.start >= HEADER_BYTES
  }

  /** Whether every entry is sound, as many as the header says; `each` may say that one is not. */
  walked(each: (p: number, index: number) => boolean): boolean {
    const {bytes, start} = this
    const last = this.end - 1
    const from = start + HEADER_BYTES
    let p = from
    let count = 0
    let before = 0
    let previous = -1
    while (bytes[p] !== END) {
      const head = bytes[p]! < BIG_PREVIOUS ? 1 : 5
      if (p + head > last || !this.#encoded(p + head) || p + head + this.#encodingBytes > last) return false
      const after = p + head + this.#encodingBytes + this.#dataLength()
      const claimed = head === 1 ? bytes[p]! : readUint32le(bytes, p + 1)
      if (after > last || p - claimed < from || claimed !== before) return false
      if (!each(p, count)) return false
      before = after - p
      previous = p
      p = after
      count++
    }
    if (p !== last || (previous >= 0 && previous !== start + readUint32le(bytes, start + 4))) return false
    return this.claimed === COUNT_UNKNOWN || this.claimed === count
  }

  /** As redis 6.0 counts. */
  length(): number {
    if (!this.hasHeader) return BEYOND
    if (this.claimed !== COUNT_UNKNOWN) return this.claimed
    let count = 0
    let p = this.first()
    for (; p >= 0; p = this.next(p)) count++
    return p === NO_ENTRY ? count : p
  }

  /** The first entry as redis 6.0 finds it. */
  first(): number {
    return this.#at(this.start + HEADER_BYTES)
  }

  /** The one behind, found as blindly. */
  next(p: number): number {
    const at = this.bytes[p]! < BIG_PREVIOUS ? p + 1 : p + 5
    if (at >= this.end) return BEYOND
    if (!this.#encoded(at)) return BROKEN
    if (at + this.#encodingBytes > this.end) return BEYOND
    return this.#at(at + this.#encodingBytes + this.#dataLength())
  }

  /** Whether the entry at p lies within the bytes; else BROKEN or BEYOND. */
  whole(p: number): number {
    const at = this.bytes[p]! < BIG_PREVIOUS ? p + 1 : p + 5
    if (at >= this.end) return BEYOND
    if (!this.#encoded(at)) return BROKEN
    if (at + this.#encodingBytes > this.end) return BEYOND
    return at + this.#encodingBytes + this.#dataLength() > this.end ? BEYOND : p
  }

  /** Lends the entry at p, which is whole, as text. */
  text(p: number, into: LentBytes): void {
    const {bytes} = this
    const at = bytes[p]! < BIG_PREVIOUS ? p + 1 : p + 5
    this.#encoded(at)
    const data = at + this.#encodingBytes
    const encoding = bytes[at]!
    if (encoding < 0xc0) {
      into.lend(bytes, data, data + this.#dataLength())
      return
    }
    let high: number
    let low: number
    if (encoding === 0xe0) {
      low = readUint32le(bytes, data)
      high = readUint32le(bytes, data + 4) | 0
    } else {
      low = this.#small(encoding, data)
      high = low >> 31
    }
    into.lend(into.digits, 0, formatInt64(high, low >>> 0, into.digits, 0))
  }

  #small(encoding: number, data: number): number {
    const {bytes} = this
    switch (encoding) {
      case 0xc0:
        return ((bytes[data]! | (bytes[data + 1]! << 8)) << 16) >> 16
      case 0xd0:
        return readUint32le(bytes, data) | 0
      case 0xf0:
        return ((bytes[data]! | (bytes[data + 1]! << 8) | (bytes[data + 2]! << 16)) << 8) >> 8
      case 0xfe:
        return (bytes[data]! << 24) >> 24
      default:
        return (encoding & 0x0f) - 1
    }
  }

  #at(p: number): number {
    if (p >= this.end) return BEYOND
    return this.bytes[p] === END ? NO_ENTRY : p
  }

  /** Looks at the encoding that stands there; false where it is none. */
  #encoded(at: number): boolean {
    const first = this.bytes[at]!
    this.#encodingAt = at
    this.#dataBytes = -1
    this.#encodingBytes = 1
    if (first < 0x40) this.#dataBytes = first
    else if (first < 0x80) this.#encodingBytes = 2
    else if (first < 0xc0) this.#encodingBytes = 5
    else if (first === 0xc0) this.#dataBytes = 2
    else if (first === 0xd0) this.#dataBytes = 4
    else if (first === 0xe0) this.#dataBytes = 8
    else if (first === 0xf0) this.#dataBytes = 3
    else if (first === 0xfe) this.#dataBytes = 1
    else if (first > 0xf0 && first < 0xfe) this.#dataBytes = 0
    else return false
    return true
  }

  #dataLength(): number {
    if (this.#dataBytes >= 0) return this.#dataBytes
    const {bytes} = this
    const at = this.#encodingAt
    if (this.#encodingBytes === 2) return ((bytes[at]! & 0x3f) << 8) | bytes[at + 1]!
    return bytes[at + 1]! * 2 ** 24 + ((bytes[at + 2]! << 16) | (bytes[at + 3]! << 8) | bytes[at + 4]!)
  }
}
