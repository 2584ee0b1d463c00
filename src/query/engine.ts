/**
 * DuckDB, which is installed by whoever wants SQL: the tables are functions of it that make rows as it asks for them, of
 * the columns that a statement touches only. Nothing is copied into a database first, and nothing read twice unless a
 * statement names a table twice.
 */
import type {DuckDBConnection, DuckDBInstance, DuckDBType} from '@duckdb/node-api'
import {UsageError} from '../errors.js'
import {type BatchData, CHUNK_ROWS, type ColumnData, WIDTHS} from './batch.js'
import {type Column, type ColumnKind, TABLES, type TableName} from './columns.js'
import {engineFailure, messageOf} from './engine-failure.js'
import {type Kept, SqlRows} from './result.js'
import {givesRows, isSorted, statementsIn} from './statements.js'

const PACKAGE = '@duckdb/node-api'
/** The first one with table functions. */
const VERSION = '1.5.6-r.1'
/** Of the long texts of a column in one chunk. */
const CHUNK_BYTES_MAX = 4 * 1024 * 1024
/** Where the rows of a statement are until they have been handed on. */
const RESULT = 'rdbtool_result'

type DuckDB = typeof import('@duckdb/node-api')
type Native = typeof import('@duckdb/node-bindings')
type Vector = ReturnType<Native['data_chunk_get_vector']>

/** Rows of a table, which are asked for by a thread that waits. */
export interface RowScan {
  /** Undefined at the end. Throws what ends the reading. */
  next(): BatchData | undefined
  giveBack(batch: BatchData): void
  close(): void
}

/** Begins a reading of a table; `columns` by name, in the order wanted. */
export type OpenScan = (table: TableName, columns: readonly string[]) => RowScan

/** Throws UsageError where it is not installed. */
async function load(): Promise<{duckdb: DuckDB; native: Native}> {
  try {
    const duckdb = await import('@duckdb/node-api')
    const {default: native} = (await import('@duckdb/node-bindings')) as unknown as {default: Native}
    return {duckdb, native}
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND'
    throw new UsageError(
      missing
        ? `SQL needs DuckDB, which is not installed: npm install ${PACKAGE}@${VERSION} (70 MB), beside rdbtool`
        : `DuckDB is installed, but does not load here: ${(error as Error).message}`,
      {cause: error},
    )
  }
}

export class SqlEngine {
  readonly #scans = new Set<RowScan>()
  /** Statements that are running. */
  #running = 0
  /** What a reading ended with: the engine tells only its message. */
  #failure: unknown

  private constructor(
    readonly duckdb: DuckDB,
    readonly native: Native,
    readonly instance: DuckDBInstance,
    readonly connection: DuckDBConnection,
    readonly openScan: OpenScan,
    readonly memoryBytes: number,
  ) {}

  /** Starts one with the tables. `scratch`: a folder for what does not fit into memory. */
  static async open(
    openScan: OpenScan,
    {memoryBytes, scratch}: {memoryBytes: number; scratch: string},
  ): Promise<SqlEngine> {
    const {duckdb, native} = await load()
    const instance = await duckdb.DuckDBInstance.create(':memory:', {
      // Nothing is fetched from anywhere: what is built in has to do.
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
      memory_limit: `${memoryBytes}B`,
      temp_directory: scratch,
    })
    const connection = await instance.connect()
    // Moments are in UTC, wherever we are.
    await connection.run("SET TimeZone = 'UTC'")
    // Chunks of few rows are those of large values: they are not to be put together again.
    await connection.run('SET enable_caching_operators = false')
    const engine = new SqlEngine(duckdb, native, instance, connection, openScan, memoryBytes)
    for (const table of Object.keys(TABLES) as TableName[]) await engine.#register(table)
    return engine
  }

  /**
   * Runs statements, and hands on the rows of the last one as they are asked for. Throws what ended a reading, or what the
   * engine says. Rows are all made first, in a temporary table: one that is streamed as it is made ends without a word where
   * a later row fails (duckdb 1.5, duckdb_fetch_chunk).
   */
  async rows(sql: string): Promise<SqlRows> {
    return await this.#busy(async () => await this.#rowsOf(sql))
  }

  /** A statement runs. */
  get isBusy(): boolean {
    return this.#running > 0
  }

  /** What is left of the scans of a statement that ended early goes with it. */
  async #busy<T>(work: () => Promise<T>): Promise<T> {
    this.#running++
    try {
      return await work()
    } finally {
      this.#running--
      if (this.#running === 0) this.#closeScans()
    }
  }

