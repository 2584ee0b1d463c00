/**
 * Rows on their way to the engine, column by column, in the form in which it has them in memory: what is of fixed width as
 * little-endian numbers, texts in 16 bytes each:
 *
 *   <uint32 length> <up to 12 bytes of it>       a short one, whole
 *   <uint32 length> ...                          a longer one: its bytes lie in the heap of the column
 *
 * (duckdb_string_t of duckdb.h). A bit for each row says that it is not NULL.
 */
import {type Int64, splitInt64} from '../bytes/int64.js'
import type {ColumnKind} from './columns.js'

/** As many rows as the engine takes at once (STANDARD_VECTOR_SIZE of duckdb). */
export const CHUNK_ROWS = 2048
/** A message between threads costs some ten microseconds. */
export const BATCH_ROWS = 8 * CHUNK_ROWS
/** A batch that holds more text than this goes as it is. */
const HEAP_BYTES_MAX = 4 * 1024 * 1024
const HEAP_BYTES_MIN = 64 * 1024
const SHORT_BYTES_MAX = 12
const TEXT_BYTES = 16
const MICROSECONDS = 1000
/** Beyond the last moment that the engine knows (year 294246): 2^63 - 1 microseconds mean that it never comes, their negative that it always was. */
const INFINITE_FROM_MS = 9_223_372_000_000_000
const WORD = 0x1_0000_0000

/** Bytes of a value in a column. */
export const WIDTHS: Readonly<Record<ColumnKind, number>> = {
  integer: 4,
  bigint: 8,
  ubigint: 8,
  double: 8,
  timestamp: 8,
  text: TEXT_BYTES,
  blob: TEXT_BYTES,
}

/** A column of a batch as it goes from thread to thread. */
export interface ColumnData {
  data: ArrayBuffer
  /** Undefined where no row is NULL. */
  validity: ArrayBuffer | undefined
  /** Of texts: rows whose bytes lie in the heap, in ascending order, and where each of these ends there. */
  longRows: Int32Array
  longEnds: Float64Array
  heap: ArrayBuffer
}

export interface BatchData {
  rows: number
  columns: ColumnData[]
}

const halves = {high: 0, low: 0}
const EMPTY = new ArrayBuffer(0)
const NO_DOUBLES = new Float64Array(0)

/** One column, which rows are put into one after another. */
export class ColumnWriter {
  readonly #width: number
  #data!: ArrayBuffer
  #words!: Uint32Array
  #bytes!: Uint8Array
  #doubles!: Float64Array
  #validity = new Uint32Array(BATCH_ROWS / 32)
  #nulls = false
  #longRows: number[] = []
  #longEnds: number[] = []
  #heap = new Uint8Array(0)
  #heapUsed = 0

  constructor(readonly kind: ColumnKind) {
    this.#width = WIDTHS[kind]
    this.#beginIn(undefined)
    this.#validity.fill(0xffff_ffff)
  }

  /** Bytes of texts that are too long to stand in their rows. */
  get heapBytes(): number {
    return this.#heapUsed
  }

  putNull(row: number): void {
    this.#nulls = true
    this.#validity[row >> 5]! &= ~(1 << (row & 31))
  }

  /** A number of 32 bits. */
  putInteger(row: number, value: number): void {
    this.#words[row] = value
  }

  putBigint(row: number, value: Int64): void {
    const at = row * 2
    if (typeof value === 'number' && value >= 0) {
      this.#words[at] = value
      this.#words[at + 1] = value / WORD
      return
    }
    splitInt64(value, halves)
    this.#words[at] = halves.low
    this.#words[at + 1] = halves.high
  }

  putDouble(row: number, value: number): void {
    this.#doubles[row] = value
  }

  /** Milliseconds since 1970; what the engine has no date for is infinitely far away. */
  putTimestamp(row: number, ms: Int64): void {
    const value = Number(ms)
    const at = row * 2
    if (Math.abs(value) < INFINITE_FROM_MS) {
      // As two words: microseconds may be more than a double holds.
      const high = Math.floor(value / WORD)
      const low = (value - high * WORD) * MICROSECONDS
      this.#words[at] = low
      this.#words[at + 1] = high * MICROSECONDS + Math.floor(low / WORD)
    } else {
      this.#words[at] = value > 0 ? 0xffff_ffff : 1
      this.#words[at + 1] = value > 0 ? 0x7fff_ffff : 0x8000_0000
    }
  }

