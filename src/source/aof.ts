/**
 * An append-only log as entries: all its files are replayed into memory, then
 * shown like any other source. Memory is in proportion to the data set that the
 * log means, not to the log.
 */
import {stat} from 'node:fs/promises'
import type {Chain, ChainFile} from '../aof/chain.js'
import {type LogEnd, LogReader, type LogVisitor, TORN_WORDS} from '../aof/log-reader.js'
import type {PeekedSource} from '../bytes/peeked.js'
import {FormatError, PlacedError, UsageError} from '../errors.js'
import type {EntrySource, SourceEnd, SourceOrigin} from '../keyspace/entry-source.js'
import type {EntryVisitor, Problem} from '../keyspace/visitor.js'
import {hasMagic, MAGIC_BYTES, parseMagic} from '../rdb/versions.js'
import {type Refusal, ReplayEngine} from '../replay/engine.js'
import {type Cut, PointInTime, type PointInTimeOptions} from '../replay/point-in-time.js'
import {Arena} from '../resident/arena.js'
import {Keyspace} from '../resident/keyspace.js'
import {LoadingVisitor} from '../resident/loading.js'
import {ReplayKernel} from '../resident/replay-kernel.js'
import {showKeyspace} from '../resident/showing.js'

export interface AofOptions {
  /** Go on where the checksum of a snapshot is wrong; a problem says so. */
  ignoreChecksum?: boolean | undefined
  /** Go on where a command cannot be replayed offline; a problem says so. */
  skipUnsupported?: boolean | undefined
  /** Up to where the log is replayed; absent: to its end. */
  pointInTime?: PointInTimeOptions | undefined
  /** What relative expiries count from where the log has no timestamps, in milliseconds since 1970. */
  nowMs?: number | undefined
}

/** Opens a file of the chain. */
export type OpenFile = (path: string) => Promise<PeekedSource>

/** What became of a log's commands. */
export interface Replayed {
  commands: number
  /** Commands that the server would have answered with an error. */
  errors: number
  /** Commands that were left out, nobody knowing what they do. */
  skipped: number
  /** Commands that were left out as asked. */
  dropped: number
  /** Where the reading ended before the log did. */
  cut: Cut | undefined
  /** The last time that the log says, in seconds since 1970. */
  lastTimestamp: number | undefined
}

/** Under this name a snapshot says when it was written, in seconds since 1970. */
const WRITTEN_AT = 'ctime'

/** Of each kind, problems are told so many times; all are counted. */
const TOLD_MAX = 20

export class AofSource implements EntrySource {
  readonly format = 'aof'
  #keyspace: Keyspace
  replayed: Replayed | undefined
  #first: PeekedSource | undefined
  #reader: LogReader | undefined
  #open: PeekedSource | undefined
  /** Stored bytes of the files that have been read, and of all. */
  #readBefore = 0
  #bytes: number
  #begun = false
  #pointInTime: PointInTime | undefined
  #cut: Cut | undefined
  #lastTimestamp: number | undefined
  #snapshotSeconds: number | undefined
  /** It is known how long the present file is. */
  #isBounded = true
  /** Something at the end of the log was not wanted. */
  #isPart = false

  /** `first` is the first file of the chain, open; `bytes` of all files, Infinity where nobody knows. */
  constructor(
    readonly chain: Chain,
    first: PeekedSource | undefined,
    bytes: number,
    readonly openFile: OpenFile,
    readonly options: AofOptions = {},
  ) {
    this.#first = first
    this.#bytes = bytes
    this.#keyspace = new Keyspace(new Arena(ReplayKernel.of(bytes)))
  }

