/**
 * The second answer of the oracle: what a running server says of every key, and of its functions. DEBUG DIGEST, the
 * first one, is blind to most of what stands around the values (oracle.test.ts shows to what), and never tells where
 * the difference is. Nothing of src/ has a part in it.
 */

import {type Client, openClient, type ReplyError} from './client.js'
import type {Server} from './server.js'
import {type Ask, printValue, type Reply, show, type ValuePrint} from './value-print.js'

export interface KeyPrint extends ValuePrint {
  db: number
  key: Buffer
  /** Both the same from 7.0 on. Before, only what is left can be asked for, between two looks at the clock. */
  expiry: {firstMs: number; lastMs: number} | undefined
  /** Where the eviction policy keeps it. It grows with the seconds. */
  idleSeconds: number | undefined
}

export interface Fingerprint {
  /** By database and bytes of the key. */
  keys: Map<string, KeyPrint>
  /** The source of each library of functions, by name. */
  libraries: Map<string, string>
}

export interface CompareOptions {
  /** false: consumers' seen and active times may differ, as they do where commands were replayed. */
  clocks?: boolean
  /** false: idle times may differ: no log says anything of them. */
  idle?: boolean
  /** How far apart expiries may be: masters up to 6.2 stream them as counted from when they hear of them. */
  expiryMs?: number
}

const KEYS_PER_TURN = 256
/** Two servers are asked one after the other. */
const IDLE_TOLERANCE_SECONDS = 5
/** Differences told one by one; of the others the number. */
const TOLD_MAX = 200

interface Asked {
  ask: Ask
  line: number
  fieldsExpire: boolean
  usage: 'FREQ' | 'IDLETIME' | undefined
}

/** Asked on a connection of its own: the server's client stays in its database. */
export async function fingerprint(server: Server): Promise<Fingerprint> {
  const client = await openClient(server.port)
  try {
    const asked = await prepare(client, server)
    const keys = new Map<string, KeyPrint>()
    for (const db of await databases(asked.ask)) {
      await asked.ask([['SELECT', db]])
      const names = await scan(asked.ask)
      for (let start = 0; start < names.length; start += KEYS_PER_TURN) {
        for (const print of await printKeys(asked, db, names.slice(start, start + KEYS_PER_TURN))) {
          keys.set(`${db}:${print.key.toString('hex')}`, print)
        }
      }
    }
    return {keys, libraries: asked.line < 7 ? new Map() : await libraries(asked.ask)}
  } finally {
    client.close()
  }
}

async function prepare(client: Client, {product, version}: Server): Promise<Asked> {
  const ask: Ask = async commands => {
    const replies: Reply[] = await client.pipeline(commands)
    const at = replies.findIndex(one => one instanceof Error)
    if (at >= 0) throw new Error(`${String(commands[at]?.[0])}: ${(replies[at] as ReplyError).message}`)
    return replies
  }
  // 7.2 and later: what is read here is not thereby recently used. Others refuse, and are touched.
  await client.pipeline([['CLIENT', 'NO-TOUCH', 'ON']])
  const [[, policy]] = await ask([['CONFIG', 'GET', 'maxmemory-policy']])
  const usage = /lfu/.test(String(policy)) ? 'FREQ' : /lru/.test(String(policy)) ? 'IDLETIME' : undefined
  const line = Number.parseFloat(version)
  const fieldsExpire = (product === 'redis' && line >= 7.4) || (product === 'valkey' && line >= 9)
  return {ask, line, fieldsExpire, usage}
}

async function databases(ask: Ask): Promise<number[]> {
  const [text] = await ask([['INFO', 'keyspace']])
  return [...String(text).matchAll(/^db(\d+):/gm)].map(([, db]) => Number(db))
}

async function scan(ask: Ask): Promise<Buffer[]> {
  const keys = new Map<string, Buffer>()
  let cursor = '0'
  do {
    const [[next, page]] = await ask([['SCAN', cursor, 'COUNT', 1000]])
    for (const key of page) keys.set(key.toString('latin1'), key)
    cursor = String(next)
  } while (cursor !== '0')
  return [...keys.values()]
}

