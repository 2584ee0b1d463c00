/**
 * Up to where a log is replayed, and what of it is left out: back to a moment, to
 * a place, to before a command; or without one, such as the FLUSHALL that nobody
 * meant.
 *
 * A reading that ends within a transaction leaves all of it out, since that is
 * never completed. What lies behind the end is not read, be it damaged.
 */
import type {Chain, ChainFile} from '../aof/chain.js'
import {type LogCommand, type LogEnd, LogReader, STOP} from '../aof/log-reader.js'
import type {ByteSource} from '../bytes/source.js'
import {formatTime} from '../bytes/time.js'
import {PlacedError, UsageError} from '../errors.js'
import type {CommandMark} from './command-mark.js'
import {Finding, type Place} from './finding.js'
import {isMarked} from './marked.js'

export interface PointInTimeOptions {
  /** Up to the first line that says that it was later, in milliseconds since 1970. */
  untilMs?: number | undefined
  /** Up to this place in a file of the log; absent: in its last one. */
  untilOffset?: {file?: string | undefined; offset: number} | undefined
  /** Up to this command, which is not applied. */
  beforeCommand?: CommandMark | undefined
  /** Without these. */
  dropCommands?: readonly CommandMark[] | undefined
}

/** Where the reading of a log ended, of its own or because it was asked to. */
export interface Cut {
  file: string
  /** Behind the last command that was taken. */
  offset: number
  /** Of this file and those behind it, in bytes; undefined where nobody knows, as of a compressed file. */
  leftOut: number | undefined
}

type OpenFile = (path: string) => Promise<ByteSource>

export class PointInTime {
  /** Commands that were left out as asked. */
  dropped = 0
  #file = 0
  #end: Place | undefined
  readonly #drops: {mark: CommandMark; only: Place | undefined}[] = []
  /** Something says that what was read so far was written before the moment. */
  #isKnownBefore = false

  private constructor(
    readonly chain: Chain,
    readonly untilMs: number | undefined,
  ) {}

  /**
   * Looks for the commands that are named. Throws UsageError where they are not there, or it is not clear which are meant.
   */
  static async find(chain: Chain, options: PointInTimeOptions, openFile: OpenFile): Promise<PointInTime> {
    const {untilMs, untilOffset, beforeCommand, dropCommands = []} = options
    const point = new PointInTime(chain, untilMs)
    if (untilOffset !== undefined) point.#end = placeOf(chain, untilOffset)
    const marks = [...(beforeCommand === undefined ? [] : [beforeCommand]), ...dropCommands]
    if (marks.length === 0) return point
    refuseUnclear(beforeCommand, dropCommands)
    const finding = new Finding(marks)
    await point.#look(finding, openFile)
    if (beforeCommand !== undefined) point.#end = finding.theOne(beforeCommand, chain)
    for (const mark of dropCommands) {
      if (mark.which === 'all') finding.mustBeThere(mark)
      point.#drops.push({mark, only: mark.which === 'all' ? undefined : finding.theOne(mark, chain)})
    }
    return point
  }

