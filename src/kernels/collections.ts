/**
 * Passes over the collections of an RDB file: lengths believed, or everything verified. Each says where it ends, 0 in
 * doubt, or a place behind the window's end where it has not arrived.
 */
import {blob, blobBytes, passBlob, unpack} from './blobs'
import {beginMembers, hashInteger, hashString, putMember} from './members'
import {LZF_SLOT_0, LZF_SLOT_BYTES, PACKED_MEMBERS_MAX} from './memory'
import {intsetSound, packedCheck} from './packed'
import {passStream, streamLength} from './streams'
import {INT, length, made, passLength, passSoundString, passString, payload, stored, windowEnd} from './strings'
import {
  TYPE_HASH,
  TYPE_HASH_LISTPACK,
  TYPE_INTSET,
  TYPE_LIST,
  TYPE_LIST_ZIPLIST,
  TYPE_QUICKLIST_2,
  TYPE_SET,
  TYPE_SET_LISTPACK,
  TYPE_ZSET_2,
  TYPE_ZSET_LISTPACK,
  streamVersion,
} from './record-types'

/** As packed.ts numbers them. */
const SHAPE_LIST: i32 = 0
const SHAPE_SET: i32 = 1
const SHAPE_ZSET: i32 = 2
const SHAPE_HASH: i32 = 3

/** Numbers of so many digits are exact in 64 bits. */
const DIGITS_MAX: i32 = 18

let deeply: bool = false
/** Of the value passed last. */
export let elements: i32 = 0

export function beginCollections(deep: bool): void {
  deeply = deep
}

/** The value of a type that is no string. */
export function passCollection(type: u32, p: i32): i32 {
  if (type == TYPE_HASH_LISTPACK) return passListpack(p, SHAPE_HASH, 2)
  if (type == TYPE_ZSET_LISTPACK) return passListpack(p, SHAPE_ZSET, 2)
  if (type == TYPE_QUICKLIST_2) return passNodes(p)
  if (type == TYPE_SET_LISTPACK) return passListpack(p, SHAPE_SET, 1)
  if (type == TYPE_INTSET) return passIntset(p)
  const version = streamVersion(type)
  if (version != 0) return passVersion(p, version)
  if (type >= TYPE_LIST_ZIPLIST && type < TYPE_HASH_LISTPACK) return passZiplist(p, type == TYPE_LIST_ZIPLIST ? 1 : 2)
  if (type == TYPE_LIST) return deeply ? passItems(p) : passStrings(p, 1)
  if (type == TYPE_SET) return deeply ? passMembers(p, TYPE_SET) : passStrings(p, 1)
  if (type == TYPE_HASH) return deeply ? passMembers(p, TYPE_HASH) : passStrings(p, 2)
  if (type == TYPE_ZSET_2) return deeply ? passMembers(p, TYPE_ZSET_2) : passScores(p)
  return 0
}

function passVersion(p: i32, version: i32): i32 {
  const end = passStream(p, version, deeply)
  elements = streamLength
  return end
}

/** <n> (<string>*each)*n, lengths believed. */
function passStrings(p: i32, each: i32): i32 {
  let at = passLength(p)
  if (at == 0 || length == 0) return 0
  elements = length
  for (let left = length; left > 0; left--) {
    for (let i = 0; i < each; i++) {
      at = passString(at)
      if (at == 0 || at >= windowEnd) return at == 0 ? 0 : windowEnd + 1
    }
  }
  return at
}

/** <n> (<string> <double>)*n, lengths believed, no score that is no number: no server loads such a one. */
function passScores(p: i32): i32 {
  let at = passLength(p)
  if (at == 0 || length == 0) return 0
  elements = length
  for (let left = length; left > 0; left--) {
    at = passString(at)
    if (at == 0 || at + 8 >= windowEnd) return at == 0 ? 0 : windowEnd + 1
    const score = load<f64>(at)
    if (score != score) return 0
    at += 8
  }
  return at
}

function passItems(p: i32): i32 {
  let at = passLength(p)
  if (at == 0 || length == 0) return 0
  elements = length
  for (let left = length; left > 0; left--) {
    at = passSoundString(at)
    if (at == 0 || at >= windowEnd) return at == 0 ? 0 : windowEnd + 1
  }
  return at
}

/** Sets, sorted sets and hashes that are no packed node: none of their members or fields may be there twice. */
function passMembers(p: i32, type: u32): i32 {
  let at = passLength(p)
  if (at == 0 || length == 0 || length > PACKED_MEMBERS_MAX) return 0
  if (length > windowEnd - at) return windowEnd + 1
  elements = length
  beginMembers(elements)
  for (let left = elements; left > 0; left--) {
    const first = load<u8>(at) as i32
    let hash: u64
    if (first < 0x40) {
      // The commonest, on locals.
      hash = at + first < windowEnd ? hashText(at + 1, first) : 0
      at += 1 + first
    } else {
      hash = first < 0xc3 ? hashPlain(at) : hashPacked(at)
      at = reached
    }
    if (at == 0 || at >= windowEnd) return at == 0 ? 0 : windowEnd + 1
    if (hash == 0 || !putMember(hash)) return 0
    if (type == TYPE_SET) continue
    if (type == TYPE_HASH) {
      at = passSoundString(at)
    } else {
      const score = load<f64>(at)
      at = score != score ? 0 : at + 8
    }
    if (at == 0 || at >= windowEnd) return at == 0 ? 0 : windowEnd + 1
  }
  return at
}

