/**
 * The numbers that INCRBYFLOAT and HINCRBYFLOAT add: `long double` of x86-64,
 * with a significand of 64 bits, exact to the last of them.
 *
 *   value = significand * 2^exponent      |significand| < 2^64
 *
 * A server reads both as decimal text, adds, and prints 17 decimals without
 * the zeros at their end (redis 7.0 util.c ld2string, LD_STR_HUMAN). Rare in a log, since servers
 * write the result as a SET: so this is plain arithmetic with large integers.
 */

const SIGNIFICAND_BITS = 64
/** What a server takes as text (MAX_LONG_DOUBLE_CHARS). */
const TEXT_LENGTH_MAX = 5 * 1024
/** Of a decimal exponent: beyond, no long double is finite, or not zero. */
const EXPONENT_MAX = 4932
const DECIMALS = 17

export interface LongDouble {
  significand: bigint
  exponent: number
}

/** Reads decimal text; undefined where it is no number, or none that is finite. */
export function parseLongDouble(text: string): LongDouble | undefined {
  if (text.length > TEXT_LENGTH_MAX) return undefined
  const match = /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d{1,6}))?$/.exec(text)
  if (match === null || (match[2] === '' && match[3] === '')) return undefined
  const [, sign, whole = '', decimals = '', power = '0'] = match
  const digits = BigInt(`${whole}${decimals}`)
  if (digits === 0n) return {significand: 0n, exponent: 0}
  const exponent = Number(power) - decimals.length
  if (Math.abs(exponent + String(digits).length) > EXPONENT_MAX) return undefined
  const [numerator, denominator] =
    exponent >= 0 ? [digits * 10n ** BigInt(exponent), 1n] : [digits, 10n ** BigInt(-exponent)]
  const {significand, exponent: two} = rounded(numerator, denominator)
  return {significand: sign === '-' ? -significand : significand, exponent: two}
}

/** The nearest to numerator / denominator, both above zero; of two the even one. */
function rounded(numerator: bigint, denominator: bigint): LongDouble {
  let exponent = bitLength(numerator) - bitLength(denominator) - SIGNIFICAND_BITS
  let significand = divided(numerator, denominator, exponent)
  // The quotient has 64 bits, or 65.
  if (bitLength(significand) > SIGNIFICAND_BITS) significand = divided(numerator, denominator, ++exponent)
  return {significand, exponent}
}

/** numerator / denominator / 2^exponent, to the nearest integer. */
function divided(numerator: bigint, denominator: bigint, exponent: number): bigint {
  const above = exponent < 0 ? numerator << BigInt(-exponent) : numerator
  const below = exponent > 0 ? denominator << BigInt(exponent) : denominator
  const quotient = above / below
  const twice = (above - quotient * below) * 2n
  return twice > below || (twice === below && (quotient & 1n) === 1n) ? quotient + 1n : quotient
}

function bitLength(value: bigint): number {
  return value.toString(2).length
}

/** The sum, rounded once. */
export function addLongDoubles(one: LongDouble, other: LongDouble): LongDouble {
  const exponent = Math.min(one.exponent, other.exponent)
  const sum =
    (one.significand << BigInt(one.exponent - exponent)) + (other.significand << BigInt(other.exponent - exponent))
  if (sum === 0n) return {significand: 0n, exponent: 0}
  const size = sum < 0n ? -sum : sum
  const made = exponent < 0 ? rounded(size, 1n << BigInt(-exponent)) : rounded(size << BigInt(exponent), 1n)
  return {significand: sum < 0n ? -made.significand : made.significand, exponent: made.exponent}
}

/** As a server prints it for people: at most 17 decimals, no zeros at their end, no exponent. */
export function formatLongDouble({significand, exponent}: LongDouble): string {
  const size = significand < 0n ? -significand : significand
  const scaled = size * 10n ** BigInt(DECIMALS)
  const units = exponent >= 0 ? scaled << BigInt(exponent) : divided(scaled, 1n, -exponent)
  const digits = String(units).padStart(DECIMALS + 1, '0')
  const decimals = digits.slice(-DECIMALS).replace(/0+$/, '')
  const text = digits.slice(0, -DECIMALS) + (decimals === '' ? '' : `.${decimals}`)
  return significand < 0n && text !== '0' ? `-${text}` : text
}
