import {readFileSync} from 'node:fs'
import type {TlsOptions as ServerTlsOptions} from 'node:tls'
import {Args, Flags, type Interfaces} from '@oclif/core'
import {changeFlags, changeOptions} from '../cli/change-flags.js'
import {BaseCommand} from '../cli/command.js'
import {parseSeconds} from '../cli/connection-flags.js'
import {inputFlags, logFlags, outputFlags} from '../cli/flags.js'
import {onInterrupt} from '../cli/interrupt.js'
import {commandKeysFlag, pointInTimeFlags, pointInTimeOptions} from '../cli/point-in-time-flags.js'
import {selectionFlags, selectionOptions} from '../cli/selection-flags.js'
import {ServeScreen} from '../cli/serve-screen.js'
import {UsageError} from '../errors.js'
import {BuildError} from '../jobs/build-sources.js'
import {CalledOff, type Served, type ServeOptions, serve} from '../jobs/serve.js'
import {targetOf} from '../rdb/targets.js'
import {nameOf} from '../source/open.js'

const PORT_MAX = 65_535
const REPLICAS_MAX = 100
const TIMEOUT_SECONDS = 60
const TIMER_SECONDS_MAX = 2_147_483
/** What replicas must say; RDBTOOL_PASSWORD is for a server that is the source. */
const SERVE_PASSWORD_VARIABLE = 'RDBTOOL_SERVE_PASSWORD'
const helpGroup = 'MASTER'

export default class Serve extends BaseCommand {
  static override summary = 'Be the master of real servers: they load any source by REPLICAOF.'
  static override description = [
    'Listens as a master does. A server that runs REPLICAOF HOST PORT is given the source as a snapshot, in a version of the',
    'format that it reads, loads it at full speed, and stays attached: PINGs keep the link, acknowledged offsets are shown,',
    'a link that was lost goes on where it was. redis-cli --rdb, redis-cli --replica and rdbtool sync take it as well.',
    '\n\nThe source is read to a good end first, into a temporary file (TMPDIR); nobody is sent what is not verified. A Valkey',
    'server says what it reads; for others it is the lowest version that holds the data without loss, unless --target names one.',
    '\n\nThe fastest way into an empty server: rdbtool serve SOURCE --port N --once, REPLICAOF 127.0.0.1 N on the server; when',
    'the command ends, REPLICAOF NO ONE.',
    `\n\nWhoever reaches the port can take the data: other addresses than those of this machine need ${SERVE_PASSWORD_VARIABLE}.`,
  ].join(' ')
  static override usage =
    '<%= command.id %> SOURCE --port N [--once] [--target NAME] [--log FILE] [--trace] [--json] [selection and change flags]'
  static override args = {
    source: Args.string({
      required: true,
      description:
        'RDB file, append-only log (file or folder), JSON lines, table, redis://HOST, or - for standard input; gzip and zstd are unpacked.',
      ignoreStdin: true,
    }),
  }
  static override flags = {
    port: Flags.integer({
      char: 'p',
      required: true,
      min: 0,
      max: PORT_MAX,
      description: 'Port to listen at; 0: any that is free.',
      helpGroup,
      helpValue: 'N',
    }),
    bind: Flags.string({
      default: '127.0.0.1',
      description: 'Address to listen at.',
      helpGroup,
      helpValue: 'ADDRESS',
    }),
    target: Flags.custom<string>({
      description: 'Send what this server reads, such as redis-6.2, to everybody.',
      helpGroup,
      helpValue: 'NAME',
      parse: async text => targetOf(text).name,
    })(),
    'allow-loss': Flags.boolean({
      description: 'Leave out what --target, or a replica that says its version, has no place for; it is listed.',
      helpGroup,
    }),
    'drop-modules': Flags.boolean({description: 'Leave out values of modules.', helpGroup}),
    'drop-functions': Flags.boolean({description: 'Leave out libraries of functions.', helpGroup}),
    once: Flags.boolean({description: 'End as soon as a replica is in sync.', helpGroup}),
    replicas: Flags.integer({
      min: 1,
      max: REPLICAS_MAX,
      description: 'End as soon as so many are. Implies --once.',
      helpGroup,
      helpValue: 'N',
    }),
    follow: Flags.boolean({
      description: 'SOURCE is the folder of a log that is written to: pass on what is appended, as it is.',
      helpGroup,
    }),
    timeout: Flags.custom<number>({
      description: `How long a replica may say nothing, and take nothing. Default: ${TIMEOUT_SECONDS}.`,
      helpGroup,
      helpValue: 'SECONDS',
      parse: async text => parseTimeout(text),
    })(),
    cert: Flags.string({description: 'Speak TLS, with this certificate (PEM).', helpGroup, helpValue: 'FILE'}),
    key: Flags.string({description: 'The key of --cert (PEM).', helpGroup, helpValue: 'FILE'}),
    ca: Flags.string({
      description: 'With TLS: let in who has a certificate of these authorities (PEM).',
      helpGroup,
      helpValue: 'FILE',
    }),
    unprotected: Flags.boolean({
      description: `Listen at an address that others reach, without ${SERVE_PASSWORD_VARIABLE} or --ca.`,
      helpGroup,
    }),
    log: Flags.string({
      description: 'Add the lines that a master logs to this file; - is standard error.',
      helpGroup: 'OUTPUT',
      helpValue: 'FILE',
    }),
    trace: Flags.boolean({description: 'Show every message on the wire, both ways.', helpGroup: 'OUTPUT'}),
    ...outputFlags,
    ...inputFlags,
    ...logFlags,
    ...pointInTimeFlags,
    'command-match': commandKeysFlag(),
    ...selectionFlags,
    ...changeFlags,
  }
  static override examples = [
    '<%= config.bin %> <%= command.id %> dump.rdb --port 6400',
    '<%= config.bin %> <%= command.id %> dump.rdb --port 6400 --once',
    '<%= config.bin %> <%= command.id %> appendonlydir --port 6400 --before-command FLUSHALL --log -',
    '<%= config.bin %> <%= command.id %> appendonlydir --port 6400 --follow',
    '<%= config.bin %> <%= command.id %> redis://old:6379 --port 6400 --target redis-6.2 --match "session:*"',
    '$ RDBTOOL_SERVE_PASSWORD=... <%= config.bin %> <%= command.id %> dump.rdb.gz --port 6400 --bind 0.0.0.0 --cert us.pem --key us.key',
  ]

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Serve)
    const {source} = args
    const options = serveOptions(flags)
    const interrupted = new AbortController()
    const screen = new ServeScreen(
      nameOf(source),
      {...flags, style: this.style},
      line => this.log(line),
      line => this.logToStderr(line),
    )
    let served: Served | undefined
    let failure: unknown
    try {
      served = await serve(source, {
        ...options,
        signal: interrupted.signal,
        onListening: master => screen.listening(master),
        onEvent: event => {
          screen.event(event)
          // Before that there is nothing to be brought to an end.
          if (event.kind === 'staged') onInterrupt(() => interrupted.abort())
        },
        onMessage: screen.message,
      })
    } catch (error) {
      if (error instanceof UsageError) throw error
      if (!(error instanceof CalledOff)) failure = error
    } finally {
      onInterrupt(undefined)
      screen.ended(served, failure)
      screen.close()
    }
    if (failure === undefined) return
    await this.signalsMet(true)
    this.fail(failure instanceof BuildError ? failure.cause : failure, nameOf(source), false)
  }
}

