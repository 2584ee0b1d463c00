/**
 * Records as lines of JSON (src/jsonl/writer.ts), many in one call:
 *
 *   [fc <int64 ms>] <type> <string key> <value>
 *
 *   <head>"key"<head of the type>[,"expireAtMs":<ms>],"count":<n>,"value":<value>}
 *
 * The heads are put there by whoever asks. It stops before whatever is of another form, does not fit, has not arrived, or
 * is not right beyond doubt: that is read with care.
 */
import {writeUnsigned} from './decimal'
import {OUT_END, jsonBytes, jsonStored} from './json-text'
import {jsonCollection, putCount, valueEnd} from './json-values'
import {JSON_HEADS, JSON_HEAD_BYTES, JSON_TYPES, TEXT_OUT, leave} from './memory'
import {beginStrings, made, passString, payload, stored} from './strings'
import {OPCODE_EXPIRETIME_MS, TYPE_STRING} from './record-types'

/** From here on a length takes more than two bytes, or the string is no plain one. */
const PLAIN_END: u32 = 0x80
/** Expiry, type and a length. */
const HEADER_BYTES: i32 = 24
/** Beyond what a double holds, times are for the careful way. */
const EXPIRE_AT_END: i64 = 9_007_199_254_740_991
/** The most that a line takes beside key and value: two heads, an expiry, a count. */
const FRAME_BYTES: i32 = 2 * JSON_HEAD_BYTES + 128

/** `,"expire`, `AtMs":`: little-endian. */
const EXPIRE: u64 = 0x6572_6970_7865_222c
const AT_MS: u64 = 0x3a22_734d_7441

/** Writes records of [start, end) to TEXT_OUT and returns where it stopped; leaves how many bytes and keys that makes. */
export function recordLines(start: i32, end: i32): i32 {
  beginStrings(end, false)
  let p = start
  let out = TEXT_OUT
  let keys = 0
  while (p + HEADER_BYTES <= end) {
    let type = load<u8>(p) as u32
    let at = p + 1
    let expireAt: i64 = 0
    const expiring = type == OPCODE_EXPIRETIME_MS
    if (expiring) {
      expireAt = load<i64>(p, 1)
      if (expireAt < 0 || expireAt > EXPIRE_AT_END) break
      type = load<u8>(p, 9)
      at = p + 10
    }
    if (type >= (JSON_TYPES as u32) || load<u8>(at) >= PLAIN_END) break
    at = passString(at)
    if (at + HEADER_BYTES > end || out + FRAME_BYTES > OUT_END) break
    let to = jsonBytes(payload, payload + made, putHead(JSON_TYPES, out))
    if (to == 0 || to + FRAME_BYTES > OUT_END) break
    to = putHead(type, to)
    if (expiring) to = putExpiry(expireAt, to)
    let next: i32
    if (type == TYPE_STRING) {
      next = passString(at)
      if (next == 0 || next > end) break
      to = jsonStored(stored, payload, made, next, putCount(made, to))
    } else {
      to = jsonCollection(type, at, end, to)
      next = valueEnd
    }
    if (to == 0) break
    store<u8>(to, 0x7d)
    out = to + 1
    keys++
    p = next
  }
  leave((out - TEXT_OUT) as u32, keys as u32)
  return p
}

// @ts-ignore: decorator
@inline
function putHead(which: u32, to: i32): i32 {
  const head = JSON_HEADS + (which as i32) * JSON_HEAD_BYTES
  const bytes = load<i32>(head)
  for (let i = 0; i < bytes; i += 16) v128.store(to + i, v128.load(head + 4 + i))
  return to + bytes
}

// @ts-ignore: decorator
@inline
function putExpiry(expireAt: i64, to: i32): i32 {
  store<u64>(to, EXPIRE)
  store<u64>(to, AT_MS, 8)
  return writeUnsigned(expireAt as u64, to + 14)
}
