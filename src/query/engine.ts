/**
 * DuckDB, which is installed by whoever wants SQL: the tables are functions of it that make rows as it asks for them, of
 * the columns that a statement touches only. Nothing is copied into a database first, and nothing read twice unless a
 * statement names a table twice.
 */
import type {DuckDBConnection, DuckDBInstance, DuckDBType} from '@duckdb/node-api'
import {UsageError} from '../errors.js'
import {type BatchData, CHUNK_ROWS, type ColumnData} from './batch.js'
import {type Column, type ColumnKind, TABLES, type TableName} from './columns.js'
import {SqlRows} from './result.js'
import {statementsIn} from './statements.js'

const PACKAGE = '@duckdb/node-api'
/** The first one with table functions. */
const VERSION = '1.5.6-r.1'
const TEXT_BYTES = 16
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
    const engine = new SqlEngine(duckdb, native, instance, connection, openScan)
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

  async #busy<T>(work: () => Promise<T>): Promise<T> {
    this.#running++
    try {
      return await work()
    } finally {
      this.#running--
    }
  }

  async #rowsOf(sql: string): Promise<SqlRows> {
    const statements = statementsIn(sql)
    const last = statements.pop()
    if (last === undefined) throw new UsageError('SQL: there is no statement')
    for (const statement of statements) await this.run(statement)
    try {
      const prepared = await this.connection.prepare(last)
      const selects = prepared.statementType === this.duckdb.StatementType.SELECT
      prepared.destroySync()
      if (!selects) return new SqlRows(await this.connection.run(last), undefined, error => this.failureOf(error))
      await this.connection.run(`CREATE OR REPLACE TEMP TABLE ${RESULT} AS ${last}`)
      const counted = await this.connection.runAndReadAll(`SELECT count(*) FROM ${RESULT}`)
      const count = Number(counted.getRows()[0]?.[0])
      return new SqlRows(await this.connection.stream(`SELECT * FROM ${RESULT}`), count, error => this.failureOf(error))
    } catch (error) {
      throw this.failureOf(error)
    }
  }

  async run(sql: string): Promise<void> {
    try {
      await this.#busy(async () => await this.connection.run(sql))
    } catch (error) {
      throw this.failureOf(error)
    }
  }

  /** Why a statement failed: the error of the reading where that ended it. */
  failureOf(error: unknown): unknown {
    const failure = this.#failure
    this.#failure = undefined
    return failure ?? new UsageError(`SQL: ${messageOf(error)}`, {cause: error})
  }

  close(): void {
    for (const scan of this.#scans) scan.close()
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
          this.#failure ??= error
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

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Bytes of a value in a column. */
const WIDTHS: Readonly<Record<ColumnKind, number>> = {
  integer: 4,
  bigint: 8,
  ubigint: 8,
  double: 8,
  timestamp: 8,
  text: TEXT_BYTES,
  blob: TEXT_BYTES,
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
    const rows = Math.min(CHUNK_ROWS, batch.rows - first)
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
    this.#batch = this.scan.next()
    this.#taken = 0
    this.#long = this.#batch?.columns.map(() => 0) ?? []
    return this.#batch
  }

  #fillVector(vector: Vector, column: ColumnData, width: number, first: number, rows: number, at: number): void {
    const {native} = this
    const {data, validity, longRows, longEnds, heap} = column
    native.copy_data_to_vector(vector, 0, data, first * width, rows * width)
    if (validity !== undefined) {
      native.vector_ensure_validity_writable(vector)
      native.copy_data_to_vector_validity(vector, 0, validity, first >> 3, Math.ceil(rows / 64) * 8)
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
