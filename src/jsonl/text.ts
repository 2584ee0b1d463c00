/**
 * Bytes and numbers as JSON, written straight into the output.
 *
 *   bytes that are UTF-8     "..."                 escaped where JSON wants it, and where a terminal would obey
 *   any other bytes          {"base64":"..."}
 *   integers                 123, beyond +-(2^53 - 1) "123"
 *   scores                   1.5, "inf", "-inf", "nan", "-0"
 */
import {isUtf8} from 'node:buffer'
import {writeShortest} from '../bytes/decimal.js'
import {formatSafe, type Int64} from '../bytes/int64.js'
import {NodeText} from '../bytes/node-text.js'
import type {ByteOutput} from '../bytes/output.js'
import {sequenceLength, unsafeUnit} from '../bytes/utf8.js'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const MINUS = 0x2d

/** What stands for a byte: 0 itself, 1 \u00XX, else \ and this character. Bytes from 0x80 on are looked at more closely. */
const ESCAPES = new Uint8Array(256)
ESCAPES.fill(1, 0, 0x20)
ESCAPES[0x7f] = 1
ESCAPES.fill(1, 0x80)
for (const [byte, character] of Object.entries({8: 'b', 9: 't', 10: 'n', 12: 'f', 13: 'r', 34: '"', 92: '\\'})) {
  ESCAPES[Number(byte)] = character.charCodeAt(0)
}

/** 1 for bytes that stand for themselves. */
export const isPlain = ESCAPES.map(code => (code === 0 ? 1 : 0))

const HEX = Uint8Array.from('0123456789abcdef', digit => digit.charCodeAt(0))
const BASE64 = Uint8Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/', one =>
  one.charCodeAt(0),
)
const PADDING = 0x3d

/** Longer bytes are written in pieces of this size. */
const PIECE_BYTES = 16 * 1024
/** The most that a byte becomes. */
const ESCAPED_BYTES = 6
/** Of base64, a multiple of three. */
const BASE64_PIECE_BYTES = 96 * 1024
const DOUBLE_BYTES_MAX = 32

/** Strings that a kernel found to need no escape. */
const plain = new NodeText()

/** The bytes as JSON, whatever they are. */
export function writeJsonBytes(out: ByteOutput, bytes: Uint8Array, start: number, end: number): void {
  if (end - start > PIECE_BYTES) {
    writeLong(out, bytes, start, end)
    return
  }
  if (plain.string(bytes, start, end)) {
    out.copy(plain.bytes, plain.start, plain.end)
    return
  }
  out.room((end - start) * ESCAPED_BYTES + 2)
  const before = out.at
  const into = out.bytes
  let at = before
  into[at++] = QUOTE
  let p = start
  for (; p < end; p++) {
    const byte = bytes[p]!
    if (ESCAPES[byte] !== 0) break
    into[at++] = byte
  }
  if (p < end) {
    at = escapeRest(bytes, p, end, into, at)
    if (at < 0) {
      out.at = before
      writeJsonBase64(out, bytes, start, end)
      return
    }
  }
  into[at] = QUOTE
  out.at = at + 1
}

/** Escapes bytes[p … end) at into[at] and returns where that ends; -1 where they are no UTF-8. */
function escapeRest(bytes: Uint8Array, from: number, end: number, into: Uint8Array, to: number): number {
  let at = to
  let p = from
  while (p < end) {
    const byte = bytes[p]!
    const code = ESCAPES[byte]!
    if (code === 0) {
      into[at++] = byte
      for (p++; p < end; p++) {
        const next = bytes[p]!
        if (ESCAPES[next] !== 0) break
        into[at++] = next
      }
    } else if (code !== 1) {
      into[at] = BACKSLASH
      into[at + 1] = code
      at += 2
      p++
    } else if (byte < 0x80) {
      at = writeUnit(byte, into, at)
      p++
    } else {
      const length = sequenceLength(bytes, p, end)
      if (length === 0) return -1
      const unit = unsafeUnit(bytes, p, length)
      if (unit < 0) {
        for (let i = 0; i < length; i++) into[at++] = bytes[p + i]!
      } else {
        at = writeUnit(unit, into, at)
      }
      p += length
    }
  }
  return at
}

function writeUnit(unit: number, into: Uint8Array, at: number): number {
  into[at] = BACKSLASH
  into[at + 1] = 0x75
  into[at + 2] = HEX[unit >> 12]!
  into[at + 3] = HEX[(unit >> 8) & 15]!
  into[at + 4] = HEX[(unit >> 4) & 15]!
  into[at + 5] = HEX[unit & 15]!
  return at + 6
}

