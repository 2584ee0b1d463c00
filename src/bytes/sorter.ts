/**
 * Puts records in the order of their keys, whatever their number: sorted runs
 * in a temporary file where they outgrow the memory, merged when they are read.
 *
 *   record   <key length: u32le> <payload length: u32le> key payload
 *
 *   add ──► buffer ──full──► sorted run ──► temporary file ──┐
 *              └──────────── sorted ─────────────────────────┴──► merge ──► next
 *
 * Keys are compared byte by byte; records of equal keys stay in the order in
 * which they were added.
 */
import {compareBytes} from './compare.js'
import {readUint32le} from './int64.js'
import {SpillFile} from './spill.js'
import {ByteWriter} from './writer.js'

export const SORTER_BYTES = 32 * 1024 * 1024
const HEADER_BYTES = 8
/** First bytes of a key that are compared as one number: what a double holds exactly. */
const PREFIX_BYTES = 6
/** A run is read in pieces of at least this much. */
const RUN_WINDOW_BYTES_MIN = 16 * 1024
/** Sorting an index takes so much beside each record. */
const INDEX_BYTES = 12

/** A record, lent until the next one is asked for. */
export interface SortedRecord {
  bytes: Uint8Array
  keyStart: number
  keyEnd: number
  payloadEnd: number
}

export class ByteSorter {
  /** Records added. */
  count = 0
  readonly #buffer = new ByteWriter(4096)
  /** Where each record of the buffer begins. */
  #starts: number[] = []
  readonly #file: SpillFile
  /** Where each run in the file ends. */
  readonly #runEnds: number[] = []
  #merge: RunReader[] | undefined
  #order: Uint32Array = new Uint32Array(0)
  #next = 0

  constructor(
    readonly memoryBytes = SORTER_BYTES,
    folder?: string,
  ) {
    this.#file = new SpillFile(folder)
  }

