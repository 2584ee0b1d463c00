/**
 * One connection to a master: an ordinary client until it asks for the data, a replica from then on.
 *
 *   handshake --PSYNC id offset, and that is kept--> online
 *             --PSYNC, SYNC--> waiting (newlines) -> sending $<bytes> RDB -> loading -> online (REPLCONF ACK)
 *
 * The stream of a replica is taken from the backlog as fast as the connection takes it: what is held for one does not depend
 * on how slow it is. Whoever falls behind the backlog is dropped, as servers do.
 */
import type {Socket} from 'node:net'
import {PlacedError} from '../errors.js'
import {RequestError, RequestReader} from '../resp/request-reader.js'
import type {Backlog} from './backlog.js'
import {HeldReply} from './held-reply.js'
import {Access, maskedArguments, NOT_AUTHENTICATED} from './master-access.js'
import {announce, nothingAnnounced, readableBy} from './master-announced.js'
import {answer, arityError, errorReply, type MasterFacts} from './master-answers.js'
import type {
  EndReason,
  LinkState,
  MasterEvent,
  MasterMessage,
  ReplicaStatus,
  ServedSnapshot,
  SnapshotWish,
} from './master-events.js'
import {sendFile} from './master-transfer.js'

/** Of the stream that is given to a connection at a time. */
const STREAM_BYTES_MAX = 64 * 1024

/** What a link needs of its master. */
export interface LinkHost {
  readonly replicationId: string
  readonly backlog: Backlog
  readonly password: string | undefined
  snapshotFor(wish: SnapshotWish): Promise<ServedSnapshot>
  facts(): MasterFacts
  event(event: MasterEvent): void
  message: ((message: MasterMessage) => void) | undefined
  /** A snapshot has been sent, or a link resumed: whoever has it is asked how far it is. */
  askForOffsets(): void
  ended(link: MasterLink, reason: EndReason): void
}

export class MasterLink implements ReplicaStatus {
  state: LinkState = 'handshake'
  acknowledged = -1
  sentBytes = 0
  inSync = false
  snapshot: ServedSnapshot | undefined
  /** When anything came from it, or was taken by it, last. */
  heardMs: number
  /** SYNC: it is not expected to acknowledge anything (redis 7.0 replication.c, CLIENT_PRE_PSYNC). */
  acknowledges = true
  readonly announced = nothingAnnounced()
  readonly #requests = new RequestReader()
  readonly #access: Access
  /** Offset of the next byte of the stream that is to be sent. */
  #next = 0
  /** What it must have acknowledged to be in sync. */
  #goal = Number.POSITIVE_INFINITY
  #reason: EndReason = 'closed'
  #failure: Error | undefined
  /** What is said to where it listens. */
  readonly #held = new HeldReply(reply => this.#reply(reply))
  #repliedMs: number

