/**
 * A log in lines for people, one a command:
 *
 *   [file] offset time database command arguments...
 *
 * What is within a transaction stands further to the right. Lines are written
 * as bytes: there may be many millions of them.
 */

import type {LoggedCommand, LoggedSnapshot, LoggedVisitor} from '../aof/logged.js'
import {formatSafe} from '../bytes/int64.js'
import type {ByteOutput} from '../bytes/output.js'
import {isWord, wordOf} from '../resp/word.js'
import {EscapedWriter} from './escaped.js'
import type {Style} from './table.js'
import {formatText, shorten, widthOf} from './text.js'
import {formatCount, formatSize, formatTime} from './units.js'

/** Told of what is about to be written, and has been. */
export interface LineListener {
  /** The line of a command begins here. */
  onLine?(): void
  /** What was written are titles. */
  onTitles?(): void
}

export interface LogLineOptions {
  style: Style
  /** Of a line; Infinity where it has no edge. */
  columns: number
  /** Of an argument; the same. */
  argumentColumns: number
  /** Width of the names of its files; undefined where there is one alone, which is not named. */
  fileColumns: number | undefined
  /** Digits of the largest offset, as far as that is known. */
  offsetColumns: number
  /** There is room for a time from the first line on: it is not known to have none. */
  timed: boolean
  /** It is a terminal: there are titles above the first line, and names of files are short. */
  screen: boolean
}

/** As a server calls the files of a log, behind the name that it was given (appendfilename). */
const FILE_NAME = /\.(\d+\.(?:base|incr)\.(?:aof|rdb))$/

/** What a file is called in a line. */
export function fileLabel(name: string, screen: boolean): string {
  return formatText((screen ? FILE_NAME.exec(name)?.[1] : undefined) ?? name)
}

const BLANK = 0x20
const NEWLINE = 0x0a
const ZERO = 0x30
const GAP = '  '
const NO_TIME = '-'
const DB_COLUMNS = 2
const TITLES = {file: 'file', offset: 'offset', time: 'time', db: 'db', command: 'command'}
/** A lead has a file's name, an offset, a time, and their dress. */
const LEAD_BYTES_MAX = 4096
/** A blank, or what turns a colour on. */
const DRESS_BYTES_MAX = 32
/** Of an argument fewer columns say nothing. */
const BEGINNING_COLUMNS_MIN = 6
const ELLIPSIS = '…'
/** A line that is longer may be cut where the output is handed on. */
const LINE_BYTES = 64 * 1024

export class LogLines implements LoggedVisitor {
  readonly #escaped: EscapedWriter
  readonly #faint: readonly [on: Uint8Array, off: Uint8Array]
  readonly #strong: readonly [on: Uint8Array, off: Uint8Array]
  #snapshot: LoggedSnapshot | undefined
  #begun = false
  #seconds: number | undefined
  #timeText = Buffer.from(NO_TIME)
  #timeColumns: number
  #file = ''
  #fileText: Uint8Array = new Uint8Array(0)
  #fileTextColumns = 0

  constructor(
    readonly out: ByteOutput,
    readonly options: LogLineOptions,
    readonly listener: LineListener = {},
  ) {
    this.#escaped = new EscapedWriter(out)
    this.#faint = dressOf(text => options.style.faint(text))
    this.#strong = dressOf(text => options.style.heading(text))
    const untimed = options.screen ? TITLES.time.length : NO_TIME.length
    this.#timeColumns = options.timed ? formatTime(0).length : untimed
    this.#setTime(undefined)
  }

