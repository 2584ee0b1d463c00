import {existsSync, statSync} from 'node:fs'
import {Args, Flags} from '@oclif/core'
import {StreamTarget} from '../bytes/target.js'
import {changeFlags, changeOptions} from '../cli/change-flags.js'
import {BaseCommand, columnsOf, styleOf} from '../cli/command.js'
import {EXIT_FINDINGS} from '../cli/exit.js'
import {inputFlags, logFlags, outputFlags, replayFlags} from '../cli/flags.js'
import {commandKeysFlag, pointInTimeFlags, pointInTimeOptions} from '../cli/point-in-time-flags.js'
import {Progress} from '../cli/progress.js'
import {parseSize, selectionFlags, selectionOptions} from '../cli/selection-flags.js'
import {UsageError} from '../errors.js'
import {type BuildOptions, type Built, build} from '../jobs/build.js'
import {ConflictError, type ConflictRule} from '../jobs/build-conflicts.js'
import {buildLog} from '../jobs/build-log.js'
import {LossError} from '../jobs/build-losses.js'
import {BuildError} from '../jobs/build-sources.js'
import {buildSplit, type SplitPlan, splitPlan} from '../jobs/build-split.js'
import {type LogShape, shapeOf} from '../jobs/log-shape.js'
import {targetOf} from '../rdb/targets.js'
import {buildJson, formatBuild, formatConflicts} from '../report/build.js'
import {formatJson, formatText, shorten} from '../report/text.js'
import {nameOf} from '../source/open.js'

/** Of a source, in a line of progress. */
const NAME_COLUMNS_MAX = 40
const MEMORY_DEFAULT = '64mb'

