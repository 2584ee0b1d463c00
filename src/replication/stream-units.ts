/**
 * The command stream as a log keeps it: whole units, byte for byte as the master sent them, but for
 *
 *   PING, REPLCONF, PUBLISH, SPUBLISH      counted in the offset, not kept
 *   expiries that count from now           as moments (absolute-expiry)
 *
 * A unit is a command, or all of MULTI to EXEC. Pieces are taken as they arrive; a command that is not whole waits in the
 * window for the rest of it.
 */
import {ByteCursor, STARVED} from '../bytes/cursor.js'
import {ByteWriter} from '../bytes/writer.js'
import {FormatError, LimitError, WireError} from '../errors.js'
import {CommandReader} from '../resp/command-reader.js'
import {databaseOf, isWord, wordOf} from '../resp/word.js'
import {type FramedCommand, putAbsolute} from './absolute-expiry.js'

const LF = 0x0a
/** A command is held whole, whatever it takes; places in it are signed numbers of 32 bits. */
const COMMAND_BYTES_MAX = 2 ** 31 - 2 ** 20
/** Room for what is left of a window before the next. */
const HEADROOM_BYTES = 64 * 1024
const WINDOW_BYTES = 1024 * 1024
/** Of a buffer that a large unit made grow, what is not given back. */
const KEPT_BYTES_MAX = 4 * 1024 * 1024

const GETACK = wordOf('getack')
const SELECT = 1
const MULTI = 2
const EXEC = 3
const SCRIPT = 4
/** From here on commands are counted, and not kept. */
const UNKEPT = 5
const PING = 6
const REPLCONF = 7
/** Commands that are no command like any other. */
const SPECIAL = (
  [
    ['select', SELECT],
    ['multi', MULTI],
    ['exec', EXEC],
    ['eval', SCRIPT],
    ['evalsha', SCRIPT],
    ['publish', UNKEPT],
    ['spublish', UNKEPT],
    ['ping', PING],
    ['replconf', REPLCONF],
  ] as const
).map(([name, kind]) => ({word: wordOf(name), kind}))

function kindOf(bytes: Uint8Array, start: number, end: number): number {
  for (const {word, kind} of SPECIAL) if (isWord(bytes, start, end, word)) return kind
  return 0
}

/** What `advance` came to. */
export type Met =
  /** All that has arrived has been looked at. */
  | 'end'
  /** The master wants to know at once how far we are: before this question, which counts from now on. */
  | 'getack'

export class StreamUnits {
  /** Of the stream: behind the last whole unit, or command that is not kept. */
  offset: number
  /** The database that the stream has selected there. */
  db: number
  /** Commands so far, and PINGs among them. */
  commands = 0
  pings = 0
  /** Scripts, which say themselves what they do, and when keys expire: no writer of a log can make that absolute. */
  scripts = 0
  /** Whole units and what has arrived of the next: bytes[0, whole) are to be kept. */
  readonly #kept = new ByteWriter(WINDOW_BYTES)
  #whole = 0
  readonly #cursor = new ByteCursor(Number.POSITIVE_INFINITY, false, COMMAND_BYTES_MAX)
  readonly #reader = new CommandReader(this.#cursor)
  readonly #command: FramedCommand = {bytes: new Uint8Array(0), argc: 0, bounds: new Int32Array(0)}
  /** Two, since what is left of one is copied into the other. */
  readonly #windows = [new Uint8Array(HEADROOM_BYTES + WINDOW_BYTES), new Uint8Array(HEADROOM_BYTES + WINDOW_BYTES)]
  /** The offset of the stream, less that of the cursor: newlines between commands do not count. */
  #shift: number
  #inTransaction = false
  /** The database of commands to come: within a transaction it may have changed. */
  #selected: number
  /** A question that has been told, and does not count yet. */
  #asked = false

  /** `offset` is that of the last byte before the stream, in which `db` was selected. */
  constructor(
    offset: number,
    db: number,
    readonly address: string,
  ) {
    this.offset = this.#shift = offset
    this.db = this.#selected = db
  }

