/**
 * Streams as JSON (src/jsonl/value.ts and group.ts write the same of whatever is left); streams.ts has their form.
 *
 *   {"entries":[["<ms>-<seq>",["field","value",...]],...],"lastId":"<id>","maxDeletedId":"<id>","entriesAdded":<n>,
 *    "groups":[{"name":"...","lastId":"<id>","entriesRead":<n>,"pending":[["<id>","consumer",<ms>,<n>],...],
 *               "consumers":[{"name":"...","seenAtMs":<ms>,"activeAtMs":<ms>},...]},...]}
 *
 * A group tells what is pending before it tells whose that is. Both lie in ascending order, so each consumer's IDs are
 * looked at once, along with those of the group.
 */
import {blob, blobBytes, passBlob} from './blobs'
import {writeInteger, writeUnsigned} from './decimal'
import {OUT_END, jsonStored, putEntry} from './json-text'
import {JSON_CONSUMERS, JSON_CONSUMERS_MAX, JSON_CONSUMER_BYTES} from './memory'
import {
  beginEntries,
  closeEntry,
  entryFields,
  entryMs,
  entrySeq,
  fieldName,
  fieldValue,
  firstMs,
  firstSeq,
  isDeleted,
  live,
  nextField,
  nodeSound,
  openEntry,
  openNode,
  skipEntry,
} from './stream-entries'
import {ID_BYTES, long, passLong} from './streams'
import {length, made, passLength, passString, payload, stored} from './strings'

/** Beyond what a double holds, numbers are for the careful way. */
const EXACT_MAX: i64 = 9_007_199_254_740_991
/** Of a consumer: where it begins, its next pending ID, and where these end. */
const NEXT: usize = 4
const END: usize = 8

/** Where the stream ends that was written last. */
export let streamEnd: i32 = 0

/** Writes the stream of a version, 1 to 3, at `p`, which must end in the window, from `out` on; where that ends, or 0. */
export function putStream(version: i32, p: i32, end: i32, out: i32): i32 {
  let at = passLength(p)
  if (at == 0) return 0
  beginEntries()
  // `{"entries":[`
  let to = put(0x6569_7274_6e65_227b, 0x5b3a_2273, 12, out)
  const first = to
  for (let left = length; left > 0; left--) {
    if (at + ID_BYTES >= end || load<u8>(at) != (ID_BYTES as u8)) return 0
    const ms = bswap(load<u64>(at, 1))
    const seq = bswap(load<u64>(at, 9))
    at = passBlob(at + 1 + ID_BYTES, true)
    if (at == 0 || at > end) return 0
    to = putNode(ms, seq, blob, blob + blobBytes - 1, to)
    if (to == 0) return 0
  }
  // Behind each entry stands a comma.
  if (to > first) to--
  to = putInfo(version, at, end, to)
  if (to == 0) return 0
  at = passLength(reached)
  if (at == 0) return 0
  // `,"groups":[`
  to = put(0x7370_756f_7267_222c, 0x5b_3a22, 11, to)
  for (let groups = length, left = groups; left > 0; left--) {
    if (left < groups) store<u8>(to++, 0x2c)
    to = putGroup(version, at, end, to)
    if (to == 0) return 0
    at = reached
  }
  if (at > end) return 0
  store<u16>(to, 0x7d5d)
  streamEnd = at
  return to + 2
}

/** Where what was read last ends. */
let reached: i32 = 0

// @ts-ignore: decorator
@inline
function put(first: u64, rest: u64, bytes: i32, to: i32): i32 {
  store<u64>(to, first)
  store<u64>(to, rest, 8)
  return to + bytes
}

/** An ID with the quote behind it. */
function putId(ms: u64, seq: u64, to: i32): i32 {
  let at = writeUnsigned(ms, to)
  store<u8>(at, 0x2d)
  at = writeUnsigned(seq, at + 1)
  store<u8>(at, 0x22)
  return at + 1
}

/** The entries of a node that ends at `last`, a comma behind each. */
function putNode(nodeMs: u64, nodeSeq: u64, start: i32, last: i32, out: i32): i32 {
  let p = openNode(nodeMs, nodeSeq, start, last)
  if (p == 0) return 0
  let to = out
  while (p < last) {
    p = openEntry(p, last)
    if (p == 0) return 0
    if (isDeleted) {
      p = skipEntry(p, last)
    } else {
      if (to > OUT_END) return 0
      store<u16>(to, 0x225b)
      to = putId(entryMs, entrySeq, to + 2)
      store<u16>(to, 0x5b2c)
      to = putFields(p, last, to + 2)
      if (to == 0) return 0
      p = closeEntry(reached, last)
    }
    if (p == 0) return 0
  }
  return nodeSound(p, last) ? to : 0
}

