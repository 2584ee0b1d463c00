/**
 * The scene: a replica attaches to a master, takes the snapshot of a full resync, loads it, and acknowledges offsets once a
 * second while `SET key-b key-a` flows. Every server is the master once by either transfer.
 */
import {copyFileSync, mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterEach, describe, expect, it, vi} from 'vitest'
import {type Sync, sync} from '../../src/jobs/sync.js'
import type {SyncEvent} from '../../src/report/replica-log.js'
import {run} from '../fixtures/recipes.js'
import {describeEachServer} from './each-server.js'
import * as oracle from './oracle.js'
import {baseCommands} from './oracle-changes.js'
import {type Server, startServer} from './server.js'

/** What ends with the test. */
const ending: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
})

const quiet = {'repl-diskless-sync-delay': 0, 'repl-ping-replica-period': 3600}

async function master(name: string, config: Record<string, string | number>): Promise<Server> {
  const server = await startServer(name, {config: {...quiet, ...config}})
  ending.push(() => server.stop())
  return server
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'rdbtool-sync-'))
  ending.push(() => rmSync(path, {recursive: true, force: true}))
  return path
}

/** What the master tells of itself and of us. */
async function replication(
  server: Server,
): Promise<{state: string; offset: number; lag: number; masterOffset: number}> {
  const info = String(await server.client.call('INFO', 'replication'))
  const replica = /slave0:.*state=(\w+),offset=(\d+),lag=(\d+)/.exec(info)
  const masterOffset = Number(/master_repl_offset:(\d+)/.exec(info)?.[1])
  return {state: replica?.[1] ?? 'none', offset: Number(replica?.[2]), lag: Number(replica?.[3]), masterOffset}
}

/** Waits until the master has heard of us that we are where it is. */
async function caughtUp(server: Server): Promise<number> {
  return await vi.waitFor(
    async () => {
      const {state, offset, lag, masterOffset} = await replication(server)
      expect({state, offset}).toEqual({state: 'online', offset: masterOffset})
      expect(lag).toBeLessThanOrEqual(1)
      return offset
    },
    {timeout: 5000, interval: 50},
  )
}

/** A replica at work: resolves once it is online; `leave` ends it. */
async function attach(server: Server, out: string): Promise<{events: SyncEvent[]; leave: () => Promise<Sync>}> {
  const ended = new AbortController()
  const events: SyncEvent[] = []
  let online = (): void => {}
  const isOnline = new Promise<void>(resolve => {
    online = resolve
  })
  const done = sync({host: '127.0.0.1', port: server.port}, out, {
    follow: {signal: ended.signal},
    onEvent: event => {
      events.push(event)
      if (event.kind === 'online') online()
    },
  })
  const leave = (): Promise<Sync> => {
    ended.abort()
    return done
  }
  ending.push(() => leave().catch(() => {}))
  await Promise.race([isOnline, done])
  return {events, leave}
}

/** From a master that answers to the same again; every step is one that the test of the scene names. */
async function scene(name: string, version: string, diskless: 'yes' | 'no'): Promise<void> {
  const server = await master(name, {'repl-diskless-sync': diskless})
  await run(server, baseCommands(name, Number.parseFloat(version)))
  const dir = folder()
  const original = join(dir, 'original.rdb')
  copyFileSync(await server.save(), original)
  const out = join(dir, 'snap.rdb')
  const replica = await attach(server, out)

  // The first command of a stream selects its database; what follows is the command alone.
  await server.client.call('SET', 'key-a', 'value')
  const before = await caughtUp(server)
  await server.client.call('SET', 'key-b', 'key-a')
  expect(await caughtUp(server)).toBe(before + 35)
  expect(await server.client.call('WAIT', 1, 900)).toBe(1)

  const {transfer, offset, replicationId, inventory, followed} = await replica.leave()
  expect(transfer).toBe(diskless === 'yes' ? 'diskless' : 'disk')
  const info = String(await server.client.call('INFO', 'replication'))
  expect(info).toContain(`master_replid:${replicationId}`)
  const {masterOffset} = await replication(server)
  expect(followed).toMatchObject({bytes: masterOffset - offset, offset: masterOffset, failure: undefined})
  expect(inventory).toMatchObject({checksum: 'ok', serverVersion: version})
  expect(replica.events.map(({kind}) => kind)).toEqual(expect.arrayContaining(['pong', 'full-resync', 'online']))
  expect(await oracle.sameAfterLoading(name, original, out)).toEqual([])
}

describeEachServer('the scene with', (name, version) => {
  // Side by side: most of it is waiting for the second to pass in which offsets are acknowledged.
  it('its snapshot through its disk, and without', async () => {
    await Promise.all([scene(name, version, 'no'), scene(name, version, 'yes')])
  })
})

describe('a snapshot alone', () => {
  it('of an empty master', async () => {
    const server = await master('redis-7.0', {})
    const {inventory} = await sync({host: '127.0.0.1', port: server.port}, join(folder(), 'empty.rdb'))
    expect(inventory).toMatchObject({keys: 0, databases: [], checksum: 'ok'})
  })

  it('without a checksum where the master writes none', async () => {
    const server = await master('redis-7.0', {rdbchecksum: 'no'})
    const {inventory} = await sync({host: '127.0.0.1', port: server.port}, join(folder(), 'bare.rdb'))
    expect(inventory.checksum).toBe('absent')
  })
})
