/**
 * RDB string: how keys, fields, values and packed blobs are stored.
 *
 *   <length> <bytes>                          as they are
 *   c0 <int8>                                 decimal text of an integer
 *   c1 <int16 LE>   c2 <int32 LE>
 *   c3 <length clen> <length ulen> <clen>     LZF
 *
 * A server writes an integer form only for the canonical decimal of an int32
 * ("007" stays raw), and LZF only above 20 bytes and where it saves 4.
 */
import type {ByteCursor} from '../bytes/cursor.js'
import {formatInt64, type Halves, parseInt64} from '../bytes/int64.js'
import type {LentBytes} from '../bytes/lent.js'
import {canMake, checkClaim, compressLzf, decompressLzf, peekLzf} from '../bytes/lzf.js'
import type {ByteWriter} from '../bytes/writer.js'
import {LimitError, UnsupportedError} from '../errors.js'
import {limits} from '../limits.js'
import {readLength, readPlainLength, writeLength} from './length.js'

export const STRING_INT8 = 0
export const STRING_INT16 = 1
export const STRING_INT32 = 2
export const STRING_LZF = 3
const ENCODED = 0xc0
const NINE = 0x39

/** Of the longest int32: "-2147483648". */
const INTEGER_CHARACTERS_MAX = 11
/** Shorter strings are never compressed (rdb.c rdbSaveRawString). */
const COMPRESSED_BYTES_MIN = 21
/** Below this a loop copies faster than a call. */
const SHORT_BYTES_MAX = 48

/** How a string is stored that begins with this byte; nothing where no server writes it. */
export function stringEncoding(first: number): string {
  if (first < 0xc0) return 'raw'
  const encoding = first & 0x3f
  if (encoding === STRING_LZF) return 'lzf'
  return encoding < STRING_LZF ? 'int' : ''
}

/** Texts of integers this long and longer may stand in a file as they are: shorter ones fit into an int32. */
const INTEGER_TEXT_MIN = 10
export const INTEGER_TEXT_MAX = 20

const scratch: Halves = {high: 0, low: 0}

/** Whether a server holds a string that is stored as it is as an integer: its text is the canonical one of an int64. */
export function isIntegerText(bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start
  if (length < INTEGER_TEXT_MIN || length > INTEGER_TEXT_MAX || bytes[start]! > NINE) return false
  return parseInt64(bytes, start, end, scratch)
}

/** Reads a string whole and lends it: from the window, from `into.digits`, or from its decompression slot. */
export function readString(cursor: ByteCursor, into: LentBytes): void {
  const length = readLength(cursor)
  if (length >= 0) {
    const start = cursor.take(length)
    into.lend(cursor.bytes, start, start + length)
    return
  }
  if (~length === STRING_LZF) readLzf(cursor, into)
  else readInteger(cursor, ~length, into)
}

/** Reads the integer of string encoding `encoding` as decimal text. */
export function readInteger(cursor: ByteCursor, encoding: number, into: LentBytes): void {
  const value = readEncodedInteger(cursor, encoding)
  into.lend(into.digits, 0, formatInt64(value >> 31, value >>> 0, into.digits, 0))
}

/** Passes over a string of any size. */
export function skipString(cursor: ByteCursor): void {
  const length = readLength(cursor)
  if (length >= 0) cursor.skip(length)
  else skipEncoded(cursor, ~length)
}

/** A run of strings that are passed over: it resumes where a window ended. */
export class StringRun {
  /** Strings still to pass. */
  left = 0

  /** Each string is followed by `tailBytes` that are passed with it: a score. */
  constructor(readonly tailBytes = 0) {}

  /** Passes over all that are left; throws STARVED between two, committed. */
  skip(cursor: ByteCursor): void {
    for (;;) {
      this.left = skipShort(cursor, this.left, this.tailBytes)
      cursor.commit()
      if (this.left === 0) return
      skipString(cursor)
      cursor.skip(this.tailBytes)
      this.left--
    }
  }
}

/**
 * Passes over strings with short headers and returns how many are left when it
 * meets another kind, or the window's end. The loop works on locals: most of
 * what a file holds passes here.
 */
function skipShort(cursor: ByteCursor, count: number, tailBytes: number): number {
  const {bytes, end} = cursor
  let pos = cursor.pos
  let left = count
  // Two bytes hold every short header; nearer to the end the careful way decides.
  while (left > 0 && pos + 2 <= end) {
    const first = bytes[pos]!
    if (first < 0x40) pos += 1 + first
    else if (first < 0x80) pos += 2 + (((first & 0x3f) << 8) | bytes[pos + 1]!)
    else if (first >= 0xc0 && first <= 0xc2) pos += 1 + (1 << (first & 3))
    else break
    pos += tailBytes
    left--
  }
  cursor.skipTo(pos)
  return left
}

const headScratch = new Uint8Array(16)

/**
 * Passes over a blob and lends its first `wanted` bytes, decompressed: fewer
 * when the blob is shorter or damaged. More than 16 cannot be asked for.
 * Returns how many bytes it has, decompressed; 0 where it cannot have as many as
 * it claims.
 */
export function skipBlob(cursor: ByteCursor, wanted: number, head: LentBytes): number {
  const length = readLength(cursor)
  if (length >= 0) {
    const known = Math.min(length, wanted)
    const start = cursor.take(known)
    head.lend(cursor.bytes, start, start + known)
    cursor.skip(length - known)
    return length
  }
  head.lend(headScratch, 0, 0)
  if (~length !== STRING_LZF) {
    skipEncoded(cursor, ~length)
    return 0
  }
  const packed = readPlainLength(cursor)
  const outBytes = readPlainLength(cursor)
  const seen = Math.min(packed, 2 * wanted)
  const start = cursor.take(seen)
  head.end = peekLzf(cursor.bytes, start, start + seen, wanted, headScratch)
  cursor.skip(packed - seen)
  return canMake(packed, outBytes) ? outBytes : 0
}

