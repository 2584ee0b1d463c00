/**
 * Streams as the commands that create them (src/aof/stream-commands.ts has their forms, and writes whatever is left): those
 * which commands carry whole, where all that is pending is there and is one consumer's.
 */
import {CRLF, bulk, bulkStored} from './arguments'
import {blob, blobBytes, passBlob} from './blobs'
import {writeUnsigned} from './decimal'
import {STREAM_IDS, STREAM_IDS_MAX, STREAM_ROWS, STREAM_ROWS_MAX} from './memory'
import {
  beginEntries,
  closeEntry,
  entryFields,
  entryMs,
  entrySeq,
  fieldName,
  fieldNameEnd,
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
import {bulkEntry, bulkInteger, copyAny, writeBulkHead} from './text'

/** The most that a command takes beside key, names and fields, and what copies write past their end. */
const FRAME_BYTES: i32 = 320
/** What an entry of a listpack becomes beside its string: a field has two. */
const ENTRY_FRAME_BYTES: i32 = 48
/** Beyond what a double holds, numbers are for the careful way. */
const EXACT_MAX: i64 = 9_007_199_254_740_991
/** Of a row of pending entries: where it stands, negative once a consumer has claimed it. */
const ROW_BYTES: i32 = 4

/** Arguments, little-endian: `$4\r\nXADD\r\n` and what else is named so. */
const XADD: u64 = 0x4444_4158_0a0d_3424
const XSETID: u64 = 0x5445_5358_0a0d_3624
const XSETID_REST: u32 = 0x0a0d_4449
const XCLAIM: u64 = 0x414c_4358_0a0d_3624
const XCLAIM_REST: u32 = 0x0a0d_4d49
const XGROUP: u64 = 0x4f52_4758_0a0d_3624
const XGROUP_REST: u32 = 0x0a0d_5055

/** Where the stream ends that was written last, and how many consumers it has. */
export let streamEnd: i32 = 0
export let streamConsumers: i32 = 0

let key: i32 = 0
let keyBytes: i32 = 0
let outEnd: i32 = 0
/** Where what was read last ends. */
let reached: i32 = 0

/** Writes the stream of a version, 1 to 3, at `p`, which must end in the window, from `out` on; where that ends, or 0. */
export function putStream(version: i32, p: i32, end: i32, keyAt: i32, keySize: i32, out: i32, limit: i32): i32 {
  key = keyAt
  keyBytes = keySize
  outEnd = limit - FRAME_BYTES
  streamConsumers = 0
  let at = passLength(p)
  // Of an empty one the oldest form leaves to the server what commands would have to say.
  if (at == 0 || (version == 1 && length == 0)) return 0
  beginEntries()
  let to = out
  for (let left = length; left > 0; left--) {
    if (at + ID_BYTES >= end || load<u8>(at) != (ID_BYTES as u8)) return 0
    const ms = bswap(load<u64>(at, 1))
    const seq = bswap(load<u64>(at, 9))
    at = passBlob(at + 1 + ID_BYTES, true)
    if (at == 0 || at > end) return 0
    to = putNode(ms, seq, blob, blob + blobBytes - 1, to)
    if (to == 0) return 0
  }
  if (live == 0) to = putNothing(to)
  if (to == 0) return 0
  to = putInfo(version, at, end, to)
  if (to == 0) return 0
  at = passLength(reached)
  if (at == 0 || (version == 1 && length > 0)) return 0
  for (let left = length; left > 0; left--) {
    to = putGroup(version, at, end, to)
    if (to == 0) return 0
    at = reached
  }
  streamEnd = at
  return at > end ? 0 : to
}

// @ts-ignore: decorator
@inline
function putArgc(argc: i32, to: i32): i32 {
  store<u8>(to, 0x2a)
  const at = writeUnsigned(argc as u64, to + 1)
  store<u16>(at, CRLF)
  return at + 2
}

/** A name of the length 6 as an argument. */
// @ts-ignore: decorator
@inline
function putSix(first: u64, rest: u32, to: i32): i32 {
  store<u64>(to, first)
  store<u32>(to, rest, 8)
  return to + 12
}

function putId(ms: u64, seq: u64, to: i32): i32 {
  // Its digits stand behind a length that is known once they are.
  const digits = to + 64
  let at = writeUnsigned(ms, digits)
  store<u8>(at, 0x2d)
  at = writeUnsigned(seq, at + 1)
  const start = writeBulkHead(at - digits, to)
  const end = copyAny(digits, at, start)
  store<u16>(end, CRLF)
  return end + 2
}

/** XADD with each entry of a node that ends at `last`. */
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
      if (!noteId() || to + keyBytes > outEnd) return 0
      to = putArgc(3 + 2 * entryFields, to)
      store<u64>(to, XADD)
      store<u16>(to, CRLF, 8)
      to = putFields(p, last, putId(entryMs, entrySeq, bulk(key, keyBytes, to + 10)))
      if (to == 0) return 0
      p = closeEntry(reached, last)
    }
    if (p == 0) return 0
  }
  return nodeSound(p, last) ? to : 0
}

