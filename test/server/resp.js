/**
 * RESP2 for the tests: arguments to the bytes of a command, bytes to replies. Independent of src/resp on purpose: what
 * checks the product must not share its bugs.
 *
 *   command  *<n>\r\n  then n times  $<bytes>\r\n<argument>\r\n
 *   reply    +text  -error  :integer  $bytes  *array
 */

const CR = 0x0d
const INCOMPLETE = Symbol('incomplete')

/** An error reply of a server. */
export class ReplyError extends Error {
  name = 'ReplyError'
}

/**
 * @typedef {string | number | bigint | Uint8Array} Argument
 * @typedef {string | number | bigint | Buffer | null | ReplyError | Reply[]} Reply
 */

/**
 * One command as bytes.
 * @param {Argument[]} args
 * @returns {Buffer}
 */
export function encodeCommand(args) {
  const parts = [Buffer.from(`*${args.length}\r\n`)]
  for (const arg of args) {
    const bytes = arg instanceof Uint8Array ? arg : Buffer.from(String(arg))
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'))
  }
  return Buffer.concat(parts)
}

/** Replies out of chunks cut anywhere. Integers past 2^53 become bigint; bulk strings stay bytes. */
export class ReplyParser {
  /** @param {(reply: Reply) => void} onReply */
  constructor(onReply) {
    this.onReply = onReply
    this.bytes = Buffer.alloc(0)
    this.position = 0
    /** Bytes the window must hold before another try pays: a bulk of 512 MB is not searched again per chunk. */
    this.wanted = 0
    /** @type {Buffer[]} */
    this.chunks = []
    this.chunkBytes = 0
  }

  /** @param {Buffer} chunk */
  push(chunk) {
    this.chunks.push(chunk)
    this.chunkBytes += chunk.length
    if (this.bytes.length + this.chunkBytes < this.wanted) return
    this.bytes =
      this.chunks.length === 1 && this.bytes.length === 0 ? chunk : Buffer.concat([this.bytes, ...this.chunks])
    this.chunks = []
    this.chunkBytes = 0
    this.wanted = 0
    this.position = 0
    let done = 0
    while (done < this.bytes.length) {
      const reply = this.next()
      if (reply === INCOMPLETE) break
      done = this.position
      this.onReply(/** @type {Reply} */ (reply))
    }
    this.wanted = Math.max(0, this.wanted - done)
    this.bytes = this.bytes.subarray(done)
  }

  /** @returns {Reply | typeof INCOMPLETE} */
  next() {
    const end = this.bytes.indexOf('\r\n', this.position)
    if (end < 0) return INCOMPLETE
    const kind = this.bytes[this.position]
    const line = this.bytes.latin1Slice(this.position + 1, end)
    this.position = end + 2
    switch (kind) {
      case 0x2b:
        return line
      case 0x2d:
        return new ReplyError(line)
      case 0x3a:
        return Number.isSafeInteger(Number(line)) ? Number(line) : BigInt(line)
      case 0x24:
        return this.bulk(Number(line))
      case 0x2a:
        return this.array(Number(line))
      default:
        throw new Error(`not a RESP2 reply: byte ${kind} before ${JSON.stringify(line.slice(0, 40))}`)
    }
  }

  /** @param {number} length */
  bulk(length) {
    if (length < 0) return null
    const end = this.position + length
    if (end + 2 > this.bytes.length) {
      this.wanted = end + 2
      return INCOMPLETE
    }
    if (this.bytes[end] !== CR) throw new Error('a bulk reply is not followed by CRLF')
    const value = Buffer.from(this.bytes.subarray(this.position, end))
    this.position = end + 2
    return value
  }

  /** @param {number} count */
  array(count) {
    if (count < 0) return null
    const values = []
    for (let index = 0; index < count; index++) {
      const value = this.next()
      if (value === INCOMPLETE) return INCOMPLETE
      values.push(/** @type {Reply} */ (value))
    }
    return values
  }
}
