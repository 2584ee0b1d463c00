/**
 * Records as the commands that create them, many in one call: strings here, collections in
 * commands-collection.ts, streams in commands-streams.ts.
 *
 *   [fc <int64 ms>] 00 <string key> <string value>
 *
 *   *3\r\n $3\r\nSET\r\n        $<n>\r\n<key>\r\n  $<n>\r\n<value>\r\n
 *   *3\r\n $9\r\nPEXPIREAT\r\n  $<n>\r\n<key>\r\n  $13\r\n<ms>\r\n
 *
 * It stops before whatever is of another form, does not fit, or is not right beyond doubt: that is read with care.
 */
import {CRLF, bulk, bulkStored} from './arguments'
import {putCollection, valueEnd} from './commands-collection'
import {putStream, streamConsumers, streamEnd} from './commands-streams'
import {writeInteger} from './decimal'
import {leave, RESULTS, TEXT_OUT, TEXT_OUT_BYTES} from './memory'
import {beginStrings, made, passString, payload, stored} from './strings'
import {OPCODE_EXPIRETIME_MS, TYPE_STRING, streamVersion} from './record-types'

/** From here on a length takes more than two bytes, or the string is no plain one. */
const PLAIN_END: u32 = 0x80
/** Expiry, type and a length. */
const HEADER_BYTES: i32 = 24
/** The most that the two commands take beside keys and value, and what copies write past their end. */
const FRAME_BYTES: i32 = 256
/** Milliseconds of thirteen digits: 2001 to 2286. */
const DIGITS_13_MIN: i64 = 1_000_000_000_000
const DIGITS_13_END: i64 = 10_000_000_000_000

/** `*3\r\n$3\r\n`, `SET\r\n`; `*3\r\n$9\r\n`, `PEXPIREA`, `T\r\n`; `$13\r\n`: little-endian. */
const THREE_3: u64 = 0x0a0d_3324_0a0d_332a
const SET: u64 = 0x0a_0d54_4553
const THREE_9: u64 = 0x0a0d_3924_0a0d_332a
const PEXPIREA: u64 = 0x4145_5249_5058_4550
const T: u32 = 0x0a_0d54
const THIRTEEN: u64 = 0x0a_0d33_3124

const OUT_LIMIT: i32 = TEXT_OUT + TEXT_OUT_BYTES - FRAME_BYTES

/** Writes records of [start, end) to TEXT_OUT and returns where it stopped; leaves how many bytes and keys that makes, and consumers of streams. */
export function recordCommands(start: i32, end: i32): i32 {
  beginStrings(end, false)
  let p = start
  let out = TEXT_OUT
  let keys = 0
  let consumers = 0
  while (p + HEADER_BYTES <= end) {
    let type = load<u8>(p) as u32
    let at = p + 1
    let expireAt: i64 = 0
    const expiring = type == OPCODE_EXPIRETIME_MS
    if (expiring) {
      expireAt = load<i64>(p, 1)
      if (expireAt < DIGITS_13_MIN || expireAt >= DIGITS_13_END) break
      type = load<u8>(p, 9)
      at = p + 10
    }
    if (load<u8>(at) >= PLAIN_END) break
    at = passString(at)
    if (at + HEADER_BYTES > end) break
    const key = payload
    const keyBytes = made
    const outEnd = OUT_LIMIT - (expiring ? keyBytes + FRAME_BYTES : 0)
    let next: i32
    let to: i32
    if (type == TYPE_STRING) {
      next = passString(at)
      if (next == 0 || next > end || out + keyBytes + FRAME_BYTES > outEnd - made) break
      store<u64>(out, THREE_3)
      store<u64>(out, SET, 8)
      to = bulk(key, keyBytes, out + 13)
      to = bulkStored(stored, payload, made, next, to)
    } else {
      const version = streamVersion(type)
      if (version == 0) {
        to = putCollection(type, at, end, key, keyBytes, out, outEnd)
        next = valueEnd
      } else {
        to = putStream(version, at, end, key, keyBytes, out, outEnd)
        next = streamEnd
        if (to != 0) consumers += streamConsumers
      }
    }
    if (to == 0) break
    out = expiring ? putExpiry(key, keyBytes, expireAt, to) : to
    keys++
    p = next
  }
  leave((out - TEXT_OUT) as u32, keys as u32)
  store<u32>(RESULTS, consumers as u32, 8)
  return p
}

function putExpiry(key: i32, keyBytes: i32, expireAt: i64, to: i32): i32 {
  store<u64>(to, THREE_9)
  store<u64>(to, PEXPIREA, 8)
  store<u32>(to, T, 16)
  const at = bulk(key, keyBytes, to + 19)
  store<u64>(at, THIRTEEN)
  const digits = writeInteger(expireAt, at + 5)
  store<u16>(digits, CRLF)
  return digits + 2
}
