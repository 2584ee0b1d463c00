/**
 * The commonest line, on locals: a short string under a short key, of which
 * nothing must be escaped. A call for each part of it costs more than the part.
 *
 *   {"db":0,"key":"...","type":"string"[,"expireAtMs":n],"count":n,"value":"..."}
 */
import {formatSafe} from '../bytes/int64.js'
import {AsciiWords, type ByteOutput, putWords} from '../bytes/output.js'
import {type Entry, NEVER} from '../keyspace/entry.js'
import {isPlain} from './text.js'

const TYPE_COUNT = new AsciiWords('","type":"string","count":')
const TYPE_EXPIRE_AT = new AsciiWords('","type":"string","expireAtMs":')
const COUNT = new AsciiWords(',"count":')
const VALUE = new AsciiWords(',"value":"')

/** Bytes of a short key or value. */
export const SHORT_BYTES_MAX = 512
/** Of all that is neither key nor value. */
const FRAME_BYTES_MAX = 160
const QUOTE = 0x22
const UNBRACE = 0x7d

/** `head` is what stands before the key, from the end of the line before on. False where nothing was written: another way must be taken. */
export function writeShortLine(
  out: ByteOutput,
  head: AsciiWords,
  entry: Entry,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  const {bytes: key, start: keyStart, end: keyEnd} = entry.keyBytes
  const {expireAtMs} = entry
  if (keyEnd - keyStart > SHORT_BYTES_MAX || entry.idleSeconds >= 0 || entry.frequency >= 0) return false
  if (entry.keyMeta !== undefined || entry.dragonflyMask >= 0) return false
  if (expireAtMs !== NEVER && !(typeof expireAtMs === 'number' && expireAtMs >= 0)) return false
  out.room(2 * SHORT_BYTES_MAX + FRAME_BYTES_MAX)
  const into = out.bytes
  const {view} = out
  let at = putWords(view, out.at, head)
  for (let p = keyStart; p < keyEnd; p++) {
    const byte = key[p]!
    if (isPlain[byte] === 0) return false
    into[at++] = byte
  }
  if (expireAtMs === NEVER) {
    at = putWords(view, at, TYPE_COUNT)
  } else {
    at = formatSafe(expireAtMs as number, into, putWords(view, at, TYPE_EXPIRE_AT))
    at = putWords(view, at, COUNT)
  }
  at = formatSafe(end - start, into, at)
  at = putWords(view, at, VALUE)
  for (let p = start; p < end; p++) {
    const byte = bytes[p]!
    if (isPlain[byte] === 0) return false
    into[at++] = byte
  }
  into[at] = QUOTE
  into[at + 1] = UNBRACE
  out.at = at + 2
  return true
}
