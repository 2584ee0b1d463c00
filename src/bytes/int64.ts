/**
 * 64-bit integers as two 32-bit halves, and the one place where BigInt is used
 * on a read path: a value beyond 2^53 is rare, but it is never rounded.
 *
 *   high             low
 *   ┌────────────────┬────────────────┐
 *   │ bits 63 … 32   │ bits 31 … 0    │   value = high * 2^32 + low
 *   └────────────────┴────────────────┘
 *
 * `low` is unsigned everywhere. `high` is signed where the integer is signed
 * (listpacks, intsets) and unsigned where it is not (stream IDs, lengths).
 */

/** An exact integer: a number where a double holds it exactly, a bigint beyond +-(2^53 - 1). */
export type Int64 = number | bigint

/** Two halves that a function fills in: nothing is allocated per integer. */
export interface Halves {
  high: number
  low: number
}

const MINUS = 0x2d
const ZERO = 0x30
/** Ten to the eighth: the largest power that leaves both parts of a safe integer within 31 bits. */
const TEN_8 = 100_000_000
const TEN_6 = 1_000_000
/** "00", "01" … "99". */
const PAIRS = Uint8Array.from({length: 200}, (_, i) => ZERO + (i % 2 === 0 ? Math.floor(i / 20) : (i >> 1) % 10))

/** Signed value of high * 2^32 + low; `high` is signed, `low` unsigned. */
export function signedInt64(high: number, low: number): Int64 {
  if (high >= -0x20_0000 && high < 0x20_0000) {
    const value = high * 2 ** 32 + low
    if (Number.isSafeInteger(value)) return value
  }
  return (BigInt(high) << 32n) | BigInt(low)
}

/** Unsigned value of high * 2^32 + low; both halves are unsigned. */
export function unsignedInt64(high: number, low: number): Int64 {
  if (high < 0x20_0000) return high * 2 ** 32 + low
  return (BigInt(high) << 32n) | BigInt(low)
}

/** The same 64 bits, read as signed: a stored -1 is 2^64 - 1 to whoever reads it as unsigned. */
export function asSigned(value: Int64): Int64 {
  return typeof value === 'number' ? value : exactInt64(BigInt.asIntN(64, value))
}

/** a + b + c, exact. */
export function sumInt64(a: Int64, b: Int64, c: number): Int64 {
  if (typeof a === 'number' && typeof b === 'number') {
    const pair = a + b
    const sum = pair + c
    if (Number.isSafeInteger(pair) && Number.isSafeInteger(sum)) return sum
  }
  return exactInt64(BigInt(a) + BigInt(b) + BigInt(c))
}

/** value * factor; undefined where that is no signed 64-bit integer. */
export function scaleInt64(value: Int64, factor: number): Int64 | undefined {
  if (typeof value === 'number') {
    const product = value * factor
    if (Number.isSafeInteger(product)) return product
  }
  const product = BigInt(value) * BigInt(factor)
  return BigInt.asIntN(64, product) === product ? exactInt64(product) : undefined
}

