/**
 * Packed nodes as arguments of a command. Whatever is in doubt is left to JavaScript: the answer is then -1, and what was
 * written means nothing.
 *
 *   $4\r\ntext\r\n $2\r\n12\r\n
 *
 * The output begins at TEXT_OUT. Copies go 16 bytes at a time and may write past their end: what comes next overwrites
 * it, and slack lies behind every area.
 */
import {EIGHT, ZEROS, eightDigits, leadingZeros, writeInteger, writeUnsigned} from './decimal'
import {isHeaded, isInteger, loadInteger, pass, stringLength, stringStart} from './listpack'
import {BULK_HEADS, BULK_HEADS_MAX, leave, TEXT_OUT, TEXT_OUT_BYTES} from './memory'

export const LIST: i32 = 0
export const HASH: i32 = 1
export const ZSET: i32 = 2

const IN_DOUBT: i32 = -1
const HEADER_BYTES: i32 = 6
/** Of an entry, the most that it becomes beside its string. */
const FRAME_BYTES: i32 = 48

buildHeads()

// @ts-ignore: decorator
@inline
export function copyAny(from: i32, end: i32, to: i32): i32 {
  for (let p = from, out = to; p < end; p += 16, out += 16) v128.store(out, v128.load(p))
  return to + (end - from)
}

/** `$<bytes>\r\n`; what is written behind that, up to eight bytes, means nothing. */
// @ts-ignore: decorator
@inline
export function writeBulkHead(bytes: i32, to: i32): i32 {
  if (bytes >= BULK_HEADS_MAX) return writeLongHead(bytes, to)
  const head = load<u64>(BULK_HEADS + (bytes << 3))
  store<u64>(to, head)
  return to + ((head >> 56) as i32)
}

function writeLongHead(bytes: i32, to: i32): i32 {
  store<u8>(to, 0x24)
  const at = writeUnsigned(bytes as u64, to + 1)
  store<u16>(at, 0x0a0d)
  return at + 2
}

/** The heads of short arguments; how long each is stands in its last byte. */
function buildHeads(): void {
  for (let bytes = 0; bytes < BULK_HEADS_MAX; bytes++) {
    const head = BULK_HEADS + (bytes << 3)
    const end = writeLongHead(bytes, head)
    store<u8>(head, (end - head) as u8, 7)
  }
}

/** An integer as an argument. */
export function bulkInteger(value: i64, to: i32): i32 {
  if ((value as u64) < EIGHT) {
    const digits = eightDigits(value as u32)
    const zeros = leadingZeros(digits)
    const count = 8 - zeros
    // `$<digit>\r\n`
    store<u32>(to, 0x0a0d_3024 + (count << 8))
    store<u64>(to, (digits | ZEROS) >> (zeros << 3), 4)
    store<u16>(to + count, 0x0a0d, 4)
    return to + count + 6
  }
  // Its digits stand behind a length that is known once they are.
  const at = writeInteger(value, to + 32)
  const digits = at - to - 32
  const end = copyAny(to + 32, at, writeBulkHead(digits, to))
  store<u16>(end, 0x0a0d)
  return end + 2
}

/** The entries of a listpack as arguments of a command; of a sorted set the score before its member. */
export function respListpack(shape: i32, start: i32, end: i32): i32 {
  const out = respEntries(shape, start, end, TEXT_OUT, TEXT_OUT + TEXT_OUT_BYTES)
  if (out < 0) return IN_DOUBT
  leave(entriesWritten as u32, 0)
  return out - TEXT_OUT
}

/** Of the node written last. */
let entriesWritten: i32 = 0

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
  if (p != last || load<u8>(last) != 0xff || !isHeaded(start, end, entries)) return IN_DOUBT
  if (shape != LIST && (entries & 1) != 0) return IN_DOUBT
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

export function bulkEntry(p: i32, to: i32): i32 {
  const first = load<u8>(p) as i32
  if (isInteger(first)) return bulkInteger(loadInteger(p), to)
  const from = stringStart(p, first)
  const length = stringLength(p, first)
  const at = copyAny(from, from + length, writeBulkHead(length, to))
  store<u16>(at, 0x0a0d)
  return at + 2
}
