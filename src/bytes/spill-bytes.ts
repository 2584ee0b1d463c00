/**
 * Bytes that are appended and read again at any place: the last of them in
 * memory, those before in a temporary file once they are many.
 */
import {SpillFile} from './spill.js'
import {ByteWriter} from './writer.js'

const MEMORY_BYTES = 4 * 1024 * 1024

export class SpillBytes {
  /** What is appended; `settle` now and then. */
  readonly out = new ByteWriter(4096)
  readonly #file: SpillFile

  constructor(
    readonly memoryBytes = MEMORY_BYTES,
    folder?: string,
  ) {
    this.#file = new SpillFile(folder)
  }

  /** Where the next byte will be. */
  get position(): number {
    return this.#file.bytes + this.out.length
  }

  settle(): void {
    if (this.out.length < this.memoryBytes) return
    this.#file.append(this.out.bytes, 0, this.out.length)
    this.out.reset()
  }

  /** Fills into[0, bytes) with what was appended at a position. */
  read(position: number, into: Uint8Array, bytes: number): void {
    const spilled = this.#file.bytes
    const fromFile = Math.min(Math.max(spilled - position, 0), bytes)
    if (fromFile > 0) this.#file.read(position, into, 0, fromFile)
    const start = position + fromFile - spilled
    if (fromFile < bytes) into.set(this.out.bytes.subarray(start, start + bytes - fromFile), fromFile)
  }

  reset(): void {
    this.out.reset()
    this.#file.truncate(0)
  }

  /** Removes the temporary file. */
  close(): void {
    this.#file.close()
  }
}
