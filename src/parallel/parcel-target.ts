/**
 * Bytes on their way from a thread to the one that asked it.
 */
import type {ByteTarget} from '../bytes/target.js'
import {type Outbox, PARCEL_BYTES} from './answering.js'

export class ParcelTarget implements ByteTarget {
  readonly name = 'a parcel'
  bytes = 0
  #parcel: ArrayBuffer | undefined
  #used = 0
  #tag = -1
  /** Copies of what is written from here on; absent: it is handed on. */
  ending: Uint8Array[] | undefined

  constructor(readonly outbox: Outbox) {}

  write(bytes: Uint8Array, start: number, end: number): void {
    this.bytes += end - start
    if (this.ending !== undefined) {
      this.ending.push(bytes.slice(start, end))
      return
    }
    for (let from = start; from < end; ) {
      this.#parcel ??= this.outbox.take()
      const count = Math.min(end - from, PARCEL_BYTES - this.#used)
      new Uint8Array(this.#parcel).set(bytes.subarray(from, from + count), this.#used)
      this.#used += count
      from += count
      if (this.#used === PARCEL_BYTES) this.post()
    }
  }

  /** What is written from here on has this tag; of a parcel it is that of its first byte. */
  tagged(tag: number): void {
    this.post()
    this.#tag = tag
  }

  /** Sends what there is. */
  post(): void {
    if (this.#parcel === undefined) return
    this.outbox.post(this.#parcel, this.#used, 0, this.#tag)
    this.#parcel = undefined
    this.#used = 0
    this.#tag = -1
  }

  drain(): Promise<void> | undefined {
    return this.outbox.ready()
  }

  async finish(): Promise<void> {
    // A tag is told even where nothing came after it.
    if (this.#tag >= 0) this.#parcel ??= this.outbox.take()
    this.post()
  }

  async abandon(): Promise<void> {}
}
