import {tmpdir} from 'node:os'
import {Args, Flags, type Interfaces} from '@oclif/core'
import {BaseCommand, columnsOf, styleOf} from '../cli/command.js'
import {
  connectionFlags,
  parseSeconds,
  parseSentinels,
  patienceOptions,
  replicaFlags,
  sentinelCredentials,
  withCredentials,
} from '../cli/connection-flags.js'
import {EXIT_FINDINGS} from '../cli/exit.js'
import {outputFlags} from '../cli/flags.js'
import {FollowNews} from '../cli/follow-news.js'
import {onInterrupt} from '../cli/interrupt.js'
import {followFlags, intoAddress, intoFlags} from '../cli/sync-output-flags.js'
import {SyncScreen, SyncScreens} from '../cli/sync-screen.js'
import {UsageError} from '../errors.js'
import {LossError} from '../jobs/build-losses.js'
import {type FollowedLog, followLog} from '../jobs/follow-log.js'
import {type FollowOptions, type SyncOptions, sync} from '../jobs/sync.js'
import {type ClusterSync, syncCluster} from '../jobs/sync-cluster.js'
import {PATIENCE_MS} from '../replication/full-resync.js'
import {masterOf} from '../replication/topology.js'
import {formatLost, lostJson} from '../report/build.js'
import {failureJson} from '../report/failure.js'
import {followedJson, formatFollowed} from '../report/followed-log.js'
import {formatLoadFailures} from '../report/load.js'
import {formatSync, type SyncReport, syncJson} from '../report/sync.js'
import {formatClusterSync, manifestJson} from '../report/sync-cluster.js'
import {formatAddress, maskAddress, parseAddress, type ServerAddress} from '../resp/address.js'

const OUTPUT = 'OUTPUT'
const WHOM = 'SERVER'

