/**
 * query: sources as tables of an SQL engine, and what statements find in them. Also how both tables become Parquet.
 */
import {mkdirSync, statSync} from 'node:fs'
import {stat} from 'node:fs/promises'
import {constants, tmpdir} from 'node:os'
import {join} from 'node:path'
import {publish, removeUnpublished, temporaryBeside} from '../bytes/unpublished.js'
import type {Problem} from '../keyspace/visitor.js'
import {limits} from '../limits.js'
import {Pulled} from '../parallel/pulled.js'
import {threadScript} from '../parallel/thread.js'
import {type BatchData, buffersOf} from '../query/batch.js'
import {TABLES} from '../query/columns.js'
import {type OpenScan, type RowScan, SqlEngine} from '../query/engine.js'
import type {SqlRows} from '../query/result.js'
import {isSorted, statementsIn} from '../query/statements.js'
import {isServerUrl} from '../resp/address.js'
import {type PlainFile, plainFile} from '../source/scratch.js'
import type {RowsForm, RowsParcel, RowsQuestion} from './query-rows.js'

export interface QueryOptions extends Omit<RowsForm, 'sources'> {
  /** What the engine may hold in memory, in bytes; the rest goes to temporary files. */
  memoryBytes: number
}

/** A problem that a reader met, and in which source. */
export interface SourceProblem extends Problem {
  source: string
}

/** Of a group of rows in Parquet, which is held until it is written. */
const GROUP_BYTES = '32MB'

const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const
/** The exit code of a signal is its number and this. */
const SIGNAL_EXIT = 128

/** Sources that statements can be asked of, until it is closed. */
export class Query {
  readonly problems: SourceProblem[] = []
  readonly #plain: PlainFile[] = []
  #engine: SqlEngine | undefined
  #scratch = ''

  private constructor(readonly options: QueryOptions) {}

  /**
   * The process would wait for ever for the engine's threads, which wait for us to make rows: it ends as it does where
   * nobody listens to the signal, or at once.
   */
  readonly #leave = (code: number): void => {
    if (this.#engine?.isBusy !== true) return
    const signal = SIGNALS.find(one => code === SIGNAL_EXIT + constants.signals[one])
    if (signal !== undefined) process.removeAllListeners(signal)
    process.kill(process.pid, signal ?? 'SIGKILL')
  }