type ServeFlags = Interfaces.InferredFlags<typeof Serve.flags>

function serveOptions(flags: ServeFlags): ServeOptions {
  const password = process.env[SERVE_PASSWORD_VARIABLE] || undefined
  const tls = tlsOptions(flags)
  const guarded = password !== undefined || flags.ca !== undefined || flags.unprotected
  if (!guarded && !isOfThisMachine(flags.bind)) {
    throw new UsageError(
      `whoever reaches ${flags.bind} could take the data: set ${SERVE_PASSWORD_VARIABLE} (masterauth of the replica), or say --unprotected`,
    )
  }
  if (flags.follow) refuseParts(flags)
  const nowMs = flags.now ?? Date.now()
  const {changes, ttl} = changeOptions(flags)
  return {
    ...{port: flags.port, host: flags.bind, password, tls, target: flags.target, nowMs, changes},
    follow: flags.follow,
    allowLoss: flags['allow-loss'],
    dropModules: flags['drop-modules'],
    dropFunctions: flags['drop-functions'],
    replicas: flags.replicas ?? (flags.once ? 1 : undefined),
    timeoutMs: flags.timeout === undefined ? undefined : flags.timeout * 1000,
    ignoreChecksum: flags['ignore-checksum'],
    skipUnsupported: flags['skip-unsupported'],
    onlyCreates: flags['only-creates'],
    pointInTime: pointInTimeOptions(flags, flags['command-match']),
    selection: {...selectionOptions({...flags, ttl: undefined}, nowMs), ttl},
  }
}

/** Of a stream of commands nothing is left out or changed. */
function refuseParts(flags: ServeFlags): void {
  const parts = [...Object.keys({...selectionFlags, ...changeFlags, ...pointInTimeFlags}), 'command-match']
  const given = Object.entries(flags).find(([name, value]) => parts.includes(name) && value !== undefined)
  if (given !== undefined) throw new UsageError(`--follow passes on all of the log as it is: leave out --${given[0]}`)
}

function isOfThisMachine(host: string): boolean {
  return /^(127\.\d+\.\d+\.\d+|::1|localhost)$/i.test(host)
}

/** Undefined: without TLS. */
function tlsOptions({cert, key, ca}: Pick<ServeFlags, 'cert' | 'key' | 'ca'>): ServerTlsOptions | undefined {
  if (cert === undefined && key === undefined) {
    if (ca === undefined) return undefined
    throw new UsageError('--ca belongs to TLS: give --cert and --key, too')
  }
  if (cert === undefined || key === undefined) throw new UsageError('--cert and --key belong together: give both')
  const asked = ca === undefined ? {} : {ca: readFileSync(ca), requestCert: true, rejectUnauthorized: true}
  return {cert: readFileSync(cert), key: readFileSync(key), ...asked}
}

function parseTimeout(text: string): number {
  const value = parseSeconds(text, TIMER_SECONDS_MAX)
  if (value > 0) return value
  throw new UsageError('0 seconds are too short for any server: give more, such as 0.5')
}
