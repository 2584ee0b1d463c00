/**
 * The last lines of what is written, in memory of about their size: blocks in
 * which none of them begins or goes on are let go.
 *
 *   ┌─────────┬─────────┬─────────┐
 *   │ let go  │ blocks  │ written │
 *   └─────────┴─────────┴─────────┘
 *             │     ↑ first line kept
 *             first block kept
 */
import type {ByteTarget} from './target.js'

interface Block {
  bytes: Uint8Array
  /** Of its first byte in all that was written. */
  offset: number
}

export class LastLines implements ByteTarget {
  readonly name: string
  bytes = 0
  /** Where lines begin, the oldest at `#oldest` once there are enough of them. */
  readonly #begins: number[] = []
  #oldest = 0
  #blocks: Block[] = []
  /** What stands above the lines, whichever they are. */
  #head: readonly Block[] = []
  #released = false

  constructor(
    readonly target: ByteTarget,
    readonly linesMax: number,
  ) {
    this.name = target.name
  }

  /** A line begins here, counted in all that was written. */
  begin(offset: number): void {
    if (this.#released) return
    if (this.#begins.length < this.linesMax) this.#begins.push(offset)
    else {
      this.#begins[this.#oldest] = offset
      this.#oldest = (this.#oldest + 1) % this.linesMax
    }
  }

  /** All that was written so far is no line, and stays. */
  keep(): void {
    this.#head = this.#blocks
    this.#blocks = []
  }

  write(bytes: Uint8Array, start: number, end: number): void {
    if (this.#released) {
      this.target.write(bytes, start, end)
    } else {
      this.#blocks.push({bytes: bytes.slice(start, end), offset: this.bytes})
      this.#letGo()
    }
    this.bytes += end - start
  }

  /** Hands on the last lines so far; what follows goes through. */
  release(): void {
    if (this.#released) return
    this.#released = true
    const from = this.#begins[this.#oldest] ?? this.bytes
    for (const {bytes} of this.#head) this.target.write(bytes, 0, bytes.length)
    for (const {bytes, offset} of this.#blocks) {
      const start = Math.min(Math.max(from - offset, 0), bytes.length)
      if (start < bytes.length) this.target.write(bytes, start, bytes.length)
    }
    this.#head = this.#blocks = []
  }

  drain(): Promise<void> | undefined {
    return this.#released ? this.target.drain() : undefined
  }

  finish(): Promise<void> {
    this.release()
    return this.target.finish()
  }

  abandon(): Promise<void> {
    return this.target.abandon()
  }

  #letGo(): void {
    const from = this.#begins[this.#oldest] ?? 0
    const first = this.#blocks.findIndex(({bytes, offset}) => offset + bytes.length > from)
    if (first > 0) this.#blocks = this.#blocks.slice(first)
  }
}
