/**
 * ziplist: strings and integers in one blob, as servers before 7.0 wrote them.
 *
 *   <zlbytes: u32le> <zltail: u32le> <zllen: u16le, 65535 = unknown> <entry> * <ff>
 *
 * zltail is where the last entry begins, 10 in an empty ziplist.
 * entry = <prevlen> <encoding and data>
 *
 *   prevlen    bytes of the whole entry before, 0 for the first:
 *              one byte below 254, else fe + u32le (small values may use it too)
 *
 *   00xxxxxx <data>                   string of 0 … 63 bytes
 *   01xxxxxx yyyyyyyy <data>          string of 0 … 16383 bytes, length big-endian
 *   10------ <length: u32be> <data>   string
 *   11000000 <i16le>   11010000 <i32le>   11100000 <i64le>
 *   11110000 <i24le>   11111110 <i8>      (redis 2.6)
 *   1111xxxx                          x = 1 … 13: integer x - 1 (redis 2.6)
 *   11111111                          end
 */
import {
  type Halves,
  type Int64,
  parseInt64,
  readSignedLe,
  readUint32le,
  SMALL_TEXT,
  smallTextEnd,
  splitInt64,
} from '../bytes/int64.js'
import type {LentBytes} from '../bytes/lent.js'
import {ByteWriter} from '../bytes/writer.js'
import {EntryWalk, PACKED_END} from './packed-walk.js'

const HEADER_BYTES = 10
/** An empty one: header and end mark. */
export const ZIPLIST_BYTES_MIN = HEADER_BYTES + 1
const PREVLEN_WIDE = 0xfe
const COUNT_UNKNOWN = 0xffff
/** Largest blob a server appends to (ziplist.c ZIPLIST_MAX_SAFETY_SIZE). */
const BLOB_BYTES_MAX = 2 ** 30

/** Reads the declared count of the ziplist in bytes[start, end), of which 10 bytes suffice; -1 where it does not say. */
export function ziplistCount(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < HEADER_BYTES) return -1
  const count = bytes[start + 8]! | (bytes[start + 9]! << 8)
  return count === COUNT_UNKNOWN ? -1 : count
}

/**
 * Walks the entries of one ziplist, front to back, checking everything a
 * server's deep check does. A FormatError names the index inside the blob; its
 * offset is the blob's own, or exact where `open` was told that the blob lies in
 * the input as it is.
 */
export class ZiplistWalker extends EntryWalk {
  /** Where the entry before `position` begins. */
  #before = 0

  constructor() {
    super({
      name: 'ziplist',
      code: 'BAD_ZIPLIST',
      counted: 'entries',
      headerBytes: HEADER_BYTES,
      total: readUint32le,
      declared: ziplistCount,
      countIndex: 8,
    })
  }

  override open(bytes: Uint8Array, start: number, end: number, offset: number, exact = false): void {
    super.open(bytes, start, end, offset, exact)
    this.#before = this.position
  }

  /** The next entry is stored as an integer; false at the end. */
  get isInteger(): boolean {
    if (this.atEnd) return false
    const p = this.position
    const first = this.bytes[p + (this.bytes[p] === PREVLEN_WIDE ? 5 : 1)] ?? 0
    return first >= 0xc0 && first !== PACKED_END
  }

  /** Lends the next entry, integers spelled out in `into.digits`; false at the end. */
  next(into: LentBytes): boolean {
    const bytes = this.bytes
    const p = this.position
    const last = this.last
    if (p >= last) return this.finishWalk()
    const first = p + 1 < last ? bytes[p + 1]! : PACKED_END
    // Most entries: a short string or a small integer behind a short entry.
    if (bytes[p] === p - this.#before && bytes[p]! < PREVLEN_WIDE) {
      if (first < 0x40) {
        const end = p + 2 + first
        if (end > last) throw this.overrun(p)
        this.#step(p, end)
        into.lend(bytes, p + 2, end)
        return true
      }
      if (first > 0xf0 && first < PREVLEN_WIDE) {
        this.#step(p, p + 2)
        into.lend(SMALL_TEXT, 4 * (first - 0xf1), smallTextEnd(first - 0xf1))
        return true
      }
      if (first === 0xfe && p + 2 < last && bytes[p + 2]! < 0x80) {
        this.#step(p, p + 3)
        into.lend(SMALL_TEXT, 4 * bytes[p + 2]!, smallTextEnd(bytes[p + 2]!))
        return true
      }
    }
    return this.lendEntry(p, into)
  }

  protected pass(p: number): number {
    const end = this.#load(this.#passPrevlen(p))
    this.#step(p, end)
    return end
  }

