/**
 * The rows of a table, made in a thread of its own (src/threads/query-rows.ts) while the engine works on those before.
 */
import {layoutOf, layoutOfProducer} from '../analysis/memory/layout.js'
import {MemoryModel} from '../analysis/memory/model.js'
import {PlacedError} from '../errors.js'
import type {SourceOrigin} from '../keyspace/entry-source.js'
import {SelectingVisitor, Selection, type SelectionOptions} from '../keyspace/selection.js'
import type {EntryVisitor, Problem} from '../keyspace/visitor.js'
import type {Handing} from '../parallel/pulled.js'
import {type BatchData, BatchWriter, buffersOf} from '../query/batch.js'
import {ELEMENT_COLUMNS, type ElementColumn, KEY_COLUMNS, type KeyColumn, type TableName} from '../query/columns.js'
import {ElementRows} from '../query/element-rows.js'
import {KeyRows} from '../query/key-rows.js'
import {producerOf} from '../rdb/producer.js'
import {type LogOptions, openEntries} from '../source/open.js'

/** What a table is made of, wherever it is made. Plain data. */
export interface RowsForm extends Pick<LogOptions, 'skipUnsupported' | 'onlyCreates'> {
  /** What to open, and what it is called in the column `source`. */
  sources: readonly {path: string; name: string}[]
  ignoreChecksum?: boolean | undefined
  selection: SelectionOptions
  /** Whose memory is estimated; absent: that of whoever wrote the source. */
  server?: string | undefined
  separator: Uint8Array
}

export interface RowsQuestion {
  form: RowsForm
  table: TableName
  /** Names of the columns that are wanted, in the order in which they are handed on. */
  columns: readonly string[]
}

/** Rows, or what the reader of a source met beside them. */
export type RowsParcel = {batch: BatchData} | {problem: Problem; source: string}

/** What is known of the source that is being read. */
class Reading {
  called = ''
  name = new Uint8Array(0)
  origin: SourceOrigin | undefined
  readonly aux = new Map<string, string>()

  constructor(readonly server: string | undefined) {
    // A name that nobody knows is refused before anything is read.
    if (server !== undefined) layoutOf(server)
  }

  begin(name: string, origin: SourceOrigin | undefined): void {
    this.called = name
    this.name = new Uint8Array(Buffer.from(name))
    this.origin = origin
    this.aux.clear()
  }

  /** Of the server that was named, or of whoever wrote the source. */
  model(): MemoryModel {
    if (this.server !== undefined) return new MemoryModel(layoutOf(this.server))
    const {product, serverVersion} = producerOf(this.origin, this.aux, false)
    return new MemoryModel(layoutOfProducer(product, serverVersion, this.origin?.rdbVersion))
  }
}

/** Makes them all, source by source. Throws what ends the reading of one. */
export async function makeRows({form, table, columns}: RowsQuestion, handing: Handing<RowsParcel>): Promise<void> {
  const reading = new Reading(form.server)
  const {rows, writer} = rowsOf(table, columns, form, reading, batch => {
    const back = handing.handOn({batch}, buffersOf(batch))
    return back !== undefined && 'batch' in back ? back.batch : undefined
  })
  const selection = new Selection(form.selection, 'later')
  rows.problem = problem => {
    handing.handOn({problem, source: reading.called}, [])
  }
  for (const {path, name} of form.sources) {
    try {
      const source = await openEntries(path, form)
      try {
        reading.begin(name, await source.origin())
        rows.sourceBegins()
        await source.run(selection.everything ? rows : new SelectingVisitor(selection, rows))
      } finally {
        await source.close()
      }
    } catch (error) {
      // Whoever asked knows only that one of them was being read.
      if (error instanceof PlacedError) Object.assign(error.place, {file: error.place.file ?? name})
      throw error
    }
  }
  writer.flush()
}

type Rows = EntryVisitor & {sourceBegins(): void}

function rowsOf(
  table: TableName,
  wanted: readonly string[],
  {separator}: RowsForm,
  reading: Reading,
  post: (batch: BatchData) => BatchData | undefined,
): {rows: Rows; writer: BatchWriter<string>} {
  const source = (): Uint8Array => reading.name
  if (table === 'elements') {
    const writer = new BatchWriter<ElementColumn>(inOrder(ELEMENT_COLUMNS, wanted), post)
    return {rows: new ElementRows(writer, source), writer}
  }
  const writer = new BatchWriter<KeyColumn>(inOrder(KEY_COLUMNS, wanted), post)
  return {
    rows: new KeyRows(writer, {
      separator,
      source,
      aux: (name, value) => reading.aux.set(name, Buffer.from(value).toString()),
      model: () => reading.model(),
    }),
    writer,
  }
}

/** The columns of these names, in their order. */
function inOrder<C extends {name: string}>(columns: readonly C[], names: readonly string[]): C[] {
  return names.flatMap(wanted => columns.filter(({name}) => name === wanted))
}
