/**
 * Packed nodes and short records as text: what most of an export is made of, where nothing must be escaped. Whatever
 * must, or is in doubt, is left to JavaScript: the answer is then -1, and what was written means nothing.
 *
 *   json   ,"text" ,12                 ,["field","value"]          RESP   $4\r\ntext\r\n $2\r\n12\r\n
 *
 * The output begins at TEXT_OUT. Copies go 16 bytes at a time and may write past their end: what comes next overwrites
 * it, and slack lies behind every area.
 */
import {isInteger, loadInteger, pass, stringLength, stringStart} from './listpack'
import {leave, MASKS_16, TEXT_OUT, TEXT_OUT_BYTES} from './memory'

export const LIST: i32 = 0
export const HASH: i32 = 1
export const ZSET: i32 = 2

const IN_DOUBT: i32 = -1
const HEADER_BYTES: i32 = 6
/** Of an entry, the most that it becomes beside its string: brackets, quotes, a comma; or a length with its frame. */
const FRAME_BYTES: i32 = 48

/** Copies [from, end) to `to`; 0 where a byte of it must be escaped, or is no ASCII. */
// @ts-ignore: decorator
@inline
function copyPlain(from: i32, end: i32, to: i32): i32 {
  let p = from
  let out = to
  for (; p < end; p += 16, out += 16) {
    const bytes = v128.load(p)
    v128.store(out, bytes)
    let odd = v128.or(
      v128.or(i8x16.lt_u(bytes, i8x16.splat(0x20)), i8x16.gt_u(bytes, i8x16.splat(0x7e))),
      v128.or(i8x16.eq(bytes, i8x16.splat(0x22)), i8x16.eq(bytes, i8x16.splat(0x5c))),
    )
    // Of the last sixteen, those behind the end are nobody's business.
    if (end - p < 16) odd = v128.and(odd, v128.load(MASKS_16 + 16 - (end - p)))
    if (v128.any_true(odd)) return 0
  }
  return to + (end - from)
}

// @ts-ignore: decorator
@inline
export function copyAny(from: i32, end: i32, to: i32): i32 {
  for (let p = from, out = to; p < end; p += 16, out += 16) v128.store(out, v128.load(p))
  return to + (end - from)
}

/** Spells an unsigned integer. */
function writeUnsigned(value: u64, to: i32): i32 {
  if (value < 10) {
    store<u8>(to, 0x30 + (value as i32))
    return to + 1
  }
  let digits = 0
  for (let rest = value; rest > 0; rest /= 10) digits++
  let rest = value
  for (let p = to + digits - 1; p >= to; p--) {
    const next = rest / 10
    store<u8>(p, 0x30 + ((rest - next * 10) as i32))
    rest = next
  }
  return to + digits
}

export function writeInteger(value: i64, to: i32): i32 {
  if (value >= 0) return writeUnsigned(value as u64, to)
  store<u8>(to, 0x2d)
  return writeUnsigned((0 - value) as u64, to + 1)
}

/** `$<bytes>\r\n` */
// @ts-ignore: decorator
@inline
export function writeBulkHead(bytes: i32, to: i32): i32 {
  store<u8>(to, 0x24)
  const at = writeUnsigned(bytes as u64, to + 1)
  store<u16>(at, 0x0a0d)
  return at + 2
}

/** An integer as an argument: its digits stand behind a length that is known once they are. */
export function bulkInteger(value: i64, to: i32): i32 {
  const at = writeInteger(value, to + 32)
  const digits = at - to - 32
  const start = writeBulkHead(digits, to)
  for (let i = 0; i < digits; i++) store<u8>(start + i, load<u8>(to + 32 + i))
  store<u16>(start + digits, 0x0a0d)
  return start + digits + 2
}