/** The fields of an entry, the first at `p`; ends the entry. */
function putFields(p: i32, last: i32, out: i32): i32 {
  let at = p
  let to = out
  for (let left = entryFields; left > 0; left--) {
    at = nextField(at, last)
    if (at == 0) return 0
    const value = fieldValue
    to = putEntry(fieldName, to)
    if (to == 0) return 0
    store<u8>(to, 0x2c)
    to = putEntry(value, to + 1)
    if (to == 0) return 0
    store<u8>(to++, 0x2c)
  }
  if (entryFields > 0) to--
  reached = at
  // `]],`
  store<u32>(to, 0x2c_5d5d)
  return to + 3
}

/** What stands behind the entries, and how many there are and which is the first must be as their nodes have it. */
function putInfo(version: i32, p: i32, end: i32, out: i32): i32 {
  let at = takeLong(p, end)
  if (at == 0 || long != (live as u64)) return 0
  at = takeLong(at, end)
  const ms = long
  at = takeLong(at, end)
  if (at == 0) return 0
  // `],"lastId":"`
  let to = putId(ms, long, put(0x4974_7361_6c22_2c5d, 0x223a_2264, 12, out))
  reached = at
  if (version == 1) return to
  at = takeLong(at, end)
  if (at == 0 || long != firstMs) return 0
  at = takeLong(at, end)
  if (at == 0 || long != firstSeq) return 0
  at = takeLong(at, end)
  const deletedMs = long
  at = takeLong(at, end)
  // `,"maxDeletedId":"`
  to = put(0x6c65_4478_616d_222c, 0x3a22_6449_6465_7465, 16, to)
  store<u8>(to, 0x22)
  to = putId(deletedMs, long, to + 1)
  at = takeLong(at, end)
  if (at == 0 || long > (EXACT_MAX as u64)) return 0
  reached = at
  // `,"entriesAdded":`
  return writeUnsigned(long, put(0x6569_7274_6e65_222c, 0x3a22_6465_6464_4173, 16, to))
}

/** passLong of what lies in the window. */
// @ts-ignore: decorator
@inline
function takeLong(p: i32, end: i32): i32 {
  return p == 0 || p >= end ? 0 : passLong(p)
}

function putGroup(version: i32, p: i32, end: i32, out: i32): i32 {
  if (p >= end || out > OUT_END) return 0
  // `{"name":`
  let to = putName(p, end, put(0x3a22_656d_616e_227b, 0, 8, out))
  if (to == 0) return 0
  let at = takeLong(nameEnd, end)
  const ms = long
  at = takeLong(at, end)
  if (at == 0) return 0
  // `,"lastId":"`
  to = putId(ms, long, put(0x6449_7473_616c_222c, 0x22_3a22, 11, to))
  if (version > 1) {
    at = takeLong(at, end)
    const read = long as i64
    if (at == 0 || read < -EXACT_MAX || read > EXACT_MAX) return 0
    // `,"entriesRead":`
    to = writeInteger(read, put(0x6569_7274_6e65_222c, 0x3a_2264_6165_5273, 15, to))
  }
  if (at >= end) return 0
  const pending = passLength(at)
  const rows = length
  if (pending == 0 || rows > end - pending) return 0
  at = passPendingRows(pending, rows, end)
  if (at == 0 || at >= end) return 0
  at = passConsumers(version, at, end)
  if (at == 0 || to > OUT_END) return 0
  // `,"pending":[`
  to = putRows(pending, rows, end, put(0x6e69_646e_6570_222c, 0x5b3a_2267, 12, to))
  if (to == 0) return 0
  // `,"consumers":[`
  to = putConsumers(version, end, put(0x6d75_736e_6f63_222c, 0x5b3a_2273_7265, 14, to))
  reached = at
  return to
}

/** Where the name ends that was written last. */
let nameEnd: i32 = 0

function putName(p: i32, end: i32, to: i32): i32 {
  nameEnd = passString(p)
  if (nameEnd == 0 || nameEnd > end) return 0
  return jsonStored(stored, payload, made, nameEnd, to)
}