function readLzf(cursor: ByteCursor, into: LentBytes): void {
  const packed = readPlainLength(cursor)
  const outBytes = readPlainLength(cursor)
  const offset = cursor.offset
  if (outBytes > limits.elementBytesMax) {
    // What cannot be is damage; what can is only too large for us.
    checkClaim(packed, outBytes, offset)
    throw new LimitError('elementBytesMax', limits.elementBytesMax, outBytes, offset)
  }
  const start = cursor.take(packed)
  decompressLzf(cursor.bytes, start, start + packed, outBytes, into.slot, offset, into)
}

/** Powers of ten, but that zero has one digit too. */
const DIGIT_BOUNDS = Float64Array.of(0, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9)

/** Characters of an int32 in decimal, by its bits: a loop over its digits ends where no processor expects it. */
export function decimalCharacters(value: number): number {
  const magnitude = Math.abs(value)
  // 1233 / 4096 is a little more than log10(2).
  const guess = ((32 - Math.clz32(magnitude)) * 1233) >> 12
  return (value < 0 ? 1 : 0) + guess + (magnitude >= DIGIT_BOUNDS[guess]! ? 1 : 0)
}

/** Characters of the integer-encoded string at bytes[at], of which all is there. */
export function encodedIntegerDigits(bytes: Uint8Array, at: number): number {
  const first = bytes[at]! & 0x3f
  const low = bytes[at + 1]!
  if (first === STRING_INT8) return decimalCharacters((low << 24) >> 24)
  const wider = low | (bytes[at + 2]! << 8)
  if (first === STRING_INT16) return decimalCharacters((wider << 16) >> 16)
  return decimalCharacters(wider | (bytes[at + 3]! << 16) | (bytes[at + 4]! << 24))
}

/** The integer of string encoding `encoding`; UnsupportedError where the encoding is none of an integer. */
export function readEncodedInteger(cursor: ByteCursor, encoding: number): number {
  if (encoding === STRING_INT8) return (cursor.u8() << 24) >> 24
  if (encoding === STRING_INT16) return (cursor.u16le() << 16) >> 16
  if (encoding === STRING_INT32) return cursor.u32le() | 0
  throw unknownEncoding(cursor, encoding)
}

function skipEncoded(cursor: ByteCursor, encoding: number): void {
  if (encoding === STRING_LZF) {
    const packed = readPlainLength(cursor)
    readPlainLength(cursor)
    cursor.skip(packed)
  } else if (encoding <= STRING_INT32) {
    cursor.skip(1 << encoding)
  } else {
    throw unknownEncoding(cursor, encoding)
  }
}

/** The error for a string encoding that no server writes; c4 was one of early Redis Enterprise (Garantia) files. */
export function unknownEncoding(cursor: ByteCursor, encoding: number): UnsupportedError {
  const byte = (0xc0 | encoding).toString(16)
  return new UnsupportedError('UNKNOWN_ENCODING', `string encoding 0x${byte} is not known`, cursor.offset - 1)
}

const parsed: Halves = {high: 0, low: 0}

/** Writes a string as a server would: as an integer, compressed where that is wanted and pays, else as it is. */
export function writeString(out: ByteWriter, bytes: Uint8Array, start: number, end: number, compress: boolean): void {
  const length = end - start
  if (length <= INTEGER_CHARACTERS_MAX) {
    const first = bytes[start]! - 0x30
    // A digit or a minus sign begins an integer; of an empty string nothing does.
    if (((first >= 0 && first <= 9) || first === -3) && length > 0 && writeInteger(out, bytes, start, end)) return
  } else if (compress && length >= COMPRESSED_BYTES_MIN) {
    const packed = compressLzf(bytes, start, end)
    if (packed !== undefined) {
      writePackedHead(out, packed.end - packed.start, length)
      out.copy(packed.bytes, packed.start, packed.end)
      return
    }
  }
  if (length < SHORT_BYTES_MAX) {
    // Most strings: length and bytes in one reach.
    const at = out.reserve(length + 1)
    const to = out.bytes
    to[at] = length
    for (let from = start, i = at + 1; from < end; from++, i++) to[i] = bytes[from]!
    return
  }
  writeLength(out, length)
  out.copy(bytes, start, end)
}

/** Writes what stands before the bytes of a compressed string. */
export function writePackedHead(out: ByteWriter, packedBytes: number, bytes: number): void {
  out.u8(ENCODED | STRING_LZF)
  writeLength(out, packedBytes)
  writeLength(out, bytes)
}

/** Writes the integer that bytes[start, end) spell; false where they spell no canonical int32. */
function writeInteger(out: ByteWriter, bytes: Uint8Array, start: number, end: number): boolean {
  if (!parseInt64(bytes, start, end, parsed)) return false
  const value = parsed.low | 0
  if (parsed.high !== value >> 31) return false
  if (value >= -0x80 && value <= 0x7f) {
    out.u8(ENCODED | STRING_INT8)
    out.u8(value)
  } else if (value >= -0x8000 && value <= 0x7fff) {
    out.u8(ENCODED | STRING_INT16)
    out.u16le(value)
  } else {
    out.u8(ENCODED | STRING_INT32)
    out.u32le(value)
  }
  return true
}