  /** Through the log as far as it is read later, or can be: what is wrong with it, whoever replays it meets again. */
  async #look(finding: Finding, openFile: OpenFile): Promise<void> {
    const {files} = this.chain
    for (const [number, {path}] of files.entries()) {
      if (finding.settled || (this.#end !== undefined && number > this.#end.file)) return
      const endOffset = this.#end?.file === number ? this.#end.offset : undefined
      const source = await openFile(path)
      try {
        const reader = new LogReader(source, {ignoreChecksum: true, endOffset})
        await reader.run(finding.visitor(number, () => reader))
      } catch (error) {
        if (!(error instanceof PlacedError)) throw error
        return
      } finally {
        await source.close()
      }
    }
  }

  /** Some of the commands before the end are left out. */
  get drops(): boolean {
    return this.#drops.length > 0
  }

  /** A file begins; undefined, or the offset behind which nothing of it is wanted. */
  beginFile(file: ChainFile): number | undefined {
    this.#file = this.chain.files.indexOf(file)
    return this.#end?.file === this.#file ? this.#end.offset : undefined
  }

  /** What the snapshot says of when it was written: what was before is not in it. */
  snapshot(writtenAtSeconds: number): void {
    const {untilMs} = this
    if (untilMs === undefined) return
    this.#isKnownBefore = writtenAtSeconds * 1000 <= untilMs
    if (this.#isKnownBefore) return
    const [written, asked] = [formatTime(writtenAtSeconds * 1000), formatTime(untilMs)]
    const what = `the snapshot that the log begins with was written at ${written}, which is later than ${asked}`
    throw new UsageError(`${what}: the log does not go back so far`)
  }

  /** Whether a command is applied. Throws STOP where the reading ends before it. */
  takes(command: LogCommand): boolean {
    const end = this.#end
    if (end !== undefined && end.file === this.#file && command.endOffset > end.offset) throw STOP
    for (const {mark, only} of this.#drops) {
      const isMeant = only === undefined || (only.file === this.#file && only.offset === command.offset)
      if (!isMeant || !isMarked(mark, command)) continue
      this.dropped++
      return false
    }
    return true
  }

  /** The log says what time it was. Throws STOP where that is too late; UsageError where nothing says that anything is old enough. */
  timestamp(seconds: number): void {
    const {untilMs} = this
    if (untilMs === undefined) return
    if (seconds * 1000 <= untilMs) {
      this.#isKnownBefore = true
      return
    }
    if (this.#isKnownBefore) throw STOP
    const [first, asked] = [formatTime(seconds * 1000), formatTime(untilMs)]
    throw new UsageError(`nothing in the log is known to be as old as ${asked}: the first time in it is ${first}`)
  }

  /** A file has been read, or as much of it as is wanted; whether that was the last. */
  endFile(file: ChainFile, {stopped, preamble, bytes}: LogEnd): boolean {
    const end = this.#end
    if (end?.file !== this.#file) return stopped
    if (!stopped && end.offset > bytes) {
      throw new UsageError(`${file.name} has ${bytes} bytes: there is no offset ${end.offset} in it`)
    }
    if (preamble !== undefined && end.offset < preamble.bytes) {
      const text = `the offset ${end.offset} lies in the snapshot that ${file.name} begins with`
      throw new UsageError(`${text}: commands begin at ${preamble.bytes}`)
    }
    return true
  }

  /** All was read that is wanted. Throws UsageError where it cannot be told whether that is up to the moment. */
  finish(stopped: boolean): void {
    if (this.untilMs === undefined || stopped || this.#isKnownBefore) return
    throw new UsageError(
      'nothing in the log says when it was written (aof-timestamp-enabled, which is off unless configured): --until-offset and --before-command need no times',
    )
  }
}

function refuseUnclear(before: CommandMark | undefined, drops: readonly CommandMark[]): void {
  if (before?.which === 'all') {
    throw new UsageError(`before one of the commands ${before.name}, not before all: say which`)
  }
  const framing = drops.find(mark => mark.isFraming)
  if (framing === undefined) return
  throw new UsageError(`${framing.name} cannot be left out: commands behind it would mean something else`)
}

function placeOf({files}: Chain, {file, offset}: {file?: string | undefined; offset: number}): Place {
  const named = files.filter(({name}) => name === file)
  // By what is particular of its name, as a terminal shows it.
  const found = named.length === 1 ? named : files.filter(({name}) => name.endsWith(`.${file}`))
  const at = file === undefined ? files.length - 1 : found.length === 1 ? files.indexOf(found[0]!) : -1
  if (at >= 0) return {file: at, offset}
  throw new UsageError(`the log has no file ${file}: its files are ${files.map(({name}) => name).join(', ')}`)
}
