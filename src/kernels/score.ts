/**
 * The scores of a packed sorted set, and whether its elements stand in their order: by score, then by member.
 */
import {isInteger, loadInteger, stringLength, stringStart} from './listpack'
import {PACKED_DIGITS, PACKED_POWERS} from './memory'

/** Two scores further apart than this, relatively, are in the order that inexact arithmetic says. */
const SCORE_TOLERANCE: f64 = 1e-12
/** Up to here integers are exact in a double. */
const EXACT_MAX: u64 = 9_007_199_254_740_992
const DECIMAL_MAX: i32 = 32
/** A decimal cut after sixteen characters is right within SCORE_TOLERANCE if it is no less, its point left out. */
const LONG_MIN: u64 = 100_000_000_000_000

buildPowers()

/** The score that readScore read last, the one before, and whether they are rounded correctly. */
let score: f64 = 0
let scoreExact: bool = true
let previousScore: f64 = 0
let previousExact: bool = true

/** Reads the score of the entry at p; false in doubt. */
export function readScore(p: i32): bool {
  previousScore = score
  previousExact = scoreExact
  const first = load<u8>(p) as i32
  if (isInteger(first)) {
    score = loadInteger(p) as f64
    scoreExact = true
    return true
  }
  return parseScore(stringStart(p, first), stringLength(p, first))
}

function parseScore(start: i32, length: i32): bool {
  const end = start + length
  let p = start
  const negative = length > 0 && load<u8>(p) == 0x2d
  if (negative) p++
  if (end - p == 3 && (load<u32>(p) & 0xffffff) == 0x666e69) {
    score = negative ? -Infinity : Infinity
    scoreExact = true
    return true
  }
  return (end - p <= DECIMAL_MAX && parseDecimal(p, end - p, negative)) || parseAny(p, end, negative)
}

/**
 * A decimal with its point within its first 16 characters, and these all at once: their digits are brought together at
 * the right end of 16 places, then added up in pairs, fours and eights. Up to 16 more are looked at, and left out.
 */
function parseDecimal(start: i32, length: i32, negative: bool): bool {
  const head = min(length, 16)
  const values = i8x16.sub(v128.load(start), i8x16.splat(0x30))
  const more = i8x16.sub(v128.load(start, 16), i8x16.splat(0x30))
  const all = (1 << head) - 1
  const allMore = (1 << (length - head)) - 1
  const dots = i8x16.bitmask(i8x16.eq(values, i8x16.splat(0x2e - 0x30))) & all
  const digits = i8x16.bitmask(i8x16.le_u(values, i8x16.splat(9))) & all
  const digitsMore = i8x16.bitmask(i8x16.le_u(more, i8x16.splat(9))) & allMore
  const count = popcnt(digits)
  const point = dots == 0 ? head : ctz(dots)
  const fraction = dots == 0 ? 0 : head - point - 1
  if ((dots | digits) != all || (dots & (dots - 1)) != 0 || point == 0 || digitsMore != allMore) return false
  // A number that ends with its point, or has none in so many digits, is for the careful way.
  if (dots == 0 ? length > 16 : fraction == 0) return false
  const places = i8x16.sub(i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), i8x16.splat((16 - count) as i8))
  const passed = i8x16.ge_s(places, i8x16.splat(point as i8)) // -1 behind the point
  const aligned = i8x16.swizzle(values, i8x16.sub(places, passed))
  const mantissa = eightDigits(i64x2.extract_lane(aligned, 0)) * 100_000_000 + eightDigits(i64x2.extract_lane(aligned, 1))
  const value = (mantissa as f64) / load<f64>(PACKED_POWERS + (fraction << 3))
  score = negative ? -value : value
  scoreExact = mantissa <= EXACT_MAX && length <= 16
  // What was left out must not count: fifteen digits are known.
  return length <= 16 || mantissa >= LONG_MIN
}

// @ts-ignore: decorator
@inline
function eightDigits(digits: u64): u64 {
  const pairs = (digits * 10 + (digits >> 8)) & 0x00ff_00ff_00ff_00ff
  const fours = (pairs * 100 + (pairs >> 16)) & 0x0000_ffff_0000_ffff
  return (fours * 10_000 + (fours >> 32)) & 0xffff_ffff
}

