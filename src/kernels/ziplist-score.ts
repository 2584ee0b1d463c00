/**
 * Scores as text, in the shortest that reads back to the same double: redis up to 7.0 prints 17 digits, as 0.10000000000000001,
 * and src/bytes/decimal.ts has what is written instead. Known here are those of at most six decimals, below 10^9 and no
 * whole numbers; fifteen digits, which no two doubles share, are what tells them apart.
 */
import {PACKED_POWERS} from './memory'

const DECIMALS_MAX: i32 = 6
/** 10 to that power. */
const DECIMALS: u64 = 1_000_000
const DIGITS_MAX: i32 = 15
/** Of so many digits, one less than 2^63 is made. */
const TEXT_DIGITS_MAX: i32 = 18
const TEXT_DECIMALS_MAX: i32 = 17
const WHOLE_END: u64 = 1_000_000_000
/** Closer than 11 units in the last place of a double, relatively. */
const NEAR: f64 = 8.881784197001252e-16
const FRACTION_BITS: i32 = 52
const EXPONENT_BIAS: i32 = 1075

/** The double of the text that was put last. */
export let textScore: f64 = 0

/** Writes the shortest text of the score that [start, end) spells, a byte for its length before it; where that ends, 0 in doubt. */
export function putScore(start: i32, end: i32, to: i32): i32 {
  const negative = load<u8>(start) == 0x2d
  const digitsStart = negative ? start + 1 : start
  if (end - digitsStart > TEXT_DIGITS_MAX + 1) return 0
  let mantissa: u64 = 0
  let point = 0
  for (let p = digitsStart; p < end; p++) {
    const digit = (load<u8>(p) as u32) - 0x30
    if (digit <= 9) {
      mantissa = mantissa * 10 + digit
    } else {
      if (point != 0 || load<u8>(p) != 0x2e) return 0
      point = p
    }
  }
  const decimals = end - 1 - point
  const digits = end - 1 - digitsStart
  if (point <= digitsStart || decimals < 1 || decimals > TEXT_DECIMALS_MAX || digits > TEXT_DIGITS_MAX) return 0
  const power = powerOf(decimals)
  const whole = mantissa / power
  if (whole >= WHOLE_END || whole * power == mantissa) return 0
  if (decimals <= DECIMALS_MAX && digits <= DIGITS_MAX) {
    const value = (mantissa as f64) / (power as f64)
    textScore = negative ? -value : value
    return putDecimal(negative, whole, mantissa - whole * power, decimals, to)
  }
  return decimals <= DECIMALS_MAX ? 0 : putRounded(negative, mantissa, decimals, power, to)
}

/** The same of a text of more decimals: its double must be that of the text of six that is nearest. */
function putRounded(negative: bool, mantissa: u64, decimals: i32, power: u64, to: i32): i32 {
  const cut = powerOf(decimals - DECIMALS_MAX)
  const rounded = (mantissa + cut / 2) / cut
  const value = (rounded as f64) / (DECIMALS as f64)
  const whole = rounded / DECIMALS
  const fraction = rounded - whole * DECIMALS
  if (whole >= WHOLE_END || fraction == 0) return 0
  // Near enough for what follows to be exact in 64 bits, whatever it overflows on the way.
  if (!(abs((mantissa as f64) / (power as f64) - value) <= value * NEAR)) return 0
  const bits = reinterpret<u64>(value)
  const significand = (bits & 0xf_ffff_ffff_ffff) | 0x10_0000_0000_0000
  const shift = EXPONENT_BIAS - ((bits >> FRACTION_BITS) as i32)
  // A power of two has another neighbour below than above.
  if (significand == 0x10_0000_0000_0000 || shift < 0) return 0
  const scaled: u64 = shift > 63 ? 0 : mantissa << shift
  const gap = (scaled - significand * power) as i64
  // Half a unit in the last place, in units of it over `power`.
  if (abs(gap) >= ((power / 2) as i64)) return 0
  textScore = negative ? -value : value
  return putDecimal(negative, whole, fraction, DECIMALS_MAX, to)
}

/** Without the zeros at its end. */
function putDecimal(negative: bool, whole: u64, fraction: u64, decimals: i32, to: i32): i32 {
  let p = to + 1
  if (negative) store<u8>(p++, 0x2d)
  p = putDigits(whole, wholeDigits(whole), p)
  store<u8>(p++, 0x2e)
  p = putDigits(fraction, decimals, p)
  while (load<u8>(p - 1) == 0x30) p--
  store<u8>(to, (p - to - 1) as u8)
  return p
}

function putDigits(value: u64, digits: i32, to: i32): i32 {
  let rest = value as u32
  for (let p = to + digits - 1; p >= to; p--) {
    const next = rest / 10
    store<u8>(p, 0x30 + (rest - next * 10))
    rest = next
  }
  return to + digits
}

function wholeDigits(value: u64): i32 {
  const size = value as u32
  let digits = 1
  for (let power: u32 = 10; digits < 9 && size >= power; power *= 10) digits++
  return digits
}

// @ts-ignore: decorator
@inline
function powerOf(exponent: i32): u64 {
  return load<f64>(PACKED_POWERS + (exponent << 3)) as u64
}
