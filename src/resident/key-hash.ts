/**
 * The hash of a member of a table: keyed, so that whoever chose the members does not know which collide.
 *
 *   hash   upper half of the sum, modulo 2^64, of each word of 32 bits times a number of 64 bits drawn for its place;
 *          the length is the first word, the last one is filled with zeros
 *
 * Of two strings, whatever they are, that is the same once in 2^32 draws (multilinear hashing: Carter and Wegman, 1979;
 * Lemire and Kaser, 2014): enough here, since a log is written before the numbers are drawn. The replay kernel takes it
 * in a quarter of a fingerprint's time. Longer members have a fingerprint.
 */
import {Fingerprinter} from '../keyspace/fingerprint.js'

/** So that sums of products of 32 and 16 bits are exact in a double. */
const WORDS_MAX = 28
const BYTES_MAX = 4 * WORDS_MAX
const PLACES = WORDS_MAX + 1

const drawn = crypto.getRandomValues(new Uint32Array(2 * PLACES))
const lows = Float64Array.from({length: PLACES}, (_, i) => drawn[2 * i]!)
const highs = Int32Array.from({length: PLACES}, (_, i) => drawn[2 * i + 1]!)
const fingerprints = new Fingerprinter()

export function hashOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start
  if (length > BYTES_MAX) {
    fingerprints.take(0, bytes, start, end)
    return fingerprints.high
  }
  // The lower half of a number times either half of the word; the upper one times the word, of which the lower half counts.
  let low = lows[0]! * length
  let middle = 0
  let high = Math.imul(highs[0]!, length)
  for (let p = start, place = 1; p < end; p += 4, place++) {
    const c = bytes[p]! | (p + 1 < end ? bytes[p + 1]! << 8 : 0)
    const d = p + 2 < end ? bytes[p + 2]! | (p + 3 < end ? bytes[p + 3]! << 8 : 0) : 0
    low += lows[place]! * c
    middle += lows[place]! * d
    high = (high + Math.imul(highs[place]!, c | (d << 16))) | 0
  }
  const carried = Math.floor((low + (middle % 2 ** 16) * 2 ** 16) / 2 ** 32)
  return (high + carried + Math.floor(middle / 2 ** 16)) | 0
}

/** What the replay kernel takes the same hashes with: the numbers, and what fingerprints begin with. */
export function putHashKeys(numbers: Uint32Array, state: Uint32Array): void {
  numbers.set(drawn)
  fingerprints.putState(0, state)
}
