/** Reads the records that diff-spread.ts writes. */
import {type Int64, readUint32le, signedInt64, unsignedInt64} from '../bytes/int64.js'
import {LentBytes} from '../bytes/lent.js'
import {STREAM_ID_BYTES, StreamId} from '../encoding/stream-id.js'

const double = new DataView(new ArrayBuffer(8))

export class RecordReader {
  at = 0
  #bytes: Uint8Array = new Uint8Array(0)

  open(bytes: Uint8Array, at: number): this {
    this.#bytes = bytes
    this.at = at
    return this
  }

  u8(): number {
    return this.#bytes[this.at++]!
  }

  u32be(): number {
    const bytes = this.#bytes
    const at = this.at
    this.at += 4
    return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
  }

  pair(): number {
    const high = (this.u8() << 8) | this.u8()
    return high * 2 ** 32 + this.u32be()
  }

  f64(): number {
    for (let i = 0; i < 8; i++) double.setUint8(i, this.#bytes[this.at + i]!)
    this.at += 8
    return double.getFloat64(0, true)
  }

  integer(): Int64 {
    const low = readUint32le(this.#bytes, this.at)
    const high = readUint32le(this.#bytes, this.at + 4) | 0
    this.at += 8
    return signedInt64(high, low)
  }

  /** One of an array: unsigned, its upper half first. */
  index(): Int64 {
    const high = this.u32be()
    return unsignedInt64(high, this.u32be())
  }

  /** Undefined: it is not told. */
  told(): Int64 | undefined {
    const told = this.u8() === 1
    const value = this.integer()
    return told ? value : undefined
  }

  id(): StreamId {
    const id = new StreamId()
    id.readBE(this.#bytes, this.at)
    this.at += STREAM_ID_BYTES
    return id
  }

  /** A copy of a name that something follows. */
  name(): Uint8Array {
    const length = this.u32be()
    const start = this.at
    this.at += length
    return this.#bytes.slice(start, this.at)
  }

  /** A copy of what there is up to the end. */
  rest(end: number): Uint8Array {
    return this.#bytes.slice(this.at, end)
  }

  copyRest(end: number): LentBytes {
    const copy = this.rest(end)
    const lent = new LentBytes(0)
    lent.lend(copy, 0, copy.length)
    return lent
  }
}