  /**
   * Throws UsageError where there is no engine. What can be read once only (standard input, a server) is put into a temporary
   * file first: a statement may read it several times.
   */
  static async open(names: readonly string[], options: QueryOptions): Promise<Query> {
    const query = new Query(options)
    try {
      // It goes with the process, however that ends.
      query.#scratch = temporaryBeside(join(tmpdir(), 'rdbtool-query'))
      mkdirSync(query.#scratch, {mode: 0o700})
      // Behind whoever removes what is not published.
      process.on('exit', query.#leave)
      const {memoryBytes} = options
      const sources: {path: string; name: string}[] = []
      // Without an engine there is no need to fetch anything.
      query.#engine = await SqlEngine.open(query.#scan(sources), {memoryBytes, scratch: query.#scratch})
      for (const name of names) {
        if (name !== '-' && !isServerUrl(name)) {
          // Nobody may read it for a while: that it is there is looked at now.
          await stat(name)
          sources.push({path: name, name})
          continue
        }
        const plain = await plainFile(name, join(query.#scratch, 'source'))
        query.#plain.push(plain)
        sources.push({path: plain.path, name})
      }
      return query
    } catch (error) {
      await query.close()
      throw error
    }
  }

  /** The rows of a statement, as they come. Throws UsageError of what is no SQL, and what ended the reading of a source. */
  async rows(sql: string): Promise<SqlRows> {
    return await this.#engine!.rows(sql)
  }

  /** Writes the rows of a statement to a Parquet file, which appears once it is whole. Returns its bytes. */
  async toParquet(sql: string, path: string, force: boolean): Promise<number> {
    const temporary = temporaryBeside(path)
    try {
      await this.copyTo(sql, temporary)
      const {size} = statSync(temporary)
      publish(temporary, path, force)
      return size
    } finally {
      removeUnpublished(temporary)
    }
  }

  /** Stops the statement that runs. */
  interrupt(): void {
    this.#engine?.connection.interrupt()
  }

  /** The same into any file, at once. Returns the rows. Statements before the last are run. */
  async copyTo(sql: string, path: string): Promise<number> {
    const statements = statementsIn(sql)
    const last = statements.pop() ?? ''
    // Groups of rows can be bounded by their bytes only where the engine may change their order: one thread makes them, so
    // that it does not, but for those that it has sorted.
    const sorted = isSorted(last)
    const groups = sorted ? 'ROW_GROUP_SIZE 122880' : `ROW_GROUP_SIZE 122880, ROW_GROUP_SIZE_BYTES '${GROUP_BYTES}'`
    const engine = this.#engine!
    for (const statement of statements) await engine.run(statement)
    await engine.run(`SET preserve_insertion_order = ${sorted}`)
    const copy = `COPY (\n${last}\n) TO ${quoted(path)} (FORMAT parquet, COMPRESSION zstd, ${groups})`
    const rows = await engine.rows(copy)
    let count = 0
    for await (const chunk of rows.chunks()) for (const [written] of chunk) count += Number(written)
    return count
  }

  /** Keeps both tables in a database file, which appears once it is whole; statements are asked of it from then on. */
  async save(path: string, force: boolean): Promise<void> {
    const engine = this.#engine!
    await engine.run('SET preserve_insertion_order = false')
    const temporary = temporaryBeside(path)
    try {
      await engine.run(`ATTACH ${quoted(temporary)} AS saving`)
      for (const table of Object.keys(TABLES))
        await engine.run(`CREATE TABLE saving.${table} AS SELECT * FROM ${table}`)
      await engine.run('DETACH saving')
      publish(temporary, path, force)
    } finally {
      removeUnpublished(`${temporary}.wal`)
      removeUnpublished(temporary)
    }
    await engine.run(`ATTACH ${quoted(path)} AS saved (READ_ONLY)`)
    await engine.run('USE saved')
  }

  async close(): Promise<void> {
    process.off('exit', this.#leave)
    this.#engine?.close()
    for (const plain of this.#plain) plain.remove()
    if (this.#scratch !== '') removeUnpublished(this.#scratch)
  }

  /** A table that is read again tells the same again. */
  #note(problem: SourceProblem): void {
    const {source, offset, text} = problem
    const told = this.problems.some(one => one.source === source && one.offset === offset && one.text === text)
    if (!told && this.problems.length < limits.problemsMax) this.problems.push(problem)
  }

  #scan(sources: RowsForm['sources']): OpenScan {
    return (table, columns) => {
      const {memoryBytes: _, ...form} = this.options
      const pulled = new Pulled<RowsQuestion, RowsParcel>(threadScript('query-rows'), {
        ...{table, columns},
        form: {...form, sources},
      })
      return new ThreadScan(pulled, problem => {
        this.#note(problem)
      })
    }
  }
}

/** Rows made by a thread of their own. */
class ThreadScan implements RowScan {
  constructor(
    readonly pulled: Pulled<RowsQuestion, RowsParcel>,
    readonly onProblem: (problem: SourceProblem) => void,
  ) {}

  next(): BatchData | undefined {
    for (;;) {
      const parcel = this.pulled.next()
      if (parcel === undefined) {
        this.close()
        return undefined
      }
      if ('batch' in parcel) return parcel.batch
      this.onProblem({...parcel.problem, source: parcel.source})
    }
  }

  giveBack(batch: BatchData): void {
    this.pulled.giveBack({batch}, buffersOf(batch))
  }

  close(): void {
    void this.pulled.close()
  }
}

/** A string of SQL. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
