/**
 * Bytes lent, not given: whoever read them says where they lie, and they stay
 * valid only until the next read into the same object. No view is made
 * (a `subarray` per element was measured at 170 ns, passing three fields at 2).
 */

const NOTHING = new Uint8Array(0)

export class LentBytes {
  bytes: Uint8Array = NOTHING
  start = 0
  end = 0
  /** Where an integer-encoded element is spelled out before it is lent. */
  readonly digits = new Uint8Array(24)

  /**
   * `slot` names the decompression buffer that a compressed element is lent
   * from: two elements lent together (a field and its value) need different ones.
   */
  constructor(readonly slot: 0 | 1 = 0) {}

  lend(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes
    this.start = start
    this.end = end
  }

  /** A copy that the caller owns. */
  copy(): Uint8Array {
    return this.bytes.slice(this.start, this.end)
  }
}
