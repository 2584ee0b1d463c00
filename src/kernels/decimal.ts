/** Integers as decimal text: eight digits at a time, of which leading zeros are shifted out. */

/** The most that an integer takes, its sign too. */
export const DIGITS_MAX: i32 = 20

export const EIGHT: u64 = 100_000_000
export const ZEROS: u64 = 0x3030_3030_3030_3030
/** A bit of the last digit. */
const LAST: u64 = 0x0100_0000_0000_0000

/** The eight digits of a number below 10^8 as numbers, the first in the lowest byte: halves of it, then quarters, then digits. */
// @ts-ignore: decorator
@inline
export function eightDigits(value: u32): u64 {
  const high = value / 10_000
  const fours = (high as u64) | (((value - high * 10_000) as u64) << 32)
  // Products with rounded reciprocals are exact as far as these numbers go.
  const hundreds = ((fours * 10_486) >> 20) & 0x0000_007f_0000_007f
  const twos = hundreds | ((fours - hundreds * 100) << 16)
  const tens = ((twos * 103) >> 10) & 0x000f_000f_000f_000f
  return tens | ((twos - tens * 10) << 8)
}

/** How many of eight digits are zeros in front; of zero itself the last digit stays. */
// @ts-ignore: decorator
@inline
export function leadingZeros(digits: u64): i32 {
  return (ctz(digits | LAST) >> 3) as i32
}

/** Up to 16 bytes are written. */
// @ts-ignore: decorator
@inline
function writeSmall(value: u32, to: i32): i32 {
  const digits = eightDigits(value)
  const zeros = leadingZeros(digits)
  store<u64>(to, (digits | ZEROS) >> (zeros << 3))
  return to + 8 - zeros
}

/** Spells a number at `to` and returns where that ends; what is written behind that, up to eight bytes, means nothing. */
export function writeUnsigned(value: u64, to: i32): i32 {
  if (value < EIGHT) return writeSmall(value as u32, to)
  const high = value / EIGHT
  const at = high < EIGHT ? writeSmall(high as u32, to) : writeLarge(high, to)
  return writeEight((value - high * EIGHT) as u32, at)
}

/** A number of more than eight digits, and below 10^12. */
function writeLarge(value: u64, to: i32): i32 {
  const high = value / EIGHT
  return writeEight((value - high * EIGHT) as u32, writeSmall(high as u32, to))
}

// @ts-ignore: decorator
@inline
function writeEight(value: u32, to: i32): i32 {
  store<u64>(to, eightDigits(value) | ZEROS)
  return to + 8
}

export function writeInteger(value: i64, to: i32): i32 {
  if (value >= 0) return writeUnsigned(value as u64, to)
  store<u8>(to, 0x2d)
  return writeUnsigned((0 - value) as u64, to + 1)
}
