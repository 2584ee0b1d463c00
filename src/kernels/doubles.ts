/** Doubles as decimal text, both ways, as src/bytes/decimal.ts has them: what is rare is done there. */
import {writeInteger} from './decimal'
import {PACKED_POWERS} from './memory'

/** src/bytes/kernel.ts gives these: the shortest digits of a score, written to a place; and the number that is all of some text, NaN of any other. */
// @ts-ignore: decorator
@external('decimal', 'write')
declare function writeShortest(score: f64, to: i32): i32
// @ts-ignore: decorator
@external('decimal', 'parse')
declare function parseDouble(start: i32, end: i32): f64

/** Up to here integers are exact in a double. */
const EXACT_MAX: f64 = 9_007_199_254_740_992
/** Times 10^6 this is below 2^53. */
const FEW_DECIMALS_MAX: f64 = 8_589_934_592
const FEW_DECIMALS: i32 = 6

/** A whole number that a double holds exactly; minus zero is none. */
// @ts-ignore: decorator
@inline
export function isWhole(value: f64): bool {
  return abs(value) <= EXACT_MAX && floor(value) == value && (value != 0 || reinterpret<i64>(value) == 0)
}

/** The shortest digits of a finite number that is not whole, as servers print them: up to 25 bytes. */
export function writeDouble(value: f64, to: i32): i32 {
  const end = writeFewDecimals(value, to)
  return end != 0 ? end : writeShortest(value, to)
}

/** As src/bytes/decimal.ts has it; 0 of what has more of them. */
function writeFewDecimals(score: f64, to: i32): i32 {
  const size = abs(score)
  if (size >= FEW_DECIMALS_MAX) return 0
  let decimals = 1
  let power: f64 = 10
  let digits = nearest(size * power)
  while (digits / power != size) {
    if (decimals == FEW_DECIMALS) return 0
    power = load<f64>(PACKED_POWERS + (++decimals << 3))
    digits = nearest(size * power)
  }
  if (digits == 0) return 0
  let at = to
  if (score < 0) store<u8>(at++, 0x2d)
  const whole = floor(digits / power)
  at = writeInteger(whole as i64, at)
  // One more digit in front keeps the zeros behind the point; the point takes its place.
  const end = writeInteger((digits - whole * power + power) as i64, at)
  store<u8>(at, 0x2e)
  return end
}

/** Longer digit strings are for JavaScript. */
const DECIMAL_MAX: i32 = 19
/** Digits that every double keeps apart, and those that servers print at most. */
const KEPT_DIGITS: i32 = 15
const PRINTED_DIGITS: i32 = 17
const FRACTION_MAX: i32 = 18

/** The double that a decimal reads as; it is rounded once, or its rounding is proved. */
export function readDouble(start: i32, length: i32): f64 {
  const end = start + length
  if (length > DECIMAL_MAX) return parseDouble(start, end)
  let p = start
  const negative = length > 0 && load<u8>(p) == 0x2d
  if (negative) p++
  let mantissa: u64 = 0
  let digits = 0
  let point = 0
  const first = p
  for (; p < end; p++) {
    const digit = (load<u8>(p) as u32) - 0x30
    if (digit <= 9) {
      mantissa = mantissa * 10 + digit
      if (mantissa != 0) digits++
    } else if (load<u8>(p) == 0x2e && point == 0 && p > first) {
      point = p + 1
    } else {
      break
    }
  }
  const decimals = point == 0 ? 0 : end - point
  if (p < end || p == first || point == end || digits > PRINTED_DIGITS || decimals > FRACTION_MAX) {
    return parseDouble(start, end)
  }
  const size = digits <= KEPT_DIGITS ? (mantissa as f64) / powerOf(decimals) : readLong(mantissa, digits, decimals)
  if (size < 0) return parseDouble(start, end)
  return negative ? -size : size
}

// @ts-ignore: decorator
@inline
function powerOf(exponent: i32): f64 {
  return load<f64>(PACKED_POWERS + (exponent << 3))
}

const MANTISSA_BITS: i32 = 52
const EXPONENT_BIAS: i32 = 1023
/** 50 times 2 to this is below 2^63. */
const SHIFT_MAX: i32 = 57

/**
 * Most scores of 16 or 17 digits are how some double of fewer prints, which is made of the first 15. Whether the
 * digits read as that double, m / 2^s, is settled in integers:
 *
 *   |mantissa / 10^decimals - m / 2^s| < half of 1 / 2^s      |mantissa * 2^s - m * 10^decimals| < half of 10^decimals
 *
 * Both sides of that difference are cut to 64 bits, which it has not itself. -1 where they do not.
 */
function readLong(mantissa: u64, digits: i32, decimals: i32): f64 {
  const unit = powerOf(digits - KEPT_DIGITS) as u64
  const rest = decimals - (digits - KEPT_DIGITS)
  if (rest < 0) return -1
  const value = (((mantissa + (unit >> 1)) / unit) as f64) / powerOf(rest)
  const bits = reinterpret<u64>(value)
  const shift = MANTISSA_BITS + EXPONENT_BIAS - ((bits >> MANTISSA_BITS) as i32)
  const fraction = bits & 0x000f_ffff_ffff_ffff
  // Below a power of two doubles lie closer.
  if (shift < 1 || shift > SHIFT_MAX || fraction == 0) return -1
  const power = powerOf(decimals) as u64
  const gap = ((mantissa << shift) - (fraction | 0x0010_0000_0000_0000) * power) as i64
  return (gap < 0 ? -gap : gap) < ((power >> 1) as i64) ? value : -1
}
