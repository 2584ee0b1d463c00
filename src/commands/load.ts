import {Args, Flags} from '@oclif/core'
import {changeFlags, changeOptions} from '../cli/change-flags.js'
import {BaseCommand, columnsOf, styleOf} from '../cli/command.js'
import {connectionFlags, patienceOptions, seconds, withCredentials} from '../cli/connection-flags.js'
import {EXIT_FINDINGS} from '../cli/exit.js'
import {inputFlags, logFlags, outputFlags} from '../cli/flags.js'
import {onInterrupt} from '../cli/interrupt.js'
import {Phases} from '../cli/phases.js'
import {selectionFlags, selectionOptions} from '../cli/selection-flags.js'
import {LossError} from '../jobs/build-losses.js'
import {BuildError} from '../jobs/build-sources.js'
import {type Load as Loaded, type LoadPhase, load} from '../jobs/load.js'
import {LOAD_PATIENCE_MS} from '../jobs/load-link.js'
import {formatLost, lostJson} from '../report/build.js'
import {failureJson} from '../report/failure.js'
import {formatLoad, formatLoadFailures, loadJson} from '../report/load.js'
import {formatText, shorten} from '../report/text.js'
import {formatCount} from '../report/units.js'
import {maskAddress, parseAddress} from '../resp/address.js'
import {nameOf} from '../source/open.js'

const {retries: _, 'retry-delay': __, ...serverFlags} = connectionFlags
const NAME_COLUMNS_MAX = 40

