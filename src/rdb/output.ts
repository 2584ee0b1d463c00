/**
 * The bytes of a file on their way out: gathered, summed, handed on in pieces.
 */
import {Crc64} from '../bytes/crc64.js'
import {crcShifted, crcSum} from '../bytes/crc64-combine.js'
import type {ByteTarget} from '../bytes/target.js'
import {ByteWriter} from '../bytes/writer.js'

/** Larger pieces cost no fewer calls worth speaking of. */
const PIECE_BYTES = 256 * 1024
/** Above this, bytes are handed on as they are instead of being copied first. */
const DIRECT_BYTES = 16 * 1024

export class RdbOutput {
  readonly out: ByteWriter
  readonly #directBytes: number
  readonly #crc = new Crc64()
  /** What the checksum will have to be corrected by. */
  #correction = {high: 0, low: 0}
  /** Replacements, and how far from the end each ends: known once the end is. */
  readonly #replaced: {position: number; bytes: Uint8Array}[] = []
  #handedOn = 0

  /** `pieceBytes`: where many files are written side by side, less for each. */
  constructor(
    readonly target: ByteTarget,
    readonly pieceBytes = PIECE_BYTES,
  ) {
    this.#directBytes = Math.min(DIRECT_BYTES, pieceBytes)
    this.out = new ByteWriter(this.#roomBytes)
  }

  get #roomBytes(): number {
    return this.pieceBytes + 2 * this.#directBytes
  }

  /** Bytes so far. */
  get offset(): number {
    return this.#handedOn + this.out.length
  }

  /** To be called now and then. */
  settle(): void {
    if (this.out.length >= this.pieceBytes) this.flush()
  }

  /** `stay`: the bytes are those of a window, which stay as they are until the target has been drained twice. */
  take(bytes: Uint8Array, start: number, end: number, stay = false): void {
    if (end - start < this.#directBytes) {
      this.out.copy(bytes, start, end)
      this.settle()
    } else {
      this.flush()
      this.#handOn(bytes, start, end, stay)
    }
  }

  flush(): void {
    this.#handOn(this.out.bytes, 0, this.out.length)
    this.out.reset()
    // One of many files gives back what a large string took.
    if (this.pieceBytes < PIECE_BYTES && this.out.bytes.length > 2 * this.#roomBytes) {
      this.out.bytes = new Uint8Array(this.#roomBytes)
    }
  }

  /** Whether what was written can still be replaced. */
  get canReplace(): boolean {
    return this.target.rewrite !== undefined
  }

  /** Puts bytes in the place of as many zero bytes that were written there. */
  replaceZeros(position: number, bytes: Uint8Array): void {
    this.#replaced.push({position, bytes})
  }

  /** Flushes everything and returns the checksum of it. */
  finish(): {high: number; low: number} {
    this.flush()
    for (const {position, bytes} of this.#replaced) {
      const sum = new Crc64()
      sum.update(bytes, 0, bytes.length)
      const shifted = crcShifted(sum.digest(), this.#handedOn - position - bytes.length)
      this.#correction = crcSum(this.#correction, shifted)
      this.target.rewrite!(bytes, position)
    }
    return crcSum(this.#crc.digest(), this.#correction)
  }

  #handOn(bytes: Uint8Array, start: number, end: number, stay = false): void {
    if (end === start) return
    this.#crc.update(bytes, start, end)
    if (stay && this.target.writeLater !== undefined) this.target.writeLater(bytes, start, end)
    else this.target.write(bytes, start, end)
    this.#handedOn += end - start
  }
}
