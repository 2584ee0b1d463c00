/**
 * A stream ID: two unsigned 64-bit integers, compared in this order.
 *
 *   <ms: u64be> <seq: u64be>         as stored, 16 bytes
 *   ms-seq                           as text, decimal
 *
 * Kept as 32-bit halves, since clients may use any ID up to
 * 18446744073709551615-18446744073709551615 and none may be rounded.
 */
import {
  addHalves,
  compareHalves,
  formatUint64,
  type Int64,
  parseUint64,
  splitInt64,
  subtractHalves,
  unsignedInt64,
} from '../bytes/int64.js'

/** Bytes of a stored ID. */
export const STREAM_ID_BYTES = 16
/** Bytes of the longest ID as text. */
export const STREAM_ID_TEXT_BYTES_MAX = 41

const DASH = 0x2d
const halves = {high: 0, low: 0}
const text = new Uint8Array(STREAM_ID_TEXT_BYTES_MAX)

export class StreamId {
  /** All four are unsigned 32-bit integers. */
  msHigh = 0
  msLow = 0
  seqHigh = 0
  seqLow = 0

  /** The ID of `ms` and `seq`, both 0 … 2^64 - 1. */
  static of(ms: Int64, seq: Int64): StreamId {
    const id = new StreamId()
    id.setMs(ms)
    id.setSeq(seq)
    return id
  }

  /** Reads "ms-seq", or "ms" which means "ms-0"; undefined for anything else. */
  static parse(source: string): StreamId | undefined {
    const match = /^(\d{1,20})(?:-(\d{1,20}))?$/.exec(source)
    if (match === null) return undefined
    const id = new StreamId()
    if (!parsePart(match[1]!)) return undefined
    id.msHigh = halves.high
    id.msLow = halves.low
    if (!parsePart(match[2] ?? '0')) return undefined
    id.seqHigh = halves.high
    id.seqLow = halves.low
    return id
  }

  /** Becomes the ID spelled "ms-seq" in bytes[start … end); false, and unchanged, where that is none. */
  parseBytes(bytes: Uint8Array, start: number, end: number): boolean {
    let dash = start
    while (dash < end && bytes[dash] !== DASH) dash++
    if (!parseUint64(bytes, start, dash, halves)) return false
    const msHigh = halves.high
    const msLow = halves.low
    if (!parseUint64(bytes, dash + 1, end, halves)) return false
    this.msHigh = msHigh
    this.msLow = msLow
    this.seqHigh = halves.high
    this.seqLow = halves.low
    return true
  }

  get ms(): Int64 {
    return unsignedInt64(this.msHigh, this.msLow)
  }

  get seq(): Int64 {
    return unsignedInt64(this.seqHigh, this.seqLow)
  }

  get isZero(): boolean {
    return (this.msHigh | this.msLow | this.seqHigh | this.seqLow) === 0
  }

  setMs(ms: Int64): void {
    splitInt64(ms, halves)
    this.msHigh = halves.high >>> 0
    this.msLow = halves.low
  }

  setSeq(seq: Int64): void {
    splitInt64(seq, halves)
    this.seqHigh = halves.high >>> 0
    this.seqLow = halves.low
  }

  /** Becomes equal to another ID. */
  set(other: StreamId): void {
    this.msHigh = other.msHigh
    this.msLow = other.msLow
    this.seqHigh = other.seqHigh
    this.seqLow = other.seqLow
  }

  /** A copy that the caller owns. */
  copy(): StreamId {
    const id = new StreamId()
    id.set(this)
    return id
  }

  /** Reads the 16 bytes at bytes[at]. */
  readBE(bytes: Uint8Array, at: number): void {
    this.msHigh = readUint32be(bytes, at)
    this.msLow = readUint32be(bytes, at + 4)
    this.seqHigh = readUint32be(bytes, at + 8)
    this.seqLow = readUint32be(bytes, at + 12)
  }

  /** Writes 16 bytes at out[at]. */
  writeBE(out: Uint8Array, at: number): void {
    writeUint32be(out, at, this.msHigh)
    writeUint32be(out, at + 4, this.msLow)
    writeUint32be(out, at + 8, this.seqHigh)
    writeUint32be(out, at + 12, this.seqLow)
  }

  /** Adds to both parts, each wrapping modulo 2^64 as in a server; a negative difference is its two's complement. */
  add(msHigh: number, msLow: number, seqHigh: number, seqLow: number): void {
    addHalves(this.msHigh, this.msLow, msHigh, msLow, halves)
    this.msHigh = halves.high >>> 0
    this.msLow = halves.low
    addHalves(this.seqHigh, this.seqLow, seqHigh, seqLow, halves)
    this.seqHigh = halves.high >>> 0
    this.seqLow = halves.low
  }

  /** Becomes the difference of two IDs, part by part, wrapping: what `add` turns `b` into `a` with. */
  subtract(a: StreamId, b: StreamId): void {
    subtractHalves(a.msHigh, a.msLow, b.msHigh, b.msLow, halves)
    this.msHigh = halves.high >>> 0
    this.msLow = halves.low
    subtractHalves(a.seqHigh, a.seqLow, b.seqHigh, b.seqLow, halves)
    this.seqHigh = halves.high >>> 0
    this.seqLow = halves.low
  }

  /** Negative, zero or positive as this ID comes before, is, or comes after the other. */
  compare(other: StreamId): number {
    const order = compareHalves(this.msHigh, this.msLow, other.msHigh, other.msLow)
    return order !== 0 ? order : compareHalves(this.seqHigh, this.seqLow, other.seqHigh, other.seqLow)
  }

  /** Spells "ms-seq" at out[at] and returns where it ends: at most 41 bytes further. */
  format(out: Uint8Array, at: number): number {
    const dash = formatUint64(this.msHigh, this.msLow, out, at)
    out[dash] = DASH
    return formatUint64(this.seqHigh, this.seqLow, out, dash + 1)
  }

  toString(): string {
    return String.fromCharCode(...text.subarray(0, this.format(text, 0)))
  }
}

function parsePart(digits: string): boolean {
  for (let i = 0; i < digits.length; i++) text[i] = digits.charCodeAt(i)
  return parseUint64(text, 0, digits.length, halves)
}

function readUint32be(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}

function writeUint32be(out: Uint8Array, at: number, value: number): void {
  out[at] = value >>> 24
  out[at + 1] = value >>> 16
  out[at + 2] = value >>> 8
  out[at + 3] = value
}
