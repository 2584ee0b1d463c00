/**
 * The arithmetic of INCRBYFLOAT and HINCRBYFLOAT: a server adds in the 80-bit
 * doubles of x86 and prints 17 decimals, so 64 bits are too few to follow it.
 *
 *   value = mantissa * 2^exponent      mantissa: at most 64 bits and a sign, rounded half to even
 *
 * Exact integers of any length are used here and nowhere else on a read path:
 * these commands are rare, and servers write their results to the log instead.
 */

/** A finite number. */
export interface LongDouble {
  mantissa: bigint
  exponent: number
}

export const ZERO_LONG_DOUBLE: LongDouble = {mantissa: 0n, exponent: 0}

const MANTISSA_BITS = 64
/** Numbers are below 2^16384; the last bit of the smallest is worth 2^-16445. */
const BITS_MAX = 16384
const EXPONENT_MIN = -16445
/** Powers of ten that are beyond all of them, however many digits stand before. */
const TEN_POWER_MAX = 5000
const DECIMALS = 17n
/** A server reads no longer text (object.c, MAX_LONG_DOUBLE_CHARS). */
const TEXT_BYTES_MAX = 5 * 1024

const DECIMAL = /^([+-]?)(?:(\d+)\.?(\d*)|\.(\d+))(?:e([+-]?\d+))?$/i
const HEXADECIMAL = /^([+-]?)0x(?:([\da-f]+)\.?([\da-f]*)|\.([\da-f]+))(?:p([+-]?\d+))?$/i
const INFINITE = /^[+-]?inf(?:inity)?$/i

/** The number that a text is, as strtold reads it; 'infinite' for an infinity; undefined where it is none, NaN, or out of range. */
export function parseLongDouble(text: string): LongDouble | 'infinite' | undefined {
  if (text.length > TEXT_BYTES_MAX) return undefined
  if (INFINITE.test(text)) return 'infinite'
  const hexadecimal = HEXADECIMAL.exec(text)
  const [, sign, whole = '', fraction = '', only = '', power = '0'] = hexadecimal ?? DECIMAL.exec(text) ?? []
  if (sign === undefined) return undefined
  const decimals = fraction + only
  const digits = BigInt((hexadecimal === null ? '' : '0x') + (whole + decimals))
  const mantissa = sign === '-' ? -digits : digits
  if (mantissa === 0n) return ZERO_LONG_DOUBLE
  if (hexadecimal !== null) return rounded(mantissa, 1n, Number(power) - 4 * decimals.length)
  const ten = Number(power) - decimals.length
  if (Math.abs(ten) > TEN_POWER_MAX + TEXT_BYTES_MAX) return undefined
  return ten >= 0 ? rounded(mantissa * 10n ** BigInt(ten), 1n, 0) : rounded(mantissa, 10n ** BigInt(-ten), 0)
}

/** a + b; undefined where that is beyond all numbers. */
export function addLongDoubles(a: LongDouble, b: LongDouble): LongDouble | undefined {
  const exponent = Math.min(a.exponent, b.exponent)
  const sum = (a.mantissa << BigInt(a.exponent - exponent)) + (b.mantissa << BigInt(b.exponent - exponent))
  return sum === 0n ? ZERO_LONG_DOUBLE : rounded(sum, 1n, exponent)
}

/** What C prints for "%.17Lf", without zeros at its end (util.c ld2string). */
export function formatLongDouble({mantissa, exponent}: LongDouble): string {
  const scaled = (mantissa < 0n ? -mantissa : mantissa) * 10n ** DECIMALS
  const units = exponent >= 0 ? scaled << BigInt(exponent) : dividedToEven(scaled, 1n << BigInt(-exponent))
  if (units === 0n) return '0'
  const digits = String(units).padStart(Number(DECIMALS) + 1, '0')
  const point = digits.length - Number(DECIMALS)
  const decimals = digits.slice(point).replace(/0+$/, '')
  return (mantissa < 0n ? '-' : '') + digits.slice(0, point) + (decimals === '' ? '' : `.${decimals}`)
}

/** numerator / denominator * 2^power as a number of 64 bits; undefined where none is as large, or as small. */
function rounded(numerator: bigint, denominator: bigint, power: number): LongDouble | undefined {
  const size = numerator < 0n ? -numerator : numerator
  const bits = bitsOf(size) - bitsOf(denominator)
  if (bits + power > BITS_MAX + 1 || bits + power < EXPONENT_MIN - 1) return undefined
  // Of so many bits is the quotient, or of one less: with a unit of twice the worth it fits.
  let unit = Math.max(bits + 1 - MANTISSA_BITS, EXPONENT_MIN - power)
  let mantissa = quotient(size, denominator, unit)
  if (bitsOf(quotientBelow(size, denominator, unit)) < MANTISSA_BITS && unit + power > EXPONENT_MIN) {
    unit--
    mantissa = quotient(size, denominator, unit)
  }
  if (mantissa === 0n || bitsOf(mantissa) + unit + power > BITS_MAX) return undefined
  return {mantissa: numerator < 0n ? -mantissa : mantissa, exponent: unit + power}
}

/** size / denominator in units of 2^unit, rounded. */
function quotient(size: bigint, denominator: bigint, unit: number): bigint {
  return unit >= 0
    ? dividedToEven(size, denominator << BigInt(unit))
    : dividedToEven(size << BigInt(-unit), denominator)
}

/** The same, rounded down. */
function quotientBelow(size: bigint, denominator: bigint, unit: number): bigint {
  return unit >= 0 ? size / (denominator << BigInt(unit)) : (size << BigInt(-unit)) / denominator
}

/** Rounded; a tie to the even. */
function dividedToEven(size: bigint, by: bigint): bigint {
  const whole = size / by
  const twice = 2n * (size - whole * by)
  return twice > by || (twice === by && (whole & 1n) === 1n) ? whole + 1n : whole
}

function bitsOf(size: bigint): number {
  return size === 0n ? 0 : size.toString(16).length * 4 - (Math.clz32(Number.parseInt(size.toString(16)[0]!, 16)) - 28)
}
