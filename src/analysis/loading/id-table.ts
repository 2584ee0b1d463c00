/**
 * IDs of 16 bytes, each with a number beside it: in a table of five words a row,
 * half empty.
 */
const WORDS = 5
const ROWS_FIRST = 64
const MIX = 0x9e3779b1

export class IdTable {
  count = 0
  #words = new Int32Array(WORDS * ROWS_FIRST)
  #mask = ROWS_FIRST - 1

  clear(): void {
    this.count = 0
    if (this.#mask >= ROWS_FIRST) {
      this.#words = new Int32Array(WORDS * ROWS_FIRST)
      this.#mask = ROWS_FIRST - 1
    } else {
      this.#words.fill(0)
    }
  }

  /** Adds the ID at bytes[at] with a number above 0; false where it is there already. */
  add(bytes: Uint8Array, at: number, value: number): boolean {
    if (2 * this.count > this.#mask) this.#grow()
    const row = this.#row(wordAt(bytes, at), wordAt(bytes, at + 4), wordAt(bytes, at + 8), wordAt(bytes, at + 12))
    if (this.#words[row + 4] !== 0) return false
    const words = this.#words
    for (let i = 0; i < 4; i++) words[row + i] = wordAt(bytes, at + 4 * i)
    words[row + 4] = value
    this.count++
    return true
  }

  /** The number beside the ID at bytes[at]; 0 where it is not there. */
  get(bytes: Uint8Array, at: number): number {
    return this.#words[this.#find(bytes, at) + 4]!
  }

  /** Gives the ID, which is there, another number. */
  set(bytes: Uint8Array, at: number, value: number): void {
    this.#words[this.#find(bytes, at) + 4] = value
  }

  /** How many have that number. */
  countOf(value: number): number {
    let count = 0
    for (let row = 4; row < this.#words.length; row += WORDS) if (this.#words[row] === value) count++
    return count
  }

  #find(bytes: Uint8Array, at: number): number {
    return this.#row(wordAt(bytes, at), wordAt(bytes, at + 4), wordAt(bytes, at + 8), wordAt(bytes, at + 12))
  }

  /** Where the ID is, or would be. */
  #row(a: number, b: number, c: number, d: number): number {
    const words = this.#words
    let hash = Math.imul(Math.imul(Math.imul(a ^ MIX, MIX) ^ b, MIX) ^ c, MIX) ^ d
    hash = Math.imul(hash ^ (hash >>> 15), MIX)
    for (let i = (hash ^ (hash >>> 13)) & this.#mask; ; i = (i + 1) & this.#mask) {
      const row = WORDS * i
      if (words[row + 4] === 0) return row
      if (words[row] === a && words[row + 1] === b && words[row + 2] === c && words[row + 3] === d) return row
    }
  }

  #grow(): void {
    const old = this.#words
    this.#mask = 2 * this.#mask + 1
    this.#words = new Int32Array(WORDS * (this.#mask + 1))
    for (let from = 0; from < old.length; from += WORDS) {
      if (old[from + 4] === 0) continue
      const row = this.#row(old[from]!, old[from + 1]!, old[from + 2]!, old[from + 3]!)
      for (let i = 0; i < WORDS; i++) this.#words[row + i] = old[from + i]!
    }
  }
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
}