  /** Checks the prevlen at p and returns where the encoding begins. */
  #passPrevlen(p: number): number {
    const bytes = this.bytes
    const first = bytes[p]!
    if (first === PACKED_END) throw this.early(p)
    if (first === PREVLEN_WIDE && p + 5 > this.last) throw this.overrun(p)
    const claimed = first === PREVLEN_WIDE ? readUint32le(bytes, p + 1) : first
    const actual = p - this.#before
    if (claimed !== actual) throw this.bad(`the entry before is ${actual} bytes long, this one says ${claimed}`, p)
    return first === PREVLEN_WIDE ? p + 5 : p + 1
  }

  /** Reads encoding and data at p; returns where they end, having set dataStart, or `high` and `low`. */
  #load(p: number): number {
    const bytes = this.bytes
    const known = this.last - p
    if (known < 1) throw this.overrun(p)
    const first = bytes[p]!
    this.dataStart = -1
    if (first >= 0xc0) return this.#loadInteger(p, first, known)
    let header = 1
    let length = first & 0x3f
    if (first >= 0x80) {
      header = 5
      if (known < 5) throw this.overrun(p)
      length = ((bytes[p + 1]! << 24) | (bytes[p + 2]! << 16) | (bytes[p + 3]! << 8) | bytes[p + 4]!) >>> 0
    } else if (first >= 0x40) {
      header = 2
      if (known < 2) throw this.overrun(p)
      length = (length << 8) | bytes[p + 1]!
    }
    if (header + length > known) throw this.overrun(p)
    this.dataStart = p + header
    return p + header + length
  }

  #loadInteger(p: number, first: number, known: number): number {
    const width = integerWidth(first)
    if (width < 0) throw this.bad(`0x${first.toString(16)} starts no entry`, p)
    if (known < 1 + width) throw this.overrun(p)
    const bytes = this.bytes
    if (width === 8) {
      this.low = readUint32le(bytes, p + 1)
      this.high = readUint32le(bytes, p + 5) | 0
      return p + 9
    }
    const value = width > 0 ? readSignedLe(bytes, p + 1, width) : (first & 0x0f) - 1
    this.high = value >> 31
    this.low = value >>> 0
    return p + 1 + width
  }

  #step(p: number, end: number): void {
    this.#before = p
    this.position = end
    this.seen++
  }

  protected override finishWalk(): false {
    super.finishWalk()
    const tail = readUint32le(this.bytes, this.start + 4)
    const before = this.#before - this.start
    if (tail !== before) {
      throw this.bad(`the ziplist claims that its last entry begins at ${tail}, not ${before}`, this.start + 4)
    }
    return false
  }
}

/** Builds one ziplist after another in a buffer of its own. */
export class ZiplistBuilder {
  /** Entries so far. */
  count = 0
  readonly #out = new ByteWriter(1024)
  readonly #parsed: Halves = {high: 0, low: 0}
  /** Where the last entry begins. */
  #tail = HEADER_BYTES

  /** `legacy` uses the integer forms that redis 2.4 (RDB version 2) knows, and no others. */
  constructor(readonly legacy = false) {
    this.reset()
  }

  /** Bytes of the blob if it were finished now. */
  get blobBytes(): number {
    return this.#out.length + 1
  }

  /** Starts the next ziplist; what `finish` lent is gone. */
  reset(): void {
    this.count = 0
    this.#tail = HEADER_BYTES
    this.#out.length = 0
    this.#out.reserve(HEADER_BYTES)
  }

  /** Appends a string, as an integer where it spells one. False: the ziplist would be too large, nothing was appended. */
  append(bytes: Uint8Array, start: number, end: number): boolean {
    if (!parseInt64(bytes, start, end, this.#parsed)) return this.appendString(bytes, start, end)
    return this.appendInt64(this.#parsed.high, this.#parsed.low)
  }

  /** Appends a string as a string, even where it spells an integer. False as `append`. */
  appendString(bytes: Uint8Array, start: number, end: number): boolean {
    const length = end - start
    if (!this.#begin(5 + length)) return false
    const out = this.#out
    if (length < 0x40) {
      out.u8(length)
    } else if (length < 0x4000) {
      out.u8(0x40 | (length >> 8))
      out.u8(length)
    } else {
      out.u8(0x80)
      out.u32be(length)
    }
    out.copy(bytes, start, end)
    return true
  }

  /** Appends an integer; a number must be safe. */
  appendInteger(value: Int64): boolean {
    splitInt64(value, this.#parsed)
    return this.appendInt64(this.#parsed.high, this.#parsed.low)
  }

  /** Appends high * 2^32 + low in the narrowest form; `high` signed, `low` unsigned. */
  appendInt64(high: number, low: number): boolean {
    if (!this.#begin(9)) return false
    const out = this.#out
    const narrow = low | 0
    if (high !== narrow >> 31) {
      out.u8(0xe0)
      out.i64le(high, low)
    } else if (!this.legacy && narrow >= 0 && narrow <= 12) {
      out.u8(0xf1 + narrow)
    } else if (!this.legacy && narrow >= -0x80 && narrow <= 0x7f) {
      out.u8(0xfe)
      out.u8(narrow)
    } else if (narrow >= -0x8000 && narrow <= 0x7fff) {
      out.u8(0xc0)
      out.u16le(narrow)
    } else if (!this.legacy && narrow >= -0x80_0000 && narrow <= 0x7f_ffff) {
      out.u8(0xf0)
      out.u16le(narrow)
      out.u8(narrow >> 16)
    } else {
      out.u8(0xd0)
      out.u32le(narrow)
    }
    return true
  }

  /** Ends the ziplist and lends it: valid until `reset`, which has to come next. */
  finish(): Uint8Array {
    const out = this.#out
    out.u8(PACKED_END)
    const total = out.length
    out.length = 0
    out.u32le(total)
    out.u32le(this.#tail)
    out.u16le(Math.min(this.count, COUNT_UNKNOWN))
    out.length = total
    return out.view()
  }

  /** Starts an entry of at most `size` bytes behind its prevlen. */
  #begin(size: number): boolean {
    const out = this.#out
    if (this.blobBytes + 5 + size > BLOB_BYTES_MAX) return false
    const before = out.length - this.#tail
    this.#tail = out.length
    this.count++
    if (before < PREVLEN_WIDE) {
      out.u8(before)
    } else {
      out.u8(PREVLEN_WIDE)
      out.u32le(before)
    }
    return true
  }
}

/** Bytes of an integer's data; -1 where the byte starts no integer. */
export function integerWidth(first: number): number {
  if (first === 0xc0) return 2
  if (first === 0xd0) return 4
  if (first === 0xe0) return 8
  if (first === 0xf0) return 3
  if (first === 0xfe) return 1
  return first > 0xf0 && first < PREVLEN_WIDE ? 0 : -1
}