export default class Sync extends BaseCommand {
  static override summary = 'Fetch a snapshot from a running server, as its replica.'
  static override description = [
    'Attaches to a master (or a replica) as a replica does, takes the snapshot of a full resync at the speed of the wire,',
    'verifies it, reads it as a server does on loading it, and only then gives it its name: what stands there is whole.',
    'With --for or --until-offset the link stays: the command stream is counted and acknowledged every second.',
    '\n\nWith --follow the snapshot and everything that the master writes behind it go to a folder that a server (7.0 and later)',
    'starts from, with the time of every second: a backup that is as new as the server, from which one comes back to any moment',
    '(aof-rewrite --until). It goes on where it was after any interruption, and until it is ended (Ctrl-C).',
    '\n\nWith --cluster every shard is fetched, one file each, into a folder with a manifest; all 16,384 slots must be covered',
    'once. With --sentinel the master is asked for, and whether it is one.',
    '\n\nThe user needs +psync +replconf +ping (+cluster|slots, +role). The password comes from RDBTOOL_PASSWORD or the URL, and',
    'is never shown. A master that is loading or has lost its own master is waited for; a transfer that broke is asked for',
    'again.',
  ].join(' ')
  static override usage =
    '<%= command.id %> SERVER --out FILE | --aof FOLDER | --into SERVER | --follow FOLDER [--for SECONDS] [--log] [--trace] [--json] [connection flags]'
  static override args = {
    server: Args.string({
      description: 'HOST:PORT, redis://[USER[:PASSWORD]@]HOST:PORT, rediss://... (TLS) or unix:///PATH.',
      ignoreStdin: true,
    }),
  }
  static override flags = {
    out: Flags.string({
      char: 'o',
      description: 'File for the snapshot; with --cluster, folder.',
      helpGroup: OUTPUT,
      helpValue: 'FILE',
    }),
    aof: Flags.string({
      description: 'Folder for the snapshot as an append-only log, which a server starts from.',
      helpGroup: OUTPUT,
      helpValue: 'FOLDER',
    }),
    force: Flags.boolean({description: 'Replace them if they are there.', helpGroup: OUTPUT}),
    ...followFlags,
    ...intoFlags,
    log: Flags.boolean({description: 'Show what happens in lines as a replica logs them.', helpGroup: OUTPUT}),
    trace: Flags.boolean({
      description: 'Show every message on the wire, both ways, with offsets.',
      helpGroup: OUTPUT,
    }),
    ...outputFlags,
    cluster: Flags.string({
      description: 'Fetch every shard of the cluster that this server belongs to.',
      helpGroup: WHOM,
      helpValue: 'SERVER',
    }),
    'from-replicas': Flags.boolean({
      description: 'With --cluster: from a replica of each shard where there is one, else from its master.',
      helpGroup: WHOM,
    }),
    sentinel: Flags.string({
      description: 'Fetch from the master that these Sentinels have under a name.',
      helpGroup: WHOM,
      helpValue: 'NAME@HOST:PORT[,HOST:PORT...]',
    }),
    for: Flags.custom<number>({
      description:
        'After the snapshot, stay for so long, and acknowledge what arrives; with --follow, follow for so long.',
      helpValue: 'SECONDS',
      parse: async text => parseSeconds(text),
    })(),
    'until-offset': Flags.integer({
      min: 0,
      description: 'The same until the stream has come to this offset.',
      helpValue: 'N',
    }),
    ...connectionFlags,
    ...replicaFlags,
  }
  static override examples = [
    '<%= config.bin %> <%= command.id %> 127.0.0.1:6380 --out snap.rdb',
    '<%= config.bin %> <%= command.id %> 127.0.0.1:6380 --out snap.rdb --log --trace --for 30',
    '$ RDBTOOL_PASSWORD=... <%= config.bin %> <%= command.id %> db1 --user backup --out snap.rdb --json',
    '<%= config.bin %> <%= command.id %> rediss://db1:6380 --ca ca.pem --out snap.rdb',
    '<%= config.bin %> <%= command.id %> unix:///run/redis/redis.sock --out snap.rdb',
    '<%= config.bin %> <%= command.id %> 127.0.0.1:6380 --follow /backup/db1 --keep 7d',
    '<%= config.bin %> <%= command.id %> 127.0.0.1:6380 --aof appendonlydir',
    '<%= config.bin %> <%= command.id %> 127.0.0.1:6380 --into 127.0.0.1:6390 --on-conflict replace',
    '<%= config.bin %> <%= command.id %> --cluster db1:7000 --out cluster-2026-11-24',
    '<%= config.bin %> <%= command.id %> --sentinel mymaster@sentinel1,sentinel2 --out snap.rdb',
  ]

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Sync)
    const {server} = args
    const {cluster, sentinel} = flags
    const named = [server, cluster, sentinel].filter(one => one !== undefined)
    if (named.length !== 1)
      throw new UsageError('give one of these: SERVER, --cluster SERVER, --sentinel NAME@HOST:PORT')
    const follow = followOptions(flags.for, flags['until-offset'])
    refuseOutputs(flags)
    if (cluster !== undefined) {
      if (follow !== undefined) throw new UsageError('--for and --until-offset follow one master: not with --cluster')
      await this.#cluster(cluster, flags.out!, flags)
      return
    }
    if (flags['from-replicas']) throw new UsageError('--from-replicas belongs to --cluster')
    const sentinels = sentinel === undefined ? undefined : parseSentinels(sentinel)
    const address = server === undefined ? undefined : withCredentials(parseAddress(server), flags)
    const master: Master = {
      name: sentinels === undefined ? maskAddress(server ?? '') : formatSentinels(sentinels),
      address: async () => address ?? (await askedFor(sentinels!, flags)),
    }
    if (flags.follow !== undefined) await this.#follow(master, flags.follow, flags)
    else await this.#one(master, follow, flags)
  }

  async #one({name: master, address}: Master, follow: FollowOptions | undefined, flags: SyncFlags): Promise<void> {
    const screen = new SyncScreen(flags, line => this.logToStderr(line))
    let report: SyncReport | undefined
    let failure: unknown
    try {
      const interrupted = new AbortController()
      const options = {...replicaOptions(flags), follow: follow && {...follow, signal: interrupted.signal}}
      const onEvent: SyncOptions['onEvent'] = event => {
        screen.event(event)
        // The snapshot has its name: who has seen enough of the stream gets the report all the same.
        if (event.kind === 'online') onInterrupt(() => interrupted.abort())
      }
      report = await sync(await address(), flags.out, {
        ...options,
        ...{aof: flags.aof, into: intoOptions(flags)},
        onEvent,
        onMessage: screen.message,
      })
      failure = report.unread ?? report.followed?.failure ?? report.into?.failure
    } catch (error) {
      if (error instanceof UsageError) throw error
      if (error instanceof LossError) {
        this.#tellLost(error, master, flags)
        return
      }
      failure = error
    } finally {
      onInterrupt(undefined)
      screen.stop()
    }
    if (flags.json) this.printJson(syncJson(master, flags.out, report, failure))
    else if (report !== undefined) this.print(formatSync(report, {style: this.style, nowMs: Date.now()}))
    if (report?.into !== undefined) this.#tellRefused(report.into)
    if (failure !== undefined) {
      this.fail(failure, concerned(failure, master, flags.out ?? flags.aof ?? tmpdir()), report !== undefined)
    }
  }

  /** The other server has no place for something: nothing was loaded. */
  #tellLost({built: {lost}}: LossError, master: string, {json, out}: SyncFlags): void {
    if (json) this.printJson({master, out: out ?? null, into: {loaded: 0, lost: lostJson(lost)}})
    else
      this.print([
        ...formatLost(lost, {style: this.style, columns: this.columns}).slice(1),
        '',
        '  next   --allow-loss loads what is left',
      ])
    process.exitCode = EXIT_FINDINGS
  }

  #tellRefused(into: NonNullable<SyncReport['into']>): void {
    const told = formatLoadFailures(into, styleOf(process.stderr), columnsOf(process.stderr), null)
    if (told.length === 0) return
    this.logToStderr(told.join('\n'))
    process.exitCode ??= EXIT_FINDINGS
  }

  /** Until it is told to end, which is no failure: what is there is there. */
  async #follow({name: master, address}: Master, folder: string, flags: SyncFlags): Promise<void> {
    const {out, aof, force, keep, fsync, rotate} = flags
    const screen = new SyncScreen(flags, line => this.logToStderr(line))
    const interrupted = new AbortController()
    const news = new FollowNews(line => {
      // A spinner and a line would overwrite each other.
      screen.stop()
      this.logToStderr(line)
    })
    let report: FollowedLog | undefined
    let failure: unknown
    try {
      onInterrupt(() => interrupted.abort())
      report = await followLog(folder, address, {
        ...replicaOptions(flags),
        ...{fsync, keepMs: keep, rotateBytes: rotate, out, aof, force, signal: interrupted.signal},
        ...{seconds: flags.for, untilOffset: flags['until-offset']},
        onEvent: event => {
          if (!flags.log) news.event(event)
          screen.event(event)
        },
        onMessage: screen.message,
      })
      failure = report.unread
    } catch (error) {
      if (error instanceof UsageError) throw error
      failure = error
    } finally {
      onInterrupt(undefined)
      screen.stop()
    }
    if (flags.json) this.printJson(followedJson(master, folder, report, failure))
    else if (report !== undefined) this.print(formatFollowed(report, this.style))
    if (failure !== undefined) this.fail(failure, concerned(failure, master, folder), report !== undefined)
  }

  async #cluster(server: string, out: string, flags: SyncFlags): Promise<void> {
    const address = withCredentials(parseAddress(server), flags)
    const screens = new SyncScreens(flags, line => this.logToStderr(line))
    const cluster = maskAddress(server)
    let result: ClusterSync | undefined
    let failure: unknown
    try {
      result = await syncCluster(address, out, {
        ...replicaOptions(flags),
        fromReplicas: flags['from-replicas'],
        onEvent: (event, node) => screens.of(node).event(event),
        onMessage: flags.trace ? (message, node) => screens.of(node).message?.(message) : undefined,
      })
      failure = result.shards.find(({sync}) => sync.unread !== undefined)?.sync.unread
    } catch (error) {
      if (error instanceof UsageError) throw error
      failure = error
    } finally {
      screens.stop()
    }
    if (flags.json) {
      const error = failure === undefined ? {} : {error: failureJson(failure)}
      this.printJson(
        result === undefined ? {cluster, out, ...error} : {...manifestJson(cluster, result, Date.now()), out, ...error},
      )
    } else if (result !== undefined) this.print(formatClusterSync(cluster, result, this.style))
    if (failure !== undefined) this.fail(failure, concerned(failure, cluster, out), result !== undefined)
    else if (result?.moved.length || result?.shards.some(({sync}) => sync.strayKeys > 0))
      process.exitCode = EXIT_FINDINGS
  }
}

