/**
 * Whether a score of a sorted set is no number, while the set is copied as it is stored, in whatever pieces it comes:
 *
 *   5  ZSET_2   <count> (<string> <binary64 LE>)*
 *
 * Lengths are believed: whoever reads the set sees to them.
 */
import {BINARY_SCORE_BYTES, isNoNumber} from '../../encoding/score.js'

/** Encoding and two lengths: what stands before the bytes of a string. */
const HEAD_BYTES_MAX = 19
/** Of two pieces what is in neither whole. */
const SEAM_BYTES = 64
const LONG_LENGTH = 0x81

export class ScoreWatch {
  /** Members still to come; -1: how many is not known yet. */
  #left = -1
  #behindMember = false
  /** Of the pieces to come so many bytes are passed over. */
  #skip = 0
  /** What the pieces so far ended with, too short to be read. */
  readonly #seam = new Uint8Array(SEAM_BYTES)
  #held = 0
  /** A score is no number. */
  found = false
  /** Behind the length that was read last, which is: */
  #at = 0
  #length = 0

  begin(): void {
    this.#left = -1
    this.#skip = this.#held = 0
    this.#behindMember = this.found = false
  }

  /** Takes the next piece. */
  push(bytes: Uint8Array, start: number, end: number): void {
    let at = start + this.#skip
    if (at >= end) {
      this.#skip = at - end
      return
    }
    this.#skip = 0
    if (this.#held > 0) {
      const seam = this.#seam
      const had = this.#held
      this.#held = 0
      const taken = Math.min(end - at, SEAM_BYTES - had)
      seam.set(bytes.subarray(at, at + taken), had)
      const reached = this.#walk(seam, 0, had + taken, false)
      if (reached < had) {
        // The piece was short, and is in it whole.
        this.#hold(seam, reached, had + taken)
        return
      }
      at += reached - had
    }
    const reached = at < end ? this.#walk(bytes, at, end, false) : at
    if (reached >= end) this.#skip = reached - end
    else this.#hold(bytes, reached, end)
  }

  /** No more follows. */
  end(): void {
    this.#seam.fill(0, this.#held)
    this.#walk(this.#seam, 0, this.#held, true)
  }

  #hold(bytes: Uint8Array, start: number, end: number): void {
    this.#seam.set(bytes.subarray(start, end), 0)
    this.#held = end - start
  }

  /** Returns where something begins that goes on behind `end`; that may be behind it itself. */
  #walk(bytes: Uint8Array, start: number, end: number, isLast: boolean): number {
    const headEnd = isLast ? end : end - HEAD_BYTES_MAX
    let at = start
    if (this.#left < 0) {
      if (at > headEnd) return at
      this.#readLength(bytes, at)
      at = this.#at
      this.#left = this.#length
    }
    while (this.#left > 0) {
      if (!this.#behindMember) {
        if (at > headEnd) return at
        at = this.#behindString(bytes, at)
        this.#behindMember = true
      }
      if (at + BINARY_SCORE_BYTES > end) return at
      if (isNoNumber(bytes, at)) this.found = true
      at += BINARY_SCORE_BYTES
      this.#behindMember = false
      this.#left--
    }
    return at
  }

  #behindString(bytes: Uint8Array, at: number): number {
    const first = bytes[at]!
    if (first < 0x40) return at + 1 + first
    if (first >= 0xc0 && first <= 0xc2) return at + 1 + (1 << (first & 3))
    if (first < 0xc0) {
      this.#readLength(bytes, at)
      return this.#at + this.#length
    }
    this.#readLength(bytes, at + 1)
    const packed = this.#length
    this.#readLength(bytes, this.#at)
    return this.#at + packed
  }

  #readLength(bytes: Uint8Array, at: number): void {
    const first = bytes[at]!
    if (first < 0x40) {
      this.#length = first
      this.#at = at + 1
    } else if (first < 0x80) {
      this.#length = ((first & 0x3f) << 8) | bytes[at + 1]!
      this.#at = at + 2
    } else if (first === LONG_LENGTH) {
      this.#length = uint32At(bytes, at + 1) * 2 ** 32 + uint32At(bytes, at + 5)
      this.#at = at + 9
    } else {
      this.#length = uint32At(bytes, at + 1)
      this.#at = at + 5
    }
  }
}

function uint32At(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}
