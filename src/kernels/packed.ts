/**
 * Whether a listpack is sound beyond doubt: its chain, and what its entries mean to a value of its shape (the form of
 * an entry is in src/encoding/listpack.ts). It answers no more than yes or perhaps not: src/encoding/packed-check.ts
 * looks again at whatever is left in doubt, and only that is ever reported.
 *
 *   shape      1 set      2 zset             3 hash            4 hash-ttl
 *   element    <member>   <member> <score>   <field> <value>   <field> <value> <ms, or 0>
 *
 * In doubt, beside what is wrong: an unknown count, a string that spells an integer (a server stores that as an
 * integer, and the two are one member), equal tags of 31 bits, more members than the table takes, members that crowd in
 * one place of it, two scores of so many digits that only exact arithmetic tells which is less.
 */
import {
  MASKS_16,
  PACKED_DIGITS,
  PACKED_KEYS,
  PACKED_MEMBERS_MAX,
  PACKED_POWERS,
  PACKED_SIZES,
  PACKED_TABLE,
} from './memory'

const SET: i32 = 1
const ZSET: i32 = 2
const HASH_TTL: i32 = 4

const IN_DOUBT: i32 = -1
const HEADER_BYTES: i32 = 6
const COUNT_UNKNOWN: i32 = 0xffff
const EXPIRE_AT_MS_MAX: i64 = 0xffff_ffff_ffff
/** Two scores further apart than this, relatively, are in the order that inexact arithmetic says. */
const SCORE_TOLERANCE: f64 = 1e-12

const K0: u64 = 0x9e37_79b9_7f4a_7c15
const K1: u64 = 0xbf58_476d_1ce4_e5b9
const K2: u64 = 0x94d0_49bb_1331_11eb

buildTables()

/** The entries of the listpack in [start, end), or -1: in doubt. */
export function packedCheck(shape: i32, start: i32, end: i32): i32 {
  const last = end - 1
  if (end - start <= HEADER_BYTES || (load<u32>(start) as i32) != end - start) return IN_DOUBT
  if (load<u8>(last) != 0xff) return IN_DOUBT
  const claimed = load<u16>(start, 4) as i32
  return claimed == COUNT_UNKNOWN ? IN_DOUBT : passElements(shape, start, last, claimed)
}

/** Passes over an entry of a length to be read; 0 in doubt. */
function passLong(p: i32, last: i32): i32 {
  const first = load<u8>(p) as i32
  let size: i32
  if ((first & 0xf0) == 0xe0) {
    size = 2 + (((first & 0x0f) << 8) | (load<u8>(p, 1) as i32))
  } else {
    if (first != 0xf0) return 0
    const length = load<u32>(p, 1)
    if (length > ((last - p) as u32)) return 0
    size = 5 + length
  }
  const end = p + size
  if (end >= last) return 0
  if (size <= 127) return (load<u8>(end) as i32) == size ? end + 1 : 0
  if (size < 16383) return (load<u16>(end) as i32) == ((size >> 7) | (((size & 127) | 128) << 8)) ? end + 2 : 0
  // Three bytes go up to 2 MB, four times what is looked at here; servers differ about 16383 itself.
  const high = (size >> 14) | ((((size >> 7) & 127) | 128) << 8)
  if (size == 16383 || (load<u16>(end) as i32) != high) return 0
  return (load<u8>(end, 2) as i32) == ((size & 127) | 128) ? end + 3 : 0
}

/** Passes over any entry; 0 in doubt. */
// @ts-ignore: decorator
@inline
function pass(p: i32, last: i32): i32 {
  const size = load<u8>(PACKED_SIZES + (load<u8>(p) as i32)) as i32
  if (size == 0) return passLong(p, last)
  return (load<u8>(p + size) as i32) == size ? p + size + 1 : 0
}

