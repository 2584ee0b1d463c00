/**
 * Digests of the records of a window, as src/keyspace/digest.ts makes them of whatever is shown: the same entry has the
 * same digest here and there.
 *
 *   [fc <int64 ms>] <type> <string key> <value>        the types of digest-values.ts
 *
 * Or by their bytes as they are stored: equal ones are the same, others may be all the same.
 *
 * It stops before whatever is of another form, has not arrived, or is not right beyond doubt: that is read with care.
 */
import {passCollection, beginCollections} from './collections'
import {
  digestAdd,
  digestBegin,
  digestEnd,
  digestKeyEnd,
  digestPiece,
  digestStored,
  digestStoredShort,
  digestText,
  digestTextEnd,
  digestValueEnd,
  digestWord,
  integer,
  word,
} from './digest'
import {digestString, digestValue, valueType} from './digest-values'
import {DIGEST_OUT, DIGEST_RECORDS, DIGEST_RECORDS_MAX, DIGEST_RECORD_BYTES, leave} from './memory'
import {INT, LZF, beginStrings, length, made, passLength, passString, payload, stored} from './strings'
import {OPCODE_EXPIRETIME_MS, TYPE_HASH, TYPE_SET, TYPE_STRING} from './record-types'

/** Expiry, type, a length and whatever is read before its end is compared with the window's. */
const HEADER_BYTES: i32 = 24
/** src/bytes/digest.ts has the same numbers. */
const TAG_KEY: i32 = 0
const TAG_STORED: i32 = 29
const STORED_TYPE: u32 = 99
/** Two states side by side do not pay for so few bytes. */
const SHORT_BYTES_MAX: i32 = 192
const TOLD: u64 = 1
/** Beyond what a double holds, times are for the careful way. */
const EXPIRE_AT_END: i64 = 9_007_199_254_740_991
/** Stands for no expiry. */
const NEVER: i64 = i64.MIN_VALUE

/** Why it stopped: in doubt, at what has not arrived, or since there is no room for more. */
const LOOK: u32 = 0
const WINDOW_ENDS: u32 = 1

/**
 * Digests records of [start, end) of a database, of types that have a bit; where it stopped, and leaves how many were
 * digested, and why it stopped. `storedTypes`: of those the bytes of values are digested as they are stored, and their lengths
 * believed. `expiries`: they are part of it.
 */
export function recordsDigest(start: i32, end: i32, types: u32, db: u32, storedTypes: u32, expiries: i32): i32 {
  beginStrings(end, false)
  beginCollections(false)
  let p = start
  let count = 0
  let why = LOOK
  while (count < DIGEST_RECORDS_MAX) {
    if (p + HEADER_BYTES > end) {
      why = WINDOW_ENDS
      break
    }
    let type = load<u8>(p) as u32
    let at = p + 1
    const expiring = type == OPCODE_EXPIRETIME_MS
    let expireAt: i64 = 0
    if (expiring) {
      expireAt = load<i64>(p, 1)
      if (expireAt < 0 || expireAt >= EXPIRE_AT_END) break
      type = load<u8>(p, 9)
      at = p + 10
    }
    if (type > 31 || ((types >> type) & 1) == 0) break
    const storedForm = ((storedTypes >> type) & 1) != 0
    const value = digestKey(at, db, end)
    if (value == 0) break
    let next = end + 1
    if (value + HEADER_BYTES <= end) {
      if (storedForm) next = digestStoredValue(type, value, end)
      else next = type == TYPE_STRING ? digestString(value, end) : digestValue(type, value, end)
    }
    if (next == 0) break
    if (next > end) {
      why = WINDOW_ENDS
      break
    }
    if (!storedForm) digestValueEnd(type == TYPE_STRING ? 0 : valueType)
    else if (type == TYPE_SET || type == TYPE_HASH) digestValueEnd(STORED_TYPE)
    if (expiries) {
      word(expiring ? TOLD : 0)
      if (expiring) word(expireAt as u64)
    }
    digestEnd()
    keep(count++, p, type, expiring, expireAt)
    p = next
  }
  leave(count as u32, why)
  return p
}

/** A value by its stored bytes, which become part of the entry; of a table, which has no order, by those of each element. */
function digestStoredValue(type: u32, p: i32, end: i32): i32 {
  if (type == TYPE_SET || type == TYPE_HASH) return digestStoredTable(type, p, end)
  const next = type == TYPE_STRING ? passString(p) : passCollection(type, p)
  if (next == 0 || next > end) return next
  if (next - p <= SHORT_BYTES_MAX) {
    digestStoredShort(type, p, next - p)
    return next
  }
  digestStored(type)
  digestPiece(p, next - p)
  digestTextEnd()
  digestWord((next - p) as u32, 0)
  return next
}

function digestStoredTable(type: u32, p: i32, end: i32): i32 {
  let at = passLength(p)
  if (at == 0 || length == 0) return 0
  for (let left = length; left > 0; left--) {
    const first = at
    at = passString(first)
    if (at == 0 || at >= end) return at == 0 ? 0 : end + 1
    if (type == TYPE_HASH) at = passString(at)
    if (at == 0 || at >= end) return at == 0 ? 0 : end + 1
    digestBegin(TAG_STORED)
    word(type as u64)
    digestText(first, at - first)
    digestAdd()
  }
  return at
}

/** Where the key ends, whose fingerprint is left; 0 in doubt. */
function digestKey(p: i32, db: u32, end: i32): i32 {
  const at = passString(p)
  if (at == 0 || stored == LZF) return 0
  if (at > end) return at
  digestBegin(TAG_KEY)
  word(db as u64)
  if (stored == INT) integer(loadEncoded(payload, at - payload))
  else digestText(payload, made)
  digestKeyEnd()
  return at
}

export function loadEncoded(p: i32, bytes: i32): i64 {
  return bytes == 1 ? load<i8>(p) : bytes == 2 ? load<i16>(p) : load<i32>(p)
}

function keep(i: i32, record: i32, type: u32, expiring: bool, expireAt: i64): void {
  const at = DIGEST_RECORDS + i * DIGEST_RECORD_BYTES
  store<u64>(at, load<u64>(DIGEST_OUT))
  store<i32>(at, record, 8)
  store<u32>(at, type, 12)
  store<u64>(at, load<u64>(DIGEST_OUT, 8), 16)
  store<u64>(at, load<u64>(DIGEST_OUT, 16), 24)
  // Halves in the order in which JavaScript has them.
  const time = expiring ? expireAt : NEVER
  store<u32>(at, (time >> 32) as u32, 32)
  store<u32>(at, time as u32, 36)
}
