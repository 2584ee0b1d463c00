/**
 * Replays the files of a log, one after another, into a data set in memory: all of it, or the keys of one shard
 * (replay/shard.ts).
 */
import {stat} from 'node:fs/promises'
import type {Chain, ChainFile} from '../aof/chain.js'
import {type LogEnd, LogReader, type LogVisitor, TORN_WORDS} from '../aof/log-reader.js'
import type {PeekedSource} from '../bytes/peeked.js'
import {FormatError, PlacedError} from '../errors.js'
import type {Entry, ValueType} from '../keyspace/entry.js'
import type {SourceEnd} from '../keyspace/entry-source.js'
import {type Problem, SKIP, type ValueVisitor} from '../keyspace/visitor.js'
import type {RdbReader} from '../rdb/reader.js'
import {type Refusal, ReplayEngine} from '../replay/engine.js'
import {type Cut, PointInTime, type PointInTimeOptions} from '../replay/point-in-time.js'
import {type Shard, Sharing} from '../replay/shard.js'
import type {Keyspace} from '../resident/keyspace.js'
import {type LoadingOptions, LoadingVisitor} from '../resident/loading.js'

/** How a log is replayed. */
export interface ReplayingOptions {
  /** Go on where the checksum of a snapshot is wrong; a problem says so. */
  ignoreChecksum?: boolean | undefined
  /** Go on where a command cannot be replayed offline; a problem says so. */
  skipUnsupported?: boolean | undefined
  /** Up to where the log is replayed; absent: to its end. */
  pointInTime?: PointInTimeOptions | undefined
  /** What relative expiries count from where the log has no timestamps, in milliseconds since 1970. */
  nowMs?: number | undefined
}

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

/** Where in a log something was met: behind everything in its file where the offset is Infinity. */
export interface LogPlace {
  file: number
  offset: number
}

export interface ReplayHearer {
  /** The snapshot that the log begins with says something of itself. */
  aux?(name: string, value: Uint8Array, nameBytes?: Uint8Array): void
  problem(problem: Problem, place: LogPlace): void
}

/** Opens a file of the chain. */
export type OpenFile = (path: string) => Promise<PeekedSource>

/** How the files of a log are opened: to be looked through, and to be replayed. */
export interface LogOpening {
  open: OpenFile
  take: OpenFile
}

/** Under this name a snapshot says when it was written, in seconds since 1970. */
const WRITTEN_AT = 'ctime'

/** Of each kind, refusals are told so many times; all are counted. */
export const TOLD_MAX = 20

export interface LogReplayOptions extends ReplayingOptions {
  /** Which keys are taken, of several replays that share them; absent: every key. */
  shard?: Shard | undefined
  /** Of one: a command comes that is on keys of several shards. It is run once this has been awaited, by who has them all. */
  onCrossing?: (() => Promise<void>) | undefined
  /** Of one: awaited between windows. What it throws ends the replay. */
  onWindow?: (() => Promise<void> | undefined) | undefined
}

/** The shards cannot go on side by side, or what they have cannot be put together: the log is to be replayed as one. */
export class NotShared extends Error {
  override readonly name = 'NotShared'
}

export class LogReplay {
  readonly engine: ReplayEngine
  checksum: SourceEnd['checksum'] = 'absent'
  /** Stored bytes of the files that have been read. */
  #readBefore = 0
  /** The same, unpacked, to the end of what was wanted. */
  bytes = 0
  /** The first command on keys of several shards. */
  haltedAt: LogPlace | undefined
  /** Of refused commands, by code. */
  readonly refusals = new Map<string, number>()
  #file = 0
  #reader: LogReader | undefined
  #open: PeekedSource | undefined
  #pointInTime: PointInTime | undefined
  #cut: Cut | undefined
  #lastTimestamp: number | undefined
  #snapshotSeconds: number | undefined
  /** It is known how long the present file is. */
  #isBounded = true
  /** Something at the end of the log was not wanted. */
  #isPart = false

