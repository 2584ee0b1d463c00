/**
 * Whether a listpack is sound beyond doubt: its chain, and what its entries mean to a value of its shape (the form of
 * an entry is in src/encoding/listpack.ts). It answers no more than yes or perhaps not: src/encoding/packed-check.ts
 * looks again at whatever is left in doubt, and only that is ever reported.
 *
 *   shape      0 list   1 set      2 zset             3 hash            4 hash-ttl
 *   element    <item>   <member>   <member> <score>   <field> <value>   <field> <value> <ms, or 0>
 *
 * In doubt, beside what is wrong: an unknown count, a string that spells an integer (a server stores that as an
 * integer, and the two are one member), equal tags of 31 bits, more members than the table takes, members that crowd in
 * one place of it, two scores of so many digits that only exact arithmetic tells which is less.
 */
import {isInteger, loadInteger, pass, stringLength, stringStart} from './listpack'
import {beginMembers, hashInteger, hashString, putMember} from './members'
import {PACKED_MEMBERS_MAX, PACKED_SIZES} from './memory'
import {follows, readScore} from './score'

const LIST: i32 = 0
const SET: i32 = 1
const ZSET: i32 = 2
const HASH_TTL: i32 = 4

const IN_DOUBT: i32 = -1
const HEADER_BYTES: i32 = 6
const COUNT_UNKNOWN: i32 = 0xffff
/** In one byte. */
const BACK_LENGTH_MAX: i32 = 127
const EXPIRE_AT_MS_MAX: i64 = 0xffff_ffff_ffff

/** The entries of the listpack in [start, end), or -1: in doubt. */
export function packedCheck(shape: i32, start: i32, end: i32): i32 {
  const last = end - 1
  if (end - start <= HEADER_BYTES || (load<u32>(start) as i32) != end - start) return IN_DOUBT
  if (load<u8>(last) != 0xff) return IN_DOUBT
  const claimed = load<u16>(start, 4) as i32
  if (claimed == COUNT_UNKNOWN) return IN_DOUBT
  return shape == LIST ? passItems(start, last, claimed) : passElements(shape, start, last, claimed)
}

/**
 * From both ends at once, as long as entries are short: each walk waits for a length before it sees its next entry, and
 * the one from behind waits less, for the length of the entry before stands right there.
 */
function passItems(start: i32, last: i32, claimed: i32): i32 {
  let p = start + HEADER_BYTES
  let tail = last
  let left = claimed
  while (p < tail) {
    const size = load<u8>(tail - 1) as i32
    const entry = tail - 1 - size
    if (size > BACK_LENGTH_MAX || entry < p || load<u8>(PACKED_SIZES + (load<u8>(entry) as i32)) != (size as u8)) break
    tail = entry
    left--
    if (p >= tail) break
    p = pass(p, last)
    if (p == 0) return IN_DOUBT
    left--
  }
  for (; p < tail; left--) {
    p = pass(p, last)
    if (p == 0) return IN_DOUBT
  }
  return p == tail && left == 0 ? claimed : IN_DOUBT
}

function passElements(shape: i32, start: i32, last: i32, claimed: i32): i32 {
  const each = shape == SET ? 1 : shape == HASH_TTL ? 3 : 2
  const elements = claimed / each
  if (elements > PACKED_MEMBERS_MAX || elements * each != claimed || elements == 0) return IN_DOUBT
  beginMembers(elements)
  let p = start + HEADER_BYTES
  let memberBefore = 0
  let scoreBefore = 0
  let timeBefore: i64 = 0
  for (let left = elements; left > 0; left--) {
    if (p >= last) return IN_DOUBT
    const member = p
    const first = load<u8>(p) as i32
    let hash: u64
    if ((first & 0xc0) == 0x80) {
      // The commonest, a string of up to 63 bytes: its length waits for one byte only.
      const size = (first & 0x3f) + 1
      p += size + 1
      if ((load<u8>(member + size) as i32) != size) return IN_DOUBT
      hash = hashText(member + 1, size - 1)
    } else {
      p = pass(p, last)
      hash = p == 0 ? 0 : hashMember(member, first)
    }
    if (p > last || hash == 0 || !putMember(hash)) return IN_DOUBT
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

/** A hash of a member's value under the keys of this run; 0 in doubt. */
function hashMember(p: i32, first: i32): u64 {
  if (first < 0x80) return hashInteger(first)
  if (isInteger(first)) return hashInteger(loadInteger(p))
  return hashText(stringStart(p, first), stringLength(p, first))
}

/** Of a string; 0 in doubt. */
// @ts-ignore: decorator
@inline
function hashText(start: i32, length: i32): u64 {
  if (length <= 20 && length > 0 && (load<u8>(start) as u32) <= 0x39 && spellsInteger(start, length)) return 0
  return hashString(start, length)
}

/** Whether it might be the decimal of an int64, as a server spells one. */
export function spellsInteger(start: i32, length: i32): bool {
  const end = start + length
  let p = start
  if (load<u8>(p) == 0x2d) p++
  // "0" is one; "-", "-0" and "007" are none.
  if (p == end || (load<u8>(p) == 0x30 && length > 1)) return false
  for (; p < end; p++) if (((load<u8>(p) as u32) - 0x30) > 9) return false
  return true
}

/** Whether the members of an intset ascend, each in `width` bytes. */
export function intsetSound(start: i32, width: i32, end: i32): bool {
  let before = width == 2 ? (load<i16>(start) as i64) : width == 4 ? (load<i32>(start) as i64) : load<i64>(start)
  for (let p = start + width; p < end; p += width) {
    const value = width == 2 ? (load<i16>(p) as i64) : width == 4 ? (load<i32>(p) as i64) : load<i64>(p)
    if (value <= before) return false
    before = value
  }
  return true
}
