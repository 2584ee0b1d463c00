/**
 * Whether the members of one collection are distinct beyond doubt: their hashes, under keys drawn for every run, in a
 * table of tags.
 */
import {MASKS_16, PACKED_KEYS, PACKED_TABLE} from './memory'

const K0: u64 = 0x9e37_79b9_7f4a_7c15
const K1: u64 = 0xbf58_476d_1ce4_e5b9
const K2: u64 = 0x94d0_49bb_1331_11eb

/** A table of so many groups, or fewer, is small. */
const SMALL_BITS: i32 = 6
const GROUP_SHIFT: i32 = 4
const GROUP_BYTES: i32 = 1 << GROUP_SHIFT

memory.fill(MASKS_16, 0xff, 16)

let membersShift: u64 = 0
let membersMask: i32 = 0
/** Steps to the next group that are left before members crowd beyond chance. */
let crowd: i32 = 0

/** Empties the table for so many members, 1 to PACKED_MEMBERS_MAX: groups of four tags, half as many as members or more. */
export function beginMembers(count: i32): void {
  // One bit at least: shifts are modulo 64.
  const bits = max(31 - clz(count), 1)
  const bytes = GROUP_BYTES << bits
  const end = PACKED_TABLE + bytes
  // A call of memory.fill takes longer than the few stores that most need.
  if (bits > SMALL_BITS) memory.fill(PACKED_TABLE, 0, bytes)
  else for (let p = PACKED_TABLE; p < end; p += 16) v128.store(p, i64x2(0, 0))
  membersShift = 64 - bits
  membersMask = bytes - GROUP_BYTES
  crowd = count + 64
}

/**
 * Adds a member by its hash; false if it may be there already. Its tag pushes those of its group along: where a group has
 * its four, all others go to the next one. So there is nothing to guess about but full groups, one in a hundred.
 */
// @ts-ignore: decorator
@inline
export function putMember(hash: u64): bool {
  const tag = (hash as u32) | 1
  const group = PACKED_TABLE + (((hash >> membersShift) as i32) << GROUP_SHIFT)
  const met = v128.load(group)
  const tags = i32x4.splat(tag)
  if ((i32x4.bitmask(i32x4.eq(met, tags)) | i32x4.extract_lane(met, 3)) != 0) return putFurther(group, tags)
  pushTag(group, tags, met)
  return true
}

/** The same where the group is full, or has the tag. */
function putFurther(group: i32, tags: v128): bool {
  let place = group - PACKED_TABLE
  let met = v128.load(group)
  while (i32x4.bitmask(i32x4.eq(met, tags)) == 0) {
    if (i32x4.extract_lane(met, 3) == 0) {
      pushTag(PACKED_TABLE + place, tags, met)
      return true
    }
    if (--crowd == 0) break
    place = (place + GROUP_BYTES) & membersMask
    met = v128.load(PACKED_TABLE + place)
  }
  return false
}

// @ts-ignore: decorator
@inline
function pushTag(group: i32, tags: v128, met: v128): void {
  v128.store(group, i8x16.shuffle(tags, met, 0, 1, 2, 3, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27))
}

// @ts-ignore: decorator
@inline
function finish(hash: u64): u64 {
  const mixed = (hash ^ (hash >> 32)) * K1
  return mixed ^ (mixed >> 29)
}

// @ts-ignore: decorator
@inline
export function hashInteger(value: i64): u64 {
  return finish(((value as u64) ^ load<u64>(PACKED_KEYS)) * K0)
}

/** Of up to 32 bytes without a branch: how long members are is hard to guess. */
// @ts-ignore: decorator
@inline
export function hashString(start: i32, length: i32): u64 {
  return length <= 32 ? hashShort(start, length) : hashLong(start, length)
}

/** NH, of UMAC: products of pairs of words, each with its key added to it, are added up. */
// @ts-ignore: decorator
@inline
function hashShort(start: i32, length: i32): u64 {
  const first = v128.and(v128.load(start), mask16(min(length, 16)))
  const second = v128.and(v128.load(start, 16), mask16(max(length - 16, 0)))
  const a = i32x4.add(first, v128.load(PACKED_KEYS, 16))
  const b = i32x4.add(second, v128.load(PACKED_KEYS, 32))
  const sums = i64x2.add(i64x2.extmul_low_i32x4_u(a, upper(a)), i64x2.extmul_low_i32x4_u(b, upper(b)))
  return finish(i64x2.extract_lane(i64x2.add(sums, upper(sums)), 0) + length * K0)
}

// @ts-ignore: decorator
@inline
function upper(a: v128): v128 {
  return i8x16.shuffle(a, a, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15)
}

/** Of 16 bytes. */
// @ts-ignore: decorator
@inline
export function hashId(start: i32): u64 {
  return finish(mix(v128.xor(v128.load(start), v128.load(PACKED_KEYS, 16)), 16))
}

function hashLong(start: i32, length: i32): u64 {
  const keys = v128.load(PACKED_KEYS + 16)
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
