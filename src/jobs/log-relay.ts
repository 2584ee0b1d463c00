/**
 * A log that a server goes on writing, as the stream of a master: replicas get the data as of a place in the log, and what was
 * appended behind it.
 *
 *   appendonlydir   base, increments  | place | more is appended
 *   ours            snapshot of that, made when somebody asks | stream: SELECT, then the commands
 *
 * Whole units go into the stream: a command, or a transaction from MULTI to EXEC. A snapshot is made anew once the stream
 * behind the last one is not kept any more. Where the log goes on behind data that need not be what was read, another history
 * begins.
 */
import {setTimeout as sleep} from 'node:timers/promises'
import {type LogCommand, LogReader} from '../aof/log-reader.js'
import {ByteWriter} from '../bytes/writer.js'
import {UsageError} from '../errors.js'
import type {Master} from '../replication/master.js'
import type {ServedSnapshot, SnapshotWish} from '../replication/master-events.js'
import {formatCommand, putBulk} from '../resp/framing.js'
import {databaseOf, isWord, wordOf} from '../resp/word.js'
import {type LogFile, openLogFiles} from '../source/log-files.js'
import {isChain} from '../source/open.js'
import {StagedSnapshots, type StageEvent, type StageOptions} from './serve-snapshots.js'

/** Of the stream that is kept: replicas that load for a while need more of it than of PINGs. */
export const RELAY_BACKLOG_BYTES = 64 * 1024 * 1024
/** Bytes that are gathered before they are handed on. */
const BATCH_BYTES = 64 * 1024
/** A rewrite may take away files while a snapshot is made of them: it is made anew then. */
const STAGINGS_MAX = 5
const STAGING_DELAY_MS = 500
const SELECT = wordOf('select')

/** Up to where the log has been handed on. */
interface LogPlace {
  file: string
  offset: number
  /** Selected there: behind whole units, whatever a transaction that has begun selects. */
  db: number
}

/** The data as of one place, and where that is in the stream. */
interface Generation {
  staged: StagedSnapshots
  offset: number
}

export type RelayEvent = StageEvent | {kind: 'restarted'; replicationId: string; why: string}

