/**
 * The replica side of one connection:
 *
 *   PING, AUTH, REPLCONF ...   who we are and what we understand
 *   PSYNC ? -1                 +FULLRESYNC <id> <offset>, or SYNC where PSYNC is unknown
 *   payload                    $<bytes> or $EOF:<mark>, straight into a spool
 *   stream                     commands, acknowledged once a second with the exact offset
 */
import {setImmediate as eventLoopTurn} from 'node:timers/promises'
import type {ByteSource} from '../bytes/source.js'
import type {Spool} from '../bytes/spool.js'
import {SpoolSource} from '../bytes/spool-source.js'
import {WireError, type WireStage} from '../errors.js'
import {formatAddress, type ServerAddress} from '../resp/address.js'
import {CONNECT_TIMEOUT_MS, Connection} from '../resp/connection.js'
import {formatCommand} from '../resp/framing.js'
import {refusalCode, withoutArguments} from '../resp/refusal.js'
import {CommandFramer, isGetAck, nameOfCommand, type ReplicatedCommand} from './command-framer.js'
import {LineInput} from './line-input.js'
import type {ReplicationEvent, ReplicationObserver, WireMessage} from './observer.js'
import {payloadFraming} from './payload.js'
import {
  type PayloadHeader,
  type PsyncReply,
  parsePayloadHeader,
  parsePsyncReply,
  UNKNOWN_ID,
  wantsNoArguments,
} from './replies.js'

export const SILENCE_MS = 60_000
const ACK_INTERVAL_MS = 1000
/**
 * The newest server whose replicas read everything that we read. Valkey 9 chooses the version of its RDB by it; without
 * it a hash with expiring fields ends the transfer. Other servers refuse the option, which does no harm.
 */
const ANNOUNCED_VERSION = '9.1.0'
/** How long a quiet stream is waited for at a time. */
const LOOK_UP_MS = 100
const NEWLINE = Buffer.from('\n')
const MASK = '(password)'

export interface ReplicaOptions {
  connectTimeoutMs?: number | undefined
  /** The longest silence, at any stage; keepalive newlines break it. */
  silenceMs?: number | undefined
  /** The name that the master gave to PSYNC, or to SYNC. */
  psyncCommand?: string | undefined
  /** What the master shows others of us (REPLCONF listening-port, ip-address); nothing unless told. */
  listeningPort?: number | undefined
  announcedIp?: string | undefined
  /** The snapshot is all we want (REPLCONF rdb-only, redis 6.2 and later): the master keeps no stream for us. */
  snapshotOnly?: boolean | undefined
  observer?: ReplicationObserver | undefined
  /** Ends the conversation, whatever is going on. */
  signal?: AbortSignal | undefined
}

export class ReplicaClient {
  /** As the master told; `?` where it spoke the older protocol. */
  replicationId = UNKNOWN_ID
  /** Where in the stream the snapshot stands; -1 where the master did not tell. */
  snapshotOffset = -1
  /** Of the last byte processed, and acknowledged; counted from 0 where nobody told. */
  offset = 0
  /** Of the last byte that is surely on disk, acknowledged as well where it is known (FACK, redis 7.2); -1 where it is not. */
  fsyncedOffset = -1
  /** REPLCONF ACKs sent. */
  acknowledgements = 0
  /** Of the stream so far. */
  commands = 0
  pings = 0
  /** Of the commands of the stream so far. */
  streamBytes = 0
  readonly #input: LineInput
  #framer: CommandFramer | undefined
  #beating: NodeJS.Timeout | undefined
  #online = false
  #received = false
  readonly #abort = (): void => this.close()