  get source(): EntrySource['source'] {
    const storedRead = this.#readBefore + (this.#open?.storedRead ?? 0)
    return {name: this.chain.path, storedRead, storedBytes: this.#bytes}
  }

  get offset(): number {
    return this.#reader?.offset ?? 0
  }

  /** As the snapshot says that the log begins with; undefined where it begins with none. */
  async origin(): Promise<SourceOrigin | undefined> {
    const head = await this.#first?.peek(MAGIC_BYTES)
    if (head === undefined || head.length < MAGIC_BYTES || hasMagic(head) !== true) return undefined
    const {family, rdbVersion} = parseMagic(head, 0, 0)
    return {family, rdbVersion}
  }

  /** A file of the chain, for who reads them himself, and closes them: the first is open already. */
  async takeFile(path: string): Promise<PeekedSource> {
    const first = this.#first
    this.#first = undefined
    return first ?? (await this.openFile(path))
  }

  async run(visitor: EntryVisitor): Promise<SourceEnd> {
    if (this.#begun) throw new UsageError('a reader reads its source once: open another')
    this.#begun = true
    const tell = (problem: Problem): void => visitor.problem?.(problem)
    for (const name of this.chain.strays) {
      const text = 'this file is beside the log, and no part of it: the manifest does not name it'
      tell({code: 'STRAY_FILE', severity: 'warning', offset: 0, file: name, text})
    }
    const checksum = await this.#replay(visitor, tell)
    const writtenAt = await this.#writtenAt()
    if (writtenAt !== undefined) visitor.aux?.(WRITTEN_AT, Buffer.from(String(writtenAt)))
    await showKeyspace(this.#keyspace, visitor)
    // Another log may be replayed before this one is closed.
    this.#keyspace = new Keyspace()
    return {checksum}
  }

  async close(): Promise<void> {
    await this.#first?.close()
    await this.#open?.close()
    this.#first = this.#open = undefined
  }

  async #replay(visitor: EntryVisitor, tell: (problem: Problem) => void): Promise<SourceEnd['checksum']> {
    const {files} = this.chain
    const {skipUnsupported, nowMs = Date.now()} = this.options
    let file: ChainFile | undefined
    const counts = new Map<string, number>()
    const onRefusal = (refusal: Refusal): void => {
      const problem = problemOf(refusal, file && this.#placeOf(file))
      const told = (counts.get(problem.code) ?? 0) + 1
      counts.set(problem.code, told)
      if (told <= TOLD_MAX) tell(problem)
    }
    const engine = new ReplayEngine(this.#keyspace, {
      nowMs,
      loads: skipUnsupported !== true,
      skipUnsupported,
      onRefusal,
    })
    let checksum: SourceEnd['checksum'] = 'absent'
    this.#pointInTime = await this.#findPoint()
    let isLast = false
    for (file of files) {
      engine.beginFile()
      const end = await this.#replayFile(file, engine, visitor, tell)
      if (end.preamble !== undefined) checksum = end.preamble.checksum
      isLast = this.#pointInTime?.endFile(file, end) === true
      if (isLast) await this.#endAsAsked(file, end, tell)
      else this.#checkEnd(file, end, tell)
      if (isLast) break
    }
    this.#pointInTime?.finish(isLast)
    for (const [code, count] of counts) {
      if (count > TOLD_MAX)
        tell({code, severity: 'warning', offset: 0, text: `${count - TOLD_MAX} more commands were not applied`})
    }
    this.replayed = {
      ...{commands: engine.commands, errors: engine.errors, skipped: engine.skipped},
      dropped: this.#pointInTime?.dropped ?? 0,
      ...{cut: this.#cut, lastTimestamp: this.#lastTimestamp},
    }
    return checksum
  }

  /** Commands that are named are looked for before. */
  async #findPoint(): Promise<PointInTime | undefined> {
    const {pointInTime} = this.options
    return pointInTime && (await PointInTime.find(this.chain, pointInTime, this.openFile))
  }

  async #replayFile(
    file: ChainFile,
    engine: ReplayEngine,
    visitor: EntryVisitor,
    tell: (problem: Problem) => void,
  ): Promise<LogEnd> {
    const point = this.#pointInTime
    const endOffset = point?.beginFile(file)
    const source = await this.takeFile(file.path)
    this.#open = source
    this.#isBounded = Number.isFinite(source.inputBytes)
    const place = this.#placeOf(file)
    const placed = (problem: Problem): void => tell({...problem, file: place})
    const reader = new LogReader(source, {ignoreChecksum: this.options.ignoreChecksum, endOffset})
    this.#reader = reader
    const log: LogVisitor = {
      command: point === undefined ? command => engine.apply(command) : appliedUpTo(point, engine),
      // Where some are left out, every command is looked at.
      runner: point?.drops === true ? undefined : engine.runner,
      timestamp: seconds => {
        point?.timestamp(seconds)
        engine.setTime(seconds * 1000)
      },
      preamble: snapshot => {
        const header = () => snapshot.header!
        const onAux = (name: string, value: Uint8Array, nameBytes?: Uint8Array) => {
          if (name !== WRITTEN_AT) visitor.aux?.(name, value, nameBytes)
          else this.#snapshotAt(Number(Buffer.from(value).toString('latin1')))
        }
        return new LoadingVisitor(this.#keyspace, {header, onAux, onProblem: placed})
      },
      problem: placed,
    }
    try {
      return await reader.run(log)
    } catch (error) {
      if (error instanceof PlacedError) error.place.file = place
      throw error
    } finally {
      this.#readBefore += source.storedRead
      this.#open = undefined
      await source.close()
    }
  }

  /** Of a log that is one file nobody needs to be told which. */
  #placeOf({name}: ChainFile): string | undefined {
    return this.chain.manifest === undefined ? undefined : name
  }

  #snapshotAt(unixSeconds: number): void {
    this.#pointInTime?.snapshot(unixSeconds)
    if (Number.isSafeInteger(unixSeconds)) this.#snapshotSeconds = unixSeconds
  }