  putBytes(row: number, bytes: Uint8Array, start: number, end: number): void {
    const length = end - start
    const at = row * TEXT_BYTES
    const words = this.#words
    const word = at >> 2
    words[word] = length
    if (length <= SHORT_BYTES_MAX) {
      words[word + 1] = words[word + 2] = words[word + 3] = 0
      const own = this.#bytes
      for (let from = start, to = at + 4; from < end; ) own[to++] = bytes[from++]!
      return
    }
    const used = this.#heapUsed
    if (used + length > this.#heap.length) this.#grow(used + length)
    this.#heap.set(bytes.subarray(start, end), used)
    this.#heapUsed = used + length
    this.#longRows.push(row)
    this.#longEnds.push(used + length)
  }

  /** Hands on `rows` rows, and begins anew; `empty` is memory that an earlier batch was in. */
  take(rows: number, empty: ColumnData | undefined): ColumnData {
    const taken: ColumnData = {
      data: this.#data,
      validity: this.#nulls ? this.#validity.slice(0, 2 * Math.ceil(rows / 64)).buffer : undefined,
      longRows: Int32Array.from(this.#longRows),
      longEnds: Float64Array.from(this.#longEnds),
      heap: this.#heapUsed === 0 ? EMPTY : (this.#heap.buffer as ArrayBuffer),
    }
    if (this.#nulls) this.#validity.fill(0xffff_ffff)
    this.#nulls = false
    this.#longRows = []
    this.#longEnds = []
    this.#beginIn(empty?.data)
    if (this.#heapUsed > 0) this.#heap = new Uint8Array(empty?.heap ?? EMPTY)
    this.#heapUsed = 0
    return taken
  }

  /** In memory that is there, or new. */
  #beginIn(data: ArrayBuffer = new ArrayBuffer(BATCH_ROWS * this.#width)): void {
    this.#data = data
    this.#words = new Uint32Array(data)
    this.#bytes = new Uint8Array(data)
    this.#doubles = this.#width === 8 ? new Float64Array(data) : NO_DOUBLES
  }

  #grow(bytes: number): void {
    const larger = new Uint8Array(Math.max(bytes, 2 * this.#heap.length, HEAP_BYTES_MIN))
    larger.set(this.#heap.subarray(0, this.#heapUsed))
    this.#heap = larger
  }
}

/** The columns of a table that are wanted, by name, and the row that is being made. */
export class BatchWriter<Name extends string> {
  readonly columns: Partial<Record<Name, ColumnWriter>> = {}
  readonly #all: ColumnWriter[]
  /** Those of texts. */
  readonly #long: ColumnWriter[]
  /** One that has been read. */
  #empty: BatchData | undefined
  row = 0

  constructor(
    wanted: readonly {name: Name; kind: ColumnKind}[],
    /** Hands a batch on; returns one that has been read, whose memory is used again. */
    readonly post: (batch: BatchData) => BatchData | undefined,
  ) {
    this.#all = wanted.map(({name, kind}) => {
      const column = new ColumnWriter(kind)
      this.columns[name] = column
      return column
    })
    this.#long = this.#all.filter(({kind}) => WIDTHS[kind] === TEXT_BYTES)
  }

  /** The row is whole. */
  endRow(): void {
    this.row++
    if (this.row === BATCH_ROWS || this.#isLarge()) this.flush()
  }

  #isLarge(): boolean {
    // A loop: no call a row and column.
    for (const column of this.#long) if (column.heapBytes > HEAP_BYTES_MAX) return true
    return false
  }

  flush(): void {
    if (this.row === 0) return
    const empty = this.#empty
    this.#empty = undefined
    const columns = this.#all.map((column, at) => column.take(this.row, empty?.columns[at]))
    const rows = this.row
    this.row = 0
    this.#empty = this.post({rows, columns})
  }
}

/** What is to be moved with a batch. */
export function buffersOf({columns}: BatchData): ArrayBuffer[] {
  return columns.flatMap(({data, validity, heap}) => [
    data,
    ...(validity === undefined ? [] : [validity]),
    ...(heap.byteLength > 0 ? [heap] : []),
  ])
}
