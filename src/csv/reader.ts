/**
 * Reads a table of keys: what writer.ts wrote, and what people write. The first
 * row names the columns: `key` and `value` must be there, `type` says what a key
 * is (a string without it), all others may be missing; columns.ts tells of each.
 *
 * Rows end in LF or CR LF. A cell in quotes may hold commas, lines and "" for a quote.
 */
import {ByteCursor, STARVED} from '../bytes/cursor.js'
import {parseInt64, signedInt64} from '../bytes/int64.js'
import {LentBytes} from '../bytes/lent.js'
import type {ByteSource} from '../bytes/source.js'
import {FormatError, LimitError, UsageError} from '../errors.js'
import {decodeBase64} from '../jsonl/base64.js'
import {JsonScanner} from '../jsonl/scanner.js'
import {JsonSkipper} from '../jsonl/skipper.js'
import {jsonReaders} from '../jsonl/value-reader.js'
import {Entry, NEVER, NO_TYPE_ID, type ValueType} from '../keyspace/entry.js'
import type {EntrySource, SourceEnd} from '../keyspace/entry-source.js'
import {nextWindow} from '../keyspace/next-window.js'
import {VALUE_TYPES} from '../keyspace/selection.js'
import {type EntryVisitor, SKIP, type ValueVisitor} from '../keyspace/visitor.js'
import {COLUMNS, type Column} from './columns.js'
import {RowReader} from './row-reader.js'

const FREQUENCY_MAX = 255

export class CsvReader implements EntrySource {
  readonly format = 'csv'
  readonly #cursor: ByteCursor
  readonly #rows: RowReader
  readonly #entry = new Entry()
  /** Where each column stands in a row. */
  #columns = new Map<Column, number>()
  #header = false
  #begun = false
  #inKey = false
  #db = -1
  readonly #cell = new LentBytes()
  #decoded = new Uint8Array(0)
  #key = new Uint8Array(0)
  readonly #halves = {high: 0, low: 0}

  constructor(readonly source: ByteSource) {
    this.#cursor = new ByteCursor(source.inputBytes)
    this.#rows = new RowReader(this.#cursor)
  }

  get offset(): number {
    return this.#cursor.offset
  }

  async origin(): Promise<undefined> {
    return undefined
  }

  async run(visitor: EntryVisitor): Promise<SourceEnd> {
    if (this.#begun) throw new UsageError('a reader reads its source once: open another')
    this.#begun = true
    for (;;) {
      try {
        this.#all(visitor)
        break
      } catch (error) {
        if (error !== STARVED) throw this.#placed(error)
      }
      await nextWindow(this.#cursor, this.source, visitor)
    }
    await this.source.readRest?.()
    return {checksum: 'absent'}
  }

  async close(): Promise<void> {
    await this.source.close()
  }

  #placed(error: unknown): unknown {
    if (!(error instanceof FormatError || error instanceof LimitError)) return error
    const {db, type, offset} = this.#entry
    if (this.#inKey) error.place = {db, key: this.#entry.key(), type, recordOffset: offset}
    return error
  }

  #all(visitor: EntryVisitor): void {
    const rows = this.#rows
    while (rows.next()) {
      this.#inKey = false
      if (!this.#header) this.#readHeader()
      // An empty line is no row: many editors end a file with one.
      else if (rows.cells > 1 || rows.end(0) > rows.start(0)) this.#row(visitor)
      rows.commit()
    }
  }

  #readHeader(): void {
    const rows = this.#rows
    const columns = new Map<Column, number>()
    for (let i = 0; i < rows.cells; i++) {
      const name = rows
        .text(i)
        .trim()
        .replace(/^\ufeff/, '')
      const column = COLUMNS.find(one => one.toLowerCase() === name.toLowerCase())
      if (column === undefined) {
        rows.fail(
          `a column is called ${JSON.stringify(name.slice(0, 40))}: those there can be are ${COLUMNS.join(', ')}`,
        )
      } else if (columns.has(column)) {
        rows.fail(`two columns are called ${column}`)
      } else {
        columns.set(column, i)
      }
    }
    for (const column of ['key', 'value'] as const) {
      if (!columns.has(column)) rows.fail(`no column is called ${column}`)
    }
    this.#columns = columns
    this.#header = true
  }

  #row(visitor: EntryVisitor): void {
    const rows = this.#rows
    if (rows.cells !== this.#columns.size) {
      rows.fail(`this row has ${rows.cells} cells, the first has ${this.#columns.size}`)
    }
    const type = this.#text('type')
    const encoded = this.#text('base64').split(' ')
    if (type === 'function' || type === 'script') {
      const value = this.#bytes('value', encoded).copy()
      if (type === 'function') visitor.function?.(value)
      else visitor.aux?.('lua', value)
      return
    }
    this.#readEntry(type === '' ? 'string' : type, encoded)
    const entry = this.#entry
    if (entry.db !== this.#db) {
      this.#db = entry.db
      visitor.selectDb?.(entry.db)
    }
    const value = this.#bytes('value', encoded)
    this.#show(visitor.entry(entry), value)
    entry.clearAttributes()
  }

