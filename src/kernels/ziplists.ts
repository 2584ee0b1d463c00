/**
 * Ziplists, made of the entries of listpacks (src/encoding/ziplist.ts and listpack.ts have both forms), and strings of an RDB
 * file as src/encoding/string.ts writes them. Bytes come out as JavaScript would write them; whatever is in doubt is left to
 * it. Copies go 16 bytes at a time and may write past their end: what comes next overwrites it.
 */
import {isInteger, loadInteger, stringLength, stringStart} from './listpack'
import {lzfEncodeAt} from './lzf'
import {LZF_INPUT, LZF_OUTPUT, PACKED_POWERS} from './memory'
import {spellsInteger} from './packed'
import {copyAny} from './text'

/** Where the ziplist is made: JavaScript puts there what it wants compressed, but never across a call. */
const ZIPLIST: i32 = LZF_INPUT
const HEADER_BYTES: i32 = 10
const PREVLEN_WIDE: i32 = 0xfe
const COUNT_UNKNOWN: i32 = 0xffff
/** Spells of an int64 are no longer. */
const DIGITS_MAX: i32 = 20
/** An integer of an RDB string is one of an int32: no longer. */
const SHORT_DIGITS_MAX: i32 = 11
/** Shorter strings are never compressed. */
const COMPRESSED_BYTES_MIN: i32 = 21
/** What stands before a string: its form and two lengths. */
const STRING_HEAD_BYTES: i32 = 16

/** Entries of the ziplist that is being made; where the last of them begins, and where the next goes. */
export let entries: i32 = 0
let last: i32 = 0
let to: i32 = 0

export function beginZiplist(): void {
  entries = 0
  last = to = ZIPLIST + HEADER_BYTES
}

/** What the ziplist would take if it ended here. */
// @ts-ignore: decorator
@inline
export function ziplistBytes(): i32 {
  return to + 1 - ZIPLIST
}

/** Begins an entry: says how long the one before is. */
// @ts-ignore: decorator
@inline
export function beginEntry(): i32 {
  const before = to - last
  last = to
  entries++
  if (before < PREVLEN_WIDE) {
    store<u8>(to, before as u8)
    return to + 1
  }
  store<u8>(to, PREVLEN_WIDE as u8)
  store<u32>(to, before as u32, 1)
  return to + 5
}

/** The entry that was begun goes up to here. */
// @ts-ignore: decorator
@inline
export function endEntry(at: i32): void {
  to = at
}

/** Appends the entry of a listpack at `p`; false where it is a string that spells an integer, or is longer than `bytesMax`. */
// @ts-ignore: decorator
@inline
export function appendEntry(p: i32, bytesMax: i32): bool {
  const first = load<u8>(p) as i32
  const at = beginEntry()
  if (isInteger(first)) {
    endEntry(putInteger(first < 0x80 ? (first as i64) : loadInteger(p), at))
    return true
  }
  const start = stringStart(p, first)
  const length = stringLength(p, first)
  if (length > bytesMax || mayBeInteger(start, length, DIGITS_MAX)) return false
  endEntry(putString(start, length, at))
  return true
}

/** Whether a string might be the decimal of an integer: a server stores that as an integer. */
// @ts-ignore: decorator
@inline
function mayBeInteger(start: i32, length: i32, digitsMax: i32): bool {
  return length <= digitsMax && length > 0 && (load<u8>(start) as u32) <= 0x39 && spellsInteger(start, length)
}

/** Encoding and data of a string. */
// @ts-ignore: decorator
@inline
export function putString(start: i32, length: i32, at: i32): i32 {
  let data = at + 1
  if (length < 0x40) {
    store<u8>(at, length as u8)
  } else if (length < 0x4000) {
    store<u16>(at, (0x40 | (length >> 8) | ((length & 0xff) << 8)) as u16)
    data++
  } else {
    store<u8>(at, 0x80)
    store<u32>(at, bswap(length), 1)
    data += 4
  }
  return copyAny(start, start + length, data)
}