export class LogRelay {
  readonly #place: LogPlace = {file: '', offset: 0, db: 0}
  /** Units that are whole, and one that may not be yet. */
  readonly #batch = new ByteWriter(2 * BATCH_BYTES)
  /** Where the unit begins. */
  #unit = 0
  #inTransaction = false
  /** Selected behind the last command, which may be one of a transaction. */
  #selected = 0
  #live = false
  #ready: () => void = () => {}
  readonly #caughtUp = new Promise<void>(resolve => {
    this.#ready = resolve
  })
  #generation: Promise<Generation> | undefined
  /** Files of snapshots that are replaced may still be sent. */
  readonly #old: StagedSnapshots[] = []

  constructor(
    readonly folder: string,
    readonly master: Pick<Master, 'offset' | 'backlog' | 'feed' | 'restart' | 'replicationId'>,
    readonly options: StageOptions,
    readonly onEvent: (event: RelayEvent) => void,
  ) {}

  /** Reads the log to its end, and goes on until it is called off; throws what makes it unreadable. */
  async run(signal: AbortSignal): Promise<void> {
    if (!(await isChain(this.folder))) {
      throw new UsageError(`${this.folder} is no folder of a log (appendonlydir): only such a one can be followed`)
    }
    const files = await openLogFiles(this.folder, {
      signal,
      onPause: async () => this.#pause(),
      onProblem: ({code, text}) => {
        if (code === 'LOG_GAP') this.#restart(text)
      },
      onRestart: () => this.#restart('the files before it were replaced'),
    })
    try {
      for (let file = await files.next(); file !== undefined; file = await files.next()) await this.#read(file, signal)
    } finally {
      await files.close()
    }
  }

  /** What a replica reads, of the last snapshot that the stream can go on from. */
  async snapshotFor(wish: SnapshotWish): Promise<ServedSnapshot> {
    const {staged, offset} = await this.generation()
    return {...(await staged.snapshotFor(wish)), offset}
  }

  /** The same for all that ask at once. */
  async generation(): Promise<Generation> {
    await this.#caughtUp
    const current = this.#generation ?? this.#begin()
    const generation = await current
    if (this.#isFresh(generation)) return generation
    // Somebody else may have begun another meanwhile.
    if (this.#generation === current) {
      this.#old.push(generation.staged)
      this.#begin()
    }
    return await this.generation()
  }

  #begin(): Promise<Generation> {
    const begun = this.#stage()
    this.#generation = begun
    begun.catch(() => {
      if (this.#generation === begun) this.#generation = undefined
    })
    return begun
  }

  /** Removes all snapshots. */
  async close(): Promise<void> {
    const last = await this.#generation?.catch(() => undefined)
    for (const staged of [...this.#old, ...(last === undefined ? [] : [last.staged])]) await staged.close()
  }

  /** Whoever loads it has as much time again as has passed since. */
  #isFresh({offset}: Generation): boolean {
    const {backlog} = this.master
    return backlog.holds(offset + 1) && backlog.end - offset <= backlog.bytesMax / 2
  }

  async #stage(): Promise<Generation> {
    for (let attempt = 1; ; attempt++) {
      this.#flush()
      const {file, offset: at, db} = this.#place
      const {offset} = this.master
      // Whoever begins here knows of no database that was selected before.
      this.master.feed(formatCommand(['SELECT', String(db)]))
      try {
        const pointInTime = {untilOffset: {file, offset: at}}
        return {staged: await StagedSnapshots.stage(this.folder, {...this.options, pointInTime}, this.onEvent), offset}
      } catch (error) {
        const moved = this.#place.file !== file
        if (attempt === STAGINGS_MAX || (!moved && attempt > 1)) throw error
        await sleep(STAGING_DELAY_MS)
      }
    }
  }

  async #read({name, source}: LogFile, signal: AbortSignal): Promise<void> {
    this.#flush()
    // Every file is loaded by a client of its own.
    Object.assign(this.#place, {file: name, offset: 0, db: 0})
    this.#selected = 0
    if (this.#live) this.#put(formatCommand(['SELECT', '0']))
    const reader = new LogReader(source, {ignoreChecksum: this.options.ignoreChecksum})
    try {
      await reader.run({
        command: command => this.#command(command, reader.inTransaction),
        drain: () => {
          if (this.#live) this.#flush()
          return undefined
        },
      })
    } finally {
      await source.close()
    }
    // What is not whole at the end of a file that nobody writes any more never will be: servers leave it out.
    if (!signal.aborted) this.#batch.length = this.#unit
    this.#inTransaction = false
  }

  #command(command: LogCommand, inTransaction: boolean): void {
    const {bytes, bounds, argc, endOffset} = command
    if (argc === 2 && isWord(bytes, bounds[0]!, bounds[1]!, SELECT)) {
      this.#selected = databaseOf(bytes, bounds[2]!, bounds[3]!) ?? this.#selected
    }
    if (this.#live) {
      this.#batch.ascii(`*${argc}\r\n`)
      for (let i = 0; i < 2 * argc; i += 2) putBulk(this.#batch, bytes, bounds[i]!, bounds[i + 1]!)
    }
    this.#inTransaction = inTransaction
    if (inTransaction) return
    this.#unit = this.#batch.length
    this.#place.offset = endOffset
    this.#place.db = this.#selected
    if (this.#unit >= BATCH_BYTES) this.#flush()
  }

  /** Everything that is there has been read. */
  #pause(): void {
    // Of a transaction that has begun before, nothing would be in the stream but its end.
    if (this.#inTransaction && !this.#live) return
    this.#flush()
    this.#live = true
    this.#ready()
  }

  #put(bytes: Uint8Array): void {
    this.#batch.copy(bytes, 0, bytes.length)
    this.#unit = this.#batch.length
  }

  /** Hands on what is whole. */
  #flush(): void {
    const {bytes, length} = this.#batch
    const end = this.#unit
    if (end === 0) return
    this.master.feed(bytes.subarray(0, end))
    bytes.copyWithin(0, end, length)
    this.#batch.length = length - end
    this.#unit = 0
  }

  #restart(why: string): void {
    if (!this.#live) return
    this.#flush()
    this.master.restart()
    const before = this.#generation
    this.#generation = undefined
    before?.then(({staged}) => this.#old.push(staged)).catch(() => {})
    this.onEvent({kind: 'restarted', replicationId: this.master.replicationId, why})
  }
}
