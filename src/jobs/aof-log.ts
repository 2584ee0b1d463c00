/**
 * aof-log: shows the commands of a log, file by file, as they stand there:
 * nothing is replayed. Memory is that of the largest command.
 */
import {type LogCommand, type LogEnd, LogReader, TORN_WORDS} from '../aof/log-reader.js'
import type {LoggedCommand, LoggedVisitor} from '../aof/logged.js'
import {FormatError, PlacedError} from '../errors.js'
import {type EntryVisitor, type Problem, SKIP} from '../keyspace/visitor.js'
import {producerOf} from '../rdb/producer.js'
import type {RdbReader} from '../rdb/reader.js'
import {databaseOf, isWord, wordOf} from '../resp/word.js'
import {type LogFile, type LogFiles, openLogFiles} from '../source/log-files.js'
import {LogFilter, type LogFilterOptions} from './aof-log-filter.js'
import {AwaitedCommand, checkSwallowed} from './swallowed.js'

export interface AofLogOptions extends LogFilterOptions {
  /** Who is shown the log; told of its files before that, and of how much of them has been read since. */
  show(files: LogFiles, progress: LogProgress): LoggedVisitor
  /** At most so many commands: with the last of them the run ends. */
  limit?: number | undefined
  /** Go on as the log is appended to. */
  follow?: boolean | undefined
  /** Ends the run between two commands. */
  signal?: AbortSignal | undefined
  /** Go on where a snapshot's checksum is wrong; a problem says so. */
  ignoreChecksum?: boolean | undefined
  /** Told of what is wrong and no reason to end, as it is met. */
  onProblem?: ((problem: Problem) => void) | undefined
}

export interface LogProgress {
  readonly storedRead: number
  readonly storedBytes: number
}

export interface AofLog {
  /** Commands read, and how many of them were shown. */
  commands: number
  shown: number
  /** What ended the run early: what lies before it was shown. */
  failure: unknown
}

/** Thrown where nobody wants more. */
const ENOUGH = Symbol('enough')

const NO_COMMAND: LogCommand = {
  ...{bytes: new Uint8Array(0), argc: 0, bounds: new Int32Array(0), offset: 0, endOffset: 0},
}
const SELECT = wordOf('select')

/** Shows a log. Failures are told, not thrown. */
export async function showLog(name: string, options: AofLogOptions): Promise<AofLog> {
  const showing = new LogShowing(options)
  let files: LogFiles | undefined
  let failure: unknown
  try {
    const {signal = new AbortController().signal, onProblem = () => {}} = options
    const following = {signal, onPause: () => showing.wait(), onProblem}
    files = await openLogFiles(name, options.follow === true ? following : undefined)
    await showing.run(files)
  } catch (error) {
    if (error !== ENOUGH && options.signal?.aborted !== true) failure = error
  } finally {
    await files?.close()
  }
  await showing.pause()
  return {commands: showing.commands, shown: showing.shown, failure}
}

class LogShowing {
  commands = 0
  shown = 0
  readonly #filter: LogFilter
  readonly #limit: number
  #visitor: LoggedVisitor | undefined
  #readBefore = 0
  #open: LogFile | undefined
  #timesMet = false
  /** Looks whether the command that is not whole yet ever will be. */
  #look: (() => Promise<void>) | undefined
  /** Shows the snapshot of the present file, once it is whole. */
  #begin: (() => void) | undefined

  constructor(readonly options: AofLogOptions) {
    this.#filter = new LogFilter(options)
    this.#limit = options.limit ?? Number.POSITIVE_INFINITY
  }

  pause(): Promise<void> | undefined {
    this.#begin?.()
    return this.#visitor?.pause?.()
  }

  /** All that is there has been read, and more is waited for. */
  async wait(): Promise<void> {
    await this.#look?.()
    await this.pause()
  }

