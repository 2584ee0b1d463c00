/**
 * Collections as JSON (src/jsonl/value.ts writes the same of whatever is left), from the count before them on:
 *
 *   ,"count":2,"value":["item","item"]            20 11 2     set
 *             ,"value":["item",...]               18          list, whose nodes do not say how many they hold
 *   ,"count":1,"value":[["field","value"]]        16 4        hash
 *   ,"count":1,"value":[["member",1.5]]           17 5        sorted set
 *             ,"value":{"entries":[...],...}      15 19 21    stream, whose count stands behind its entries
 *
 * Elements are written with a comma before each; the first is overwritten.
 */
import {blob, blobBytes, passBlob} from './blobs'
import {writeUnsigned} from './decimal'
import {OUT_END, jsonDigits, jsonScore, jsonScoreText, jsonStored, putEntry} from './json-text'
import {putStream, streamEnd} from './json-streams'
import {isHeaded, isInteger, loadInteger, pass, stringLength, stringStart} from './listpack'
import {leave, TEXT_OUT} from './memory'
import {length, made, passLength, passString, payload, stored} from './strings'
import {HASH, LIST, ZSET} from './text'
import {
  TYPE_HASH,
  TYPE_HASH_LISTPACK,
  TYPE_INTSET,
  TYPE_QUICKLIST_2,
  TYPE_SET,
  TYPE_SET_LISTPACK,
  TYPE_ZSET_2,
  TYPE_ZSET_LISTPACK,
  streamVersion,
} from './record-types'

const IN_DOUBT: i32 = -1
const LISTPACK_HEADER_BYTES: i32 = 6
const PACKED_NODE: u32 = 2
const COUNT_UNKNOWN: u32 = 0xffff

/** `,"count":`, `,"value":`: the first eight bytes, then a colon. */
const COUNT: u64 = 0x2274_6e75_6f63_222c
const VALUE: u64 = 0x2265_756c_6176_222c
const COLON: u8 = 0x3a
/** `[` in place of a comma; `,[`. */
const OPEN: u8 = 0x5b
const OPEN_ROW: u16 = 0x5b2c
const COMMA: u8 = 0x2c
const CLOSE: u8 = 0x5d

/** Where the value ends that was written last. */
export let valueEnd: i32 = 0

/** Writes the value at `p`, which must end in the window, from `out` on; where that ends, or 0. */
export function jsonCollection(type: u32, p: i32, end: i32, out: i32): i32 {
  if (type == TYPE_HASH_LISTPACK) return putListpack(HASH, p, end, out)
  if (type == TYPE_ZSET_LISTPACK) return putListpack(ZSET, p, end, out)
  if (type == TYPE_SET_LISTPACK) return putListpack(LIST, p, end, out)
  if (type == TYPE_QUICKLIST_2) return putNodes(p, end, out)
  if (type == TYPE_INTSET) return putIntset(p, end, out)
  if (type == TYPE_SET || type == TYPE_HASH || type == TYPE_ZSET_2) return putTable(type, p, end, out)
  const version = streamVersion(type)
  return version == 0 ? 0 : putVersion(version, p, end, out)
}

function putVersion(version: i32, p: i32, end: i32, out: i32): i32 {
  const to = putStream(version, p, end, putValue(out))
  valueEnd = streamEnd
  return to
}

export function putCount(count: u32, to: i32): i32 {
  store<u64>(to, COUNT)
  store<u8>(to, COLON, 8)
  return putValue(writeUnsigned(count, to + 9))
}

// @ts-ignore: decorator
@inline
function putValue(to: i32): i32 {
  store<u64>(to, VALUE)
  store<u8>(to, COLON, 8)
  return to + 9
}

/** Ends the elements that begin at `first`. */
// @ts-ignore: decorator
@inline
function closed(first: i32, to: i32): i32 {
  if (to == 0) return 0
  store<u8>(first, OPEN)
  store<u8>(to, CLOSE)
  return to + 1
}

function putListpack(shape: i32, p: i32, end: i32, out: i32): i32 {
  valueEnd = passBlob(p, true)
  if (valueEnd == 0 || valueEnd > end) return 0
  const entries = load<u16>(blob, 4) as u32
  const first = putCount(shape == LIST ? entries : entries >> 1, out)
  return closed(first, putBlob(shape, entries, first))
}

/** The elements of the listpack in the blob, as many as its head says. */
function putBlob(shape: i32, entries: u32, out: i32): i32 {
  if ((load<u32>(blob) as i32) != blobBytes || entries == COUNT_UNKNOWN || entries == 0) return 0
  const reached = putEntries(shape, blob, blob + blobBytes, out)
  return entriesWritten == (entries as i32) ? reached : 0
}

