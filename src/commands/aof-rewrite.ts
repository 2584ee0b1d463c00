import {Args, Flags} from '@oclif/core'
import {BaseCommand, columnsOf, styleOf} from '../cli/command.js'
import {EXIT_FINDINGS} from '../cli/exit.js'
import {inputFlags, logFlags, outputFlags, parseMoment, replayFlags} from '../cli/flags.js'
import {onInterrupt} from '../cli/interrupt.js'
import {commandKeysFlag, pointInTimeFlags, pointInTimeOptions} from '../cli/point-in-time-flags.js'
import {Progress} from '../cli/progress.js'
import {UsageError} from '../errors.js'
import type {Built} from '../jobs/build.js'
import {LossError} from '../jobs/build-losses.js'
import {BuildError} from '../jobs/build-sources.js'
import {type RewrittenLog, rewriteLog} from '../jobs/rewrite-log.js'
import {targetOf} from '../rdb/targets.js'
import {buildJson, formatBuild} from '../report/build.js'
import {formatRewrite, rewriteJson} from '../report/rewritten-log.js'
import {formatText, hang, shorten} from '../report/text.js'
import {defaultLog} from '../source/default-log.js'
import {nameOf} from '../source/open.js'

/** Of the log, in a line of progress. */
const NAME_COLUMNS_MAX = 40