  async run(files: LogFiles): Promise<void> {
    const read = (): number => this.#readBefore + (this.#open?.source.storedRead ?? 0)
    this.#visitor = this.options.show(files, {
      storedBytes: files.storedBytes,
      get storedRead() {
        return read()
      },
    })
    const logged: LoggedCommand = {command: NO_COMMAND, file: '', db: 0, seconds: undefined, inTransaction: false}
    for (let file = await files.next(); file !== undefined; file = await files.next()) {
      this.#open = file
      try {
        // Every file is loaded by a client of its own; the time that the last one ended at goes on.
        const end = await this.#file(file, files, Object.assign(logged, {file: file.name, db: 0, inTransaction: false}))
        this.#checkEnd(file, files, end)
      } finally {
        this.#readBefore += file.source.storedRead
        this.#open = undefined
        this.#look = undefined
        await file.source.close()
      }
    }
    if (this.#filter.timed && !this.#timesMet && this.commands > 0) {
      const text = 'the log does not say when (aof-timestamp-enabled no): --since and --until have nothing to go by'
      this.options.onProblem?.({code: 'LOG_WITHOUT_TIMES', severity: 'warning', offset: 0, text})
    }
  }

  async #file({name, source, file}: LogFile, files: LogFiles, logged: LoggedCommand): Promise<LogEnd> {
    const visitor = this.#visitor!
    const place = files.several ? name : undefined
    const reader = new LogReader(source, {ignoreChecksum: this.options.ignoreChecksum})
    const problem = (one: Problem): void => this.options.onProblem?.({...one, file: place})
    let snapshot: SnapshotFacts | undefined
    let begun = false
    const begin = (): void => {
      if (begun || (snapshot !== undefined && reader.sofar.preamble === undefined)) return
      begun = true
      if (snapshot !== undefined && this.#filter.everything) visitor.snapshot(snapshot.told(name, reader))
    }
    this.#begin = begin
    if (file !== undefined) {
      const awaited = new AwaitedCommand(file.fd)
      // Within a snapshot there are no commands.
      this.#look = async () => {
        const isSnapshot = snapshot !== undefined && reader.sofar.preamble === undefined
        if (!isSnapshot) await awaited.look(reader.offset, source.storedRead)
      }
    }
    try {
      const end = await reader.run({
        command: command => {
          if (!begun) begin()
          this.#command(command, reader.inTransaction, logged, visitor)
        },
        timestamp: seconds => {
          this.#timesMet = true
          logged.seconds = seconds
          // What is there may tell of a clock that was set back; what is still to come is waited for no longer.
          if (this.options.follow === true && this.#filter.isPast(seconds)) throw ENOUGH
        },
        preamble: inner => {
          snapshot = new SnapshotFacts(inner, problem, () => this.#checkInterrupt())
          return snapshot
        },
        problem,
        drain: () => {
          this.#checkInterrupt()
          return visitor.drain?.()
        },
      })
      begin()
      if (end.torn === 'command' && file !== undefined && !this.#interrupted) {
        await checkSwallowed({fd: file.fd, offset: reader.offset, bytes: end.bytes})
      }
      return end
    } catch (error) {
      if (error instanceof PlacedError) error.place.file = place
      throw error
    }
  }

  get #interrupted(): boolean {
    return this.options.signal?.aborted === true
  }

  #checkInterrupt(): void {
    if (this.#interrupted) throw ENOUGH
  }

  #command(command: LogCommand, inTransaction: boolean, logged: LoggedCommand, visitor: LoggedVisitor): void {
    this.commands++
    logged.command = command
    if (command.argc === 2 && isWord(command.bytes, command.bounds[0]!, command.bounds[1]!, SELECT))
      logged.db = databaseOf(command.bytes, command.bounds[2]!, command.bounds[3]!) ?? logged.db
    // EXEC has ended what it belongs to.
    const within = logged.inTransaction
    logged.inTransaction = inTransaction || within
    if (this.#filter.everything || this.#filter.takes(logged)) {
      visitor.command(logged)
      this.shown++
    }
    logged.inTransaction = inTransaction
    if (this.shown === this.#limit) throw ENOUGH
  }

  /** A log may end where its server was stopped, but only in its last file. */
  #checkEnd({name}: LogFile, files: LogFiles, {torn, goodOffset, bytes}: LogEnd): void {
    if (torn === undefined || this.#interrupted) return
    const place = files.several ? name : undefined
    if (torn !== 'annotation' && files.hasNext) {
      const error = new FormatError('TRUNCATED', `${TORN_WORDS[torn]}, though another file follows it`, goodOffset)
      error.place.file = place
      throw error
    }
    const bytesLost = bytes - goodOffset
    const text = `${TORN_WORDS[torn]}: a server leaves its last ${bytesLost} bytes out (aof-load-truncated)`
    this.options.onProblem?.({code: 'LOG_TORN', severity: 'warning', offset: goodOffset, file: place, text, bytesLost})
  }
}

/** Counts the keys of a snapshot, and keeps what it says of itself. */
class SnapshotFacts implements EntryVisitor {
  #keys = 0
  readonly #aux = new Map<string, string>()

  constructor(
    readonly reader: RdbReader,
    readonly problem: (problem: Problem) => void,
    readonly checkInterrupt: () => void,
  ) {}

  drain(): undefined {
    this.checkInterrupt()
  }

  entry(): typeof SKIP {
    this.#keys++
    return SKIP
  }

  aux(name: string, value: Uint8Array): void {
    if (FACTS.has(name)) this.#aux.set(name, Buffer.from(value.subarray(0, FACT_BYTES_MAX)).toString())
  }

  told(file: string, log: LogReader): Parameters<LoggedVisitor['snapshot']>[0] {
    const {family, rdbVersion} = this.reader.header!
    const {product, serverVersion} = producerOf({family, rdbVersion}, this.#aux, false)
    const ctime = this.#aux.get('ctime')
    const seconds = ctime !== undefined && /^\d{1,11}$/.test(ctime) ? Number(ctime) : undefined
    const bytes = log.sofar.preamble!.bytes
    return {file, bytes, keys: this.#keys, rdbVersion, product, serverVersion, seconds}
  }
}

const FACTS: ReadonlySet<string> = new Set(['ctime', 'redis-ver', 'valkey-ver', 'mvcc-tstamp'])
/** More than any version has. */
const FACT_BYTES_MAX = 64