function putNodes(p: i32, end: i32, out: i32): i32 {
  let at = passLength(p)
  if (at == 0 || length == 0) return 0
  const first = putValue(out)
  let to = first
  for (let left = length; left > 0; left--) {
    if (at >= end || (load<u8>(at) as u32) != PACKED_NODE) return 0
    at = passBlob(at + 1, true)
    if (at == 0 || at > end) return 0
    to = putBlob(LIST, load<u16>(blob, 4), to)
    if (to == 0) return 0
  }
  valueEnd = at
  return closed(first, to)
}

/** A listpack as elements of JSON, a comma before each; returns how many bytes that takes, and leaves the entries. */
export function jsonListpack(shape: i32, start: i32, end: i32): i32 {
  const out = putEntries(shape, start, end, TEXT_OUT)
  if (out == 0) return IN_DOUBT
  leave(entriesWritten as u32, 0)
  return out - TEXT_OUT
}

/** Of the node written last. */
let entriesWritten: i32 = 0

function putEntries(shape: i32, start: i32, end: i32, to: i32): i32 {
  const last = end - 1
  let p = start + LISTPACK_HEADER_BYTES
  let out = to
  let entries = 0
  while (p < last) {
    let next = pass(p, last)
    if (next == 0) return 0
    if (shape == LIST) {
      store<u8>(out, COMMA)
      out = putEntry(p, out + 1)
    } else {
      const second = next
      if (second >= last) return 0
      next = pass(second, last)
      if (next == 0) return 0
      store<u16>(out, OPEN_ROW)
      out = putEntry(p, out + 2)
      if (out == 0) return 0
      store<u8>(out, COMMA)
      out = shape == HASH ? putEntry(second, out + 1) : putScore(second, out + 1)
      store<u8>(out, CLOSE)
      entries++
      if (out != 0) out++
    }
    if (out == 0) return 0
    entries++
    p = next
  }
  if (p != last || load<u8>(last) != 0xff || !isHeaded(start, end, entries)) return 0
  entriesWritten = entries
  return out
}

// @ts-ignore: decorator
@inline
function putScore(p: i32, to: i32): i32 {
  const first = load<u8>(p) as i32
  if (isInteger(first)) return jsonScore(loadInteger(p) as f64, to)
  return jsonScoreText(stringStart(p, first), stringLength(p, first), to)
}

/** In the byte order of the format, each member in as many bytes as the largest needs. */
function putIntset(p: i32, end: i32, out: i32): i32 {
  valueEnd = passBlob(p, true)
  if (valueEnd == 0 || valueEnd > end) return 0
  const width = load<i32>(blob)
  const count = load<u32>(blob, 4)
  if (width != 2 && width != 4 && width != 8) return 0
  if (count == 0 || count > (blobBytes as u32) || 8 + (count as i32) * width != blobBytes) return 0
  const first = putCount(count, out)
  let to = first
  let before = i64.MIN_VALUE
  for (let at = blob + 8, last = blob + blobBytes; at < last; at += width) {
    const value = width == 2 ? (load<i16>(at) as i64) : width == 4 ? (load<i32>(at) as i64) : load<i64>(at)
    if (value <= before && at > blob + 8) return 0
    before = value
    store<u8>(to, COMMA)
    to = jsonDigits(value, to + 1)
    if (to == 0) return 0
  }
  return closed(first, to)
}

function putTable(type: u32, p: i32, end: i32, out: i32): i32 {
  let at = passLength(p)
  if (at == 0 || at >= end || length == 0) return 0
  const first = putCount(length, out)
  let to = first
  for (let left = length; left > 0; left--) {
    if (at >= end) return 0
    at = passString(at)
    if (at == 0 || at > end) return 0
    if (type == TYPE_SET) {
      store<u8>(to, COMMA)
      to = jsonStored(stored, payload, made, at, to + 1)
      if (to == 0) return 0
      continue
    }
    store<u16>(to, OPEN_ROW)
    to = jsonStored(stored, payload, made, at, to + 2)
    if (to == 0) return 0
    store<u8>(to, COMMA)
    if (type == TYPE_HASH) {
      if (at >= end) return 0
      at = passString(at)
      if (at == 0 || at > end) return 0
      to = jsonStored(stored, payload, made, at, to + 1)
    } else {
      if (at + 8 > end) return 0
      to = jsonScore(load<f64>(at), to + 1)
      at += 8
    }
    if (to == 0) return 0
    store<u8>(to, CLOSE)
    to++
  }
  if (to > OUT_END) return 0
  valueEnd = at
  return closed(first, to)
}