  private constructor(
    readonly connection: Connection,
    readonly address: ServerAddress,
    readonly options: ReplicaOptions,
  ) {
    const onNewline = (): void => this.#message({direction: 'received', kind: 'newline'})
    this.#input = new LineInput(connection, options.silenceMs ?? SILENCE_MS, onNewline)
    options.signal?.addEventListener('abort', this.#abort)
  }

  static async connect(address: ServerAddress, options: ReplicaOptions = {}): Promise<ReplicaClient> {
    const name = formatAddress(address)
    options.observer?.event?.({kind: 'connecting', address: name})
    const connection = await Connection.open(address, options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS)
    options.observer?.event?.({kind: 'connected', address: name})
    return new ReplicaClient(connection, address, options)
  }

  get name(): string {
    return this.connection.address
  }

  /** PING, AUTH and what we understand, one after another: pipelining gains nothing here and is not taken everywhere. */
  async handshake(): Promise<void> {
    const {listeningPort, announcedIp, snapshotOnly} = this.options
    await this.#ping()
    await this.#authenticate()
    if (listeningPort !== undefined) await this.#configure('listening-port', String(listeningPort))
    if (announcedIp !== undefined) await this.#configure('ip-address', announcedIp)
    await this.#configure('capa', 'eof', 'capa', 'psync2')
    await this.#configure('version', ANNOUNCED_VERSION)
    if (snapshotOnly === true) await this.#configure('rdb-only', '1')
  }

  /** Asks for everything, and waits until the master has it ready: what it announces then. */
  async psync(): Promise<PayloadHeader> {
    const header = await this.resume(undefined)
    if (header !== undefined) return header
    throw this.#unexpected('a full resync was asked for, and another one was offered', '')
  }

  /**
   * Asks for what follows a place of the stream. Undefined: the master goes on from there, in the history that
   * `replicationId` names now; else it must give us everything, and has announced it.
   */
  async resume(from: {replicationId: string; offset: number} | undefined): Promise<PayloadHeader | undefined> {
    const reply = await this.#askFrom(from)
    if (reply.kind === 'payload') return reply.header
    if (reply.kind === 'continue') {
      if (from === undefined) return undefined
      const {replicationId = from.replicationId} = reply
      this.offset = from.offset
      this.replicationId = replicationId
      this.#event({kind: 'partial-resync', replicationId, isNew: replicationId !== from.replicationId})
      return undefined
    }
    this.replicationId = reply.replicationId
    this.offset = this.snapshotOffset = reply.offset
    this.#event({kind: 'full-resync', replicationId: this.replicationId, offset: this.offset})
    const line = await this.#line('waiting')
    const header = parsePayloadHeader(line)
    if (header !== undefined) return header
    if (line.startsWith('-')) throw this.#snapshotFailed(line)
    throw this.#unexpected('the snapshot was announced in words we do not know', line)
  }

  /** Takes the payload at the speed of the wire. `along` may read it meanwhile, whenever nothing waits on the wire. */
  async receive(header: PayloadHeader, spool: Spool, along?: (source: ByteSource) => void): Promise<void> {
    const progress = {storedRead: 0, storedBytes: header.transfer === 'disk' ? header.bytes : Number.POSITIVE_INFINITY}
    this.#event({kind: 'receiving', header, progress})
    along?.(new SpoolSource(this.name, spool, progress.storedBytes, () => this.#time()))
    const started = performance.now()
    const framing = payloadFraming(header)
    const sink = (bytes: Uint8Array, start: number, end: number): void => spool.append(bytes, start, end)
    let ended = header.transfer === 'disk' && header.bytes === 0 ? 0 : -1
    while (ended < 0) {
      const piece = await this.#input.piece('transfer').catch(error => {
        throw withProgress(error, spool.bytes, progress.storedBytes)
      })
      ended = framing.push(piece, 0, piece.length, sink)
      progress.storedRead = spool.bytes
      if (ended >= 0) this.#input.unread(piece.subarray(ended))
      await spool.ready()
    }
    this.#message({direction: 'received', kind: 'payload', bytes: spool.bytes})
    this.#received = true
    await spool.finish()
    this.#event({kind: 'received', bytes: spool.bytes, seconds: (performance.now() - started) / 1000})
  }

  /** From here on a sign of life every second: newlines while we load, acknowledgements once `online` was called. */
  beat(): void {
    this.#beating ??= setInterval(() => (this.#online ? this.acknowledge() : this.#newline()), ACK_INTERVAL_MS)
  }

  /** The snapshot is loaded: the master that streamed it sends no command before it hears so. */
  online(): void {
    this.#online = true
    this.acknowledge()
    this.beat()
    this.#event({kind: 'online', offset: this.offset, stream: this})
  }

  acknowledge(): void {
    this.acknowledgements++
    const fsynced = this.fsyncedOffset < 0 ? [] : ['FACK', String(this.fsyncedOffset)]
    this.#send(['REPLCONF', 'ACK', String(this.offset), ...fsynced])
  }

  /**
   * Takes the command stream as long as `wanted` tells for how many milliseconds; 0 ends it. Everything is counted, and
   * GETACK answered at once.
   */
  async follow(wanted: () => number, onCommand: (command: ReplicatedCommand) => void = () => {}): Promise<void> {
    const framer = this.#framer ?? new CommandFramer(this.offset, this.name)
    this.#framer = framer
    await this.pieces(wanted, piece => {
      framer.push(piece, 0, piece.length, command => this.#process(command, onCommand))
    })
  }

  /** The same as it arrives, for who reads it otherwise: counts, and answers, nothing. */
  async pieces(wanted: () => number, take: (piece: Uint8Array) => Promise<void> | void): Promise<void> {
    const {silenceMs} = this.#input
    let heard = performance.now()
    for (let left = wanted(); left > 0; left = wanted()) {
      const quiet = performance.now() - heard
      // What is wanted may change while nothing comes.
      const within = Math.min(left, silenceMs - quiet, LOOK_UP_MS)
      const piece = within > 0 ? await this.#input.piece('stream', within) : undefined
      if (piece === undefined) {
        if (performance.now() - heard >= silenceMs) throw this.#input.silence('stream')
        continue
      }
      heard = performance.now()
      await take(piece)
    }
  }

  /** Whether the snapshot was told to be loaded. */
  get isOnline(): boolean {
    return this.#online
  }

  /**
   * What the snapshot itself says of its place in the stream, where the master did not: with SYNC, and with a PSYNC that is
   * renamed, which real masters then take for SYNC.
   */
  adopt(replicationId: string, offset: number): void {
    if (this.snapshotOffset >= 0) return
    this.replicationId = replicationId
    this.snapshotOffset = offset
    this.offset = offset + this.streamBytes
    if (this.#framer !== undefined) this.#framer.offset = this.offset
  }

  close(): void {
    clearInterval(this.#beating)
    this.options.signal?.removeEventListener('abort', this.#abort)
    this.connection.close()
  }

  /** When a window of the snapshot may be looked into: at any time once it is here, before that while the wire is quiet. */
  async #time(): Promise<void> {
    await eventLoopTurn()
    if (!this.#received) await this.connection.idle()
  }

  #process(command: ReplicatedCommand, onCommand: (command: ReplicatedCommand) => void): void {
    this.#message({direction: 'received', kind: 'command', command})
    // The answer does not count the question.
    if (isGetAck(command)) this.acknowledge()
    if (nameOfCommand(command) === 'PING') this.pings++
    this.commands++
    this.offset = command.offset
    this.streamBytes += command.bytes
    onCommand(command)
  }

  async #ping(): Promise<void> {
    const reply = await this.#ask(['PING'], 'handshake')
    if (reply.startsWith('+')) return this.#event({kind: 'pong'})
    const code = refusalCode(reply)
    const {password} = this.address
    // As replicas do: who is not known yet, or may not PING, may still be let in.
    const passable = (code === 'AUTH_REQUIRED' && password !== undefined) || code === 'NO_PERMISSION'
    if (!passable) throw this.#refused(reply, 'PING')
    this.#event({kind: 'option-refused', option: 'PING', reply: this.#masked(reply)})
  }

  async #authenticate(): Promise<void> {
    const {user, password} = this.address
    if (password === undefined) return
    const reply = await this.#ask(user === undefined ? ['AUTH', password] : ['AUTH', user, password], 'handshake')
    if (!reply.startsWith('-')) return
    const code = refusalCode(reply)
    const text = `${this.name} refused AUTH${user === undefined ? '' : ` of user ${JSON.stringify(user)}`}: ${this.#masked(reply.slice(1))}`
    throw new WireError(
      code === 'MASTER_NOT_READY' ? code : 'AUTH_FAILED',
      text,
      this.name,
      this.#context('handshake', reply),
    )
  }

  /** What a master does not know does no harm. */
  async #configure(...option: string[]): Promise<void> {
    const reply = await this.#ask(['REPLCONF', ...option], 'handshake')
    if (!reply.startsWith('-')) return
    if (refusalCode(reply) === 'AUTH_REQUIRED') throw this.#refused(reply, 'REPLCONF')
    this.#event({kind: 'option-refused', option: option[0]!, reply: this.#masked(reply)})
  }

  async #askFrom(
    from: {replicationId: string; offset: number} | undefined,
  ): Promise<Exclude<PsyncReply, {kind: 'error' | 'unexpected'}>> {
    this.#event(from === undefined ? {kind: 'no-partial-resync'} : {kind: 'asking-partial', ...from})
    const {psyncCommand} = this.options
    const command = psyncCommand ?? 'PSYNC'
    let asked = command
    // The first byte that is wanted.
    const place = from === undefined ? ['?', '-1'] : [from.replicationId, String(from.offset + 1)]
    let line = await this.#ask([command, ...place], 'waiting')
    // A renamed command may be SYNC, and the oldest servers know that alone; neither takes arguments.
    const older = wantsNoArguments(line)
      ? command
      : /^-ERR unknown command/i.test(line) && psyncCommand === undefined
        ? 'SYNC'
        : undefined
    if (older !== undefined) {
      this.#event({kind: 'older-form', command: older, reply: this.#masked(line)})
      asked = older
      line = await this.#ask([older], 'waiting')
    }
    const reply = parsePsyncReply(line)
    if (reply.kind === 'error') throw this.#refused(line, asked)
    if (reply.kind === 'unexpected') throw this.#unexpected(`${asked} was answered in words we do not know`, line)
    return reply
  }

