/**
 * The last part of a command stream, by offset: what replicas that were away for a while are given again, and what a slow one
 * has not taken yet.
 *
 * Byte n of the stream has the offset n; the first one after a snapshot at offset o is o + 1.
 */
export class Backlog {
  readonly #ring: Uint8Array
  /** Of the last byte. */
  #end: number
  #kept = 0

  /** The stream begins behind `offset`; of it the last `bytesMax` bytes are kept. */
  constructor(bytesMax: number, offset: number) {
    this.#ring = new Uint8Array(bytesMax)
    this.#end = offset
  }

  /** Offset of the last byte of the stream. */
  get end(): number {
    return this.#end
  }

  /** Offset of the first byte that is kept; behind the end where none is. */
  get first(): number {
    return this.#end - this.#kept + 1
  }

  get bytesMax(): number {
    return this.#ring.length
  }

  feed(bytes: Uint8Array): void {
    const {length} = this.#ring
    const tail = bytes.length > length ? bytes.subarray(bytes.length - length) : bytes
    this.#end += bytes.length
    const at = (this.#end - tail.length) % length
    const straight = Math.min(tail.length, length - at)
    this.#ring.set(tail.subarray(0, straight), at)
    this.#ring.set(tail.subarray(straight), 0)
    this.#kept = Math.min(this.#kept + bytes.length, length)
  }

  /** Whether everything from `offset` on is kept; what is behind the end by one is an empty continuation. */
  holds(offset: number): boolean {
    return offset >= this.first && offset <= this.#end + 1
  }

  /** A copy of what is kept from `offset` on, up to so many bytes; `offset` must be held. */
  read(offset: number, bytesMax: number): Uint8Array {
    const bytes = new Uint8Array(Math.min(bytesMax, this.#end - offset + 1))
    const at = (offset - 1) % this.#ring.length
    const straight = this.#ring.subarray(at, at + bytes.length)
    bytes.set(straight)
    bytes.set(this.#ring.subarray(0, bytes.length - straight.length), straight.length)
    return bytes
  }
}
