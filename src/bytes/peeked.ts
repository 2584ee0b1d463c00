/**
 * A source whose first bytes can be looked at before anybody reads it.
 */
import {type ByteSource, type ByteWindow, HEADROOM_BYTES} from './source.js'

export class PeekedSource implements ByteSource {
  readonly name: string
  readonly inputBytes: number
  readonly storedBytes: number
  readonly path?: string
  readonly readRest?: () => Promise<number>
  readonly #windows: ByteWindow[] = []
  #seen = 0
  #ended = false

  constructor(readonly source: ByteSource) {
    this.name = source.name
    this.inputBytes = source.inputBytes
    this.storedBytes = source.storedBytes
    if (source.path !== undefined) this.path = source.path
    if (source.readRest !== undefined) this.readRest = () => source.readRest!()
  }

  get storedRead(): number {
    return this.source.storedRead
  }

  get lies(): ByteSource['lies'] {
    return this.source.lies
  }

  passed(bytes: number): void {
    this.source.passed?.(bytes)
  }

  /** A copy of the first bytes: as many as asked for, or all that there are. */
  async peek(bytes: number): Promise<Uint8Array> {
    while (this.#seen < bytes && !this.#ended) await this.#readOne(bytes)
    return this.arrived(bytes)
  }

  /** A copy of what has been seen so far, and at most so much: nothing is waited for. */
  arrived(bytes: number): Uint8Array {
    const head: Uint8Array[] = []
    let missing = bytes
    for (const window of this.#windows) {
      const piece = window.bytes.slice(window.start, Math.min(window.end, window.start + missing))
      head.push(piece)
      missing -= piece.length
    }
    return Buffer.concat(head)
  }

  async #readOne(bytes: number): Promise<void> {
    const window = await this.source.read()
    if (window === undefined) {
      this.#ended = true
      return
    }
    this.#seen += window.end - window.start
    // Kept across later reads, so it needs bytes of its own unless it is the only one.
    const only = this.#windows.length === 0 && this.#seen >= bytes
    if (!only) for (const [i, one] of this.#windows.entries()) this.#windows[i] = copyOf(one)
    this.#windows.push(only ? window : copyOf(window))
  }

  async read(ahead?: boolean): Promise<ByteWindow | undefined> {
    return this.#windows.shift() ?? (this.#ended ? undefined : this.source.read(ahead))
  }

  close(): Promise<void> {
    return this.source.close()
  }
}

/** With the same room in front: a window may lie in the middle of a large memory. */
function copyOf({bytes, start, end}: ByteWindow): ByteWindow {
  const room = Math.min(start, HEADROOM_BYTES)
  return {bytes: bytes.slice(start - room, end), start: room, end: room + end - start}
}
