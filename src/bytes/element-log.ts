/**
 * The elements of one value, kept until it is known how they are to be
 * written: in memory while they are few, beyond it in a temporary file.
 *
 *   element   <length: u32le> <bytes>
 *   number    8 bytes, little-endian, behind the element it belongs to
 *
 * They are read in the order in which they were pushed, any number of times.
 */
import {readUint32le} from './int64.js'
import {LentBytes} from './lent.js'
import {SPILL_BUFFER_BYTES, SpillBuffer} from './spill-buffer.js'

const double = new DataView(new ArrayBuffer(8))

/** Where an element lies in a log. */
export interface LogPlace {
  /** Of the temporary file, or what is in memory; -1: nothing has been read. */
  block: number
  at: number
}

export class ElementLog {
  /** Elements pushed, without numbers. */
  count = 0
  /** The largest of them. */
  bytesMax = 0
  readonly #buffer: SpillBuffer
  readonly #block = new LentBytes()
  #nextBlock = 0
  #position = 0

  constructor(memoryBytes = SPILL_BUFFER_BYTES, folder?: string) {
    this.#buffer = new SpillBuffer(memoryBytes, folder)
  }

  /** Bytes kept, wherever they are. */
  get bytes(): number {
    return this.#buffer.bytes
  }

  push(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start
    this.count++
    if (length > this.bytesMax) this.bytesMax = length
    const {out} = this.#buffer
    out.u32le(length)
    out.copy(bytes, start, end)
  }

  pushDouble(value: number): void {
    this.#buffer.out.f64le(value)
  }

  pushHalves(high: number, low: number): void {
    this.#buffer.out.i64le(high, low)
  }

  /** To be called behind each whole element with its numbers. */
  settle(): void {
    this.#buffer.settle()
  }

  /** Reading begins with the first element. */
  rewind(): void {
    this.#nextBlock = 0
    this.#position = 0
    this.#block.lend(this.#block.bytes, 0, 0)
  }

  /** Where the next element lies. */
  place(into: LogPlace = {block: -1, at: 0}): LogPlace {
    into.block = this.#nextBlock - 1
    into.at = this.#position - this.#block.start
    return into
  }

  /** Reading goes on with the element of that place. */
  goTo({block, at}: LogPlace): void {
    if (block < 0) {
      this.rewind()
      return
    }
    if (block !== this.#nextBlock - 1) this.#buffer.readBlock(block, this.#block)
    this.#nextBlock = block + 1
    this.#position = this.#block.start + at
  }

  /** Lends the next element until the next but one; false at the end. */
  next(into: LentBytes): boolean {
    if (this.#position >= this.#block.end && !this.#advance()) return false
    const {bytes} = this.#block
    const start = this.#position + 4
    const end = start + readUint32le(bytes, this.#position)
    into.lend(bytes, start, end)
    this.#position = end
    return true
  }

  nextDouble(): number {
    const {bytes} = this.#block
    for (let i = 0; i < 8; i++) double.setUint8(i, bytes[this.#position + i]!)
    this.#position += 8
    return double.getFloat64(0, true)
  }

  nextHalves(into: {high: number; low: number}): void {
    const {bytes} = this.#block
    into.low = readUint32le(bytes, this.#position)
    into.high = readUint32le(bytes, this.#position + 4) | 0
    this.#position += 8
  }

  reset(): void {
    this.count = 0
    this.bytesMax = 0
    this.#buffer.reset()
  }

  close(): void {
    this.#buffer.close()
  }

  #advance(): boolean {
    while (this.#nextBlock < this.#buffer.blocks) {
      this.#buffer.readBlock(this.#nextBlock++, this.#block)
      this.#position = this.#block.start
      if (this.#block.end > this.#block.start) return true
    }
    return false
  }
}
