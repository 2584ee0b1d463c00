import {Args, Flags} from '@oclif/core'
import {BaseCommand, columnsOf, styleOf} from '../cli/command.js'
import {inputFlags, outputFlags, parseMoment} from '../cli/flags.js'
import {onInterrupt} from '../cli/interrupt.js'
import {LogScreen} from '../cli/log-screen.js'
import {parseDb} from '../cli/selection-flags.js'
import {showLog} from '../jobs/aof-log.js'
import type {Problem} from '../keyspace/visitor.js'
import {formatProblemLine} from '../report/problem-line.js'
import {formatText} from '../report/text.js'
import {formatCount} from '../report/units.js'
import {defaultLog} from '../source/default-log.js'
import {nameOf} from '../source/open.js'

const STANDARD_INPUT = '-'

const helpGroup = 'SELECTION'
const repeatable = {helpGroup, multiple: true, multipleNonGreedy: true} as const
const moment = {helpGroup, helpValue: 'TIME', parse: async (text: string) => parseMoment(text)} as const

export default class AofLog extends BaseCommand {
  static override summary = 'Show the commands of an append-only log.'
  static override description = [
    'One line a command: file (where the log has several), offset in it, time (where the server writes times:',
    'aof-timestamp-enabled), database, and the command as it was logged. What stands in a transaction is set in. Arguments',
    'stand as redis-cli takes them; long ones are shortened, unless --full. Nothing is replayed, and no command need be known.',
    '\n\nA log that is damaged is shown up to the damage, and the exit code is 3; of one that ends within a command, as a',
    'crash leaves it, that is told on standard error.',
  ].join(' ')
  static override usage = '<%= command.id %> [PATH] [--follow] [--tail N] [--full] [--json] [selection flags]'
  static override args = {
    path: Args.string({
      description:
        'Folder, manifest or file, or - for standard input; gzip and zstd are unpacked. Default: appendonlydir here, else appendonly.aof.',
      ignoreStdin: true,
    }),
  }
  static override flags = {
    command: Flags.string({
      ...repeatable,
      description: 'Only commands of this name, in whatever case; or of this subcommand ("XGROUP CREATE").',
      helpValue: 'NAME',
    }),
    match: Flags.string({
      ...repeatable,
      description:
        'Only commands that have a key that matches, as in KEYS of a server, or that change every key (FLUSHALL).',
      helpValue: 'GLOB',
    }),
    'not-match': Flags.string({
      ...repeatable,
      description: 'No commands all of whose keys match.',
      helpValue: 'GLOB',
    }),
    db: Flags.custom<number>({
      ...repeatable,
      description: 'Only commands for this database, or that change it from another (FLUSHALL).',
      helpValue: 'N',
      parse: async text => parseDb(text),
    })(),
    since: Flags.custom<number>({
      ...moment,
      description: 'Only commands from this moment on: ISO 8601, or @SECONDS since 1970. The log must have times.',
    })(),
    until: Flags.custom<number>({
      ...moment,
      description: 'Only commands up to this moment; with --follow the first later time in the log ends it.',
    })(),
    limit: Flags.integer({
      description: 'Only the first N of these commands; then it ends.',
      ...{helpGroup, helpValue: 'N', min: 1},
    }),
    tail: Flags.integer({
      description: 'Only the last N of these commands; with --follow, of those that are there.',
      ...{helpGroup, helpValue: 'N', min: 1, exclusive: ['limit']},
    }),
    follow: Flags.boolean({
      char: 'f',
      description: 'Go on as the server appends to its log, through rewrites too, until Ctrl-C.',
    }),
    full: Flags.boolean({description: 'Show arguments whole, and all of them.', helpGroup: 'OUTPUT'}),
    ...outputFlags,
    json: Flags.boolean({
      description: 'Print one JSON object a line, with whole arguments; its names are a contract.',
      helpGroup: 'OUTPUT',
    }),
    'ignore-checksum': inputFlags['ignore-checksum'],
  }
  static override examples = [
    '<%= config.bin %> <%= command.id %> /var/lib/redis/appendonlydir --tail 20 --follow',
    '<%= config.bin %> <%= command.id %> appendonlydir --command FLUSHALL --command FLUSHDB',
    '<%= config.bin %> <%= command.id %> --match "user:1000:*" --since 2026-11-24T15:00:00Z',
    '<%= config.bin %> <%= command.id %> appendonly.aof.gz --json | jq -r .command | sort | uniq -c',
  ]

  async run(): Promise<void> {
    const {args, flags} = await this.parse(AofLog)
    const path = args.path ?? (await this.#here())
    const interrupted = new AbortController()
    const screen = new LogScreen(path, flags, interrupted.signal)
    // No line is left half written; but nobody knows when standard input will have more.
    if (path !== STANDARD_INPUT) onInterrupt(() => interrupted.abort())
    const {failure, commands} = await showLog(path, {
      commands: flags.command,
      match: flags.match,
      notMatch: flags['not-match'],
      dbs: flags.db,
      sinceMs: flags.since,
      untilMs: flags.until,
      limit: flags.limit,
      follow: flags.follow,
      signal: interrupted.signal,
      ignoreChecksum: flags['ignore-checksum'],
      show: (files, progress) => screen.show(files, progress),
      onProblem: problem => {
        screen.flush()
        this.logToStderr(formatProblem(problem))
      },
    }).finally(() => screen.stop())
    if (screen.isCutShort) {
      this.logToStderr(
        `interrupted after ${formatCount(commands)} commands: which are the last is not known, and none is shown`,
      )
    }
    await screen.finish()
    onInterrupt(undefined)
    await this.signalsMet(failure !== undefined)
    if (failure !== undefined) this.fail(failure, nameOf(path), screen.written)
  }

  async #here(): Promise<string> {
    const {path, passedOver} = await defaultLog()
    if (passedOver !== undefined) {
      this.logToStderr(`${formatText(path)} is shown: servers load it, and not ${formatText(passedOver)} beside it`)
    }
    return path
  }
}

function formatProblem(problem: Problem): string {
  return formatProblemLine(problem, styleOf(process.stderr), columnsOf(process.stderr)).join('\n')
}
