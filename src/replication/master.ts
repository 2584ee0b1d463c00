/**
 * A master: whoever runs `REPLICAOF` to it gets a snapshot that lies ready in a file, and behind it a command stream, which is
 * what `feed` is given and a sign of life every few seconds.
 *
 *   connections   bounded in number, in what they may say, and in how long they may say nothing (MasterLink)
 *   stream        kept for a while (Backlog): a replica that comes back goes on where it was
 *   clock         once a second: newlines, PING, and who has been silent for too long
 */
import {randomBytes} from 'node:crypto'
import type {AddressInfo, Server, Socket} from 'node:net'
import {createServer} from 'node:net'
import type {TlsOptions as ServerTlsOptions} from 'node:tls'
import {WireError} from '../errors.js'
import {formatAddress} from '../resp/address.js'
import {formatCommand} from '../resp/framing.js'
import {Backlog} from './backlog.js'
import type {MasterFacts} from './master-answers.js'
import type {
  EndReason,
  MasterEvent,
  MasterMessage,
  ReplicaStatus,
  ServedSnapshot,
  SnapshotWish,
} from './master-events.js'
import {type LinkHost, MasterLink} from './master-link.js'

const HOST = '127.0.0.1'
const TICK_MS = 1000
/** Replicas wait for a minute (repl-timeout); servers say something every ten seconds (repl-ping-replica-period). */
const PING_INTERVAL_MS = 10_000
const TIMEOUT_MS = 60_000
/** Of one that is no replica. */
const CLIENT_TIMEOUT_MS = 300_000
const CONNECTIONS_MAX = 128
/** As servers have it (repl-backlog-size, redis 7.0). */
const BACKLOG_BYTES = 1024 * 1024
const ID_BYTES = 20
/** Who drops the link so often before it has acknowledged anything cannot read what it is given. */
const DROPS_MAX = 2
/** What the buffers of both systems take of a snapshot that nobody reads any more. */
const DROPPED_BYTES_MAX = 16 * 1024 * 1024
/** Replicas whose dropped links are counted. */
const DROPPERS_MAX = 1000

const PING = formatCommand(['PING'])
const GETACK = formatCommand(['REPLCONF', 'GETACK', '*'])

export interface MasterOptions {
  /** A snapshot that a replica reads; it must stay as it is. What it throws is told to the replica. */
  snapshotFor: (wish: SnapshotWish) => Promise<ServedSnapshot>
  /** Where to listen; port 0 is any that is free. */
  host?: string | undefined
  port: number
  /** Whoever connects must say it. */
  password?: string | undefined
  tls?: ServerTlsOptions | undefined
  connectionsMax?: number | undefined
  backlogBytes?: number | undefined
  pingIntervalMs?: number | undefined
  /** How long a replica may say and take nothing. */
  timeoutMs?: number | undefined
  /** The same of a connection that is none. */
  clientTimeoutMs?: number | undefined
  /** Between two looks at the clock. */
  tickMs?: number | undefined
  onEvent?: ((event: MasterEvent) => void) | undefined
  onMessage?: ((message: MasterMessage) => void) | undefined
}

export class Master implements LinkHost {
  #replicationId = newId()
  #backlog: Backlog
  readonly password: string | undefined
  readonly message: ((message: MasterMessage) => void) | undefined
  readonly #links = new Set<MasterLink>()
  /** By replica: how often running it has dropped the link before it acknowledged anything. */
  readonly #drops = new Map<string, number>()
  readonly #clock: NodeJS.Timeout
  #ids = 0
  #pingedMs = 0
  #asking = false
  #closing = false
  /** The last that was refused since the one that was told of, and how many. */
  #refused: Extract<MasterEvent, {kind: 'refused'}> | undefined
  #hasToldRefused = false

  private constructor(
    readonly server: Server,
    readonly options: MasterOptions,
  ) {
    this.#backlog = new Backlog(options.backlogBytes ?? BACKLOG_BYTES, 0)
    this.password = options.password
    this.message = options.onMessage
    this.#clock = setInterval(() => this.#tick(), options.tickMs ?? TICK_MS)
    const {address, port} = server.address() as AddressInfo
    this.port = port
    this.address = formatAddress({host: address, port})
    const {replicationId} = this
    this.event({kind: 'listening', address: this.address, replicationId, offset: this.backlog.end})
  }

  readonly port: number
  readonly address: string

  /** Listens; throws WireError where it cannot. */
  static async listen(options: MasterOptions): Promise<Master> {
    const server = await serverFor(options.tls)
    let master: Master | undefined
    // Of those that are refused the system need not take any number either.
    server.maxConnections = 4 * (options.connectionsMax ?? CONNECTIONS_MAX)
    server.on(options.tls === undefined ? 'connection' : 'secureConnection', socket => master?.accept(socket))
    server.on('tlsClientError', (error: Error, socket: Socket) => {
      const address = formatAddress({host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0})
      master?.event({kind: 'refused', address, why: `no TLS handshake: ${error.message}`})
      socket.destroy()
    })
    await new Promise<void>((resolve, reject) => {
      const {host = HOST, port} = options
      const refuse = (error: NodeJS.ErrnoException): void => reject(listenError({host, port}, error))
      server.once('error', refuse)
      server.listen({host, port}, () => {
        server.off('error', refuse)
        resolve()
      })
    })
    master = new Master(server, options)
    return master
  }

  /** Of the history of the data. */
  get replicationId(): string {
    return this.#replicationId
  }

  get backlog(): Backlog {
    return this.#backlog
  }

  /** Offset of the last byte of the stream. */
  get offset(): number {
    return this.backlog.end
  }

  /** Those that have asked for the data. */
  get replicas(): ReplicaStatus[] {
    return this.#replicas().map(link => link.status())
  }

