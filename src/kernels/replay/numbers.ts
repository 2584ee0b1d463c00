/** Numbers as commands and values spell them; what is not plain is left to others. */
import {DIGITS} from './layout'

const MINUS: u32 = 0x2d
const POINT: u32 = 0x2e
const ZERO: u32 = 0x30
/** So many digits are sure to be below 2^63. */
const INTEGER_DIGITS_MAX: u32 = 18
/** And these below 2^53. */
const EXACT_DIGITS_MAX: u32 = 15

/** What was read last. */
export let integer: i64 = 0
export let double: f64 = 0

/** Reads an integer as servers spell them, of up to 18 digits; false of anything else. */
export function readInteger(start: u32, end: u32): bool {
  let p = start
  const negative = p < end && load<u8>(p) == MINUS
  if (negative) p++
  const digits = end - p
  if (digits - 1 >= INTEGER_DIGITS_MAX) return false
  const first = (load<u8>(p) as u32) - ZERO
  if (first > 9 || (first == 0 && (digits > 1 || negative))) return false
  let value: u64 = first
  for (p++; p < end; p++) {
    const digit = (load<u8>(p) as u32) - ZERO
    if (digit > 9) return false
    value = value * 10 + digit
  }
  integer = negative ? -(value as i64) : (value as i64)
  return true
}

/** Reads a decimal of up to 15 digits, which is the quotient of two exact doubles; false of anything else, and of -0. */
export function readDouble(start: u32, end: u32): bool {
  let p = start
  const negative = p < end && load<u8>(p) == MINUS
  if (negative) p++
  if (end - p - 1 >= EXACT_DIGITS_MAX + 1) return false
  let value: u64 = 0
  let digits: u32 = 0
  let scale: f64 = 0
  for (; p < end; p++) {
    const byte = load<u8>(p) as u32
    const digit = byte - ZERO
    if (digit <= 9) {
      if (value == 0 && digits == 1 && scale == 0) return false
      value = value * 10 + digit
      digits++
      scale *= 10
    } else {
      // A point stands between digits, and once.
      if (byte != POINT || scale != 0 || digits == 0 || p + 1 == end) return false
      scale = 1
    }
  }
  if (digits == 0 || digits > EXACT_DIGITS_MAX || (negative && value == 0)) return false
  const magnitude = scale > 1 ? (value as f64) / scale : (value as f64)
  double = negative ? -magnitude : magnitude
  return true
}

/** Spells an integer and returns where; it ends where the area does. */
export function spell(value: i64): u32 {
  let rest: u64 = value < 0 ? -(value as u64) : (value as u64)
  let p = DIGITS_END
  do {
    const next = rest / 10
    store<u8>(--p, ZERO + ((rest - next * 10) as u32))
    rest = next
  } while (rest != 0)
  if (value < 0) store<u8>(--p, MINUS)
  return p
}

export const DIGITS_END: u32 = DIGITS + 32
