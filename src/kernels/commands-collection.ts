/**
 * Collections as the commands that create them (src/aof/rewrite.ts writes the same of whatever is left):
 *
 *   16   HMSET key field value ...      17   ZADD key score member ...      20   SADD key member ...
 *   18   RPUSH key item ...             for each node
 *    2   SADD,   4   HMSET,   5   ZADD, whose scores are whole numbers,   11   SADD: those that go with one command
 */
import {CRLF, bulk, bulkStored} from './arguments'
import {blob, blobBytes, passBlob} from './blobs'
import {DIGITS_MAX, writeInteger} from './decimal'
import {length, made, passLength, passString, payload, stored} from './strings'
import {HASH, LIST, ZSET, bulkInteger, respEntries} from './text'
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

const PACKED_NODE: u32 = 2
const COUNT_UNKNOWN: u32 = 0xffff
/** Head of a command, beside its key; and of an argument. */
const FRAME_BYTES: i32 = 64
/** src/aof/batch.ts has the same numbers. */
const ARGUMENTS_MAX: i32 = 1024
const BATCH_BYTES_MAX: i32 = 32 * 1024
/** Whole numbers up to here are printed by their digits, and are exact. */
const WHOLE_MAX: f64 = 9_007_199_254_740_992

/** `$5\r\nHMSE`, `T\r\n`; `$4\r\nZADD`, `$4\r\nSADD`, `\r\n`; `$5\r\nRPUS`, `H\r\n`: little-endian. */
const HMSE: u64 = 0x4553_4d48_0a0d_3524
const T: u32 = 0x0a_0d54
const ZADD: u64 = 0x4444_415a_0a0d_3424
const SADD: u64 = 0x4444_4153_0a0d_3424
const RPUS: u64 = 0x5355_5052_0a0d_3524
const H: u32 = 0x0a_0d48

/** Where the value ends that was written last. */
export let valueEnd: i32 = 0

let key: i32 = 0
let keyBytes: i32 = 0
let outEnd: i32 = 0

/** Writes the value at `p`, which must end in the window, from `out` on; where that ends, or 0. */
export function putCollection(type: u32, p: i32, end: i32, keyAt: i32, keySize: i32, out: i32, limit: i32): i32 {
  key = keyAt
  keyBytes = keySize
  outEnd = limit
  if (type == TYPE_HASH_LISTPACK) return putListpack(type, HASH, p, end, out)
  if (type == TYPE_ZSET_LISTPACK) return putListpack(type, ZSET, p, end, out)
  if (type == TYPE_SET_LISTPACK) return putListpack(type, LIST, p, end, out)
  if (type == TYPE_QUICKLIST_2) return putNodes(p, end, out)
  if (type == TYPE_INTSET) return putIntset(p, end, out)
  if (type == TYPE_SET || type == TYPE_HASH || type == TYPE_ZSET_2) return putTable(type, p, end, out)
  return 0
}

/** What a command on the key begins with; 0 where there is no room. */
function putHead(type: u32, argc: i32, out: i32): i32 {
  if (out + keyBytes + 2 * FRAME_BYTES > outEnd) return 0
  store<u8>(out, 0x2a)
  let at = writeInteger(argc, out + 1)
  store<u16>(at, CRLF)
  at += 2
  if (type == TYPE_HASH_LISTPACK || type == TYPE_HASH) {
    store<u64>(at, HMSE)
    store<u32>(at, T, 8)
    at += 11
  } else if (type == TYPE_QUICKLIST_2) {
    store<u64>(at, RPUS)
    store<u32>(at, H, 8)
    at += 11
  } else {
    store<u64>(at, type == TYPE_ZSET_LISTPACK || type == TYPE_ZSET_2 ? ZADD : SADD)
    store<u16>(at, CRLF, 8)
    at += 10
  }
  return bulk(key, keyBytes, at)
}

function putListpack(type: u32, shape: i32, p: i32, end: i32, out: i32): i32 {
  valueEnd = passBlob(p, true)
  return valueEnd == 0 || valueEnd > end ? 0 : putBlob(type, shape, out)
}

