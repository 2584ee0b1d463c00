/**
 * A read position inside a window of the input.
 *
 *            bytes
 *   ┌──────────┬──────────────┬─────────────────┐
 *   │ delivered│ being read   │ not yet read    │
 *   └──────────┴──────────────┴─────────────────┘
 *              safe           pos               end
 *
 * Reads are synchronous. When the window is too short they throw STARVED; the
 * caller rewinds to the last commit, refills, and runs the same code again. So
 * the grammar of a format is written once, as straight-line code, and the only
 * `await` is between windows.
 *
 * `pos` may run past `end`: bytes that are skipped need not be there yet. The
 * next refill discards what was skipped, so skipping 512 MB takes no memory.
 */
import {FormatError, LimitError} from '../errors.js'
import {limits} from '../limits.js'
import {type Checksum64, Crc64, type SummedWindow} from './crc64.js'
import {type Int64, signedInt64} from './int64.js'

/** Thrown when the window ends inside something; never shown to users. */
export const STARVED: Error = Object.freeze(new Error('the window ends here: refill and read again'))

/** A grown window above this is given back as soon as it is no longer needed. */
const GROWN_KEPT_BYTES = 4 * 1024 * 1024

export class ByteCursor {
  bytes: Uint8Array = new Uint8Array(0)
  pos = 0
  end = 0
  /** Absolute offset of bytes[0]; negative when the window has headroom before the input's first byte. */
  base = 0
  /** No refill will come: what is missing now is missing for good. */
  ended = false
  #safe = 0
  /** bytes[0, #summed) are in the checksum, or lie before the input. */
  #summed = 0
  /** Absolute offset that the starved read wanted to reach. */
  #wanted = 0
  #grown: Uint8Array | undefined
  readonly #checksum = new Crc64()

  /**
   * `inputBytes` is the size of the input, Infinity where nobody knows it beforehand; `summing`: whether anybody will ask
   * for the checksum; `wholeBytesMax`: what may be read in one piece.
   */
  constructor(
    readonly inputBytes: number = Number.POSITIVE_INFINITY,
    readonly summing = true,
    public wholeBytesMax = limits.elementBytesMax,
  ) {}

  /** Absolute position in the input. */
  get offset(): number {
    return this.base + this.pos
  }

  /** The most bytes that can still follow: no count of elements can exceed it. */
  get bytesLeftMax(): number {
    return this.inputBytes - this.offset
  }

  /** Start of the bytes that have not been delivered. */
  get safe(): number {
    return this.#safe
  }

  u8(): number {
    if (this.pos >= this.end) this.#starve(1)
    return this.bytes[this.pos++]!
  }

  /** The next byte without taking it. */
  peek(): number {
    if (this.pos >= this.end) this.#starve(1)
    return this.bytes[this.pos]!
  }

  u16le(): number {
    const p = this.take(2)
    return this.bytes[p]! | (this.bytes[p + 1]! << 8)
  }

  u32be(): number {
    const p = this.take(4)
    const b = this.bytes
    return ((b[p]! << 24) | (b[p + 1]! << 16) | (b[p + 2]! << 8) | b[p + 3]!) >>> 0
  }

  u32le(): number {
    const p = this.take(4)
    const b = this.bytes
    return (b[p]! | (b[p + 1]! << 8) | (b[p + 2]! << 16) | (b[p + 3]! << 24)) >>> 0
  }

  /** A signed 64-bit integer: a time, as a rule. */
  i64le(): Int64 {
    const low = this.u32le()
    return signedInt64(this.u32le() | 0, low)
  }

  /** Reserves n bytes and returns where they start: no view object is made. */
  take(n: number): number {
    const start = this.pos
    if (n > this.end - start) this.#starve(n)
    this.pos = start + n
    return start
  }

  /** Takes what there is of n bytes, at least one, and returns how many. */
  some(n: number): number {
    if (this.pos >= this.end) this.#starve(1)
    const taken = Math.min(n, this.end - this.pos)
    this.pos += taken
    return taken
  }

  /** Waits until everything passed over has arrived. */
  arrive(): void {
    if (this.pos <= this.end) return
    this.#safe = this.pos
    this.#starve(0)
  }

  /** Throws STARVED, unless there is nothing to wait for, or nobody knows whether there is: a pipe may stay open behind its last byte. */
  awaitMore(): void {
    if (this.ended || this.inputBytes === Number.POSITIVE_INFINITY || this.base + this.end >= this.inputBytes) return
    this.#wanted = this.base + this.end + 1
    throw STARVED
  }