/** Encoding and data of an integer, in the narrowest form. */
// @ts-ignore: decorator
@inline
export function putInteger(value: i64, at: i32): i32 {
  if (value >= 0 && value <= 12) {
    store<u8>(at, (0xf1 + value) as u8)
    return at + 1
  }
  return putWideInteger(value, at)
}

function putWideInteger(value: i64, at: i32): i32 {
  if (value == ((value as i8) as i64)) return putWidth(0xfe, value, 1, at)
  if (value == ((value as i16) as i64)) return putWidth(0xc0, value, 2, at)
  if (value == (value << 40) >> 40) return putWidth(0xf0, value, 3, at)
  if (value == ((value as i32) as i64)) return putWidth(0xd0, value, 4, at)
  return putWidth(0xe0, value, 8, at)
}

// @ts-ignore: decorator
@inline
function putWidth(encoding: i32, value: i64, width: i32, at: i32): i32 {
  store<u8>(at, encoding as u8)
  store<i64>(at, value, 1)
  return at + 1 + width
}

/** The bytes of an entry of a listpack, an integer spelled out. */
// @ts-ignore: decorator
@inline
export function spelledBytes(p: i32): i32 {
  const first = load<u8>(p) as i32
  if (!isInteger(first)) return stringLength(p, first)
  return decimalBytes(first < 0x80 ? (first as i64) : loadInteger(p))
}

function decimalBytes(value: i64): i32 {
  const size: u64 = value < 0 ? 0 - (value as u64) : (value as u64)
  // 1233 / 4096 is a little more than log10(2).
  const guess = (((64 - clz(size)) as i32) * 1233) >> 12
  const more = guess == 0 || size >= (load<f64>(PACKED_POWERS + (guess << 3)) as u64)
  return guess + (more ? 1 : 0) + (value < 0 ? 1 : 0)
}

/** Ends the ziplist and writes it as a string from `out` on; where that ends, 0 where it would pass `outEnd`. */
export function putZiplist(compress: bool, out: i32, outEnd: i32): i32 {
  store<u8>(to, 0xff)
  const bytes = to + 1 - ZIPLIST
  store<u32>(ZIPLIST, bytes)
  store<u32>(ZIPLIST, last - ZIPLIST, 4)
  store<u16>(ZIPLIST, min(entries, COUNT_UNKNOWN) as u16, 8)
  return putBytes(ZIPLIST, bytes, compress, out, outEnd)
}

/** A string that spells no integer. */
function putBytes(from: i32, bytes: i32, compress: bool, out: i32, outEnd: i32): i32 {
  if (out + bytes + STRING_HEAD_BYTES > outEnd) return 0
  if (compress && bytes >= COMPRESSED_BYTES_MIN) {
    const packed = lzfEncodeAt(from, bytes, bytes - 4)
    if (packed != 0) {
      store<u8>(out, 0xc3)
      const data = putLength(bytes, putLength(packed, out + 1))
      memory.copy(data, LZF_OUTPUT, packed)
      return data + packed
    }
  }
  const data = putLength(bytes, out)
  memory.copy(data, from, bytes)
  return data + bytes
}

// @ts-ignore: decorator
@inline
export function putLength(length: i32, at: i32): i32 {
  if (length < 0x40) {
    store<u8>(at, length as u8)
    return at + 1
  }
  if (length < 0x4000) {
    store<u16>(at, (0x40 | (length >> 8) | ((length & 0xff) << 8)) as u16)
    return at + 2
  }
  store<u8>(at, 0x80)
  store<u32>(at, bswap(length), 1)
  return at + 5
}

/** Writes a string that is stored as it is; 0 in doubt, or where it would pass `outEnd`. */
export function putStored(from: i32, bytes: i32, compress: bool, out: i32, outEnd: i32): i32 {
  return mayBeInteger(from, bytes, SHORT_DIGITS_MAX) ? 0 : putBytes(from, bytes, compress, out, outEnd)
}
