import {Args, Flags} from '@oclif/core'
import {LargestDifferences} from '../analysis/largest-differences.js'
import {ByteOutput} from '../bytes/output.js'
import {type ByteTarget, FileTarget, StreamTarget} from '../bytes/target.js'
import {parseDbPair} from '../cli/change-flags.js'
import {BaseCommand, columnsOf, styleOf} from '../cli/command.js'
import {EXIT_FINDINGS} from '../cli/exit.js'
import {inputFlags, logFlags, outputFlags, threadFlags} from '../cli/flags.js'
import {SourceProgress} from '../cli/progress.js'
import {parseSize, parseSpan, selectionFlags, selectionOptions} from '../cli/selection-flags.js'
import {UsageError} from '../errors.js'
import {JsonDifferences} from '../export/difference-json.js'
import {PatchWriter} from '../export/difference-patch.js'
import {type DiffOptions, diff, SideError} from '../jobs/diff.js'
import type {DiffResult} from '../jobs/diff-result.js'
import {diffJson, formatDiff, patchLosses} from '../report/diff.js'
import {isServerUrl, maskAddress} from '../resp/address.js'
import {nameOf} from '../source/open.js'

const MEMORY_DEFAULT = '256mb'
const DIFFERENCES_MAX = 20
const DIFFERENCES_SHOWN_MAX = 100_000
const IGNORED = ['idle', 'frequency', 'consumers', 'functions'] as const
const STANDARD_OUTPUT = 'standard output'

const SOURCE =
  'RDB file, append-only log (file or folder), JSON lines, table, redis://HOST, or - for standard input; gzip and zstd are unpacked.'

