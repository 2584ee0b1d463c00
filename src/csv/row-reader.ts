/**
 * Rows of a table out of a window, cell by cell. A row is looked for to its end
 * first, in one pass however many windows that takes, and then taken apart.
 */
import type {ByteCursor} from '../bytes/cursor.js'
import type {LentBytes} from '../bytes/lent.js'
import {FormatError} from '../errors.js'
import {COMMA, CR, LF, QUOTE} from './columns.js'

export class RowReader {
  /** Of the present row. */
  cells = 0
  /** Of the row, from 1: rows of several lines count as one. */
  #row = 0
  offset = 0
  endOffset = 0
  /** Where each cell begins and ends in the window, without its quotes. */
  readonly #bounds: number[] = []
  /** Cells with quotes in them. */
  readonly #quoted: boolean[] = []
  /** What has been looked at of an unfinished row: an absolute offset. */
  #looked = 0
  #inQuotes = false
  #scratch = new Uint8Array(0)

  constructor(readonly cursor: ByteCursor) {}

  /** Moves to the next row; false at the end of the input. */
  next(): boolean {
    const {cursor} = this
    const start = cursor.pos
    const end = this.#find(start)
    if (end < 0) return false
    this.#row++
    this.offset = cursor.base + start
    this.#split(start, end)
    cursor.pos = Math.min(end + 1, cursor.end)
    this.endOffset = cursor.offset
    return true
  }

  commit(): void {
    this.cursor.commit()
    this.#looked = this.cursor.offset
    this.#inQuotes = false
  }

  start(cell: number): number {
    return this.#bounds[2 * cell]!
  }

  end(cell: number): number {
    return this.#bounds[2 * cell + 1]!
  }

  text(cell: number): string {
    const {bytes} = this.cursor
    return Buffer.from(bytes.subarray(this.start(cell), this.end(cell))).toString('utf8')
  }

  /** The bytes that a cell stands for. */
  lend(cell: number, into: LentBytes): void {
    const {bytes} = this.cursor
    const [start, end] = [this.start(cell), this.end(cell)]
    if (this.#quoted[cell] !== true) {
      into.lend(bytes, start, end)
      return
    }
    if (this.#scratch.length < end - start) this.#scratch = new Uint8Array((end - start) * 2)
    let at = 0
    for (let p = start; p < end; p++) {
      this.#scratch[at++] = bytes[p]!
      if (bytes[p] === QUOTE) p++
    }
    into.lend(this.#scratch, 0, at)
  }

  /** Where the row ends: at its LF, or at the end of the input; -1 where there is none. */
  #find(start: number): number {
    const {cursor} = this
    for (;;) {
      const {bytes, base, end} = cursor
      let p = Math.max(this.#looked - base, start)
      for (; p < end; p++) {
        const byte = bytes[p]
        if (byte === QUOTE) this.#inQuotes = !this.#inQuotes
        else if (byte === LF && !this.#inQuotes) {
          this.#looked = base + p
          return p
        }
      }
      this.#looked = base + p
      if (cursor.ended || base + end >= cursor.inputBytes) {
        if (start >= end) return -1
        if (this.#inQuotes) this.#failAt('the input ends within a quoted cell', end, 'TRUNCATED')
        return end
      }
      cursor.pos = end
      cursor.peek()
    }
  }

  #split(start: number, rowEnd: number): void {
    const {bytes} = this.cursor
    const end = rowEnd > start && bytes[rowEnd - 1] === CR ? rowEnd - 1 : rowEnd
    this.#bounds.length = this.#quoted.length = 0
    let p = start
    for (;;) {
      const quoted = p < end && bytes[p] === QUOTE
      const cellStart = quoted ? p + 1 : p
      let doubled = false
      p = cellStart
      if (quoted) {
        for (; p < end; p++) {
          if (bytes[p] !== QUOTE) continue
          if (bytes[p + 1] !== QUOTE || p + 1 >= end) break
          doubled = true
          p++
        }
      } else {
        while (p < end && bytes[p] !== COMMA) p++
      }
      this.#bounds.push(cellStart, p)
      this.#quoted.push(doubled)
      if (quoted) p++
      if (p >= end) break
      if (bytes[p] !== COMMA) this.#failAt('a comma should stand behind a quoted cell', p)
      p++
    }
    this.cells = this.#quoted.length
  }

  /** An error about the present row. */
  fail(message: string): never {
    throw new FormatError('BAD_TABLE', `${message} (row ${this.#row})`, this.offset)
  }

  #failAt(message: string, p: number, code: 'BAD_TABLE' | 'TRUNCATED' = 'BAD_TABLE'): never {
    throw new FormatError(code, `${message} (row ${Math.max(this.#row, 1)})`, this.cursor.base + p)
  }
}