function parseAny(start: i32, end: i32, negative: bool): bool {
  let p = start
  let mantissa: u64 = 0
  let exponent = 0
  let digits = 0
  let point = false
  for (; p < end; p++) {
    const byte = load<u8>(p) as u32
    const digit = byte - 0x30
    if (digit <= 9) {
      digits++
      mantissa = mantissa * 10 + digit
      if (mantissa > 1_000_000_000_000_000_000) return false
      if (point) exponent--
    } else if (byte == 0x2e && !point) {
      point = true
    } else {
      break
    }
  }
  if (digits == 0) return false
  if (p < end) {
    const more = readExponent(p, end)
    if (more > 400) return false
    exponent += more
  }
  return scale(mantissa, exponent, negative)
}

/** The exponent that is all of [start, end); a large number in doubt. */
function readExponent(start: i32, end: i32): i32 {
  let p = start + 1
  if ((load<u8>(start) | 0x20) != 0x65 || p == end) return 1000
  const negative = load<u8>(p) == 0x2d
  if (negative || load<u8>(p) == 0x2b) p++
  if (p == end || end - p > 3) return 1000
  let value = 0
  for (; p < end; p++) {
    const digit = (load<u8>(p) as u32) - 0x30
    if (digit > 9) return 1000
    value = value * 10 + (digit as i32)
  }
  return negative ? -value : value
}

function scale(mantissa: u64, exponent: i32, negative: bool): bool {
  let value = mantissa as f64
  let left = exponent
  // One rounding: numbers and powers of ten below are exact (C. Clinger's fast path).
  scoreExact = mantissa <= EXACT_MAX && left >= -22 && left <= 22
  if (exponent >= 0) for (; left > 0; left -= 22) value *= load<f64>(PACKED_POWERS + (min(left, 22) << 3))
  else for (; left < 0; left += 22) value /= load<f64>(PACKED_POWERS + (min(-left, 22) << 3))
  score = negative ? -value : value
  return scoreExact || (value > 1e-290 && value < 1e290)
}

/** Whether a member and its score, the last read, stand in order behind those before them; 0: there are none. */
export function follows(memberBefore: i32, scoreBefore: i32, member: i32, scoreAt: i32): bool {
  if (memberBefore == 0) return true
  const gap = score - previousScore
  if (gap == Infinity || gap > (abs(score) + abs(previousScore)) * SCORE_TOLERANCE) return true
  if (scoreExact && previousExact) {
    return previousScore < score || (previousScore == score && compareMembers(memberBefore, member) < 0)
  }
  // Nearly equal: the same text is the same score.
  const first = load<u8>(scoreAt) as i32
  if (first < 0x80 || first >= 0xc0 || load<u8>(scoreBefore) != (first as u8)) return false
  const length = first & 0x3f
  if (compareBytes(scoreBefore + 1, length, scoreAt + 1, length) != 0) return false
  return compareMembers(memberBefore, member) < 0
}

/** Their bytes, integers spelled out. */
export function compareMembers(a: i32, b: i32): i32 {
  const aFirst = load<u8>(a) as i32
  const bFirst = load<u8>(b) as i32
  let aStart = PACKED_DIGITS
  let bStart = PACKED_DIGITS + 32
  const aLength = isInteger(aFirst) ? spell(loadInteger(a), aStart) : stringLength(a, aFirst)
  const bLength = isInteger(bFirst) ? spell(loadInteger(b), bStart) : stringLength(b, bFirst)
  aStart = isInteger(aFirst) ? aStart + 24 - aLength : stringStart(a, aFirst)
  bStart = isInteger(bFirst) ? bStart + 24 - bLength : stringStart(b, bFirst)
  return compareBytes(aStart, aLength, bStart, bLength)
}

export function compareBytes(aStart: i32, aLength: i32, bStart: i32, bLength: i32): i32 {
  const size = min(aLength, bLength)
  for (let i = 0; i < size; i += 16) {
    const equal = i8x16.bitmask(i8x16.eq(v128.load(aStart + i), v128.load(bStart + i)))
    if (equal == 0xffff) continue
    const at = i + (ctz(~equal) as i32)
    if (at >= size) break
    return (load<u8>(aStart + at) as i32) - (load<u8>(bStart + at) as i32)
  }
  return aLength - bLength
}

/** Spells an integer so that it ends 24 bytes behind `at`; returns how long it is. */
export function spell(value: i64, at: i32): i32 {
  const end = at + 24
  let p = end
  let rest: u64 = value < 0 ? -(value as u64) : value
  do {
    const next = rest / 10
    store<u8>(--p, (0x30 + (rest - next * 10)) as u8)
    rest = next
  } while (rest != 0)
  if (value < 0) store<u8>(--p, 0x2d)
  return end - p
}

function buildPowers(): void {
  let power: f64 = 1
  for (let i = 0; i <= 22; i++, power *= 10) store<f64>(PACKED_POWERS + (i << 3), power)
}
