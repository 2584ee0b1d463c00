/**
 * listpack: strings and integers in one blob, walkable from both ends.
 *
 *   <total bytes: u32le> <count: u16le, 65535 = unknown> <entry> * <ff>
 *
 * entry = <encoding and data> <backlen>
 *
 *   0xxxxxxx                          integer 0 … 127
 *   10xxxxxx <data>                   string of 0 … 63 bytes
 *   110xxxxx yyyyyyyy                 integer of 13 bits, signed, big-endian
 *   1110xxxx yyyyyyyy <data>          string of 0 … 4095 bytes, length big-endian
 *   11110000 <length: u32le> <data>   string
 *   11110001 <i16le>   11110010 <i24le>   11110011 <i32le>   11110100 <i64le>
 *   11111111                          end
 *
 * backlen = bytes of encoding and data, in groups of 7 bits, highest first, so
 * that it reads from right to left: every byte but the first has bit 7 set.
 *
 * Redis (listpack.c, to 8.0) and valkey to 8.1 give 16383, 2097151 and 268435455
 * one byte more than they need; valkey 9.1 does not. Neither walks the other's
 * entry, so readers here take both and a builder writes neither unless told.
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

const HEADER_BYTES = 6
/** An empty one: header and end mark. */
export const LISTPACK_BYTES_MIN = HEADER_BYTES + 1
const COUNT_UNKNOWN = 0xffff
/** Below this a loop copies faster than a call. */
const SHORT_BYTES_MAX = 48
/** Largest blob a server appends to (listpack.c LISTPACK_MAX_SAFETY_LIMIT). */
const BLOB_BYTES_MAX = 2 ** 30

/** Reads the declared count of the listpack in bytes[start, end), of which 6 bytes suffice; -1 where it does not say. */
export function listpackCount(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < HEADER_BYTES) return -1
  const count = bytes[start + 4]! | (bytes[start + 5]! << 8)
  return count === COUNT_UNKNOWN ? -1 : count
}

/**
 * Walks the entries of one listpack, front to back, checking everything a
 * server's deep check does. A FormatError names the index inside the blob; its
 * offset is the blob's own, or exact where `open` was told that the blob lies in
 * the input as it is.
 */
export class ListpackWalker extends EntryWalk {
  constructor() {
    super({
      name: 'listpack',
      code: 'BAD_LISTPACK',
      counted: 'entries',
      headerBytes: HEADER_BYTES,
      total: readUint32le,
      declared: listpackCount,
      countIndex: 4,
    })
  }

  /** The next entry is stored as an integer; false at the end. */
  get isInteger(): boolean {
    if (this.atEnd) return false
    const first = this.bytes[this.position]!
    return first < 0x80 || (first & 0xe0) === 0xc0 || (first >= 0xf1 && first <= 0xf4)
  }

  /** Lends the next entry, integers spelled out in `into.digits`; false at the end. */
  next(into: LentBytes): boolean {
    const bytes = this.bytes
    const p = this.position
    const last = this.last
    if (p >= last) return this.finishWalk()
    const first = bytes[p]!
    // The two commonest forms, in one step where they are as they should be; what is wrong is found below.
    const shortEnd = first < 0x80 ? p + 1 : p + 1 + (first & 0x3f)
    if (first < 0xc0 && shortEnd < last && bytes[shortEnd] === shortEnd - p) {
      this.position = shortEnd + 1
      this.seen++
      if (first < 0x80) into.lend(SMALL_TEXT, 4 * first, smallTextEnd(first))
      else into.lend(bytes, p + 1, shortEnd)
      return true
    }
    return this.lendEntry(p, into)
  }