  constructor(
    readonly chain: Chain,
    readonly files: LogOpening,
    readonly keyspace: Keyspace,
    readonly hearer: ReplayHearer,
    readonly options: LogReplayOptions,
  ) {
    const {skipUnsupported, nowMs = Date.now(), shard} = options
    const onRefusal = (refusal: Refusal): void => this.#refused(refusal)
    this.engine = new ReplayEngine(keyspace, {
      ...{nowMs, skipUnsupported, shard, onRefusal},
      loads: skipUnsupported !== true,
    })
  }

  get storedRead(): number {
    return this.#readBefore + (this.#open?.storedRead ?? 0)
  }

  get offset(): number {
    return this.#reader?.offset ?? 0
  }

  /** Commands that are named are looked for before. */
  async run(): Promise<void> {
    const {pointInTime} = this.options
    this.#pointInTime = pointInTime && (await PointInTime.find(this.chain, pointInTime, this.files.open))
    let isLast = false
    for (const [number, file] of this.chain.files.entries()) {
      this.#file = number
      this.engine.beginFile()
      const end = await this.#replayFile(file)
      this.bytes += end.goodOffset
      if (end.preamble !== undefined) this.checksum = end.preamble.checksum
      isLast = this.#pointInTime?.endFile(file, end) === true
      if (isLast) await this.#endAsAsked(file, end)
      else this.#checkEnd(file, end)
      if (isLast) break
    }
    this.#pointInTime?.finish(isLast)
  }

  get replayed(): Replayed {
    const {commands, errors, skipped} = this.engine
    const dropped = this.#pointInTime?.dropped ?? 0
    return {commands, errors, skipped, dropped, cut: this.#cut, lastTimestamp: this.#lastTimestamp}
  }

  async close(): Promise<void> {
    await this.#open?.close()
    this.#open = undefined
  }

  /**
   * Since when the data has been as it is, in seconds since 1970: as the log says last, or as its file was written last.
   * Undefined where nobody knows.
   */
  async writtenAt(): Promise<number | undefined> {
    if (this.#lastTimestamp !== undefined) return this.#lastTimestamp
    if (this.engine.commands === 0) return this.#snapshotSeconds
    if (this.#isPart) return undefined
    const last = this.chain.files.at(-1)
    try {
      return last && Math.floor((await stat(last.path)).mtimeMs / 1000)
    } catch {
      // Standard input, which has no such name.
      return undefined
    }
  }

  async #replayFile(file: ChainFile): Promise<LogEnd> {
    const {engine} = this
    const point = this.#pointInTime
    const endOffset = point?.beginFile(file)
    const source = await this.files.take(file.path)
    this.#open = source
    this.#isBounded = Number.isFinite(source.inputBytes)
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
      preamble: snapshot => this.#loading(snapshot),
      problem: problem => this.#tell(problem),
      drain: () => this.options.onWindow?.(),
      goOn: async () => {
        this.haltedAt = {file: this.#file, offset: engine.offset}
        await this.options.onCrossing!()
        engine.holdAll()
      },
    }
    try {
      return await reader.run(log)
    } catch (error) {
      if (error instanceof PlacedError) error.place.file = this.#placeOf(file)
      throw error
    } finally {
      this.#readBefore += source.storedRead
      this.#open = undefined
      await source.close()
    }
  }

  #loading(snapshot: RdbReader): LoadingVisitor {
    const header = () => snapshot.header!
    const onAux = (name: string, value: Uint8Array, nameBytes?: Uint8Array) => {
      if (name !== WRITTEN_AT) this.hearer.aux?.(name, value, nameBytes)
      else this.#snapshotAt(Number(Buffer.from(value).toString('latin1')))
    }
    const {shard} = this.options
    const loading = {header, onAux, onProblem: (problem: Problem) => this.#tell(problem)}
    if (shard === undefined || this.haltedAt !== undefined) return new LoadingVisitor(this.keyspace, loading)
    return new ShardLoading(this.keyspace, loading, new Sharing(shard))
  }

  #refused(refusal: Refusal): void {
    const problem = problemOf(refusal)
    const count = (this.refusals.get(problem.code) ?? 0) + 1
    this.refusals.set(problem.code, count)
    if (count <= TOLD_MAX) this.#tell(problem, this.engine.offset)
  }

  #tell(problem: Problem, offset = problem.offset): void {
    const file = this.#placeOf(this.chain.files[this.#file]!)
    this.hearer.problem({...problem, file}, {file: this.#file, offset})
  }

  /** Of a log that is one file nobody needs to be told which. */
  #placeOf({name}: ChainFile): string | undefined {
    return this.chain.manifest === undefined ? undefined : name
  }

  #snapshotAt(unixSeconds: number): void {
    this.#pointInTime?.snapshot(unixSeconds)
    if (Number.isSafeInteger(unixSeconds)) this.#snapshotSeconds = unixSeconds
  }