  /** Whole units that nobody took: bytes[0, wholeBytes). Lent until `advance`. */
  get bytes(): Uint8Array {
    return this.#kept.bytes
  }

  get wholeBytes(): number {
    return this.#whole
  }

  /** With what has arrived of a transaction that has not ended. */
  get length(): number {
    return this.#kept.length
  }

  /** bytes[0, end) were kept: the whole units, or all. */
  taken(end: number): void {
    const {length, bytes} = this.#kept
    if (length > end) bytes.copyWithin(0, end, length)
    else if (bytes.length > KEPT_BYTES_MAX) this.#kept.bytes = new Uint8Array(WINDOW_BYTES)
    this.#kept.length = length - end
    this.#whole = Math.max(this.#whole - end, 0)
  }

  /** Takes what arrived; `advance` then, until it has come to the end. */
  push(piece: Uint8Array): void {
    const cursor = this.#cursor
    cursor.rewind()
    if (piece.length > WINDOW_BYTES) {
      cursor.refill(piece, 0, piece.length)
      return
    }
    const window = this.#windows[0]!
    this.#windows.reverse()
    window.set(piece, HEADROOM_BYTES)
    cursor.refill(window, HEADROOM_BYTES, HEADROOM_BYTES + piece.length, 0)
  }

  /**
   * Goes through what has arrived, at a moment in milliseconds since 1970. Throws WireError where the stream is broken;
   * `offset` and what is whole stand.
   */
  advance(nowMs: number): Met {
    const cursor = this.#cursor
    if (this.#asked && !this.#inTransaction) this.#unitEnds()
    this.#asked = false
    try {
      for (;;) {
        this.#passNewlines()
        if (!this.#reader.next()) return 'end'
        const met = this.#process(nowMs)
        cursor.commit()
        if (met !== undefined) return met
      }
    } catch (error) {
      if (error === STARVED) return 'end'
      cursor.rewind()
      throw this.#broken(error)
    }
  }

  #passNewlines(): void {
    const cursor = this.#cursor
    while (cursor.pos < cursor.end && cursor.bytes[cursor.pos] === LF) {
      cursor.pos++
      cursor.commit()
      this.#shift--
    }
  }

  #process(nowMs: number): Met | undefined {
    const {bytes} = this.#cursor
    const {bounds, argc} = this.#reader
    const [start, end] = [bounds[0]!, bounds[1]!]
    this.commands++
    const kind = kindOf(bytes, start, end)
    if (kind < UNKEPT) this.#keep(nowMs)
    if (kind === PING) this.pings++
    else if (kind === SCRIPT) this.scripts++
    else if (kind === SELECT && argc === 2) {
      this.#selected = databaseOf(bytes, bounds[2]!, bounds[3]!) ?? this.#selected
    } else if (kind === MULTI && argc === 1) this.#inTransaction = true
    else if (kind === EXEC && argc === 1) this.#inTransaction = false
    this.#asked = kind === REPLCONF && argc >= 2 && isWord(bytes, bounds[2]!, bounds[3]!, GETACK)
    if (this.#asked) return 'getack'
    if (!this.#inTransaction) this.#unitEnds()
    return undefined
  }

  #unitEnds(): void {
    this.offset = this.#cursor.offset + this.#shift
    this.db = this.#selected
    this.#whole = this.#kept.length
  }

  #keep(nowMs: number): void {
    const {cursor, bounds, argc, offset} = this.#reader
    const {bytes} = cursor
    const command = this.#command
    command.bytes = bytes
    command.argc = argc
    command.bounds = bounds
    if (!putAbsolute(command, nowMs, this.#kept)) this.#kept.copy(bytes, offset - cursor.base, cursor.pos)
  }

  #broken(error: unknown): unknown {
    if (!(error instanceof FormatError || error instanceof LimitError)) return error
    const at = error.offset + this.#shift
    const text = `the command stream is broken at offset ${at}: ${error.message}`
    return new WireError('UNEXPECTED_REPLY', text, this.address, {stage: 'stream'}, {cause: error})
  }
}