  /** Reads encoding and data at p; returns where they end, having set dataStart, or `high` and `low`. */
  #load(p: number): number {
    const bytes = this.bytes
    const first = bytes[p]!
    this.dataStart = -1
    if (first < 0x80) {
      this.high = 0
      this.low = first
      return p + 1
    }
    if (first < 0xc0) {
      this.dataStart = p + 1
      return p + 1 + (first & 0x3f)
    }
    // Eight bytes of an integer, or its length field, must lie before the end mark.
    const known = this.last - p
    if (first < 0xe0) {
      if (known < 2) throw this.overrun(p)
      const value = (((first & 0x1f) << 8) | bytes[p + 1]!) << 19
      this.high = value >> 31
      this.low = (value >> 19) >>> 0
      return p + 2
    }
    if (first < 0xf0) {
      if (known < 2) throw this.overrun(p)
      this.dataStart = p + 2
      return p + 2 + (((first & 0x0f) << 8) | bytes[p + 1]!)
    }
    if (first === 0xf0) {
      if (known < 5) throw this.overrun(p)
      this.dataStart = p + 5
      return p + 5 + readUint32le(bytes, p + 1)
    }
    return this.#loadWide(p, first, known)
  }

  #loadWide(p: number, first: number, known: number): number {
    const bytes = this.bytes
    if (first === PACKED_END) throw this.early(p)
    if (first > 0xf4) throw this.bad(`0x${first.toString(16)} starts no entry`, p)
    const width = first === 0xf4 ? 8 : first - 0xef
    if (known < 1 + width) throw this.overrun(p)
    if (width === 8) {
      this.low = readUint32le(bytes, p + 1)
      this.high = readUint32le(bytes, p + 5) | 0
    } else {
      const value = readSignedLe(bytes, p + 1, width)
      this.high = value >> 31
      this.low = value >>> 0
    }
    return p + 1 + width
  }

  /** Loads the entry at p, checks its back length and steps behind it; returns where its data end. */
  protected pass(p: number): number {
    const end = this.#load(p)
    const size = end - p
    const bytes = this.bytes
    let width = backlenBytes(size)
    if (isBoundary(size) && bytes[end] !== 0) width--
    if (end + width > this.last) throw this.overrun(p)
    for (let i = end + width - 1, rest = size; i >= end; i--, rest >>>= 7) {
      if (bytes[i] === ((rest & 0x7f) | (i > end ? 0x80 : 0))) continue
      throw this.bad(`the entry before is ${size} bytes long, its back length says otherwise`, end)
    }
    this.position = end + width
    this.seen++
    return end
  }
}

/**
 * What a builder does with an entry whose encoded length servers disagree about:
 * refuse it, or write the long back length (redis, valkey to 8.1) or the short one (valkey 9.1).
 */
export type BoundaryForm = 'refuse' | 'long' | 'short'

/** Builds one listpack after another in a buffer of its own. */
export class ListpackBuilder {
  /** Entries so far. */
  count = 0
  readonly #out = new ByteWriter(1024)
  readonly #parsed: Halves = {high: 0, low: 0}

  constructor(readonly boundaryForm: BoundaryForm = 'refuse') {
    this.reset()
  }

  /** Bytes of the blob if it were finished now. */
  get blobBytes(): number {
    return this.#out.length + 1
  }

  /** Starts the next listpack; what `finish` lent is gone. */
  reset(): void {
    this.count = 0
    this.#out.length = 0
    this.#out.reserve(HEADER_BYTES)
  }

