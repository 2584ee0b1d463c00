/**
 * Digests of values as an RDB file stores them:
 *
 *   0         <string>                                   16        <string: listpack of fields and values>
 *   2         <n> <string>*n                             17        <string: listpack of members and scores>
 *   4         <n> (<string> <string>)*n                  18        <n> (1 <string> | 2 <string: listpack>)*n
 *   5         <n> (<string> <double>)*n                  20        <string: listpack of members>
 *   11        <string: intset>
 *
 * Each says where it ends, 0 in doubt, or a place behind the window's end where it has not arrived.
 */
import {blob, blobBytes, passBlob} from './blobs'
import {digestAdd, digestBegin, digestDouble, digestPiece, digestText, digestTextEnd, digestTextHead, digestWord, integer} from './digest'
import {exactScore, score} from './digest-score'
import {isInteger, loadInteger, pass, stringLength, stringStart} from './listpack'
import {lzfDecode, lzfReached} from './lzf'
import {DIGEST_TEXT_0, LZF_SLOT_0, LZF_SLOT_1, LZF_SLOT_BYTES} from './memory'
import {INT, LZF, length, made, passLength, passString, payload, stored, windowEnd} from './strings'
import {writeInteger} from './decimal'
import {
  TYPE_HASH,
  TYPE_HASH_LISTPACK,
  TYPE_INTSET,
  TYPE_QUICKLIST_2,
  TYPE_SET,
  TYPE_SET_LISTPACK,
  TYPE_ZSET_2,
  TYPE_ZSET_LISTPACK,
} from './record-types'

/** As src/bytes/digest.ts and src/keyspace/digest.ts number them. */
const TAG_LIST: i32 = 1
const TAG_MEMBER: i32 = 2
const TAG_SCORED: i32 = 3
const TAG_FIELD: i32 = 4
const TAG_STRING: i32 = 30
const TAG_LONG_STRING: i32 = 31
/** As src/keyspace/selection.ts orders them. */
const LIST: u32 = 1
const SET: u32 = 2
const ZSET: u32 = 3
const HASH: u32 = 4

const SHORT_BYTES_MAX: i32 = 19
const LISTPACK_HEADER_BYTES: i32 = 6
const COUNT_UNKNOWN: i32 = 0xffff

/** Of the value digested last: what it is, by its number. */
export let valueType: u32 = 0

/** A string value: short ones as texts, others with their length at the end, since not everybody knows it before. */
export function digestString(p: i32, end: i32): i32 {
  const next = passString(p)
  if (next == 0 || next > end) return 0
  let start = payload
  const bytes = made
  if (stored == INT) {
    digestBegin(TAG_STRING)
    const width = next - payload
    integer(width == 1 ? load<i8>(payload) : width == 2 ? load<i16>(payload) : load<i32>(payload))
    digestAdd()
    return next
  }
  if (stored == LZF) {
    start = unpackTo(next, LZF_SLOT_0)
    if (start == 0) return 0
  }
  if (bytes <= SHORT_BYTES_MAX) {
    digestBegin(TAG_STRING)
    digestText(start, bytes)
  } else {
    digestBegin(TAG_LONG_STRING)
    digestTextHead(0, 0)
    digestPiece(start, bytes)
    digestTextEnd()
    digestWord(bytes as u32, 0)
  }
  digestAdd()
  return next
}

/** Decompresses the string passed last, which ends at `end`; 0 where it is wrong or too large. */
function unpackTo(end: i32, slot: i32): i32 {
  if (made > LZF_SLOT_BYTES || made == 0) return 0
  return lzfDecode(payload, end, slot, slot + made, slot) == 0 && lzfReached() == slot + made ? slot : 0
}

/** The value of a type that is no string. */
export function digestValue(type: u32, p: i32, end: i32): i32 {
  if (type == TYPE_QUICKLIST_2) return digestNodes(p, end)
  if (type == TYPE_SET || type == TYPE_HASH || type == TYPE_ZSET_2) return digestTable(type, p, end)
  const next = passBlob(p, true)
  if (next == 0 || next > end) return 0
  if (type == TYPE_INTSET) return digestIntset() ? next : 0
  if (type == TYPE_SET_LISTPACK) return digestMembers() ? next : 0
  if (type == TYPE_HASH_LISTPACK) return digestFields() ? next : 0
  return type == TYPE_ZSET_LISTPACK && digestScores() ? next : 0
}

/** <n> (<string>, <string> <string> or <string> <double>)*n */
function digestTable(type: u32, p: i32, end: i32): i32 {
  valueType = type == TYPE_SET ? SET : type == TYPE_HASH ? HASH : ZSET
  let at = passLength(p)
  if (at == 0 || length == 0) return 0
  for (let left = length; left > 0; left--) {
    const next = passString(at)
    if (next == 0 || next + 9 > end) return 0
    if (type == TYPE_SET) {
      digestBegin(TAG_MEMBER)
      if (!stringText(next, LZF_SLOT_0)) return 0
      at = next
    } else if (type == TYPE_ZSET_2) {
      digestBegin(TAG_SCORED)
      const value = load<f64>(next)
      // Both zeros are one score; what is no number is for the careful way.
      if (value != value) return 0
      digestDouble(value == 0 ? 0 : value)
      if (!stringText(next, LZF_SLOT_0)) return 0
      at = next + 8
    } else {
      digestBegin(TAG_FIELD)
      if (!stringText(next, LZF_SLOT_0)) return 0
      at = passString(next)
      if (at == 0 || at > end || !stringText(at, LZF_SLOT_1)) return 0
    }
    digestAdd()
  }
  return at
}