  command(logged: LoggedCommand): void {
    const {out} = this
    if (!this.#begun || this.#snapshot !== undefined) this.#begin(logged.seconds)
    if (out.at > out.bytes.length - LINE_BYTES) out.flush()
    this.listener.onLine?.()
    if (logged.seconds !== this.#seconds) this.#setTime(logged.seconds)
    if (logged.file !== this.#file) this.#setFile(logged.file)
    let used = this.#lead(logged.command.offset, logged.db)
    if (logged.inTransaction && !isBracket(logged)) used += this.#put(GAP)
    this.#command(logged, this.options.columns - used)
    out.u8(NEWLINE)
  }

  /** Its line waits: what follows it tells how wide a time is. */
  snapshot(snapshot: LoggedSnapshot): void {
    this.#snapshot = snapshot
  }

  pause(): undefined {
    if (!this.#begun || this.#snapshot !== undefined) this.#begin(undefined)
  }

  drain(): Promise<void> | undefined {
    return this.out.drain()
  }

  #begin(seconds: number | undefined): void {
    if (seconds !== undefined) this.#setTime(seconds)
    if (!this.#begun && this.options.screen) this.#titles()
    this.#begun = true
    const snapshot = this.#snapshot
    if (snapshot === undefined) return
    this.#snapshot = undefined
    this.#setFile(snapshot.file)
    const time = snapshot.seconds === undefined ? NO_TIME : formatTime(snapshot.seconds * 1000)
    const before = this.#timeText
    this.#timeText = Buffer.from((time.length > this.#timeColumns ? NO_TIME : time).padEnd(this.#timeColumns))
    const used = this.#lead(0, undefined)
    this.#put(snapshotText(snapshot, this.options.columns - used))
    this.out.u8(NEWLINE)
    this.#timeText = before
  }

  #titles(): void {
    const {fileColumns, offsetColumns} = this.options
    const cells = [
      ...(fileColumns === undefined ? [] : [TITLES.file.padEnd(fileColumns)]),
      TITLES.offset.padStart(offsetColumns),
      TITLES.time.padEnd(this.#timeColumns),
      TITLES.db.padStart(DB_COLUMNS),
      TITLES.command,
    ]
    this.#put(`${this.options.style.heading(cells.join(GAP))}\n`)
    this.listener.onTitles?.()
  }

  #setTime(seconds: number | undefined): void {
    this.#seconds = seconds
    const text = seconds === undefined ? NO_TIME : formatTime(seconds * 1000)
    this.#timeColumns = Math.max(this.#timeColumns, text.length)
    this.#timeText = Buffer.from(text.padEnd(this.#timeColumns))
  }

  #setFile(file: string): void {
    this.#file = file
    const {fileColumns} = this.options
    if (fileColumns === undefined) return
    const text = fileLabel(file, this.options.screen)
    const columns = widthOf(text)
    this.#fileTextColumns = Math.max(columns, fileColumns) + GAP.length
    this.#fileText = Buffer.from(text + ' '.repeat(this.#fileTextColumns - columns))
  }

  /** What stands before a command; returns how many columns that takes. */
  #lead(offset: number, db: number | undefined): number {
    const {out} = this
    out.room(LEAD_BYTES_MAX)
    this.#dress(this.#faint[0])
    out.copy(this.#fileText, 0, this.#fileText.length)
    let columns = this.#fileTextColumns
    columns += this.#number(offset, this.options.offsetColumns) + this.#put(GAP)
    out.copy(this.#timeText, 0, this.#timeText.length)
    columns += this.#timeText.length + this.#put(GAP)
    if (db === undefined) columns += this.#put(NO_TIME.padStart(DB_COLUMNS))
    else columns += this.#number(db, DB_COLUMNS)
    this.#dress(this.#faint[1])
    return columns + this.#put(GAP)
  }

  /** To the right of its columns; returns how many it takes. */
  #number(value: number, columns: number): number {
    const {out} = this
    const {bytes, at} = out
    let end = at + columns
    // Digits from the last on, as long as they fit: formatSafe would have to be moved.
    let rest = value
    let p = end
    while (p > at && (rest > 0 || p === end)) {
      const upper = Math.floor(rest / 10)
      bytes[--p] = ZERO + (rest - upper * 10)
      rest = upper
    }
    if (rest > 0) end = formatSafe(value, bytes, at)
    else while (p > at) bytes[--p] = BLANK
    out.at = end
    return end - at
  }

  #command({command: {bytes, bounds, argc}}: LoggedCommand, columns: number): void {
    const escaped = this.#escaped
    const {argumentColumns} = this.options
    let left = columns
    for (let arg = 0; arg < argc; arg++) {
      const start = bounds[2 * arg]!
      const end = bounds[2 * arg + 1]!
      const gap = arg === 0 ? 0 : 1
      const room = Math.min(left - gap - moreColumns(argc - arg - 1), argumentColumns)
      if (!this.#fits(bytes, start, end, room, arg)) {
        const cut = `${ELLIPSIS}(${formatSize(end - start)})`
        const beginning = room - cut.length
        if (arg > 0 && beginning < BEGINNING_COLUMNS_MIN) {
          this.#put(moreText(argc - arg))
          return
        }
        this.#open(arg)
        escaped.beginning(bytes, start, end, Math.max(beginning, BEGINNING_COLUMNS_MIN))
        escaped.columns += this.#put(cut)
      }
      if (arg === 0) this.#dress(this.#strong[1])
      left -= gap + escaped.columns
    }
  }

  /** Writes an argument if there is room for all of it. */
  #fits(bytes: Uint8Array, start: number, end: number, room: number, arg: number): boolean {
    const {out} = this
    out.room(DRESS_BYTES_MAX)
    const before = out.at
    this.#open(arg)
    if (this.#escaped.argument(bytes, start, end, room)) return true
    out.at = before
    return false
  }

  /** What stands before an argument. */
  #open(arg: number): void {
    if (arg > 0) this.out.u8(BLANK)
    else this.#dress(this.#strong[0])
  }

  #dress(bytes: Uint8Array): void {
    if (bytes.length > 0) this.out.copy(bytes, 0, bytes.length)
  }

  #put(text: string): number {
    const {out} = this
    if (text === GAP) {
      out.room(GAP.length)
      out.bytes[out.at++] = BLANK
      out.bytes[out.at++] = BLANK
      return GAP.length
    }
    const bytes = Buffer.from(text)
    out.copy(bytes, 0, bytes.length)
    return text.length
  }
}

function moreText(args: number): string {
  return ` ${ELLIPSIS}(${args} more)`
}

/** What that takes at most: it is asked for with every argument. */
function moreColumns(args: number): number {
  return args === 0 ? 0 : args < 10 ? 10 : args < 1000 ? 12 : 16
}

/** What a style writes before and behind a text. */
function dressOf(dress: (text: string) => string): readonly [on: Uint8Array, off: Uint8Array] {
  const [on = '', off = ''] = dress('\0').split('\0')
  return [Buffer.from(on), Buffer.from(off)]
}

const BRACKETS = ['multi', 'exec'].map(wordOf)

/** What a transaction holds stands between them. */
function isBracket({command: {argc, bytes, bounds}}: LoggedCommand): boolean {
  return argc === 1 && BRACKETS.some(word => isWord(bytes, bounds[0]!, bounds[1]!, word))
}

/** As much as there is room for. */
function snapshotText(snapshot: LoggedSnapshot, columns: number): string {
  const {bytes, keys, rdbVersion, product, serverVersion = ''} = snapshot
  const counts = `(snapshot: ${formatCount(keys)} key${keys === 1 ? '' : 's'}, ${formatSize(bytes)}`
  const server = product === 'unknown' ? '' : `, ${`${product} ${formatText(serverVersion)}`.trimEnd()}`
  const whole = `${counts}, RDB version ${rdbVersion}${server})`
  return widthOf(whole) <= columns ? whole : shorten(`${counts})`, columns)
}
