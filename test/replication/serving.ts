/** A master that serves a small file, for one test: what it tells, and replicas that attach to it. */
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, afterEach, vi} from 'vitest'
import {Master, type MasterOptions} from '../../src/replication/master.js'
import type {MasterEvent, ServedSnapshot, SnapshotWish} from '../../src/replication/master-events.js'
import {encodeCommand} from '../server/resp.js'
import {fileOf} from '../start/rdb.js'
import {ScriptedReplica} from './scripted-replica.js'

export const folder = mkdtempSync(join(tmpdir(), 'rdbtool-master-'))
afterAll(() => rmSync(folder, {recursive: true, force: true}))

const RDB = fileOf(['a', 'b', 'c'])
const path = join(folder, 'small.rdb')
writeFileSync(path, RDB)
export const SNAPSHOT: ServedSnapshot = {path, bytes: RDB.length, family: 'redis', rdbVersion: 9}
export const PAYLOAD = `$${RDB.length}\r\n${RDB.toString('latin1')}`
export const GETACK = encodeCommand(['REPLCONF', 'GETACK', '*']).toString('latin1')
export const PING = encodeCommand(['PING']).toString('latin1')

const masters: Master[] = []
afterEach(async () => {
  for (const master of masters.splice(0)) await master.close()
})

export interface Serving {
  master: Master
  events: MasterEvent[]
  wishes: SnapshotWish[]
  kinds: () => string[]
  replica: () => Promise<ScriptedReplica>
}

/** Says nothing by itself, unless told. */
export async function serving(options: Partial<MasterOptions> = {}): Promise<Serving> {
  const events: MasterEvent[] = []
  const wishes: SnapshotWish[] = []
  const master = await Master.listen({
    port: 0,
    pingIntervalMs: 3_600_000,
    tickMs: 10,
    snapshotFor: async wish => {
      wishes.push(wish)
      return SNAPSHOT
    },
    onEvent: event => events.push(event),
    ...options,
  })
  // The first tick would say PING.
  masters.push(master)
  const kinds = (): string[] => events.map(({kind}) => kind)
  return {master, events, wishes, kinds, replica: () => ScriptedReplica.connect(master.port)}
}

export async function until(check: () => void): Promise<void> {
  await vi.waitFor(check, {timeout: 5000, interval: 5})
}

/** As a replica of redis 6.0 and later begins. */
export const HANDSHAKE = [
  ['PING'],
  ['REPLCONF', 'listening-port', 7777],
  ['REPLCONF', 'capa', 'eof', 'capa', 'psync2'],
] as const

export const bytesOf = (commands: readonly (readonly (string | number)[])[]): Buffer =>
  Buffer.concat(commands.map(one => encodeCommand([...one])))

export const OKS = '+PONG\r\n+OK\r\n+OK\r\n'

/** Through the handshake and the snapshot, without having acknowledged it. */
export async function attached(serving: Serving): Promise<ScriptedReplica> {
  const replica = await serving.replica()
  await replica.send(bytesOf([...HANDSHAKE, ['PSYNC', '?', -1]]))
  await replica.hears(GETACK)
  return replica
}
