/**
 * Collections as the commands that create them (src/aof/rewrite.ts writes the same of whatever is left):
 *
 *   16   HMSET key field value ...      17   ZADD key score member ...      20   SADD key member ...
 *   18   RPUSH key item ...             for each node
 *    2   SADD,   4   HMSET,   5   ZADD, in batches,   11   SADD, those that go with one command
 */
import {CRLF, bulk, bulkStored} from './arguments'
import {blob, blobBytes, passBlob} from './blobs'
import {DIGITS_MAX, writeInteger} from './decimal'
import {isWhole, writeDouble} from './doubles'
import {length, made, passLength, passString, payload, stored} from './strings'
import {HASH, LIST, ZSET, bulkInteger, copyAny, respEntries, writeBulkHead} from './text'
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
/** Between an argument's beginning and where its digits are spelled first. */
const DIGITS_ROOM: i32 = 32

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
    if (to - first + DIGITS_MAX > BATCH_BYTES_MAX || to + DIGITS_MAX + 4 * FRAME_BYTES > outEnd) return 0
    to = bulkInteger(value, to)
  }
  return to
}

/** In batches, as the writer of records makes them: a command says first how many arguments it has. */
function putTable(type: u32, p: i32, end: i32, out: i32): i32 {
  let at = passLength(p)
  if (at == 0 || length == 0) return 0
  let to = out
  for (let left = length; left > 0; ) {
    if (to + keyBytes + 4 * FRAME_BYTES > outEnd) return 0
    const first = to + keyBytes + 2 * FRAME_BYTES
    let args = first
    let argc = 0
    for (; left > 0 && argc < ARGUMENTS_MAX; left--) {
      const next = putElement(type, at, end, first, args)
      if (next == 0) return 0
      if (next == BATCH_FULL) break
      args = next
      at = elementEnd
      argc += type == TYPE_SET ? 1 : 2
    }
    to = putHead(type, argc + 2, to)
    memory.copy(to, first, args - first)
    to += args - first
  }
  valueEnd = at
  return to
}

/** An element that does not go with the batch. */
const BATCH_FULL: i32 = -1
/** Where the element ends that was written last. */
let elementEnd: i32 = 0

/** Writes the element at `p` to `to`, where its batch has begun at `first`; 0 where it is for JavaScript. */
function putElement(type: u32, p: i32, end: i32, first: i32, to: i32): i32 {
  const stop = p < end ? passString(p) : 0
  if (stop == 0 || stop > end) return 0
  const kind = stored
  const from = payload
  const bytes = made
  let at = stop
  if (type == TYPE_HASH) {
    at = stop < end ? passString(stop) : 0
    if (at == 0 || at > end) return 0
  } else if (type == TYPE_ZSET_2) {
    at = stop + 8
    if (at > end) return 0
  }
  const all = type == TYPE_HASH ? bytes + made : bytes
  if (all > BATCH_BYTES_MAX) return 0
  if (to - first + all > BATCH_BYTES_MAX) return BATCH_FULL
  if (to + all + 4 * FRAME_BYTES > outEnd) return 0
  elementEnd = at
  if (type == TYPE_ZSET_2) {
    const scored = putScore(load<f64>(stop), to)
    return scored == 0 ? 0 : bulkStored(kind, from, bytes, stop, scored)
  }
  if (type == TYPE_SET) return bulkStored(kind, from, bytes, stop, to)
  const valueKind = stored
  const valueFrom = payload
  const valueBytes = made
  const named = bulkStored(kind, from, bytes, stop, to)
  return named == 0 ? 0 : bulkStored(valueKind, valueFrom, valueBytes, at, named)
}

/** A finite score. */
function putScore(score: f64, to: i32): i32 {
  if (isWhole(score)) return bulkInteger(score as i64, to)
  if (!(abs(score) < Infinity)) return 0
  // Its digits stand behind a length that is known once they are.
  const digits = to + DIGITS_ROOM
  const digitsEnd = writeDouble(score, digits)
  const at = copyAny(digits, digitsEnd, writeBulkHead(digitsEnd - digits, to))
  store<u16>(at, CRLF)
  return at + 2
}
