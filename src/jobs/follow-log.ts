/**
 * sync --follow: a running server's data in an append-only folder that stays as new as the server is: its snapshot, and
 * its command stream behind it.
 *
 *   open        the folder says how far it follows the master, and is cut off behind that
 *   resume      PSYNC from there: the master goes on, or gives us everything
 *   snapshot    verified and loaded; meanwhile the stream goes to a file of its own; then the manifest names both
 *   stream      whole units, with the place behind them, in one write; then they are acknowledged
 *
 * Whatever breaks on the way, it begins again at `resume`; what was acknowledged is in the folder by then.
 */
import {setTimeout as sleep} from 'node:timers/promises'
import {GrowingFile} from '../aof/growing-file.js'
import {type CutTail, GrowingLog} from '../aof/growing-log.js'
import type {StreamPlace} from '../aof/stream-place.js'
import type {ByteSource} from '../bytes/source.js'
import {Spool} from '../bytes/spool.js'
import {publish, removeUnpublished, temporaryBeside} from '../bytes/unpublished.js'
import {type UnsupportedError, UsageError, WireError} from '../errors.js'
import {ReplicaClient, type ReplicaOptions} from '../replication/client.js'
import {type FullResyncOptions, receiveSnapshot} from '../replication/full-resync.js'
import type {ReplicationObserver} from '../replication/observer.js'
import {MARK_BYTES, type PayloadHeader, UNKNOWN_ID} from '../replication/replies.js'
import {StreamUnits} from '../replication/stream-units.js'
import type {SyncEvent} from '../report/replica-log.js'
import {formatAddress, type ServerAddress} from '../resp/address.js'
import {FollowPatience} from './follow-patience.js'
import {Retention} from './follow-retention.js'
import {adoptPlace, SnapshotLoading} from './snapshot-loading.js'
import {type AlsoOptions, makeAlso, refuseAlso} from './snapshot-outputs.js'

/** When what was written is brought to the disk: before it is acknowledged, every second, or when the system likes. */
export type FsyncRule = 'always' | 'everysec' | 'no'

export const ROTATE_BYTES = 256 * 1024 * 1024
const SECOND_MS = 1000
/** A transaction larger than this does not wait in memory for its end. */
const PART_BYTES_MIN = 64 * 1024 * 1024
/** How long a place may be behind, where nothing comes that is kept. */
const PLACE_AGE_MS_MAX = 60_000
/** No history is called so: whoever goes on from it gets everything. */
const UNTOLD_ID = '0'.repeat(MARK_BYTES)
const NOTHING = new Uint8Array(0)
/** How often is looked for what is too old, where no file becomes full. */
const RETENTION_MS = 3_600_000
export interface FollowLogOptions
  extends Omit<ReplicaOptions, 'observer' | 'snapshotOnly'>,
    Pick<FullResyncOptions, 'retries' | 'retryDelayMs' | 'patienceMs'>,
    AlsoOptions {
  fsync?: FsyncRule | undefined
  /** A file of commands that is as large is the last one no more. */
  rotateBytes?: number | undefined
  /** How far back one can come, in milliseconds; what is older is compacted. Absent: to the beginning. */
  keepMs?: number | undefined
  /** Ends it in good order after so long, or once the stream has come to an offset; else it goes on until `signal`. */
  seconds?: number | undefined
  untilOffset?: number | undefined
  onEvent?: ((event: SyncEvent) => void) | undefined
  onMessage?: ReplicationObserver['message'] | undefined
}

export interface FollowedLog {
  /** The address of the master, without credentials, as it was last. */
  master: string
  folder: string
  place: StreamPlace | undefined
  fullResyncs: number
  partialResyncs: number
  /** What stood behind the last place when it began. */
  cutTail: CutTail | undefined
  /** Folders that hold what was followed before another snapshot came. */
  superseded: string[]
  /** Why old commands are still there that need not be kept. */
  notCompacted: string | undefined
  /** What ended the last attempt to follow, where that is not over. */
  lastFailure: unknown
  /** The last snapshot is whole by its checksum, and holds what we do not know. */
  unread: UnsupportedError | undefined
  commands: number
  /** Of units, as they were written. */
  bytes: number
  seconds: number
}