export default class Build extends BaseCommand {
  static override hiddenAliases = ['convert']
  static override strict = false
  static override summary = 'Make a snapshot, or a log, of any sources, for any server (also called convert).'
  static override description = [
    'Reads sources in their order and writes one RDB file: converted for another server, filtered, merged; or, where --out is',
    'a folder, an append-only log that a server starts from. Values go as',
    'they are stored where the target takes them so, else as the target itself would store them. What it has no place for is',
    'listed, by kind and key, and then nothing is written unless --allow-loss gives leave; hints that no server needs (idle',
    'times and the like) go without. The file appears once it is whole and every source was read to a good end; it ends with',
    'counts of keys in, out, and left out by reason.',
    '\n\nThe exit code is 0 where the file was written, 1 where data would be lost, or a key is in several sources, and it was',
    'not, 3 where a source is damaged, 4 where it has something unknown.',
  ].join(' ')
  static override args = {
    source: Args.string({
      required: true,
      description:
        'RDB file, append-only log (file or folder), JSON lines, table, redis://HOST, or - for standard input; gzip and zstd are unpacked. Several are put together.',
      // Standard input is the source itself, never its name.
      ignoreStdin: true,
    }),
  }
  static override flags = {
    out: Flags.string({
      char: 'o',
      required: true,
      description: 'Where it goes: a file, a folder for a log, or - for standard output.',
      helpGroup: 'BUILD',
      helpValue: 'PATH',
    }),
    force: Flags.boolean({description: 'Replace the file that is there.', helpGroup: 'BUILD'}),
    format: Flags.option({
      options: ['rdb', 'aof'] as const,
      description:
        'A snapshot, or an append-only log: a folder as redis 7.0 and valkey keep it, or one file for older targets. Default: rdb, and aof where --out is a folder or ends in /.',
      helpGroup: 'BUILD',
    })(),
    preamble: Flags.boolean({
      allowNo: true,
      description: 'Of a log: begin with a snapshot (default where the target takes one), or with commands.',
      helpGroup: 'BUILD',
    }),
    target: Flags.custom<string>({
      description: 'For which server, such as redis-6.2 or valkey-9.1. Default: the version of the sources themselves.',
      helpGroup: 'BUILD',
      helpValue: 'NAME',
      parse: async text => targetOf(text).name,
    })(),
    'allow-loss': Flags.boolean({
      description: 'Write what is left, where the target has no place for some of the data.',
      helpGroup: 'BUILD',
    }),
    'drop-modules': Flags.boolean({
      description: 'Leave out values of modules, and what modules keep beside them.',
      helpGroup: 'BUILD',
    }),
    'drop-functions': Flags.boolean({description: 'Leave out libraries of functions.', helpGroup: 'BUILD'}),
    reencode: Flags.boolean({
      description: 'Store every value anew, even where it could be copied.',
      helpGroup: 'BUILD',
    }),
    compress: Flags.boolean({
      allowNo: true,
      default: true,
      description: 'Compress strings where that pays.',
      helpGroup: 'BUILD',
    }),
    sort: Flags.boolean({
      description:
        'Keys, members, fields and groups in the order of their bytes, stored anew: the same data makes the same file.',
      helpGroup: 'BUILD',
    }),
    'split-slots': Flags.string({
      description:
        'Into a folder: one file for each shard of a cluster. N shards have even parts of the slots, as redis-cli --cluster create gives them; or those of nodes.conf, or of the text of CLUSTER NODES.',
      helpGroup: 'BUILD',
      helpValue: 'N|FILE',
    }),
    'on-conflict': Flags.custom<ConflictRule>({
      description:
        'What to do where several sources have a key: error, or keep the first or the last (then sources are read twice). Default: error.',
      helpGroup: 'BUILD',
      helpValue: 'RULE',
      parse: async text => parseRule(text),
    })(),
    memory: Flags.custom<number>({
      description: `Memory for finding them, or for sorting; what does not fit goes to a temporary file. Default: ${MEMORY_DEFAULT}.`,
      helpGroup: 'BUILD',
      helpValue: 'SIZE',
      parse: async text => parseSize(text),
    })(),
    ...inputFlags,
    ...logFlags,
    ...replayFlags,
    ...pointInTimeFlags,
    'command-match': commandKeysFlag(),
    ...outputFlags,
    ...selectionFlags,
    ...changeFlags,
  }
  static override examples = [
    '<%= config.bin %> <%= command.id %> dump.rdb --out old.rdb --target redis-6.2 --allow-loss',
    '<%= config.bin %> <%= command.id %> dump.rdb --out sessions.rdb --match "session:*"',
    '<%= config.bin %> <%= command.id %> shard-*.rdb --out all.rdb',
    '<%= config.bin %> <%= command.id %> dump.rdb --out shards/ --split-slots 3',
    '<%= config.bin %> <%= command.id %> shards --out all.rdb',
    '<%= config.bin %> <%= command.id %> appendonlydir --out dump.rdb',
    '<%= config.bin %> <%= command.id %> dump.rdb --out appendonlydir/',
    '<%= config.bin %> <%= command.id %> appendonlydir --out before.rdb --before-command FLUSHALL',
    '<%= config.bin %> <%= command.id %> a.rdb b.rdb --out ab.rdb --on-conflict last --map-db 1=0',
    '<%= config.bin %> <%= command.id %> archive.rdb --out live.rdb --ttl strip',
  ]

