/**
 * Checksums of bytes that were not read again: what a checksum becomes when
 * bytes follow it, or when some in the middle change.
 *
 *   crc(A B)         = crc(A) * x^(8 |B|) + crc(B)
 *   crc(A') + crc(A) = crc(A' + A)                      + is xor; no init, no final xor
 *
 * all modulo the polynomial, bits reflected: x^0 is the highest bit.
 */
import type {Checksum64} from './crc64.js'

/** The polynomial, reflected. */
const POLYNOMIAL_HIGH = 0x95ac9329
const POLYNOMIAL_LOW = 0xac4bc9b5
/** x^(2^i) for every bit of a length in bits. */
const POWERS: Checksum64[] = []

/** The checksum of what had checksum `crc`, followed by so many zero bytes. */
export function crcShifted(crc: Checksum64, bytes: number): Checksum64 {
  let shifted = crc
  // Eight bits a byte: the first power is x^8.
  for (let rest = bytes, i = 3; rest > 0; rest = Math.floor(rest / 2), i++) {
    if (rest % 2 === 1) shifted = multiplied(shifted, power(i))
  }
  return shifted
}

/** The checksum of A followed by B. */
export function crcJoined(a: Checksum64, b: Checksum64, bBytes: number): Checksum64 {
  return crcSum(crcShifted(a, bBytes), b)
}

/** Of bytes that are the xor of two others, as long as each. */
export function crcSum(a: Checksum64, b: Checksum64): Checksum64 {
  return {high: (a.high ^ b.high) >>> 0, low: (a.low ^ b.low) >>> 0}
}

function power(i: number): Checksum64 {
  if (POWERS.length === 0) POWERS.push({high: 0x4000_0000, low: 0})
  while (POWERS.length <= i) {
    const last = POWERS.at(-1)!
    POWERS.push(multiplied(last, last))
  }
  return POWERS[i]!
}

/** The product modulo the polynomial. */
function multiplied(a: Checksum64, b: Checksum64): Checksum64 {
  let high = 0
  let low = 0
  let bHigh = b.high
  let bLow = b.low
  for (let bit = 0; bit < 64; bit++) {
    const half = bit < 32 ? a.high : a.low
    if ((half & (0x8000_0000 >>> (bit & 31))) !== 0) {
      high ^= bHigh
      low ^= bLow
    }
    const carry = bLow & 1
    bLow = (bLow >>> 1) | (bHigh << 31)
    bHigh >>>= 1
    if (carry !== 0) {
      bHigh ^= POLYNOMIAL_HIGH
      bLow ^= POLYNOMIAL_LOW
    }
  }
  return {high: high >>> 0, low: low >>> 0}
}