/** Passes over pending entries in ascending order. */
function passPendingRows(p: i32, rows: i32, end: i32): i32 {
  let at = p
  let msBefore: u64 = 0
  let seqBefore: u64 = 0
  for (let left = rows; left > 0; left--) {
    if (at + ID_BYTES + 8 >= end) return 0
    const ms = bswap(load<u64>(at))
    const seq = bswap(load<u64>(at, 8))
    if (left < rows && (ms < msBefore || (ms == msBefore && seq <= seqBefore))) return 0
    msBefore = ms
    seqBefore = seq
    at = passLong(at + ID_BYTES + 8)
    if (at == 0 || long > (EXACT_MAX as u64)) return 0
  }
  return at
}

let consumers: i32 = 0

/** Notes where consumers and their IDs lie. */
function passConsumers(version: i32, p: i32, end: i32): i32 {
  let at = passLength(p)
  consumers = length
  if (at == 0 || consumers > JSON_CONSUMERS_MAX) return 0
  for (let i = 0; i < consumers; i++) {
    const consumer = JSON_CONSUMERS + i * JSON_CONSUMER_BYTES
    if (at >= end) return 0
    store<i32>(consumer, at)
    at = passString(at)
    if (at == 0 || at + 16 >= end) return 0
    at = passLength(at + (version > 2 ? 16 : 8))
    if (at == 0 || length > (end - at) / ID_BYTES) return 0
    store<i32>(consumer, at, NEXT)
    at += length * ID_BYTES
    store<i32>(consumer, at, END)
  }
  return at
}

function putRows(p: i32, rows: i32, end: i32, out: i32): i32 {
  let at = p
  let to = out
  for (let left = rows; left > 0; left--) {
    const consumer = ownerOf(at)
    const deliveredAt = load<i64>(at, ID_BYTES)
    if (consumer == 0 || to > OUT_END || deliveredAt < -EXACT_MAX || deliveredAt > EXACT_MAX) return 0
    store<u16>(to, 0x225b)
    to = putId(bswap(load<u64>(at)), bswap(load<u64>(at, 8)), to + 2)
    store<u8>(to, 0x2c)
    to = putName(load<i32>(consumer), end, to + 1)
    if (to == 0) return 0
    at = passLong(at + ID_BYTES + 8)
    store<u8>(to, 0x2c)
    to = writeInteger(deliveredAt, to + 1)
    store<u8>(to, 0x2c)
    to = writeUnsigned(long, to + 1)
    // `],`
    store<u16>(to, 0x2c5d)
    to += 2
  }
  if (rows > 0) to--
  store<u8>(to, 0x5d)
  return to + 1
}

/** The consumer whose next ID is the one at `p`, 0 where there is none; that ID is behind it then. */
function ownerOf(p: i32): i32 {
  const id = v128.load(p)
  for (let i = 0; i < consumers; i++) {
    const consumer = JSON_CONSUMERS + i * JSON_CONSUMER_BYTES
    const next = load<i32>(consumer, NEXT)
    if (next == load<i32>(consumer, END) || i8x16.bitmask(i8x16.eq(id, v128.load(next))) != 0xffff) continue
    store<i32>(consumer, next + ID_BYTES, NEXT)
    return consumer
  }
  return 0
}

/** The consumers, all of whose IDs must have been met; ends them and their group. */
function putConsumers(version: i32, end: i32, out: i32): i32 {
  let to = out
  for (let i = 0; i < consumers; i++) {
    const consumer = JSON_CONSUMERS + i * JSON_CONSUMER_BYTES
    if (load<i32>(consumer, NEXT) != load<i32>(consumer, END) || to > OUT_END) return 0
    // `{"name":`
    to = putName(load<i32>(consumer), end, put(0x3a22_656d_616e_227b, 0, 8, to))
    if (to == 0) return 0
    const seenAt = load<i64>(nameEnd)
    if (seenAt < -EXACT_MAX || seenAt > EXACT_MAX) return 0
    // `,"seenAtMs":`
    to = writeInteger(seenAt, put(0x7441_6e65_6573_222c, 0x3a22_734d, 12, to))
    if (version > 2) {
      const activeAt = load<i64>(nameEnd, 8)
      if (activeAt < -EXACT_MAX || activeAt > EXACT_MAX) return 0
      // `,"activeAtMs":`
      to = writeInteger(activeAt, put(0x6576_6974_6361_222c, 0x3a22_734d_7441, 14, to))
    }
    // `},`
    store<u16>(to, 0x2c7d)
    to += 2
  }
  if (consumers > 0) to--
  store<u16>(to, 0x7d5d)
  return to + 2
}
