/**
 * The table `keys`: a row a key, of which only the columns are filled that somebody asked for.
 */

import {MeasuringVisitor} from '../analysis/measuring.js'
import type {MemoryModel} from '../analysis/memory/model.js'
import {slotOf} from '../bytes/crc16.js'
import {type Entry, isCollection, NEVER} from '../keyspace/entry.js'
import {type EntryVisitor, ValueVisitor} from '../keyspace/visitor.js'
import type {BatchWriter, ColumnWriter} from './batch.js'
import {ByteNames} from './byte-names.js'
import type {KeyColumn} from './columns.js'

export interface KeyRowsOptions {
  /** What stands between the parts of a key. */
  separator: Uint8Array
  /** Asked for with the first key: what comes before it tells whose memory is estimated. */
  model: () => MemoryModel
  /** Told what the present source says of itself. */
  aux: (name: string, value: Uint8Array) => void
  /** The present source. */
  source: () => Uint8Array
}

const PREFIXES: readonly KeyColumn[] = ['prefix1_bytes', 'prefix2_bytes', 'prefix3_bytes']

export class KeyRows extends ValueVisitor implements EntryVisitor {
  override readonly depth = 'skip'
  readonly #columns: Partial<Record<KeyColumn, ColumnWriter>>
  readonly #prefixes: readonly (ColumnWriter | undefined)[]
  readonly #names = new ByteNames()
  /** Made for the first key of a source. */
  #memory: MeasuringVisitor | undefined

  problem?: NonNullable<EntryVisitor['problem']>

  constructor(
    readonly rows: BatchWriter<KeyColumn>,
    readonly options: KeyRowsOptions,
  ) {
    super()
    this.#columns = rows.columns
    this.#prefixes = PREFIXES.map(name => rows.columns[name])
    while (this.#prefixes.length > 0 && this.#prefixes.at(-1) === undefined) (this.#prefixes as unknown[]).pop()
  }

  /** What a source says of itself comes next. */
  sourceBegins(): void {
    this.#memory = undefined
  }

  aux(name: string, value: Uint8Array): void {
    this.options.aux(name, value)
  }

  entry(entry: Entry): ValueVisitor {
    if (this.#columns.memory_bytes === undefined) return this
    this.#memory ??= new MeasuringVisitor([this.options.model()], undefined, one => this.end(one))
    return isCollection(entry.type) ? this.#memory : this
  }

  override end(entry: Entry): void {
    this.put(entry, this.#memory === undefined ? 0 : this.#memory.measure(entry))
  }

  put(entry: Entry, memoryBytes: number): void {
    const {rows} = this
    const columns = this.#columns
    const {row} = rows
    const {bytes, start, end} = entry.keyBytes
    columns.db?.putInteger(row, entry.db)
    columns.key_bytes?.putBytes(row, bytes, start, end)
    if (columns.type !== undefined) this.#putName(columns.type, row, entry.type)
    if (columns.encoding !== undefined) this.#putName(columns.encoding, row, entry.encoding)
    if (columns.elements !== undefined) {
      if (entry.elements < 0) columns.elements.putNull(row)
      else columns.elements.putBigint(row, entry.elements)
    }
    columns.memory_bytes?.putBigint(row, memoryBytes)
    columns.rdb_bytes?.putBigint(row, entry.endOffset - entry.offset)
    this.#putTimes(entry, row)
    columns.slot?.putInteger(row, slotOf(bytes, start, end))
    if (this.#prefixes.length > 0) this.#putPrefixes(bytes, start, end, row)
    if (columns.source !== undefined) {
      const source = this.options.source()
      columns.source.putBytes(row, source, 0, source.length)
    }
    rows.endRow()
  }

  #putTimes({expireAtMs, idleSeconds, frequency}: Entry, row: number): void {
    const {expire_at, idle_s, freq} = this.#columns
    if (expire_at !== undefined) {
      if (expireAtMs === NEVER) expire_at.putNull(row)
      else expire_at.putTimestamp(row, expireAtMs)
    }
    if (idle_s !== undefined) {
      if (idleSeconds < 0) idle_s.putNull(row)
      else idle_s.putBigint(row, idleSeconds)
    }
    if (freq !== undefined) {
      if (frequency < 0) freq.putNull(row)
      else freq.putInteger(row, frequency)
    }
  }

  #putPrefixes(bytes: Uint8Array, start: number, end: number, row: number): void {
    const {separator} = this.options
    let at = start
    for (const column of this.#prefixes) {
      if (at >= 0) at = endOfPart(bytes, at, end, separator)
      if (at < 0) column?.putNull(row)
      else column?.putBytes(row, bytes, start, at)
    }
  }

  #putName(column: ColumnWriter, row: number, name: string): void {
    const bytes = this.#names.of(name)
    column.putBytes(row, bytes, 0, bytes.length)
  }
}

/** Behind the next separator from `from` on; -1 where there is none. */
function endOfPart(bytes: Uint8Array, from: number, end: number, separator: Uint8Array): number {
  const width = separator.length
  const first = separator[0]!
  for (let at = from; at + width <= end; at++) {
    if (bytes[at] !== first) continue
    let same = 1
    while (same < width && bytes[at + same] === separator[same]) same++
    if (same === width) return at + width
  }
  return -1
}
