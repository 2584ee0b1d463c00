/**
 * Records for servers before redis 7.0, which have ziplists where later ones have listpacks; many in one call:
 *
 *   16 → 13   hash         <string: listpack>            <string: ziplist>
 *   17 → 12   sorted set   likewise
 *   18 → 14   list         <n> (2 <string: listpack>)*n  <n> <string: ziplist>*n, its nodes cut anew
 *
 * Types that such a server knows are copied. Bytes are those that src/rdb/value would write under the bounds of
 * src/rdb/policy.ts. It stops before whatever is of another form, does not fit, or is not right beyond doubt: that is read
 * and written with care.
 */
import {blob, blobBytes, passBlob} from './blobs'
import {beginCollections, passCollection} from './collections'
import {isInteger, loadInteger, pass, stringLength, stringStart} from './listpack'
import {RESULTS, TEXT_OUT, TEXT_OUT_BYTES, leave} from './memory'
import {
  OPCODE_EXPIRETIME_MS,
  TYPE_HASH_LISTPACK,
  TYPE_HASH_ZIPLIST,
  TYPE_QUICKLIST,
  TYPE_QUICKLIST_2,
  TYPE_STRING,
  TYPE_ZSET_LISTPACK,
  TYPE_ZSET_ZIPLIST,
} from './record-types'
import {compareMembers} from './score'
import {RAW, beginStrings, length, made, passLength, passString, payload, stored} from './strings'
import {putScore, textScore} from './ziplist-score'
import {
  appendEntry,
  beginEntry,
  beginZiplist,
  endEntry,
  entries,
  putInteger,
  putLength,
  putStored,
  putZiplist,
  spelledBytes,
  ziplistBytes,
} from './ziplists'

/** Why it stopped: the record goes on behind the window, or JavaScript is to look at it. */
const WINDOW_ENDS: i32 = 0
const LOOK: i32 = 1

/** Expiry, type, a length and whatever is read before its end is compared with the window's. */
const HEADER_BYTES: i32 = 24
const EXPIRY_BYTES: i32 = 9
const LISTPACK_HEADER_BYTES: i32 = 6
const COUNT_UNKNOWN: i32 = 0xffff
const PACKED_NODE: u32 = 2
/** A ziplist of its entries fits where it is made. */
const BLOB_BYTES_MAX: i32 = 128 * 1024

/** src/rdb/policy.ts has the same numbers. */
const HASH_FIELDS_MAX: i32 = 512
const ZSET_MEMBERS_MAX: i32 = 128
const VALUE_BYTES_MAX: i32 = 64
const LIST_NODE_BYTES_MAX: i32 = 8192
/** So many are counted in one byte. */
const NODES_MAX: i32 = 63
/** Whole numbers up to here are printed by their digits, and are exact. */
const WHOLE_MAX: i64 = 9_007_199_254_740_991

const OUT_LIMIT: i32 = TEXT_OUT + TEXT_OUT_BYTES - 64

let compressing: bool = false
/** Where the value ends that was written last; behind the window where it has not arrived. */
let valueEnd: i32 = 0

/**
 * Writes records of [start, end) to TEXT_OUT and returns where it stopped; leaves how many bytes, keys, and keys with an
 * expiry that makes, and why it stopped. `copied`, `converted`: a bit for each type that may be.
 */
export function recordsForOlder(start: i32, end: i32, copied: u32, converted: u32, compress: i32): i32 {
  beginStrings(end, false)
  beginCollections(false)
  compressing = compress != 0
  let p = start
  let out = TEXT_OUT
  /** Records from here on are copied together. */
  let run = start
  let keys = 0
  let expiring = 0
  let why = LOOK
  for (;;) {
    if (p + HEADER_BYTES > end) {
      why = WINDOW_ENDS
      break
    }
    let type = load<u8>(p) as u32
    let key = p + 1
    const expires = type == OPCODE_EXPIRETIME_MS
    if (expires) {
      if (load<i64>(p, 1) < 0) break
      type = load<u8>(p, 9)
      key = p + 1 + EXPIRY_BYTES
    }
    // A key that is compressed is to be verified.
    if (type > 31 || (((copied | converted) >> type) & 1) == 0 || load<u8>(key) >= 0xc3) break
    let at = passString(key)
    if (at == 0) break
    if (at + HEADER_BYTES > end) {
      why = WINDOW_ENDS
      break
    }
    if ((copied >> type) & 1) {
      at = type == TYPE_STRING ? passString(at) : passCollection(type, at)
      if (at == 0) break
      if (at > end) {
        why = WINDOW_ENDS
        break
      }
      if (out + (at - run) > OUT_LIMIT) break
    } else {
      const to = out + (p - run)
      const written = convert(p, type, key, at, end, to)
      at = valueEnd
      if (at > end) {
        why = WINDOW_ENDS
        break
      }
      if (written == 0) break
      if (p > run) memory.copy(out, run, p - run)
      out = written
      run = at
    }
    keys++
    if (expires) expiring++
    p = at
  }
  if (p > run) {
    memory.copy(out, run, p - run)
    out += p - run
  }
  leave((out - TEXT_OUT) as u32, keys as u32)
  store<u32>(RESULTS, expiring as u32, 8)
  store<u32>(RESULTS, why as u32, 12)
  return p
}

/** The record at `p`, whose key was passed last and whose value is at `at`; where it ends at `out`, 0 in doubt. */
function convert(p: i32, type: u32, key: i32, at: i32, end: i32, out: i32): i32 {
  valueEnd = 0
  if (out + made + 3 * HEADER_BYTES > OUT_LIMIT) return 0
  const expiryBytes = key - 1 - p
  v128.store(out, v128.load(p))
  let to = out + expiryBytes
  store<u8>(to++, olderType(type) as u8)
  to = putKey(key, at, to)
  if (to == 0) return 0
  return type == TYPE_QUICKLIST_2 ? putNodes(at, end, to) : putListpack(type, at, end, to)
}

