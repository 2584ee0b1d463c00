/**
 * A growable append buffer.
 *
 *            bytes
 *   ┌─────────────────────┬──────────────┐
 *   │ written             │ room         │
 *   └─────────────────────┴──────────────┘
 *   0                     length         bytes.length
 *
 * It grows by doubling, and `bytes` is then another array: whoever writes into
 * reserved room fetches `bytes` after the reserve, not before.
 */

/** Below this a loop beats the call of `set` with its view. */
const COPY_BY_LOOP_BYTES = 48

const double = new DataView(new ArrayBuffer(8))

export class ByteWriter {
  bytes: Uint8Array
  length = 0

  constructor(initialBytes = 256) {
    this.bytes = new Uint8Array(initialBytes)
  }

  u8(value: number): void {
    const at = this.reserve(1)
    this.bytes[at] = value
  }

  u16le(value: number): void {
    const at = this.reserve(2)
    const bytes = this.bytes
    bytes[at] = value
    bytes[at + 1] = value >>> 8
  }

  u32le(value: number): void {
    const at = this.reserve(4)
    const bytes = this.bytes
    bytes[at] = value
    bytes[at + 1] = value >>> 8
    bytes[at + 2] = value >>> 16
    bytes[at + 3] = value >>> 24
  }

  u32be(value: number): void {
    const at = this.reserve(4)
    const bytes = this.bytes
    bytes[at] = value >>> 24
    bytes[at + 1] = value >>> 16
    bytes[at + 2] = value >>> 8
    bytes[at + 3] = value
  }

  /** Both signed and unsigned: the bits are the same. */
  i64le(high: number, low: number): void {
    this.u32le(low)
    this.u32le(high)
  }

  f64le(value: number): void {
    double.setFloat64(0, value, true)
    this.u32le(double.getUint32(0, true))
    this.u32le(double.getUint32(4, true))
  }

  /** Makes room for n bytes, counts them as written, and returns where they start; their content is not cleared. */
  reserve(n: number): number {
    const at = this.length
    const end = at + n
    if (end > this.bytes.length) this.#grow(end)
    this.length = end
    return at
  }

  copy(bytes: Uint8Array, start: number, end: number): void {
    const n = end - start
    const at = this.reserve(n)
    const out = this.bytes
    if (n <= COPY_BY_LOOP_BYTES) {
      for (let i = 0; i < n; i++) out[at + i] = bytes[start + i]!
    } else {
      out.set(bytes.subarray(start, end), at)
    }
  }

  /** Text of code points below 128 (below 256, as latin1). */
  ascii(text: string): void {
    const at = this.reserve(text.length)
    const out = this.bytes
    for (let i = 0; i < text.length; i++) out[at + i] = text.charCodeAt(i)
  }

  /** Forgets what was written and keeps the room. */
  reset(): void {
    this.length = 0
  }

  /** What was written, lent: valid until the next write. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }

  #grow(need: number): void {
    const grown = new Uint8Array(Math.max(need, this.bytes.length * 2))
    grown.set(this.bytes.subarray(0, this.length))
    this.bytes = grown
  }
}
