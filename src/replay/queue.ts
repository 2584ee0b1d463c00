/**
 * The commands of a transaction, copied, until it is complete.
 */
import type {LogCommand} from '../aof/log-reader.js'
import {ByteWriter} from '../bytes/writer.js'

/** What one large transaction left is not kept for the next. */
const KEPT_BYTES_MAX = 4 * 1024 * 1024

export class CommandQueue {
  #bytes = new ByteWriter()
  /** Of each command: its first bound, its arguments. */
  #bounds: number[] = []
  #commands: {argc: number; offset: number; endOffset: number}[] = []

  /** Takes a copy. */
  add({bytes, argc, bounds, offset, endOffset}: LogCommand): void {
    const start = bounds[0]!
    const shift = this.#bytes.length - start
    for (let i = 0; i < 2 * argc; i++) this.#bounds.push(bounds[i]! + shift)
    this.#bytes.copy(bytes, start, bounds[2 * argc - 1]!)
    this.#commands.push({argc, offset, endOffset})
  }

  /** Hands out all commands, lent, and forgets them. */
  drain(take: (command: LogCommand) => void): void {
    const {bytes} = this.#bytes
    const bounds = Int32Array.from(this.#bounds)
    let first = 0
    for (const {argc, offset, endOffset} of this.#commands) {
      take({bytes, argc, bounds: bounds.subarray(first, first + 2 * argc), offset, endOffset})
      first += 2 * argc
    }
    this.clear()
  }

  clear(): void {
    if (this.#bytes.bytes.length > KEPT_BYTES_MAX) this.#bytes = new ByteWriter()
    this.#bytes.reset()
    this.#bounds.length = 0
    this.#commands.length = 0
  }
}
