/**
 * Looks through one file of a log for what can be kept of it: all whole commands
 * up to where something is wrong, and those that are found again behind it.
 */

import {isUtf8} from 'node:buffer'
import {type FileHandle, open} from 'node:fs/promises'
import {FileSource} from '../bytes/source.js'
import {FormatError, LimitError} from '../errors.js'
import {SKIP} from '../keyspace/visitor.js'
import {databaseOf, isWord, wordOf} from '../resp/word.js'
import {CommandSearch, type Judge} from './command-search.js'
import {type LogCommand, LogReader, type LogVisitor} from './log-reader.js'
import {KeptPieces, type LogLoss, type LossReason, type Piece} from './salvage-pieces.js'
import {hasPlainName, UnknownNames} from './unknown-names.js'

export interface LogSurvey {
  /** Of the file. */
  bytes: number
  /** Of the snapshot that it begins with; 0: it begins with none. */
  snapshotBytes: number
  /** Of that snapshot, which is kept all the same. */
  checksumWrong: boolean
  /** What may be kept, in its order: a snapshot, commands, lines. */
  pieces: readonly Piece[]
  /** What may not, by offset. */
  lost: LogLoss[]
  /** Where the first gap begins; Infinity where there is none. */
  damagedAt: number
  /** Commands that are whole, and that no server we know has: kept, since a module or another name may be behind them. */
  unknownCommands: number
  /** Of the first of them. */
  unknownOffset: number | undefined
  /** The database that commands behind damage are taken to be for, since the log names no other one. */
  databaseAssumed: number | undefined
}

export interface SurveyOptions {
  /** Tells what no server reads over. */
  judge: Judge
  /** Databases that the log has named in its files before; what this one names is added. */
  databases: Set<number>
  ignoreChecksum?: boolean | undefined
  /** Told how far the reading is, in bytes of the file. */
  onRead?: ((bytes: number) => void) | undefined
}

/** Behind so many gaps the rest counts as damage: what is held of them takes memory. */
const GAPS_MAX = 1000
const STAMP = Buffer.from('#TS:')
const SELECT = 'select'
const MULTI = 'multi'
const EXEC = 'exec'
const DISCARD = 'discard'

/**
 * Surveys the first `bytes` of a file: once more where names are in it that no server knows, that are there a few times only,
 * and differ from a known one in a single byte. They are damaged. Throws FormatError and UnsupportedError where it begins with a snapshot that cannot be
 * read to its end.
 */
export async function surveyLog(path: string, bytes: number, options: SurveyOptions): Promise<LogSurvey> {
  const file = await open(path, 'r')
  try {
    const databases = new Set(options.databases)
    const names = new UnknownNames(options.judge)
    const survey = await new Surveying(path, file, bytes, {...options, databases}, names).run()
    if (!names.someAreDamaged()) {
      for (const db of databases) options.databases.add(db)
      return survey
    }
    return await new Surveying(path, file, bytes, options, names).run()
  } finally {
    await file.close()
  }
}

class Surveying {
  readonly #pieces: KeptPieces
  readonly #search: CommandSearch
  /** Where that which is being read begins; the reader counts from there. */
  #base = 0
  /** Behind the last thing that was whole. */
  #whole = 0
  /** The command or line that was shown last: it is not kept where what follows shows that it is damaged. */
  #start = -1
  #end = -1
  #kind: 'other' | 'line' | typeof MULTI | typeof EXEC | typeof SELECT = 'other'
  #db = 0
  #isDoubtful = false
  /** Where framing was met last that servers read over. */
  #loose = -1
  #inTransaction = false
  #snapshotBytes = 0
  #checksumWrong = false
  #inSnapshot = false
  #unknown = 0
  #unknownOffset: number | undefined
  /** What ended the reading last is a command with a damaged name. */
  #isNameDamaged = false

  constructor(
    readonly path: string,
    readonly file: FileHandle,
    readonly bytes: number,
    readonly options: SurveyOptions,
    readonly names: UnknownNames,
  ) {
    this.#pieces = new KeptPieces(options.databases)
    this.#search = new CommandSearch(file.fd, bytes, options.judge)
  }

