/**
 * Passes over a stream (src/encoding/stream-node.ts has the form of a node):
 *
 *   <n> (<string: ID, 16 bytes BE> <string: listpack>)*n
 *   <length> <last ID>                                               an ID is two lengths
 *   2   <first ID> <last ID deleted> <entries added>
 *   <groups> (<string name> <last ID> [2: <entries read>]
 *     <n> (<ID, 16 bytes BE> <ms, 8 bytes> <deliveries>)*n           pending entries, ascending
 *     <consumers> (<string name> <ms> [3: <ms>] <n> <ID>*n)*         each pending entry is one consumer's
 *   )*
 *
 * Each function says where what it passes ends, 0 in doubt, or a place behind the window's end. Whether the consumers'
 * IDs are just those of the group is told by sums of their hashes, under keys drawn for every run.
 */
import {blob, blobBytes, passBlob} from './blobs'
import {isInteger, loadInteger, pass} from './listpack'
import {hashId, hashString} from './members'
import {STREAM_NAMES, STREAM_NAMES_MAX} from './memory'
import {INT, RAW, length, made, passLength, passString, payload, stored, windowEnd} from './strings'

export const ID_BYTES: i32 = 16
const LISTPACK_HEADER_BYTES: i32 = 6
/** An empty one: header and end mark. */
const LISTPACK_BYTES_MIN: i32 = 7
const COUNT_UNKNOWN: i32 = 0xffff
export const DELETED: i64 = 1
export const SAME_FIELDS: i64 = 2

/** Flags, both parts of the ID, and the count of elements, each with a back length. */
const ENTRY_BYTES_MIN: i32 = 8

/** Entries of the stream passed last. */
export let streamLength: i32 = 0

let live: i32 = 0
let entries: i32 = 0
let nodeMs: u64 = 0
let nodeSeq: u64 = 0
/** The last entry and the first that is not deleted. */
let entryMs: u64 = 0
let entrySeq: u64 = 0
let firstMs: u64 = 0
let firstSeq: u64 = 0

/** `version` of the form, 1 to 3. */
export function passStream(p: i32, version: i32, deep: bool): i32 {
  let at = passLength(p)
  if (at == 0 || length == 0) return 0
  live = entries = 0
  firstMs = firstSeq = 0
  let room = 0
  for (let left = length, first = true; left > 0; left--, first = false) {
    if (deep) {
      at = passNode(at, first)
    } else {
      at = passString(at)
      if (at == 0 || at > windowEnd) return at
      at = passString(at)
      if (at == 0 || at > windowEnd) return at
      if (stored != INT) room += max(0, made - LISTPACK_BYTES_MIN) / ENTRY_BYTES_MIN
    }
    if (at == 0 || at > windowEnd) return at
  }
  at = passInfo(at, version, deep)
  if (at == 0 || at > windowEnd) return at
  // More entries than its nodes can hold are not believed.
  if (!deep && streamLength > room) return 0
  at = passLength(at)
  if (at == 0 || (deep && length > STREAM_NAMES_MAX)) return 0
  const groups = length
  for (let i = 0; i < groups; i++) {
    at = deep ? passNewName(at, STREAM_NAMES, i) : passString(at)
    if (at == 0 || at > windowEnd) return at
    at = passGroup(at, version, deep)
    if (at == 0 || at > windowEnd) return at
  }
  return at
}

/** The number that passLong has read. */
export let long: u64 = 0

/** A length of up to 64 bits. */
// @ts-ignore: decorator
@inline
export function passLong(p: i32): i32 {
  if (load<u8>(p) == 0x81) {
    long = bswap(load<u64>(p, 1))
    return p + 9
  }
  const at = passLength(p)
  long = length
  return at
}

function passNode(p: i32, first: bool): i32 {
  if (load<u8>(p) != ID_BYTES) return 0
  const ms = bswap(load<u64>(p, 1))
  const seq = bswap(load<u64>(p, 9))
  if (!first && (ms < nodeMs || (ms == nodeMs && seq <= nodeSeq))) return 0
  nodeMs = ms
  nodeSeq = seq
  const at = passBlob(p + 1 + ID_BYTES, true)
  if (at == 0 || at > windowEnd) return at
  return passEntries(blob, blob + blobBytes - 1) ? at : 0
}

/** The items of a listpack that were passed: as many as its head says, in the end. */
export let items: i32 = 0

export function beginItems(): void {
  items = 0
}

/** A number in the listpack; its place is 0 where there is none. */
export let number: i64 = 0

// @ts-ignore: decorator
@inline
export function passNumber(p: i32, last: i32): i32 {
  if (p == 0 || p >= last) return 0
  const first = load<u8>(p) as u32
  if (!isInteger(first)) return 0
  number = first < 0x80 ? (first as i64) : loadInteger(p)
  items++
  return pass(p, last)
}

export function passItems(p: i32, count: i64, last: i32): i32 {
  if (count < 0 || count > ((last - p) as i64)) return 0
  let at = p
  for (let left = count as i32; left > 0; left--) {
    if (at >= last) return 0
    at = pass(at, last)
    if (at == 0) return 0
  }
  items += count as i32
  return at
}