/** The listpack in the blob, with a command of its own. */
function putBlob(type: u32, shape: i32, out: i32): i32 {
  const entries = load<u16>(blob, 4) as u32
  if (entries == COUNT_UNKNOWN || entries == 0) return 0
  const at = putHead(type, entries + 2, out)
  if (at == 0) return 0
  const reached = respEntries(shape, blob, blob + blobBytes, at, outEnd)
  return reached < 0 ? 0 : reached
}

function putNodes(p: i32, end: i32, out: i32): i32 {
  let at = passLength(p)
  if (at == 0 || length == 0) return 0
  let to = out
  for (let left = length; left > 0; left--) {
    if (at >= end || (load<u8>(at) as u32) != PACKED_NODE) return 0
    at = passBlob(at + 1, true)
    if (at == 0 || at > end) return 0
    to = putBlob(TYPE_QUICKLIST_2, LIST, to)
    if (to == 0) return 0
  }
  valueEnd = at
  return to
}

/** In the byte order of the format, each member in as many bytes as the largest needs. */
function putIntset(p: i32, end: i32, out: i32): i32 {
  valueEnd = passBlob(p, true)
  if (valueEnd == 0 || valueEnd > end) return 0
  const width = load<i32>(blob)
  const count = load<u32>(blob, 4)
  if (width != 2 && width != 4 && width != 8) return 0
  if (count == 0 || count > (ARGUMENTS_MAX as u32) || 8 + (count as i32) * width != blobBytes) return 0
  const first = putHead(TYPE_INTSET, count + 2, out)
  if (first == 0) return 0
  let to = first
  let before = i64.MIN_VALUE
  for (let at = blob + 8, last = blob + blobBytes; at < last; at += width) {
    const value = width == 2 ? (load<i16>(at) as i64) : width == 4 ? (load<i32>(at) as i64) : load<i64>(at)
    if (value <= before && at > blob + 8) return 0
    before = value
    // No number has more digits: where that many might not fit any more, it is for JavaScript to say.
    if (!fits(to - first, DIGITS_MAX, to)) return 0
    to = bulkInteger(value, to)
  }
  return to
}

function putTable(type: u32, p: i32, end: i32, out: i32): i32 {
  let at = passLength(p)
  if (at == 0 || at >= end || length == 0) return 0
  const argc = type == TYPE_SET ? length : 2 * length
  // The last of them is still taken.
  if (length > ARGUMENTS_MAX || argc > ARGUMENTS_MAX) return 0
  const first = putHead(type, argc + 2, out)
  if (first == 0) return 0
  let to = first
  for (let left = length; left > 0; left--) {
    if (at >= end) return 0
    at = passString(at)
    if (at == 0 || at > end) return 0
    const kind = stored
    const from = payload
    const bytes = made
    const stop = at
    if (type == TYPE_HASH) {
      if (at >= end) return 0
      at = passString(at)
      if (at == 0 || at > end || !fits(to - first, bytes + made, to)) return 0
      const valueKind = stored
      const valueFrom = payload
      const valueBytes = made
      to = bulkStored(kind, from, bytes, stop, to)
      if (to == 0) return 0
      to = bulkStored(valueKind, valueFrom, valueBytes, at, to)
    } else if (type == TYPE_ZSET_2) {
      if (at + 8 > end || !fits(to - first, bytes, to)) return 0
      to = putWhole(load<f64>(at), to)
      at += 8
      if (to != 0) to = bulkStored(kind, from, bytes, stop, to)
    } else {
      if (!fits(to - first, bytes, to)) return 0
      to = bulkStored(kind, from, bytes, stop, to)
    }
    if (to == 0) return 0
  }
  valueEnd = at
  return to
}

/** Whether an element goes with the command, and into the output. */
// @ts-ignore: decorator
@inline
function fits(before: i32, bytes: i32, to: i32): bool {
  return bytes <= BATCH_BYTES_MAX && before + bytes <= BATCH_BYTES_MAX && to + bytes + 4 * FRAME_BYTES <= outEnd
}

/** A score that is a whole number; 0 of any other. */
function putWhole(score: f64, to: i32): i32 {
  if (!(abs(score) <= WHOLE_MAX) || floor(score) != score) return 0
  // Minus zero keeps its sign.
  if (score == 0 && reinterpret<i64>(score) != 0) return 0
  return bulkInteger(score as i64, to)
}
