/**
 * sync: be a replica of a running server. Its snapshot is taken at the speed of the wire, verified, read as a server reads
 * it on loading, and only then given its name; then, if asked for, the command stream is followed and acknowledged.
 */
import type {ByteSource} from '../bytes/source.js'
import {refuseTaken} from '../bytes/unpublished.js'
import {FormatError} from '../errors.js'
import type {SlotRange} from '../keyspace/slots.js'
import {type FullResyncOptions, fullResync, type Resync} from '../replication/full-resync.js'
import type {SyncEvent} from '../report/replica-log.js'
import {formatAddress, type ServerAddress} from '../resp/address.js'
import {type BuiltLog, refuseFolder} from './build-log.js'
import type {Load} from './load.js'
import {adoptPlace, type LoadedSnapshot, SnapshotLoading} from './snapshot-loading.js'
import {type IntoOptions, loadSnapshot, rewriteSnapshot} from './snapshot-outputs.js'

/** How long to stay after the snapshot: the first bound that is met ends it. */
export interface FollowOptions {
  seconds?: number | undefined
  untilOffset?: number | undefined
  signal?: AbortSignal | undefined
}

export interface SyncOptions extends Omit<FullResyncOptions, 'path' | 'observer' | 'snapshotOnly'> {
  /** Replace an output that is there already. */
  force?: boolean | undefined
  /** A folder for the snapshot as a log, which a server starts from. */
  aof?: string | undefined
  /** Another server, for the snapshot. */
  into?: IntoOptions | undefined
  /** Absent: leave once the snapshot is here. */
  follow?: FollowOptions | undefined
  /** The slots whose keys are to be expected; keys of others are counted apart. */
  slots?: readonly SlotRange[] | undefined
  onEvent?: ((event: SyncEvent) => void) | undefined
  onMessage?: NonNullable<FullResyncOptions['observer']>['message']
}

/** The command stream, as far as it was followed. */
export interface Followed {
  offset: number
  /** Of the stream, from where the snapshot ends. */
  bytes: number
  commands: number
  /** Of them, PINGs of the master. */
  pings: number
  acknowledgements: number
  /** What ended it before its time; the snapshot stands all the same. */
  failure: unknown
}

export interface Sync extends LoadedSnapshot {
  /** The address, without credentials. */
  master: string
  /** Absent where only a log was wanted. */
  out: string | undefined
  /** The log that was made of the snapshot. */
  aof: BuiltLog | undefined
  /** What became of it in another server. */
  into: Load | undefined
  replicationId: string
  /** As the master told with its snapshot; -1 where it did not. */
  offset: number
  transfer: 'disk' | 'diskless'
  /** As it came over the wire. */
  bytes: number
  checksum: Resync['checksum']
  attempts: number
  /** Of the transfer alone, and of all until the snapshot had its name. */
  transferSeconds: number
  seconds: number
  followed: Followed | undefined
}

/** Throws what keeps the snapshot from being published; then nothing stays behind. Without `out` it is for the others alone. */
export async function sync(address: ServerAddress, out: string | undefined, options: SyncOptions = {}): Promise<Sync> {
  try {
    return await fetchAndPublish(address, out, options)
  } catch (error) {
    // Bytes that came over the wire have other remedies than those of a file.
    if (error instanceof FormatError) error.advice = DAMAGE_ADVICE
    throw error
  }
}

const DAMAGE_ADVICE =
  'look for a proxy or faulty hardware on the way, and into the log of the master; then fetch the snapshot again'

async function fetchAndPublish(address: ServerAddress, out: string | undefined, options: SyncOptions): Promise<Sync> {
  const {aof, force = false} = options
  if (out !== undefined) refuseTaken(out, force)
  if (aof !== undefined) refuseFolder(aof, force)
  const {follow, onEvent = () => {}, onMessage} = options
  const started = performance.now()
  let transferSeconds = 0
  const event = (one: SyncEvent): void => {
    if (one.kind === 'received') transferSeconds = one.seconds
    onEvent(one)
  }
  const observer = {event, ...(onMessage && {message: onMessage})}
  let loading: SnapshotLoading | undefined
  const along = (source: ByteSource): void => {
    loading = new SnapshotLoading(source, options.slots)
  }
  const resync = await fullResync(address, {
    ...options,
    path: out ?? aof,
    snapshotOnly: follow === undefined,
    observer,
    along,
  })
  try {
    const following = follow === undefined ? undefined : new Following(resync, follow)
    event({kind: 'flushing'})
    event({kind: 'loading', progress: loading!.source})
    const {inventory, unread, strayKeys} = await loading!.finish(resync.checksum)
    event({kind: 'loaded', inventory, nowMs: loading!.nowMs})
    adoptPlace(resync.client, inventory)
    const {offset} = resync
    const path = out ?? resync.spool.path
    if (out !== undefined) {
      await resync.publish(out, force)
      event({kind: 'published', path: out})
    }
    const log = aof === undefined ? undefined : await rewriteSnapshot(path, aof, {force, onEvent: event})
    const into =
      options.into === undefined ? undefined : await loadSnapshot(path, formatAddress(address), options.into, event)
    event({kind: 'finished'})
    const seconds = (performance.now() - started) / 1000
    const followed = await following?.finish()
    const {replicationId, transfer, bytes, checksum, attempts} = resync
    const facts = {
      master: formatAddress(address),
      out,
      aof: log,
      into,
      replicationId,
      offset,
      transfer,
      bytes,
      checksum,
      attempts,
    }
    return {...facts, transferSeconds, seconds, inventory, unread, strayKeys, followed}
  } finally {
    await resync.close()
  }
}

/** Takes the stream from the moment that the snapshot is here: a master that cannot get rid of it would drop us. */
class Following {
  #until = Number.POSITIVE_INFINITY
  #failure: unknown
  readonly #done: Promise<void>

  constructor(
    readonly resync: Resync,
    readonly options: FollowOptions,
  ) {
    const {client} = resync
    client.beat()
    this.#done = client
      .follow(() => this.#wanted())
      .catch(error => {
        this.#failure = error
      })
  }

  /** The snapshot is loaded: acknowledges, and stays as long as it was asked for. */
  async finish(): Promise<Followed> {
    const {client} = this.resync
    this.#until = performance.now() + (this.options.seconds ?? Number.POSITIVE_INFINITY) * 1000
    client.online()
    await this.#done
    if (this.#failure === undefined) client.acknowledge()
    const {offset, streamBytes: bytes, commands, pings, acknowledgements} = client
    return {offset, bytes, commands, pings, acknowledgements, failure: this.#failure}
  }

  /** Milliseconds for which more of the stream is wanted. */
  #wanted(): number {
    const {client} = this.resync
    if (this.options.signal?.aborted === true) return 0
    if (client.isOnline && client.offset >= (this.options.untilOffset ?? Number.POSITIVE_INFINITY)) return 0
    return client.isOnline ? Math.max(this.#until - performance.now(), 0) : Number.POSITIVE_INFINITY
  }
}
