/**
 * A reused buffer in front of a target: what is formatted is formatted here,
 * and leaves in large pieces.
 *
 *            bytes
 *   ┌─────────────────────┬──────────────┐
 *   │ not yet handed on   │ room         │
 *   └─────────────────────┴──────────────┘
 *   0                     at             bytes.length
 *
 * Hot code asks for room once, then writes into `bytes` and moves `at` itself.
 */
import type {ByteTarget} from './target.js'

const OUTPUT_BYTES = 256 * 1024
/** Below this a loop beats the call of `set` with its view. */
const COPY_BY_LOOP_BYTES = 48

export class ByteOutput {
  /** The most that `room` can be asked for. */
  static readonly ROOM_BYTES_MAX = OUTPUT_BYTES

  readonly bytes = new Uint8Array(OUTPUT_BYTES)
  /** Of the same bytes: for four of them at a time. */
  readonly view = new DataView(this.bytes.buffer)
  at = 0

  constructor(readonly target: ByteTarget) {}

  /** All bytes so far, handed on or not. */
  get written(): number {
    return this.target.bytes + this.at
  }

  /** Makes room for n bytes from `at` on. */
  room(n: number): void {
    if (this.at + n > OUTPUT_BYTES) this.flush()
  }

  u8(byte: number): void {
    this.room(1)
    this.bytes[this.at++] = byte
  }

  /** Bytes of any length. */
  copy(bytes: Uint8Array, start: number, end: number): void {
    const n = end - start
    if (this.at + n > OUTPUT_BYTES) {
      this.flush()
      if (n > OUTPUT_BYTES) {
        this.target.write(bytes, start, end)
        return
      }
    }
    if (n <= COPY_BY_LOOP_BYTES) {
      const out = this.bytes
      let at = this.at
      for (let p = start; p < end; p++) out[at++] = bytes[p]!
    } else {
      this.bytes.set(bytes.subarray(start, end), this.at)
    }
    this.at += n
  }

  /** Short text of code points below 128. */
  ascii(text: string): void {
    const n = text.length
    this.room(n)
    const {bytes, at} = this
    for (let i = 0; i < n; i++) bytes[at + i] = text.charCodeAt(i)
    this.at = at + n
  }

  /** Hands on what there is. */
  flush(): void {
    if (this.at === 0) return
    const end = this.at
    this.at = 0
    this.target.write(this.bytes, 0, end)
  }

  /** Waits for the target; undefined where there is nothing to wait for. */
  drain(): Promise<void> | undefined {
    return this.target.drain()
  }
}

/** Text of ASCII as words of four bytes, little-endian: `putWords` writes it, and up to three zeros behind it. */
export class AsciiWords {
  readonly words: Int32Array
  readonly length: number

  constructor(text: string) {
    this.length = text.length
    const bytes = new Uint8Array((text.length + 3) & ~3)
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i)
    const view = new DataView(bytes.buffer)
    this.words = Int32Array.from({length: bytes.length / 4}, (_, i) => view.getInt32(4 * i, true))
  }
}

/** Writes the text at a place and returns where it ends; what comes next overwrites the zeros behind it. */
export function putWords(view: DataView, at: number, {words, length}: AsciiWords): number {
  for (let i = 0, to = at; i < words.length; i++, to += 4) view.setInt32(to, words[i]!, true)
  return at + length
}