export default class Diff extends BaseCommand {
  static override summary = 'Tell what differs between two data sets, by meaning.'
  static override description = [
    'Compares any two sources: keys removed, added, changed, and of a changed key what changed inside: elements, fields,',
    'scores, expiries, stream entries, groups, consumers, pending entries; functions too. Encodings, the order of members and',
    'fields, versions, vendors and carriers do not matter. Selection flags choose keys, each where it is of that kind on either',
    'side; functions are then left out. Shows counts by database and type, then the largest differences;',
    '--jsonl has all of them. Memory is bounded, however large both are.',
    '\n\nThe exit code is 0 where both are equal, 1 where they differ, 3 where a side is damaged: what precedes the damage is',
    'compared, and what could not be is told.',
  ].join(' ')
  static override usage = '<%= command.id %> BEFORE AFTER [--json | --jsonl | --format resp] [selection flags]'
  static override args = {
    // Standard input is a source itself, never its name.
    before: Args.string({required: true, description: SOURCE, ignoreStdin: true}),
    after: Args.string({required: true, description: 'What it is compared with: any of these too.', ignoreStdin: true}),
  }
  static override flags = {
    'ignore-ttl': Flags.boolean({description: 'Expiries of keys and of fields do not matter.', helpGroup: 'DIFF'}),
    'ttl-tolerance': Flags.custom<number>({
      description: 'Expiries that are at most so far apart are the same: 500ms, 2s, 1m.',
      helpGroup: 'DIFF',
      helpValue: 'SPAN',
      parse: async text => (text === '0' ? 0 : parseSpan(text)),
    })(),
    ignore: Flags.custom<(typeof IGNORED)[number][]>({
      multiple: true,
      multipleNonGreedy: true,
      description: `What else does not matter: ${IGNORED.join(', ')}; several with commas. Consumers of stream groups: which there are, and when they were seen.`,
      helpGroup: 'DIFF',
      helpValue: 'WHAT',
      parse: async text => parseIgnored(text),
    })(),
    'map-db': Flags.custom<readonly [from: number, to: number]>({
      description: 'Keys of database N of BEFORE are compared with those of database M.',
      multiple: true,
      multipleNonGreedy: true,
      helpGroup: 'DIFF',
      helpValue: 'N=M',
      parse: async text => parseDbPair(text),
    })(),
    memory: Flags.custom<number>({
      description: `Memory for what is remembered of keys; what does not fit goes to temporary files. Default: ${MEMORY_DEFAULT}.`,
      helpGroup: 'DIFF',
      helpValue: 'SIZE',
      parse: async text => parseSize(text),
    })(),
    summary: Flags.boolean({description: 'Counts only, no single differences.', helpGroup: 'OUTPUT'}),
    'max-differences': Flags.integer({
      default: DIFFERENCES_MAX,
      min: 0,
      max: DIFFERENCES_SHOWN_MAX,
      description: 'How many of the largest differences to show; all are counted.',
      helpGroup: 'OUTPUT',
      helpValue: 'N',
    }),
    jsonl: Flags.boolean({
      description: 'All differences, complete, one object a line; the last line is the summary.',
      helpGroup: 'OUTPUT',
      exclusive: ['json', 'summary'],
    }),
    format: Flags.option({
      options: ['resp'] as const,
      description: 'Commands that turn BEFORE into AFTER, for redis-cli --pipe to a server that holds BEFORE.',
      helpGroup: 'OUTPUT',
      exclusive: ['json', 'jsonl', 'summary'],
    })(),
    out: Flags.string({
      char: 'o',
      description: 'Of --jsonl and --format: write to this file instead of standard output.',
      helpGroup: 'OUTPUT',
      helpValue: 'FILE',
    }),
    force: Flags.boolean({description: 'Replace the file where there is one.', helpGroup: 'OUTPUT'}),
    ...outputFlags,
    ...inputFlags,
    ...logFlags,
    ...threadFlags,
    ...selectionFlags,
  }
  static override examples = [
    '<%= config.bin %> <%= command.id %> yesterday.rdb today.rdb',
    '<%= config.bin %> <%= command.id %> dump.rdb redis://10.0.0.7:6379 --ttl-tolerance 2s --summary',
    '<%= config.bin %> <%= command.id %> dump.rdb appendonlydir --match "user:*" --type hash',
    '<%= config.bin %> <%= command.id %> a.rdb b.rdb --format resp | redis-cli --pipe',
    '<%= config.bin %> <%= command.id %> a.rdb b.rdb --jsonl | jq -c "[.change, .key]"',
  ]

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Diff)
    const {before, after} = args
    if (before === '-' && after === '-') throw new UsageError('standard input can be read once: name it once')
    const writes = flags.jsonl || flags.format === 'resp'
    if (flags.out !== undefined && !writes) {
      throw new UsageError('--out is where lines or commands go: say --jsonl or --format resp')
    }
    const mapDb = flags['map-db'] ?? []
    if (flags.format === 'resp' && mapDb.length > 0) {
      throw new UsageError('--map-db is of no use to a patch: its commands are for the databases of BEFORE as they are')
    }
    const twice = mapDb.find(([from], i) => mapDb.findIndex(([other]) => other === from) < i)
    if (twice !== undefined)
      throw new UsageError(`--map-db says twice what database ${twice[0]} counts as: say it once`)
    const nowMs = flags.now ?? Date.now()
    const options = {
      selection: selectionOptions(flags, nowMs),
      mapDb,
      ignoreExpiry: flags['ignore-ttl'],
      toleranceMs: flags['ttl-tolerance'],
      ignore: flags.ignore?.flat(),
      memoryBytes: flags.memory,
      ignoreChecksum: flags['ignore-checksum'],
      skipUnsupported: flags['skip-unsupported'],
      onlyCreates: flags['only-creates'],
      threads: flags.threads,
      nowMs,
    }
    if (writes) {
      await this.#write(before, after, options, flags)
      return
    }
    const sink = new LargestDifferences(flags.summary ? 0 : flags['max-differences'])
    const result = await this.#compare(before, after, {...options, sink}, flags.quiet)
    if (result === undefined) return
    if (flags.json) this.printJson(diffJson(maskedSides(result), flags.summary ? undefined : sink.largest))
    else this.print(formatDiff(namedSides(result), {style: this.style, columns: this.columns, largest: sink.largest}))
    this.#tellFailures(result, true)
  }

  /** Undefined: it failed, and that has been told. */
  async #compare(
    before: string,
    after: string,
    options: Omit<DiffOptions, 'onFetch' | 'onOpen'>,
    quiet: boolean,
  ): Promise<DiffResult | undefined> {
    const progress = new SourceProgress('comparing', quiet)
    const {onOpen} = progress.options(before)
    // Of two running servers, whichever is being fetched.
    const {onFetch} = progress.options([before, after].find(isServerUrl) ?? before)
    try {
      const result = await diff(before, after, {...options, onOpen, onFetch}).finally(() => progress.stop())
      await this.signalsMet(result.sides.some(({failure}) => failure !== undefined))
      return result
    } catch (error) {
      await this.signalsMet(true)
      if (!(error instanceof SideError)) throw error
      this.fail(error.cause, nameOf(error.source), false)
      return undefined
    }
  }

  /** Lines of JSON, or commands: they are complete, or nothing is published. */
  async #write(
    before: string,
    after: string,
    options: Omit<DiffOptions, 'sink'>,
    {out: path, force, quiet, jsonl}: {out: string | undefined; force: boolean; quiet: boolean; jsonl: boolean},
  ): Promise<void> {
    const target: ByteTarget =
      path === undefined ? new StreamTarget(STANDARD_OUTPUT, process.stdout, true) : FileTarget.create(path, {force})
    const out = new ByteOutput(target)
    const sink = jsonl ? new JsonDifferences(out) : new PatchWriter(out)
    // A terminal that shows the lines has no line left for progress.
    const silent = quiet || (path === undefined && process.stdout.isTTY)
    let result: DiffResult | undefined
    try {
      result = await this.#compare(before, after, {...options, sink}, silent)
      if (result !== undefined && sink instanceof JsonDifferences)
        sink.summary(diffJson(maskedSides(result), undefined))
      out.flush()
      // Of a damaged side a stream has what could be read; a file of it is not published.
      const whole = result?.sides.every(({failure}) => failure === undefined) === true
      if (whole || path === undefined) await target.finish()
    } finally {
      await target.abandon()
    }
    if (result === undefined) return
    if (!quiet) {
      const view = {style: styleOf(process.stderr), columns: columnsOf(process.stderr), largest: []}
      const losses = sink instanceof PatchWriter ? patchLosses(sink.losses, result, view.style) : []
      this.logToStderr([...formatDiff(namedSides(result), view), ...losses].join('\n'))
    }
    this.#tellFailures(result, false)
  }

  #tellFailures({equal, sides}: DiffResult, reported: boolean): void {
    const failed = sides.filter(({failure}) => failure !== undefined)
    for (const {failure, source} of failed) this.fail(failure, nameOf(source), reported)
    if (failed.length === 0 && !equal) process.exitCode = EXIT_FINDINGS
  }
}

/** With the names that people know sources by. */
function namedSides(result: DiffResult): DiffResult {
  return withNames(result, nameOf)
}

/** With names that hold no password. */
function maskedSides(result: DiffResult): DiffResult {
  return withNames(result, maskAddress)
}

function withNames(result: DiffResult, name: (source: string) => string): DiffResult {
  const [before, after] = result.sides
  return {
    ...result,
    sides: [
      {...before, source: name(before.source)},
      {...after, source: name(after.source)},
    ],
  }
}

function parseIgnored(text: string): (typeof IGNORED)[number][] {
  return text.split(',').map(word => {
    const known = IGNORED.find(one => one === word)
    if (known !== undefined) return known
    throw new UsageError(`${JSON.stringify(word)} cannot be ignored: give ${IGNORED.join(', ')}, several with commas`)
  })
}
