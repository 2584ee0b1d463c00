/**
 * serve: be a master to real servers. They run `REPLICAOF host port`, are given the snapshot of any source, load it, and stay
 * attached; whoever wants only the data ends that by `REPLICAOF NO ONE`.
 *
 *   listen    at once: who asks early is kept waiting, and loses nothing by it
 *   stage     the source is read to a good end, into a temporary file
 *   serve     until it is called off, or so many replicas are in sync
 */
import type {TlsOptions as ServerTlsOptions} from 'node:tls'
import {UnsupportedError} from '../errors.js'
import {Master} from '../replication/master.js'
import type {MasterMessage, ReplicaStatus, ServedSnapshot, SnapshotWish} from '../replication/master-events.js'
import type {ServeEvent} from '../report/master-log.js'
import {LogRelay, RELAY_BACKLOG_BYTES} from './log-relay.js'
import {type StagedSnapshot, StagedSnapshots, type StageOptions, targetBefore} from './serve-snapshots.js'

export interface ServeOptions extends StageOptions {
  host?: string | undefined
  /** 0: any that is free. */
  port: number
  /** Whoever connects must say it. */
  password?: string | undefined
  tls?: ServerTlsOptions | undefined
  /** End once so many replicas are in sync at the same time; absent: go on. */
  replicas?: number | undefined
  /** The source is the folder of a log that is written to: what is appended goes to the replicas. */
  follow?: boolean | undefined
  /** How long a replica may say and take nothing. */
  timeoutMs?: number | undefined
  connectionsMax?: number | undefined
  /** Of the stream that is kept for replicas that were away. */
  backlogBytes?: number | undefined
  pingIntervalMs?: number | undefined
  /** Ends it in good order. */
  signal?: AbortSignal | undefined
  onEvent?: ((event: ServeEvent<StagedSnapshot>) => void) | undefined
  onMessage?: ((message: MasterMessage) => void) | undefined
  /** Told once it listens: who is attached can be asked at any time. */
  onListening?: ((master: Pick<Master, 'address' | 'port' | 'replicas' | 'offset'>) => void) | undefined
}

export interface Served {
  source: string
  address: string
  replicationId: string
  /** Of the stream, at the end. */
  offset: number
  /** As the source was put into a file; and for whom else. */
  snapshot: StagedSnapshot
  converted: StagedSnapshot[]
  /** Replicas that have loaded it, by the address that they told. */
  synced: string[]
  fullResyncs: number
  partialResyncs: number
  /** Of snapshots. */
  bytesSent: number
  ended: 'in sync' | 'called off'
  seconds: number
}

/** Throws what keeps the source from being served; nothing stays behind either way. */
export async function serve(source: string, options: ServeOptions): Promise<Served> {
  return await new Serving(source, options).run()
}

/** Where snapshots come from. */
interface Snapshots {
  /** The first of them. */
  ready: Promise<StagedSnapshot>
  snapshotFor(wish: SnapshotWish): Promise<ServedSnapshot>
  close(): Promise<void>
}

class Serving {
  readonly #started = performance.now()
  readonly #synced = new Set<string>()
  /** The base, and what was made of it. */
  readonly #snapshots: StagedSnapshot[] = []
  /** Of the links that are there. */
  readonly #inSync = new Set<number>()
  #isReady = false
  #fullResyncs = 0
  #partialResyncs = 0
  #bytesSent = 0
  #ending: Served['ended'] = 'called off'
  /** Ends the run, well or not. */
  readonly #end: (failure?: unknown) => void
  readonly #ended: Promise<void>

