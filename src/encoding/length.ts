/**
 * RDB length: how every count and every string size is stored.
 *
 *   00pppppp                      6-bit length
 *   01pppppp qqqqqqqq             14-bit length, big-endian
 *   10000000 + 4 bytes            32-bit length, big-endian
 *   10000001 + 8 bytes            64-bit length, big-endian (redis 4.0, RDB 8)
 *   any other 10xxxxxx            refused by every server from 4.0 on
 *   11eeeeee                      not a length: e names a string encoding
 *
 * Writers use the shortest form; readers take any (all servers do).
 */
import type {ByteCursor} from '../bytes/cursor.js'
import {type Int64, splitInt64, unsignedInt64} from '../bytes/int64.js'
import type {ByteWriter} from '../bytes/writer.js'
import {FormatError} from '../errors.js'

const LEN_32 = 0x80
const LEN_64 = 0x81

/** Reads a length. A string encoding e comes back as the negative ~e. */
export function readLength(cursor: ByteCursor): number {
  const first = cursor.u8()
  const kind = first >> 6
  if (kind === 0) return first
  if (kind === 1) return ((first & 0x3f) << 8) | cursor.u8()
  if (kind === 3) return ~(first & 0x3f)
  if (first === LEN_32) return cursor.u32be()
  if (first === LEN_64) return safeLength(cursor, cursor.u32be(), cursor.u32be())
  throw new FormatError('BAD_LENGTH', `length byte 0x${first.toString(16)} has no meaning`, cursor.offset - 1)
}

/** Reads a length that cannot be a string encoding: a size, an index, a time. */
export function readPlainLength(cursor: ByteCursor): number {
  const length = readLength(cursor)
  if (length >= 0) return length
  const byte = (0xc0 | ~length).toString(16)
  throw new FormatError(
    'BAD_LENGTH',
    `0x${byte} starts an encoded string, but a length belongs here`,
    cursor.offset - 1,
  )
}

/**
 * Reads a count of things that take at least `bytesEach` bytes apiece. A count
 * that the rest of the input cannot hold is refused here, where it stands.
 */
export function readCount(cursor: ByteCursor, bytesEach: number, what: string): number {
  const count = readPlainLength(cursor)
  if (count * bytesEach <= cursor.bytesLeftMax) return count
  const left = cursor.bytesLeftMax
  throw new FormatError('BAD_COUNT', `${count} ${what} are claimed, but only ${left} bytes follow`, cursor.offset)
}

/** Reads a length that may use all 64 bits, such as a bit pattern or the -1 of a stream's entries-read. */
export function readLength64(cursor: ByteCursor): Int64 {
  if (cursor.peek() !== LEN_64) return readPlainLength(cursor)
  cursor.u8()
  const high = cursor.u32be()
  return unsignedInt64(high, cursor.u32be())
}

export function writeLength(out: ByteWriter, length: number): void {
  if (length < 1 << 6) {
    out.u8(length)
  } else if (length < 1 << 14) {
    out.u8(0x40 | (length >> 8))
    out.u8(length & 0xff)
  } else if (length <= 0xffff_ffff) {
    out.u8(LEN_32)
    out.u32be(length)
  } else {
    writeLength64(out, Math.floor(length / 2 ** 32), length >>> 0)
  }
}

/** Writes the 64-bit form of high * 2^32 + low. */
export function writeLength64(out: ByteWriter, high: number, low: number): void {
  out.u8(LEN_64)
  out.u32be(high)
  out.u32be(low)
}

const halves = {high: 0, low: 0}

/** Writes any 64 bits in their shortest form: a length, the bit pattern of a signed integer. */
export function writeInt64Length(out: ByteWriter, value: Int64): void {
  splitInt64(value, halves)
  if (halves.high === 0) writeLength(out, halves.low)
  else writeLength64(out, halves.high, halves.low)
}

function safeLength(cursor: ByteCursor, high: number, low: number): number {
  if (high < 1 << 21) return high * 2 ** 32 + low
  throw new FormatError('BAD_LENGTH', 'a length of more than 2^53 cannot be', cursor.offset - 9)
}
