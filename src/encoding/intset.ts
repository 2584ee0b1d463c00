/**
 * intset: a set of integers in one blob, all of one width, ascending.
 *
 *   <width: u32le, 2 | 4 | 8> <count: u32le> <integer: signed, little-endian> * count
 *
 * A server widens a set and never narrows it again, so a reader takes a width
 * that is larger than the members need. Redis loads members in any order unless
 * told to sanitise, valkey 9.1 never: out of order is a remark, not an error.
 */
import {compareHalves, formatInt64, type Int64, parseInt64, readUint32le, splitInt64} from '../bytes/int64.js'
import type {LentBytes} from '../bytes/lent.js'
import {ByteWriter} from '../bytes/writer.js'
import {FormatError} from '../errors.js'

const HEADER_BYTES = 8

/** Reads the declared count of the intset in bytes[start, end), of which 8 bytes suffice; -1 where there are fewer. */
export function intsetCount(bytes: Uint8Array, start: number, end: number): number {
  return end - start < HEADER_BYTES ? -1 : readUint32le(bytes, start + 4)
}

/** Whether width and count in bytes[start, end), of which 8 suffice, make an intset of exactly `blobBytes`. */
export function intsetFills(bytes: Uint8Array, start: number, end: number, blobBytes: number): boolean {
  if (end - start < HEADER_BYTES) return false
  const width = readUint32le(bytes, start)
  const known = width === 2 || width === 4 || width === 8
  return known && HEADER_BYTES + readUint32le(bytes, start + 4) * width === blobBytes
}

/** Walks the members of one intset. */
export class IntsetWalker {
  count = 0
  width: 2 | 4 | 8 = 2
  /** Whether the members lent so far are strictly ascending. */
  sorted = true
  /** The member that `next` lent, as halves; `high` is signed, `low` unsigned. */
  high = 0
  low = 0
  /** Index in `bytes` of the next member. */
  position = 0
  #bytes: Uint8Array = new Uint8Array(0)
  #start = 0
  #end = 0

  /** Opens the intset that is exactly bytes[start, end). A FormatError's offset is the blob's own, or exact where told so. */
  open(bytes: Uint8Array, start: number, end: number, offset: number, exact = false): void {
    const size = end - start
    if (size < HEADER_BYTES) {
      throw new FormatError('BAD_INTSET', `an intset has at least 8 bytes, this one ${size}`, offset)
    }
    const width = readUint32le(bytes, start)
    if (width !== 2 && width !== 4 && width !== 8) {
      throw new FormatError('BAD_INTSET', `the width of an intset is 2, 4 or 8, this one's ${width}`, offset)
    }
    const count = readUint32le(bytes, start + 4)
    if (HEADER_BYTES + count * width !== size) {
      const why = `the intset claims ${count} members of ${width} bytes, but it is ${size} bytes long`
      throw new FormatError('BAD_INTSET', why, exact ? offset + 4 : offset)
    }
    this.count = count
    this.width = width
    this.sorted = true
    this.#bytes = bytes
    this.#start = start + HEADER_BYTES
    this.#end = end
    this.position = start + HEADER_BYTES
  }

  /** Lends the next member, spelled out in `into.digits`; false at the end. */
  next(into: LentBytes): boolean {
    if (!this.nextInt64()) return false
    into.lend(into.digits, 0, formatInt64(this.high, this.low, into.digits, 0))
    return true
  }

  /** Reads the next member into `high` and `low`; false at the end. */
  nextInt64(): boolean {
    const p = this.position
    if (p >= this.#end) return false
    const bytes = this.#bytes
    const width = this.width
    let low = bytes[p]! | (bytes[p + 1]! << 8)
    let high: number
    if (width === 2) {
      low = (low << 16) >> 16
      high = low >> 31
    } else {
      low |= (bytes[p + 2]! << 16) | (bytes[p + 3]! << 24)
      high = width === 4 ? low >> 31 : readUint32le(bytes, p + 4) | 0
    }
    low >>>= 0
    if (p > this.#start && compareHalves(this.high, this.low, high, low) >= 0) this.sorted = false
    this.high = high
    this.low = low
    this.position = p + width
    return true
  }
}

/** Builds one intset after another: members in any order, each once. */
export class IntsetBuilder {
  readonly #out = new ByteWriter(1024)
  /** low, high, low, high … of the members as they came. */
  #halves = new Int32Array(64)
  #count = 0
  /** No member so far was less than the one before. */
  #ascending = true
  /** The narrowest width that holds every member so far. */
  #width: 2 | 4 | 8 = 2
  /** Scratch for parsing; never read across calls. */
  readonly #parsed = {high: 0, low: 0}

  /** Members so far. */
  get count(): number {
    return this.#count
  }

  /** Bytes of the blob if it were finished now. */
  get blobBytes(): number {
    return HEADER_BYTES + this.#count * this.#width
  }

  /** Starts the next intset; what `finish` lent is gone. */
  reset(): void {
    this.#count = 0
    this.#ascending = true
    this.#width = 2
  }

  /** Adds the member that bytes[start, end) spell; false: they spell no canonical int64, nothing was added. */
  append(bytes: Uint8Array, start: number, end: number): boolean {
    if (!parseInt64(bytes, start, end, this.#parsed)) return false
    this.appendInt64(this.#parsed.high, this.#parsed.low)
    return true
  }

  /** Adds an integer; a number must be safe. */
  appendInteger(value: Int64): void {
    splitInt64(value, this.#parsed)
    this.appendInt64(this.#parsed.high, this.#parsed.low)
  }

  /** Adds high * 2^32 + low; `high` signed, `low` unsigned. */
  appendInt64(high: number, low: number): void {
    const at = 2 * this.#count++
    if (at === this.#halves.length) {
      const grown = new Int32Array(2 * at)
      grown.set(this.#halves)
      this.#halves = grown
    }
    const halves = this.#halves
    halves[at] = low
    halves[at + 1] = high
    const narrow = low | 0
    if (high !== narrow >> 31) this.#width = 8
    else if (this.#width === 2 && (narrow < -0x8000 || narrow > 0x7fff)) this.#width = 4
    if (at > 0 && compareHalves(halves[at - 1]!, halves[at - 2]! >>> 0, high, low) > 0) this.#ascending = false
  }

  /** Ends the intset and lends it: valid until the next `finish`. */
  finish(): Uint8Array {
    const out = this.#out
    const halves = this.#ascending ? this.#halves : this.#sorted()
    const width = this.#width
    out.reset()
    out.u32le(width)
    out.u32le(this.#count)
    for (let i = 0; i < this.#count; i++) {
      const low = halves[2 * i]!
      if (width === 2) out.u16le(low)
      else if (width === 4) out.u32le(low)
      else out.i64le(halves[2 * i + 1]!, low)
    }
    return out.view()
  }

  #sorted(): Int32Array {
    const halves = this.#halves
    const order = Array.from({length: this.#count}, (_, i) => 2 * i)
    order.sort((a, b) => compareHalves(halves[a + 1]!, halves[a]! >>> 0, halves[b + 1]!, halves[b]! >>> 0))
    const sorted = new Int32Array(2 * this.#count)
    for (const [i, at] of order.entries()) {
      sorted[2 * i] = halves[at]!
      sorted[2 * i + 1] = halves[at + 1]!
    }
    return sorted
  }
}