/** Whom to fetch from. */
interface Master {
  /** As it was given, without a password. */
  name: string
  /** Who it is now: Sentinels are asked each time. */
  address: () => Promise<ServerAddress>
}

type SyncFlags = Interfaces.InferredFlags<typeof Sync.flags>

interface Sentinels {
  name: string
  addresses: ServerAddress[]
}

function formatSentinels({name, addresses}: Sentinels): string {
  return `${name}@${addresses.map(formatAddress).join(',')}`
}

/** What the Sentinels say, and the master itself. */
async function askedFor(sentinels: Sentinels, flags: SyncFlags): Promise<ServerAddress> {
  const {connectTimeoutMs: timeoutMs, silenceMs, patienceMs = PATIENCE_MS} = patienceOptions(flags)
  const addresses = sentinels.addresses.map(address => sentinelCredentials(address, flags))
  const {host: _, port: __, ...credentials} = withCredentials({host: '', port: 0}, flags)
  return await masterOf(sentinels.name, addresses, credentials, {timeoutMs, silenceMs, patienceMs})
}

/** What the disk says concerns the output, everything else the server. */
function concerned(failure: unknown, server: string, out: string): string {
  return (failure as NodeJS.ErrnoException).syscall === undefined ? server : out
}

function replicaOptions(flags: SyncFlags): Omit<SyncOptions, 'onEvent' | 'onMessage'> {
  return {
    ...patienceOptions(flags),
    psyncCommand: flags['psync-command'],
    listeningPort: flags['listening-port'],
    announcedIp: flags['ip-address'],
    force: flags.force,
  }
}

