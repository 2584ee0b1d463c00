/**
 * Bytes and scores as JSON, as src/jsonl/text.ts writes them:
 *
 *   bytes that are UTF-8     "..."                 escaped where JSON wants it, and where a terminal would obey
 *   any other bytes          {"base64":"..."}
 *   scores                   1.5                   whatever is no finite number, or minus zero, is left to JavaScript
 *
 * Each says where that ends, 0 where it does not fit the area of texts or is in doubt. Copies go 16 bytes at a time and
 * may write past their end: what comes next overwrites it.
 */
import {DIGITS_MAX, writeInteger} from './decimal'
import {isWhole, readDouble, writeDouble} from './doubles'
import {isInteger, loadInteger, stringLength, stringStart} from './listpack'
import {lzfDecode, lzfReached, ALL_READ} from './lzf'
import {JSON_BASE64, JSON_ESCAPES, LZF_SLOT_0, LZF_SLOT_BYTES, TEXT_OUT, TEXT_OUT_BYTES} from './memory'
import {INT, LZF, loadEncoded} from './strings'

/** The most that a byte becomes. */
const ESCAPED_BYTES: i32 = 6
/** Of anything between two strings, and what copies write past their end. */
const FRAME_BYTES: i32 = 128
/** A string that begins with no more room than it may need is not written. */
export const OUT_END: i32 = TEXT_OUT + TEXT_OUT_BYTES - FRAME_BYTES

const QUOTE: u8 = 0x22
/** `{"base64":"`, `"}`; `\u00`: little-endian. */
const BASE64_OPEN: u64 = 0x3436_6573_6162_227b
const BASE64_OPENED: u32 = 0x22_3a22
const BASE64_CLOSE: u16 = 0x7d22
const UNIT: u32 = 0x3030_755c
/** A byte that becomes \u00XX. */
const AS_UNIT: u8 = 1

buildTables()

/** Bytes of a string, whatever they are. */
export function jsonBytes(from: i32, end: i32, to: i32): i32 {
  if ((end - from) * ESCAPED_BYTES > OUT_END - to) return 0
  store<u8>(to, QUOTE)
  let out = to + 1
  let p = from
  while (p < end) {
    const bytes = v128.load(p)
    v128.store(out, bytes)
    // Those from 0x80 on are negative.
    const odd = i8x16.bitmask(
      v128.or(
        v128.or(i8x16.lt_s(bytes, i8x16.splat(0x20)), i8x16.eq(bytes, i8x16.splat(0x7f))),
        v128.or(i8x16.eq(bytes, i8x16.splat(0x22)), i8x16.eq(bytes, i8x16.splat(0x5c))),
      ),
    )
    const plain = odd == 0 ? 16 : ctz(odd)
    if (plain >= end - p) {
      out += end - p
      break
    }
    p += plain
    out += plain
    if (odd == 0) continue
    const byte = load<u8>(p)
    if (byte < 0x80) {
      out = writeEscape(byte, out)
      p++
      continue
    }
    const next = passCharacters(p, end, out)
    if (next == 0) return jsonBase64(from, end, to)
    p = next
    out = written
  }
  store<u8>(out, QUOTE)
  return out + 1
}

// @ts-ignore: decorator
@inline
function writeEscape(byte: u8, to: i32): i32 {
  const code = load<u8>(JSON_ESCAPES + (byte as i32))
  if (code != AS_UNIT) {
    store<u16>(to, 0x5c | ((code as u16) << 8))
    return to + 2
  }
  store<u32>(to, UNIT)
  store<u8>(to, hexDigit(byte >> 4), 4)
  store<u8>(to, hexDigit(byte & 15), 5)
  return to + 6
}

// @ts-ignore: decorator
@inline
function hexDigit(value: u32): u8 {
  return (value < 10 ? 0x30 + value : 0x57 + value) as u8
}

/** Where passCharacters has written to. */
let written: i32 = 0

/** Writes the characters from U+0080 on that stand at `p` and returns where they end; 0 where one is none. */
function passCharacters(from: i32, end: i32, to: i32): i32 {
  let p = from
  let out = to
  while (p < end && load<u8>(p) >= 0x80) {
    const length = sequenceLength(p, end)
    if (length == 0) return 0
    const unit = unsafeUnit(p, length)
    if (unit < 0) {
      store<u32>(out, load<u32>(p))
      out += length
    } else {
      store<u16>(out, 0x755c)
      store<u8>(out, hexDigit(unit >> 12), 2)
      store<u8>(out, hexDigit((unit >> 8) & 15), 3)
      store<u8>(out, hexDigit((unit >> 4) & 15), 4)
      store<u8>(out, hexDigit(unit & 15), 5)
      out += 6
    }
    p += length
  }
  written = out
  return p
}

/** As src/bytes/utf8.ts has it: bytes of the UTF-8 sequence at `p`, 0 where there is none. */
function sequenceLength(p: i32, end: i32): i32 {
  const first = load<u8>(p) as i32
  if (first < 0xc2 || first > 0xf4 || p + 1 >= end) return 0
  const second = load<u8>(p, 1) as i32
  if ((second & 0xc0) != 0x80) return 0
  if (first < 0xe0) return 2
  if (p + 2 >= end || (load<u8>(p, 2) & 0xc0) != 0x80) return 0
  if (first < 0xf0) {
    // No longer than need be, and no half of a pair.
    if (first == 0xe0 && second < 0xa0) return 0
    return first == 0xed && second > 0x9f ? 0 : 3
  }
  if (p + 3 >= end || (load<u8>(p, 3) & 0xc0) != 0x80) return 0
  if (first == 0xf0 && second < 0x90) return 0
  return first == 0xf4 && second > 0x8f ? 0 : 4
}

