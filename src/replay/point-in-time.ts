/**
 * Up to where a log is replayed, and what of it is left out: back to a moment, to
 * a place, to before a command; or without one, such as the FLUSHALL that nobody
 * meant.
 *
 * A reading that ends within a transaction leaves all of it out, since that is
 * never completed.
 */
import type {Chain, ChainFile} from '../aof/chain.js'
import {type LogCommand, type LogEnd, LogReader, STOP} from '../aof/log-reader.js'
import type {ByteSource} from '../bytes/source.js'
import {UsageError} from '../errors.js'
import type {CommandMark} from './command-mark.js'
import {Finding, type Place} from './finding.js'

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
  /** Of this file and those behind it, in bytes. */
  leftOut: number
}

type OpenFile = (path: string) => Promise<ByteSource>

export class PointInTime {
  /** Commands that were left out as asked. */
  dropped = 0
  #file = 0
  #lastSeconds: number | undefined
  #end: Place | undefined
  readonly #drops: {mark: CommandMark; only: Place | undefined}[] = []
  /** Commands and snapshots so far. */
  #taken = 0

  private constructor(
    readonly chain: Chain,
    readonly untilMs: number | undefined,
  ) {}

  /** Looks for the commands that are named, in all files of the log. Throws UsageError where they are not there, or it is not clear which are meant. */
  static async find(chain: Chain, options: PointInTimeOptions, openFile: OpenFile): Promise<PointInTime> {
    const {untilMs, untilOffset, beforeCommand, dropCommands = []} = options
    const point = new PointInTime(chain, untilMs)
    if (untilOffset !== undefined) point.#end = placeOf(chain, untilOffset)
    const marks = [...(beforeCommand === undefined ? [] : [beforeCommand]), ...dropCommands]
    if (marks.length === 0) return point
    refuseUnclear(beforeCommand, dropCommands)
    const finding = new Finding(marks)
    for (const [number, file] of chain.files.entries()) {
      const source = await openFile(file.path)
      try {
        await new LogReader(source, {ignoreChecksum: true}).run(finding.visitor(number))
      } finally {
        await source.close()
      }
    }
    if (beforeCommand !== undefined) point.#end = finding.theOne(beforeCommand, chain)
    for (const mark of dropCommands) {
      const all = mark.which === 'all'
      if (all) finding.some(mark)
      point.#drops.push({mark, only: all ? undefined : finding.theOne(mark, chain)})
    }
    return point
  }

  beginFile(file: ChainFile): void {
    this.#file = this.chain.files.indexOf(file)
  }

  /** What the snapshot says of when it was written: what was before is not in it. */
  snapshot(writtenAtSeconds: number): void {
    if (this.untilMs === undefined || writtenAtSeconds * 1000 <= this.untilMs) return
    throw new UsageError(
      `the snapshot that the log begins with was written at ${isoOf(writtenAtSeconds)}, which is later than ${isoOf(
        this.untilMs / 1000,
      )}: the log does not go back so far`,
    )
  }

  /** Whether a command is applied. Throws STOP where the reading ends before it. */
  takes(command: LogCommand): boolean {
    const end = this.#end
    if (end !== undefined && end.file === this.#file && command.endOffset > end.offset) throw STOP
    for (const {mark, only} of this.#drops) {
      const isMeant = only === undefined || (only.file === this.#file && only.offset === command.offset)
      if (!isMeant || !mark.isOf(command)) continue
      this.dropped++
      return false
    }
    this.#taken++
    return true
  }

  /** The log says what time it was. Throws STOP where that is too late. */
  timestamp(seconds: number): void {
    if (this.untilMs !== undefined && seconds * 1000 > this.untilMs) {
      if (this.#taken === 0) {
        const [begins, asked] = [isoOf(seconds), isoOf(this.untilMs / 1000)]
        throw new UsageError(`the log begins at ${begins}, which is later than ${asked}: it does not go back so far`)
      }
      throw STOP
    }
    this.#lastSeconds = seconds
  }

  /** A file has been read, or as much of it as is wanted; whether that was the last. */
  endFile(file: ChainFile, {stopped, preamble, bytes}: LogEnd): boolean {
    if (preamble !== undefined) this.#taken++
    const end = this.#end
    if (end?.file === this.#file) {
      if (end.offset > bytes) {
        throw new UsageError(`${file.name} has ${bytes} bytes: there is no offset ${end.offset} in it`)
      }
      if (preamble !== undefined && end.offset < preamble.bytes) {
        const text = `the offset ${end.offset} lies in the snapshot that ${file.name} begins with: commands begin at ${preamble.bytes}`
        throw new UsageError(text)
      }
      return true
    }
    return stopped
  }

  /** All was read that is wanted. Throws UsageError where it cannot be told whether that is up to the moment. */
  finish(stopped: boolean): void {
    if (this.untilMs === undefined || stopped || this.#lastSeconds !== undefined) return
    throw new UsageError(
      'nothing in the log says when it was written (aof-timestamp-enabled, which is off unless configured): --until-offset and --before-command need no times',
    )
  }
}

function refuseUnclear(before: CommandMark | undefined, drops: readonly CommandMark[]): void {
  if (before?.which === 'all')
    throw new UsageError(`before one of the commands ${before.name}, not before all: say which`)
  const framing = drops.find(mark => mark.isFraming)
  if (framing === undefined) return
  throw new UsageError(`${framing.name} cannot be left out: commands behind it would mean something else`)
}

function placeOf({files}: Chain, {file, offset}: {file?: string | undefined; offset: number}): Place {
  const at = file === undefined ? files.length - 1 : files.findIndex(({name}) => name === file)
  if (at >= 0) return {file: at, offset}
  throw new UsageError(`the log has no file ${file}: its files are ${files.map(({name}) => name).join(', ')}`)
}

function isoOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}
