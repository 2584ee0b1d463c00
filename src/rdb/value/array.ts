/**
 * RDB_TYPE_ARRAY (redis 8.8): sparse, by ascending index.
 *
 *   <count> <has insert index: 0 or 1> [<insert index>] (<index> <tag> data)*
 *
 *   tag 0  <string>            tag 2  binary64 LE
 *   tag 1  int64 LE            tag 3  <string of at most 7 bytes>
 */
import type {ByteCursor} from '../../bytes/cursor.js'
import {formatShortest} from '../../bytes/decimal.js'
import {ElementLog} from '../../bytes/element-log.js'
import {formatInt64, type Int64, parseInt64, splitInt64, unsignedInt64} from '../../bytes/int64.js'
import {LentBytes} from '../../bytes/lent.js'
import {readCount, readLength64, readPlainLength, writeInt64Length, writeLength} from '../../encoding/length.js'
import {readString, skipString, writeString} from '../../encoding/string.js'
import {FormatError} from '../../errors.js'
import type {Entry} from '../../keyspace/entry.js'
import type {ValueVisitor} from '../../keyspace/visitor.js'
import {TYPE_ARRAY} from '../opcodes.js'
import type {ValueReader} from './reader.js'
import {wrongCount} from './strings-writer.js'
import {ValueWriter} from './writer.js'

const TAG_STRING = 0
const TAG_INTEGER = 1
const TAG_DOUBLE = 2
const TAG_SHORT_STRING = 3

export class ArrayReader implements ValueReader {
  #entry!: Entry
  #left = -1
  readonly #element = new LentBytes(0)

  begin(entry: Entry): void {
    this.#entry = entry
    this.#left = -1
  }

  read(cursor: ByteCursor, visitor: ValueVisitor): void {
    const skipping = visitor.depth === 'skip'
    if (this.#left < 0) this.#head(cursor, visitor, skipping)
    for (; this.#left > 0; this.#left--) {
      const index = readLength64(cursor)
      const tag = readPlainLength(cursor)
      if (skipping) this.#skip(cursor, tag)
      else this.#show(cursor, visitor, index, tag)
      cursor.commit()
    }
  }

  #head(cursor: ByteCursor, visitor: ValueVisitor, skipping: boolean): void {
    const count = readCount(cursor, 3, 'array elements')
    const flag = readPlainLength(cursor)
    if (flag > 1) {
      throw new FormatError('BAD_ARRAY', `the insert-index flag of an array is ${flag}, not 0 or 1`, cursor.offset - 1)
    }
    const insertIndex = flag === 1 ? readLength64(cursor) : undefined
    this.#entry.elements = count
    if (!skipping) {
      visitor.begin(this.#entry, count)
      if (insertIndex !== undefined) visitor.insertIndex(insertIndex)
    }
    this.#left = count
    cursor.commit()
  }

  #show(cursor: ByteCursor, visitor: ValueVisitor, index: Int64, tag: number): void {
    const element = this.#element
    if (tag === TAG_STRING || tag === TAG_SHORT_STRING) {
      readString(cursor, element)
    } else if (tag === TAG_INTEGER) {
      const low = cursor.u32le()
      const high = cursor.u32le() | 0
      element.lend(element.digits, 0, formatInt64(high, low, element.digits, 0))
    } else if (tag === TAG_DOUBLE) {
      const start = cursor.take(8)
      const value = new DataView(cursor.bytes.buffer, cursor.bytes.byteOffset + start, 8).getFloat64(0, true)
      const text = formatShortest(value)
      for (let i = 0; i < text.length; i++) element.digits[i] = text.charCodeAt(i)
      element.lend(element.digits, 0, text.length)
    } else {
      throw unknownTag(cursor, tag)
    }
    visitor.indexed(index, element.bytes, element.start, element.end)
  }

  #skip(cursor: ByteCursor, tag: number): void {
    if (tag === TAG_STRING || tag === TAG_SHORT_STRING) skipString(cursor)
    else if (tag === TAG_INTEGER || tag === TAG_DOUBLE) cursor.skip(8)
    else throw unknownTag(cursor, tag)
  }
}

function unknownTag(cursor: ByteCursor, tag: number): FormatError {
  return new FormatError('BAD_ARRAY', `array tag ${tag} has no meaning`, cursor.offset - 1)
}

const SHORT_STRING_BYTES_MAX = 7

/** Writes an array. How many elements it has must be known beforehand, or all are logged. */
export class ArrayWriter extends ValueWriter {
  #announced: number | undefined
  #count = 0
  #insertIndex: Int64 | undefined
  #begun = false
  readonly #log = new ElementLog()
  readonly #element = new LentBytes()
  readonly #halves = {high: 0, low: 0}

  override begin(_entry: Entry, count: number | undefined): void {
    this.#announced = count
    this.#count = 0
    this.#insertIndex = undefined
    this.#begun = false
    this.#log.reset()
  }

  override insertIndex(index: Int64): void {
    this.#insertIndex = index
  }

  override indexed(index: Int64, bytes: Uint8Array, start: number, end: number): void {
    this.#count++
    if (this.#announced === undefined) {
      splitInt64(index, this.#halves)
      this.#log.push(bytes, start, end)
      this.#log.pushHalves(this.#halves.high, this.#halves.low)
      this.#log.settle()
      return
    }
    if (!this.#begun) this.#begin(this.#announced)
    this.#write(index, bytes, start, end)
  }

  override end(entry: Entry): void {
    const announced = this.#announced
    if (announced !== undefined && announced !== this.#count) throw wrongCount(entry, announced, this.#count)
    if (this.#count === 0) {
      this.sink.passEmpty()
      return
    }
    if (!this.#begun) this.#writeLog()
    this.sink.close()
  }

  override dispose(): void {
    this.#log.close()
  }

  #begin(count: number): void {
    const {sink} = this
    this.#begun = true
    sink.open(TYPE_ARRAY)
    writeLength(sink.out, count)
    writeLength(sink.out, this.#insertIndex === undefined ? 0 : 1)
    if (this.#insertIndex !== undefined) writeInt64Length(sink.out, this.#insertIndex)
  }

  /** An integer where it spells one, else a string: both are the same to whoever asks for the element. */
  #write(index: Int64, bytes: Uint8Array, start: number, end: number): void {
    const {sink} = this
    const {out} = sink
    writeInt64Length(out, index)
    if (parseInt64(bytes, start, end, this.#halves)) {
      writeLength(out, TAG_INTEGER)
      out.i64le(this.#halves.high, this.#halves.low)
    } else {
      writeLength(out, end - start <= SHORT_STRING_BYTES_MAX ? TAG_SHORT_STRING : TAG_STRING)
      writeString(out, bytes, start, end, this.policy.compress)
    }
    sink.settle()
  }

  #writeLog(): void {
    const element = this.#element
    this.#begin(this.#count)
    this.#log.rewind()
    while (this.#log.next(element)) {
      this.#log.nextHalves(this.#halves)
      const index = unsignedInt64(this.#halves.high >>> 0, this.#halves.low)
      this.#write(index, element.bytes, element.start, element.end)
    }
  }
}
