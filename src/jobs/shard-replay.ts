/**
 * What a thread does that helps to replay a log (replay-helpers.ts): it replays one shard, and keeps the keys until it is
 * asked for them.
 */
import {MemoryTarget} from '../bytes/target.js'
import {LossReport} from '../keyspace/loss-report.js'
import type {Outbox} from '../parallel/answering.js'
import {ParcelTarget} from '../parallel/parcel-target.js'
import type {Target} from '../rdb/targets.js'
import {RdbWriter} from '../rdb/writer.js'
import type {Shard} from '../replay/shard.js'
import {Arena} from '../resident/arena.js'
import {Keyspace} from '../resident/keyspace.js'
import {ReplayKernel} from '../resident/replay-kernel.js'
import {showKeyspace} from '../resident/showing.js'
import type {StreamValue} from '../resident/stream.js'
import {LogReplay, NotShared} from '../source/log-replay.js'
import {openLogFile} from '../source/open.js'
import {type HandedOver, Heard, type HelperReplay, proofOf, type SharedLog} from '../source/shared-replay.js'

/** Keys are written down before they are asked for: in so many mebibytes at most. */
export const PARCELS_MAX = 64

/** How helpers write their keys down. */
export interface HandOver {
  target: Target
  compress?: boolean | undefined
  /** What the target cannot hold is an error; otherwise it is counted. */
  strict: boolean
  nowMs: number
}

export type ShardQuestion = {replay: SharedLog; shard: Shard} | {handOver: HandOver}
export type ShardAnswer = {replayed: HelperReplay} | {handedOver: HandedOver}

/** What a thread does: it keeps its keys between the two questions. */
export function shardReplay(): (question: ShardQuestion, outbox: Outbox) => Promise<ShardAnswer> {
  let keyspace: Keyspace | undefined
  return async (question, outbox) => {
    if ('handOver' in question) return {handedOver: await handOver(keyspace!, question.handOver, outbox)}
    const {replay: log, shard} = question
    keyspace = new Keyspace(new Arena(ReplayKernel.of(log.bytes)))
    return {replayed: await replayShard(log, shard, keyspace)}
  }
}

async function replayShard({chain, options}: SharedLog, shard: Shard, keyspace: Keyspace): Promise<HelperReplay> {
  const heard = new Heard()
  const halted = new NotShared('a command is on keys of several shards')
  const onCrossing = () => Promise.reject(halted)
  const files = {open: openLogFile, take: openLogFile}
  const replay = new LogReplay(chain, files, keyspace, heard, {...options, shard, onCrossing})
  try {
    await replay.run()
  } catch (error) {
    if (error !== halted) throw error
  } finally {
    await replay.close()
  }
  const {errors, skipped} = replay.replayed
  // Of the files as such somebody else tells.
  const told = heard.told.filter(({problem}) => problem.db !== undefined)
  return {proof: proofOf(replay), errors, skipped, refusals: [...replay.refusals], told}
}

async function handOver(
  keyspace: Keyspace,
  {target, compress, strict, nowMs}: HandOver,
  outbox: Outbox,
): Promise<HandedOver> {
  const parcels = new ParcelTarget(outbox)
  // What turns out to have no place while it is written is taken back.
  const memory = strict ? undefined : new MemoryTarget()
  const losses = strict ? undefined : new LossReport()
  const writer = new RdbWriter(memory ?? parcels, {target, compress, losses, nowMs})
  let keys = 0
  try {
    await showKeyspace(keyspace, {
      entry: entry => {
        keys++
        return writer.entry(entry)
      },
      drain: () => writer.drain(),
    })
    writer.finish()
  } finally {
    writer.dispose()
  }
  if (memory !== undefined) parcels.write(memory.view(), 0, memory.bytes)
  await parcels.finish()
  const {keys: written, emptied} = writer
  return {keys, written, emptied, lost: losses?.list() ?? [], derived: derivedStreams(keyspace)}
}

function derivedStreams(keyspace: Keyspace): HandedOver['derived'] {
  const derived: HandedOver['derived'] = []
  for (const number of keyspace.numbers()) {
    const db = keyspace.database(number)
    for (let entry = db.next(0); entry >= 0; entry = db.next(entry + 1)) {
      if (db.type(entry) !== 'stream' || !(db.seen(entry) as StreamValue).derived) continue
      derived.push({db: number, key: db.key(entry)})
    }
  }
  return derived
}