  /** The reading ended where it was asked to. */
  async #endAsAsked(file: ChainFile, end: LogEnd): Promise<void> {
    const {goodOffset, bytes} = end
    this.#lastTimestamp = end.lastTimestamp ?? this.#lastTimestamp
    const leftOut = this.#isBounded ? bytes - goodOffset + (await this.#bytesBehind(file)) : undefined
    this.#cut = {file: file.name, offset: goodOffset, leftOut}
    this.#isPart = leftOut !== 0
    if (leftOut === 0) return
    const what = leftOut === undefined ? 'what follows is' : `${leftOut} bytes behind it are`
    const text = `the log is read up to here, as asked: ${what} left out`
    this.#tellEnd({code: 'LOG_CUT', severity: 'warning', offset: goodOffset, text, bytesLost: leftOut})
  }

  /** A log may end where its server was stopped, but only in its last file. */
  #checkEnd(file: ChainFile, {torn, goodOffset, bytes, lastTimestamp}: LogEnd): void {
    this.#lastTimestamp = lastTimestamp ?? this.#lastTimestamp
    if (torn === undefined) return
    const {files} = this.chain
    const left = bytes - goodOffset
    if (torn !== 'annotation' && file !== files.at(-1)) {
      const error = new FormatError('TRUNCATED', `${TORN_WORDS[torn]}, though another file follows it`, goodOffset)
      error.place.file = this.#placeOf(file)
      error.advice = 'rdbtool check --salvage writes a log without what is not whole, and with the files behind it'
      throw error
    }
    this.#cut = {file: file.name, offset: goodOffset, leftOut: left}
    const text = `${TORN_WORDS[torn]}: its last ${left} bytes are left out, as a server does (aof-load-truncated)`
    this.#tellEnd({code: 'LOG_TORN', severity: 'warning', offset: goodOffset, text, bytesLost: left})
  }

  #tellEnd(problem: Problem): void {
    this.#tell(problem, Number.POSITIVE_INFINITY)
  }

  /** In the files that follow one. */
  async #bytesBehind(file: ChainFile): Promise<number> {
    const {files} = this.chain
    let bytes = 0
    for (const {path} of files.slice(files.indexOf(file) + 1)) bytes += await sizeOf(path)
    return bytes
  }
}

/** What commands look into; anything else nobody can hand on. */
const COMMON: ReadonlySet<ValueType> = new Set<ValueType>(['string', 'list', 'set', 'zset', 'hash', 'stream'])

/** Takes the keys of a shard out of a snapshot. */
class ShardLoading extends LoadingVisitor {
  constructor(
    keyspace: Keyspace,
    options: LoadingOptions,
    readonly sharing: Sharing,
  ) {
    super(keyspace, options)
  }

  override moduleAux(): void {
    throw new NotShared('a module has data of its own')
  }

  override entry(entry: Entry): ValueVisitor {
    if (!COMMON.has(entry.type)) throw new NotShared(`a value is of the type ${entry.type}`)
    const {bytes, start, end} = entry.keyBytes
    return this.sharing.owns(bytes, start, end) ? super.entry(entry) : SKIP
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

function problemOf({kind, command, message, offset, db, key}: Refusal): Problem {
  const [code, text] = {
    error: ['COMMAND_FAILED', `${command} changes nothing: a server answers ${message}`],
    skipped: ['COMMAND_SKIPPED', `${command} was left out: ${message}`],
    partly: ['COMMAND_PARTLY', `${command} was applied, but ${message}`],
  }[kind] as [string, string]
  return {code, severity: 'warning', offset, text, db, key}
}