/** Takes the string passed last, which ends at `end`. */
// @ts-ignore: decorator
@inline
function stringText(end: i32, slot: i32): bool {
  if (stored == INT) {
    const width = end - payload
    return integer(width == 1 ? load<i8>(payload) : width == 2 ? load<i16>(payload) : load<i32>(payload))
  }
  if (stored == LZF) {
    const start = unpackTo(end, slot)
    if (start == 0) return false
    digestText(start, made)
    return true
  }
  digestText(payload, made)
  return true
}

function digestIntset(): bool {
  valueType = SET
  const width = load<i32>(blob)
  const count = load<u32>(blob, 4)
  if (width != 2 && width != 4 && width != 8) return false
  if (count == 0 || count > (LZF_SLOT_BYTES as u32) || 8 + (count as i32) * width != blobBytes) return false
  const last = blob + blobBytes
  for (let p = blob + 8; p < last; p += width) {
    digestBegin(TAG_MEMBER)
    numberText(width == 2 ? (load<i16>(p) as i64) : width == 4 ? (load<i32>(p) as i64) : load<i64>(p))
    digestAdd()
  }
  return true
}

/** An integer as the text that spells it, whatever its size. */
// @ts-ignore: decorator
@inline
function numberText(value: i64): void {
  if (integer(value)) return
  digestText(DIGEST_TEXT_0, writeInteger(value, DIGEST_TEXT_0) - DIGEST_TEXT_0)
}

/** Whether the blob passed last is a listpack, as far as its head and end tell. */
// @ts-ignore: decorator
@inline
function isListpack(each: i32): bool {
  const entries = load<u16>(blob, 4) as i32
  if (load<i32>(blob) != blobBytes || load<u8>(blob + blobBytes - 1) != 0xff) return false
  return entries != COUNT_UNKNOWN && entries > 0 && entries % each == 0
}

/** Takes the entry of a listpack. */
// @ts-ignore: decorator
@inline
function entryText(p: i32): void {
  const first = load<u8>(p) as i32
  if (isInteger(first)) numberText(loadInteger(p))
  else digestText(stringStart(p, first), stringLength(p, first))
}

function digestMembers(): bool {
  valueType = SET
  if (!isListpack(1)) return false
  const last = blob + blobBytes - 1
  let p = blob + LISTPACK_HEADER_BYTES
  let left = load<u16>(blob, 4) as i32
  for (; left > 0 && p < last; left--) {
    const next = pass(p, last)
    if (next == 0 || next > last) return false
    digestBegin(TAG_MEMBER)
    entryText(p)
    digestAdd()
    p = next
  }
  return left == 0 && p == last
}

function digestFields(): bool {
  valueType = HASH
  if (!isListpack(2)) return false
  const last = blob + blobBytes - 1
  let p = blob + LISTPACK_HEADER_BYTES
  let left = load<u16>(blob, 4) as i32
  for (; left > 0 && p < last; left -= 2) {
    const second = pass(p, last)
    if (second == 0 || second >= last) return false
    const next = pass(second, last)
    if (next == 0 || next > last) return false
    digestBegin(TAG_FIELD)
    entryText(p)
    entryText(second)
    digestAdd()
    p = next
  }
  return left == 0 && p == last
}

function digestScores(): bool {
  valueType = ZSET
  if (!isListpack(2)) return false
  const last = blob + blobBytes - 1
  let p = blob + LISTPACK_HEADER_BYTES
  let left = load<u16>(blob, 4) as i32
  for (; left > 0 && p < last; left -= 2) {
    const second = pass(p, last)
    if (second == 0 || second >= last) return false
    const next = pass(second, last)
    if (next == 0 || next > last || !exactScore(second)) return false
    digestBegin(TAG_SCORED)
    digestDouble(score)
    entryText(p)
    digestAdd()
    p = next
  }
  return left == 0 && p == last
}

/** <n> (1 <string> | 2 <string: listpack>)*n: one part of all items. */
function digestNodes(p: i32, end: i32): i32 {
  valueType = LIST
  let at = passLength(p)
  if (at == 0 || length == 0) return 0
  digestBegin(TAG_LIST)
  for (let left = length; left > 0; left--) {
    if (at >= end) return 0
    const container = load<u8>(at)
    if (container == 2) {
      at = passBlob(at + 1, true)
      if (at == 0 || at > end || !digestItems()) return 0
    } else if (container == 1) {
      at = passString(at + 1)
      if (at == 0 || at > end || !stringText(at, LZF_SLOT_0)) return 0
    } else {
      return 0
    }
  }
  digestAdd()
  return at
}

function digestItems(): bool {
  if (!isListpack(1)) return false
  const last = blob + blobBytes - 1
  let p = blob + LISTPACK_HEADER_BYTES
  let left = load<u16>(blob, 4) as i32
  for (; left > 0 && p < last; left--) {
    const next = pass(p, last)
    if (next == 0 || next > last) return false
    entryText(p)
    p = next
  }
  return left == 0 && p == last
}
