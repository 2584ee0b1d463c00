/**
 * The score that an entry of a packed sorted set spells, rounded as it must be, or in doubt.
 *
 * A decimal is an integer of up to 19 digits over a power of ten up to 10^22, both exact in two doubles and in one. The
 * quotient is made of two doubles as well, good to some hundred bits: its first is the answer unless the rest lies within
 * a hair of the middle between two doubles (T. J. Dekker, 1971).
 */
import {isInteger, loadInteger, stringLength, stringStart} from './listpack'
import {PACKED_POWERS} from './memory'

/** Two to the 27th, and one: parts a double in halves. */
const SPLITTER: f64 = 134_217_729
const DIGITS_MAX: i32 = 19
/** Of half the distance to the next double, so much may be uncertain. */
const DOUBT: f64 = 1e-9
const EXACT_MAX: u64 = 9_007_199_254_740_992

/** What was spelled. */
export let score: f64 = 0

/** False in doubt. */
export function exactScore(p: i32): bool {
  const first = load<u8>(p) as i32
  if (isInteger(first)) {
    const value = loadInteger(p)
    score = value as f64
    return value <= (EXACT_MAX as i64) && value >= -(EXACT_MAX as i64)
  }
  const start = stringStart(p, first)
  return parse(start, start + stringLength(p, first))
}

function parse(start: i32, end: i32): bool {
  let p = start
  const negative = p < end && load<u8>(p) == 0x2d
  if (negative) p++
  let mantissa: u64 = 0
  let digits = 0
  let fraction = 0
  let point = false
  for (; p < end; p++) {
    const byte = load<u8>(p) as u32
    const digit = byte - 0x30
    if (digit <= 9) {
      mantissa = mantissa * 10 + digit
      if (mantissa != 0) digits++
      if (point) fraction++
    } else if (byte == 0x2e && !point && p > start) {
      point = true
    } else {
      return false
    }
  }
  if (digits == 0 || digits > DIGITS_MAX || fraction > 22 || (point && fraction == 0)) return false
  const value = quotient(mantissa, load<f64>(PACKED_POWERS + (fraction << 3)))
  score = negative ? -value : value
  return value > 0
}

/** An integer over a power of ten that is exact; 0 in doubt. */
function quotient(mantissa: u64, power: f64): f64 {
  // One rounding: both are exact (W. D. Clinger).
  if (mantissa <= EXACT_MAX) return (mantissa as f64) / power
  const head = (mantissa & ~0x7ff) as f64
  const tail = (mantissa & 0x7ff) as f64
  const first = (head + tail) / power
  // What is left: head - first * power, exact, and the tail.
  const split = SPLITTER * first
  const firstHigh = split - (split - first)
  const firstLow = first - firstHigh
  const splitPower = SPLITTER * power
  const powerHigh = splitPower - (splitPower - power)
  const powerLow = power - powerHigh
  const product = first * power
  const error = firstHigh * powerHigh - product + firstHigh * powerLow + firstLow * powerHigh + firstLow * powerLow
  const second = (head - product - error + tail) / power
  const sum = first + second
  const rest = first - sum + second
  // Half the distance to the next double, seen from below: the smaller one at powers of two.
  const half = sum * 5.551115123125783e-17
  const away = abs(rest)
  // The distance is between half of this and all of it, by where in its binade the sum lies.
  const bits = reinterpret<u64>(sum)
  const ulp = reinterpret<f64>(bits + 1) - sum
  return abs(away - ulp / 2) < half * DOUBT || abs(away - ulp / 4) < half * DOUBT ? 0 : sum
}
