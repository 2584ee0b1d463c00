/**
 * Keys alone, one a line, as they stand on screen: UTF-8 with control and
 * direction characters and invalid bytes as \xNN, a backslash doubled. So a
 * line is a key, and `--match` of any command takes what `dump` wrote.
 */
import type {ByteOutput} from '../bytes/output.js'
import {sequenceLength, unsafeUnit} from '../bytes/utf8.js'
import type {Entry} from '../keyspace/entry.js'
import type {EntrySink} from '../keyspace/entry-sink.js'
import {SKIP, type ValueVisitor} from '../keyspace/visitor.js'

const BACKSLASH = 0x5c
const SMALL_X = 0x78
const HEX = Uint8Array.from('0123456789abcdef', digit => digit.charCodeAt(0))
/** Bytes of a key written in one go. */
const PIECE_BYTES = 32 * 1024
/** The most that a byte becomes. */
const ESCAPED_BYTES = 4

export class KeysWriter implements EntrySink {
  keys = 0
  readonly losses = []

  constructor(readonly out: ByteOutput) {}

  entry({keyBytes}: Entry): ValueVisitor {
    const {bytes, start, end} = keyBytes
    for (let p = start; p < end; ) p = this.#write(bytes, p, end)
    this.out.u8(0x0a)
    this.keys++
    return SKIP
  }

  /** Writes some of bytes[p … end), whole characters, and returns where the rest begins. */
  #write(bytes: Uint8Array, from: number, end: number): number {
    const {out} = this
    const until = Math.min(end, from + PIECE_BYTES)
    out.room((until - from + 4) * ESCAPED_BYTES)
    const into = out.bytes
    let at = out.at
    let p = from
    while (p < until) {
      const byte = bytes[p]!
      const length = byte < 0x80 ? 1 : sequenceLength(bytes, p, end)
      const plain = length === 1 ? byte >= 0x20 && byte !== 0x7f : length > 0 && unsafeUnit(bytes, p, length) < 0
      const next = p + Math.max(length, 1)
      if (byte === BACKSLASH) into[at++] = BACKSLASH
      for (; p < next; p++) {
        if (plain) {
          into[at++] = bytes[p]!
          continue
        }
        into[at] = BACKSLASH
        into[at + 1] = SMALL_X
        into[at + 2] = HEX[bytes[p]! >> 4]!
        into[at + 3] = HEX[bytes[p]! & 15]!
        at += 4
      }
    }
    out.at = at
    return p
  }

  pauses(): undefined {
    this.out.flush()
  }

  finish(): void {
    this.out.flush()
  }

  drain(): Promise<void> | undefined {
    return this.out.drain()
  }
}
