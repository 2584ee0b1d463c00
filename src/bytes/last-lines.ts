/**
 * The last lines of what is written: blocks in which none of them begins or
 * goes on are let go. The oldest go to temporary files where the memory that was
 * granted does not hold them.
 *
 *   ┌─────────┬─────────┬─────────┬─────────┐
 *   │ let go  │ files   │ memory  │ written │
 *   └─────────┴─────────┴─────────┴─────────┘
 *             │     ↑ first line kept
 *             first block kept
 *
 * A file cannot give back what lies at its beginning. So the next one is begun
 * as soon as the present one holds as much as all that is kept: together they
 * take no more than about three times that.
 */
import {SpillFile} from './spill.js'
import type {ByteTarget} from './target.js'

/** Lines of commands are short: it takes long ones, or very many. */
const MEMORY_BYTES = 16 * 1024 * 1024
/** Of a block that is read back, at a time. */
const PIECE_BYTES = 256 * 1024

interface Block {
  length: number
  /** Of its first byte in all that was written. */
  offset: number
  /** Where it is in memory. */
  bytes: Uint8Array | undefined
  /** Where it is elsewhere, and from where on. */
  file: SpillFile | undefined
  position: number
}

export interface LastLinesOptions {
  memoryBytes?: number | undefined
  /** Of the temporary files. */
  folder?: string | undefined
}

export class LastLines implements ByteTarget {
  readonly name: string
  bytes = 0
  readonly #memoryBytes: number
  readonly #folder: string | undefined
  /** Where lines begin, the oldest at `#oldest` once there are enough of them. */
  readonly #begins: number[] = []
  #oldest = 0
  /** There were more lines than are kept. */
  #isCut = false
  #blocks: Block[] = []
  /** Of the blocks, those from here on are in memory. */
  #spilled = 0
  #inMemory = 0
  /** Oldest first; only the last one grows. */
  #files: SpillFile[] = []
  /** What stands above the lines, whichever they are. */
  #head: readonly Block[] = []
  #released = false

  constructor(
    readonly target: ByteTarget,
    readonly linesMax: number,
    {memoryBytes = MEMORY_BYTES, folder}: LastLinesOptions = {},
  ) {
    this.name = target.name
    this.#memoryBytes = memoryBytes
    this.#folder = folder
  }

  /** They have been handed on. */
  get released(): boolean {
    return this.#released
  }

  /** A line begins here, counted in all that was written: what is written without goes with the line before it. */
  begin(offset: number): void {
    if (this.#released) return
    if (this.#begins.length < this.linesMax) this.#begins.push(offset)
    else {
      this.#isCut = true
      this.#begins[this.#oldest] = offset
      this.#oldest = (this.#oldest + 1) % this.linesMax
    }
  }

  /** All that was written so far is no line, and stays: titles, which memory holds. */
  keep(): void {
    this.#head = this.#blocks
    this.#blocks = []
    this.#spilled = this.#inMemory = 0
  }

  /** Takes bytes[start … end). Throws SpillError where a temporary file fails. */
  write(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start
    if (this.#released) {
      this.target.write(bytes, start, end)
    } else {
      const block = {length, offset: this.bytes, bytes: bytes.slice(start, end), file: undefined, position: 0}
      this.#blocks.push(block)
      this.#inMemory += length
      this.#letGo()
      while (this.#inMemory > this.#memoryBytes) this.#spill(this.#blocks[this.#spilled]!)
    }
    this.bytes += length
  }

  /** Hands on the last lines so far; what follows, once that is done, goes through. */
  async release(): Promise<void> {
    if (this.#released) return
    this.#released = true
    const from = this.#from
    for (const block of this.#head) await this.#handOn(block, 0)
    for (const block of this.#blocks) await this.#handOn(block, Math.max(from - block.offset, 0))
    this.#forget()
  }

  drain(): Promise<void> | undefined {
    return this.#released ? this.target.drain() : undefined
  }

  async finish(): Promise<void> {
    await this.release()
    await this.target.finish()
  }

  /** What has not been handed on never is. */
  abandon(): Promise<void> {
    this.#released = true
    this.#forget()
    return this.target.abandon()
  }

  get #from(): number {
    return this.#isCut ? this.#begins[this.#oldest]! : 0
  }

  async #handOn({bytes, file, position, length}: Block, from: number): Promise<void> {
    const piece = bytes ?? new Uint8Array(Math.min(length, PIECE_BYTES))
    for (let at = from; at < length; ) {
      const end = Math.min(at + PIECE_BYTES, length)
      if (bytes === undefined) file!.read(position + at, piece, 0, end - at)
      const start = bytes === undefined ? 0 : at
      this.target.write(piece, start, start + end - at)
      await this.target.drain()
      at = end
    }
  }

  #spill(block: Block): void {
    let file = this.#files.at(-1)
    if (file === undefined || file.bytes > this.bytes + block.length - this.#blocks[0]!.offset) {
      file = new SpillFile(this.#folder)
      this.#files.push(file)
    }
    block.position = file.append(block.bytes!, 0, block.length)
    block.file = file
    block.bytes = undefined
    this.#inMemory -= block.length
    this.#spilled++
  }

  #letGo(): void {
    const from = this.#from
    const first = this.#blocks.findIndex(({length, offset}) => offset + length > from)
    if (first <= 0) return
    for (const {bytes, length} of this.#blocks.slice(0, first)) if (bytes !== undefined) this.#inMemory -= length
    this.#blocks = this.#blocks.slice(first)
    this.#spilled = Math.max(0, this.#spilled - first)
    while (this.#files.length > 0 && this.#files[0] !== this.#blocks[0]!.file) this.#files.shift()!.close()
  }

  #forget(): void {
    for (const file of this.#files) file.close()
    this.#files = []
    this.#head = this.#blocks = []
  }
}