  /** Appends a string, as an integer where it spells one. False: it does not fit into a listpack, nothing was appended. */
  append(bytes: Uint8Array, start: number, end: number): boolean {
    if (!parseInt64(bytes, start, end, this.#parsed)) return this.appendString(bytes, start, end)
    return this.appendInt64(this.#parsed.high, this.#parsed.low)
  }

  /** Appends a string as a string, even where it spells an integer. False as `append`. */
  appendString(bytes: Uint8Array, start: number, end: number): boolean {
    const length = end - start
    const size = stringBytes(length)
    if (!this.#takes(size)) return false
    const out = this.#out
    if (length < SHORT_BYTES_MAX) {
      // Most strings: header, bytes and back length in one reach.
      const at = out.reserve(length + 2)
      const to = out.bytes
      to[at] = 0x80 | length
      for (let i = 0; i < length; i++) to[at + 1 + i] = bytes[start + i]!
      to[at + 1 + length] = size
      this.count++
      return true
    }
    if (length < 0x40) {
      out.u8(0x80 | length)
    } else if (length < 0x1000) {
      out.u8(0xe0 | (length >> 8))
      out.u8(length)
    } else {
      out.u8(0xf0)
      out.u32le(length)
    }
    out.copy(bytes, start, end)
    this.#close(size)
    return true
  }

  /** Appends an integer; a number must be safe. */
  appendInteger(value: Int64): boolean {
    splitInt64(value, this.#parsed)
    return this.appendInt64(this.#parsed.high, this.#parsed.low)
  }

  /** Appends high * 2^32 + low in the narrowest form; `high` signed, `low` unsigned. */
  appendInt64(high: number, low: number): boolean {
    const size = integerBytes(high, low)
    if (!this.#takes(size)) return false
    const out = this.#out
    if (size === 1) {
      out.u8(low)
    } else if (size === 2) {
      out.u8(0xc0 | ((low >> 8) & 0x1f))
      out.u8(low)
    } else {
      out.u8(size === 9 ? 0xf4 : 0xee + size)
      for (let i = 0; i < Math.min(size - 1, 4); i++) out.u8(low >>> (8 * i))
      if (size === 9) out.u32le(high)
    }
    this.#close(size)
    return true
  }

  /** Appends `count` whole entries as they are, such as another builder's. */
  appendEntries(bytes: Uint8Array, start: number, end: number, count: number): boolean {
    if (this.blobBytes + (end - start) > BLOB_BYTES_MAX) return false
    this.#out.copy(bytes, start, end)
    this.count += count
    return true
  }

  /** The entries so far, without header and end mark, lent until the next append. */
  entries(): Uint8Array {
    return this.#out.bytes.subarray(HEADER_BYTES, this.#out.length)
  }

  /** Ends the listpack and lends it: valid until `reset`, which has to come next. */
  finish(): Uint8Array {
    const out = this.#out
    out.u8(PACKED_END)
    const total = out.length
    out.length = 0
    out.u32le(total)
    out.u16le(Math.min(this.count, COUNT_UNKNOWN))
    out.length = total
    return out.view()
  }

  #takes(size: number): boolean {
    if (this.boundaryForm === 'refuse' && isBoundary(size)) return false
    return this.blobBytes + size + backlenBytes(size) <= BLOB_BYTES_MAX
  }

  #close(size: number): void {
    const out = this.#out
    this.count++
    if (size <= 127) {
      out.u8(size)
      return
    }
    let width = backlenBytes(size)
    if (isBoundary(size) && this.boundaryForm === 'short') width--
    for (let i = width - 1; i >= 0; i--) out.u8(((size >>> (7 * i)) & 0x7f) | (i < width - 1 ? 0x80 : 0))
  }
}

/**
 * Bytes that a string takes as an entry, back length included; -1 where no
 * listpack may hold it since servers disagree about its back length.
 */
export function listpackEntryBytes(bytes: Uint8Array, start: number, end: number): number {
  const integer = parseInt64(bytes, start, end, scratch)
  const size = integer ? integerBytes(scratch.high, scratch.low) : stringBytes(end - start)
  return isBoundary(size) ? -1 : size + backlenBytes(size)
}

const scratch: Halves = {high: 0, low: 0}

/** Bytes of a string's encoding and data. */
function stringBytes(length: number): number {
  return length + (length < 0x40 ? 1 : length < 0x1000 ? 2 : 5)
}

/** Bytes of an integer's encoding and data. */
function integerBytes(high: number, low: number): number {
  const narrow = low | 0
  if (high !== narrow >> 31) return 9
  if (narrow >= 0 && narrow <= 0x7f) return 1
  if (narrow >= -0x1000 && narrow <= 0xfff) return 2
  if (narrow >= -0x8000 && narrow <= 0x7fff) return 3
  return narrow >= -0x80_0000 && narrow <= 0x7f_ffff ? 4 : 5
}

/** Width of a back length as redis writes it. */
export function backlenBytes(size: number): number {
  if (size <= 127) return 1
  if (size < 16383) return 2
  if (size < 2097151) return 3
  return size < 268435455 ? 4 : 5
}

/** Of an entry of this size servers disagree how wide its back length is. */
export function isBoundary(size: number): boolean {
  return size === 16383 || size === 2097151 || size === 268435455
}

/**
 * The length of the longest string of the listpack in bytes[start, end): at the cost of a few reads an entry, to tell whether
 * a walk is worth its time. Nothing is checked; where the bytes make no sense it is what was met before.
 */
export function longestString(bytes: Uint8Array, start: number, end: number): number {
  let longest = 0
  let p = start + HEADER_BYTES
  while (p < end - 1) {
    const first = bytes[p]!
    if (first < 0x80) {
      p += 2
    } else if (first < 0xc0) {
      const length = first & 0x3f
      if (length > longest) longest = length
      p += 2 + length
    } else if (first < 0xe0) {
      p += 3
    } else if (first < 0xf0) {
      const length = ((first & 0x0f) << 8) | bytes[p + 1]!
      if (length > longest) longest = length
      p += 2 + length + (length > 125 ? 2 : 1)
    } else if (first === 0xf0) {
      if (end - p < 5) return longest
      const length = readUint32le(bytes, p + 1)
      if (length > longest) longest = length
      p += 5 + length + backlenBytes(5 + length)
    } else {
      p += first === 0xf4 ? 10 : first < 0xf4 ? first - 0xed : end
    }
  }
  return longest
}
