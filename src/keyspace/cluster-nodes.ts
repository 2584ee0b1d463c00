/**
 * The shards of a cluster as its nodes write them down: nodes.conf, or what CLUSTER NODES answers.
 *
 *   id address[@cport][,hostname][,aux=value...] flags master ping pong epoch link [slots...]
 *   vars currentEpoch 6 lastVoteEpoch 0            of nodes.conf, at its end
 *
 *   slots   0-5460   5462   [93->-id] is moving there   [93-<-id] is coming from there
 *
 * A slot that is moving stands among those of the node that it still belongs to (redis 7.0 cluster.c
 * clusterGenNodeDescription). Replicas have no slots; a master that failed has its own until another one has taken them.
 */
import {SLOT_COUNT} from '../bytes/crc16.js'
import {UsageError} from '../errors.js'
import type {SlotRange} from './slots.js'

/** A master with slots. */
export interface NodeShard {
  nodeId: string
  slots: SlotRange[]
}

export interface NodeShards {
  /** By their lowest slot. */
  shards: NodeShard[]
  /** Slots that are on their way from one shard to another: keys of them may be with either. */
  migrating: number[]
  /** Masters with slots that are marked as failed, by node: nobody has taken those slots yet. */
  failed: string[]
}

/** Of the fields before the slots. */
const FIELDS = 8
const NOT_IN_CHARGE: ReadonlySet<string> = new Set(['slave', 'replica', 'handshake'])

/** Throws UsageError, with the line, where the text is something else. `name`: of the file, for that. */
export function parseClusterNodes(text: string, name: string): NodeShards {
  const shards: NodeShard[] = []
  const migrating = new Set<number>()
  const failed: string[] = []
  for (const [at, line] of text.split('\n').entries()) {
    const fields = line.trim().split(/ +/)
    if (line.trim() === '' || fields[0] === 'vars') continue
    const [nodeId, , flags] = fields
    if (fields.length < FIELDS || !/^[0-9a-f]{40}$/.test(nodeId!) || !/^[a-z?,]+$/.test(flags!)) {
      throw new UsageError(
        `${name}, line ${at + 1}: this is no node of a cluster; give nodes.conf, or the text of CLUSTER NODES, or a number of shards`,
      )
    }
    const names = flags!.split(',')
    if (names.some(flag => NOT_IN_CHARGE.has(flag))) continue
    const slots: SlotRange[] = []
    for (const field of fields.slice(FIELDS)) {
      const moving = /^\[(\d+)-[<>]-[0-9a-f]{40}\]$/.exec(field)?.[1]
      if (moving !== undefined) migrating.add(Number(moving))
      else slots.push(parseRange(field, `${name}, line ${at + 1}`))
    }
    if (slots.length > 0 && names.includes('fail')) failed.push(nodeId!)
    if (slots.length > 0) shards.push({nodeId: nodeId!, slots: slots.sort((a, b) => a[0] - b[0])})
  }
  if (shards.length === 0) throw new UsageError(`${name}: no master with slots is in it`)
  shards.sort((a, b) => a.slots[0]![0] - b.slots[0]![0])
  return {shards, migrating: [...migrating].sort((a, b) => a - b), failed}
}

function parseRange(field: string, where: string): SlotRange {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(field)
  const first = Number(match?.[1])
  const last = Number(match?.[2] ?? match?.[1])
  if (match !== null && first <= last && last < SLOT_COUNT) return [first, last]
  throw new UsageError(`${where}: ${JSON.stringify(field)} are no slots of a cluster`)
}
