/**
 * Reads one file of a log: a snapshot, where it begins with one, then commands
 * with lines between them that say when.
 *
 *   [RDB file, up to its checksum]  (command | # ... LF)*
 *
 * Since an RDB file does not say how long it is, the log begins where its
 * reader ends. Offsets count from the beginning of the file.
 */
import {ByteCursor, STARVED} from '../bytes/cursor.js'
import type {ByteSource} from '../bytes/source.js'
import {FormatError, UsageError} from '../errors.js'
import {nextWindow} from '../keyspace/next-window.js'
import {type EntryVisitor, type Problem, SKIP} from '../keyspace/visitor.js'
import {type RdbEnd, RdbReader} from '../rdb/reader.js'
import {hasMagic, type RdbHeader} from '../rdb/versions.js'
import {CommandReader} from '../resp/command-reader.js'
import {isWord, wordOf} from '../resp/word.js'

/** A command where it lies in the log. Lent. */
export interface LogCommand {
  bytes: Uint8Array
  /** Arguments, the name included. */
  argc: number
  /** Start and end of each argument in `bytes`. */
  bounds: Int32Array
  /** Where it begins in its file. */
  offset: number
  /** Where it ends. */
  endOffset: number
}

/** Shown everything in a log, in its order. Only `command` is required. */
export interface LogVisitor {
  command(command: LogCommand): void
  /** Runs what it can of commands by itself: those are not shown. */
  runner?: CommandRunner | undefined
  /** `#TS:<seconds>`: what follows was written in this second (aof-timestamp-enabled, redis 7.0). */
  timestamp?(unixSeconds: number, offset: number): void
  /** Any other line that begins with #, lent with its end. */
  annotation?(bytes: Uint8Array, start: number, end: number, offset: number): void
  /** The file begins with a snapshot: who is shown it; absent, it is passed over, and read all the same. */
  preamble?(reader: RdbReader): EntryVisitor | Promise<EntryVisitor>
  /** Framing that servers take and redis-check-aof does not, each kind once; what the snapshot's reader met. */
  problem?(problem: Problem): void
  /** Such framing, wherever it stands: in the command that is shown next, if it is whole. */
  loose?(offset: number): void
  /** Awaited where the visitor threw PAUSE. */
  goOn?(): Promise<void>
  /** Awaited between windows: a place for back pressure. */
  drain?(): Promise<void> | undefined
}

/** Thrown by a visitor that has seen enough: what it was shown last counts as not read, and nothing behind it is. */
export const STOP = new Error('the reading of a log was ended by who reads it')

/** Thrown by a visitor at a command of which it has taken nothing: `goOn` is awaited, and it is shown once more. */
export const PAUSE = new Error('the reading of a log was halted by who reads it')

/** Takes commands out of a window many at a time. */
export interface CommandRunner {
  /** Commands are about to be read from a window. Lent until the next. */
  begin(bytes: Uint8Array, start: number, end: number): void
  /** Takes whole commands from a place on, and returns where the one begins that it leaves. Outside of transactions. */
  run(at: number): number
  /** How many the last run took. */
  readonly commands: number
  /** The last run has taken the beginning of a transaction, whose end lies in the window. */
  readonly inTransaction: boolean
}

/** Why the end of a file is not one that a server leaves. */
export type TornBy = 'command' | 'transaction' | 'annotation'

/** The same in words. */
export const TORN_WORDS: Readonly<Record<TornBy, string>> = {
  command: 'the log ends within a command',
  transaction: 'the log ends within a transaction',
  annotation: 'the log ends within a line that begins with #',
}

export interface LogEnd {
  /** The snapshot that it begins with. */
  preamble: (RdbEnd & {header: RdbHeader}) | undefined
  /** Whole commands, those of an unfinished transaction too. */
  commands: number
  /** Of the file, as far as it was read. */
  bytes: number
  /** Behind the last whole command that is in no unfinished transaction, or line; never within the snapshot. */
  goodOffset: number
  /** What is not whole at the end; of a reading that was stopped nobody knows. */
  torn: TornBy | undefined
  /** The reading was ended, by the visitor (STOP) or by `endOffset`. */
  stopped: boolean
  firstTimestamp: number | undefined
  lastTimestamp: number | undefined
}

export interface LogReaderOptions {
  /** Go on where the snapshot's checksum is wrong; a problem says so. */
  ignoreChecksum?: boolean | undefined
  /** Read nothing that begins here or behind it: as if the visitor had stopped. */
  endOffset?: number | undefined
}

