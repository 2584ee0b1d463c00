import {extname} from 'node:path'
import {Args, Flags} from '@oclif/core'
import {type ByteTarget, FileTarget, StreamTarget} from '../bytes/target.js'
import {BaseCommand, columnsOf, styleOf} from '../cli/command.js'
import {engineMemory} from '../cli/engine-memory.js'
import {EXIT_FINDINGS} from '../cli/exit.js'
import {inputFlags, logFlags, outputFlags, segmentFlags} from '../cli/flags.js'
import {Progress} from '../cli/progress.js'
import {type SelectionFlags, selectionFlags, selectionOptions} from '../cli/selection-flags.js'
import {PlacedError, UsageError} from '../errors.js'
import {DUMP_FORMATS, type DumpFormat} from '../export/sink.js'
import {dump} from '../jobs/dump.js'
import {formatDump, formatParquet} from '../report/dump.js'
import {formatText, shorten} from '../report/text.js'
import {nameOf} from '../source/open.js'

/** Of the source, in a line of progress. */
const NAME_COLUMNS_MAX = 40
const STANDARD_OUTPUT = 'standard output'
/** Two tables, for engines that ask in SQL. */
const PARQUET = 'parquet'

type ParquetFlags = SelectionFlags &
  Record<'force' | 'quiet' | 'ignore-checksum' | 'skip-unsupported' | 'only-creates', boolean> & {
    out?: string | undefined
    now?: number | undefined
    memory: number
  }

