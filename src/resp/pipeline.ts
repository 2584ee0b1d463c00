/**
 * Commands sent to a server without waiting for the answer to the one before, within bounds:
 *
 *   writer ──► chunk ──► socket            a chunk stays as it is until all its commands were answered:
 *                │                         what was refused is still there, to be told or sent elsewhere
 *   places of its commands ◄── replies
 *
 * Where the connection breaks, what was not answered is still there as well, and goes again over another one. Whether the server
 * had done it, nobody knows.
 *
 * Nothing is made for a command but six numbers in a ring. In flight are at most so many bytes and commands as `drain` lets
 * be, and what is written between two of its calls.
 */

import {ByteWriter} from '../bytes/writer.js'
import {WireError} from '../errors.js'
import {type Connection, SILENT} from './connection.js'
import {bulkReplyBytes, isBulk, isRefusal, replyEnd} from './reply-scan.js'

/** A chunk is sent once it holds so much. */
const CHUNK_BYTES = 64 * 1024
const CHUNK_ROOM = 16 * 1024
const IN_FLIGHT_BYTES_MAX = 4 * 1024 * 1024
const IN_FLIGHT_COMMANDS_MAX = 64 * 1024
/** Of a command: start, end, key's start, key's end, database, kind. */
const NUMBERS = 6
const RING_AT_FIRST = 1024

/** The kind of a command where nobody tells another. */
export const PLAIN_COMMAND = 0

/** A command that was refused, lent during the call. */
export interface Refused {
  /** As it was given with the command. */
  readonly number: number
  readonly kind: number
  readonly db: number
  readonly bytes: Uint8Array
  /** The whole command, framed. */
  readonly start: number
  readonly end: number
  readonly keyStart: number
  readonly keyEnd: number
}

/** Told of every error reply, without its mark. */
export type OnRefused = (text: string, command: Refused, pipeline: Pipeline) => void

interface Chunk {
  readonly out: ByteWriter
  /** Commands in it that were not answered. */
  waiting: number
  sent: boolean
}

/** Told of every reply with bytes, which lie from `start` to `end` (`bytes` undefined: there is nothing). */
export type OnBulk = (bytes: Uint8Array | undefined, command: Refused, pipeline: Pipeline) => void

export interface PipelineOptions {
  onRefused: OnRefused
  onBulk?: OnBulk | undefined
  /** Another connection, with the database of `nextDb` selected, where one broke; throws what ends the conversation. Absent: any break does. */
  onLost?: ((error: unknown, pipeline: Pipeline) => Promise<Connection>) | undefined
  /** A command goes over another connection: the server may have done it already. */
  onAgain?: ((number: number, kind: number) => void) | undefined
  /** The longest silence while answers are due. */
  silenceMs: number
}

export class Pipeline {
  /** Commands answered, refused or not. */
  answered = 0
  /** What the next command is written into: between `begin` and `end`. */
  out: ByteWriter
  /** The database that the commands after the last SELECT are for. */
  db = 0
  #chunk: Chunk
  readonly #free: Chunk[] = []
  /** Commands in flight: numbers in a ring, and beside them what only a double holds, and the chunk. */
  #ring = new Int32Array(RING_AT_FIRST * NUMBERS)
  #numbers = new Float64Array(RING_AT_FIRST)
  #chunks: (Chunk | undefined)[] = new Array(RING_AT_FIRST)
  #head = 0
  #count = 0
  #inFlightBytes = 0
  #begun = 0
  #failure: unknown
  #closed = false
  readonly #waiters: (() => void)[] = []
  /** Of a reply that is not there whole: its pieces, and how many bytes there must be before it is worth a look. */
  #left: Uint8Array[] = []
  #leftBytes = 0
  #wantedBytes = 0

  constructor(
    public connection: Connection,
    readonly options: PipelineOptions,
  ) {
    this.#chunk = newChunk()
    this.out = this.#chunk.out
    void this.#listen()
  }

  get name(): string {
    return this.connection.address
  }

  /** Commands that were not answered yet. */
  get waiting(): number {
    return this.#count
  }