async function printKeys({ask, line, fieldsExpire, usage}: Asked, db: number, keys: Buffer[]): Promise<KeyPrint[]> {
  // Asked first: the commands of the types touch the key.
  const used: Reply[] = usage ? await ask(keys.map(key => ['OBJECT', usage, key])) : []
  const types = (await ask(keys.map(key => ['TYPE', key]))).map(String)
  const expiries = await (line < 7 ? timesLeft(ask, keys) : expiryTimes(ask, keys))
  const prints: KeyPrint[] = []
  for (const [index, key] of keys.entries()) {
    const type = types[index] ?? 'none'
    // It expired since SCAN has named it.
    if (type === 'none') continue
    const value = await printValue(ask, type, key, fieldsExpire)
    value.parts.set('type', type)
    if (usage === 'FREQ') value.parts.set('frequency', String(used[index]))
    const idleSeconds = usage === 'IDLETIME' ? Number(used[index]) : undefined
    prints.push({db, key, expiry: expiries[index], idleSeconds, ...value})
  }
  return prints
}

async function expiryTimes(ask: Ask, keys: Buffer[]): Promise<KeyPrint['expiry'][]> {
  const times = await ask(keys.map(key => ['PEXPIRETIME', key]))
  return times.map(at => (at < 0 ? undefined : {firstMs: at, lastMs: at}))
}

async function timesLeft(ask: Ask, keys: Buffer[]): Promise<KeyPrint['expiry'][]> {
  const replies = await ask(keys.flatMap(key => [['MULTI'], ['TIME'], ['PTTL', key], ['TIME'], ['EXEC']]))
  const clock = ([seconds, micros]: [Buffer, Buffer]): number =>
    Number(seconds) * 1000 + Math.floor(Number(micros) / 1000)
  return keys.map((_, index) => {
    const [before, left, after] = replies[index * 5 + 4]
    return left < 0 ? undefined : {firstMs: clock(before) + left, lastMs: clock(after) + left}
  })
}

/** FUNCTION DUMP holds the same sources, in the order of a hash table that each process seeds anew. */
async function libraries(ask: Ask): Promise<Map<string, string>> {
  const [list] = await ask([['FUNCTION', 'LIST', 'WITHCODE']])
  return new Map(
    list.map((flat: Reply[]) => {
      const at = (name: string): Buffer =>
        flat[flat.findIndex((one, index) => index % 2 === 0 && String(one) === name) + 1]
      return [show(at('library_name')), `${String(at('engine'))} ${at('library_code').toString('latin1')}`]
    }),
  )
}

/** What differs, in lines to be read: what of the first, what of the second. */
export function compareFingerprints(a: Fingerprint, b: Fingerprint, options: CompareOptions = {}): string[] {
  const lines: string[] = []
  for (const id of union(a.keys, b.keys)) {
    const [one, other] = [a.keys.get(id), b.keys.get(id)]
    const {db, key} = (one ?? other) as KeyPrint
    const title = `db ${db} ${show(key)}`
    if (!one || !other) lines.push(`${title}: only in the ${one ? 'first' : 'second'}`)
    else lines.push(...compareKeys(one, other, options).map(line => `${title}: ${line}`))
  }
  for (const line of compareMaps(a.libraries, b.libraries)) lines.push(`library ${line}`)
  const more = lines.length - TOLD_MAX
  return more > 0 ? [...lines.slice(0, TOLD_MAX), `and ${more} more differences`] : lines
}

function compareKeys(a: KeyPrint, b: KeyPrint, {clocks = true, idle = true, expiryMs = 0}: CompareOptions): string[] {
  const lines = compareMaps(a.parts, b.parts)
  if (clocks) lines.push(...compareMaps(a.clocks, b.clocks))
  const isBefore = (one: KeyPrint['expiry'], other: KeyPrint['expiry']): boolean =>
    one !== undefined && other !== undefined && one.lastMs + expiryMs < other.firstMs
  const apart = isBefore(a.expiry, b.expiry) || isBefore(b.expiry, a.expiry)
  if (apart || !a.expiry !== !b.expiry) {
    lines.push(`expiry: ${a.expiry?.firstMs ?? 'none'}, then ${b.expiry?.firstMs ?? 'none'}`)
  }
  if (idle && Math.abs((a.idleSeconds ?? 0) - (b.idleSeconds ?? 0)) > IDLE_TOLERANCE_SECONDS) {
    lines.push(`idle seconds: ${a.idleSeconds}, then ${b.idleSeconds}`)
  }
  return lines
}

function compareMaps(a: Map<string, string>, b: Map<string, string>): string[] {
  const names = union(a, b).filter(name => a.get(name) !== b.get(name))
  return names.map(name => `${name}: ${a.get(name) ?? 'none'}, then ${b.get(name) ?? 'none'}`)
}

const union = (a: Map<string, unknown>, b: Map<string, unknown>): string[] => [...new Set([...a.keys(), ...b.keys()])]