  /** Begins a record with its key; its payload goes to what is returned, and `end` ends it. */
  begin(): ByteWriter {
    const buffer = this.#buffer
    if (buffer.length + this.#starts.length * INDEX_BYTES >= this.memoryBytes) this.#spill()
    this.#starts.push(buffer.length)
    buffer.reserve(HEADER_BYTES)
    this.count++
    return buffer
  }

  /** The key has been written; the payload follows. */
  endKey(): void {
    const start = this.#starts.at(-1)!
    this.#setLength(start, this.#buffer.length - start - HEADER_BYTES)
  }

  /** The record is complete. */
  end(): void {
    const start = this.#starts.at(-1)!
    const keyBytes = readUint32le(this.#buffer.bytes, start)
    this.#setLength(start + 4, this.#buffer.length - start - HEADER_BYTES - keyBytes)
  }

  /** Ends the adding: reading begins with the first record. */
  sort(): void {
    this.#next = 0
    if (this.#runEnds.length === 0) {
      this.#order = this.#sorted()
      return
    }
    this.#spill()
    const windowBytes = Math.max(RUN_WINDOW_BYTES_MIN, Math.floor(this.memoryBytes / this.#runEnds.length))
    const readers = this.#runEnds.map(
      (end, i) => new RunReader(this.#file, this.#runEnds[i - 1] ?? 0, end, windowBytes),
    )
    this.#merge = readers.filter(reader => reader.advance())
    for (let i = Math.floor(this.#merge.length / 2); i >= 0; i--) this.#sink(i)
  }

  /** Lends the next record in order; false at the end. */
  next(into: SortedRecord): boolean {
    if (this.#merge !== undefined) return this.#nextMerged(into)
    if (this.#next >= this.#order.length) return false
    const start = this.#order[this.#next++]!
    lendRecord(this.#buffer.bytes, start, into)
    return true
  }

  /** Forgets everything; memory is kept for the next use. */
  reset(): void {
    this.count = 0
    this.#buffer.reset()
    this.#starts = []
    this.#merge = undefined
    this.#order = new Uint32Array(0)
    if (this.#runEnds.length === 0) return
    this.#runEnds.length = 0
    this.#file.truncate(0)
  }

  /** Removes the temporary file. */
  close(): void {
    this.#runEnds.length = 0
    this.#file.close()
  }

  #setLength(at: number, length: number): void {
    const {bytes} = this.#buffer
    for (let i = 0; i < 4; i++) bytes[at + i] = length >>> (8 * i)
  }

  #spill(): void {
    if (this.#starts.length === 0) return
    const {bytes} = this.#buffer
    const run = new ByteWriter(RUN_WINDOW_BYTES_MIN * 4)
    for (const start of this.#sorted()) {
      const end = recordEnd(bytes, start)
      if (run.length + end - start > RUN_WINDOW_BYTES_MIN * 4) {
        this.#file.append(run.bytes, 0, run.length)
        run.reset()
      }
      run.copy(bytes, start, end)
    }
    this.#file.append(run.bytes, 0, run.length)
    this.#runEnds.push(this.#file.bytes)
    this.#buffer.reset()
    this.#starts = []
  }

  #sorted(): Uint32Array {
    const {bytes} = this.#buffer
    const starts = this.#starts
    const prefixes = new Float64Array(starts.length)
    for (let i = 0; i < starts.length; i++) prefixes[i] = prefixOf(bytes, starts[i]!)
    const order = new Uint32Array(starts.length)
    for (let i = 0; i < order.length; i++) order[i] = i
    order.sort((a, b) => {
      const difference = prefixes[a]! - prefixes[b]!
      if (difference !== 0) return difference
      return compareKeys(bytes, starts[a]!, bytes, starts[b]!) || a - b
    })
    return order.map(i => starts[i]!)
  }

  #nextMerged(into: SortedRecord): boolean {
    const heap = this.#merge!
    // The record that was lent last belongs to the first reader: it moves on only now.
    if (this.#next > 0 && heap.length > 0) {
      if (!heap[0]!.advance()) {
        const last = heap.pop()!
        if (heap.length > 0) heap[0] = last
      }
      this.#sink(0)
    }
    this.#next = 1
    const first = heap[0]
    if (first === undefined) return false
    lendRecord(first.bytes, first.position, into)
    return true
  }

  #sink(from: number): void {
    const heap = this.#merge!
    let at = from
    for (;;) {
      let least = at
      for (let child = 2 * at + 1; child <= 2 * at + 2 && child < heap.length; child++) {
        if (heap[child]!.isBefore(heap[least]!)) least = child
      }
      if (least === at) return
      const moved = heap[at]!
      heap[at] = heap[least]!
      heap[least] = moved
      at = least
    }
  }
}

/** Reads one sorted run. */
class RunReader {
  bytes: Uint8Array
  /** Of the present record. */
  position = 0
  #end = 0
  #prefix = 0
  #started = false

  constructor(
    readonly file: SpillFile,
    /** What has not been read of the run. Where it begins tells runs apart: earlier ones were added first. */
    public from: number,
    readonly to: number,
    windowBytes: number,
  ) {
    this.bytes = new Uint8Array(windowBytes)
    this.order = from
  }

  readonly order: number

  /** Goes to the next record; false at the end. */
  advance(): boolean {
    if (this.#started) this.position = recordEnd(this.bytes, this.position)
    this.#started = true
    if (!this.#has(HEADER_BYTES)) return false
    this.#has(recordEnd(this.bytes, this.position) - this.position)
    this.#prefix = prefixOf(this.bytes, this.position)
    return true
  }

  isBefore(other: RunReader): boolean {
    if (this.#prefix !== other.#prefix) return this.#prefix < other.#prefix
    const order = compareKeys(this.bytes, this.position, other.bytes, other.position)
    return order !== 0 ? order < 0 : this.order < other.order
  }

  /** Sees to it that so many bytes are there from the position on. */
  #has(wanted: number): boolean {
    const kept = this.#end - this.position
    if (kept >= wanted) return true
    if (this.from >= this.to) return false
    const target = wanted > this.bytes.length ? new Uint8Array(wanted * 2) : this.bytes
    target.set(this.bytes.subarray(this.position, this.#end))
    this.bytes = target
    const taken = Math.min(this.bytes.length - kept, this.to - this.from)
    this.file.read(this.from, this.bytes, kept, kept + taken)
    this.from += taken
    this.position = 0
    this.#end = kept + taken
    return this.#end >= wanted
  }
}

function recordEnd(bytes: Uint8Array, start: number): number {
  return start + HEADER_BYTES + readUint32le(bytes, start) + readUint32le(bytes, start + 4)
}

function lendRecord(bytes: Uint8Array, start: number, into: SortedRecord): void {
  into.bytes = bytes
  into.keyStart = start + HEADER_BYTES
  into.keyEnd = into.keyStart + readUint32le(bytes, start)
  into.payloadEnd = into.keyEnd + readUint32le(bytes, start + 4)
}

function compareKeys(a: Uint8Array, aStart: number, b: Uint8Array, bStart: number): number {
  const [aKey, bKey] = [aStart + HEADER_BYTES, bStart + HEADER_BYTES]
  return compareBytes(a, aKey, aKey + readUint32le(a, aStart), b, bKey, bKey + readUint32le(b, bStart))
}

/** The first bytes of a record's key as a number; a shorter key is as if zeros followed. */
function prefixOf(bytes: Uint8Array, start: number): number {
  const keyBytes = readUint32le(bytes, start)
  let prefix = 0
  for (let i = 0; i < PREFIX_BYTES; i++) prefix = prefix * 256 + (i < keyBytes ? bytes[start + HEADER_BYTES + i]! : 0)
  return prefix
}
