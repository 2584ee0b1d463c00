/**
 * The bytes of a file on their way out: gathered, summed, handed on in pieces.
 */
import {type Checksum64, Crc64, type SummedWindow} from '../bytes/crc64.js'
import {crcJoined, crcShifted, crcSum} from '../bytes/crc64-combine.js'
import type {ByteTarget} from '../bytes/target.js'
import {ByteWriter} from '../bytes/writer.js'

/** Larger pieces cost no fewer calls worth speaking of. */
const PIECE_BYTES = 256 * 1024
/** Above this, bytes are handed on as they are instead of being copied first. */
const DIRECT_BYTES = 16 * 1024

/** Shorter pieces of a window are summed anew: that takes no longer than asking for two checksums. */
const SUMMED_BYTES_MIN = 256 * 1024

/** Bytes that stay as they are until the target has been drained twice. */
export interface LentWindow {
  /** The checksums up to where they begin and end in what is read are known, or soon will be. */
  summed: SummedWindow | undefined
}

/** A stretch of what is read that went over as it is: the output's checksum follows from that of the input. */
interface Stretch {
  readonly of: SummedWindow
  /** Of the output before it, and of the input up to where it begins and ends. */
  before: Checksum64
  from: Checksum64
  to: Checksum64
  /** Offset in the input. */
  end: number
  bytes: number
}

export class RdbOutput {
  readonly out: ByteWriter
  readonly #directBytes: number
  /** Of all before `summedFrom`, and of what follows. */
  #before: Checksum64 = {high: 0, low: 0}
  #summedFrom = 0
  readonly #crc = new Crc64()
  /** What was handed on last, where that is one. */
  #stretch: Stretch | undefined
  /** From here on all may be taken back; -1: nothing may. */
  #mark = -1
  /** What the checksum will have to be corrected by. */
  #correction = {high: 0, low: 0}
  /** Replacements, and how far from the end each ends: known once the end is. */
  readonly #replaced: {position: number; bytes: Uint8Array}[] = []
  #handedOn = 0

  /** `pieceBytes`: where many files are written side by side, less for each. */
  constructor(
    readonly target: ByteTarget,
    readonly pieceBytes = PIECE_BYTES,
  ) {
    this.#directBytes = Math.min(DIRECT_BYTES, pieceBytes)
    this.out = new ByteWriter(this.#roomBytes)
  }

  get #roomBytes(): number {
    return this.pieceBytes + 2 * this.#directBytes
  }

  /** Bytes so far. */
  get offset(): number {
    return this.#handedOn + this.out.length
  }

  /** To be called now and then. */
  settle(): void {
    if (this.out.length >= this.pieceBytes) this.flush()
  }

  /** `window`: the one that they are bytes of. */
  take(bytes: Uint8Array, start: number, end: number, window?: LentWindow): void {
    if (end - start < this.#directBytes) {
      this.out.copy(bytes, start, end)
      this.settle()
    } else {
      this.flush()
      this.#handOn(bytes, start, end, window)
    }
  }

  flush(): void {
    this.#handOn(this.out.bytes, 0, this.out.length)
    this.out.reset()
    // One of many files gives back what a large string took.
    if (this.pieceBytes < PIECE_BYTES && this.out.bytes.length > 2 * this.#roomBytes) {
      this.out.bytes = new Uint8Array(this.#roomBytes)
    }
  }

  /** What follows may be taken back, until `keep`. */
  mark(): void {
    this.#mark = this.offset
  }

  keep(): void {
    this.#mark = -1
  }

  /** Takes back all since the mark; false where it has been seen by then. */
  takeBack(): boolean {
    const mark = this.#mark
    if (mark < this.#handedOn) {
      if (this.target.takeBack === undefined) return false
      this.target.takeBack(mark)
      this.out.reset()
      this.#handedOn = mark
      this.#crc.reset()
    } else {
      this.out.length = mark - this.#handedOn
    }
    this.#mark = -1
    return true
  }

  /** Whether what was written can still be replaced. */
  get canReplace(): boolean {
    return this.target.rewrite !== undefined
  }

  /** Puts bytes in the place of as many zero bytes that were written there. */
  replaceZeros(position: number, bytes: Uint8Array): void {
    this.#replaced.push({position, bytes})
  }

  /** Flushes everything and returns the checksum of it. */
  finish(): {high: number; low: number} {
    this.flush()
    this.#endStretch()
    for (const {position, bytes} of this.#replaced) {
      const sum = new Crc64()
      sum.update(bytes, 0, bytes.length)
      const shifted = crcShifted(sum.digest(), this.#handedOn - position - bytes.length)
      this.#correction = crcSum(this.#correction, shifted)
      this.target.rewrite!(bytes, position)
    }
    return crcSum(this.#sum(), this.#correction)
  }

  #handOn(bytes: Uint8Array, start: number, end: number, window?: LentWindow): void {
    if (end === start) return
    if (window?.summed === undefined || end - start < SUMMED_BYTES_MIN || this.#mark >= 0) {
      this.#endStretch()
      this.#addUp(bytes, start, end)
    } else {
      this.#goOn(window.summed, start, end)
    }
    if (window !== undefined && this.target.writeLater !== undefined) this.target.writeLater(bytes, start, end)
    else this.target.write(bytes, start, end)
    this.#handedOn += end - start
  }

  #addUp(bytes: Uint8Array, start: number, end: number): void {
    const marked = start + this.#mark - this.#handedOn
    if (this.#mark < 0 || marked < start || marked >= end) {
      this.#crc.update(bytes, start, end)
      return
    }
    this.#crc.update(bytes, start, marked)
    this.#sumUpTo(this.#mark, this.#sum(this.#mark))
    this.#crc.update(bytes, marked, end)
  }

  /** A stretch begins, or goes on. */
  #goOn(summed: SummedWindow, start: number, end: number): void {
    const stretch = this.#stretch
    if (stretch?.of === summed && stretch.end === summed.base + start) {
      stretch.bytes += end - start
      stretch.to = summed.checksumAt(end)
      stretch.end = summed.base + end
      return
    }
    this.#endStretch()
    const from = summed.checksumAt(start)
    const [before, to] = [this.#sum(), summed.checksumAt(end)]
    this.#stretch = {of: summed, before, from, to, end: summed.base + end, bytes: end - start}
  }

  #endStretch(): void {
    if (this.#stretch === undefined) return
    const {before, from, to, bytes} = this.#stretch
    this.#stretch = undefined
    this.#sumUpTo(this.#handedOn, crcSum(crcShifted(crcSum(before, from), bytes), to))
  }

  #sumUpTo(offset: number, sum: Checksum64): void {
    this.#before = sum
    this.#summedFrom = offset
    this.#crc.reset()
  }

  /** The checksum of all up to `end`, which has been summed. */
  #sum(end = this.#handedOn): Checksum64 {
    if (this.#summedFrom === 0) return this.#crc.digest()
    return crcJoined(this.#before, this.#crc.digest(), end - this.#summedFrom)
  }
}