/** A number where a double holds it exactly. */
function exactInt64(value: bigint): Int64 {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

/** Splits an integer of either sign into halves, wrapping modulo 2^64; `high` comes out signed. */
export function splitInt64(value: Int64, into: Halves): void {
  if (typeof value === 'number') {
    into.high = Math.floor(value / 2 ** 32) | 0
    into.low = value >>> 0
  } else {
    into.high = Number(BigInt.asIntN(32, value >> 32n))
    into.low = Number(value & 0xffff_ffffn)
  }
}

/** The decimal text of 0 … 127, four bytes each: a small integer is lent from here and never spelled. */
export const SMALL_TEXT = Uint8Array.from({length: 512}, (_, i) => String(i >> 2).charCodeAt(i & 3))

/** Where the text of an integer of 0 … 127 ends in SMALL_TEXT; it begins at 4 * value. */
export function smallTextEnd(value: number): number {
  return 4 * value + (value < 10 ? 1 : value < 100 ? 2 : 3)
}

/** Reads one half of a little-endian integer, or any unsigned 32-bit number. */
export function readUint32le(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
}

/** Reads a signed little-endian integer of 1 to 4 bytes. */
export function readSignedLe(bytes: Uint8Array, at: number, width: number): number {
  let value = bytes[at]!
  for (let i = 1; i < width; i++) value |= bytes[at + i]! << (8 * i)
  const unused = 32 - 8 * width
  return (value << unused) >> unused
}

/** Adds modulo 2^64; `high` comes out signed. */
export function addHalves(aHigh: number, aLow: number, bHigh: number, bLow: number, into: Halves): void {
  const low = aLow + bLow
  into.low = low >>> 0
  into.high = (aHigh + bHigh + (low > 0xffff_ffff ? 1 : 0)) | 0
}

/** Subtracts modulo 2^64; `high` comes out signed. */
export function subtractHalves(aHigh: number, aLow: number, bHigh: number, bLow: number, into: Halves): void {
  const low = aLow - bLow
  into.low = low >>> 0
  into.high = (aHigh - bHigh - (low < 0 ? 1 : 0)) | 0
}

/** Negative, zero or positive as a is less than, equal to or greater than b; both of the same signedness. */
export function compareHalves(aHigh: number, aLow: number, bHigh: number, bLow: number): number {
  return aHigh === bHigh ? aLow - bLow : aHigh - bHigh
}

/** Spells a signed integer in decimal at out[at] and returns where it ends: at most 20 bytes further. */
export function formatInt64(high: number, low: number, out: Uint8Array, at: number): number {
  if (high === 0 && low <= 0x7fff_ffff) return formatDigits(low, out, at)
  if (high >= 0) return formatUint64(high, low, out, at)
  out[at] = MINUS
  if (high === -1 && low > 0x8000_0000) return formatDigits(-(low | 0), out, at + 1)
  if (low === 0) return formatUint64(-high, 0, out, at + 1)
  return formatUint64(~high, -low >>> 0, out, at + 1)
}

/** Spells an unsigned integer; both halves are unsigned. */
export function formatUint64(high: number, low: number, out: Uint8Array, at: number): number {
  if (high < 0x20_0000) return formatSafe(high * 2 ** 32 + low, out, at)
  // The remainder is below 10^6, so remainder * 2^32 + low is still exact in a double.
  const upper = Math.floor(high / TEN_6)
  const rest = (high - upper * TEN_6) * 2 ** 32 + low
  const lower = Math.floor(rest / TEN_6)
  const end = formatSafe(upper * 2 ** 32 + lower, out, at)
  return formatPadded(rest - lower * TEN_6, 6, out, end)
}

/** Spells a non-negative safe integer. */
export function formatSafe(value: number, out: Uint8Array, at: number): number {
  if (value <= 0x7fff_ffff) return formatDigits(value | 0, out, at)
  const upper = Math.floor(value / TEN_8)
  return formatPadded(value - upper * TEN_8, 8, out, formatDigits(upper, out, at))
}

/**
 * Reads the canonical decimal of a signed 64-bit integer, as a server does
 * before it stores a string as an integer: no sign but '-', no leading zeros,
 * no "-0", nothing beyond the range. Returns false for anything else.
 */
export function parseInt64(bytes: Uint8Array, start: number, end: number, into: Halves): boolean {
  if (end <= start || end - start > 20) return false
  const negative = bytes[start] === MINUS
  let p = negative ? start + 1 : start
  const first = (bytes[p] ?? 0) - ZERO
  // A lone '-' would read the byte after it: the length tells.
  if (p === end || first < 0 || first > 9) return false
  if (first === 0) {
    if (negative || end - p > 1) return false
    into.high = into.low = 0
    return true
  }
  if (end - p > 19) return false
  let value = 0
  const exactEnd = Math.min(end, p + 15)
  for (; p < exactEnd; p++) {
    const digit = bytes[p]! - ZERO
    if (digit < 0 || digit > 9) return false
    value = value * 10 + digit
  }
  let high = Math.floor(value / 2 ** 32)
  let low = value >>> 0
  for (; p < end; p++) {
    const digit = bytes[p]! - ZERO
    if (digit < 0 || digit > 9) return false
    const wide = low * 10 + digit
    low = wide >>> 0
    high = high * 10 + Math.floor(wide / 2 ** 32)
  }
  if (high > 0x7fff_ffff && !(negative && high === 0x8000_0000 && low === 0)) return false
  if (negative) {
    high = low === 0 ? -high : ~high
    low = -low >>> 0
  }
  into.high = high
  into.low = low
  return true
}

/** Reads an unsigned decimal of 1 to 20 digits; false when it is anything else or exceeds 2^64 - 1. */
export function parseUint64(bytes: Uint8Array, start: number, end: number, into: Halves): boolean {
  if (end <= start || end - start > 20) return false
  let high = 0
  let low = 0
  for (let p = start; p < end; p++) {
    const digit = bytes[p]! - ZERO
    if (digit < 0 || digit > 9) return false
    const wide = low * 10 + digit
    low = wide >>> 0
    high = high * 10 + Math.floor(wide / 2 ** 32)
  }
  if (high > 0xffff_ffff) return false
  into.high = high
  into.low = low
  return true
}

/** Spells an integer of at most 31 bits: int32 arithmetic only, two digits at a time. */
function formatDigits(value: number, out: Uint8Array, at: number): number {
  if (value < 10) {
    out[at] = ZERO + value
    return at + 1
  }
  if (value < 100) {
    out[at] = PAIRS[2 * value]!
    out[at + 1] = PAIRS[2 * value + 1]!
    return at + 2
  }
  const end = at + digitCount(value)
  let rest = value
  let p = end
  while (rest >= 100) {
    const next = (rest / 100) | 0
    const pair = 2 * (rest - next * 100)
    out[--p] = PAIRS[pair + 1]!
    out[--p] = PAIRS[pair]!
    rest = next
  }
  if (rest < 10) {
    out[at] = ZERO + rest
  } else {
    out[at] = PAIRS[2 * rest]!
    out[at + 1] = PAIRS[2 * rest + 1]!
  }
  return end
}

/** Digits of an integer of 100 … 2^31 - 1. */
function digitCount(value: number): number {
  if (value < 100_000) {
    if (value < 10_000) return value < 1000 ? 3 : 4
    return 5
  }
  if (value < TEN_8) {
    if (value < 10_000_000) return value < TEN_6 ? 6 : 7
    return 8
  }
  return value < 1_000_000_000 ? 9 : 10
}

/** Spells an integer with leading zeros; `width` is even. */
function formatPadded(value: number, width: number, out: Uint8Array, at: number): number {
  let rest = value | 0
  for (let p = at + width; p > at; ) {
    const next = (rest / 100) | 0
    const pair = 2 * (rest - next * 100)
    out[--p] = PAIRS[pair + 1]!
    out[--p] = PAIRS[pair]!
    rest = next
  }
  return at + width
}
