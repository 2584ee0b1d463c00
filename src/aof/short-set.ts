/**
 * The commonest command, on locals: SET of a short string under a short key,
 * and when it expires.
 */
import {formatSafe} from '../bytes/int64.js'
import {AsciiWords, type ByteOutput, putWords} from '../bytes/output.js'
import {type Entry, NEVER} from '../keyspace/entry.js'

const SET_HEAD = new AsciiWords('*3\r\n$3\r\nSET\r\n$')
const PEXPIREAT_HEAD = new AsciiWords('*3\r\n$9\r\nPEXPIREAT\r\n$')
const THIRTEEN = new AsciiWords('\r\n$13\r\n')

/** Bytes of a short key or value. */
export const SHORT_BYTES_MAX = 512
const FRAME_BYTES_MAX = 160
const CR = 0x0d
const LF = 0x0a
const DOLLAR = 0x24
/** Milliseconds of thirteen digits: 2001 to 2286. */
const DIGITS_13_MIN = 1e12
const DIGITS_13_END = 1e13

/** False where nothing was written: another way must be taken. */
export function writeShortSet(out: ByteOutput, entry: Entry, bytes: Uint8Array, start: number, end: number): boolean {
  const {bytes: key, start: keyStart, end: keyEnd} = entry.keyBytes
  const {expireAtMs} = entry
  const keyBytes = keyEnd - keyStart
  if (keyBytes > SHORT_BYTES_MAX) return false
  const expires = expireAtMs !== NEVER
  if (expires && !(expireAtMs >= DIGITS_13_MIN && expireAtMs < DIGITS_13_END)) return false
  out.room(3 * SHORT_BYTES_MAX + FRAME_BYTES_MAX)
  const into = out.bytes
  let at = putWords(out.view, out.at, SET_HEAD)
  at = formatSafe(keyBytes, into, at)
  into[at] = CR
  into[at + 1] = LF
  at += 2
  for (let p = keyStart; p < keyEnd; p++) into[at++] = key[p]!
  into[at] = CR
  into[at + 1] = LF
  into[at + 2] = DOLLAR
  at = formatSafe(end - start, into, at + 3)
  into[at] = CR
  into[at + 1] = LF
  at += 2
  for (let p = start; p < end; p++) into[at++] = bytes[p]!
  into[at] = CR
  into[at + 1] = LF
  at += 2
  if (expires) at = writeExpiry(out, at, key, keyStart, keyEnd, expireAtMs as number)
  out.at = at
  return true
}

function writeExpiry(
  out: ByteOutput,
  from: number,
  key: Uint8Array,
  keyStart: number,
  keyEnd: number,
  expireAtMs: number,
): number {
  const into = out.bytes
  let at = putWords(out.view, from, PEXPIREAT_HEAD)
  at = formatSafe(keyEnd - keyStart, into, at)
  into[at] = CR
  into[at + 1] = LF
  at += 2
  for (let p = keyStart; p < keyEnd; p++) into[at++] = key[p]!
  at = formatSafe(expireAtMs, into, putWords(out.view, at, THIRTEEN))
  into[at] = CR
  into[at + 1] = LF
  return at + 2
}