/** What is fetched must go somewhere, and every flag somewhere as well. */
function refuseOutputs(flags: SyncFlags): void {
  const {out, aof, follow, into, cluster, keep, fsync, rotate} = flags
  if ((out ?? aof ?? follow ?? into) === undefined) {
    throw new UsageError('say where it goes: --out FILE, --aof FOLDER, --follow FOLDER or --into SERVER')
  }
  if (into !== undefined && follow !== undefined) {
    throw new UsageError('--into takes a snapshot, and --follow goes on: load the folder (rdbtool load FOLDER SERVER)')
  }
  if (into === undefined && (flags['on-conflict'] !== undefined || flags['allow-loss'])) {
    throw new UsageError('--on-conflict and --allow-loss belong to --into')
  }
  if (cluster !== undefined && (out === undefined || (aof ?? follow ?? into) !== undefined)) {
    throw new UsageError('with --cluster it goes to --out FOLDER, a file for each shard')
  }
  if (follow === undefined && (keep !== undefined || fsync !== undefined || rotate !== undefined)) {
    throw new UsageError('--keep, --fsync and --rotate belong to --follow')
  }
}

function intoOptions(flags: SyncFlags): SyncOptions['into'] {
  if (flags.into === undefined) return undefined
  return {address: intoAddress(flags.into), onExisting: flags['on-conflict'], allowLoss: flags['allow-loss']}
}

function followOptions(seconds: number | undefined, untilOffset: number | undefined): FollowOptions | undefined {
  return seconds === undefined && untilOffset === undefined ? undefined : {seconds, untilOffset}
}
