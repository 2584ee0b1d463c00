/**
 * The table `elements`: a row for each element of each value. Of a string, which may come in pieces, the pieces are put
 * together; consumer groups, and what modules hold, are no elements.
 */
import type {Int64} from '../bytes/int64.js'
import {STREAM_ID_TEXT_BYTES_MAX, type StreamId} from '../encoding/stream-id.js'
import {type Entry, NEVER} from '../keyspace/entry.js'
import {type EntryVisitor, SKIP, ValueVisitor} from '../keyspace/visitor.js'
import type {BatchWriter, ColumnWriter} from './batch.js'
import {ByteNames} from './byte-names.js'
import type {ElementColumn} from './columns.js'

const NONE = 0
const MEMBER = 1
const VALUE = 2

const NOTHING = new Uint8Array(0)

export class ElementRows extends ValueVisitor implements EntryVisitor {
  override readonly depth = 'elements'
  readonly #columns: Partial<Record<ElementColumn, ColumnWriter>>
  readonly #field: ColumnWriter | undefined
  readonly #member: ColumnWriter | undefined
  readonly #value: ColumnWriter | undefined
  readonly #names = new ByteNames()
  readonly #id = new Uint8Array(STREAM_ID_TEXT_BYTES_MAX + 24)
  #idBytes = 0
  #entry!: Entry
  #position: Int64 = 0
  /** Pieces of a string. */
  #pieces: Uint8Array[] = []

  problem?: NonNullable<EntryVisitor['problem']>

  constructor(
    readonly rows: BatchWriter<ElementColumn>,
    /** Of the present source. */
    readonly source: () => Uint8Array,
  ) {
    super()
    const {columns} = rows
    this.#columns = columns
    this.#field = columns.field_bytes
    this.#member = columns.member_bytes
    this.#value = columns.value_bytes
  }

  sourceBegins(): void {}

  entry({type}: Entry): ValueVisitor {
    return type === 'module' || type === 'cron' ? SKIP : this
  }

  override begin(entry: Entry): void {
    this.#entry = entry
    this.#position = 0
    this.#pieces = []
  }

  override chunk(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    if (last && this.#pieces.length === 0) {
      this.#row(VALUE, bytes, start, end)
      return
    }
    this.#pieces.push(bytes.slice(start, end))
    if (!last) return
    const whole = Buffer.concat(this.#pieces)
    this.#pieces = []
    this.#row(VALUE, whole, 0, whole.length)
  }

  override item(bytes: Uint8Array, start: number, end: number): void {
    this.#row(VALUE, bytes, start, end)
    this.#next()
  }

  override member(bytes: Uint8Array, start: number, end: number): void {
    this.#row(MEMBER, bytes, start, end)
    this.#next()
  }

  override scored(bytes: Uint8Array, start: number, end: number, score: number): void {
    this.#row(MEMBER, bytes, start, end, NOTHING, 0, -1, score)
    this.#next()
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
    this.#row(VALUE, value, valueStart, valueEnd, name, nameStart, nameEnd, undefined, expireAtMs)
    this.#next()
  }

  override streamEntry(id: StreamId, fieldCount: number): void {
    this.#idBytes = Math.min(id.format(this.#id, 0), STREAM_ID_TEXT_BYTES_MAX)
    // An entry without fields, which no server makes, is still an entry.
    if (fieldCount === 0) this.#row(NONE, NOTHING, 0, 0)
    this.#fieldsLeft = fieldCount
    if (fieldCount === 0) this.#endEntry()
  }

  #fieldsLeft = 0

  override streamField(
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    this.#row(VALUE, value, valueStart, valueEnd, name, nameStart, nameEnd)
    if (--this.#fieldsLeft === 0) this.#endEntry()
  }

  #endEntry(): void {
    this.#idBytes = 0
    this.#next()
  }

  override indexed(index: Int64, bytes: Uint8Array, start: number, end: number): void {
    this.#position = index
    this.#row(VALUE, bytes, start, end)
  }

  #next(): void {
    this.#position = (this.#position as number) + 1
  }

  /** `into`: what kind of an element it is; columns of others are NULL. */
  #row(
    into: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    name: Uint8Array = NOTHING,
    nameStart = 0,
    nameEnd = -1,
    score?: number,
    expireAtMs: Int64 = NEVER,
  ): void {
    const columns = this.#columns
    const {row} = this.rows
    this.#putKey(row)
    columns.position?.putBigint(row, this.#position)
    putBytes(this.#field, row, nameEnd >= 0, name, nameStart, nameEnd)
    putBytes(this.#member, row, into === MEMBER, bytes, start, end)
    putBytes(this.#value, row, into === VALUE, bytes, start, end)
    if (score === undefined) columns.score?.putNull(row)
    else columns.score?.putDouble(row, score)
    if (this.#idBytes === 0) columns.id?.putNull(row)
    else columns.id?.putBytes(row, this.#id, 0, this.#idBytes)
    if (expireAtMs === NEVER) columns.expire_at?.putNull(row)
    else columns.expire_at?.putTimestamp(row, expireAtMs)
    this.rows.endRow()
  }

  #putKey(row: number): void {
    const {db, key_bytes, type, source} = this.#columns
    const entry = this.#entry
    const {bytes, start, end} = entry.keyBytes
    db?.putInteger(row, entry.db)
    key_bytes?.putBytes(row, bytes, start, end)
    if (type !== undefined) {
      const name = this.#names.of(entry.type)
      type.putBytes(row, name, 0, name.length)
    }
    if (source !== undefined) {
      const name = this.source()
      source.putBytes(row, name, 0, name.length)
    }
  }
}

function putBytes(
  column: ColumnWriter | undefined,
  row: number,
  there: boolean,
  from: Uint8Array,
  start: number,
  end: number,
): void {
  if (there) column?.putBytes(row, from, start, end)
  else column?.putNull(row)
}
