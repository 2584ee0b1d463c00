/**
 * Threads that help to replay a log (source/shared-replay.ts): each is asked twice.
 *
 *   replay      its shard of the log; it answers with what it met
 *   hand over   its keys, as an RDB file for the target; it answers with what that has no place for
 */
import {availableParallelism} from 'node:os'
import type {ByteSource} from '../bytes/source.js'
import {type Answerer, KEPT, type Parcel, type Piece, Thread, threadScript} from '../parallel/thread.js'
import {type SegmentPieces, SegmentSource} from '../rdb/segment-source.js'
import type {SegmentStart} from '../rdb/segments.js'
import {targetOf} from '../rdb/targets.js'
import {type HandedOver, type HelperReplay, type Helpers, type SharedLog, shardsOf} from '../source/shared-replay.js'
import type {HandOver, ShardAnswer, ShardQuestion} from './shard-replay.js'

export interface ReplayHelpersOptions extends HandOver {
  /** This one among them; absent: as many as pay. */
  threads?: number | undefined
  /** Bytes of a log from which on threads pay. */
  threadBytesMin?: number | undefined
  /** Makes a thread of a script of src/threads. */
  newThread?: ((script: string) => Answerer<never, never>) | undefined
  /** Told of each helper's keys, once they have been read. */
  onHandedOver(what: HandedOver): void
}

/** Whose snapshots hold whatever commands make. */
const WHOLE_TARGET = 'redis-8.8'
/** A thread is ready after some 100 ms, in which one thread replays some 30 MB. */
const THREAD_BYTES_MIN = 64 * 1024 * 1024
/** Each reads all of the log: what they share is the rest. */
const CORES_MIN = 4
const THREADS_MAX = 4

/** Helpers for a log; undefined where they do not pay, or cannot help. */
export function helpersFor(
  {bytes, options}: Pick<SharedLog, 'bytes' | 'options'>,
  helping: ReplayHelpersOptions,
): Helpers | undefined {
  const {threads = defaultThreads(), threadBytesMin = THREAD_BYTES_MIN} = helping
  if (threads < 2 || bytes < threadBytesMin || !Number.isFinite(bytes)) return undefined
  // What is looked for, or left out, is looked for in one place.
  const {beforeCommand, dropCommands = []} = options.pointInTime ?? {}
  if (beforeCommand !== undefined || dropCommands.length > 0) return undefined
  return new ReplayHelpers(threads - 1, helping)
}

class ReplayHelpers implements Helpers {
  readonly #helpers: Helper[] = []
  failure: Promise<void> | undefined

  constructor(
    readonly count: number,
    readonly options: ReplayHelpersOptions,
  ) {}

  start(log: SharedLog): void {
    const {newThread = realThread} = this.options
    for (const shard of shardsOf(this.count).slice(1)) {
      const helper = new Helper(newThread('replay') as Answerer<ShardQuestion, ShardAnswer>)
      this.#helpers.push(helper)
      helper.start({replay: log, shard}, this.options)
      helper.replayed.catch(error => {
        this.failure ??= failed(error)
      })
    }
  }

  async replayed(): Promise<HelperReplay[]> {
    return await Promise.all(this.#helpers.map(({replayed}) => replayed))
  }

  snapshots(): ByteSource[] {
    return this.#helpers.map(helper => new SegmentSource(helper, WHOLE_FILE))
  }

  async handedOver(): Promise<HandedOver[]> {
    return await Promise.all(this.#helpers.map(({handedOver}) => handedOver!))
  }

  onHandedOver(what: HandedOver): void {
    this.options.onHandedOver(what)
  }

  async end(): Promise<void> {
    await Promise.all(this.#helpers.map(helper => helper.end()))
  }
}

function defaultThreads(): number {
  const cores = availableParallelism()
  return cores < CORES_MIN ? 1 : Math.min(cores, THREADS_MAX)
}

function realThread(script: string): Thread<never, never> {
  return new Thread(threadScript(script))
}

/** For who awaits it; it may be that nobody does. */
function failed(error: unknown): Promise<never> {
  const failure = Promise.reject(error)
  failure.catch(() => {})
  return failure
}

/** What is handed over is no part of another file. */
const WHOLE_FILE: SegmentStart = {
  ...{header: {magic: 'REDIS', family: 'redis', rdbVersion: 0}, offset: 0, db: 0},
  ...{inputBytes: Number.POSITIVE_INFINITY, templates: [], lies: undefined},
}

class Helper implements SegmentPieces {
  replayed!: Promise<HelperReplay>
  handedOver: Promise<HandedOver> | undefined
  readonly #parcels: Parcel[] = []
  /** All that comes has come, or nothing more will. */
  #ended = false
  #wake: (() => void) | undefined

  constructor(readonly thread: Answerer<ShardQuestion, ShardAnswer>) {}

  start(question: ShardQuestion, handOver: HandOver): void {
    this.replayed = this.#start(question, handOver)
    this.replayed.catch(() => {})
  }

  async #start(question: ShardQuestion, {target, compress, strict, nowMs}: HandOver): Promise<HelperReplay> {
    const {replayed} = (await this.thread.ask(question, () => {})) as {replayed: HelperReplay}
    // Who goes on with them wants all of each key.
    const whole: HandOver = {target: targetOf(WHOLE_TARGET), compress: false, strict: true, nowMs}
    const handOver = replayed.proof.haltedAt === undefined ? {target, compress, strict, nowMs} : whole
    this.handedOver = this.#handOver({handOver})
    this.handedOver.catch(() => {})
    return replayed
  }

  async #handOver(question: ShardQuestion): Promise<HandedOver> {
    try {
      const answer = await this.thread.ask(question, parcel => {
        this.#parcels.push(parcel)
        this.#wake?.()
        return KEPT
      })
      return (answer as {handedOver: HandedOver}).handedOver
    } finally {
      this.#ended = true
      this.#wake?.()
    }
  }

  async next(): Promise<Piece> {
    for (;;) {
      const parcel = this.#parcels.shift()
      if (parcel !== undefined) return {buffer: parcel.buffer, used: parcel.used}
      if (this.#ended) {
        await this.handedOver
        return {end: 'whole'}
      }
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }

  back(buffer: ArrayBuffer): void {
    this.thread.giveBack(buffer)
  }

  async end(): Promise<void> {
    await this.thread.end()
  }
}
