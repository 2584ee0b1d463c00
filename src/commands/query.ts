import {existsSync} from 'node:fs'
import {Args, Flags} from '@oclif/core'
import {FileTarget, StreamTarget} from '../bytes/target.js'
import {refuseTaken} from '../bytes/unpublished.js'
import {BaseCommand, columnsOf, styleOf} from '../cli/command.js'
import {engineMemory} from '../cli/engine-memory.js'
import {EXIT_BUG, exitCodeOf} from '../cli/exit.js'
import {inputFlags, logFlags, outputFlags} from '../cli/flags.js'
import {selectionFlags, selectionOptions} from '../cli/selection-flags.js'
import {UsageError} from '../errors.js'
import {Query} from '../jobs/query.js'
import type {SqlRows, SqlValue} from '../query/result.js'
import {formatFailure} from '../report/failure.js'
import {formatRows, rowTexts} from '../report/query.js'
import {formatMessage} from '../report/text.js'
import {isServerUrl} from '../resp/address.js'
import {refuseSource} from '../source/same-file.js'

const FORMATS = ['table', 'csv', 'json', 'jsonl', 'parquet'] as const
type Format = (typeof FORMATS)[number]

interface Shown {
  format: Format
  out: string | undefined
  force: boolean
}

/** Rows of a table that a screen is for. */
const TABLE_ROWS_MAX = 1000

/** Size is a column here. */
const {'min-bytes': _, 'max-bytes': __, ...selecting} = selectionFlags

export default class QueryCommand extends BaseCommand {
  static override summary = 'Ask a snapshot in SQL.'
  static override description = [
    'Two tables: keys (a row a key) and elements (a row for each element of each value), of which only the columns are',
    'made that the statement touches. The SQL is that of DuckDB, which is installed apart: npm install @duckdb/node-api.',
    '\n\nkeys: source, db, key, key_bytes, type, encoding, elements, memory_bytes, rdb_bytes, expire_at, idle_s, freq, slot, prefix1, prefix2,',
    'prefix3. elements: source, db, key, key_bytes, type, position, field, field_bytes, member, member_bytes, score, id, value, value_bytes,',
    'expire_at. Text that is no UTF-8 is spelled \\xNN there; the columns that end in _bytes have it exactly.',
  ].join(' ')
  static override usage =
    '<%= command.id %> SOURCE... SQL [--format FORMAT] [--out FILE] [--save FILE.duckdb] [selection flags]'
  static override strict = false
  static override args = {
    source: Args.string({
      required: true,
      description:
        'RDB file, append-only log (file or folder), JSON lines, table, redis://HOST, or - for standard input; gzip and zstd are unpacked. Several may be given.',
      ignoreStdin: true,
    }),
    sql: Args.string({
      description: 'The statement, behind all sources. Of several, the rows of the last are shown.',
      ignoreStdin: true,
    }),
  }
  static override flags = {
    format: Flags.option({
      options: FORMATS,
      description: 'How rows are shown. Default: what the name of --out ends in, else a table.',
      helpGroup: 'OUTPUT',
    })(),
    out: Flags.string({
      char: 'o',
      description: 'Write to this file instead of standard output; Parquet is always a file.',
      helpGroup: 'OUTPUT',
      helpValue: 'FILE',
    }),
    save: Flags.string({
      description: 'Keep both tables, whole, in this file, which DuckDB opens. The statement may then be left out.',
      helpGroup: 'OUTPUT',
      helpValue: 'FILE.duckdb',
    }),
    repl: Flags.boolean({
      description: 'Read statements from the terminal, one after the other; Tab completes names.',
      helpGroup: 'OUTPUT',
    }),
    force: Flags.boolean({description: 'Replace files where there are any.', helpGroup: 'OUTPUT'}),
    separator: Flags.string({
      default: ':',
      description: 'What stands between the parts of a key.',
      helpGroup: 'INPUT',
    }),
    server: Flags.string({
      description: 'Estimate memory as of this server, such as redis-7.0. Default: the one that wrote the source.',
      helpGroup: 'INPUT',
      helpValue: 'NAME',
    }),
    memory: engineMemory('What DuckDB may hold in memory; the rest goes to temporary files.'),
    ...inputFlags,
    ...logFlags,
    quiet: Flags.boolean({...outputFlags.quiet, description: 'No warnings on standard error.'}),
    ...selecting,
  }
  static override examples = [
    '<%= config.bin %> <%= command.id %> dump.rdb "SELECT type, sum(memory_bytes) FROM keys GROUP BY 1"',
    `<%= config.bin %> <%= command.id %> dump.rdb "FROM elements WHERE value LIKE '%@b%'" -o a.csv`,
    '<%= config.bin %> <%= command.id %> a.rdb b.rdb "SELECT source, count(*) FROM keys GROUP BY ALL"',
    '<%= config.bin %> <%= command.id %> dump.rdb "SELECT key, slot FROM keys" --out slots.parquet',
    '<%= config.bin %> <%= command.id %> dump.rdb --save dump.duckdb --repl',
  ]