  async run(): Promise<void> {
    const {argv, flags} = await this.parse(Build)
    const sources = argv as string[]
    if (sources.filter(one => one === '-').length > 1) {
      throw new UsageError('standard input can be read once: name it once')
    }
    const nowMs = flags.now ?? Date.now()
    const toStream = flags.out === '-'
    if (toStream && process.stdout.isTTY)
      throw new UsageError('a snapshot is no text: give a file, or pipe it somewhere')
    const {changes, ttl} = changeOptions(flags)
    const plan = splitOptions(flags)
    const log = plan === undefined ? logOptions(flags) : undefined
    let progress: Progress | undefined
    let built: Built
    try {
      const options: BuildOptions = {
        out: flags.out,
        force: flags.force,
        target: flags.target,
        allowLoss: flags['allow-loss'],
        dropModules: flags['drop-modules'],
        dropFunctions: flags['drop-functions'],
        compress: flags.compress,
        reencode: flags.reencode,
        ignoreChecksum: flags['ignore-checksum'],
        skipUnsupported: flags['skip-unsupported'],
        threads: flags.threads,
        onlyCreates: flags['only-creates'],
        pointInTime: pointInTimeOptions(flags, flags['command-match']),
        selection: {...selectionOptions({...flags, ttl: undefined}, nowMs), ttl},
        changes,
        onConflict: flags['on-conflict'],
        sort: flags.sort,
        memoryBytes: flags.memory,
        nowMs,
        onOpen: ({source}) => {
          progress?.stop()
          const label = `reading ${shorten(formatText(source.name), NAME_COLUMNS_MAX)}`
          progress = new Progress(label, source, flags.quiet).start()
        },
      }
      const stream = toStream ? new StreamTarget('standard output', process.stdout, true) : undefined
      const building =
        plan !== undefined
          ? buildSplit(sources, {...options, plan})
          : log === undefined
            ? build(sources, {...options, stream})
            : buildLog(sources, {...options, ...log})
      built = await building.finally(() => progress?.stop())
    } catch (error) {
      await this.signalsMet(true)
      if (!(error instanceof LossError)) return this.#failed(error)
      this.#report(error.built as Built, flags.json, toStream, false)
      process.exitCode = EXIT_FINDINGS
      return
    }
    this.#report(built, flags.json, toStream)
    if (built.misplaced) process.exitCode = EXIT_FINDINGS
  }

  /** Where standard output has the snapshot, standard error has the report. */
  #report(built: Built, json: boolean, toStream: boolean, isWritten = true): void {
    const tell = (text: string): void => (toStream ? this.logToStderr(text) : this.log(text))
    if (json) tell(formatJson(buildJson(built, isWritten)))
    else {
      const stream = toStream ? process.stderr : process.stdout
      tell(formatBuild(built, styleOf(stream), columnsOf(stream), isWritten).join('\n'))
    }
  }

  #failed(error: unknown): void {
    const cause = error instanceof BuildError ? error.cause : error
    if (cause instanceof ConflictError) {
      this.logToStderr(formatConflicts(cause, styleOf(process.stderr), columnsOf(process.stderr)).join('\n'))
      process.exitCode = EXIT_FINDINGS
    } else if (error instanceof BuildError) {
      this.fail(cause, nameOf(error.source), false)
    } else {
      throw error
    }
  }
}

/** What is built is a log; undefined where it is a snapshot. */
function logOptions({
  out,
  format,
  target,
  preamble,
}: {
  out: string
  format?: 'rdb' | 'aof' | undefined
  target?: string | undefined
  preamble?: boolean | undefined
}): LogShape | undefined {
  const isFolder = out.endsWith('/') || (existsSync(out) && statSync(out).isDirectory())
  if ((format ?? (isFolder ? 'aof' : 'rdb')) === 'rdb') {
    if (isFolder) throw new UsageError(`${out} is a folder: give the name of a file, or --format aof for a log`)
    if (preamble !== undefined) throw new UsageError('only a log begins with a snapshot or not: say --format aof')
    return undefined
  }
  if (out === '-') throw new UsageError('a log does not go to standard output: give a folder, or a file')
  return shapeOf({target, preamble, form: isFolder ? 'folder' : undefined})
}

/** What is built is a folder of shards; undefined where it is not. */
function splitOptions({
  out,
  format,
  preamble,
  'split-slots': split,
}: {
  out: string
  format?: 'rdb' | 'aof' | undefined
  preamble?: boolean | undefined
  'split-slots'?: string | undefined
}): SplitPlan | undefined {
  if (split === undefined) return undefined
  if (out === '-') throw new UsageError('several files do not go to standard output: give a folder')
  if (format === 'aof' || preamble !== undefined) throw new UsageError('shards are snapshots: not a log (--format aof)')
  return splitPlan(split)
}

function parseRule(text: string): ConflictRule {
  if (text === 'error' || text === 'first' || text === 'last') return text
  throw new UsageError(`${JSON.stringify(text)} is no rule for conflicts: give error, first or last`)
}
