import {Args, Flags} from '@oclif/core'
import {BaseCommand} from '../cli/command.js'
import {connectionFlags, parseSeconds, patienceOptions, replicaFlags, withCredentials} from '../cli/connection-flags.js'
import {outputFlags} from '../cli/flags.js'
import {SyncScreen} from '../cli/sync-screen.js'
import {UsageError} from '../errors.js'
import {type FollowOptions, type SyncOptions, sync} from '../jobs/sync.js'
import {formatSync, type SyncReport, syncJson} from '../report/sync.js'
import {maskAddress, parseAddress} from '../resp/address.js'

const OUTPUT = 'OUTPUT'

export default class Sync extends BaseCommand {
  static override summary = 'Fetch a snapshot from a running server, as its replica.'
  static override description = [
    'Attaches to a master (or a replica) as a replica does, takes the snapshot of a full resync at the speed of the wire,',
    'verifies it, reads it as a server does on loading it, and only then gives it its name: what stands there is whole.',
    'With --for or --until-offset the link stays: the command stream is counted and acknowledged every second.',
    '\n\nThe user needs +psync +replconf +ping. The password comes from RDBTOOL_PASSWORD or the URL, and is never shown.',
    'A master that is loading or has lost its own master is waited for; a transfer that broke is asked for again.',
  ].join(' ')
  static override usage =
    '<%= command.id %> SERVER --out FILE [--for SECONDS] [--log] [--trace] [--json] [connection flags]'
  static override args = {
    server: Args.string({
      required: true,
      description: 'HOST:PORT, redis://[USER[:PASSWORD]@]HOST:PORT, rediss://... (TLS) or unix:///PATH.',
      ignoreStdin: true,
    }),
  }
  static override flags = {
    out: Flags.string({char: 'o', required: true, description: 'File to write.', helpGroup: OUTPUT, helpValue: 'FILE'}),
    force: Flags.boolean({description: 'Replace it if it is there.', helpGroup: OUTPUT}),
    log: Flags.boolean({description: 'Show what happens in lines as a replica logs them.', helpGroup: OUTPUT}),
    trace: Flags.boolean({
      description: 'Show every message on the wire, both ways, with offsets.',
      helpGroup: OUTPUT,
    }),
    ...outputFlags,
    for: Flags.custom<number>({
      description: 'After the snapshot, stay for so long, and acknowledge what arrives.',
      helpValue: 'SECONDS',
      parse: async text => parseSeconds(text),
    })(),
    'until-offset': Flags.integer({
      min: 0,
      description: 'After the snapshot, stay until the stream has come to this offset.',
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
  ]

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Sync)
    const address = withCredentials(parseAddress(args.server), flags)
    const screen = new SyncScreen(flags, line => this.logToStderr(line))
    const options: SyncOptions = {
      ...patienceOptions(flags),
      psyncCommand: flags['psync-command'],
      listeningPort: flags['listening-port'],
      announcedIp: flags['ip-address'],
      force: flags.force,
      follow: followOptions(flags.for, flags['until-offset']),
      onEvent: event => screen.event(event),
      onMessage: screen.message,
    }
    const master = maskAddress(args.server)
    let report: SyncReport | undefined
    let failure: unknown
    try {
      report = await sync(address, flags.out, options)
      failure = report.unread ?? report.followed?.failure
    } catch (error) {
      if (error instanceof UsageError) throw error
      failure = error
    } finally {
      screen.stop()
    }
    if (flags.json) this.printJson(syncJson(master, flags.out, report, failure))
    else if (report !== undefined) this.print(formatSync(report, {style: this.style, nowMs: Date.now()}))
    if (failure !== undefined) this.fail(failure, master, report !== undefined)
  }
}

function followOptions(seconds: number | undefined, untilOffset: number | undefined): FollowOptions | undefined {
  return seconds === undefined && untilOffset === undefined ? undefined : {seconds, untilOffset}
}
