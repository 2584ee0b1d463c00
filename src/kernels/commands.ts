/**
 * Records of strings as the commands that create them, many in one call.
 *
 *   [fc <int64 ms>] 00 <string key> <string value>
 *
 *   *3\r\n $3\r\nSET\r\n        $<n>\r\n<key>\r\n  $<n>\r\n<value>\r\n
 *   *3\r\n $9\r\nPEXPIREAT\r\n  $<n>\r\n<key>\r\n  $13\r\n<ms>\r\n
 *
 * It stops before whatever is of another form, does not fit, or is not right beyond doubt: that is read with care.
 */
import {ALL_READ, lzfDecode, lzfReached} from './lzf'
import {leave, TEXT_OUT, TEXT_OUT_BYTES} from './memory'
import {beginStrings, INT, LZF, made, passString, payload, stored} from './strings'
import {bulkInteger, copyAny, writeBulkHead, writeInteger} from './text'

const OPCODE_EXPIRETIME_MS: u32 = 0xfc
const TYPE_STRING: u32 = 0
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
const CRLF: u16 = 0x0a0d

/** Writes records of [start, end) to TEXT_OUT and returns where it stopped; leaves how many bytes and keys that makes. */
export function stringCommands(start: i32, end: i32): i32 {
  beginStrings(end, false)
  const limit = TEXT_OUT + TEXT_OUT_BYTES - FRAME_BYTES
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
      if (expireAt < DIGITS_13_MIN || expireAt >= DIGITS_13_END) break
      type = load<u8>(p, 9)
      at = p + 10
    }
    if (type != TYPE_STRING || load<u8>(at) >= PLAIN_END) break
    at = passString(at)
    if (at + HEADER_BYTES > end) break
    const key = payload
    const keyBytes = made
    const next = passString(at)
    if (next == 0 || next > end || out + 2 * keyBytes > limit - made) break
    store<u64>(out, THREE_3)
    store<u64>(out, SET, 8)
    let to = bulk(key, keyBytes, out + 13)
    if (stored == INT) {
      to = bulkInteger(loadEncoded(payload, next - payload), to)
    } else if (stored == LZF) {
      to = bulkUnpacked(payload, next, made, to)
      if (to == 0) break
    } else {
      to = bulk(payload, made, to)
    }
    out = expiring ? putExpiry(key, keyBytes, expireAt, to) : to
    keys++
    p = next
  }
  leave((out - TEXT_OUT) as u32, keys as u32)
  return p
}

// @ts-ignore: decorator
@inline
function bulk(from: i32, bytes: i32, to: i32): i32 {
  const at = copyAny(from, from + bytes, writeBulkHead(bytes, to))
  store<u16>(at, CRLF)
  return at + 2
}

/** 0 where it is not what was promised. */
function bulkUnpacked(from: i32, end: i32, bytes: i32, to: i32): i32 {
  if (bytes == 0) return 0
  const at = writeBulkHead(bytes, to)
  if (lzfDecode(from, end, at, at + bytes, at) != ALL_READ || lzfReached() != at + bytes) return 0
  store<u16>(at + bytes, CRLF)
  return at + bytes + 2
}

function loadEncoded(p: i32, bytes: i32): i64 {
  return bytes == 1 ? load<i8>(p) : bytes == 2 ? load<i16>(p) : load<i32>(p)
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