  #closeScans(): void {
    for (const scan of this.#scans) scan.close()
    this.#scans.clear()
  }

  async #rowsOf(sql: string): Promise<SqlRows> {
    const statements = statementsIn(sql)
    const last = statements.pop()
    if (last === undefined) throw new UsageError('SQL: there is no statement')
    for (const statement of statements) await this.run(statement)
    const failureOf = (error: unknown): unknown => this.failureOf(error)
    try {
      if (!givesRows(last)) return new SqlRows(await this.connection.run(last), undefined, failureOf)
      // Rows that nobody has sorted stay in their order, since one thread makes them; who must keep it holds more of them.
      await this.connection.run(`SET preserve_insertion_order = ${isSorted(last)}`)
      await this.connection.run(`CREATE OR REPLACE TEMP TABLE ${RESULT} AS\n${last}`)
      const {columns, ...kept} = await this.#shapeOf(RESULT)
      return new SqlRows(await this.connection.stream(`SELECT ${columns} FROM ${RESULT}`), kept, failureOf)
    } catch (error) {
      throw this.failureOf(error)
    }
  }

  /** How many rows a table has, and its columns, text as its bytes: who decodes it for us would take a mark of byte order away. */
  async #shapeOf(table: string): Promise<Kept & {columns: string}> {
    const {connection} = this
    const empty = await connection.run(`SELECT * FROM ${table} LIMIT 0`)
    const texts = new Set(empty.columnTypes().flatMap((type, at) => (String(type) === 'VARCHAR' ? [at] : [])))
    const columns = empty.columnNames().map((name, at) => {
      const column = `"${name.replaceAll('"', '""')}"`
      return texts.has(at) ? `encode(${column}) AS ${column}` : column
    })
    const counted = await connection.runAndReadAll(`SELECT count(*) FROM ${table}`)
    return {columns: columns.join(', '), texts, count: Number(counted.getRows()[0]?.[0])}
  }

  async run(sql: string): Promise<void> {
    try {
      await this.#busy(async () => await this.connection.run(sql))
    } catch (error) {
      throw this.failureOf(error)
    }
  }

  /** Why a statement failed: the error of the reading where that ended it, or what the engine says, as one of ours. */
  failureOf(error: unknown): unknown {
    const failure = this.#failure
    this.#failure = undefined
    return failure ?? engineFailure(error, this.memoryBytes)
  }

  close(): void {
    this.#closeScans()
    this.connection.closeSync()
    this.instance.closeSync()
  }

  async #register(table: TableName): Promise<void> {
    const all: readonly Column[] = TABLES[table]
    const columns = all.filter(({of}) => of === undefined)
    const types = columns.map(({kind}) => this.#typeOf(kind))
    const name = `rdbtool_${table}`
    const made = this.duckdb.DuckDBTableFunction.create({
      name,
      supportsProjectionPushdown: true,
      bindFunction: bind => {
        for (const [at, {name}] of columns.entries()) bind.addResultColumn(name, types[at]!)
      },
      initFunction: init => {
        // Rows come in the order of the source, from one thread.
        init.setMaxThreads(1)
        const wanted = init.getColumnIndexes().map(at => columns[at])
        const names = wanted.flatMap(column => (column === undefined ? [] : [column.name]))
        const scan = this.openScan(table, [...new Set(names)])
        this.#scans.add(scan)
        init.setInitData(
          new TableScan(
            this.native,
            scan,
            wanted.map(column => column?.kind),
          ),
        )
      },
      mainFunction: (info, output) => {
        const scan = info.initData as TableScan
        try {
          scan.fill(output.chunk)
        } catch (error) {
          // What the engine itself throws here it knows already.
          if (error instanceof ReadingFailed) this.#failure ??= error.cause
          info.setError(messageOf(error))
        }
      },
    })
    this.connection.registerTableFunction(made)
    const selected = all.map(column =>
      column.of === undefined ? column.name : `${textOf(column.of)} AS ${column.name}`,
    )
    await this.connection.run(`CREATE VIEW ${table} AS SELECT ${selected.join(', ')} FROM ${name}()`)
  }

  #typeOf(kind: ColumnKind): DuckDBType {
    const {INTEGER, BIGINT, UBIGINT, DOUBLE, TIMESTAMP, VARCHAR, BLOB} = this.duckdb
    return {
      integer: INTEGER,
      bigint: BIGINT,
      ubigint: UBIGINT,
      double: DOUBLE,
      timestamp: TIMESTAMP,
      text: VARCHAR,
      blob: BLOB,
    }[kind]
  }
}

