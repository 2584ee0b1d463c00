/**
 * A log replayed by several threads. Each reads all of it, and takes the commands on the keys of its own shard
 * (replay/shard.ts): so nothing has to be handed on between them until the log ends.
 *
 *   log ─┬─► this thread: shard 0  ──────────────► its keys ─┐
 *        └─► helper 1:    shard 1  ─ an RDB file ─► its keys ─┴─► visitor
 *
 * At a command on keys of several shards all of them halt. This thread takes the keys of the others, and goes on alone.
 *
 * Whatever they do not agree about, and whatever goes wrong in any of them, is left to one that does all by itself.
 */
import type {Chain} from '../aof/chain.js'
import type {ByteSource} from '../bytes/source.js'
import type {Entry} from '../keyspace/entry.js'
import type {Lost} from '../keyspace/loss-report.js'
import type {Passer} from '../keyspace/passer.js'
import type {EntryVisitor, Problem, ValueVisitor} from '../keyspace/visitor.js'
import {RdbReader} from '../rdb/reader.js'
import type {Shard} from '../replay/shard.js'
import type {Keyspace} from '../resident/keyspace.js'
import {LoadingVisitor} from '../resident/loading.js'
import type {StreamValue} from '../resident/stream.js'
import {
  type LogPlace,
  type LogReplay,
  NotShared,
  type ReplayHearer,
  type ReplayingOptions,
  TOLD_MAX,
} from './log-replay.js'

/** A log that helpers open for themselves. Plain data. */
export interface SharedLog {
  chain: Chain
  /** Of its files. */
  bytes: number
  options: ReplayingOptions
}

export interface Told {
  problem: Problem
  place: LogPlace
}

/** What is the same of every shard, since each has read all of the log. */
export interface ReplayProof {
  commands: number
  /** Of its files, up to where each ends well. */
  bytes: number
  checksum: string
  /** In front of a command on keys of several shards; absent: behind all of the log. */
  haltedAt: LogPlace | undefined
}

/** What a helper says of its replay. Plain data. */
export interface HelperReplay {
  proof: ReplayProof
  errors: number
  skipped: number
  /** Refused commands by code. */
  refusals: [code: string, count: number][]
  /** The first of them, and what else is wrong with keys of its own. */
  told: Told[]
}

/** What became of the keys of a helper. Plain data. */
export interface HandedOver {
  keys: number
  written: number
  emptied: number
  lost: Lost[]
  /** Streams of which a snapshot says more than is known (resident/stream.ts). */
  derived: {db: number; key: Uint8Array}[]
}

/** Threads that replay the same log. */
export interface Helpers {
  readonly count: number
  /** Each begins to replay the keys of its shard: the first helper has shard 1. */
  start(log: SharedLog): void
  /** There where one has failed: rejects. */
  readonly failure: Promise<void> | undefined
  /** What each has replayed, once all have. */
  replayed(): Promise<HelperReplay[]>
  /** The keys of each, as RDB files. Nobody fails any more but for what the target cannot hold. */
  snapshots(): ByteSource[]
  /** Awaited when all of them have been read. */
  handedOver(): Promise<HandedOver[]>
  /** What the target cannot hold, where the keys were written for that. */
  onHandedOver(what: HandedOver): void
  /** Ends the threads, whatever they do. */
  end(): Promise<void>
}

/** The shards are numbered so. */
export function shardsOf(helpers: number): Shard[] {
  return Array.from({length: helpers + 1}, (_, number) => ({number, count: helpers + 1}))
}

/** Keeps what it hears until it is known that it counts. */
export class Heard implements ReplayHearer {
  readonly told: Told[] = []
  readonly #aux: [name: string, value: Uint8Array, nameBytes?: Uint8Array][] = []

  aux(name: string, value: Uint8Array, nameBytes?: Uint8Array): void {
    this.#aux.push(nameBytes === undefined ? [name, value.slice()] : [name, value.slice(), nameBytes.slice()])
  }