  constructor(
    readonly id: number,
    readonly socket: Socket,
    readonly host: LinkHost,
    readonly nowMs: () => number,
  ) {
    this.heardMs = nowMs()
    this.#repliedMs = this.heardMs
    this.remoteIp = (socket.remoteAddress ?? '').replace(/^::ffff:/, '')
    this.remotePort = socket.remotePort ?? 0
    this.#access = new Access(host.password)
    socket.setNoDelay(true)
    socket.setKeepAlive(true, 30_000)
    socket.on('data', piece => this.#arrived(piece))
    socket.on('drain', () => this.#drained())
    socket.on('error', error => this.#broken(error))
    socket.on('close', () => this.#closed())
  }

  readonly remoteIp: string
  readonly remotePort: number

  get ip(): string {
    return this.announced.ip ?? this.remoteIp
  }

  get port(): number {
    return this.announced.listeningPort ?? 0
  }

  get address(): string {
    const port = this.port === 0 ? this.remotePort : this.port
    return this.ip.includes(':') ? `[${this.ip}]:${port}` : `${this.ip}:${port}`
  }

  get silentMs(): number {
    return this.nowMs() - this.heardMs
  }

  get snapshotBytes(): number {
    return this.snapshot?.bytes ?? 0
  }

  get isReplica(): boolean {
    return this.state !== 'handshake' && this.state !== 'closed'
  }

  /** What is shown to others does not change any more. */
  status(): ReplicaStatus {
    const {id, address, ip, port, state, acknowledged, silentMs, sentBytes, snapshotBytes, inSync} = this
    return {id, address, ip, port, state, acknowledged, silentMs, sentBytes, snapshotBytes, inSync}
  }

  /** A sign of life, while there is nothing else to send. */
  newline(): void {
    this.#send('\n')
    this.#message({direction: 'sent', kind: 'newline'})
  }

  /** Sends of the stream what there is, as long as the connection takes it. */
  pump(): void {
    const {backlog} = this.host
    while (this.isFollowing && this.#next <= backlog.end) {
      if (!backlog.holds(this.#next)) {
        this.end('too slow')
        return
      }
      if (this.socket.writableNeedDrain || !this.socket.writable) return
      const bytes = backlog.read(this.#next, STREAM_BYTES_MAX)
      this.#next += bytes.length
      this.#message({direction: 'sent', kind: 'stream', bytes: bytes.length, offset: this.#next - 1})
      this.socket.write(bytes)
    }
  }

  get isFollowing(): boolean {
    return this.state === 'loading' || this.state === 'online'
  }

  end(reason: EndReason, failure?: Error): void {
    if (this.#reason === 'closed') this.#reason = reason
    this.#failure ??= failure
    if (reason === 'timeout' || reason === 'too slow') this.socket.destroy()
    else {
      this.socket.end()
      this.socket.destroySoon()
    }
  }

  #arrived(piece: Uint8Array): void {
    this.heardMs = this.nowMs()
    this.#requests.push(piece)
    try {
      for (let first = true; this.state !== 'closed' && this.socket.writable; first = false) {
        const args = this.#requests.next()
        if (args === undefined) break
        this.#take(args, !first)
      }
    } catch (error) {
      if (!(error instanceof RequestError)) throw error
      // In the middle of a snapshot a reply would be a part of it.
      if (!this.isReplica) this.#reply(errorReply(error.message))
      this.end('protocol', error)
      return
    }
    // Who does not read the replies is not asked for more to answer.
    if (!this.isReplica && this.socket.writableNeedDrain) this.socket.pause()
  }

  #take(args: readonly string[], pipelined: boolean): void {
    const [word, ...rest] = args
    if (word === undefined) {
      this.#message({direction: 'received', kind: 'newline'})
      return
    }
    if (this.#held.isHeld) {
      this.announced.pipelined = true
      this.#held.release()
    }
    const name = word.toUpperCase()
    this.#message({direction: 'received', kind: 'request', args: maskedArguments(name, args)})
    if (this.isReplica) {
      this.#fromReplica(name, rest)
      return
    }
    const reply = this.#answer(name, rest, pipelined)
    const {listeningPort, pipelined: isKnown} = this.announced
    const holds = listeningPort !== undefined && !isKnown && !this.#held.wasHeld
    if (reply !== undefined && holds) this.#held.hold(reply, this.heardMs - this.#repliedMs)
    else if (reply !== undefined) this.#reply(reply)
    if (name === 'QUIT') this.end('closed')
  }

  /** What is said to a command; undefined where nothing is, or it has been said. */
  #answer(name: string, args: readonly string[], pipelined: boolean): string | undefined {
    // Pages of a browser that were made to talk to this port (redis 7.0 networking.c).
    if (name === 'POST' || name === 'HOST:') throw new RequestError('this is HTTP')
    if (!this.#access.takes(name)) return NOT_AUTHENTICATED
    switch (name) {
      case 'AUTH':
        return this.#access.authenticate(args)
      case 'HELLO':
        return this.#access.hello(args)
      case 'QUIT':
        return '+OK\r\n'
      case 'REPLCONF':
        return this.#configure(args, pipelined)
      case 'PSYNC':
        return this.#psync(args)
      case 'SYNC':
        this.acknowledges = false
        this.#fullResync(false)
        return undefined
      default:
        return answer(name, args, () => this.host.facts())
    }
  }

  /** From here on it is told nothing but the snapshot and the stream. */
  #fromReplica(name: string, args: readonly string[]): void {
    const [option = '', at = ''] = args
    if (name !== 'REPLCONF' || option.toUpperCase() !== 'ACK' || !this.isFollowing) return
    const offset = /^\d{1,15}$/.test(at) ? Number(at) : Number.NaN
    if (!(offset < this.#next)) return
    const first = this.state === 'loading'
    this.state = 'online'
    if (first) this.#event({kind: 'online', replica: this.status()})
    if (offset !== this.acknowledged) {
      this.acknowledged = offset
      this.#event({kind: 'acknowledged', replica: this.status(), offset})
    }
    if (this.inSync || offset < this.#goal) return
    this.inSync = true
    this.#event({kind: 'in-sync', replica: this.status()})
  }

  #configure(options: readonly string[], pipelined: boolean): string | undefined {
    // Neither gets a reply, whoever says it.
    if (/^(ack|getack)$/i.test(options[0] ?? '')) return undefined
    if (pipelined) this.announced.pipelined = true
    const wrong = announce(this.announced, options)
    return wrong === undefined ? '+OK\r\n' : errorReply(wrong)
  }

  /** Goes on where the replica was, or begins anew; what is wrong with the question is returned. */
  #psync(args: readonly string[]): string | undefined {
    const [id = '', at = ''] = args
    const from = /^-?\d{1,15}$/.test(at) ? Number(at) : Number.NaN
    if (args.length < 2) return arityError('PSYNC')
    if (Number.isNaN(from)) return errorReply('value is not an integer or out of range')
    if (args.length > 2) return errorReply('PSYNC FAILOVER is for servers: this is none')
    this.#event({kind: 'asks', replica: this.status()})
    const why = this.#refusal(id, from)
    if (why === undefined) {
      this.#resume(from)
      return undefined
    }
    if (id !== '?') this.#event({kind: 'partial-refused', replica: this.status(), why})
    this.#fullResync(true)
    return undefined
  }

  /** Why what is asked for cannot be continued. */
  #refusal(id: string, from: number): string | undefined {
    const {replicationId, backlog} = this.host
    if (id === '?') return 'a full resync is asked for'
    if (id.toLowerCase() !== replicationId) {
      return `Replication ID mismatch (Replica asked for '${id.slice(0, 64)}', my replication ID is '${replicationId}')`
    }
    if (backlog.holds(from)) return undefined
    return `offset ${from} was asked for, and there is ${backlog.first} to ${backlog.end + 1}`
  }

  #resume(from: number): void {
    const {replicationId, backlog} = this.host
    this.#reply(this.announced.capabilities.has('psync2') ? `+CONTINUE ${replicationId}\r\n` : '+CONTINUE\r\n')
    this.#next = from
    this.state = 'online'
    this.#event({kind: 'partial', replica: this.status(), from, bytes: backlog.end - from + 1})
    this.#follow()
  }

  #follow(): void {
    this.#goal = this.host.backlog.end
    this.host.askForOffsets()
    this.pump()
  }

  #fullResync(psync: boolean): void {
    if (!psync) this.#event({kind: 'asks', replica: this.status()})
    this.state = 'waiting'
    this.#transfer(psync).catch(error => {
      // In the place of a snapshot, an error is one that the replica logs.
      if (this.state === 'waiting') {
        if (psync) this.#announce(this.host.backlog.end)
        const advice = error instanceof PlacedError && error.advice !== undefined ? `; ${error.advice}` : ''
        this.#reply(errorReply(`rdbtool serve: ${error.message}${advice}`))
      }
      if (this.isReplica) this.#event({kind: 'no-snapshot', replica: this.status(), failure: error})
      this.end('no snapshot', error)
    })
  }

  #announce(offset: number): void {
    this.#reply(`+FULLRESYNC ${this.host.replicationId} ${offset}\r\n`)
  }

  async #transfer(psync: boolean): Promise<void> {
    const {part, snapshotOnly} = this.announced
    const snapshot = await this.host.snapshotFor({readable: readableBy(this.announced), part})
    if (!this.isReplica) return
    this.snapshot = snapshot
    const {offset = this.host.backlog.end} = snapshot
    this.#next = offset + 1
    if (psync) this.#announce(offset)
    this.#event({kind: 'full-resync', replica: this.status(), offset})
    this.state = 'sending'
    this.heardMs = this.nowMs()
    this.#event({kind: 'sending', replica: this.status(), snapshot})
    const started = performance.now()
    this.#reply(`$${snapshot.bytes}\r\n`)
    const whole = await sendFile(this.socket, snapshot.path, snapshot.bytes, bytes => {
      this.sentBytes += bytes
      this.heardMs = this.nowMs()
    })
    if (!whole || !this.isReplica) return
    this.#message({direction: 'sent', kind: 'payload', bytes: snapshot.bytes})
    this.state = 'loading'
    this.#event({kind: 'sent', replica: this.status(), snapshot, seconds: (performance.now() - started) / 1000})
    if (snapshotOnly) this.end('snapshot only')
    else this.#follow()
  }

  #drained(): void {
    this.heardMs = this.nowMs()
    if (this.socket.isPaused()) this.socket.resume()
    this.pump()
  }

  #broken(error: Error): void {
    if (this.#reason === 'closed') this.#reason = 'broken'
    this.#failure ??= error
  }

  #closed(): void {
    if (this.state === 'closed') return
    this.#held.drop()
    const replica = this.status()
    if (this.isReplica) {
      this.#event({kind: 'lost', replica, reason: this.#reason, failure: this.#failure})
    } else if (this.#reason === 'protocol') {
      this.#event({kind: 'refused', address: this.address, why: this.#failure?.message ?? 'no command'})
    }
    this.host.ended(this, this.#reason)
    this.state = 'closed'
  }

  #reply(text: string): void {
    this.#repliedMs = this.nowMs()
    this.#message({direction: 'sent', kind: 'reply', text: text.split('\r\n', 1)[0]!})
    this.#send(text)
  }

  #send(text: string): void {
    if (this.socket.writable) this.socket.write(text, 'latin1')
  }

  #event(event: MasterEvent): void {
    this.host.event(event)
  }

  #message(
    message: MasterMessage extends infer M ? (M extends MasterMessage ? Omit<M, 'address'> : never) : never,
  ): void {
    this.host.message?.({address: this.address, ...message} as MasterMessage)
  }
}
