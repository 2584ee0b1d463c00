/**
 * What a thread does that helps to replay a log (replay-helpers.ts): it replays one shard, and keeps the keys until it is
 * asked for them.
 */
import {MemoryTarget} from '../bytes/target.js'
import {LossReport, type Lost} from '../keyspace/loss-report.js'
import type {Outbox} from '../parallel/answering.js'
import {ParcelTarget} from '../parallel/parcel-target.js'
import type {Target} from '../rdb/targets.js'
import {RdbWriter} from '../rdb/writer.js'
import type {Shard} from '../replay/shard.js'
import {Arena} from '../resident/arena.js'
import {Keyspace} from '../resident/keyspace.js'
import {ReplayKernel} from '../resident/replay-kernel.js'
import {showKeyspace} from '../resident/showing.js'
import {LogReplay} from '../source/log-replay.js'
import {openLogFile} from '../source/open.js'
import {Heard, type HelperReplay, proofOf, type SharedLog} from '../source/shared-replay.js'

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

/** What became of the keys of a helper. Plain data. */
export interface HandedOver {
  keys: number
  written: number
  emptied: number
  lost: Lost[]
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
  const replay = new LogReplay(chain, {open: openLogFile, take: openLogFile}, keyspace, heard, {...options, shard})
  try {
    await replay.run()
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
  return {keys, written: writer.keys, emptied: writer.emptied, lost: losses?.list() ?? []}
}
