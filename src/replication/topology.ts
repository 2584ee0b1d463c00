/**
 * Who the masters are: of a cluster by CLUSTER SLOTS, which every version has; of a name by a Sentinel, which then is not
 * taken at its word.
 *
 *   CLUSTER SLOTS   [first, last, [ip, port, id, ...] master, [ip, port, id, ...] replica ...] ...
 *   ROLE            ["master", offset, ...] | ["slave", ip, port, state, offset]
 */
import {setTimeout as sleep} from 'node:timers/promises'
import {SLOT_COUNT} from '../bytes/crc16.js'
import {type WireCode, WireError} from '../errors.js'
import {coverage, rangesWhere, type SlotRange, uncoveredText} from '../keyspace/slots.js'
import {formatAddress, type ServerAddress} from '../resp/address.js'
import {CONNECT_TIMEOUT_MS} from '../resp/connection.js'
import {refusalCode} from '../resp/refusal.js'
import {Questions, type Reply, ReplyFailure} from '../resp/reply.js'

export const SENTINEL_PORT = 26_379
/** Between two looks at who is master. */
const LOOK_AGAIN_MS = 500
/** Refusals that have nothing to do with what was asked. */
const OF_THE_SERVER: ReadonlySet<WireCode> = new Set([
  'AUTH_REQUIRED',
  'NO_PERMISSION',
  'MASTER_NOT_READY',
  'PROTECTED_MODE',
])

export interface ClusterNode {
  id: string
  address: ServerAddress
}

/** A master, its replicas, and the slots that they hold. */
export interface Shard {
  master: ClusterNode
  replicas: ClusterNode[]
  slots: SlotRange[]
}

/**
 * The shards of a cluster, by their lowest slot; every slot belongs to one of them, or a WireError tells which do not.
 * `timeoutMs` is for the connection, `silenceMs` for the answer.
 */
export async function clusterShards(
  seed: ServerAddress,
  timeoutMs: number = CONNECT_TIMEOUT_MS,
  silenceMs: number = timeoutMs,
): Promise<Shard[]> {
  const name = formatAddress(seed)
  const reply = await askOnce(seed, {timeoutMs, silenceMs}, ['CLUSTER', 'SLOTS'], 'NOT_A_CLUSTER')
  const shards = parseSlots(reply, seed)
  if (shards === undefined) {
    throw new WireError('UNEXPECTED_REPLY', `${name} answered CLUSTER SLOTS in a form we do not know`, name, {
      stage: 'asking',
    })
  }
  const uncovered = uncoveredText(coverage(shards))
  if (uncovered === undefined) return shards
  throw new WireError('SLOTS_UNCOVERED', `${name}: of the slots of the cluster, ${uncovered}`, name, {stage: 'asking'})
}

/** Slots that have another master than before. */
export function movedSlots(before: readonly Shard[], after: readonly Shard[]): SlotRange[] {
  const [one, other] = [before, after].map(shards => {
    const owners: string[] = new Array(SLOT_COUNT).fill('')
    for (const {master, slots} of shards) for (const [first, last] of slots) owners.fill(master.id, first, last + 1)
    return owners
  })
  return rangesWhere(slot => one![slot] !== other![slot])
}

/** The master that Sentinels have under a name: they are asked in turn, and the master itself whether it is one. */
export async function masterOf(
  name: string,
  sentinels: readonly ServerAddress[],
  master: Omit<ServerAddress, 'host' | 'port' | 'path'>,
  {
    timeoutMs = CONNECT_TIMEOUT_MS,
    silenceMs = timeoutMs,
    patienceMs,
  }: {timeoutMs?: number | undefined; silenceMs?: number | undefined; patienceMs: number},
): Promise<ServerAddress> {
  const until = performance.now() + patienceMs
  for (;;) {
    const {host, port} = await askSentinels(name, sentinels, {timeoutMs, silenceMs})
    const address = {...master, host, port}
    const role = await askOnce(address, {timeoutMs, silenceMs}, ['ROLE'], 'MASTER_REFUSED').catch(passingFailure)
    if (Array.isArray(role) && role[0] === 'master') return address
    // A failover takes its time: the Sentinels may know the new master already, or not yet.
    if (performance.now() + LOOK_AGAIN_MS >= until) {
      if (role instanceof WireError) throw role
      const where = formatAddress(address)
      const said = Array.isArray(role) ? String(role[0]) : JSON.stringify(role)
      const text = `Sentinel has ${where} as the master ${JSON.stringify(name)}, but its role is ${said}`
      throw new WireError('NOT_A_MASTER', text, where, {stage: 'asking'})
    }
    await sleep(LOOK_AGAIN_MS)
  }
}

