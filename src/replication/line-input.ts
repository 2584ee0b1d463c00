/**
 * What arrives from a master: lines as long as it talks, pieces once it streams. Bare newlines are signs of life and
 * never a line.
 */
import {WireError, type WireStage} from '../errors.js'
import {type Connection, isTlsFailure, SILENT} from '../resp/connection.js'
import {foreignServer} from '../resp/foreign.js'

/** No reply of a server is longer. */
const LINE_BYTES_MAX = 64 * 1024
const HEAD_BYTES = 64
const LF = 0x0a
const CR = 0x0d

const STAGE_WORDS: Readonly<Record<WireStage, string>> = {
  connecting: 'while connecting',
  handshake: 'in the handshake',
  waiting: 'while we waited for its snapshot',
  transfer: 'in the middle of the snapshot',
  stream: 'while it streamed commands',
  asking: 'when it was asked about itself',
  loading: 'while it was loaded',
}

export class LineInput {
  /** Bytes received, of whatever kind. */
  bytesHeard = 0
  /** The first bytes ever heard: they tell who is talking. */
  #head: Uint8Array = new Uint8Array(0)
  /** Arrived and not yet taken. */
  #left: Uint8Array = new Uint8Array(0)

  /** Silence for longer than `silenceMs` is an error; `onNewline` is told of bare newlines. */
  constructor(
    readonly connection: Connection,
    readonly silenceMs: number,
    readonly onNewline: () => void = () => {},
  ) {}

  /** The next line without its end. */
  async line(stage: WireStage): Promise<string> {
    for (;;) {
      const end = this.#left.indexOf(LF)
      if (end >= 0) {
        const line = this.#left.subarray(0, end > 0 && this.#left[end - 1] === CR ? end - 1 : end)
        this.#left = this.#left.subarray(end + 1)
        if (line.length > 0) return this.#checked(line)
        this.onNewline()
        continue
      }
      if (this.#left.length > LINE_BYTES_MAX) throw this.#foreign(this.#left)
      const piece = await this.#arrive(stage)
      this.#left = this.#left.length === 0 ? piece : Buffer.concat([this.#left, piece])
    }
  }

  /** Whatever came next; undefined where nothing came within `withinMs` (less than the silence that is an error). */
  async piece(stage: WireStage): Promise<Uint8Array>
  async piece(stage: WireStage, withinMs: number): Promise<Uint8Array | undefined>
  async piece(stage: WireStage, withinMs?: number): Promise<Uint8Array | undefined> {
    const left = this.#left
    if (left.length === 0) return await this.#arrive(stage, withinMs)
    this.#left = new Uint8Array(0)
    return left
  }

  /** Gives back the rest of a piece. */
  unread(rest: Uint8Array): void {
    this.#left = rest
  }

  async #arrive(stage: WireStage): Promise<Uint8Array>
  async #arrive(stage: WireStage, withinMs: number | undefined): Promise<Uint8Array | undefined>
  async #arrive(stage: WireStage, withinMs?: number): Promise<Uint8Array | undefined> {
    const piece = await this.connection.read(withinMs ?? this.silenceMs)
    if (piece === SILENT) {
      if (withinMs !== undefined) return undefined
      throw this.silence(stage)
    }
    if (piece === undefined) throw this.lost(stage)
    this.bytesHeard += piece.length
    if (this.#head.length < HEAD_BYTES) this.#head = Buffer.concat([this.#head, piece.subarray(0, HEAD_BYTES)])
    return piece
  }

  /** The line as text, or whoever it is that talks like this. */
  #checked(line: Uint8Array): string {
    const first = line[0]!
    if (first === 0x2b || first === 0x2d || first === 0x24) return Buffer.from(line).toString('utf8')
    throw this.#foreign(line)
  }

  #foreign(line: Uint8Array): WireError {
    const {address} = this.connection
    const foreign = foreignServer(address, this.#head, 'handshake')
    if (foreign !== undefined) return foreign
    const shown = JSON.stringify(Buffer.from(line.subarray(0, 40)).toString('latin1'))
    const text = `${address} does not talk like a Redis or Valkey server: it said ${shown}`
    return new WireError('NOT_A_SERVER', text, address, {stage: 'handshake'})
  }

  /** Nothing was heard for longer than is allowed. */
  silence(stage: WireStage): WireError {
    const {address} = this.connection
    const words = `${address} said nothing for ${this.silenceMs / 1000} s ${STAGE_WORDS[stage]}`
    return new WireError('SILENCE', words, address, {stage})
  }

  /** The other side is gone. */
  lost(stage: WireStage): WireError {
    const {address, failure} = this.connection
    const foreign = foreignServer(address, this.#head, 'handshake')
    if (foreign !== undefined) return foreign
    if (isTlsFailure(failure)) {
      const reason = (failure as NodeJS.ErrnoException).code
      const text = `${address} refused our TLS ${STAGE_WORDS[stage]}: ${failure?.message.replace(/^.*SSL routines:[^:]*:([^:]+).*$/s, '$1')}`
      return new WireError('TLS_FAILED', text, address, {stage, reason}, {cause: failure})
    }
    const how = failure === undefined ? 'closed the connection' : `broke the connection off (${failure.message})`
    const heard = this.bytesHeard === 0 ? ' without having said anything' : ''
    const text = `${address} ${how} ${STAGE_WORDS[stage]}${heard}`
    return new WireError(
      'CONNECTION_LOST',
      text,
      address,
      {stage, reason: this.bytesHeard === 0 ? 'MUTE' : undefined},
      {cause: failure},
    )
  }
}