  #readEntry(type: string, encoded: readonly string[]): void {
    const rows = this.#rows
    const entry = this.#entry
    const known = VALUE_TYPES.find(one => one === type.toLowerCase())
    if (known === undefined)
      rows.fail(`a type is one of ${VALUE_TYPES.join(', ')}, not ${JSON.stringify(type.slice(0, 40))}`)
    const key = this.#bytes('key', encoded)
    const length = key.end - key.start
    if (this.#key.length < length) this.#key = new Uint8Array(length * 2)
    this.#key.set(key.bytes.subarray(key.start, key.end))
    entry.keyBytes.lend(this.#key, 0, length)
    entry.clearAttributes()
    entry.type = known as ValueType
    entry.typeId = NO_TYPE_ID
    entry.encoding = known === 'string' ? 'raw' : ''
    entry.module = ''
    entry.elements = -1
    entry.offset = rows.offset
    entry.valueOffset = rows.offset
    entry.endOffset = rows.endOffset
    this.#inKey = true
    entry.db = this.#count('db', 0)
    entry.expireAtMs = this.#text('expireAtMs') === '' ? NEVER : this.#integer('expireAtMs')
    entry.idleSeconds = this.#count('idleSeconds', -1)
    entry.frequency = this.#count('frequency', -1)
    if (entry.frequency > FREQUENCY_MAX)
      rows.fail(`frequency is ${entry.frequency}: it can be ${FREQUENCY_MAX} at most`)
  }

  #show(visitor: ValueVisitor, value: LentBytes): void {
    const entry = this.#entry
    if (entry.type === 'string') {
      entry.elements = value.end - value.start
      if (visitor.depth !== 'skip') {
        visitor.begin(entry, entry.elements)
        if (!visitor.opaqueStrings) visitor.chunk(value.bytes, value.start, value.end, true)
      }
    } else {
      entry.elements = this.#showJson(visitor, value)
    }
    const count = this.#count('count', -1)
    if (count >= 0 && count !== entry.elements && entry.type !== 'stream') {
      this.#rows.fail(`count says ${count}, but the value has ${entry.elements}`)
    }
    visitor.end(entry)
  }

  /** The JSON of a cell, read by who reads that of a line. */
  #showJson(visitor: ValueVisitor, {bytes, start, end}: LentBytes): number {
    const cell = bytes.slice(start, end)
    const cursor = new ByteCursor(cell.length)
    cursor.refill(cell, 0, cell.length)
    cursor.finish()
    const scanner = new JsonScanner(cursor)
    const entry = this.#entry
    try {
      const skipper = new JsonSkipper()
      scanner.next()
      skipper.pass(cursor, Number.POSITIVE_INFINITY)
      if (scanner.next() !== -1) scanner.fail('the value ends here, the cell does not')
      cursor.pos = 0
      const reader = jsonReaders(scanner)[entry.type]
      reader.begin()
      const count = skipper.filled ? skipper.commas + 1 : 0
      const skipped = visitor.depth === 'skip'
      if (skipped && entry.type !== 'stream') return count
      return reader.read({entry, count, insertIndex: undefined, whole: true}, skipped ? SKIP : visitor)
    } catch (error) {
      if (!(error instanceof FormatError)) throw error
      return this.#rows.fail(`the value of the ${entry.type} is not as it should be: ${error.message} of the cell`)
    }
  }

  #text(column: Column): string {
    const at = this.#columns.get(column)
    return at === undefined ? '' : this.#rows.text(at).trim()
  }

  #integer(column: Column): ReturnType<typeof signedInt64> {
    const text = Buffer.from(this.#text(column))
    if (parseInt64(text, 0, text.length, this.#halves)) return signedInt64(this.#halves.high, this.#halves.low)
    return this.#rows.fail(`${column} is no integer of 64 bits`)
  }

  #count(column: Column, absent: number): number {
    if (this.#text(column) === '') return absent
    const value = this.#integer(column)
    if (typeof value === 'number' && value >= 0) return value
    return this.#rows.fail(`${column} cannot be ${value}`)
  }

  /** The bytes of a cell, lent until the next call. */
  #bytes(column: Column, encoded: readonly string[]): LentBytes {
    const cell = this.#cell
    this.#rows.lend(this.#columns.get(column)!, cell)
    if (!encoded.includes(column)) return cell
    if (this.#decoded.length < cell.end - cell.start) this.#decoded = new Uint8Array((cell.end - cell.start) * 2)
    const length = decodeBase64(cell.bytes, cell.start, cell.end, this.#decoded)
    if (length < 0) this.#rows.fail(`${column} is no base64`)
    cell.lend(this.#decoded, 0, length)
    return cell
  }
}
