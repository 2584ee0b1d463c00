/**
 * Shows values to another visitor with what has no order of its own in the
 * order of its bytes: members and fields; a sorted set by score and member
 * (streams: ordered-stream-visitor.ts). The same value is then shown the same way, whatever it
 * was stored as. Beyond a stated memory elements go through a temporary file.
 */
import {type Int64, readUint32le, signedInt64, splitInt64} from '../bytes/int64.js'
import {ByteSorter, type SortedRecord} from '../bytes/sorter.js'
import type {ByteWriter} from '../bytes/writer.js'
import {type Entry, NEVER} from './entry.js'
import {ValueVisitor} from './visitor.js'

/** Elements of one value kept in memory. */
const VALUE_MEMORY_BYTES = 16 * 1024 * 1024
const SCORE_BYTES = 8

const double = new DataView(new ArrayBuffer(SCORE_BYTES))
const halves = {high: 0, low: 0}

/** Sets, hashes and sorted sets; what has an order already is passed on as it comes. */
export class OrderedVisitor extends ValueVisitor {
  override readonly depth = 'elements'
  readonly #sorter = new ByteSorter(VALUE_MEMORY_BYTES)
  readonly #record: SortedRecord = {bytes: new Uint8Array(0), keyStart: 0, keyEnd: 0, payloadEnd: 0}
  #sorting = false
  #inner!: ValueVisitor

  /** The visitor that the next value is shown to. */
  showTo(inner: ValueVisitor): this {
    this.#inner = inner
    return this
  }

  override begin(entry: Entry, count: number | undefined): void {
    this.#sorting = entry.type === 'set' || entry.type === 'hash' || entry.type === 'zset'
    if (this.#sorting) this.#sorter.reset()
    else this.#inner.begin(entry, count)
  }

  override member(bytes: Uint8Array, start: number, end: number): void {
    const out = this.#sorter.begin()
    out.copy(bytes, start, end)
    this.#sorter.endKey()
    this.#sorter.end()
  }

  override scored(bytes: Uint8Array, start: number, end: number, score: number): void {
    const out = this.#sorter.begin()
    writeSortable(out, score)
    out.copy(bytes, start, end)
    this.#sorter.endKey()
    out.f64le(score)
    this.#sorter.end()
  }

  override field(
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    expireAtMs: Int64,
  ): void {
    const out = this.#sorter.begin()
    out.copy(name, nameStart, nameEnd)
    this.#sorter.endKey()
    out.u8(expireAtMs === NEVER ? 0 : 1)
    splitInt64(expireAtMs === NEVER ? 0 : expireAtMs, halves)
    out.i64le(halves.high, halves.low)
    out.copy(value, valueStart, valueEnd)
    this.#sorter.end()
  }

  override end(entry: Entry): void {
    if (this.#sorting) {
      this.#sorter.sort()
      this.#inner.begin(entry, this.#sorter.count)
      while (this.#sorter.next(this.#record)) this.#show(entry)
      this.#sorter.reset()
    }
    this.#inner.end(entry)
  }

  override chunk(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    this.#inner.chunk(bytes, start, end, last)
  }
  override item(bytes: Uint8Array, start: number, end: number): void {
    this.#inner.item(bytes, start, end)
  }
  override insertIndex(index: Int64): void {
    this.#inner.insertIndex(index)
  }
  override indexed(index: Int64, bytes: Uint8Array, start: number, end: number): void {
    this.#inner.indexed(index, bytes, start, end)
  }
  override moduleId(name: string, version: number): void {
    this.#inner.moduleId(name, version)
  }
  override moduleSigned(value: Int64): void {
    this.#inner.moduleSigned(value)
  }
  override moduleUnsigned(value: Int64): void {
    this.#inner.moduleUnsigned(value)
  }
  override moduleDouble(value: number, bits: 32 | 64): void {
    this.#inner.moduleDouble(value, bits)
  }
  override moduleString(bytes: Uint8Array, start: number, end: number): void {
    this.#inner.moduleString(bytes, start, end)
  }

  /** Removes temporary files. */
  close(): void {
    this.#sorter.close()
  }

  #show(entry: Entry): void {
    const {bytes, keyStart, keyEnd, payloadEnd} = this.#record
    const inner = this.#inner
    if (entry.type === 'set') {
      inner.member(bytes, keyStart, keyEnd)
    } else if (entry.type === 'zset') {
      for (let i = 0; i < SCORE_BYTES; i++) double.setUint8(i, bytes[keyEnd + i]!)
      inner.scored(bytes, keyStart + SCORE_BYTES, keyEnd, double.getFloat64(0, true))
    } else {
      const expires = bytes[keyEnd] === 1
      const low = readUint32le(bytes, keyEnd + 1)
      const at = expires ? signedInt64(readUint32le(bytes, keyEnd + 5) | 0, low) : NEVER
      inner.field(bytes, keyStart, keyEnd, bytes, keyEnd + 9, payloadEnd, at)
    }
  }
}

/** Eight bytes whose order is that of the scores. */
function writeSortable(out: ByteWriter, score: number): void {
  // Both zeros are one score.
  double.setFloat64(0, score === 0 ? 0 : score)
  const high = double.getUint32(0)
  const negative = high >>> 31 === 1
  out.u32be(negative ? ~high : high ^ 0x8000_0000)
  out.u32be(negative ? ~double.getUint32(4) : double.getUint32(4))
}
