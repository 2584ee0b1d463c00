/**
 * Reads a spool while it is being written, from its beginning: what has reached the file, whenever somebody says that
 * there is time for it. A spool that begins again, or is given up, ends the reading with an error.
 */
import {readSync} from 'node:fs'
import {limits} from '../limits.js'
import {type ByteSource, type ByteWindow, HEADROOM_BYTES} from './source.js'
import type {Spool} from './spool.js'

export class SpoolSource implements ByteSource {
  readonly inputBytes: number
  readonly storedBytes: number
  storedRead = 0
  readonly #generation: number
  // Two take turns: one lent last and still looked into, one being filled.
  readonly #windows = [newWindow(), newWindow()] as const
  #reads = 0

  /** `inputBytes` is what was announced, Infinity where nothing was; `time` resolves when there is time for a window. */
  constructor(
    readonly name: string,
    readonly spool: Spool,
    inputBytes: number,
    readonly time: () => Promise<void>,
  ) {
    this.inputBytes = this.storedBytes = inputBytes
    this.#generation = spool.generation
  }

  async read(): Promise<ByteWindow | undefined> {
    const {spool} = this
    await this.time()
    while (this.#current && this.storedRead === spool.written) {
      if (spool.finished) return undefined
      await spool.progress()
      await this.time()
    }
    if (!this.#current) throw new Error('the spool has been given up')
    const bytes = this.#windows[++this.#reads & 1]!
    const wanted = Math.min(bytes.length - HEADROOM_BYTES, spool.written - this.storedRead)
    const filled = readSync(spool.file.fd, bytes, HEADROOM_BYTES, wanted, this.storedRead)
    this.storedRead += filled
    return filled === 0 ? undefined : {bytes, start: HEADROOM_BYTES, end: HEADROOM_BYTES + filled}
  }

  async readRest(): Promise<number> {
    const before = this.storedRead
    while ((await this.read()) !== undefined);
    return this.storedRead - before
  }

  async close(): Promise<void> {}

  get #current(): boolean {
    return this.spool.generation === this.#generation
  }
}

function newWindow(): Uint8Array {
  return new Uint8Array(HEADROOM_BYTES + limits.windowBytes)
}
