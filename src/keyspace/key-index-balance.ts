/**
 * What two sources have in common, seen at once: for each of many shares of all fingerprints the digests of the first are
 * added up, those of the second subtracted.
 *
 *   share   upper 16 bits of the fingerprint
 *   sum     four words, each modulo 2^32
 *
 * Where a sum is nothing, both hold the same entries of that share: digests have 128 bits and are keyed, others come to
 * nothing once in 2^128. Only the records of other shares need to be looked at.
 */
import {RECORD_WORDS, type Records} from './key-index-records.js'

const SHARE_BITS = 16
const SUM_WORDS = 4

export class Balance {
  /** Where the offsets of the second source begin. */
  readonly boundary: number
  readonly #word: number
  readonly sums = new Int32Array(SUM_WORDS << SHARE_BITS)

  constructor({boundary, word}: {boundary: number; word: number}) {
    this.boundary = boundary
    this.#word = RECORD_WORDS + word
  }

  /** Adds the record at a word. */
  add(words: Int32Array, at: number, offset: number): void {
    this.addAll(words, at, at + 1, 1, offset)
  }

  /** Adds the records of [from, to), all of the source that an offset of one of them tells. */
  addAll(words: Int32Array, from: number, to: number, width: number, offset: number): void {
    const sums = this.sums
    const sign = offset < this.boundary ? 1 : -1
    for (let at = from; at < to; at += width) {
      const share = (words[at]! >>> (32 - SHARE_BITS)) * SUM_WORDS
      const digest = at + this.#word
      sums[share]! += sign * words[digest]!
      sums[share + 1]! += sign * words[digest + 1]!
      sums[share + 2]! += sign * words[digest + 2]!
      sums[share + 3]! += sign * words[digest + 3]!
    }
  }

  /** Adds what another balance of the same kind has come to. */
  addSums(others: Int32Array): void {
    const {sums} = this
    for (let i = 0; i < sums.length; i++) sums[i]! += others[i]!
  }

  /** Brings the records of shares that differ to the front, and says where they end. */
  bringForward(records: Records): number {
    const {words, used, width} = records
    let end = 0
    for (let at = 0; at < used; at += width) {
      if (!this.#differs(words[at]!)) continue
      for (let i = 0; i < width; i++) {
        const held = words[end + i]!
        words[end + i] = words[at + i]!
        words[at + i] = held
      }
      end += width
    }
    return end
  }

  clear(): void {
    this.sums.fill(0)
  }

  #differs(high: number): boolean {
    const sums = this.sums
    const share = (high >>> (32 - SHARE_BITS)) * SUM_WORDS
    return (sums[share]! | sums[share + 1]! | sums[share + 2]! | sums[share + 3]!) !== 0
  }
}