  /**
   * Since when the data has been as it is, in seconds since 1970: as the log says last, or as its file was written last.
   * Undefined where nobody knows.
   */
  async #writtenAt(): Promise<number | undefined> {
    if (this.#lastTimestamp !== undefined) return this.#lastTimestamp
    if (this.replayed?.commands === 0) return this.#snapshotSeconds
    if (this.#isPart) return undefined
    const last = this.chain.files.at(-1)
    try {
      return last && Math.floor((await stat(last.path)).mtimeMs / 1000)
    } catch {
      // Standard input, which has no such name.
      return undefined
    }
  }

  /** The reading ended where it was asked to. */
  async #endAsAsked(file: ChainFile, end: LogEnd, tell: (problem: Problem) => void): Promise<void> {
    const {goodOffset, bytes} = end
    this.#lastTimestamp = end.lastTimestamp ?? this.#lastTimestamp
    const leftOut = this.#isBounded ? bytes - goodOffset + (await this.#bytesBehind(file)) : undefined
    this.#cut = {file: file.name, offset: goodOffset, leftOut}
    this.#isPart = leftOut !== 0
    if (leftOut === 0) return
    const what = leftOut === undefined ? 'what follows is' : `${leftOut} bytes behind it are`
    const text = `the log is read up to here, as asked: ${what} left out`
    const place = this.#placeOf(file)
    tell({code: 'LOG_CUT', severity: 'warning', offset: goodOffset, file: place, text, bytesLost: leftOut})
  }

  /** A log may end where its server was stopped, but only in its last file. */
  #checkEnd(file: ChainFile, {torn, goodOffset, bytes, lastTimestamp}: LogEnd, tell: (problem: Problem) => void): void {
    this.#lastTimestamp = lastTimestamp ?? this.#lastTimestamp
    if (torn === undefined) return
    const {files} = this.chain
    const place = this.#placeOf(file)
    const left = bytes - goodOffset
    if (torn !== 'annotation' && file !== files.at(-1)) {
      const error = new FormatError('TRUNCATED', `${TORN_WORDS[torn]}, though another file follows it`, goodOffset)
      error.place.file = place
      error.advice = 'rdbtool check --salvage writes a log without what is not whole, and with the files behind it'
      throw error
    }
    this.#cut = {file: file.name, offset: goodOffset, leftOut: left}
    const text = `${TORN_WORDS[torn]}: its last ${left} bytes are left out, as a server does (aof-load-truncated)`
    tell({code: 'LOG_TORN', severity: 'warning', offset: goodOffset, file: place, text, bytesLost: left})
  }

  /** In the files that follow one. */
  async #bytesBehind(file: ChainFile): Promise<number> {
    const {files} = this.chain
    let bytes = 0
    for (const {path} of files.slice(files.indexOf(file) + 1)) bytes += await sizeOf(path)
    return bytes
  }
}

/** A file that nobody wants may be missing. */
async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch {
    return 0
  }
}

function appliedUpTo(point: PointInTime, engine: ReplayEngine): LogVisitor['command'] {
  return command => {
    if (point.takes(command)) engine.apply(command)
  }
}

function problemOf({kind, command, message, offset, db, key}: Refusal, file: string | undefined): Problem {
  const [code, text] = {
    error: ['COMMAND_FAILED', `${command} changes nothing: a server answers ${message}`],
    skipped: ['COMMAND_SKIPPED', `${command} was left out: ${message}`],
    partly: ['COMMAND_PARTLY', `${command} was applied, but ${message}`],
  }[kind] as [string, string]
  return {code, severity: 'warning', offset, file, text, db, key}
}
