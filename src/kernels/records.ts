/**
 * Passes over the records of a window that need no look of their own, and adds them up.
 *
 *   [fc <int64 ms>] <type> <string key> <value>
 *
 *   value   0         <string>
 *           1, 2      <n> <string>*n
 *           4         <n> (<string> <string>)*n
 *           5         <n> (<string> <double>)*n
 *           11        <string: intset>
 *           12        <string: ziplist>          10, 13 as well
 *           16        <string: listpack>         17, 20 as well
 *           15        <stream>               19 and 21 as well (streams.ts)
 *           18        <n> (1 <string> | 2 <string: listpack>)*n
 *
 * Shallow, lengths are believed, as at depth skip. Deep, everything is verified: compressed strings, the entries of
 * packed nodes, that no member or field stands there twice.
 *
 * It stops before whatever is of another form, is too large, or is not right beyond doubt: src/rdb reads that with care,
 * and only what is found there is ever reported. So this says nothing about a record but "sound".
 */
import {beginCollections, elements, passCollection} from './collections'
import {lzfAllSound, lzfBegin} from './lzf-sound'
import {
  PASSED_KEYS,
  PASSED_KEYS_MAX,
  PASSED_KEY_BYTES,
  PASSED_SUMS,
  PASSED_SUMS_LENGTH,
  PASSED_SUM_BYTES,
  leave,
} from './memory'
import {beginStrings, made, passSoundString, passString, payload, stored} from './strings'
import {OPCODE_EXPIRETIME_MS, TYPE_STRING} from './record-types'

/** Why the passing stopped; src/rdb/passing.ts has the same numbers. */
const WINDOW_ENDS: i32 = 0
const LOOK: i32 = 1
const KEYS_FULL: i32 = 2


/** Expiry, type, a length and whatever is read before its end is compared with the window's. */
const HEADER_BYTES: i32 = 24

/**
 * Passes over records of [start, end) and returns where it stopped; leaves why, and how many keys were kept.
 *
 * `types`: a bit for each type that may be passed. Records of `bytesEnd` bytes or more, and collections of `elementsEnd`
 * elements or more, are left. An expiry before `nowMs` has passed. `keeping`: say where the keys lie.
 */
export function recordsPass(
  start: i32,
  end: i32,
  deep: i32,
  types: u32,
  bytesEnd: i32,
  elementsEnd: i32,
  nowMs: f64,
  keeping: i32,
): i32 {
  beginCollections(deep != 0)
  beginStrings(end, true)
  lzfBegin()
  const reached = passAll(start, end, deep, types, bytesEnd, elementsEnd, nowMs, keeping)
  if (lzfAllSound()) return reached
  // One of the compressed strings is wrong: now each is looked at before the next.
  beginStrings(end, false)
  memory.fill(PASSED_SUMS, 0, PASSED_SUMS_LENGTH * 8)
  return passAll(start, end, deep, types, bytesEnd, elementsEnd, nowMs, keeping)
}

function passAll(
  start: i32,
  end: i32,
  deep: i32,
  types: u32,
  bytesEnd: i32,
  elementsEnd: i32,
  nowMs: f64,
  keeping: i32,
): i32 {
  const now = nowMs as i64
  let kept = 0
  let why = LOOK
  let p = start
  for (;;) {
    if (p + HEADER_BYTES > end) {
      why = WINDOW_ENDS
      break
    }
    let type = load<u8>(p) as u32
    const expiring = type == OPCODE_EXPIRETIME_MS
    const expireAt: i64 = expiring ? load<i64>(p, 1) : 0
    let key = p + 1
    if (expiring) {
      type = load<u8>(p, 9)
      key = p + 10
    }
    if (type > 31 || ((types >> type) & 1) == 0 || expireAt < 0) break
    // A key that is compressed is to be verified, one that is an integer to be spelled out.
    if (load<u8>(key) >= (keeping ? 0xc0 : 0xc3)) break
    let at = passString(key)
    if (at == 0) break
    if (at + HEADER_BYTES > end) {
      why = WINDOW_ENDS
      break
    }
    const keyAt = payload
    const keyEnd = at
    let slot = type << 2
    let count: i32
    if (type == TYPE_STRING) {
      at = deep ? passSoundString(at) : passString(at)
      slot |= stored
      count = made
    } else {
      at = passCollection(type, at)
      count = elements
      if (count >= elementsEnd) break
    }
    if (at > end) {
      why = WINDOW_ENDS
      break
    }
    if (at == 0 || at - p >= bytesEnd) break
    addTo(PASSED_SUMS + slot * PASSED_SUM_BYTES, count, at - p)
    if (expiring) addExpiry(PASSED_SUMS + slot * PASSED_SUM_BYTES, expireAt < now)
    if (keeping) {
      keep(kept++, p, keyAt, keyEnd)
      if (kept == PASSED_KEYS_MAX) {
        why = KEYS_FULL
        p = at
        break
      }
    }
    p = at
  }
  leave(why, kept)
  return p
}

// @ts-ignore: decorator
@inline
function addTo(sum: i32, count: i32, bytes: i32): void {
  store<f64>(sum, load<f64>(sum) + 1)
  store<f64>(sum, load<f64>(sum, 8) + (count as f64), 8)
  store<f64>(sum, load<f64>(sum, 16) + (bytes as f64), 16)
}

// @ts-ignore: decorator
@inline
function addExpiry(sum: i32, expired: bool): void {
  store<f64>(sum, load<f64>(sum, 24) + 1, 24)
  if (expired) store<f64>(sum, load<f64>(sum, 32) + 1, 32)
}

// @ts-ignore: decorator
@inline
function keep(i: i32, record: i32, key: i32, keyEnd: i32): void {
  const place = PASSED_KEYS + i * PASSED_KEY_BYTES
  store<i32>(place, record)
  store<i32>(place, key, 4)
  store<i32>(place, keyEnd, 8)
}