/** A command is taken whole, whatever it takes; places in it are signed numbers of 32 bits. */
const COMMAND_BYTES_MAX = 2 ** 31 - 2 ** 20

const STAMP = Buffer.from('#TS:')
const MULTI = wordOf('multi')
const EXEC = wordOf('exec')

export class LogReader {
  readonly #cursor: ByteCursor
  readonly #commands: CommandReader
  readonly #command: LogCommand = {
    bytes: new Uint8Array(0),
    argc: 0,
    bounds: new Int32Array(0),
    offset: 0,
    endOffset: 0,
  }
  readonly #end: LogEnd = {
    ...{preamble: undefined, commands: 0, bytes: 0, goodOffset: 0, torn: undefined},
    ...{stopped: false, firstTimestamp: undefined, lastTimestamp: undefined},
  }
  readonly #endOffset: number
  #visitor: LogVisitor | undefined
  #inTransaction = false
  /** Before the last command that has no arguments. */
  #wasInTransaction = false
  readonly #loose = new Set<string>()
  #snapshot: RdbReader | undefined

  constructor(
    readonly source: ByteSource,
    readonly options: LogReaderOptions = {},
  ) {
    this.#cursor = new ByteCursor(source.inputBytes, false, COMMAND_BYTES_MAX)
    this.#commands = new CommandReader(this.#cursor)
    this.#endOffset = options.endOffset ?? Number.POSITIVE_INFINITY
  }

  /** Absolute position in the (unpacked) file, in bytes. */
  get offset(): number {
    return this.#cursor.end === 0 ? (this.#snapshot?.offset ?? 0) : this.#cursor.offset
  }

  /** A transaction has begun that is not complete: at a command, with it. */
  get inTransaction(): boolean {
    return this.#inTransaction
  }

  /**
   * Shows the visitor the file, once. A file that ends within a command, a line or a transaction is told by `torn`; what is
   * damaged otherwise throws FormatError, and what lies before it has been shown: `sofar` tells how far that was. What the
   * visitor throws passes through, but for STOP.
   */
  async run(visitor: LogVisitor): Promise<LogEnd> {
    if (this.#visitor !== undefined) throw new UsageError('a reader reads its source once: open another')
    this.#visitor = visitor
    this.#listen(visitor)
    if (await this.#beginsWithSnapshot()) await this.#readSnapshot(visitor)
    else this.#cursor.commit()
    for (;;) {
      try {
        this.#readAll(visitor)
        break
      } catch (error) {
        if (error === STOP) return this.#stopped()
        if (error === PAUSE) {
          await this.#halt(visitor)
          continue
        }
        if (error !== STARVED) {
          if (!this.#isTorn(error)) throw error
          break
        }
      }
      await nextWindow(this.#cursor, this.source, visitor)
    }
    await this.source.readRest?.()
    return this.#finish()
  }

  /** What is known so far, where damage ended the reading. */
  get sofar(): Readonly<LogEnd> {
    return this.#end
  }

  async #beginsWithSnapshot(): Promise<boolean> {
    const cursor = this.#cursor
    for (;;) {
      const begins = hasMagic(cursor.bytes, cursor.pos, cursor.end)
      if (begins !== undefined) return begins
      if (cursor.ended) return false
      await nextWindow(cursor, this.source, {})
    }
  }

  async #readSnapshot(visitor: LogVisitor): Promise<void> {
    const cursor = this.#cursor
    const reader = new RdbReader(new Resumed(this.source, cursor), {...this.options, log: true})
    this.#snapshot = reader
    const inner = (await visitor.preamble?.(reader)) ?? {entry: () => SKIP}
    const end = await reader.run(inner)
    this.#end.preamble = {...end, header: reader.header!}
    this.#end.goodOffset = end.bytes
    const {rest} = reader
    cursor.continueAt(end.bytes, rest.bytes, rest.start, rest.end)
  }

  #listen(visitor: LogVisitor): void {
    this.#commands.onLoose = (offset, text) => {
      visitor.loose?.(offset)
      if (this.#loose.has(text)) return
      this.#loose.add(text)
      visitor.problem?.({code: 'LOOSE_FRAMING', severity: 'warning', offset, text: `${text}; servers read on`})
    }
    this.#commands.onAnnotation = (bytes, start, end, offset) => {
      const seconds = timestampOf(bytes, start, end)
      if (seconds === undefined) visitor.annotation?.(bytes, start, end, offset)
      else {
        visitor.timestamp?.(seconds, offset)
        this.#end.firstTimestamp ??= seconds
        this.#end.lastTimestamp = seconds
      }
      if (!this.#inTransaction) this.#end.goodOffset = this.#cursor.offset
      if (this.#cursor.offset >= this.#endOffset) throw STOP
    }
  }

  #readAll(visitor: LogVisitor): void {
    const cursor = this.#cursor
    const commands = this.#commands
    const command = this.#command
    const {runner} = visitor
    // What is not wanted is no more there for a runner than what has not arrived.
    runner?.begin(cursor.bytes, cursor.pos, Math.max(cursor.pos, Math.min(cursor.end, this.#endOffset - cursor.base)))
    for (;;) {
      if (cursor.base + cursor.pos >= this.#endOffset) throw STOP
      if (runner !== undefined && !this.#inTransaction) this.#takeSome(runner)
      if (!commands.next()) return
      command.bytes = cursor.bytes
      command.argc = commands.argc
      command.bounds = commands.bounds
      command.offset = commands.offset
      command.endOffset = cursor.base + cursor.pos
      if (commands.argc === 1) this.#watch(command)
      visitor.command(command)
      this.#end.commands++
      if (!this.#inTransaction) this.#end.goodOffset = command.endOffset
      cursor.commit()
    }
  }

  #takeSome(runner: CommandRunner): void {
    const cursor = this.#cursor
    const end = this.#end
    cursor.pos = runner.run(cursor.pos)
    end.commands += runner.commands
    this.#inTransaction = runner.inTransaction
    cursor.commit()
    if (!this.#inTransaction && runner.commands > 0) end.goodOffset = cursor.offset
  }

  /** MULTI and EXEC have no arguments. DISCARD ends nothing: servers that load a log queue it (redis 6.0 to 8.0, valkey 9.1). */
  #watch({bytes, bounds}: LogCommand): void {
    this.#wasInTransaction = this.#inTransaction
    const [start, end] = [bounds[0]!, bounds[1]!]
    if (this.#inTransaction) this.#inTransaction = !isWord(bytes, start, end, EXEC)
    else this.#inTransaction = isWord(bytes, start, end, MULTI)
  }

  async #halt(visitor: LogVisitor): Promise<void> {
    this.#cursor.rewind()
    if (this.#command.argc === 1) this.#inTransaction = this.#wasInTransaction
    await visitor.goOn!()
  }

  /** The file ends within something, which is no damage but what a crash leaves. */
  #isTorn(error: unknown): boolean {
    if (!(error instanceof FormatError) || error.code !== 'TRUNCATED') return false
    this.#cursor.rewind()
    this.#end.torn = this.#cursor.bytes[this.#cursor.pos] === STAMP[0] ? 'annotation' : 'command'
    return true
  }

  #stopped(): LogEnd {
    this.#inTransaction = false
    this.#end.stopped = true
    return this.#finish()
  }

  #finish(): LogEnd {
    const end = this.#end
    if (this.#inTransaction) end.torn = end.torn === 'command' ? 'command' : 'transaction'
    // What is torn may be known to be so before all of it has been read.
    end.bytes = Number.isFinite(this.source.inputBytes) ? this.source.inputBytes : this.#cursor.base + this.#cursor.end
    return end
  }
}

function timestampOf(bytes: Uint8Array, start: number, end: number): number | undefined {
  for (let i = 0; i < STAMP.length; i++) if (bytes[start + i] !== STAMP[i]) return undefined
  const text = Buffer.from(bytes.subarray(start + STAMP.length, Math.min(end, start + 32))).toString('latin1')
  const seconds = /^\d{1,12}(?=\r?\n$)/.exec(text)?.[0]
  return seconds === undefined ? undefined : Number(seconds)
}

/** A source of which a cursor has read the beginning: that comes once more. */
class Resumed implements ByteSource {
  readonly name: string
  readonly inputBytes: number
  #begun = false

  constructor(
    readonly source: ByteSource,
    readonly cursor: ByteCursor,
  ) {
    this.name = source.name
    this.inputBytes = source.inputBytes
  }

  get storedRead(): number {
    return this.source.storedRead
  }

  get storedBytes(): number {
    return this.source.storedBytes
  }

  async read(): ReturnType<ByteSource['read']> {
    if (this.#begun) return await this.source.read()
    this.#begun = true
    const {bytes, pos, end} = this.cursor
    return end > pos ? {bytes, room: pos, start: pos, end} : await this.source.read()
  }

  async close(): Promise<void> {}
}