  problem(problem: Problem, place: LogPlace): void {
    this.told.push({problem, place})
  }

  /** Tells all of it, and what helpers have been told, in the order of the log. */
  tell(others: readonly HelperReplay[], refusals: Map<string, number>, visitor: EntryVisitor): void {
    for (const aux of this.#aux) visitor.aux?.(...aux)
    const all = [...this.told, ...others.flatMap(({told}) => told)]
    all.sort(inOrder)
    const counts = new Map<string, number>()
    for (const {problem} of all) {
      const count = (counts.get(problem.code) ?? 0) + 1
      counts.set(problem.code, count)
      if (count <= TOLD_MAX || !refusals.has(problem.code)) visitor.problem?.(problem)
    }
  }
}

/** In that of the log: what a transaction brought about is told at its end. */
function inOrder({place: one, problem: its}: Told, {place: other, problem: others}: Told): number {
  return one.file - other.file || compare(one.offset, other.offset) || its.offset - others.offset
}

/** Infinities too. */
function compare(one: number, other: number): number {
  return one < other ? -1 : one > other ? 1 : 0
}

export function proofOf({replayed, bytes, checksum, haltedAt}: LogReplay): ReplayProof {
  return {commands: replayed.commands, bytes, checksum, haltedAt}
}

/** What each helper has replayed: throws NotShared where that is not what this one has, as of a log that is being written. */
export async function agreed(helpers: Helpers, replay: LogReplay): Promise<HelperReplay[]> {
  const others = await helpers.replayed()
  const {commands, bytes, checksum, haltedAt} = proofOf(replay)
  for (const {proof} of others) {
    const isSame = proof.commands === commands && proof.bytes === bytes && proof.checksum === checksum
    const isThere = proof.haltedAt?.file === haltedAt?.file && proof.haltedAt?.offset === haltedAt?.offset
    if (!isSame || !isThere) throw new NotShared('the threads have not read the same')
  }
  return others
}

/** Takes the keys that helpers hold into a data set. */
export async function takeSnapshots(helpers: Helpers, keyspace: Keyspace): Promise<void> {
  await eachSnapshot(helpers, async reader => {
    await reader.run(new LoadingVisitor(keyspace, {header: () => reader.header!}))
  })
  for (const {derived} of await helpers.handedOver()) {
    for (const {db: number, key} of derived) {
      const db = keyspace.database(number)
      const stream = db.value(db.find(key, 0, key.length)) as StreamValue
      stream.derived = true
    }
  }
}

/** Shows the keys that helpers hold. */
export async function showSnapshots(helpers: Helpers, visitor: EntryVisitor): Promise<void> {
  await eachSnapshot(helpers, async reader => {
    visitor.begins?.((await reader.readHeader()).family)
    await reader.run(new KeysOnly(visitor))
  })
  for (const what of await helpers.handedOver()) helpers.onHandedOver(what)
}

async function eachSnapshot(helpers: Helpers, read: (reader: RdbReader) => Promise<void>): Promise<void> {
  for (const source of helpers.snapshots()) {
    try {
      await read(new RdbReader(source))
    } finally {
      await source.close()
    }
  }
}

/** Is shown what is of a database: what a file says of itself is not about the log. */
class KeysOnly implements EntryVisitor {
  constructor(readonly visitor: EntryVisitor) {}

  get passer(): Passer | undefined {
    return this.visitor.passer
  }

  get take(): EntryVisitor['take'] {
    return this.visitor.take?.bind(this.visitor)
  }

  get takeWaits(): boolean {
    return this.visitor.takeWaits === true
  }

  selectDb(db: number): void {
    this.visitor.selectDb?.(db)
  }

  entry(entry: Entry): ValueVisitor {
    return this.visitor.entry(entry)
  }

  drain(): Promise<void> | undefined {
    return this.visitor.drain?.()
  }
}