/** Keeps the ID of an entry: pending ones are looked for among them. False where they do not ascend. */
// @ts-ignore: decorator
@inline
function noteId(): bool {
  const at = STREAM_IDS + (live as i32) * ID_BYTES
  if (live > STREAM_IDS_MAX) return false
  store<u64>(at - ID_BYTES, entryMs)
  store<u64>(at - ID_BYTES, entrySeq, 8)
  return live == 1 || !isBehind(load<u64>(at - 2 * ID_BYTES), load<u64>(at - 2 * ID_BYTES, 8), entryMs, entrySeq)
}

/** Whether an ID is another or one behind it. */
// @ts-ignore: decorator
@inline
function isBehind(ms: u64, seq: u64, otherMs: u64, otherSeq: u64): bool {
  return ms > otherMs || (ms == otherMs && seq >= otherSeq)
}

function putFields(p: i32, last: i32, out: i32): i32 {
  let at = p
  let to = out
  for (let left = entryFields; left > 0; left--) {
    at = nextField(at, last)
    const bytes = fieldNameEnd - fieldName + (at - fieldValue)
    if (at == 0 || to + bytes + 4 * ENTRY_FRAME_BYTES > outEnd) return 0
    to = bulkEntry(fieldValue, bulkEntry(fieldName, to))
  }
  reached = at
  return to
}

/** An empty stream: XADD of what is gone at once. */
function putNothing(out: i32): i32 {
  if (out + keyBytes > outEnd) return 0
  let to = putArgc(7, out)
  store<u64>(to, XADD)
  store<u16>(to, CRLF, 8)
  to = bulk(key, keyBytes, to + 10)
  // `$6\r\nMAXLEN\r\n$1\r\n0\r\n$3\r\n0-1\r\n$1\r\nx\r\n$1\r\ny\r\n`
  store<u64>(to, 0x4c58_414d_0a0d_3624)
  store<u64>(to, 0x0a0d_3124_0a0d_4e45, 8)
  store<u64>(to, 0x300a_0d33_240a_0d30, 16)
  store<u64>(to, 0x0a0d_3124_0a0d_312d, 24)
  store<u64>(to, 0x790a_0d31_240a_0d78, 32)
  store<u16>(to, CRLF, 40)
  return to + 42
}

