/**
 * check --target: what a server will do with a snapshot, or the base of a log,
 * when it starts from it.
 */
import {PredictedLoad} from '../analysis/loading/predicted-load.js'
import {LoadIndexes, type LoadPrediction, predictionOf} from '../analysis/loading/prediction.js'
import type {LogSoundness} from '../analysis/soundness-log.js'
import type {Chain} from '../aof/chain.js'
import type {ByteSource, ByteWindow} from '../bytes/source.js'
import {UsageError} from '../errors.js'
import type {SourceFormat} from '../keyspace/entry-source.js'
import {KEY_INDEX_BYTES} from '../keyspace/key-index.js'
import type {Problem} from '../keyspace/visitor.js'
import {type Loader, loaderOf} from '../rdb/loaders.js'
import {hasMagic} from '../rdb/versions.js'
import {openSource} from '../source/open.js'

export interface TargetCheck extends LoadPrediction {
  /** The file of a log that was looked at. */
  file?: string | undefined
}

/** The server keeps its log as a folder with a manifest; before, as one file (redis 7.0). */
const FOLDER_LINES = /^(?:valkey|redict|redis-[78])/
/** A log could not begin with a snapshot (before redis 4.0). */
const PLAIN_LOG_LINES = /^redis-[23]/

/** Feeds a snapshot to the server's loader while it is checked. */
export class TargetJudge {
  readonly loader: Loader
  readonly #indexes: LoadIndexes
  #load: PredictedLoad | undefined

  /** UsageError where no target has that name. */
  constructor(
    readonly name: string,
    memoryBytes = KEY_INDEX_BYTES,
  ) {
    this.loader = loaderOf(name)
    this.#indexes = new LoadIndexes(memoryBytes)
  }

  /** A source of which the loader sees every window, to its end if need be. */
  readonly watch = (source: ByteSource): ByteSource => {
    this.#load = this.#newLoad(source.inputBytes, false)
    return new WatchedSource(source, this.#load)
  }

  /** What becomes of what was watched, once it is closed; UsageError where servers start from no such thing. */
  async judge(format: SourceFormat): Promise<TargetCheck> {
    if (format === 'rdb') return await predictionOf(this.#load!, this.#indexes)
    throw new UsageError(
      `servers start from snapshots and logs, not from ${format}: build a snapshot for the target first`,
    )
  }

  /** What becomes of a log: its base is looked at, which files it is made of, and what no server gets past in its commands. */
  async judgeLog(chain: Chain, log: LogSoundness): Promise<TargetCheck> {
    const [base] = chain.files
    const load = this.#newLoad(Number.POSITIVE_INFINITY, true)
    const isFolder = chain.manifest !== undefined
    const isRead = !isFolder || this.#readsFolders
    if (!isRead) this.#addFolder(load)
    else if (base?.type === 'base') await this.#feedBase(load, base.path)
    if (isRead && load.obstacles.ending === undefined) this.#addStop(load, chain, log)
    const result = await predictionOf(load, this.#indexes)
    return {...result, unseen: ['commands', ...result.unseen], file: base?.name}
  }

  /** The same of one whose manifest no server reads, and why. */
  async judgeManifest({code, offset, text}: Problem): Promise<TargetCheck> {
    const load = this.#newLoad(0, true)
    if (this.#readsFolders) load.obstacles.addAt('refuses', code, text, '', {offset})
    else this.#addFolder(load)
    return {...(await predictionOf(load, this.#indexes)), unseen: ['commands']}
  }

  close(): void {
    this.#indexes.close()
  }

  get #readsFolders(): boolean {
    return FOLDER_LINES.test(this.loader.target.name)
  }

  #addFolder({obstacles}: PredictedLoad): void {
    const text = `a log is one file to ${this.loader.target.name}: it starts without what a folder with a manifest holds`
    obstacles.addAt('skips', 'LOG_FOLDER', text, '', {offset: 0})
  }

  async #feedBase(load: PredictedLoad, path: string): Promise<void> {
    const {name} = this.loader.target
    if (!(await feed(load, path)) || !PLAIN_LOG_LINES.test(name)) return
    const text = `a log that begins with a snapshot is none to ${name}`
    load.obstacles.addAt('refuses', 'LOG_PREAMBLE', text, '', {offset: 0})
  }

  /** The first thing that stops the server behind the snapshot. */
  #addStop({obstacles}: PredictedLoad, {manifest}: Chain, {files}: LogSoundness): void {
    const file = files.find(one => one.stop !== undefined)
    if (file?.stop === undefined) return
    const {code, offset, text} = file.stop
    const effect = code === 'BAD_ARITY' ? this.loader.wrongArity : code === 'BAD_TRANSACTION' ? 'crashes' : 'refuses'
    obstacles.addAt(effect, code, manifest === undefined ? text : `${file.name}: ${text}`, '', {offset})
  }

  #newLoad(inputBytes: number, isBase: boolean): PredictedLoad {
    const {keys, elements} = this.#indexes
    return new PredictedLoad(this.loader, {inputBytes, isBase, keys, elements})
  }
}

/** Gives a snapshot to a loader as far as it wants it; false where the file begins with commands. */
async function feed(load: PredictedLoad, path: string): Promise<boolean> {
  const source = await openSource(path)
  try {
    let window = await source.read()
    if (window !== undefined && !isSnapshot(window)) return false
    for (; window !== undefined && !load.done; window = await source.read()) load.take(window)
    load.finish()
    return true
  } finally {
    await source.close()
  }
}

function isSnapshot({bytes, start, end}: ByteWindow): boolean {
  return hasMagic(bytes, start, end) !== false
}

/** Shows every window to a loader before it is handed on, and whatever is left at the end. */
class WatchedSource implements ByteSource {
  readonly name: string
  readonly inputBytes: number
  readonly path?: string
  readonly readRest?: () => Promise<number>

  constructor(
    readonly source: ByteSource,
    readonly load: PredictedLoad,
  ) {
    this.name = source.name
    this.inputBytes = source.inputBytes
    if (source.path !== undefined) this.path = source.path
    if (source.readRest !== undefined) this.readRest = () => source.readRest!()
  }

  get storedRead(): number {
    return this.source.storedRead
  }

  get storedBytes(): number {
    return this.source.storedBytes
  }

  async read(): Promise<ByteWindow | undefined> {
    const window = await this.source.read()
    if (window === undefined) this.load.finish()
    else this.load.take(window)
    return window
  }

  async close(): Promise<void> {
    try {
      // Our reader stops at what a server may read over.
      while (!this.load.done && (await this.read()) !== undefined);
    } finally {
      await this.source.close()
    }
  }
}
