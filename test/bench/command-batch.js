/**
 * Commands as bytes, straight into one reused buffer: a corpus is made of tens of millions of arguments, and a string or a
 * view for each of them would cost more than the server needs to take them.
 */

const BATCH_BYTES = 1 << 20
const CRLF = Buffer.from('\r\n')

export class CommandBatch {
  constructor() {
    this.bytes = Buffer.allocUnsafe(BATCH_BYTES * 2)
    this.length = 0
    this.commands = 0
  }

  /** Enough was written to be sent. */
  get full() {
    return this.length >= BATCH_BYTES
  }

  /** What was written, as its own bytes; the buffer starts anew. */
  take() {
    const batch = {bytes: Buffer.from(this.bytes.subarray(0, this.length)), commands: this.commands}
    this.length = 0
    this.commands = 0
    return batch
  }

  /**
   * The head of a command; `count` arguments must follow, the name among them.
   * @param {number} count
   */
  begin(count) {
    this.commands++
    this.head(0x2a, count)
    return this
  }

  /**
   * @param {number} kind
   * @param {number} value
   */
  head(kind, value) {
    this.reserve(16)
    this.bytes[this.length++] = kind
    this.length += this.bytes.latin1Write(String(value), this.length)
    this.length += CRLF.copy(this.bytes, this.length)
  }

  /**
   * An argument of plain ASCII text, or a number.
   * @param {string | number} value
   */
  add(value) {
    const text = typeof value === 'number' ? String(value) : value
    this.head(0x24, text.length)
    this.reserve(text.length + 2)
    this.length += this.bytes.latin1Write(text, this.length)
    this.length += CRLF.copy(this.bytes, this.length)
    return this
  }

  /**
   * An argument that is a part of other bytes.
   * @param {Uint8Array} source
   * @param {number} start
   * @param {number} end
   */
  addBytes(source, start, end) {
    this.head(0x24, end - start)
    this.reserve(end - start + 2)
    this.bytes.set(source.subarray(start, end), this.length)
    this.length += end - start
    this.length += CRLF.copy(this.bytes, this.length)
    return this
  }

  /** @param {number} more */
  reserve(more) {
    if (this.length + more <= this.bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, this.length + more))
    this.bytes.copy(grown, 0, 0, this.length)
    this.bytes = grown
  }
}