/** XSETID: there must be as many entries, and that one first, as is said here. */
function putInfo(version: i32, p: i32, end: i32, out: i32): i32 {
  let at = takeLong(p, end)
  if (at == 0 || long != (live as u64) || out + keyBytes > outEnd) return 0
  at = takeLong(at, end)
  const ms = long
  at = takeLong(at, end)
  const seq = long
  if (at == 0) return 0
  let to = putSix(XSETID, XSETID_REST, putArgc(version == 1 ? 3 : 7, out))
  to = putId(ms, seq, bulk(key, keyBytes, to))
  reached = at
  if (version == 1) return to
  at = takeLong(at, end)
  if (at == 0 || long != firstMs) return 0
  at = takeLong(at, end)
  if (at == 0 || long != firstSeq) return 0
  at = takeLong(at, end)
  const deletedMs = long
  at = takeLong(at, end)
  const deletedSeq = long
  at = takeLong(at, end)
  // XSETID refuses what no server would have written itself.
  const added = long as i64
  if (at == 0 || added < live || added > EXACT_MAX) return 0
  if (deletedMs > ms || (deletedMs == ms && deletedSeq > seq)) return 0
  reached = at
  // `$12\r\nENTRIESADDED\r\n`
  store<u64>(to, 0x544e_450a_0d32_3124)
  store<u64>(to, 0x4544_4441_5345_4952, 8)
  store<u32>(to, 0x0a_0d44, 16)
  to = bulkInteger(added, to + 19)
  // `$12\r\nMAXDELETEDID\r\n`
  store<u64>(to, 0x5841_4d0a_0d32_3124)
  store<u64>(to, 0x4944_4554_454c_4544, 8)
  store<u32>(to, 0x0a_0d44, 16)
  return putId(deletedMs, deletedSeq, to + 19)
}

/** passLong of what lies in the window. */
// @ts-ignore: decorator
@inline
function takeLong(p: i32, end: i32): i32 {
  return p == 0 || p >= end ? 0 : passLong(p)
}

/** Where the name ends that was written last. */
let nameEnd: i32 = 0

function putName(p: i32, end: i32, to: i32): i32 {
  nameEnd = p < end ? passString(p) : 0
  if (nameEnd == 0 || nameEnd > end || to + made + keyBytes > outEnd) return 0
  return bulkStored(stored, payload, made, nameEnd, to)
}

/** XGROUP CREATE, then what its consumers have. */
function putGroup(version: i32, p: i32, end: i32, out: i32): i32 {
  if (out + keyBytes > outEnd) return 0
  let to = putSix(XGROUP, XGROUP_REST, putArgc(version == 1 ? 5 : 7, out))
  // `$6\r\nCREATE\r\n`
  to = bulk(key, keyBytes, putSix(0x4145_5243_0a0d_3624, 0x0a0d_4554, to))
  to = putName(p, end, to)
  if (to == 0) return 0
  let at = takeLong(nameEnd, end)
  const ms = long
  at = takeLong(at, end)
  if (at == 0) return 0
  to = putId(ms, long, to)
  at = takeLong(at, end)
  const read = long as i64
  if (at == 0 || at >= end || read < -EXACT_MAX || read > EXACT_MAX) return 0
  // `$11\r\nENTRIESREAD\r\n`
  store<u64>(to, 0x544e_450a_0d31_3124)
  store<u64>(to, 0x4441_4552_5345_4952, 8)
  store<u16>(to, CRLF, 16)
  to = bulkInteger(read, to + 18)
  at = passRows(at, end)
  return at == 0 ? 0 : putConsumers(version, p, at, end, to)
}

/** Pending entries of the group. */
let rows: i32 = 0

/** Notes where pending entries lie, which must ascend, and be entries of the stream. */
function passRows(p: i32, end: i32): i32 {
  let at = passLength(p)
  rows = length
  if (at == 0 || rows > STREAM_ROWS_MAX) return 0
  let id = STREAM_IDS
  const idsEnd = STREAM_IDS + (live as i32) * ID_BYTES
  for (let i = 0; i < rows; i++) {
    if (at + ID_BYTES + 8 >= end) return 0
    const ms = bswap(load<u64>(at))
    const seq = bswap(load<u64>(at, 8))
    while (id < idsEnd && (load<u64>(id) < ms || (load<u64>(id) == ms && load<u64>(id, 8) < seq))) id += ID_BYTES
    if (id == idsEnd || load<u64>(id) != ms || load<u64>(id, 8) != seq) return 0
    // The next one is behind it.
    id += ID_BYTES
    const deliveredAt = load<i64>(at, ID_BYTES)
    store<i32>(STREAM_ROWS + i * ROW_BYTES, at)
    at = passLong(at + ID_BYTES + 8)
    if (at == 0 || long > (EXACT_MAX as u64) || deliveredAt < -EXACT_MAX || deliveredAt > EXACT_MAX) return 0
  }
  return at
}

