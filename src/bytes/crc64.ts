/**
 * CRC-64 "Jones", the checksum of RDB files and DUMP payloads.
 *
 *   polynomial 0xad93d23594c935a9 (reflected 0x95ac9329ac4bc9b5), bits reflected in and out, init 0, no final xor
 *   "123456789" -> e9c6d914c4b8d9ca; stored as 8 bytes, little-endian
 *
 * A checksum is two unsigned halves. The kernel works for two Crc64 at a time, of what is read and what is written;
 * whatever it has of one folds into the two halves at any moment (in some 20 us), so that is all a Crc64 keeps when
 * another takes its place.
 */
import {readUint32le} from './int64.js'
import {copyIn, kernel} from './kernel.js'

export interface Checksum64 {
  readonly high: number
  readonly low: number
}

/** What is read, with the checksum of all of it up to places in its window. */
export interface SummedWindow {
  /** Offset in the input of place 0. */
  readonly base: number
  /** Of places that do not descend. Each takes some 20 us. */
  checksumAt(place: number): Checksum64
}

// Below this, what is to be copied at both ends, and carried on, takes longer than copying all.
const IN_PLACE_BYTES_MIN = 64 * 1024
/** The recurrence takes so many at a time. */
const LANE_BYTES = 16

// Up to here the tables are as fast as a fold.
const TABLE_BYTES_MAX = 32 * 1024

/** Whose bytes lie in the blocks of the kernel's contexts. */
const owners: (Crc64 | undefined)[] = []
/** The context used last. */
let latest = 0

/** A running checksum. Any number may be used side by side; more than two that take turns between small updates cost a fold each. */
export class Crc64 {
  #high = 0
  #low = 0
  /** Bytes in the kernel's block; what the kernel took before them is not in the halves either. */
  #pending = 0
  /** The kernel's context; another may have it by now. */
  #context = 0

  /** Adds bytes[start, end). */
  update(bytes: Uint8Array, start: number, end: number): void {
    if (start >= end) return
    if (owners[this.#context] !== this) this.#takeKernel()
    latest = this.#context
    if (bytes === kernel().bytes && end - start >= IN_PLACE_BYTES_MIN) this.#updateInPlace(bytes, start, end)
    else this.#copyToBlock(bytes, start, end)
  }

  /** Bytes of the kernels' memory are taken where they lie: all but what is no multiple of 16, at either end. */
  #updateInPlace(bytes: Uint8Array, start: number, end: number): void {
    const {crcBlockAreas, crcBlock} = kernel()
    const block = crcBlockAreas[this.#context]!
    const whole = start + (-this.#pending & (LANE_BYTES - 1))
    this.#copyToBlock(bytes, start, whole)
    if (this.#pending > 0) crcBlock(this.#context, block.start, this.#pending)
    this.#pending = 0
    let at = whole
    while (end - at >= LANE_BYTES) {
      const taken = Math.min(end - at, block.bytes) & -LANE_BYTES
      crcBlock(this.#context, at, taken)
      at += taken
    }
    this.#copyToBlock(bytes, at, end)
  }

  #copyToBlock(bytes: Uint8Array, start: number, end: number): void {
    const {crcBlockAreas, crcBlock} = kernel()
    const block = crcBlockAreas[this.#context]!
    let at = start
    while (at < end) {
      const taken = Math.min(end - at, block.bytes - this.#pending)
      copyIn(bytes, at, at + taken, block.start + this.#pending)
      at += taken
      this.#pending += taken
      if (this.#pending === block.bytes) {
        crcBlock(this.#context, block.start, block.bytes)
        this.#pending = 0
      }
    }
  }

  /** Starts anew. */
  reset(): void {
    if (owners[this.#context] === this) owners[this.#context] = undefined
    this.#high = this.#low = this.#pending = 0
  }

  /** The checksum of what was added so far; more may be added after. */
  digest(): Checksum64 {
    this.#fold()
    return {high: this.#high, low: this.#low}
  }

  /** Upper 32 bits of the digest. */
  get high(): number {
    this.#fold()
    return this.#high
  }

  /** Lower 32 bits of the digest. */
  get low(): number {
    this.#fold()
    return this.#low
  }

  /** The digest as 16 digits, highest first. */
  hex(): string {
    this.#fold()
    return hex32(this.#high) + hex32(this.#low)
  }

  /** Whether the digest is the one stored (little-endian) in the 8 bytes at `at`. */
  equals(bytes: Uint8Array, at: number): boolean {
    this.#fold()
    return this.#low === readUint32le(bytes, at) && this.#high === readUint32le(bytes, at + 4)
  }

  /** Takes the context that has not been used for longer. */
  #takeKernel(): void {
    this.#context = (latest + 1) % kernel().crcBlockAreas.length
    const before = owners[this.#context]
    if (before !== undefined) before.#fold()
    owners[this.#context] = this
    kernel().crcStart(this.#context, this.#low, this.#high)
  }

  /** Brings the halves up to date and gives the context back. */
  #fold(): void {
    if (owners[this.#context] !== this) return
    const {results, crcFold} = kernel()
    crcFold(this.#context, this.#pending)
    this.#pending = 0
    this.#low = results[0]!
    this.#high = results[1]!
    owners[this.#context] = undefined
  }
}

const whole = new Crc64()

/** The checksum of bytes[start, end) in one go. */
export function crc64(bytes: Uint8Array, start: number, end: number): Checksum64 {
  if (end - start > TABLE_BYTES_MAX) {
    whole.reset()
    whole.update(bytes, start, end)
    return whole.digest()
  }
  const {inputArea, results, crcTable} = kernel()
  copyIn(bytes, start, end, inputArea.start)
  crcTable(0, 0, inputArea.start, Math.max(0, end - start))
  return {high: results[1]!, low: results[0]!}
}

function hex32(half: number): string {
  return half.toString(16).padStart(8, '0')
}