/** Bytes that are cut into pieces, between characters: what they are is settled first. */
function writeLong(out: ByteOutput, bytes: Uint8Array, start: number, end: number): void {
  if (!isUtf8(bytes.subarray(start, end))) {
    writeJsonBase64(out, bytes, start, end)
    return
  }
  out.u8(QUOTE)
  for (let p = start; p < end; ) {
    let next = Math.min(p + PIECE_BYTES, end)
    while (next < end && (bytes[next]! & 0xc0) === 0x80) next--
    out.room((next - p) * ESCAPED_BYTES)
    out.at = escapeRest(bytes, p, next, out.bytes, out.at)
    p = next
  }
  out.u8(QUOTE)
}

/** `{"base64":"..."}` */
export function writeJsonBase64(out: ByteOutput, bytes: Uint8Array, start: number, end: number): void {
  out.ascii('{"base64":"')
  writeBase64(out, bytes, start, end)
  out.ascii('"}')
}

/** Base64 with padding (RFC 4648), of any length. */
export function writeBase64(out: ByteOutput, bytes: Uint8Array, start: number, end: number): void {
  for (let p = start; p < end; p += BASE64_PIECE_BYTES) {
    const pieceEnd = Math.min(p + BASE64_PIECE_BYTES, end)
    out.room(((pieceEnd - p + 2) / 3) * 4)
    out.at = encodeBase64(bytes, p, pieceEnd, out.bytes, out.at)
  }
}

function encodeBase64(bytes: Uint8Array, start: number, end: number, into: Uint8Array, to: number): number {
  let at = to
  let p = start
  for (; p + 2 < end; p += 3) {
    const bits = (bytes[p]! << 16) | (bytes[p + 1]! << 8) | bytes[p + 2]!
    into[at] = BASE64[bits >> 18]!
    into[at + 1] = BASE64[(bits >> 12) & 63]!
    into[at + 2] = BASE64[(bits >> 6) & 63]!
    into[at + 3] = BASE64[bits & 63]!
    at += 4
  }
  if (p === end) return at
  const bits = (bytes[p]! << 16) | (p + 1 < end ? bytes[p + 1]! << 8 : 0)
  into[at] = BASE64[bits >> 18]!
  into[at + 1] = BASE64[(bits >> 12) & 63]!
  into[at + 2] = p + 1 < end ? BASE64[(bits >> 6) & 63]! : PADDING
  into[at + 3] = PADDING
  return at + 4
}

/** Base64 of bytes that arrive in pieces of any length. */
export class Base64Stream {
  readonly #rest = new Uint8Array(3)
  #kept = 0

  push(out: ByteOutput, bytes: Uint8Array, start: number, end: number): void {
    let p = start
    if (this.#kept > 0) {
      while (this.#kept < 3 && p < end) this.#rest[this.#kept++] = bytes[p++]!
      if (this.#kept < 3) return
      writeBase64(out, this.#rest, 0, 3)
      this.#kept = 0
    }
    const whole = p + Math.floor((end - p) / 3) * 3
    writeBase64(out, bytes, p, whole)
    for (p = whole; p < end; p++) this.#rest[this.#kept++] = bytes[p]!
  }

  finish(out: ByteOutput): void {
    writeBase64(out, this.#rest, 0, this.#kept)
    this.#kept = 0
  }
}

/** An exact integer: a number where every reader of JSON holds it exactly, a digit string beyond. */
export function writeJsonInteger(out: ByteOutput, value: Int64): void {
  if (typeof value !== 'number') {
    out.ascii(`"${value}"`)
    return
  }
  out.room(DOUBLE_BYTES_MAX)
  if (value >= 0) {
    out.at = formatSafe(value, out.bytes, out.at)
  } else {
    out.bytes[out.at] = MINUS
    out.at = formatSafe(-value, out.bytes, out.at + 1)
  }
}

/** A score: the shortest digits that read back to the same double. JSON has no infinities, and readers of it no minus zero. */
export function writeJsonScore(out: ByteOutput, score: number): void {
  out.room(DOUBLE_BYTES_MAX)
  if (Number.isFinite(score) && !Object.is(score, -0)) {
    out.at = writeShortest(score, out.bytes, out.at)
    return
  }
  out.bytes[out.at] = QUOTE
  out.at = writeShortest(score, out.bytes, out.at + 1)
  out.bytes[out.at++] = QUOTE
}
