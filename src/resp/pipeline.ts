/**
 * Commands sent to a server without waiting for the answer to the one before, within bounds:
 *
 *   writer ──► chunk ──► socket            a chunk stays as it is until all its commands were answered:
 *                │                         what was refused is still there, to be told or sent elsewhere
 *   places of its commands ◄── replies
 *
 * Nothing is made for a command but six numbers in a ring. In flight are at most so many bytes and commands as `drain` lets
 * be, and what is written between two of its calls.
 */

import {ByteWriter} from '../bytes/writer.js'
import {WireError} from '../errors.js'
import {type Connection, SILENT} from './connection.js'
import {isRefusal, replyEnd} from './reply-scan.js'

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

export interface PipelineOptions {
  onRefused: OnRefused
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
  #left: Uint8Array = new Uint8Array(0)

  constructor(
    readonly connection: Connection,
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

  /** The number of the oldest command that was not answered; Infinity where all were. */
  get oldest(): number {
    return this.#count === 0 ? Number.POSITIVE_INFINITY : this.#numbers[this.#head]!
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
    const capacity = this.#numbers.length
    const slot = (this.#head + this.#count) % capacity
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

  /** Takes answers as they come, until the connection ends. */
  async #listen(): Promise<void> {
    try {
      for (;;) {
        const piece = await this.connection.read(this.options.silenceMs)
        if (this.#closed) return
        if (piece === SILENT) {
          if (this.#count > 0 && this.#chunks[this.#head]!.sent) throw this.#silence()
        } else if (piece === undefined) throw this.#lost()
        else this.#take(piece)
        this.#wake()
      }
    } catch (error) {
      this.#failure = error
      this.connection.close()
      this.#wake()
    }
  }

  #wake(): void {
    for (const resolve of this.#waiters.splice(0)) resolve()
  }

  #take(piece: Uint8Array): void {
    const bytes = this.#left.length === 0 ? piece : Buffer.concat([this.#left, piece])
    const end = bytes.length
    let at = 0
    while (at < end) {
      const next = isOk(bytes, at, end) ? at + OK_BYTES : this.#endOf(bytes, at, end)
      if (next < 0) break
      if (this.#count === 0) throw this.#foreign('answers what it was not asked')
      if (isRefusal(bytes, at)) this.#refused(Buffer.from(bytes.buffer, bytes.byteOffset + at + 1, next - at - 1))
      this.#answer()
      at = next
    }
    this.#left = bytes.subarray(at)
  }

  #endOf(bytes: Uint8Array, at: number, end: number): number {
    try {
      return replyEnd(bytes, at, end)
    } catch (error) {
      throw this.#foreign(`does not talk like a Redis or Valkey server: ${(error as Error).message}`)
    }
  }

  #refused(line: Buffer): void {
    const slot = this.#head
    const ring = this.#ring.subarray(slot * NUMBERS, (slot + 1) * NUMBERS)
    const [start, end, keyStart, keyEnd, db, kind] = ring as unknown as [number, number, number, number, number, number]
    const {bytes} = this.#chunks[slot]!.out
    const command = {number: this.#numbers[slot]!, kind, db, bytes, start, end, keyStart, keyEnd}
    this.options.onRefused(line.toString('utf8').trimEnd(), command, this)
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
      const slot = (this.#head + i) % capacity
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
/** `+OK\r\n`, which nearly all answers are. */
const OK_BYTES = 5

function isOk(bytes: Uint8Array, at: number, end: number): boolean {
  return at + OK_BYTES <= end && bytes[at] === 0x2b && bytes[at + 1] === 0x4f && bytes[at + 4] === 0x0a
}

function newChunk(): Chunk {
  return {out: new ByteWriter(CHUNK_BYTES + CHUNK_ROOM), waiting: 0, sent: false}
}