function passElements(shape: i32, start: i32, last: i32, claimed: i32): i32 {
  const each = shape == SET ? 1 : shape == HASH_TTL ? 3 : 2
  const elements = claimed / each
  if (elements > PACKED_MEMBERS_MAX || elements * each != claimed || elements == 0) return IN_DOUBT
  const bits = 32 - clz(2 * elements - 1) // two slots a member, at least
  memory.fill(PACKED_TABLE, 0, 4 << bits)
  const shift: u64 = 64 - bits
  const mask = (4 << bits) - 4
  let crowd = 4 * elements + 64
  let p = start + HEADER_BYTES
  let memberBefore = 0
  let scoreBefore = 0
  let timeBefore: i64 = 0
  for (let left = elements; left > 0; left--) {
    if (p >= last) return IN_DOUBT
    const member = p
    p = pass(p, last)
    if (p == 0 || p > last) return IN_DOUBT
    const hash = hashMember(member)
    if (hash == 0) return IN_DOUBT
    const tag = (hash as u32) | 1
    for (let slot = ((hash >> shift) as i32) << 2; ; slot = (slot + 4) & mask) {
      const met = load<u32>(PACKED_TABLE + slot)
      if (met == 0) {
        store<u32>(PACKED_TABLE + slot, tag)
        break
      }
      if (met == tag || --crowd == 0) return IN_DOUBT
    }
    if (shape == SET) continue
    if (p >= last) return IN_DOUBT
    const second = p
    p = pass(p, last)
    if (p == 0 || p > last) return IN_DOUBT
    if (shape == ZSET) {
      if (!readScore(second) || !follows(memberBefore, scoreBefore, member, second)) return IN_DOUBT
      memberBefore = member
      scoreBefore = second
    } else if (shape == HASH_TTL) {
      const third = p
      if (p >= last) return IN_DOUBT
      p = pass(p, last)
      if (p == 0 || !isInteger(load<u8>(third))) return IN_DOUBT
      let time = loadInteger(third)
      if (time < 0 || time > EXPIRE_AT_MS_MAX) return IN_DOUBT
      if (time == 0) time = i64.MAX_VALUE
      if (time < timeBefore) return IN_DOUBT
      timeBefore = time
    }
  }
  return p == last ? claimed : IN_DOUBT
}

// @ts-ignore: decorator
@inline
function isInteger(first: u32): bool {
  return first < 0x80 || (first >= 0xc0 && first < 0xe0) || first > 0xf0
}

/** The integer of an entry that holds one. */
function loadInteger(p: i32): i64 {
  const first = load<u8>(p) as i32
  if (first < 0x80) return first
  if (first < 0xe0) return ((((first & 0x1f) << 8) | (load<u8>(p, 1) as i32)) << 19) >> 19
  if (first == 0xf1) return load<i16>(p, 1)
  if (first == 0xf2) return load<i32>(p) >> 8
  return first == 0xf3 ? load<i32>(p, 1) : load<i64>(p, 1)
}

/** A string's length; it ends where the back length begins. */
// @ts-ignore: decorator
@inline
function stringLength(p: i32, first: i32): i32 {
  if (first < 0xc0) return first & 0x3f
  return first < 0xf0 ? ((first & 0x0f) << 8) | (load<u8>(p, 1) as i32) : (load<u32>(p, 1) as i32)
}

// @ts-ignore: decorator
@inline
function stringStart(p: i32, first: i32): i32 {
  return p + (first < 0xc0 ? 1 : first < 0xf0 ? 2 : 5)
}

/** A hash of a member's value under the keys of this run; 0 in doubt. */
// @ts-ignore: decorator
@inline
function hashMember(p: i32): u64 {
  const first = load<u8>(p) as i32
  if (first < 0x80) return hashInteger(first)
  if (isInteger(first)) return hashInteger(loadInteger(p))
  const start = stringStart(p, first)
  const length = stringLength(p, first)
  if (length <= 20 && length > 0 && (load<u8>(start) as u32) <= 0x39 && spellsInteger(start, length)) return 0
  return hashString(start, length)
}

// @ts-ignore: decorator
@inline
function finish(hash: u64): u64 {
  const mixed = (hash ^ (hash >> 32)) * K1
  return mixed ^ (mixed >> 29)
}

// @ts-ignore: decorator
@inline
function hashInteger(value: i64): u64 {
  return finish(((value as u64) ^ load<u64>(PACKED_KEYS)) * K0)
}

