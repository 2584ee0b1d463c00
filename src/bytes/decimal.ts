/**
 * Doubles as decimal text, both ways, as servers read and print them.
 *
 *   number   [+-] (digits [. digits] | . digits) [e [+-] digits]
 *            [+-] (inf | infinity | nan)                          any case
 *
 * Redis 7.2 and valkey print the shortest digits that read back to the same
 * double (util.c d2string, fpconv): 0.1, 3e+100. Older servers print 17
 * significant digits: 0.10000000000000001, 2.9999999999999999e+100.
 */
import {formatInt64, formatSafe, splitInt64} from './int64.js'

const MINUS = 0x2d
const PLUS = 0x2b
const POINT = 0x2e
const ZERO = 0x30
const {latin1Slice} = Buffer.prototype
/** Longer digit strings are beyond 2^53; of this many digits, some are. */
const EXACT_DIGITS = 16
/** 10^22 is the largest power of ten that a double holds exactly. */
const EXACT_EXPONENT = 22
const POWERS = Array.from({length: EXACT_EXPONENT + 1}, (_, i) => Number(`1e${i}`))
/** No double needs more: the longest exact decimal of one has some 1100 characters. */
const TEXT_BYTES_MAX = 2048
/** Integers up to here are printed without exponent by redis 7.2 (util.c double2ll), and below 2^52 by older ones. */
const INTEGER_MAX = 2 ** 62
const OLD_INTEGER_MAX = 2 ** 52
const FEW_DECIMALS = 6
/** Times 10^6 this is below 2^53. */
const FEW_DECIMALS_MAX = 2 ** 33

/** Reads the number that is all of bytes[start, end); undefined where it is none. "nan" is NaN. */
export function parseDouble(bytes: Uint8Array, start: number, end: number): number | undefined {
  let p = start
  const sign = p < end ? bytes[p] : 0
  if (sign === MINUS || sign === PLUS) p++
  const numberStart = p
  let mantissa = 0
  let significant = 0
  let digits = 0
  let exponent = 0
  let point = false
  for (; p < end; p++) {
    const byte = bytes[p]!
    const digit = byte - ZERO
    if (digit >= 0 && digit <= 9) {
      digits++
      if (significant > 0 || digit > 0) significant++
      if (significant <= EXACT_DIGITS) mantissa = mantissa * 10 + digit
      if (point) exponent--
    } else if (byte === POINT && !point) {
      point = true
    } else {
      break
    }
  }
  if (digits === 0) return p === numberStart ? parseWord(bytes, numberStart, end, sign === MINUS) : undefined
  if (p < end && !isExponent(bytes, p, end)) return undefined
  const exact = significant <= EXACT_DIGITS && mantissa <= Number.MAX_SAFE_INTEGER && exponent >= -EXACT_EXPONENT
  if (p < end || !exact) return parseSlow(bytes, start, end)
  const value = exponent === 0 ? mantissa : mantissa / POWERS[-exponent]!
  return sign === MINUS ? -value : value
}

/** The shortest text that reads back to the same double, laid out as redis 7.2 and valkey print it. */
export function formatShortest(value: number): string {
  if (!Number.isFinite(value)) return formatInfinite(value)
  if (Number.isInteger(value) && Math.abs(value) <= INTEGER_MAX) return formatInteger(value)
  const sign = value < 0 ? '-' : ''
  const text = String(Math.abs(value))
  if (isLaidOut(text)) return sign + text
  const [mantissa = '', exponent = ''] = Math.abs(value).toExponential().split('e')
  return sign + layOut(mantissa.replace('.', ''), Number(exponent))
}

/** Spells `formatShortest` at out[at] and returns where it ends: at most 25 bytes further. */
export function writeShortest(value: number, out: Uint8Array, at: number): number {
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
    if (value >= 0) return formatSafe(value, out, at)
    out[at] = MINUS
    return formatSafe(-value, out, at + 1)
  }
  const end = writeFewDecimals(value, out, at)
  if (end > 0) return end
  const text = formatShortest(value)
  for (let i = 0; i < text.length; i++) out[at + i] = text.charCodeAt(i)
  return at + text.length
}

/**
 * The same for what has at most six decimals, as most scores that people set, without a string; 0 where it has more.
 * Both the integer and the power of ten are exact in a double, so their quotient is what the digits read back to.
 */
function writeFewDecimals(value: number, out: Uint8Array, start: number): number {
  const size = Math.abs(value)
  if (!(size < FEW_DECIMALS_MAX)) return 0
  let decimals = 1
  let digits = Math.round(size * 10)
  while (digits / POWERS[decimals]! !== size) {
    if (decimals === FEW_DECIMALS) return 0
    digits = Math.round(size * POWERS[++decimals]!)
  }
  if (digits === 0) return 0
  let at = start
  if (value < 0) out[at++] = MINUS
  const power = POWERS[decimals]!
  const whole = Math.floor(digits / power)
  at = formatSafe(whole, out, at)
  out[at] = POINT
  let rest = digits - whole * power
  const end = at + 1 + decimals
  for (let p = end - 1; p > at; p--) {
    const next = Math.floor(rest / 10)
    out[p] = ZERO + rest - next * 10
    rest = next
  }
  return end
}