  constructor(
    readonly source: string,
    readonly options: ServeOptions,
  ) {
    let settle: (failure?: unknown) => void = () => {}
    this.#ended = new Promise((resolve, reject) => {
      settle = failure => (failure === undefined ? resolve() : reject(failure))
    })
    // It may end before anybody waits for that.
    this.#ended.catch(() => {})
    this.#end = settle
  }

  async run(): Promise<Served> {
    const {signal, host, port, password, tls, timeoutMs, connectionsMax, pingIntervalMs, onMessage} = this.options
    const {follow = false, backlogBytes = follow ? RELAY_BACKLOG_BYTES : undefined} = this.options
    const end = (): void => this.#end()
    signal?.addEventListener('abort', end)
    if (signal?.aborted === true) end()
    const snapshots: {of?: Snapshots} = {}
    const master = await Master.listen({
      ...{host, port, password, tls, timeoutMs, connectionsMax, backlogBytes, pingIntervalMs, onMessage},
      snapshotFor: async wish => await snapshots.of!.snapshotFor(wish),
      onEvent: event => this.#event(event),
    })
    let source: Snapshots | undefined
    try {
      this.options.onListening?.(master)
      source = follow ? this.#relay(master) : this.#staged()
      snapshots.of = source
      source.ready.then(() => {
        this.#isReady = true
      }, this.#end)
      await this.#ended
      // What is still being read then is not waited for.
      if (!this.#isReady) throw new CalledOff()
      return this.#result(master, await source.ready)
    } finally {
      signal?.removeEventListener('abort', end)
      await master.close()
      const removed = source?.close().catch(() => {})
      if (this.#isReady) await removed
    }
  }

  #staged(): Snapshots {
    const staging = StagedSnapshots.stage(this.source, this.options, event => this.#event(event))
    return {
      ready: staging.then(({base}) => base),
      snapshotFor: async wish => await (await staging).snapshotFor(wish),
      close: async () => await (await staging).close(),
    }
  }

  #relay(master: Master): Snapshots {
    const relay = new LogRelay(this.source, master, this.options, event => this.#event(event))
    const ended = new AbortController()
    const running = relay.run(ended.signal)
    running.catch(this.#end)
    return {
      ready: relay.generation().then(({staged}) => staged.base),
      snapshotFor: wish => relay.snapshotFor(wish),
      close: async () => {
        ended.abort()
        await running.catch(() => {})
        await relay.close()
      },
    }
  }

  #event(event: ServeEvent<StagedSnapshot>): void {
    const told = event.kind === 'unreadable' ? {...event, tryTarget: targetBefore(event.snapshot)} : event
    this.options.onEvent?.(told)
    switch (told.kind) {
      case 'staged':
        this.#snapshots.push(told.snapshot)
        break
      case 'sent':
        this.#fullResyncs++
        this.#bytesSent += told.snapshot.bytes
        break
      case 'partial':
        this.#partialResyncs++
        break
      case 'in-sync':
        this.#inSync.add(told.replica.id)
        this.#synced.add(told.replica.address)
        if (this.#inSync.size >= (this.options.replicas ?? Number.POSITIVE_INFINITY)) {
          this.#ending = 'in sync'
          this.#end()
        }
        break
      case 'lost':
        this.#inSync.delete(told.replica.id)
        break
      case 'no-snapshot':
        this.#giveUp(told.failure)
        break
      case 'unreadable':
        this.#giveUp(unreadable(told.replica, told.snapshot.rdbVersion, told.tryTarget))
        break
    }
  }

  /** Who waits for a replica that will never be in sync waits for ever. */
  #giveUp(failure: Error): void {
    if (this.options.replicas !== undefined) this.#end(failure)
  }

  #result({address, replicationId, offset}: Master, base: StagedSnapshot): Served {
    return {
      ...{source: this.source, address, replicationId, offset, snapshot: base},
      converted: this.#snapshots.filter(one => one !== base),
      synced: [...this.#synced],
      fullResyncs: this.#fullResyncs,
      partialResyncs: this.#partialResyncs,
      bytesSent: this.#bytesSent,
      ended: this.#ending,
      seconds: (performance.now() - this.#started) / 1000,
    }
  }
}

/** It was called off before there was anything to serve. */
export class CalledOff extends Error {
  override readonly name = 'CalledOff'
}

function unreadable({address}: ReplicaStatus, rdbVersion: number, tryTarget: string | undefined): UnsupportedError {
  const text = `the replica ${address} probably cannot read RDB version ${rdbVersion}: it drops the link before it has loaded it`
  const error = new UnsupportedError('NOT_IN_TARGET', text, 0)
  error.advice =
    tryTarget === undefined
      ? 'its log tells why it does not load it'
      : `its log tells why; --target ${tryTarget} writes an older version, and names what that cannot hold`
  return error
}
