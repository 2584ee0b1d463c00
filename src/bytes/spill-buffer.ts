/**
 * An append buffer that goes to a temporary file where it outgrows its memory.
 *
 *   ┌─────────┬─────────┬───────┐ ┌──────────────┐
 *   │ block 0 │ block 1 │  ...  │ │ out          │   read back block by block, `out` last
 *   └─────────┴─────────┴───────┘ └──────────────┘
 *     temporary file                memory
 *
 * A block ends where `settle` was called: what is written between two calls
 * stays together.
 */
import type {LentBytes} from './lent.js'
import {SpillFile} from './spill.js'
import {ByteWriter} from './writer.js'

export const SPILL_BUFFER_BYTES = 1024 * 1024

export class SpillBuffer {
  readonly out = new ByteWriter(4096)
  readonly #file: SpillFile
  /** Where each block in the file ends. */
  readonly #ends: number[] = []
  #window = new Uint8Array(0)

  constructor(
    readonly memoryBytes = SPILL_BUFFER_BYTES,
    folder?: string,
  ) {
    this.#file = new SpillFile(folder)
  }

  /** Bytes appended, wherever they are. */
  get bytes(): number {
    return (this.#ends.at(-1) ?? 0) + this.out.length
  }

  get isSpilled(): boolean {
    return this.#ends.length > 0
  }

  /** To be called now and then: what is in `out` may move to the file. */
  settle(): void {
    if (this.out.length < this.memoryBytes) return
    this.#file.append(this.out.bytes, 0, this.out.length)
    this.#ends.push(this.#file.bytes)
    this.out.reset()
  }

  /** Blocks to be read, of which the last is memory. */
  get blocks(): number {
    return this.#ends.length + 1
  }

  /** Lends a block until the next one is read, or something is appended. */
  readBlock(index: number, into: LentBytes): void {
    if (index === this.#ends.length) {
      into.lend(this.out.bytes, 0, this.out.length)
      return
    }
    const start = index === 0 ? 0 : this.#ends[index - 1]!
    const bytes = this.#ends[index]! - start
    if (this.#window.length < bytes) this.#window = new Uint8Array(bytes)
    this.#file.read(start, this.#window, 0, bytes)
    into.lend(this.#window, 0, bytes)
  }

  /** Forgets everything; memory is kept for the next use unless it is much. */
  reset(): void {
    this.out.reset()
    if (this.#ends.length === 0) return
    this.#ends.length = 0
    this.#file.truncate(0)
  }

  /** Removes the temporary file. */
  close(): void {
    this.#ends.length = 0
    this.#file.close()
  }
}