/** As src/bytes/utf8.ts has it: the code unit of a character that drives a terminal or turns the writing direction, -1 of all others. */
function unsafeUnit(p: i32, length: i32): i32 {
  const first = load<u8>(p) as i32
  const low = (load<u8>(p, 1) as i32) & 0x3f
  if (length == 2) {
    const unit = ((first & 0x1f) << 6) | low
    return unit < 0xa0 || unit == 0xad || unit == 0x61c ? unit : -1
  }
  if (length != 3 || (first != 0xe2 && first != 0xef)) return -1
  const unit = ((first & 0x0f) << 12) | (low << 6) | ((load<u8>(p, 2) as i32) & 0x3f)
  const unsafe =
    (unit >= 0x200b && unit <= 0x200f) ||
    (unit >= 0x2028 && unit <= 0x202e) ||
    (unit >= 0x2060 && unit <= 0x206f) ||
    unit == 0xfeff
  return unsafe ? unit : -1
}

function jsonBase64(from: i32, end: i32, to: i32): i32 {
  store<u64>(to, BASE64_OPEN)
  store<u32>(to, BASE64_OPENED, 8)
  let out = to + 11
  let p = from
  for (; p + 2 < end; p += 3, out += 4) {
    store<u32>(out, fourOf(((load<u8>(p) as u32) << 16) | ((load<u8>(p, 1) as u32) << 8) | (load<u8>(p, 2) as u32)))
  }
  if (p < end) {
    const two = p + 1 < end
    const last = ((load<u8>(p) as u32) << 16) | (two ? (load<u8>(p, 1) as u32) << 8 : 0)
    store<u32>(out, fourOf(last))
    store<u8>(out, 0x3d, 3)
    if (!two) store<u8>(out, 0x3d, 2)
    out += 4
  }
  store<u16>(out, BASE64_CLOSE)
  return out + 2
}

// @ts-ignore: decorator
@inline
function fourOf(bits: u32): u32 {
  return (
    (load<u8>(JSON_BASE64 + (bits >> 18)) as u32) |
    ((load<u8>(JSON_BASE64 + ((bits >> 12) & 63)) as u32) << 8) |
    ((load<u8>(JSON_BASE64 + ((bits >> 6) & 63)) as u32) << 16) |
    ((load<u8>(JSON_BASE64 + (bits & 63)) as u32) << 24)
  )
}

/** The bytes at the beginning of the area of texts: how many that makes, or -1. */
export function jsonString(start: i32, end: i32): i32 {
  const out = jsonBytes(start, end, TEXT_OUT)
  return out == 0 ? -1 : out - TEXT_OUT
}

/** A string as passString told of it, whose stored bytes end at `end`. */
// @ts-ignore: decorator
@inline
export function jsonStored(stored: i32, payload: i32, made: i32, end: i32, to: i32): i32 {
  if (stored == INT) return jsonDigits(loadEncoded(payload, end - payload), to)
  return stored == LZF ? jsonUnpacked(payload, end, made, to) : jsonBytes(payload, payload + made, to)
}

function jsonUnpacked(from: i32, end: i32, bytes: i32, to: i32): i32 {
  const slotEnd = LZF_SLOT_0 + bytes
  if (bytes == 0 || bytes > LZF_SLOT_BYTES || bytes > OUT_END - to) return 0
  if (lzfDecode(from, end, LZF_SLOT_0, slotEnd, LZF_SLOT_0) != ALL_READ || lzfReached() != slotEnd) return 0
  return jsonBytes(LZF_SLOT_0, slotEnd, to)
}

/** An integer that stands for its digits. */
export function jsonDigits(value: i64, to: i32): i32 {
  if (to + DIGITS_MAX > OUT_END) return 0
  store<u8>(to, QUOTE)
  const at = writeInteger(value, to + 1)
  store<u8>(at, QUOTE)
  return at + 1
}

/** An entry of a listpack. */
// @ts-ignore: decorator
@inline
export function putEntry(p: i32, to: i32): i32 {
  const first = load<u8>(p) as i32
  if (isInteger(first)) return jsonDigits(loadInteger(p), to)
  const from = stringStart(p, first)
  return jsonBytes(from, from + stringLength(p, first), to)
}

export function jsonScore(score: f64, to: i32): i32 {
  // Minus zero is no number of JSON.
  if (to > OUT_END || !(abs(score) < Infinity) || reinterpret<i64>(score) == i64.MIN_VALUE) return 0
  return isWhole(score) ? writeInteger(score as i64, to) : writeDouble(score, to)
}

/** Of the score, the text that a server packed. */
export function jsonScoreText(start: i32, length: i32, to: i32): i32 {
  return jsonScore(readDouble(start, length), to)
}

function buildTables(): void {
  memory.fill(JSON_ESCAPES, AS_UNIT, 0x20)
  store<u8>(JSON_ESCAPES + 0x7f, AS_UNIT)
  store<u8>(JSON_ESCAPES + 0x08, 0x62)
  store<u8>(JSON_ESCAPES + 0x09, 0x74)
  store<u8>(JSON_ESCAPES + 0x0a, 0x6e)
  store<u8>(JSON_ESCAPES + 0x0c, 0x66)
  store<u8>(JSON_ESCAPES + 0x0d, 0x72)
  store<u8>(JSON_ESCAPES + 0x22, 0x22)
  store<u8>(JSON_ESCAPES + 0x5c, 0x5c)
  for (let i = 0; i < 64; i++) {
    const code = i < 26 ? 0x41 + i : i < 52 ? 0x61 - 26 + i : i < 62 ? 0x30 - 52 + i : i == 62 ? 0x2b : 0x2f
    store<u8>(JSON_BASE64 + i, code as u8)
  }
}