  async #ask(args: readonly string[], stage: WireStage): Promise<string> {
    this.#send(args)
    return await this.#line(stage, args[0] === 'AUTH')
  }

  async #line(stage: WireStage, confidential = false): Promise<string> {
    const said = await this.#input.line(stage)
    const line = confidential ? withoutArguments(said) : said
    this.#message({direction: 'received', kind: 'line', text: this.#masked(line)})
    return line
  }

  #send(args: readonly string[]): void {
    this.connection.send(formatCommand(args))
    const shown = args[0] === 'AUTH' ? [...args.slice(0, -1), MASK] : args
    this.#message({direction: 'sent', kind: 'command', args: shown})
  }

  #newline(): void {
    this.connection.send(NEWLINE)
    this.#message({direction: 'sent', kind: 'newline'})
  }

  /** The password may be repeated wherever servers quote what they were told. */
  #masked(line: string): string {
    const {password} = this.address
    return password === undefined || password === '' ? line : line.replaceAll(password, MASK)
  }

  #refused(reply: string, command: string): WireError {
    const text = `${this.name} refused ${command}: ${this.#masked(reply.slice(1))}`
    return new WireError(refusalCode(reply), text, this.name, this.#context('handshake', reply))
  }

  #snapshotFailed(reply: string): WireError {
    const code = refusalCode(reply) === 'MASTER_NOT_READY' ? 'MASTER_NOT_READY' : 'SNAPSHOT_FAILED'
    const text = `${this.name} could not make its snapshot: ${this.#masked(reply.slice(1))}`
    return new WireError(code, text, this.name, this.#context('waiting', reply))
  }

  #unexpected(what: string, line: string): WireError {
    const said = line === '' ? '' : `: ${JSON.stringify(this.#masked(line).slice(0, 100))}`
    return new WireError('UNEXPECTED_REPLY', `${this.name}: ${what}${said}`, this.name, this.#context('waiting', line))
  }

  #context(stage: WireStage, reply: string): {stage: WireStage; reply: string; user: string | undefined} {
    return {stage, reply: this.#masked(reply), user: this.address.user}
  }

  #event(event: ReplicationEvent): void {
    this.options.observer?.event?.(event)
  }

  #message(message: WireMessage): void {
    this.options.observer?.message?.(message)
  }
}

/** How far it had come, in the words of what went wrong. */
function withProgress(error: unknown, bytes: number, announced: number): unknown {
  if (!(error instanceof WireError)) return error
  const of = Number.isFinite(announced) ? `${bytes} of ${announced} bytes` : `${bytes} bytes`
  return new WireError(error.code, `${error.message}: ${of} had arrived`, error.address, error.context, {cause: error})
}