/** XCLAIM of what each consumer has, XGROUP CREATECONSUMER of one that has nothing. */
function putConsumers(version: i32, group: i32, p: i32, end: i32, out: i32): i32 {
  if (p >= end) return 0
  let at = passLength(p)
  let to = out
  let claimed = 0
  if (at == 0) return 0
  for (let left = length; left > 0; left--) {
    if (at >= end) return 0
    const name = at
    at = passString(name)
    if (at == 0 || at + 16 >= end) return 0
    at = passLength(at + (version > 2 ? 16 : 8))
    const ids = length
    if (at == 0 || ids > (end - at) / ID_BYTES) return 0
    to = ids == 0 ? putConsumer(group, name, end, to) : putClaims(group, name, at, ids, end, to)
    if (to == 0) return 0
    at += ids * ID_BYTES
    claimed += ids
    streamConsumers++
  }
  reached = at
  return claimed == rows ? to : 0
}

function putConsumer(group: i32, name: i32, end: i32, out: i32): i32 {
  if (out + keyBytes > outEnd) return 0
  let to = putSix(XGROUP, XGROUP_REST, putArgc(5, out))
  // `$14\r\nCREATECONSUMER\r\n`
  store<u64>(to, 0x4552_430a_0d34_3124)
  store<u64>(to, 0x5553_4e4f_4345_5441, 8)
  store<u64>(to, 0x0a_0d52_454d, 16)
  to = putName(group, end, bulk(key, keyBytes, to + 21))
  return to == 0 ? 0 : putName(name, end, to)
}

/** The IDs at `p` are of rows that nobody else has, in ascending order. */
function putClaims(group: i32, name: i32, p: i32, ids: i32, end: i32, out: i32): i32 {
  if (out + keyBytes > outEnd) return 0
  // What every one of them begins with.
  let to = bulk(key, keyBytes, putSix(XCLAIM, XCLAIM_REST, putArgc(12, out)))
  to = putName(group, end, to)
  if (to == 0) return 0
  to = putName(name, end, to)
  if (to == 0) return 0
  // `$1\r\n0\r\n`
  store<u64>(to, 0x0a_0d30_0a0d_3124)
  const headEnd = to + 7
  let row = 0
  for (let i = 0; i < ids; i++) {
    row = findRow(p + i * ID_BYTES, row)
    if (row < 0) return 0
    const at = load<i32>(STREAM_ROWS + row * ROW_BYTES)
    store<i32>(STREAM_ROWS + row * ROW_BYTES, -at)
    row++
    if (i > 0) {
      if (to + (headEnd - out) > outEnd) return 0
      to = copyAny(out, headEnd, to)
    } else {
      to = headEnd
    }
    to = putId(bswap(load<u64>(at)), bswap(load<u64>(at, 8)), to)
    // `$4\r\nTIME\r\n`
    store<u64>(to, 0x454d_4954_0a0d_3424)
    store<u16>(to, CRLF, 8)
    to = bulkInteger(load<i64>(at, ID_BYTES), to + 10)
    // `$10\r\nRETRYCOUNT\r\n`
    store<u64>(to, 0x5445_520a_0d30_3124)
    store<u64>(to, 0x0d54_4e55_4f43_5952, 8)
    store<u8>(to, 0x0a, 16)
    passLong(at + ID_BYTES + 8)
    to = bulkInteger(long as i64, to + 17)
    // `$6\r\nJUSTID\r\n$5\r\nFORCE\r\n`
    store<u64>(to, 0x5453_554a_0a0d_3624)
    store<u64>(to, 0x0a0d_3524_0a0d_4449, 8)
    store<u64>(to, 0x0a_0d45_4352_4f46, 16)
    to += 23
    if (to > outEnd) return 0
  }
  return to
}

/** The row from `first` on that has the ID at `p` and is nobody's yet, or -1. */
function findRow(p: i32, first: i32): i32 {
  const id = v128.load(p)
  for (let row = first; row < rows; row++) {
    const at = load<i32>(STREAM_ROWS + row * ROW_BYTES)
    if (at > 0 && i8x16.bitmask(i8x16.eq(id, v128.load(at))) == 0xffff) return row
  }
  return -1
}