// @ts-ignore: decorator
@inline
function olderType(type: u32): u32 {
  if (type == TYPE_HASH_LISTPACK) return TYPE_HASH_ZIPLIST
  return type == TYPE_ZSET_LISTPACK ? TYPE_ZSET_ZIPLIST : TYPE_QUICKLIST
}

/** The key that was passed last, at `key`, and ends at `keyEnd`; 0 in doubt. */
function putKey(key: i32, keyEnd: i32, to: i32): i32 {
  if (stored == RAW) return putStored(payload, made, compressing, to, OUT_LIMIT)
  // An integer that is stored in more bytes than it needs would be written in fewer.
  const bytes = keyEnd - payload
  if (bytes == 2 && load<i16>(payload) == (load<i8>(payload) as i16)) return 0
  if (bytes == 4 && load<i32>(payload) == (load<i16>(payload) as i32)) return 0
  memory.copy(to, key, keyEnd - key)
  return to + (keyEnd - key)
}

/** How many entries the listpack in the blob says it has; 0 in doubt. */
function claimedEntries(): i32 {
  const claimed = load<u16>(blob, 4) as i32
  if (blobBytes > BLOB_BYTES_MAX || load<i32>(blob) != blobBytes || load<u8>(blob + blobBytes - 1) != 0xff) return 0
  return claimed == COUNT_UNKNOWN ? 0 : claimed
}

function putListpack(type: u32, at: i32, end: i32, out: i32): i32 {
  valueEnd = passBlob(at, true)
  if (valueEnd == 0 || valueEnd > end) return 0
  const claimed = claimedEntries()
  if (claimed == 0 || (claimed & 1) != 0) return 0
  beginZiplist()
  if (type == TYPE_HASH_LISTPACK) {
    if (claimed > 2 * HASH_FIELDS_MAX || !appendAll(claimed)) return 0
  } else {
    if (claimed > 2 * ZSET_MEMBERS_MAX || !appendScored(claimed)) return 0
  }
  return putZiplist(compressing, out, OUT_LIMIT)
}

function appendAll(claimed: i32): bool {
  const last = blob + blobBytes - 1
  let p = blob + LISTPACK_HEADER_BYTES
  while (p < last) {
    const next = pass(p, last)
    if (next == 0 || !appendEntry(p, VALUE_BYTES_MAX)) return false
    p = next
  }
  return p == last && entries == claimed
}

/** Members and scores, which must stand in their order. */
function appendScored(claimed: i32): bool {
  const last = blob + blobBytes - 1
  let p = blob + LISTPACK_HEADER_BYTES
  let before = 0
  let scoreBefore: f64 = 0
  while (p < last) {
    const second = pass(p, last)
    if (second == 0 || second >= last) return false
    const next = pass(second, last)
    if (next == 0 || !appendEntry(p, VALUE_BYTES_MAX)) return false
    const score = appendScore(second)
    if (score != score) return false
    if (before != 0 && !(scoreBefore < score || (scoreBefore == score && compareMembers(before, p) < 0))) return false
    before = p
    scoreBefore = score
    p = next
  }
  return p == last && entries == claimed
}

/** Returns the score; NaN in doubt. */
// @ts-ignore: decorator
@inline
function appendScore(p: i32): f64 {
  const first = load<u8>(p) as i32
  const to = beginEntry()
  if (isInteger(first)) {
    const value = loadInteger(p)
    if (value > WHOLE_MAX || value < -WHOLE_MAX) return NaN
    endEntry(putInteger(value, to))
    return value as f64
  }
  const start = stringStart(p, first)
  const end = putScore(start, start + stringLength(p, first), to)
  if (end == 0) return NaN
  endEntry(end)
  return textScore
}

/** A list: nodes are cut as redis 6.2 does (quicklist.c _quicklistNodeAllowInsert). */
function putNodes(at: i32, end: i32, out: i32): i32 {
  let p = passLength(at)
  if (p == 0 || length == 0) return 0
  let to = out + 1
  let nodes = 1
  beginZiplist()
  for (let left = length; left > 0; left--) {
    if (p >= end) {
      valueEnd = end + 1
      return 0
    }
    if ((load<u8>(p) as u32) != PACKED_NODE) return 0
    p = passBlob(p + 1, true)
    if (p == 0 || p > end) {
      valueEnd = p
      return 0
    }
    const claimed = claimedEntries()
    if (claimed == 0) return 0
    const last = blob + blobBytes - 1
    let seen = 0
    for (let item = blob + LISTPACK_HEADER_BYTES; item < last; seen++) {
      const next = pass(item, last)
      if (next == 0 || next > last) return 0
      const bytes = spelledBytes(item)
      if (entries > 0 && ziplistBytes() + bytes + overheadOf(bytes) > LIST_NODE_BYTES_MAX) {
        to = putZiplist(compressing, to, OUT_LIMIT)
        if (to == 0 || ++nodes > NODES_MAX) return 0
        beginZiplist()
      }
      if (!appendEntry(item, BLOB_BYTES_MAX)) return 0
      item = next
    }
    if (seen != claimed) return 0
  }
  to = putZiplist(compressing, to, OUT_LIMIT)
  if (to == 0) return 0
  putLength(nodes, out)
  valueEnd = p
  return to
}

/** What a server reckons for an element beside its bytes. */
// @ts-ignore: decorator
@inline
function overheadOf(bytes: i32): i32 {
  return (bytes < 254 ? 1 : 5) + (bytes < 64 ? 1 : bytes < 16384 ? 2 : 5)
}