// @ts-ignore: decorator
@inline
function hashString(start: i32, length: i32): u64 {
  const keys = v128.load(PACKED_KEYS + 16)
  if (length <= 16) return finish(mix(v128.xor(v128.and(v128.load(start), mask16(length)), keys), length))
  let hash: u64 = length
  const lastStart = start + length - 16
  for (let p = start; p < lastStart; p += 16) hash = mix(v128.xor(v128.load(p), keys), hash)
  return finish(mix(v128.xor(v128.load(lastStart), keys), hash))
}

/** The first bytes of 16. */
// @ts-ignore: decorator
@inline
function mask16(length: i32): v128 {
  return v128.load(MASKS_16 + 16 - length)
}

// @ts-ignore: decorator
@inline
function mix(words: v128, hash: u64): u64 {
  const a = (i64x2.extract_lane(words, 0) as u64) * K0
  const b = ((i64x2.extract_lane(words, 1) as u64) ^ hash) * K2
  return (a ^ (a >> 32)) + rotl<u64>(b, 23) * K1
}

/** Whether it might be the decimal of an int64, as a server spells one. */
function spellsInteger(start: i32, length: i32): bool {
  const end = start + length
  let p = start
  if (load<u8>(p) == 0x2d) p++
  // "0" is one; "-", "-0" and "007" are none.
  if (p == end || (load<u8>(p) == 0x30 && length > 1)) return false
  for (; p < end; p++) if (((load<u8>(p) as u32) - 0x30) > 9) return false
  return true
}

/** The score that readScore read last, the one before, and whether they are rounded correctly. */
let score: f64 = 0
let scoreExact: bool = true
let previousScore: f64 = 0
let previousExact: bool = true

/** Reads the score of the entry at p; false in doubt. */
function readScore(p: i32): bool {
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
  scoreExact = mantissa <= 9_007_199_254_740_992 && left >= -22 && left <= 22
  if (exponent >= 0) for (; left > 0; left -= 22) value *= load<f64>(PACKED_POWERS + (min(left, 22) << 3))
  else for (; left < 0; left += 22) value /= load<f64>(PACKED_POWERS + (min(-left, 22) << 3))
  score = negative ? -value : value
  return scoreExact || (value > 1e-290 && value < 1e290)
}

/** Whether a member and its score, the last read, stand in order behind those before them; 0: there are none. */
function follows(memberBefore: i32, scoreBefore: i32, member: i32, scoreAt: i32): bool {
  if (memberBefore == 0) return true
  if (scoreExact && previousExact) {
    return previousScore < score || (previousScore == score && compareMembers(memberBefore, member) < 0)
  }
  const gap = score - previousScore
  if (gap == Infinity || gap > (abs(score) + abs(previousScore)) * SCORE_TOLERANCE) return true
  // Nearly equal: the same text is the same score.
  const first = load<u8>(scoreAt) as i32
  if (first < 0x80 || first >= 0xc0 || load<u8>(scoreBefore) != (first as u8)) return false
  const length = first & 0x3f
  if (compareBytes(scoreBefore + 1, length, scoreAt + 1, length) != 0) return false
  return compareMembers(memberBefore, member) < 0
}

/** Their bytes, integers spelled out. */
function compareMembers(a: i32, b: i32): i32 {
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

function compareBytes(aStart: i32, aLength: i32, bStart: i32, bLength: i32): i32 {
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
function spell(value: i64, at: i32): i32 {
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

/** Encoding and data of an entry whose first byte says how long it is; 0: its length is to be read, or it is none. */
function buildTables(): void {
  for (let first = 0; first < 0xf5; first++) {
    let size = 0
    if (first < 0x80) size = 1
    else if (first < 0xc0) size = 1 + (first & 0x3f)
    else if (first < 0xe0) size = 2
    else if (first > 0xf0) size = first == 0xf4 ? 9 : first - 0xee
    store<u8>(PACKED_SIZES + first, size as u8)
  }
  memory.fill(MASKS_16, 0xff, 16)
  let power: f64 = 1
  for (let i = 0; i <= 22; i++, power *= 10) store<f64>(PACKED_POWERS + (i << 3), power)
}