/** A master that nobody reaches is one that a failover is about to replace; anything else is thrown. */
function passingFailure(error: unknown): WireError {
  if (error instanceof WireError && (error.code === 'CONNECT_FAILED' || error.code === 'CONNECT_TIMEOUT')) return error
  throw error
}

/** One that cannot be reached is passed over; what the last one said stands. */
async function askSentinels(name: string, sentinels: readonly ServerAddress[], limits: Limits): Promise<ServerAddress> {
  let failure: unknown
  for (const sentinel of sentinels) {
    try {
      const reply = await askOnce(sentinel, limits, ['SENTINEL', 'get-master-addr-by-name', name], 'NOT_A_SERVER')
      if (Array.isArray(reply)) return {host: String(reply[0]), port: Number(reply[1])}
      const where = formatAddress(sentinel)
      const text = `the Sentinel at ${where} knows no master called ${JSON.stringify(name)}`
      failure = new WireError('MASTER_UNKNOWN', text, where, {stage: 'asking'})
    } catch (error) {
      failure = error
    }
  }
  throw failure
}

/** How long to wait for a connection, and for an answer. */
interface Limits {
  timeoutMs: number
  silenceMs: number
}

/** `refusal`: what an error reply means that says nothing of permissions and passwords. */
async function askOnce(
  address: ServerAddress,
  {timeoutMs, silenceMs}: Limits,
  question: readonly string[],
  refusal: WireCode,
): Promise<Reply> {
  const questions = await Questions.open(address, timeoutMs, silenceMs)
  try {
    const reply = await questions.ask(...question)
    if (!(reply instanceof ReplyFailure)) return reply
    const name = formatAddress(address)
    const code = refusalCode(`-${reply.text}`)
    const context = {stage: 'asking', reply: `-${reply.text}`, user: address.user} as const
    const text = `${name} refused ${question.slice(0, 2).join(' ')}: ${reply.text}`
    throw new WireError(OF_THE_SERVER.has(code) ? code : refusal, text, name, context)
  } finally {
    questions.close()
  }
}

function parseSlots(reply: Reply, seed: ServerAddress): Shard[] | undefined {
  if (!Array.isArray(reply)) return undefined
  const shards = new Map<string, Shard>()
  for (const entry of reply) {
    if (!Array.isArray(entry)) return undefined
    const [first, last, ...nodes] = entry
    const [master, ...replicas] = nodes.map(node => parseNode(node, seed))
    if (!isSlot(first) || !isSlot(last) || master === undefined || replicas.includes(undefined)) return undefined
    const shard = shards.get(master.id) ?? {master, replicas: replicas as ClusterNode[], slots: []}
    shard.slots.push([first, last])
    shards.set(master.id, shard)
  }
  for (const {slots} of shards.values()) slots.sort((a, b) => a[0] - b[0])
  return [...shards.values()].sort((a, b) => a.slots[0]![0] - b.slots[0]![0])
}

/** An endpoint that is not told is the one that we asked (redis 7.0 cluster-preferred-endpoint-type unknown-endpoint). */
function parseNode(node: Reply, seed: ServerAddress): ClusterNode | undefined {
  if (!Array.isArray(node)) return undefined
  const [host, port, id] = node
  if (typeof port !== 'number') return undefined
  const known = typeof host === 'string' && host !== '' && host !== '?'
  const {path: _, ...credentials} = seed
  const address = {...credentials, host: known ? host : seed.host, port}
  return {id: typeof id === 'string' ? id : formatAddress(address), address}
}

function isSlot(reply: Reply | undefined): reply is number {
  return typeof reply === 'number' && reply >= 0 && reply < SLOT_COUNT
}