  /** Adds whole commands to the stream of all replicas. A slow one is not waited for. */
  feed(bytes: Uint8Array): void {
    this.backlog.feed(bytes)
    for (const link of this.#links) link.pump()
  }

  /** The data are others from here on: another history begins, and whoever is attached takes everything anew. */
  restart(): void {
    this.#replicationId = newId()
    this.#backlog = new Backlog(this.#backlog.bytesMax, this.#backlog.end)
    for (const link of this.#replicas()) link.end('restarted')
  }

  accept(socket: Socket): void {
    if (this.#closing || this.#links.size >= (this.options.connectionsMax ?? CONNECTIONS_MAX)) {
      const address = formatAddress({host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0})
      this.event({kind: 'refused', address, why: 'there are too many connections'})
      socket.on('error', () => {})
      socket.end('-ERR max number of clients reached\r\n')
      socket.destroySoon()
      return
    }
    this.#links.add(new MasterLink(++this.#ids, socket, this, () => performance.now()))
  }

  /** Ends all connections, and listens no more. */
  async close(): Promise<void> {
    if (this.#closing) return
    this.#closing = true
    clearInterval(this.#clock)
    const closed = new Promise<void>(resolve => this.server.close(() => resolve()))
    // Each link tells of its end before the master does of its own.
    const gone = [...this.#links].map(({socket}) => new Promise<void>(resolve => socket.once('close', () => resolve())))
    for (const link of this.#links) link.end('stopped')
    // Who does not take what is still to be sent is not waited for.
    const late = setTimeout(() => this.#destroyAll(), TICK_MS)
    await Promise.all([closed, ...gone])
    clearTimeout(late)
    this.#tellRefused()
    this.event({kind: 'closed'})
  }

  snapshotFor(wish: SnapshotWish): Promise<ServedSnapshot> {
    return this.options.snapshotFor(wish)
  }

  facts(): MasterFacts {
    const {replicationId, offset, port, backlog, replicas} = this
    return {replicationId, offset, port, backlog, replicas, clients: this.#links.size}
  }

  event(event: MasterEvent): void {
    if (event.kind === 'online') this.#drops.delete(event.replica.address)
    if (event.kind === 'refused' && this.#hasToldRefused) {
      this.#refused = {...event, times: (this.#refused?.times ?? 0) + 1}
      return
    }
    if (event.kind === 'refused') this.#hasToldRefused = true
    this.options.onEvent?.(event)
  }

  /** Whoever knocks without end is told of once between two looks at the clock. */
  #tellRefused(): void {
    const refused = this.#refused
    this.#refused = undefined
    this.#hasToldRefused = refused !== undefined
    if (refused !== undefined) this.options.onEvent?.(refused)
  }

  /** Once for all that ask in the same moment. */
  askForOffsets(): void {
    if (this.#asking) return
    this.#asking = true
    queueMicrotask(() => {
      this.#asking = false
      this.feed(GETACK)
    })
  }

  ended(link: MasterLink, reason: EndReason): void {
    this.#links.delete(link)
    const {snapshot, state, acknowledges, announced} = link
    const gone = reason === 'closed' || reason === 'broken'
    // Who loads it from the wire ends in the beginning; further on, it is the network.
    const dropped = state === 'loading' || (state === 'sending' && link.sentBytes <= DROPPED_BYTES_MAX)
    if (!gone || !dropped || !acknowledges || announced.snapshotOnly || snapshot === undefined) return
    if (this.#drops.size >= DROPPERS_MAX) this.#drops.clear()
    const times = (this.#drops.get(link.address) ?? 0) + 1
    this.#drops.set(link.address, times)
    if (times >= DROPS_MAX) this.event({kind: 'unreadable', replica: link.status(), snapshot, times})
  }

  #replicas(): MasterLink[] {
    return [...this.#links].filter(link => link.isReplica)
  }

  #tick(): void {
    this.#tellRefused()
    const {
      timeoutMs = TIMEOUT_MS,
      clientTimeoutMs = CLIENT_TIMEOUT_MS,
      pingIntervalMs = PING_INTERVAL_MS,
    } = this.options
    for (const link of this.#links) {
      const {state, silentMs, acknowledges} = link
      if (state === 'waiting') link.newline()
      else if (state === 'handshake') {
        if (silentMs >= clientTimeoutMs) link.end('timeout')
      } else if (silentMs >= timeoutMs && (acknowledges || state === 'sending')) link.end('timeout')
    }
    const nowMs = performance.now()
    if (nowMs - this.#pingedMs < pingIntervalMs || this.#replicas().length === 0) return
    this.#pingedMs = nowMs
    this.feed(PING)
  }

  #destroyAll(): void {
    for (const link of this.#links) link.socket.destroy()
  }
}

function newId(): string {
  return randomBytes(ID_BYTES).toString('hex')
}

async function serverFor(tls: ServerTlsOptions | undefined): Promise<Server> {
  if (tls === undefined) return createServer({noDelay: true})
  // Loaded when it is wanted: it takes as long to load as a small snapshot to read.
  const {createServer: createSecure} = await import('node:tls')
  return createSecure({handshakeTimeout: 10_000, ...tls})
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'permission denied',
  ENOTFOUND: 'there is no host of that name',
}

function listenError(where: {host: string; port: number}, error: NodeJS.ErrnoException): WireError {
  const name = formatAddress(where)
  const {code: reason = '', message} = error
  const words = reason in REASONS ? `${REASONS[reason]} (${reason})` : message
  const context = {stage: 'connecting', reason} as const
  return new WireError('LISTEN_FAILED', `cannot listen at ${name}: ${words}`, name, context, {cause: error})
}
