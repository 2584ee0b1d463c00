/**
 * A counted list of strings that is read whole: names of fields, keys of a
 * script.
 *
 *   <length count> <string>*
 *
 * What holds such a list is read again from its start whenever the window ends
 * inside; the list itself goes on where it was, or a long one would cost the
 * square of its length.
 */
import type {ByteCursor} from '../bytes/cursor.js'
import {LentBytes} from '../bytes/lent.js'
import {LimitError} from '../errors.js'
import {limits} from '../limits.js'
import {readCount} from './length.js'
import {readString} from './string.js'

export class StringList {
  #startOffset = -1
  #reachedOffset = 0
  #count = 0
  #strings: Uint8Array[] = []
  #bytes = 0
  readonly #string = new LentBytes(1)

  /** `what` names the strings in an error. */
  constructor(readonly what: string) {}

  /** The strings, copied. */
  read(cursor: ByteCursor): readonly Uint8Array[] {
    if (cursor.offset !== this.#startOffset) {
      const startOffset = cursor.offset
      this.#count = readCount(cursor, 1, this.what)
      if (this.#count > limits.listStringsMax) {
        throw new LimitError('listStringsMax', limits.listStringsMax, this.#count, startOffset)
      }
      this.#strings = []
      this.#bytes = 0
      this.#startOffset = startOffset
      this.#reachedOffset = cursor.offset
    }
    cursor.pos = this.#reachedOffset - cursor.base
    while (this.#strings.length < this.#count) {
      readString(cursor, this.#string)
      this.#take(this.#string.end - this.#string.start, cursor.offset)
      this.#strings.push(this.#string.copy())
      this.#reachedOffset = cursor.offset
    }
    return this.#strings
  }

  #take(bytes: number, offset: number): void {
    this.#bytes += bytes
    if (this.#bytes > limits.listBytesMax) {
      throw new LimitError('listBytesMax', limits.listBytesMax, this.#bytes, offset)
    }
  }
}