  /** Passes over n bytes, whether they are in the window or still to come. */
  skip(n: number): void {
    if (n > this.end - this.pos && n > this.bytesLeftMax) this.#truncated()
    this.pos += n
  }

  /** Moves on to a position that may lie beyond the window. */
  skipTo(pos: number): void {
    if (pos > this.end && this.base + pos > this.inputBytes) this.#truncated()
    this.pos = pos
  }

  /** First byte of the window that has neither been delivered nor passed over in an earlier one. */
  get fresh(): number {
    return this.#summed
  }

  /** Everything before here has been delivered; a rewind stops here. */
  commit(): void {
    this.#safe = this.pos
  }

  rewind(): void {
    this.pos = this.#safe
  }

  /**
   * Makes bytes[start, end) of a chunk follow what is not yet delivered. The
   * room before `start`, from `room` on, is the cursor's to write: a window that
   * keeps little moves it there, and the chunk itself is not copied.
   */
  refill(chunk: Uint8Array, start: number, end: number, room = 0): void {
    this.#sum(Math.min(this.#safe, this.end))
    const chunkOffset = this.base + this.end
    const kept = this.end - this.#safe
    if (kept > start - room) {
      this.#grow(kept, chunk, start, end)
      return
    }
    if (kept > 0) chunk.set(this.bytes.subarray(this.#safe, this.end), start - kept) // may overlap: both may be kernel memory
    if (this.#grown !== undefined && this.#grown.length > GROWN_KEPT_BYTES) this.#grown = undefined
    this.bytes = chunk
    this.base = chunkOffset - start
    this.end = end
    this.pos = this.#safe = start - kept
    this.#summed = kept > 0 ? this.#safe : start
  }

  /** Goes on at an offset, with bytes that another cursor has left unread. */
  continueAt(offset: number, bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes
    this.base = offset - start
    this.pos = this.#safe = this.#summed = start
    this.end = end
    this.ended = false
  }

  /** No more chunks will come. */
  finish(): void {
    this.ended = true
  }

  /** The checksum of every byte before the position: CRC-64 Jones, in file order. */
  checksum(): Crc64 {
    this.#sum(this.pos)
    return this.#checksum
  }

  /** The same up to a place in the window, no earlier than the one asked for before; undefined where nobody sums. */
  get summed(): SummedWindow | undefined {
    return this.summing ? this : undefined
  }

  checksumAt(place: number): Checksum64 {
    this.#sum(place)
    return this.#checksum.digest()
  }

  #sum(until: number): void {
    if (until <= this.#summed) return
    if (this.summing) this.#checksum.update(this.bytes, this.#summed, until)
    this.#summed = until
  }

  /** Keeps a long element together: appends the chunk to a buffer of our own. */
  #grow(kept: number, chunk: Uint8Array, start: number, end: number): void {
    const need = kept + (end - start)
    const grown = this.#grown
    if (grown !== undefined && this.bytes === grown && this.end + (end - start) <= grown.length) {
      grown.set(chunk.subarray(start, end), this.end)
      this.end += end - start
      this.pos = this.#safe
      return
    }
    let target = grown !== undefined && grown !== this.bytes && grown.length >= need ? grown : undefined
    target ??= new Uint8Array(Math.max(need, this.#growTo(need)))
    target.set(this.bytes.subarray(this.#safe, this.end), 0)
    target.set(chunk.subarray(start, end), kept)
    this.#grown = target
    this.base += this.#safe
    this.bytes = target
    this.end = need
    this.pos = this.#safe = this.#summed = 0
  }

  /** At once only where the input is known to hold the bytes; by doubling as they arrive otherwise. */
  #growTo(need: number): number {
    const wanted = this.#wanted - (this.base + this.#safe) + limits.windowBytes
    return this.inputBytes === Number.POSITIVE_INFINITY ? need * 2 : Math.max(wanted, need * 2)
  }

  #starve(n: number): never {
    if (n > this.bytesLeftMax) this.#truncated()
    if (this.ended) this.#truncated()
    const whole = this.pos + n - this.#safe
    if (whole > this.wholeBytesMax && this.#safe <= this.end) {
      throw new LimitError('elementBytesMax', this.wholeBytesMax, whole, this.base + this.#safe)
    }
    this.#wanted = this.base + this.pos + n
    throw STARVED
  }

  #truncated(): never {
    const known = this.inputBytes !== Number.POSITIVE_INFINITY && !this.ended
    // How many bytes are missing depends on how far this window let the reader look ahead: it is not told.
    throw new FormatError(
      'TRUNCATED',
      'the input ends here, though more must follow',
      known ? this.inputBytes : this.base + this.end,
    )
  }
}
