/**
 * Passes over the strings of an RDB file (src/encoding/string.ts has their form): each says where it ends, 0 in doubt, or
 * a place behind the window's end where it has not arrived.
 */
import {lzfSound, lzfWait} from './lzf-sound'

/** Three compressed bytes make 264 at most. */
const EXPANSION_MAX: i32 = 88

export const RAW: i32 = 0
export const INT: i32 = 1
export const LZF: i32 = 2

export let windowEnd: i32 = 0
/** Compressed strings may be verified later, several side by side. */
let waitingAllowed: bool = false
/** Of the string passed last: how it is stored, where its stored bytes begin, how many it makes. */
export let stored: i32 = RAW
export let payload: i32 = 0
export let made: i32 = 0
/** The number that passLength has read. */
export let length: i32 = 0

export function beginStrings(end: i32, waiting: bool): void {
  windowEnd = end
  waitingAllowed = waiting
}

/** Where a string ends: 0 in doubt, behind the window's end where it has not arrived. */
// @ts-ignore: decorator
@inline
export function passString(p: i32): i32 {
  const first = load<u8>(p) as i32
  if (first >= 0x40) return passLongString(p, first)
  stored = RAW
  payload = p + 1
  made = first
  return p + 1 + first
}

function passLongString(p: i32, first: i32): i32 {
  stored = RAW
  if (first < 0x80) {
    made = ((first & 0x3f) << 8) | (load<u8>(p, 1) as i32)
    payload = p + 2
    return p + 2 + made
  }
  if (first == 0x80) {
    made = bswap(load<i32>(p, 1))
    if (made < 0) return 0
    // As signed numbers: p may lie behind the window's end, where anything may stand.
    if (made > windowEnd - p) return windowEnd + 1
    payload = p + 5
    return p + 5 + made
  }
  if (first == 0xc3) return passPacked(p + 1)
  if (first < 0xc0 || first > 0xc3) return 0
  stored = INT
  payload = p + 1
  const value: i32 = first == 0xc0 ? load<i8>(p, 1) : first == 0xc1 ? load<i16>(p, 1) : load<i32>(p, 1)
  made = digitsOf(value)
  return p + 1 + (1 << (first & 3))
}

function passPacked(p: i32): i32 {
  let at = passLength(p)
  if (at == 0) return 0
  const bytes = length
  at = passLength(at)
  if (at == 0) return 0
  stored = LZF
  payload = at
  made = length
  // What cannot be is in doubt: bytes that have not arrived are not multiplied.
  if (bytes > windowEnd - at) return windowEnd + 1
  return made > EXPANSION_MAX * bytes ? 0 : at + bytes
}

/** A length of 6, 14 or 32 bits, below 2^30; 0 in doubt. */
// @ts-ignore: decorator
@inline
export function passLength(p: i32): i32 {
  const first = load<u8>(p) as i32
  if (first < 0x40) {
    length = first
    return p + 1
  }
  if (first < 0x80) {
    length = ((first & 0x3f) << 8) | (load<u8>(p, 1) as i32)
    return p + 2
  }
  const value = bswap(load<u32>(p, 1))
  if (first != 0x80 || value >= 0x4000_0000) return 0
  length = value as i32
  return p + 5
}

function digitsOf(value: i32): i32 {
  let rest = (value < 0 ? -(value as i64) : (value as i64)) as u32
  let digits = value < 0 ? 2 : 1
  for (; rest >= 10; rest /= 10) digits++
  return digits
}

/** The same of a string that is verified. */
// @ts-ignore: decorator
@inline
export function passSoundString(p: i32): i32 {
  const end = passString(p)
  if (stored != LZF || end == 0 || end > windowEnd) return end
  if (!waitingAllowed) return lzfSound(payload, end, made) ? end : 0
  lzfWait(payload, end, made)
  return end
}

/** The integer that is stored as a string. */
export function loadEncoded(p: i32, bytes: i32): i64 {
  return bytes == 1 ? load<i8>(p) : bytes == 2 ? load<i16>(p) : load<i32>(p)
}
