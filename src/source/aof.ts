/**
 * An append-only log as entries: all its files are replayed into memory, then
 * shown like any other source. Memory is in proportion to the data set that the
 * log means, not to the log.
 */
import type {Chain} from '../aof/chain.js'
import type {PeekedSource} from '../bytes/peeked.js'
import {UsageError} from '../errors.js'
import type {EntrySource, SourceEnd, SourceOrigin} from '../keyspace/entry-source.js'
import type {EntryVisitor} from '../keyspace/visitor.js'
import {hasMagic, MAGIC_BYTES, parseMagic} from '../rdb/versions.js'
import {Arena} from '../resident/arena.js'
import {Keyspace} from '../resident/keyspace.js'
import {ReplayKernel} from '../resident/replay-kernel.js'
import {showKeyspace} from '../resident/showing.js'
import {
  LogReplay,
  type LogReplayOptions,
  type OpenFile,
  type Replayed,
  type ReplayHearer,
  type ReplayingOptions,
  TOLD_MAX,
} from './log-replay.js'
import {
  agreed,
  Heard,
  type HelperReplay,
  type Helpers,
  shardsOf,
  showSnapshots,
  takeSnapshots,
} from './shared-replay.js'

export type AofOptions = ReplayingOptions
export type {OpenFile, Replayed} from './log-replay.js'

/** Under this name a snapshot says when it was written, in seconds since 1970. */
const WRITTEN_AT = 'ctime'

export class AofSource implements EntrySource {
  readonly format = 'aof'
  replayed: Replayed | undefined
  /** Others that replay some of the keys. Set before `run`. */
  helpers: Helpers | undefined
  #first: PeekedSource | undefined
  #replay: LogReplay | undefined
  #storedRead = 0
  #begun = false

  /** `first` is the first file of the chain, open; `bytes` of all files, Infinity where nobody knows. */
  constructor(
    readonly chain: Chain,
    first: PeekedSource | undefined,
    readonly bytes: number,
    readonly openFile: OpenFile,
    readonly options: AofOptions = {},
  ) {
    this.#first = first
  }

  get source(): EntrySource['source'] {
    const storedRead = this.#replay?.storedRead ?? this.#storedRead
    return {name: this.chain.path, storedRead, storedBytes: this.bytes}
  }

  get offset(): number {
    return this.#replay?.offset ?? 0
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
    for (const name of this.chain.strays) {
      const text = 'this file is beside the log, and no part of it: the manifest does not name it'
      visitor.problem?.({code: 'STRAY_FILE', severity: 'warning', offset: 0, file: name, text})
    }
    const {helpers} = this
    try {
      return (helpers && (await this.#runTogether(helpers, visitor))) ?? (await this.#runAlone(visitor))
    } finally {
      await helpers?.end()
    }
  }

  async close(): Promise<void> {
    await this.#first?.close()
    await this.#replay?.close()
    this.#first = undefined
  }

  #begin(hearer: ReplayHearer, options: LogReplayOptions): LogReplay {
    const {chain} = this
    const keyspace = new Keyspace(new Arena(ReplayKernel.of(this.bytes)))
    const files = {open: this.openFile, take: (path: string) => this.takeFile(path)}
    this.#replay = new LogReplay(chain, files, keyspace, hearer, options)
    return this.#replay
  }

  async #runAlone(visitor: EntryVisitor): Promise<SourceEnd> {
    const replay = this.#begin(
      {
        aux: (...aux) => visitor.aux?.(...aux),
        problem: problem => visitor.problem?.(problem),
      },
      this.options,
    )
    await replay.run()
    this.replayed = replay.replayed
    return await this.#show(replay, replay.refusals, visitor)
  }

  /** Undefined, and nothing shown, where that cannot be. */
  async #runTogether(helpers: Helpers, visitor: EntryVisitor): Promise<SourceEnd | undefined> {
    const {chain, bytes} = this
    const options = {...this.options, nowMs: this.options.nowMs ?? Date.now()}
    const heard = new Heard()
    const [shard] = shardsOf(helpers.count)
    let others: HelperReplay[] | undefined
    const onCrossing = async (): Promise<void> => {
      others = await agreed(helpers, replay)
      await takeSnapshots(helpers, replay.keyspace)
      await helpers.end()
    }
    const onWindow = () => helpers.failure
    const replay = this.#begin(heard, {...options, shard, onCrossing, onWindow})
    try {
      helpers.start({chain, bytes, options})
      await replay.run()
      others ??= await agreed(helpers, replay)
    } catch {
      // It is met once more by whoever is alone with it.
      await helpers.end()
      return undefined
    }
    const refusals = new Map(replay.refusals)
    for (const [code, count] of others.flatMap(other => other.refusals)) {
      refusals.set(code, (refusals.get(code) ?? 0) + count)
    }
    heard.tell(others, refusals, visitor)
    const replayed = {...replay.replayed}
    for (const {errors, skipped} of others) {
      replayed.errors += errors
      replayed.skipped += skipped
    }
    this.replayed = replayed
    return await this.#show(replay, refusals, visitor, replay.haltedAt === undefined ? helpers : undefined)
  }

  async #show(
    replay: LogReplay,
    refusals: ReadonlyMap<string, number>,
    visitor: EntryVisitor,
    helpers?: Helpers,
  ): Promise<SourceEnd> {
    for (const [code, count] of refusals) {
      if (count <= TOLD_MAX) continue
      const text = `${count - TOLD_MAX} more commands were not applied`
      visitor.problem?.({code, severity: 'warning', offset: 0, text})
    }
    const writtenAt = await replay.writtenAt()
    if (writtenAt !== undefined) visitor.aux?.(WRITTEN_AT, Buffer.from(String(writtenAt)))
    await showKeyspace(replay.keyspace, visitor)
    // Another log may be replayed before this one is closed.
    this.#storedRead = replay.storedRead
    this.#replay = undefined
    if (helpers !== undefined) await showSnapshots(helpers, visitor)
    return {checksum: replay.checksum}
  }
}
