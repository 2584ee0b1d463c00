/**
 * Records beyond the memory budget: runs in a temporary file, each grouped by
 * the same digit of its keys.
 *
 *   run 0                           run 1
 *   ┌─────┬─────┬───────┬───────┐   ┌─────┬─────┬───────┬───────┐
 *   │ d 0 │ d 1 │  ...  │ d 255 │   │ d 0 │ d 1 │  ...  │ d 255 │   ...
 *   └─────┴─────┴───────┴───────┘   └─────┴─────┴───────┴───────┘
 *
 * All records of one digit are the pieces of that digit in all runs. If they
 * exceed the memory, they are read in parts and become runs of the next digit,
 * behind the others in the same file, which are dropped when they are done.
 * A run is known by 1 KiB in memory.
 */
import type {SpillFile} from '../bytes/spill.js'
import {groupByDigit, type Records} from './key-index-records.js'

const WORD_BYTES = 4

export class RecordRuns {
  readonly #positions: number[] = []
  readonly #starts: Uint32Array[] = []
  readonly #words: Float64Array

  constructor(
    readonly file: SpillFile,
    readonly digitBits: number,
    /** Which digit the runs are grouped by. */
    readonly level: number,
  ) {
    this.#words = new Float64Array(1 << digitBits)
  }

  /** Number of groups. */
  get digits(): number {
    return this.#words.length
  }

  /** Moves all records there are into a new run. */
  append(records: Records): void {
    if (records.used === 0) return
    const starts = new Uint32Array(this.digits + 1)
    groupByDigit(records, 0, records.used, this.level, this.digitBits, starts)
    this.#positions.push(this.file.append(records.bytes, 0, records.used * WORD_BYTES))
    this.#starts.push(starts)
    for (let digit = 0; digit < this.digits; digit++) this.#words[digit]! += starts[digit + 1]! - starts[digit]!
    records.used = 0
  }

  /** Words that the records of a digit take. */
  wordsOf(digit: number): number {
    return this.#words[digit]!
  }

  /** Reads the records of a digit, as many at a time as fit: each time control is given back they are to be used. */
  *parts(digit: number, into: Records): Generator<void> {
    into.used = 0
    for (const [run, starts] of this.#starts.entries()) {
      const end = starts[digit + 1]!
      for (let at = starts[digit]!; at < end; ) {
        const words = Math.min(end - at, into.limit - into.used)
        this.#read(run, at, words, into.bytes, into.used)
        into.used += words
        at += words
        if (into.used < into.limit) continue
        yield
        into.used = 0
      }
    }
    if (into.used > 0) yield
    into.used = 0
  }

  /** Reads some records of a digit, evenly spread over all of them. */
  sample(digit: number, count: number, width: number): Int32Array {
    const sampled = new Int32Array(count * width)
    const bytes = new Uint8Array(sampled.buffer)
    const records = this.wordsOf(digit) / width
    let run = 0
    let before = 0
    for (let i = 0; i < count; i++) {
      const wanted = Math.floor((i * records) / count) * width
      while (wanted >= before + this.#wordsIn(run, digit)) before += this.#wordsIn(run++, digit)
      this.#read(run, this.#starts[run]![digit]! + wanted - before, width, bytes, i * width)
    }
    return sampled
  }

  /** Forgets the runs, and gives back their room and that of all behind them. */
  release(): void {
    if (this.#positions.length > 0) this.file.truncate(this.#positions[0]!)
    this.#positions.length = 0
    this.#starts.length = 0
    this.#words.fill(0)
  }

  #wordsIn(run: number, digit: number): number {
    const starts = this.#starts[run]!
    return starts[digit + 1]! - starts[digit]!
  }

  #read(run: number, at: number, words: number, into: Uint8Array, intoWord: number): void {
    const position = this.#positions[run]! + at * WORD_BYTES
    this.file.read(position, into, intoWord * WORD_BYTES, (intoWord + words) * WORD_BYTES)
  }
}