/** Follows whoever `address` names, each time anew; ends in good order, or throws what no new attempt would mend. */
export async function followLog(
  folder: string,
  address: () => Promise<ServerAddress>,
  options: FollowLogOptions = {},
): Promise<FollowedLog> {
  refuseAlso(options)
  const log = await GrowingLog.open(folder)
  if (log.place !== undefined && (options.out ?? options.aof) !== undefined) {
    await log.close()
    throw new UsageError(`${folder} goes on where it was: there will be no snapshot for another output`)
  }
  const follower = new Follower(folder, log, address, options)
  try {
    await follower.run()
    return follower.result()
  } finally {
    await log.close()
  }
}

class Follower {
  #master = ''
  #fullResyncs = 0
  #partialResyncs = 0
  #commands = 0
  #bytes = 0
  readonly #patience: FollowPatience
  /** Where the stream goes: for as long as a snapshot is not published, a file that no manifest names. */
  #sink: GrowingLog | GrowingFile
  #client: ReplicaClient | undefined
  #placedMs = 0
  /** Of the disk, met beside the stream. */
  #failure: unknown
  /** The offset that was wanted. */
  #reached = false
  /** What ended the last attempt, where none was better since. */
  #lastFailure: unknown
  readonly #superseded: string[] = []
  #notCompacted: string | undefined
  #scripts = 0
  #unread: UnsupportedError | undefined
  readonly #retention: Retention | undefined
  readonly #started = performance.now()

  constructor(
    /** As it was given. */
    readonly folder: string,
    readonly log: GrowingLog,
    readonly address: () => Promise<ServerAddress>,
    readonly options: FollowLogOptions,
  ) {
    this.#sink = log
    this.#patience = new FollowPatience(options)
    if (options.keepMs !== undefined) this.#retention = new Retention(log, options.keepMs, event => this.#event(event))
  }