function passEntries(start: i32, last: i32): bool {
  const claimed = load<u16>(start, 4) as i32
  if (load<i32>(start) != last + 1 - start || load<u8>(last) != 0xff || claimed == COUNT_UNKNOWN) return false
  beginItems()
  let p = passNumber(start + LISTPACK_HEADER_BYTES, last)
  let liveLeft = number
  p = passNumber(p, last)
  let deletedLeft = number
  p = passNumber(p, last)
  const fields = number
  if (p == 0 || liveLeft <= 0) return false
  p = passItems(p, fields, last)
  p = passNumber(p, last)
  if (p == 0 || number != 0) return false
  while (p < last) {
    p = passNumber(p, last)
    const flags = number
    p = passNumber(p, last)
    const ms = nodeMs + (number as u64)
    const msWraps = number < 0 ? ms > nodeMs : ms < nodeMs
    p = passNumber(p, last)
    const seq = nodeSeq + (number as u64)
    const seqWraps = number < 0 ? seq > nodeSeq : seq < nodeSeq
    if (p == 0 || flags < 0 || flags > (DELETED | SAME_FIELDS) || msWraps || seqWraps) return false
    if (entries > 0 && (ms < entryMs || (ms == entryMs && seq <= entrySeq))) return false
    entries++
    entryMs = ms
    entrySeq = seq
    if ((flags & DELETED) != 0) {
      deletedLeft--
    } else {
      if (live == 0) {
        firstMs = ms
        firstSeq = seq
      }
      live++
      liveLeft--
    }
    let expected = fields + 3
    if ((flags & SAME_FIELDS) != 0) {
      p = passItems(p, fields, last)
    } else {
      p = passNumber(p, last)
      expected = 2 * number + 4
      if (p == 0 || number > ((last - p) as i64)) return false
      p = passItems(p, 2 * number, last)
    }
    p = passNumber(p, last)
    if (p == 0 || number != expected) return false
  }
  return p == last && items == claimed && liveLeft == 0 && deletedLeft == 0
}

function passInfo(p: i32, version: i32, deep: bool): i32 {
  let at = passLength(p)
  if (at == 0) return 0
  streamLength = length
  at = passLong(at)
  if (at == 0 || at > windowEnd) return at
  const lastMs = long
  at = passLong(at)
  if (at == 0 || at > windowEnd) return at
  const lastSeq = long
  if (deep) {
    if (streamLength != live) return 0
    if (entries > 0 && (lastMs < entryMs || (lastMs == entryMs && lastSeq < entrySeq))) return 0
  }
  if (version == 1) return at
  at = passLong(at)
  if (at == 0 || at > windowEnd) return at
  const isFirst = long == firstMs
  at = passLong(at)
  if (at == 0 || at > windowEnd || (deep && (!isFirst || long != firstSeq))) return at > windowEnd ? at : 0
  at = passLong(at)
  if (at == 0 || at > windowEnd) return at
  const deletedMs = long
  at = passLong(at)
  if (at == 0 || at > windowEnd) return at
  if (deep && (deletedMs > lastMs || (deletedMs == lastMs && long > lastSeq))) return 0
  at = passLong(at)
  if (at == 0 || at > windowEnd || !deep) return at
  return long < (live as u64) ? 0 : at
}

/** Passes over a name that is not among the `count` before it, whose hashes lie at `names`. */
function passNewName(p: i32, names: i32, count: i32): i32 {
  const at = passString(p)
  if (at == 0 || at > windowEnd) return at
  if (stored != RAW) return 0
  const hash = hashString(payload, made)
  for (let i = 0; i < count; i++) if (load<u64>(names + (i << 3)) == hash) return 0
  store<u64>(names + (count << 3), hash)
  return at
}

/** What follows a group's name. */
function passGroup(p: i32, version: i32, deep: bool): i32 {
  let at = passLong(p)
  if (at == 0 || at > windowEnd) return at
  at = passLong(at)
  if (at == 0 || at > windowEnd) return at
  if (version > 1) {
    at = passLong(at)
    if (at == 0 || at > windowEnd) return at
    if (deep && (long as i64) < -1) return 0
  }
  at = passPending(at, deep)
  if (at == 0 || at > windowEnd) return at
  const pending = pendingCount
  const hashes = idSum
  at = passLength(at)
  if (at == 0 || (deep && length > STREAM_NAMES_MAX)) return 0
  const consumers = length
  const consumerNames = STREAM_NAMES + STREAM_NAMES_MAX * 8
  let owned = 0
  idSum = 0
  for (let i = 0; i < consumers; i++) {
    at = deep ? passNewName(at, consumerNames, i) : passString(at)
    if (at == 0 || at > windowEnd) return at
    at = passLength(at + (version > 2 ? 16 : 8))
    if (at == 0) return 0
    if (length > windowEnd - at) return windowEnd + 1
    const end = at + length * ID_BYTES
    if (end > windowEnd) return windowEnd + 1
    owned += length
    if (deep) for (; at < end; at += ID_BYTES) idSum += hashId(at)
    at = end
  }
  return deep && (owned != pending || idSum != hashes) ? 0 : at
}

/** How many IDs, and the sum of their hashes. */
let pendingCount: i32 = 0
let idSum: u64 = 0

/** The pending entries of a group; leaves their number and the sum of the hashes of their IDs. */
function passPending(p: i32, deep: bool): i32 {
  let at = passLength(p)
  if (at == 0) return 0
  const pending = length
  if (pending > windowEnd - at) return windowEnd + 1
  let sum: u64 = 0
  let msBefore: u64 = 0
  let seqBefore: u64 = 0
  for (let left = pending; left > 0; left--) {
    if (at + ID_BYTES + 8 >= windowEnd) return windowEnd + 1
    if (deep) {
      const ms = bswap(load<u64>(at))
      const seq = bswap(load<u64>(at, 8))
      if (left < pending && (ms < msBefore || (ms == msBefore && seq <= seqBefore))) return 0
      msBefore = ms
      seqBefore = seq
      sum += hashId(at)
    }
    at = passLong(at + ID_BYTES + 8)
    if (at == 0 || at > windowEnd) return at
  }
  pendingCount = pending
  idSum = sum
  return at
}