export default class Dump extends BaseCommand {
  static override summary = 'Write down what a snapshot holds, as text.'
  static override description = [
    'jsonl (one object a line; build reads it back, and nothing is lost), json (the same objects as one array), resp',
    '(commands for redis-cli --pipe), csv (one row a key), keys (one key a line). Goes to standard output, or with --out to a file that appears once it is whole and the source was',
    'sound to its end.',
    '\n\nCounts go to standard error. The exit code is 1 where the format cannot carry something that is there and',
    '--allow-loss was not given, and 3 where the source is damaged; with --out nothing is published then.',
  ].join(' ')
  static override usage =
    '<%= command.id %> FILE [--format FORMAT] [--out FILE] [--force] [--threads N] [selection flags]'
  static override args = {
    file: Args.string({
      required: true,
      description:
        'RDB file, append-only log (file or folder), JSON lines, table, redis://HOST, or - for standard input; gzip and zstd are unpacked.',
      ignoreStdin: true,
    }),
  }
  static override flags = {
    format: Flags.option({
      options: [...DUMP_FORMATS, PARQUET] as const,
      description:
        'What to write. Default: what the name of --out ends in, else jsonl. parquet: a folder with keys.parquet and elements.parquet (needs DuckDB, as query does).',
      helpGroup: 'OUTPUT',
    })(),
    restore: Flags.option({
      options: ['auto', 'always', 'never'] as const,
      default: 'auto',
      description: 'resp: keys that go as RESTORE: those that commands cannot carry whole (auto), all, or none.',
      helpGroup: 'OUTPUT',
    })(),
    safe: Flags.boolean({
      description: 'csv: an apostrophe before what a spreadsheet would take for a formula.',
      helpGroup: 'OUTPUT',
    }),
    out: Flags.string({
      char: 'o',
      description: 'Write to this file instead of standard output.',
      helpGroup: 'OUTPUT',
      helpValue: 'FILE',
    }),
    force: Flags.boolean({description: 'Replace the file where there is one.', helpGroup: 'OUTPUT'}),
    'allow-loss': Flags.boolean({
      description: 'Exit with 0 although the format could not carry everything.',
      helpGroup: 'OUTPUT',
    }),
    memory: engineMemory('parquet: what DuckDB may hold in memory.'),
    ...inputFlags,
    ...logFlags,
    ...segmentFlags,
    quiet: Flags.boolean({...outputFlags.quiet, description: 'No progress and no counts on standard error.'}),
    ...selectionFlags,
  }
  static override examples = [
    '<%= config.bin %> <%= command.id %> dump.rdb | jq -c "select(.type == \\"hash\\") | .key"',
    '<%= config.bin %> <%= command.id %> dump.rdb --match "user:*" --out users.jsonl',
    '<%= config.bin %> <%= command.id %> dump.rdb --format resp | redis-cli --pipe',
    '<%= config.bin %> <%= command.id %> dump.rdb --format csv --safe --type string --out strings.csv',
    '<%= config.bin %> <%= command.id %> dump.rdb.gz --format keys --ttl none | sort',
  ]

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Dump)
    if (flags.format === PARQUET) {
      await this.#parquet(args.file, flags)
      return
    }
    const target = this.#target(flags.out, flags.force)
    let progress: Progress | undefined
    const result = await dump(args.file, target, {
      format: flags.format ?? formatOf(flags.out),
      restore: flags.restore,
      safe: flags.safe,
      ignoreChecksum: flags['ignore-checksum'],
      skipUnsupported: flags['skip-unsupported'],
      onlyCreates: flags['only-creates'],
      selection: selectionOptions(flags, flags.now ?? Date.now()),
      threads: flags.threads,
      onOpen: source => {
        const label = `reading ${shorten(formatText(source.name), NAME_COLUMNS_MAX)}`
        // A terminal that shows the output has no line left for progress.
        const quiet = flags.quiet || (flags.out === undefined && process.stdout.isTTY)
        progress = new Progress(label, source, quiet).start()
      },
    }).finally(() => progress?.stop())
    await this.signalsMet(result.failure !== undefined)
    if (result.failure !== undefined) {
      this.fail(result.failure, nameOf(args.file), false)
      return
    }
    if (!flags.quiet) {
      const lines = formatDump(flags.out ?? STANDARD_OUTPUT, result, styleOf(process.stderr), columnsOf(process.stderr))
      this.logToStderr(lines.join('\n'))
    }
    if (result.losses.length > 0 && !flags['allow-loss']) process.exitCode = EXIT_FINDINGS
  }

  async #parquet(file: string, flags: ParquetFlags): Promise<void> {
    const {out, force, 'min-bytes': min, 'max-bytes': max} = flags
    if (out === undefined) throw new UsageError('Parquet is written to a folder: name it with --out')
    if (min !== undefined || max !== undefined) {
      throw new UsageError(
        'sizes are a column of Parquet: rdbtool query FILE "... WHERE memory_bytes > ..." selects by them',
      )
    }
    const {dumpParquet} = await import('../jobs/dump-parquet.js')
    try {
      const {rows, bytes, problems} = await dumpParquet(file, out, {
        force,
        memoryBytes: flags.memory,
        separator: Buffer.from(':'),
        selection: selectionOptions(flags, flags.now ?? Date.now()),
        ignoreChecksum: flags['ignore-checksum'],
        skipUnsupported: flags['skip-unsupported'],
        onlyCreates: flags['only-creates'],
      })
      if (flags.quiet) return
      for (const line of formatParquet(
        out,
        {rows, bytes, problems},
        styleOf(process.stderr),
        columnsOf(process.stderr),
      )) {
        this.logToStderr(line)
      }
    } catch (error) {
      // What the engine says is of what it writes.
      this.fail(error, error instanceof PlacedError ? nameOf(file) : undefined, false)
    }
  }

  #target(path: string | undefined, force: boolean): ByteTarget {
    if (path === undefined) return new StreamTarget(STANDARD_OUTPUT, process.stdout, true)
    return FileTarget.create(path, {force})
  }
}

/** By the end of a file's name. */
function formatOf(path: string | undefined): DumpFormat {
  const ending = extname(path ?? '').slice(1)
  return DUMP_FORMATS.find(one => one === ending) ?? 'jsonl'
}
