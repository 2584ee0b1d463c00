/**
 * A keyed 64-bit fingerprint of (database, bytes), as two halves: HalfSipHash-1-3
 * with 64 bits of output, the function that the Linux kernel keeps its own
 * hash tables with on 32-bit machines, in additions, rotations and xors of
 * 32-bit integers.
 *
 *   words absorbed, little-endian, one round each
 *   ┌──────────┬───────────┬─────┬───────────────────────────────┐      3 rounds ─► high
 *   │ database │ bytes 0…3 │ ... │ last 0…3 bytes, total length  │ ───► 3 rounds ─► low
 *   └──────────┴───────────┴─────┴───────────────────────────────┘
 *
 * Keyed, because a file may be hostile: of murmur3 and its like, pairs of
 * strings are known that collide under every seed (Aumasson and Bernstein,
 * SipHash, 2012); here whoever made the file would have to know the seed,
 * which is drawn anew for each index.
 *
 * Chance alone: among n distinct keys, n^2 / 2^65 pairs are expected to share a
 * fingerprint. That is one false suspicion in 3,700 files of 100 million keys
 * (2.7e-4), in 370,000 of 10 million; and a suspicion is confirmed by the keys
 * themselves before it becomes a finding.
 */

export class Fingerprinter {
  /** Upper half of the last fingerprint, as a signed integer. */
  high = 0
  /** Lower half of it. */
  low = 0
  #db = -1
  readonly #seedHigh: number
  readonly #seedLow: number
  // The state once the database has been absorbed: it is the same for all keys of a database.
  #state0 = 0
  #state1 = 0
  #state2 = 0
  #state3 = 0

  /** Drawn at random unless given: two that share a seed agree. */
  constructor(seed: Int32Array = crypto.getRandomValues(new Int32Array(2))) {
    this.#seedHigh = seed[0]! | 0
    this.#seedLow = seed[1]! | 0
    this.#enter(0)
  }

  /** Leaves the state that the fingerprints of a database begin with: whoever has it takes the same ones. */
  putState(db: number, into: Uint32Array): void {
    if (db !== this.#db) this.#enter(db)
    into[0] = this.#state0
    into[1] = this.#state1
    into[2] = this.#state2
    into[3] = this.#state3
  }

  /** Leaves the fingerprint of bytes[start … end) in a database in `high` and `low`. */
  take(db: number, bytes: Uint8Array, start: number, end: number): void {
    if (db !== this.#db) this.#enter(db)
    let v0 = this.#state0
    let v1 = this.#state1
    let v2 = this.#state2
    let v3 = this.#state3
    for (let p = start; ; p += 4) {
      const left = end - p
      let word = 0
      if (left > 3) {
        word = bytes[p]! | (bytes[p + 1]! << 8) | (bytes[p + 2]! << 16) | (bytes[p + 3]! << 24)
      } else {
        word = (end - start + 4) << 24
        if (left > 0) word |= bytes[p]!
        if (left > 1) word |= bytes[p + 1]! << 8
        if (left > 2) word |= bytes[p + 2]! << 16
      }
      v3 ^= word
      v0 = (v0 + v1) | 0
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
      v0 = (v0 << 16) | (v0 >>> 16)
      v2 = (v2 + v3) | 0
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
      v0 = (v0 + v3) | 0
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
      v2 = (v2 + v1) | 0
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
      v2 = (v2 << 16) | (v2 >>> 16)
      v0 ^= word
      if (left < 4) break
    }
    this.#finish(v0, v1, v2, v3)
  }

  #finish(s0: number, s1: number, s2: number, s3: number): void {
    let v0 = s0
    let v1 = s1
    let v2 = s2 ^ 0xee
    let v3 = s3
    for (let round = 0; round < 6; round++) {
      if (round === 3) {
        this.high = v1 ^ v3
        v1 ^= 0xdd
      }
      v0 = (v0 + v1) | 0
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
      v0 = (v0 << 16) | (v0 >>> 16)
      v2 = (v2 + v3) | 0
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
      v0 = (v0 + v3) | 0
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
      v2 = (v2 + v1) | 0
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
      v2 = (v2 << 16) | (v2 >>> 16)
    }
    this.low = v1 ^ v3
  }

  /** Starts the state from the seed and absorbs a database. */
  #enter(db: number): void {
    const word = db | 0
    let v0 = this.#seedLow
    let v1 = this.#seedHigh ^ 0xee
    let v2 = this.#seedLow ^ 0x6c796765
    let v3 = this.#seedHigh ^ 0x74656462 ^ word
    v0 = (v0 + v1) | 0
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
    v0 = (v0 << 16) | (v0 >>> 16)
    v2 = (v2 + v3) | 0
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
    v0 = (v0 + v3) | 0
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
    v2 = (v2 + v1) | 0
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
    v2 = (v2 << 16) | (v2 >>> 16)
    this.#state0 = v0 ^ word
    this.#state1 = v1
    this.#state2 = v2
    this.#state3 = v3
    this.#db = db
  }
}
