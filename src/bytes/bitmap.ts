/** A set of non-negative integers, one bit each up to the largest. */
export class Bitmap {
  #bytes = new Uint8Array(1024)
  /** How many there are. */
  size = 0

  add(value: number): void {
    const at = Math.floor(value / 8)
    if (at >= this.#bytes.length) {
      const grown = new Uint8Array(Math.max(at + 1, this.#bytes.length * 2))
      grown.set(this.#bytes)
      this.#bytes = grown
    }
    const bit = 1 << (value % 8)
    if ((this.#bytes[at]! & bit) !== 0) return
    this.#bytes[at]! |= bit
    this.size++
  }

  has(value: number): boolean {
    const byte = this.#bytes[Math.floor(value / 8)]
    return byte !== undefined && (byte & (1 << (value % 8))) !== 0
  }
}
