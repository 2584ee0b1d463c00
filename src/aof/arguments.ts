/**
 * Numbers as arguments of commands.
 */
import {writeShortest} from '../bytes/decimal.js'
import {formatSafe, type Int64} from '../bytes/int64.js'
import type {ByteWriter} from '../bytes/writer.js'
import {STREAM_ID_TEXT_BYTES_MAX, type StreamId} from '../encoding/stream-id.js'
import {putBulk} from '../resp/framing.js'

const text = new Uint8Array(64)
const MINUS = 0x2d

export function writeInteger(into: ByteWriter, value: Int64): void {
  if (typeof value !== 'number') {
    const digits = Buffer.from(String(value))
    putBulk(into, digits, 0, digits.length)
    return
  }
  let at = 0
  if (value < 0) text[at++] = MINUS
  putBulk(into, text, 0, formatSafe(Math.abs(value), text, at))
}

/** As a server reads it back to the same double. */
export function writeScore(into: ByteWriter, score: number): void {
  putBulk(into, text, 0, writeShortest(score, text, 0))
}

export function writeId(into: ByteWriter, id: StreamId): void {
  putBulk(into, text, 0, Math.min(id.format(text, 0), STREAM_ID_TEXT_BYTES_MAX))
}