  result(): FollowedLog {
    return {
      ...{master: this.#master, folder: this.folder, place: this.log.place},
      ...{fullResyncs: this.#fullResyncs, partialResyncs: this.#partialResyncs, unread: this.#unread},
      ...{cutTail: this.log.cutTail, superseded: this.#superseded, notCompacted: this.#notCompacted},
      lastFailure: this.#lastFailure,
      ...{commands: this.#commands, bytes: this.#bytes, seconds: (performance.now() - this.#started) / SECOND_MS},
    }
  }

  async run(): Promise<void> {
    const {place, cutTail} = this.log
    if (place !== undefined) this.#event({kind: 'resuming', place, cutTail})
    const looking = setInterval(() => this.#lookBack(), RETENTION_MS)
    this.#lookBack()
    try {
      await this.#attempts()
    } finally {
      clearInterval(looking)
      // Who ends it by a signal does not wait; a run of a set length does its work to the end.
      if (this.options.signal?.aborted === true) await this.#retention?.end()
      else await this.#retention?.settled()
    }
  }

  async #attempts(): Promise<void> {
    while (this.#wanted() > 0) {
      try {
        await this.#attempt()
      } catch (error) {
        await this.log.cut()
        if (this.#failure !== undefined) throw this.#failure
        const waitMs = this.#patience.delay()
        const everLinked = this.#fullResyncs + this.#partialResyncs > 0
        if (this.options.signal?.aborted === true || (this.#wanted() === 0 && everLinked)) return
        if (this.#wanted() === 0 || !this.#patience.lasts(error, waitMs, this.log.place !== undefined)) throw error
        this.#lastFailure = error
        this.#event({kind: 'retrying', failure: error as Error, waitMs})
        await this.#pause(waitMs)
      } finally {
        this.#client?.close()
        this.#client = undefined
        this.#sink = this.log
      }
    }
    const neverLinked = this.#fullResyncs + this.#partialResyncs === 0
    if (neverLinked && this.#lastFailure !== undefined && this.options.signal?.aborted !== true) throw this.#lastFailure
  }

  async #attempt(): Promise<void> {
    const address = await this.address()
    this.#master = formatAddress(address)
    const {onMessage} = this.options
    const observer = {event: (event: SyncEvent) => this.#event(event), ...(onMessage && {message: onMessage})}
    const client = await ReplicaClient.connect(address, {...this.options, observer})
    this.#client = client
    const place = this.log.place
    const syncing = this.#keepSyncing(client)
    try {
      await client.handshake()
      const header = await client.resume(place)
      if (header !== undefined) await this.#takeEverything(client, header)
      else if (place === undefined) throw continued(client)
      else await this.#goOn(client, place)
    } finally {
      clearInterval(syncing)
    }
  }

  /** The master goes on from where the log ends. */
  async #goOn(client: ReplicaClient, place: StreamPlace): Promise<void> {
    this.#partialResyncs++
    const {replicationId} = client
    // The old name of the history ends here: another server may not know it for long.
    if (replicationId !== place.replicationId) await this.log.append(NOTHING, 0, {...place, replicationId}, Date.now())
    this.#goesWell()
    client.online()
    await this.#stream(client, new StreamUnits(place.offset, place.db, client.name))
  }

  async #takeEverything(client: ReplicaClient, header: PayloadHeader): Promise<void> {
    const base = this.log.newBase()
    const {path, sequence} = this.log.newIncrement()
    const spool = await Spool.create(base.path)
    const temporary = temporaryBeside(path)
    let file: GrowingFile | undefined
    let streaming: Promise<unknown> | undefined
    try {
      let loading: SnapshotLoading | undefined
      const along = (source: ByteSource): void => {
        loading = new SnapshotLoading(source)
      }
      const {checksum} = await receiveSnapshot(client, header, spool, {along, attempt: 1})
      client.beat()
      this.#event({kind: 'flushing'})
      this.#event({kind: 'loading', progress: loading!.source})
      // Who told us no place tells it in the snapshot, if at all.
      if (client.snapshotOffset < 0) adoptPlace(client, (await loading!.finish(checksum)).inventory)
      const place = placeOf(client)
      file = await GrowingFile.create(temporary, place)
      this.#sink = file
      streaming = this.#streamMeanwhile(client, new StreamUnits(place.offset, place.db, client.name))
      const {inventory, unread} = await loading!.finish(checksum)
      this.#unread = unread
      this.#event({kind: 'loaded', inventory, nowMs: loading!.nowMs})
      await spool.publish(base.path, false)
      publish(temporary, path, false)
      file.path = path
      const superseded = await this.log.begin(base, file, sequence, Date.now())
      file = undefined
      this.#sink = this.log
      this.#fullResyncs++
      this.#goesWell()
      this.#event({kind: 'published', path: base.path})
      if (superseded !== undefined) this.#event({kind: 'superseded', path: superseded})
      this.#event({kind: 'finished'})
      client.online()
      if (this.#fullResyncs === 1) await makeAlso(base.path, this.options, event => this.#event(event))
      const failure = await streaming
      if (failure !== undefined) throw failure
    } finally {
      // What is still on its way behind a snapshot that was not taken must never come into the log.
      client.close()
      await streaming
      await spool.discard()
      await file?.close()
      removeUnpublished(temporary)
    }
  }

  /** Never rejects: what ended it is looked at when the snapshot is in its place. */
  async #streamMeanwhile(client: ReplicaClient, units: StreamUnits): Promise<unknown> {
    try {
      await this.#stream(client, units)
      return undefined
    } catch (error) {
      return error
    }
  }

  async #stream(client: ReplicaClient, units: StreamUnits): Promise<void> {
    const before = this.#commands
    await client.pieces(
      () => this.#wanted(),
      async piece => {
        units.push(piece)
        for (;;) {
          const nowMs = Date.now()
          const met = units.advance(nowMs)
          await this.#keep(client, units, nowMs)
          this.#commands = before + units.commands
          client.commands = units.commands
          this.#tellScripts(units)
          if (met === 'end') break
          if (client.isOnline) client.acknowledge()
        }
      },
    )
    await this.#keep(client, units, Date.now())
  }

  #tellScripts({scripts}: StreamUnits): void {
    if (scripts > 0 && this.#scripts === 0) this.#event({kind: 'scripts'})
    this.#scripts ||= scripts
  }

  /** What is whole goes into the log, and may be acknowledged. */
  async #keep(client: ReplicaClient, units: StreamUnits, nowMs: number): Promise<void> {
    const sink = this.#sink
    const {offset, db, wholeBytes, length} = units
    const isLate = nowMs - this.#placedMs > PLACE_AGE_MS_MAX && offset > (sink.place?.offset ?? offset) && sink.isWhole
    if (wholeBytes > 0 || isLate) {
      const replicationId = sink.place!.replicationId
      await sink.append(units.bytes, wholeBytes, {replicationId, offset, db}, nowMs)
      this.#placedMs = nowMs
      this.#bytes += wholeBytes
      units.taken(wholeBytes)
      if (this.options.fsync === 'always') await this.#sync(client)
    } else if (length > PART_BYTES_MIN) {
      await sink.appendPart(units.bytes, length, nowMs)
      units.taken(length)
    }
    client.offset = offset
    if (sink === this.log && wholeBytes > 0 && this.log.fileBytes >= (this.options.rotateBytes ?? ROTATE_BYTES)) {
      this.#event({kind: 'rotated', file: await this.log.rotate()})
      this.#lookBack()
    }
  }

  #lookBack(): void {
    // Never rejects.
    void this.#retention?.look(Date.now())
  }

  #keepSyncing(client: ReplicaClient): NodeJS.Timeout | undefined {
    if (this.options.fsync !== undefined && this.options.fsync !== 'everysec') return undefined
    return setInterval(() => {
      this.#sync(client).catch(error => {
        this.#failure = error
        client.close()
      })
    }, SECOND_MS)
  }

  async #sync(client: ReplicaClient): Promise<void> {
    // The file of a snapshot that is about to be published, too: what it has is acknowledged as soon as it is.
    const sink = this.#sink
    await sink.sync()
    if (client.isOnline) client.fsyncedOffset = sink.syncedOffset
  }