  /** The least number of a command that was not answered; Infinity where all were. Commands come from elsewhere, too: all are looked at. */
  get oldest(): number {
    let least = Number.POSITIVE_INFINITY
    for (let i = 0; i < this.#count; i++) least = Math.min(least, this.#numbers[this.#slot(i)]!)
    return least
  }

  /** Commands of these kinds and above that were not answered. */
  waitingFrom(kindMin: number): number {
    let count = 0
    for (let i = 0; i < this.#count; i++) if (this.#ring[this.#slot(i) * NUMBERS + 5]! >= kindMin) count++
    return count
  }

  /** The database that the next command over another connection is for. */
  get nextDb(): number {
    return this.#count === 0 ? this.db : this.#ring[this.#head * NUMBERS + 4]!
  }

  /** The oldest command that was not answered, lent. */
  get head(): Refused | undefined {
    return this.#count === 0 ? undefined : this.#commandAt(this.#head)
  }

  #slot(i: number): number {
    return (this.#head + i) % this.#numbers.length
  }

  /** A command comes next. */
  begin(): ByteWriter {
    if (this.out.length >= CHUNK_BYTES) this.flush()
    this.#begun = this.out.length
    return this.out
  }

  /** The command is complete; where its key lies in it, and what it is known by. */
  end(keyStart: number, keyEnd: number, db: number, number: number, kind: number = PLAIN_COMMAND): void {
    if (this.#count === this.#numbers.length) this.#grow()
    const slot = this.#slot(this.#count)
    const at = slot * NUMBERS
    const ring = this.#ring
    ring[at] = this.#begun
    ring[at + 1] = this.out.length
    ring[at + 2] = keyStart
    ring[at + 3] = keyEnd
    ring[at + 4] = db
    ring[at + 5] = kind
    this.#numbers[slot] = number
    this.#chunks[slot] = this.#chunk
    this.#chunk.waiting++
    this.#count++
    this.#inFlightBytes += this.out.length - this.#begun
  }

  /** Sends what has been written. */
  flush(): void {
    if (this.out.length === 0) return
    this.connection.send(this.out.view())
    this.#chunk.sent = true
    this.#release(this.#chunk)
    this.#chunk = this.#free.pop() ?? newChunk()
    this.out = this.#chunk.out
  }

  /** Waits until there is room for more; undefined where there is. Throws what ended the conversation. */
  drain(): Promise<void> | undefined {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return this.#isFull ? this.#waitWhile(() => this.#isFull) : undefined
  }

  /** Sends everything, and waits until all was answered. */
  async settled(): Promise<void> {
    this.flush()
    await this.#waitWhile(() => this.#count > 0)
  }

  close(): void {
    this.#closed = true
    this.connection.close()
  }

  get #isFull(): boolean {
    return this.#inFlightBytes > IN_FLIGHT_BYTES_MAX || this.#count > IN_FLIGHT_COMMANDS_MAX
  }

  async #waitWhile(condition: () => boolean): Promise<void> {
    while (condition()) {
      if (this.#failure !== undefined) throw this.#failure
      // What waits in the chunk would never be answered.
      this.flush()
      await new Promise<void>(resolve => this.#waiters.push(resolve))
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Takes answers as they come, over one connection after another, until nothing more comes. */
  async #listen(): Promise<void> {
    try {
      while (!this.#closed) {
        const error = await this.#answers().catch(error => error)
        if (this.#closed) return
        this.connection.close()
        if (this.options.onLost === undefined) throw error
        const next = await this.options.onLost(error, this)
        if (this.#closed) next.close()
        else this.#goOn(next)
      }
    } catch (error) {
      this.#failure = error
      this.#wake()
    }
  }

  /** Takes answers until the connection ends. */
  async #answers(): Promise<never> {
    for (;;) {
      const piece = await this.connection.read(this.options.silenceMs)
      if (piece === SILENT) {
        if (this.#count > 0 && this.#chunks[this.#head]!.sent) throw this.#silence()
      } else if (piece === undefined) throw this.#lost()
      else this.#take(piece)
      this.#wake()
    }
  }

  /** Sends what was sent and not answered once more. */
  #goOn(connection: Connection): void {
    this.connection = connection
    this.#left = []
    this.#leftBytes = 0
    this.#wantedBytes = 0
    let last: Chunk | undefined
    for (let i = 0; i < this.#count; i++) {
      const slot = this.#slot(i)
      const chunk = this.#chunks[slot]!
      if (!chunk.sent) break
      this.options.onAgain?.(this.#numbers[slot]!, this.#ring[slot * NUMBERS + 5]!)
      if (chunk !== last) connection.send(chunk.out.bytes.subarray(this.#ring[slot * NUMBERS]!, chunk.out.length))
      last = chunk
    }
    this.#wake()
  }

  #wake(): void {
    for (const resolve of this.#waiters.splice(0)) resolve()
  }

  #take(piece: Uint8Array): void {
    this.#left.push(piece)
    this.#leftBytes += piece.length
    if (this.#leftBytes < this.#wantedBytes) return
    const bytes = this.#left.length === 1 ? piece : Buffer.concat(this.#left)
    const end = bytes.length
    let at = 0
    while (at < end) {
      const next = isOk(bytes, at, end) ? at + OK_BYTES : this.#endOf(bytes, at, end)
      if (next < 0) break
      if (this.#count === 0) throw this.#foreign('answers what it was not asked')
      this.#tell(bytes, at, next)
      this.#answer()
      at = next
    }
    this.#left = at === end ? [] : [bytes.subarray(at)]
    this.#leftBytes = end - at
    this.#wantedBytes = bulkReplyBytes(bytes, at, end)
  }

  /** Most replies say nothing. */
  #tell(bytes: Uint8Array, at: number, next: number): void {
    const {onRefused, onBulk} = this.options
    if (isRefusal(bytes, at)) {
      const line = Buffer.from(bytes.buffer, bytes.byteOffset + at + 1, next - at - 1)
      onRefused(line.toString('utf8').trimEnd(), this.#commandAt(this.#head), this)
    } else if (onBulk !== undefined && isBulk(bytes, at)) {
      const start = bytes.indexOf(LF, at) + 1
      onBulk(start === next ? undefined : bytes.subarray(start, next - 2), this.#commandAt(this.#head), this)
    }
  }

  #endOf(bytes: Uint8Array, at: number, end: number): number {
    try {
      return replyEnd(bytes, at, end)
    } catch (error) {
      throw this.#foreign(`does not talk like a Redis or Valkey server: ${(error as Error).message}`)
    }
  }

  #commandAt(slot: number): Refused {
    const ring = this.#ring.subarray(slot * NUMBERS, (slot + 1) * NUMBERS)
    const [start, end, keyStart, keyEnd, db, kind] = ring as unknown as [number, number, number, number, number, number]
    const {bytes} = this.#chunks[slot]!.out
    return {number: this.#numbers[slot]!, kind, db, bytes, start, end, keyStart, keyEnd}
  }

  /** The oldest command has its answer. */
  #answer(): void {
    const slot = this.#head
    const chunk = this.#chunks[slot]!
    this.#inFlightBytes -= this.#ring[slot * NUMBERS + 1]! - this.#ring[slot * NUMBERS]!
    this.#chunks[slot] = undefined
    this.#head = (slot + 1) % this.#numbers.length
    this.#count--
    this.answered++
    chunk.waiting--
    this.#release(chunk)
  }

  /** A chunk whose commands were all answered has been sent whole. */
  #release(chunk: Chunk): void {
    if (!chunk.sent || chunk.waiting > 0) return
    // What a large value has taken is given back.
    if (chunk.out.bytes.length > CHUNK_BYTES + CHUNK_ROOM || this.#free.length >= CHUNKS_KEPT) return
    chunk.sent = false
    chunk.out.reset()
    this.#free.push(chunk)
  }

  #grow(): void {
    const capacity = this.#numbers.length
    const [ring, numbers] = [new Int32Array(2 * capacity * NUMBERS), new Float64Array(2 * capacity)]
    const chunks: (Chunk | undefined)[] = new Array(2 * capacity)
    for (let i = 0; i < this.#count; i++) {
      const slot = this.#slot(i)
      ring.set(this.#ring.subarray(slot * NUMBERS, (slot + 1) * NUMBERS), i * NUMBERS)
      numbers[i] = this.#numbers[slot]!
      chunks[i] = this.#chunks[slot]
    }
    this.#ring = ring
    this.#numbers = numbers
    this.#chunks = chunks
    this.#head = 0
  }

  #silence(): WireError {
    const text = `${this.name} did not answer for ${this.options.silenceMs / 1000} s`
    return new WireError('SILENCE', text, this.name, {stage: 'loading'})
  }

  #lost(): WireError {
    const {failure} = this.connection
    const how = failure === undefined ? 'closed the connection' : `broke the connection off (${failure.message})`
    return new WireError(
      'CONNECTION_LOST',
      `${this.name} ${how} while it was loaded`,
      this.name,
      {stage: 'loading'},
      {cause: failure},
    )
  }

  #foreign(what: string): WireError {
    return new WireError('NOT_A_SERVER', `${this.name} ${what}`, this.name, {stage: 'loading'})
  }
}

const CHUNKS_KEPT = 2 * (IN_FLIGHT_BYTES_MAX / CHUNK_BYTES)
const LF = 0x0a
/** `+OK\r\n`, which nearly all answers are. */
const OK_BYTES = 5

function isOk(bytes: Uint8Array, at: number, end: number): boolean {
  return at + OK_BYTES <= end && bytes[at] === 0x2b && bytes[at + 1] === 0x4f && bytes[at + 4] === 0x0a
}

function newChunk(): Chunk {
  return {out: new ByteWriter(CHUNK_BYTES + CHUNK_ROOM), waiting: 0, sent: false}
}