export default class AofRewrite extends BaseCommand {
  static override summary = 'Compact an append-only log offline, or take it back to a moment.'
  static override description = [
    'Replays a log as a server does, and writes the shortest one that means the same data: a base, an empty file of',
    'commands and a manifest, or a single file for servers before redis 7.0. It goes beside the log, as PATH.rewritten,',
    'unless --out or --in-place says otherwise. With --until, --until-offset or --before-command the log ends earlier than it',
    'does; with --drop-command one goes without, such as the FLUSHALL that nobody meant. A transaction is taken whole or not',
    'at all.',
    '\n\nWithout PATH: appendonlydir/ here, else appendonly.aof.',
    '\n\nThe exit code is 0 where the log was written, 1 where data would be lost and it was not (it is listed; what a server',
    'leaves out as well, at the end of a log that a crash cut short, is told and no loss), 3 where the log is damaged, 4 where',
    'a command cannot be replayed, or nobody says which server holds what the log has.',
  ].join(' ')
  static override args = {
    path: Args.string({description: 'A folder with a manifest, the manifest, or a single file.', ignoreStdin: true}),
  }
  static override flags = {
    out: Flags.string({
      char: 'o',
      description: 'Where the new log goes: a folder, or a file. Default: PATH.rewritten.',
      helpGroup: 'REWRITE',
      helpValue: 'PATH',
    }),
    'in-place': Flags.boolean({
      description:
        'Replace the log where it lies, as a server does; the old one stays as PATH.backup-TIME. Refused while a process has it open: those of other containers cannot be seen.',
      helpGroup: 'REWRITE',
    }),
    force: Flags.boolean({
      description:
        'Replace what was written there before. With --in-place: although it cannot be seen whether a server has the log open.',
      helpGroup: 'REWRITE',
    }),
    target: Flags.custom<string>({
      description: 'For which server, such as redis-6.2 or valkey-9.1. Default: the one that wrote the log.',
      helpGroup: 'REWRITE',
      helpValue: 'NAME',
      parse: async text => targetOf(text).name,
    })(),
    'allow-loss': Flags.boolean({
      description: 'Write what is left, where the target, or its commands, have no place for some of the data.',
      helpGroup: 'REWRITE',
    }),
    preamble: Flags.boolean({
      allowNo: true,
      description:
        'Begin with a snapshot; --no-preamble: with commands. Default: a snapshot, but commands in a single file that has none.',
      helpGroup: 'REWRITE',
    }),
    restore: Flags.option({
      options: ['auto', 'always', 'never'] as const,
      description: 'Of commands: keys that go as RESTORE: those that others cannot carry whole (auto), all, or none.',
      helpGroup: 'REWRITE',
    })(),
    compress: Flags.boolean({
      allowNo: true,
      default: true,
      description: 'Compress strings of the snapshot where that pays.',
      helpGroup: 'REWRITE',
    }),
    ...pointInTimeFlags,
    match: commandKeysFlag(),
    'ignore-checksum': inputFlags['ignore-checksum'],
    now: Flags.custom<number>({
      description:
        'What relative expiries count from where the log does not say when it was written: ISO 8601, or @SECONDS since 1970. Default: the clock, as of servers.',
      helpGroup: 'INPUT',
      helpValue: 'TIME',
      parse: async text => parseMoment(text),
    })(),
    'skip-unsupported': logFlags['skip-unsupported'],
    ...replayFlags,
    ...outputFlags,
  }
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> /var/lib/redis/appendonlydir --in-place',
    '<%= config.bin %> <%= command.id %> appendonlydir --before-command FLUSHALL --out rescued',
    '<%= config.bin %> <%= command.id %> appendonlydir --until 2026-11-24T15:00:00Z -o before',
    '<%= config.bin %> <%= command.id %> appendonly.aof --drop-command FLUSHDB:last --in-place',
    '<%= config.bin %> <%= command.id %> appendonlydir --target redis-6.2 --out appendonly.aof',
  ]

  async run(): Promise<void> {
    const {args, flags} = await this.parse(AofRewrite)
    if (flags.out === '-') throw new UsageError('a log does not go to standard output: give a folder, or a file')
    const path = args.path ?? (await this.#logHere())
    let progress: Progress | undefined
    let log: RewrittenLog
    try {
      log = await rewriteLog(path, {
        out: flags.out,
        inPlace: flags['in-place'],
        force: flags.force,
        target: flags.target,
        allowLoss: flags['allow-loss'],
        preamble: flags.preamble,
        restore: flags.restore,
        compress: flags.compress,
        pointInTime: pointInTimeOptions(flags, flags.match),
        ignoreChecksum: flags['ignore-checksum'],
        skipUnsupported: flags['skip-unsupported'],
        threads: flags.threads,
        nowMs: flags.now,
        // A signal that comes so late changes nothing: what it finds done is told.
        onPublished: () => onInterrupt(() => {}),
        onOpen: ({source}) => {
          progress = new Progress(
            `replaying ${shorten(formatText(source.name), NAME_COLUMNS_MAX)}`,
            source,
            flags.quiet,
          ).start()
        },
      }).finally(() => progress?.stop())
    } catch (error) {
      await this.signalsMet(true)
      if (error instanceof LossError) {
        this.#refused(error.built as Built, flags.json)
        return
      }
      if (!(error instanceof BuildError)) throw error
      this.fail(error.cause, nameOf(error.source), false)
      return
    }
    if (flags.restore !== undefined && log.base === 'snapshot') {
      this.logToStderr('warning: --restore says how commands are written, and this log begins with a snapshot')
    }
    if (flags.json) this.printJson(rewriteJson(log))
    else this.print(formatRewrite(log, this.style, this.columns))
  }

  /** Data would be lost: nothing was written. */
  #refused(built: Built, json: boolean): void {
    if (json) this.printJson(buildJson(built, false))
    else this.print(formatBuild(built, this.style, this.columns, false))
    process.exitCode = EXIT_FINDINGS
  }

  /** Where a folder lies here as well as a file, servers load the folder. */
  async #logHere(): Promise<string> {
    const {path, passedOver} = await defaultLog()
    if (passedOver !== undefined) {
      const text = `warning: ${formatText(passedOver)} is there too, and is no part of the log: it is ${formatText(path)} that servers load`
      this.logToStderr(hang(text, columnsOf(process.stderr)).map(styleOf(process.stderr).warning).join('\n'))
    }
    return path
  }
}