  async run(): Promise<void> {
    const {argv, flags} = await this.parse(QueryCommand)
    const words = argv as string[]
    const sql = isSource(words.at(-1)!) ? undefined : words.at(-1)
    const sources = sql === undefined ? words : words.slice(0, -1)
    if (sources.length === 0) throw new UsageError('name a source before the statement')
    if (sql === undefined && flags.save === undefined && !flags.repl) {
      throw new UsageError('give a statement behind the source, or --save, or --repl')
    }
    const format = flags.format ?? formatOf(flags.out)
    if (format === 'table' && flags.out !== undefined) {
      throw new UsageError(
        'a table is for a screen: end the name of --out in .csv, .json, .jsonl or .parquet, or give --format',
      )
    }
    if (format === 'parquet' && flags.out === undefined)
      throw new UsageError('Parquet is written to a file: name it with --out')
    // A name that is taken is refused before anything is read; that of a source, always.
    for (const path of [flags.out, flags.save]) {
      if (path === undefined) continue
      refuseSource(path, sources)
      refuseTaken(path, flags.force)
    }
    const query = await Query.open(sources, {
      memoryBytes: flags.memory,
      server: flags.server,
      separator: Buffer.from(flags.separator),
      selection: selectionOptions(flags, flags.now ?? Date.now()),
      ignoreChecksum: flags['ignore-checksum'],
      skipUnsupported: flags['skip-unsupported'],
      onlyCreates: flags['only-creates'],
    })
    try {
      if (flags.save !== undefined) await query.save(flags.save, flags.force)
      if (sql !== undefined && format === 'parquet') await query.toParquet(sql, flags.out!, flags.force)
      else if (sql !== undefined) await this.#show(await query.rows(sql), {format, out: flags.out, force: flags.force})
      if (flags.repl) await this.#read(query, format)
      for (const {severity, source, text} of flags.quiet ? [] : query.problems) {
        this.logToStderr(`${severity}  ${formatMessage(`${source}: ${text}`)}`)
      }
    } finally {
      await query.close()
    }
  }

  async #read(query: Query, format: Format): Promise<void> {
    const {readStatements} = await import('../cli/query-repl.js')
    await readStatements({
      run: async sql => await this.#show(await query.rows(sql), {format, out: undefined, force: false}),
      interrupt: () => query.interrupt(),
      print: line => this.log(line),
      fail: error => {
        if (exitCodeOf(error) === EXIT_BUG) throw error
        for (const line of formatFailure(error, undefined, styleOf(process.stdout), columnsOf(process.stdout)))
          this.log(line)
      },
    })
  }

  /** `out`: a file, which appears once all rows are in it. */
  async #show(rows: SqlRows, {format, out, force}: Shown): Promise<void> {
    if (format === 'table') {
      await this.#table(rows)
      return
    }
    const target =
      out === undefined ? new StreamTarget('standard output', process.stdout) : FileTarget.create(out, {force})
    try {
      for await (const text of rowTexts(rows, format)) {
        const bytes = Buffer.from(text)
        target.write(bytes, 0, bytes.length)
        await target.drain()
      }
      await target.finish()
    } catch (error) {
      await target.abandon()
      throw error
    }
  }

  async #table(rows: SqlRows): Promise<void> {
    const shown: SqlValue[][] = []
    let count = 0
    for await (const chunk of rows.chunks()) {
      count += chunk.length
      shown.push(...chunk.slice(0, TABLE_ROWS_MAX - shown.length))
    }
    const style = styleOf(process.stdout)
    for (const line of formatRows(rows.columns, shown, {style, columns: columnsOf(process.stdout)})) this.log(line)
    if (count > shown.length) {
      this.logToStderr(
        `${count - shown.length} more rows: all of them with --format csv, json, jsonl or parquet, or fewer with LIMIT`,
      )
    }
  }
}

/** A name is no statement: that has blanks, and names no file. */
function isSource(word: string): boolean {
  return word === '-' || isServerUrl(word) || existsSync(word) || !/\s/.test(word.trim())
}

/** By the end of a file's name. */
function formatOf(path: string | undefined): Format {
  const ending = path?.slice(path.lastIndexOf('.') + 1)
  return FORMATS.find(one => one === ending) ?? 'table'
}