/** Where the member ends whose hash was asked for; 0 in doubt. */
let reached: i32 = 0

/** Of an integer and of the string that spells it the hash is the same; 0 in doubt. */
// @ts-ignore: decorator
@inline
function hashText(start: i32, size: i32): u64 {
  const byte = load<u8>(start) as u32
  return size <= 20 && size > 0 && byte - 0x2d <= 0x39 - 0x2d ? hashDigits(start, size) : hashString(start, size)
}

/** Of a member that is not compressed. */
function hashPlain(p: i32): u64 {
  reached = passString(p)
  if (reached == 0 || reached > windowEnd) return 0
  if (stored == INT) return hashInteger(integerAt(p))
  return hashText(payload, made)
}

function integerAt(p: i32): i64 {
  const first = load<u8>(p)
  return first == 0xc0 ? load<i8>(p, 1) : first == 0xc1 ? load<i16>(p, 1) : load<i32>(p, 1)
}

/** Of a string that may spell an integer. */
function hashDigits(start: i32, size: i32): u64 {
  const negative = load<u8>(start) == 0x2d
  let p = start + (negative ? 1 : 0)
  const end = start + size
  if (p == end || (load<u8>(p) == 0x30 && size > 1)) return hashString(start, size)
  let value: i64 = 0
  for (; p < end; p++) {
    const digit = (load<u8>(p) as u32) - 0x30
    if (digit > 9) return hashString(start, size)
    value = value * 10 + digit
  }
  if (size > DIGITS_MAX) return 0
  return hashInteger(negative ? -value : value)
}

function hashPacked(p: i32): u64 {
  reached = passString(p)
  // Of so few bytes none are compressed: it might spell an integer.
  if (reached == 0 || reached > windowEnd || made <= 20 || made > LZF_SLOT_BYTES) return 0
  return unpack(reached) ? hashString(LZF_SLOT_0, made) : 0
}

/** The entries that the listpack in the blob has; 0 in doubt. */
// @ts-ignore: decorator
@inline
function listpackEntries(shape: i32): i32 {
  if (deeply) return packedCheck(shape, blob, blob + blobBytes)
  const entries = load<u16>(blob, 4) as i32
  // Each takes two bytes at least, after six of a head and before one of an end.
  return (load<u32>(blob) as i32) == blobBytes && entries != 0xffff && 2 * entries <= blobBytes - 7 ? entries : 0
}

function passListpack(p: i32, shape: i32, each: i32): i32 {
  const end = passBlob(p, deeply)
  if (end == 0 || end > windowEnd) return end
  const entries = listpackEntries(shape)
  elements = entries / each
  return entries > 0 ? end : 0
}

function passNodes(p: i32): i32 {
  let at = passLength(p)
  if (at == 0 || length == 0) return 0
  let sum = 0
  for (let left = length; left > 0; left--) {
    const container = load<u8>(at)
    if (container == 2) {
      at = passBlob(at + 1, deeply)
      if (at == 0 || at > windowEnd) return at
      const entries = listpackEntries(SHAPE_LIST)
      if (entries <= 0) return 0
      sum += entries
    } else if (container == 1) {
      at = deeply ? passSoundString(at + 1) : passString(at + 1)
      if (at == 0) return 0
      sum++
    } else {
      return 0
    }
    if (at >= windowEnd) return windowEnd + 1
  }
  elements = sum
  return at
}

function passIntset(p: i32): i32 {
  const end = passBlob(p, deeply)
  if (end == 0 || end > windowEnd) return end
  const width = load<i32>(blob)
  const count = load<u32>(blob, 4)
  if (width != 2 && width != 4 && width != 8) return 0
  if (count == 0 || count > (LZF_SLOT_BYTES as u32) || 8 + (count as i32) * width != blobBytes) return 0
  if (deeply && !intsetSound(blob + 8, width, blob + blobBytes)) return 0
  elements = count as i32
  return end
}

/** Shallow only. */
function passZiplist(p: i32, each: i32): i32 {
  if (deeply) return 0
  const end = passBlob(p, deeply)
  if (end == 0 || end > windowEnd) return end
  const entries = load<u16>(blob, 8) as i32
  if ((load<u32>(blob) as i32) != blobBytes) return 0
  if (entries == 0 || entries == 0xffff || 2 * entries > blobBytes - 11) return 0
  elements = entries / each
  return end
}