/** Exactly what C prints for "%.17g", and what redis up to 7.0 prints for a score. */
export function format17Digits(value: number): string {
  if (!Number.isFinite(value)) return formatInfinite(value)
  if (Number.isInteger(value) && Math.abs(value) < OLD_INTEGER_MAX) return formatInteger(value)
  const [digits, exponent] = round17(Math.abs(value))
  const sign = value < 0 ? '-' : ''
  const kept = digits.replace(/0+$/, '')
  if (exponent < -4 || exponent >= 17) {
    const power = String(Math.abs(exponent)).padStart(2, '0')
    return sign + withPoint(kept, 1) + (exponent < 0 ? 'e-' : 'e+') + power
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${kept}`
  return sign + withPoint(kept.padEnd(exponent + 1, '0'), exponent + 1)
}

/** Whether an exponent, complete, is all that stands in bytes[p, end). */
function isExponent(bytes: Uint8Array, p: number, end: number): boolean {
  if ((bytes[p]! | 0x20) !== 0x65) return false
  const signed = p + 1 < end && (bytes[p + 1] === MINUS || bytes[p + 1] === PLUS)
  const digitsStart = p + (signed ? 2 : 1)
  for (let q = digitsStart; q < end; q++) {
    if (bytes[q]! < ZERO || bytes[q]! > ZERO + 9) return false
  }
  return digitsStart < end
}

/** The syntax has been checked; JavaScript rounds correctly. */
function parseSlow(bytes: Uint8Array, start: number, end: number): number | undefined {
  if (end - start > TEXT_BYTES_MAX) return undefined
  return Number(latin1Slice.call(bytes, start, end))
}

function parseWord(bytes: Uint8Array, start: number, end: number, negative: boolean): number | undefined {
  if (end - start !== 3 && end - start !== 8) return undefined
  const word = String.fromCharCode(...bytes.subarray(start, end)).toLowerCase()
  if (word === 'nan') return Number.NaN
  if (word !== 'inf' && word !== 'infinity') return undefined
  return negative ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
}

function formatInfinite(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  return value < 0 ? '-inf' : 'inf'
}

const halves = {high: 0, low: 0}
const integerText = new Uint8Array(20)

function formatInteger(value: number): string {
  if (Object.is(value, -0)) return '-0'
  if (Number.isSafeInteger(value)) return String(value)
  // JavaScript pads the shortest digits with zeros here, a server prints the exact integer.
  splitInt64(value, halves)
  return String.fromCharCode(...integerText.subarray(0, formatInt64(halves.high, halves.low, integerText, 0)))
}

/** JavaScript put the point where `layOut` would, which it does for most numbers of everyday size. */
function isLaidOut(text: string): boolean {
  const point = text.indexOf('.')
  if (point < 0 || text.includes('e')) return false
  return text.length - point <= 7 || (point <= 4 && !text.startsWith('0.000'))
}

/** Where the point goes, as fpconv_dtoa decides it (redis deps/fpconv, emit_digits). */
function layOut(digits: string, exponent: number): string {
  const zeros = exponent - (digits.length - 1)
  const size = Math.abs(exponent)
  if (zeros >= 0 && size < digits.length + 7) return digits + '0'.repeat(zeros)
  if (zeros < 0 && (zeros > -7 || size < 4)) {
    const whole = digits.length + zeros
    return whole > 0 ? withPoint(digits, whole) : `0.${'0'.repeat(-whole)}${digits}`
  }
  return withPoint(digits, 1) + (exponent < 0 ? 'e-' : 'e+') + size
}

function withPoint(digits: string, whole: number): string {
  return digits.length > whole ? `${digits.slice(0, whole)}.${digits.slice(whole)}` : digits
}

/** The 17 leading digits of a positive double and its decimal exponent. A tie goes to the even digit, as in C. */
function round17(value: number): [digits: string, exponent: number] {
  const text = value.toExponential(16)
  const exponent = Number(text.slice(19))
  // JavaScript rounds a tie up. A tie has no digit after the 18th, and so no bit after this one.
  if (Number.isInteger(value * 2 ** (17 - exponent)) || exponent > 17) {
    const [exact = '', exactExponent = ''] = value.toExponential(100).split('e')
    if ((exact.charCodeAt(17) & 1) === 0 && /^50*$/.test(exact.slice(18))) {
      return [exact[0] + exact.slice(2, 18), Number(exactExponent)]
    }
  }
  return [text[0] + text.slice(2, 18), exponent]
}