  #goesWell(): void {
    this.#lastFailure = undefined
    this.#patience.goesWell()
  }

  /** Milliseconds for which more of the stream is wanted. */
  #wanted(): number {
    const {signal, seconds = Number.POSITIVE_INFINITY, untilOffset = Number.POSITIVE_INFINITY} = this.options
    if (signal?.aborted === true) return 0
    // In which history an offset counts is known once the master has answered.
    const client = this.#client
    if (client?.isOnline === true && client.offset >= untilOffset) this.#reached = true
    if (this.#reached) return 0
    return Math.max(this.#started + seconds * SECOND_MS - performance.now(), 0)
  }

  /** Who is called off while waiting has nothing to wait for. */
  async #pause(waitMs: number): Promise<void> {
    const {signal} = this.options
    await sleep(Math.min(waitMs, this.#wanted()), undefined, signal === undefined ? {} : {signal}).catch(() => {})
  }

  #event(event: SyncEvent): void {
    if (event.kind === 'superseded') this.#superseded.push(event.path)
    if (event.kind === 'compacted') this.#notCompacted = undefined
    if (event.kind === 'not-compacted') this.#notCompacted = event.failure.message
    this.options.onEvent?.(event)
  }
}

/** Where the stream begins behind a snapshot: masters that tell neither history nor offset are counted from 0. */
function placeOf({replicationId, offset}: ReplicaClient): StreamPlace {
  const isTold = replicationId !== UNKNOWN_ID
  return {replicationId: isTold ? replicationId : UNTOLD_ID, offset, db: 0}
}

function continued({name}: ReplicaClient): WireError {
  const text = `${name}: a full resync was asked for, and another one was offered`
  return new WireError('UNEXPECTED_REPLY', text, name, {stage: 'waiting'})
}
