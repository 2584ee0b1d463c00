/**
 * Whether the members of one collection are distinct beyond doubt: their hashes, under keys drawn for every run, in a
 * table of tags.
 */
import {MASKS_16, PACKED_KEYS, PACKED_TABLE} from './memory'

const K0: u64 = 0x9e37_79b9_7f4a_7c15
const K1: u64 = 0xbf58_476d_1ce4_e5b9
const K2: u64 = 0x94d0_49bb_1331_11eb

/** Tables of so many slots, or fewer, are small. */
const SMALL_BITS: i32 = 8

memory.fill(MASKS_16, 0xff, 16)

let membersShift: u64 = 0
let membersMask: i32 = 0
/** Steps to the next slot that are left before members crowd beyond chance. */
let crowd: i32 = 0

/** Empties the table for so many members, 1 to PACKED_MEMBERS_MAX: two slots for each, at least. */
export function beginMembers(count: i32): void {
  const bits = 32 - clz(2 * count - 1)
  const end = PACKED_TABLE + (4 << bits)
  // A call of memory.fill takes longer than the few stores that most need.
  if (bits > SMALL_BITS) memory.fill(PACKED_TABLE, 0, 4 << bits)
  else for (let p = PACKED_TABLE; p < end; p += 16) v128.store(p, i64x2(0, 0))
  membersShift = 64 - bits
  membersMask = (4 << bits) - 4
  crowd = 4 * count + 64
}

/** Adds a member by its hash; false if it may be there already. */
// @ts-ignore: decorator
@inline
export function putMember(hash: u64): bool {
  const tag = (hash as u32) | 1
  const mask = membersMask
  let slot = ((hash >> membersShift) as i32) << 2
  for (;;) {
    const met = load<u32>(PACKED_TABLE + slot)
    if (met == 0) break
    if (met == tag || --crowd == 0) return false
    slot = (slot + 4) & mask
  }
  store<u32>(PACKED_TABLE + slot, tag)
  return true
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

// @ts-ignore: decorator
@inline
function hashShort(start: i32, length: i32): u64 {
  const keys = v128.load(PACKED_KEYS + 16)
  const first = v128.and(v128.load(start), mask16(min(length, 16)))
  const second = v128.and(v128.load(start, 16), mask16(max(length - 16, 0)))
  return finish(mix(v128.xor(first, keys), length) + mix(v128.xor(second, keys), ~length) * K2)
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