  async run(): Promise<LogSurvey> {
    let damagedAt = Number.POSITIVE_INFINITY
    for (let gaps = 1; ; gaps++) {
      const torn = await this.#read()
      if (this.#whole >= this.bytes) break
      damagedAt = Math.min(damagedAt, this.#whole)
      const next = gaps < GAPS_MAX ? await this.#search.next(this.#whole + 1) : -1
      const end = next < 0 ? this.bytes : next
      this.#pieces.gap(this.#whole, end, await this.#reasonOf(this.#whole, end, torn && next < 0))
      this.#base = this.#whole = end
      this.#inTransaction = false
      if (next < 0) break
    }
    this.#pieces.end(this.#whole)
    const {pieces, lost} = this.#pieces
    const byOffset = [...lost].sort((a, b) => a.offset - b.offset)
    return {
      ...{bytes: this.bytes, snapshotBytes: this.#snapshotBytes, pieces, lost: byOffset, damagedAt},
      checksumWrong: this.#checksumWrong,
      unknownCommands: this.#unknown,
      unknownOffset: this.#unknownOffset,
      databaseAssumed: this.#pieces.assumed,
    }
  }

  /** Reads on, to the end of the file or to damage; tells whether the file ends within something. */
  async #read(): Promise<boolean> {
    const source = new FileSource(this.path, await open(this.path, 'r'), this.bytes - this.#base, this.#base)
    const reader = new LogReader(source, {ignoreChecksum: this.options.ignoreChecksum})
    try {
      await reader.run(this.#visitor(reader, source))
      this.#endSnapshot(reader)
      this.#keepLast()
      return true
    } catch (error) {
      this.#endSnapshot(reader)
      if (this.#inSnapshot || !(error instanceof FormatError || error instanceof LimitError)) throw error
      this.#doubtLast()
      return false
    } finally {
      await source.close()
    }
  }

  #visitor(reader: LogReader, source: FileSource): LogVisitor {
    return {
      preamble: () => {
        this.#inSnapshot = true
        const {databases} = this.options
        return {
          entry: ({db}) => {
            databases.add(db)
            return SKIP
          },
        }
      },
      command: command => {
        if (this.#inSnapshot) this.#endSnapshot(reader)
        this.#command(command)
      },
      timestamp: (_, offset) => {
        if (this.#inSnapshot) this.#endSnapshot(reader)
        this.#line(offset, reader.offset, false)
      },
      annotation: (bytes, start, end, offset) => {
        if (this.#inSnapshot) this.#endSnapshot(reader)
        if (!isPlainLine(bytes, start, end)) throw new FormatError('BAD_COMMAND', 'this line is damaged', offset)
        this.#line(offset, reader.offset, true)
      },
      loose: offset => {
        this.#loose = this.#base + offset
      },
      drain: () => {
        this.options.onRead?.(this.#base + source.storedRead)
        return undefined
      },
    }
  }

  /** Where it ends is known once what follows is read. */
  #endSnapshot({sofar}: LogReader): void {
    if (!this.#inSnapshot || sofar.preamble === undefined) return
    this.#inSnapshot = false
    this.#snapshotBytes = this.#whole = sofar.preamble.bytes
    this.#checksumWrong = sofar.preamble.checksum === 'mismatch'
    this.#pieces.other(0, this.#whole)
  }

  /** `isOther`: it does not say what time it is. */
  #line(offset: number, endOffset: number, isOther: boolean): void {
    this.#keepLast()
    this.#kind = 'line'
    this.#start = this.#base + offset
    this.#end = this.#whole = this.#base + endOffset
    this.#isDoubtful = isOther
  }

  #command(command: LogCommand): void {
    const {bytes, bounds, argc, offset, endOffset} = command
    const verdict = this.options.judge(bytes, bounds[0]!, bounds[1]!, argc)
    if (verdict === 'wrong') throw damageAt(command)
    if (verdict === 'unknown' && (isLikeFraming(command) || !hasPlainName(command))) throw damageAt(command)
    if (verdict === 'unknown' && this.names.isDamaged(command)) {
      this.#isNameDamaged = true
      throw damageAt(command)
    }
    const selects = argc === 2 && isNamed(command, SELECT)
    const db = selects ? databaseOf(bytes, bounds[2]!, bounds[3]!) : undefined
    if (selects && db === undefined) throw damageAt(command)
    this.#keepLast()
    if (verdict === 'unknown') {
      this.#unknown++
      this.#unknownOffset ??= this.#base + offset
      this.names.met(command)
    }
    this.#kind = selects ? SELECT : 'other'
    this.#db = db ?? 0
    if (argc === 1) this.#watch(command)
    this.#start = this.#base + offset
    this.#end = this.#whole = this.#base + endOffset
    this.#isDoubtful = this.#loose >= this.#start
  }

  /** MULTI, EXEC and DISCARD have no arguments. */
  #watch(command: LogCommand): void {
    if (isNamed(command, MULTI)) {
      this.#kind = MULTI
      this.#inTransaction = true
    } else if (isNamed(command, EXEC)) {
      this.#kind = EXEC
      this.#inTransaction = false
    } else if (this.#inTransaction && isNamed(command, DISCARD)) throw damageAt(command)
  }

  /** What follows the last command is as it should be, or the end of the file. */
  #keepLast(): void {
    const [start, end] = [this.#start, this.#end]
    if (start < 0) return
    this.#start = -1
    switch (this.#kind) {
      case MULTI:
        this.#pieces.multi(start)
        break
      case EXEC:
        this.#pieces.exec(start, end)
        break
      case 'line':
        this.#pieces.other(start, end)
        break
      case SELECT:
        this.#pieces.select(start, end, this.#db)
        break
      default:
        this.#pieces.command(start, end)
    }
  }

  /**
   * Damage follows: a command whose last argument ends in something else than CR LF has a wrong length, and a line of no known
   * form may have swallowed what stood behind it.
   */
  #doubtLast(): void {
    if (this.#start >= 0 && this.#isDoubtful) {
      this.#whole = this.#start
      this.#start = -1
    }
    this.#keepLast()
  }

  async #reasonOf(start: number, end: number, torn: boolean): Promise<LossReason> {
    if (await this.#isZero(start, end)) return 'zeros'
    if (torn) return 'torn'
    const isName = this.#isNameDamaged
    this.#isNameDamaged = false
    return isName ? 'name' : 'damage'
  }

  async #isZero(start: number, end: number): Promise<boolean> {
    const window = new Uint8Array(WINDOW_BYTES)
    for (let at = start; at < end; ) {
      const {bytesRead} = await this.file.read(window, 0, Math.min(window.length, end - at), at)
      for (let i = 0; i < bytesRead; i++) if (window[i] !== 0) return false
      if (bytesRead === 0) return false
      at += bytesRead
    }
    return true
  }
}

const WINDOW_BYTES = 64 * 1024

/** A line is text, and says what time it is if it begins so: what is damaged may have swallowed a command. */
function isPlainLine(bytes: Uint8Array, start: number, end: number): boolean {
  const line = Buffer.from(bytes.subarray(start, end))
  return isUtf8(line) && !/[^\P{Cc}\t\r\n]/u.test(line.toString()) && !line.subarray(0, 4).equals(STAMP)
}

function damageAt({offset}: LogCommand): FormatError {
  return new FormatError('BAD_COMMAND', 'no server reads over this command', offset)
}

const WORDS = {
  ...{[SELECT]: wordOf(SELECT), [MULTI]: wordOf(MULTI)},
  ...{[EXEC]: wordOf(EXEC), [DISCARD]: wordOf(DISCARD)},
}

function isNamed({bytes, bounds}: LogCommand, name: keyof typeof WORDS): boolean {
  return isWord(bytes, bounds[0]!, bounds[1]!, WORDS[name])
}

/** A name that nobody knows may be that of SELECT, MULTI or EXEC with a byte changed: what follows is not what it seems. */
function isLikeFraming(command: LogCommand): boolean {
  const {bytes, bounds, argc} = command
  const length = bounds[1]! - bounds[0]!
  if (argc === 1) return length === MULTI.length || length === EXEC.length
  return argc === 2 && length === SELECT.length && databaseOf(bytes, bounds[2]!, bounds[3]!) !== undefined
}