/** In SQL: bytes as text, those that are no UTF-8 as the engine spells a BLOB. */
const textOf = (column: string): string => `COALESCE(TRY(decode(${column})), ${column}::VARCHAR)`

/** A source could not be read to its end. */
class ReadingFailed extends Error {
  override readonly name = 'ReadingFailed'

  constructor(cause: unknown) {
    super(messageOf(cause), {cause})
  }
}

/** One reading of a table, chunk by chunk. */
class TableScan {
  #batch: BatchData | undefined
  /** Rows of the batch that have been taken. */
  #taken = 0
  /** Of each column, long texts that have been taken. */
  #long: number[] = []

  constructor(
    readonly native: Native,
    readonly scan: RowScan,
    /** Undefined: a column of ours that is none, as is asked for where rows are only counted. */
    readonly kinds: readonly (ColumnKind | undefined)[],
  ) {}

  /** Fills the next chunk; leaves it empty at the end. */
  fill(chunk: Parameters<Native['data_chunk_set_size']>[0]): void {
    const {native, kinds} = this
    const batch = this.#next()
    if (batch === undefined) {
      native.data_chunk_set_size(chunk, 0)
      return
    }
    const first = this.#taken
    const rows = this.#rowsFrom(batch, first)
    native.data_chunk_set_size(chunk, rows)
    let from = 0
    kinds.forEach((kind, at) => {
      if (kind === undefined) return
      const column = batch.columns[from]!
      this.#fillVector(native.data_chunk_get_vector(chunk, at), column, WIDTHS[kind], first, rows, from)
      from++
    })
    this.#taken = first + rows
  }

  #next(): BatchData | undefined {
    const batch = this.#batch
    if (batch !== undefined && this.#taken < batch.rows) return batch
    if (batch !== undefined) this.scan.giveBack(batch)
    try {
      this.#batch = this.scan.next()
    } catch (error) {
      throw new ReadingFailed(error)
    }
    this.#taken = 0
    this.#long = this.#batch?.columns.map(() => 0) ?? []
    return this.#batch
  }

  /** So many rows as a chunk takes, or one: their long texts are held several times over. */
  #rowsFrom({columns, rows}: BatchData, first: number): number {
    let end = Math.min(rows, first + CHUNK_ROWS)
    columns.forEach(({longRows, longEnds}, at) => {
      const from = this.#long[at]!
      const start = from === 0 ? 0 : longEnds[from - 1]!
      for (let long = from; long < longRows.length && longRows[long]! < end; long++) {
        if (longEnds[long]! - start > CHUNK_BYTES_MAX) end = Math.max(longRows[long]!, first + 1)
      }
    })
    return end - first
  }

  #fillVector(vector: Vector, column: ColumnData, width: number, first: number, rows: number, at: number): void {
    const {native} = this
    const {data, validity, longRows, longEnds, heap} = column
    native.copy_data_to_vector(vector, 0, data, first * width, rows * width)
    if (validity !== undefined) {
      native.vector_ensure_validity_writable(vector)
      const bits = bitsFrom(new Uint32Array(validity), first, rows)
      native.copy_data_to_vector_validity(vector, 0, bits.buffer, 0, bits.byteLength)
    }
    const end = first + rows
    let long = this.#long[at]!
    for (; long < longRows.length && longRows[long]! < end; long++) {
      const start = long === 0 ? 0 : longEnds[long - 1]!
      const bytes = new Uint8Array(heap, start, longEnds[long]! - start)
      native.vector_assign_string_element_len(vector, longRows[long]! - first, bytes)
    }
    this.#long[at] = long
  }
}

/** Bits [first, first + count), from the first bit of the first word on, in whole words of 64. */
function bitsFrom(words: Uint32Array, first: number, count: number): Uint32Array<ArrayBuffer> {
  const found = new Uint32Array(2 * Math.ceil(count / 64))
  const [word, shift] = [first >> 5, first & 31]
  for (let at = 0; at < found.length; at++) {
    const low = words[word + at] ?? 0
    found[at] = shift === 0 ? low : (low >>> shift) | ((words[word + at + 1] ?? 0) << (32 - shift))
  }
  return found
}
