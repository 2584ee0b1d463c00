/**
 * Sorted-set scores, in the two forms an RDB file has.
 *
 *   type 3    <n: u8> <n bytes of decimal text>     n = 253 nan, 254 +inf, 255 -inf: no text
 *   type 5    <binary64, little-endian>             redis 4.0, RDB version 8
 */
import {format17Digits, parseDouble} from '../bytes/decimal.js'
import type {ByteWriter} from '../bytes/writer.js'
import {FormatError} from '../errors.js'

export const SCORE_NAN = 253
export const SCORE_INFINITY = 254
export const SCORE_MINUS_INFINITY = 255
export const BINARY_SCORE_BYTES = 8

const double = new Float64Array(1)
const doubleBytes = new Uint8Array(double.buffer)
const view = new DataView(double.buffer)

/** Bytes of an ASCII score, given the first of them. */
export function asciiScoreBytes(first: number): number {
  return first < SCORE_NAN ? 1 + first : 1
}

/** Reads the ASCII score at bytes[at]; all of it must be there. `offset` is where it lies in the input. */
export function readAsciiScore(bytes: Uint8Array, at: number, offset: number): number {
  const length = bytes[at]!
  if (length === SCORE_NAN) return Number.NaN
  if (length === SCORE_INFINITY) return Number.POSITIVE_INFINITY
  if (length === SCORE_MINUS_INFINITY) return Number.NEGATIVE_INFINITY
  const score = parseDouble(bytes, at + 1, at + 1 + length)
  if (score !== undefined) return score
  throw new FormatError('BAD_SCORE', 'a score is not a number', offset)
}

/** Writes 17 significant digits, which any server reads back to the same double. */
export function writeAsciiScore(out: ByteWriter, score: number): void {
  if (Number.isNaN(score)) {
    out.u8(SCORE_NAN)
  } else if (!Number.isFinite(score)) {
    out.u8(score > 0 ? SCORE_INFINITY : SCORE_MINUS_INFINITY)
  } else {
    const text = format17Digits(score)
    out.u8(text.length)
    out.ascii(text)
  }
}

/** Reads the binary score at bytes[at]; all 8 bytes must be there. */
export function readBinaryScore(bytes: Uint8Array, at: number): number {
  for (let i = 0; i < BINARY_SCORE_BYTES; i++) doubleBytes[i] = bytes[at + i]!
  return view.getFloat64(0, true)
}

/** Whether the binary score at bytes[at] is not a number: its exponent is all ones, and its fraction not zero. */
export function isNoNumber(bytes: Uint8Array, at: number): boolean {
  if ((bytes[at + 7]! & 0x7f) !== 0x7f || bytes[at + 6]! < 0xf0) return false
  return Number.isNaN(readBinaryScore(bytes, at))
}

export function writeBinaryScore(out: ByteWriter, score: number): void {
  out.f64le(score)
}