export default class Load extends BaseCommand {
  static override summary = 'Load a snapshot into a running server, or a cluster.'
  static override description = [
    'Reads the source to its end first, and only then sends it: every key as RESTORE, made for the version of that server,',
    'with its expiry as it is, without waiting for the answer to the one before. Of a cluster each key goes to the master of',
    'its slot, also where that changes meanwhile. Functions are loaded into every master.',
    '\n\nA key that is there already ends the load, unless --on-conflict says what becomes of it. Answers are counted, and keys',
    'that were refused are told. A connection that breaks is made anew, and what was not answered goes again. With --report a load',
    'that ended before its time can be taken up with --resume.',
    '\n\nThe user needs +restore +info +select +function|load (+cluster|slots; to tell its own keys once a connection broke +dump',
    '+function|list; for keys of 32 MB and more +exists +unlink +echo and the commands of their types). The password comes from RDBTOOL_PASSWORD or the',
    'URL, and is never shown.',
  ].join(' ')
  static override args = {
    source: Args.string({
      required: true,
      description: 'RDB file, append-only log, folder of shards, JSON lines, redis://HOST, or - for standard input.',
      ignoreStdin: true,
    }),
    target: Args.string({
      required: true,
      description: 'HOST:PORT, redis://[USER[:PASSWORD]@]HOST:PORT, rediss://... (TLS) or unix:///PATH.',
      ignoreStdin: true,
    }),
  }
  static override flags = {
    'on-conflict': Flags.option({
      options: ['error', 'skip', 'replace'] as const,
      default: 'error' as const,
      description:
        'What becomes of keys, and of functions, that are there already: the load ends, they stay, or they give way.',
      helpGroup: 'LOAD',
    })(),
    'allow-loss': Flags.boolean({
      description: 'Load what is left, where the server has no place for something.',
      helpGroup: 'LOAD',
    }),
    report: Flags.string({
      description: 'File to write down in what was refused, and how far it came.',
      helpGroup: 'LOAD',
      helpValue: 'FILE',
    }),
    resume: Flags.string({
      description:
        'Take up the load that wrote this report: what it did is left alone, what was refused is tried again.',
      helpGroup: 'LOAD',
      helpValue: 'FILE',
    }),
    ...serverFlags,
    wait: Flags.custom<number>(
      seconds('In all, for a server that broke the connection to come back.', LOAD_PATIENCE_MS),
    )(),
    ...inputFlags,
    ...logFlags,
    ...outputFlags,
    ...selectionFlags,
    ...changeFlags,
  }
  static override examples = [
    '<%= config.bin %> <%= command.id %> dump.rdb 127.0.0.1:6379',
    '<%= config.bin %> <%= command.id %> dump.rdb db1 --on-conflict replace --match "session:*"',
    '<%= config.bin %> <%= command.id %> dump.rdb node1:7000 --report load.jsonl',
    '<%= config.bin %> <%= command.id %> dump.rdb node1:7000 --resume load.jsonl',
    '<%= config.bin %> <%= command.id %> appendonlydir rediss://db1:6379 --ca ca.pem',
  ]

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Load)
    const nowMs = flags.now ?? Date.now()
    const address = withCredentials(parseAddress(args.target), flags)
    const {changes, ttl} = changeOptions(flags)
    const {connectTimeoutMs, silenceMs, patienceMs} = patienceOptions(flags)
    const phases = new Phases(flags.quiet)
    const ending = new AbortController()
    let result: Loaded
    try {
      result = await load(args.source, address, {
        ...{connectTimeoutMs, silenceMs, patienceMs, changes, nowMs, allowLoss: flags['allow-loss']},
        ...{onExisting: flags['on-conflict'], report: flags.report, resume: flags.resume},
        ignoreChecksum: flags['ignore-checksum'],
        skipUnsupported: flags['skip-unsupported'],
        onlyCreates: flags['only-creates'],
        selection: {...selectionOptions({...flags, ttl: undefined}, nowMs), ttl},
        signal: ending.signal,
        onPhase: phase => {
          enter(phases, phase, maskAddress(args.target))
          // From here on something is done that is told of.
          if (phase.kind === 'sending') onInterrupt(() => ending.abort())
        },
      })
    } catch (error) {
      await this.signalsMet(true)
      this.#failed(error, args, flags.json)
      return
    } finally {
      onInterrupt(undefined)
      phases.stop()
    }
    this.#report(result, flags)
  }

  #report(
    result: Loaded,
    {json, report, resume}: {json: boolean; report?: string | undefined; resume?: string | undefined},
  ): void {
    if (json) this.printJson(loadJson(result))
    else this.print(formatLoad(result, this.style, this.columns))
    const told = formatLoadFailures(result, styleOf(process.stderr), columnsOf(process.stderr), report ?? resume)
    if (result.failure !== undefined) this.fail(result.failure, result.server, true)
    if (told.length > 0) this.logToStderr(told.join('\n'))
    if (told.length > 0) process.exitCode ??= EXIT_FINDINGS
  }

  #failed(error: unknown, {source, target}: {source: string; target: string}, json: boolean): void {
    if (error instanceof LossError) {
      const {lost} = error.built
      if (json)
        this.printJson({source: maskAddress(source), server: maskAddress(target), loaded: 0, lost: lostJson(lost)})
      else
        this.print([
          ...formatLost(lost, {style: this.style, columns: this.columns}).slice(1),
          '',
          '  next   --allow-loss loads what is left',
        ])
      process.exitCode = EXIT_FINDINGS
      return
    }
    const ofSource = error instanceof BuildError
    const cause = ofSource ? error.cause : error
    if (json) this.printJson({source: maskAddress(source), server: maskAddress(target), error: failureJson(cause)})
    this.fail(cause, ofSource ? nameOf(error.source) : maskAddress(target), json)
  }
}

function enter(phases: Phases, phase: LoadPhase, server: string): void {
  if (phase.kind === 'asking') phases.enter(`asking ${server}`)
  else {
    const name = shorten(formatText(phase.source.name), NAME_COLUMNS_MAX)
    if (phase.kind === 'preparing') phases.enter(`verifying ${name}`, phase.source)
    else phases.enter(() => `loading into ${server}  ${formatCount(phase.sent())} keys`, phase.source)
  }
}
