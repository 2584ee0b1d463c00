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
import {formatInt64, type Int64} from '../../bytes/int64.js'
import {LentBytes} from '../../bytes/lent.js'
import {readCount, readLength64, readPlainLength} from '../../encoding/length.js'
import {readString, skipString} from '../../encoding/string.js'
import {FormatError} from '../../errors.js'
import type {Entry} from '../../keyspace/entry.js'
import type {ValueVisitor} from '../../keyspace/visitor.js'
import type {ValueReader} from './reader.js'

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
