/**
 * Where the payload of a full resync ends: after so many bytes, or before a mark of 40 bytes that may lie across any
 * number of pieces.
 *
 *   disk       $<bytes>\r\n       <RDB>                        what follows is the stream
 *   diskless   $EOF:<mark>\r\n    <RDB><mark>                  the same
 */
import {MARK_BYTES, type PayloadHeader} from './replies.js'

/** Takes a part of the payload, lent. */
export type PayloadSink = (bytes: Uint8Array, start: number, end: number) => void

export interface PayloadFraming {
  /** Passes on what belongs to the payload; returns where in the piece it has ended, or -1. */
  push(bytes: Uint8Array, start: number, end: number, sink: PayloadSink): number
}

export function payloadFraming(header: PayloadHeader): PayloadFraming {
  return header.transfer === 'disk' ? new LengthFraming(header.bytes) : new MarkFraming(header.mark)
}

class LengthFraming implements PayloadFraming {
  constructor(public bytesLeft: number) {}

  push(bytes: Uint8Array, start: number, end: number, sink: PayloadSink): number {
    const taken = Math.min(end - start, this.bytesLeft)
    if (taken > 0) sink(bytes, start, start + taken)
    this.bytesLeft -= taken
    return this.bytesLeft === 0 ? start + taken : -1
  }
}

/** The last bytes of each piece are held back as long as the mark may begin in them. */
class MarkFraming implements PayloadFraming {
  readonly #mark: Buffer
  /** What is held back, and room for as much of the next piece. */
  readonly #seam = Buffer.alloc(2 * (MARK_BYTES - 1))
  #held = 0

  constructor(mark: Uint8Array) {
    this.#mark = Buffer.from(mark)
  }

  push(bytes: Uint8Array, start: number, end: number, sink: PayloadSink): number {
    const across = this.#acrossSeam(bytes, start, end, sink)
    if (across >= 0) return across
    const piece = Buffer.from(bytes.buffer, bytes.byteOffset, end)
    const at = piece.indexOf(this.#mark, start)
    if (at >= 0) {
      this.#release(this.#held, sink)
      if (at > start) sink(bytes, start, at)
      return at + MARK_BYTES
    }
    this.#hold(bytes, start, end, sink)
    return -1
  }

  /** Looks for a mark that begins in what was held back. */
  #acrossSeam(bytes: Uint8Array, start: number, end: number, sink: PayloadSink): number {
    if (this.#held === 0) return -1
    const joined = this.#held + Math.min(end - start, MARK_BYTES - 1)
    this.#seam.set(bytes.subarray(start, start + joined - this.#held), this.#held)
    const at = this.#seam.subarray(0, joined).indexOf(this.#mark)
    if (at < 0) return -1
    const held = this.#held
    if (at > 0) sink(this.#seam, 0, at)
    this.#held = 0
    return start + at + MARK_BYTES - held
  }

  /** Passes on all but the last bytes of what is held back and the piece. */
  #hold(bytes: Uint8Array, start: number, end: number, sink: PayloadSink): void {
    const spare = Math.max(this.#held + (end - start) - (MARK_BYTES - 1), 0)
    const fromHeld = Math.min(spare, this.#held)
    this.#release(fromHeld, sink)
    const passed = start + spare - fromHeld
    if (passed > start) sink(bytes, start, passed)
    this.#seam.set(bytes.subarray(passed, end), this.#held)
    this.#held += end - passed
  }

  #release(count: number, sink: PayloadSink): void {
    if (count === 0) return
    sink(this.#seam, 0, count)
    this.#seam.copyWithin(0, count, this.#held)
    this.#held -= count
  }
}