/** The entries of a listpack as JSON, a comma before each; returns how many bytes that takes, and leaves the entries. */
export function jsonListpack(shape: i32, start: i32, end: i32): i32 {
  const last = end - 1
  const limit = TEXT_OUT + TEXT_OUT_BYTES - FRAME_BYTES
  let p = start + HEADER_BYTES
  let out = TEXT_OUT
  let entries = 0
  while (p < last) {
    const next = pass(p, last)
    if (next == 0 || out + (next - p) > limit) return IN_DOUBT
    const second = shape == HASH && (entries & 1) == 1
    store<u16>(out, shape == HASH && !second ? 0x5b2c : 0x2c)
    out += shape == HASH && !second ? 2 : 1
    store<u8>(out++, 0x22)
    const first = load<u8>(p) as i32
    if (isInteger(first)) {
      out = writeInteger(loadInteger(p), out)
    } else {
      const from = stringStart(p, first)
      out = copyPlain(from, from + stringLength(p, first), out)
      if (out == 0) return IN_DOUBT
    }
    store<u16>(out, 0x5d22)
    out += second ? 2 : 1
    entries++
    p = next
  }
  if (p != last || load<u8>(last) != 0xff || (shape == HASH && (entries & 1) != 0)) return IN_DOUBT
  leave(entries as u32, 0)
  return out - TEXT_OUT
}

/** The same as arguments of a command; of a sorted set the score before its member. */
export function respListpack(shape: i32, start: i32, end: i32): i32 {
  const out = respEntries(shape, start, end, TEXT_OUT, TEXT_OUT + TEXT_OUT_BYTES)
  if (out < 0) return IN_DOUBT
  leave(entriesWritten as u32, 0)
  return out - TEXT_OUT
}

/** Of the node written last. */
export let entriesWritten: i32 = 0

/** Writes them from `to` on, and nothing behind `toEnd`; where that ends, or -1. */
export function respEntries(shape: i32, start: i32, end: i32, to: i32, toEnd: i32): i32 {
  const last = end - 1
  const limit = toEnd - 4 * FRAME_BYTES
  let p = start + HEADER_BYTES
  let out = to
  let entries = 0
  while (p < last) {
    const next = pass(p, last)
    if (next == 0 || out + (next - p) > limit) return IN_DOUBT
    if (shape == ZSET) {
      // Member, then score: they are written the other way round.
      if (next >= last) return IN_DOUBT
      const after = pass(next, last)
      if (after == 0 || out + (after - p) > limit || !isScore(next)) return IN_DOUBT
      out = bulkEntry(next, out)
      out = bulkEntry(p, out)
      entries += 2
      p = after
      continue
    }
    out = bulkEntry(p, out)
    entries++
    p = next
  }
  if (p != last || load<u8>(last) != 0xff || (shape != LIST && (entries & 1) != 0)) return IN_DOUBT
  entriesWritten = entries
  return out
}

/** Whether an entry is an integer, or the text of a finite number as servers print one. */
function isScore(p: i32): bool {
  const first = load<u8>(p) as i32
  if (isInteger(first)) return true
  const length = stringLength(p, first)
  const from = stringStart(p, first)
  let digits = 0
  for (let i = 0; i < length; i++) {
    const byte = load<u8>(from + i) as i32
    if (byte >= 0x30 && byte <= 0x39) digits++
    // A point, an exponent, a sign.
    else if (byte != 0x2e && byte != 0x65 && byte != 0x2d && byte != 0x2b) return false
  }
  return digits > 0 && length < 32
}

function bulkEntry(p: i32, to: i32): i32 {
  const first = load<u8>(p) as i32
  if (isInteger(first)) return bulkInteger(loadInteger(p), to)
  const from = stringStart(p, first)
  const length = stringLength(p, first)
  const at = copyAny(from, from + length, writeBulkHead(length, to))
  store<u16>(at, 0x0a0d)
  return at + 2
}

/** A string as JSON, with its quotes; -1 where a byte must be escaped. */
export function jsonString(start: i32, end: i32): i32 {
  store<u8>(TEXT_OUT, 0x22)
  const out = copyPlain(start, end, TEXT_OUT + 1)
  if (out == 0) return IN_DOUBT
  store<u8>(out, 0x22)
  return out + 1 - TEXT_OUT
}
