/**
 * What a sync shows while it runs, on standard error: a spinner with its phases on a terminal, or lines as a replica logs
 * them (--log), the wire itself (--trace), or both.
 */
import type {WireMessage} from '../replication/observer.js'
import {formatReplicaLog, type SyncEvent} from '../report/replica-log.js'
import {formatText} from '../report/text.js'
import {formatCount} from '../report/units.js'
import {formatWireMessage} from '../report/wire-trace.js'
import {Phases} from './phases.js'

export interface SyncScreenOptions {
  log: boolean
  trace: boolean
  quiet: boolean
  /** Before each line, where several masters are talked to at once. */
  prefix?: string | undefined
}

export class SyncScreen {
  #address = ''

  constructor(
    readonly options: SyncScreenOptions,
    readonly write: (line: string) => void,
    readonly phases: Phases = phasesOf(options),
  ) {}

  event(event: SyncEvent): void {
    const {log, prefix = ''} = this.options
    if (log) for (const line of formatReplicaLog(event, process.pid, Date.now())) this.write(prefix + line)
    this.#enter(event)
  }

  /** Absent where nobody wants to see the wire. */
  get message(): ((message: WireMessage) => void) | undefined {
    const {trace, prefix = ''} = this.options
    return trace ? message => this.write(prefix + formatWireMessage(message, Date.now())) : undefined
  }

  stop(): void {
    this.phases.stop()
  }

  #enter(event: SyncEvent): void {
    const {phases} = this
    if (event.kind === 'connecting') this.#address = formatText(event.address)
    const master = this.#address
    if (event.kind === 'connecting') phases.enter(`connecting to ${master}`)
    else if (event.kind === 'no-partial-resync') phases.enter(`waiting for the snapshot of ${master}`)
    else if (event.kind === 'receiving') phases.enter(`receiving from ${master}`, event.progress)
    else if (event.kind === 'received') phases.enter('bringing it to the disk')
    else if (event.kind === 'loading') phases.enter('loading', event.progress)
    else if (event.kind === 'online') phases.enter(() => followingText(master, event.stream))
    else if (event.kind === 'retrying') phases.enter(`${formatText(event.failure.message)}; trying again`)
  }
}

/** One for each master that is talked to, told apart by its address; on a terminal the last event of any is shown. */
export class SyncScreens {
  readonly #screens = new Map<string, SyncScreen>()
  readonly #phases: Phases

  constructor(
    readonly options: SyncScreenOptions,
    readonly write: (line: string) => void,
  ) {
    this.#phases = phasesOf(options)
  }

  of(node: string): SyncScreen {
    const screen =
      this.#screens.get(node) ?? new SyncScreen({...this.options, prefix: `${node}  `}, this.write, this.#phases)
    this.#screens.set(node, screen)
    return screen
  }

  stop(): void {
    this.#phases.stop()
  }
}

/** Lines and a spinner would overwrite each other. */
function phasesOf({quiet, log, trace}: SyncScreenOptions): Phases {
  return new Phases(quiet || log || trace)
}

function followingText(master: string, {offset, commands}: {offset: number; commands: number}): string {
  return `following ${master}  offset ${formatCount(offset)}, ${formatCount(commands)} commands`
}
