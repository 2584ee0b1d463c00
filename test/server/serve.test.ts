/**
 * Real servers as our replicas: every one attaches by REPLICAOF, loads what is served, holds the same as if it had started
 * from the file itself, stays online, goes on after its link was cut, and takes everything anew where it must.
 */
import {copyFileSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {afterEach, describe, expect, it, vi} from 'vitest'
import {type Served, type ServeOptions, serve} from '../../src/jobs/serve.js'
import type {StagedSnapshot} from '../../src/jobs/serve-snapshots.js'
import type {MasterMessage} from '../../src/replication/master-events.js'
import type {ServeEvent} from '../../src/report/master-log.js'
import {run} from '../fixtures/recipes.js'
import {fileOf} from '../start/rdb.js'
import {describeEachServer} from './each-server.js'
import * as oracle from './oracle.js'
import {baseCommands} from './oracle-changes.js'
import {availableServers, type Server, startServer} from './server.js'

/** Seconds that a replica stays online; npm run soak takes 60. */
const ONLINE_SECONDS = Number(process.env['RDBTOOL_ONLINE_SECONDS'] ?? 3)
const PATIENCE = {timeout: 20_000, interval: 50}

/** What ends with the test. */
const ending: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
})

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'rdbtool-serve-test-'))
  ending.push(() => rmSync(path, {recursive: true, force: true}))
  return path
}

async function started(name: string, config: Record<string, string | number> = {}): Promise<Server> {
  const server = await startServer(name, {config})
  ending.push(() => server.stop())
  return server
}

/** A file with something of every kind that this server knows, as it saves it. */
async function original(name: string, version: string): Promise<string> {
  const server = await startServer(name)
  const path = join(folder(), 'original.rdb')
  try {
    await run(server, baseCommands(name, Number.parseFloat(version)))
    copyFileSync(await server.save(), path)
  } finally {
    await server.stop()
  }
  return path
}

interface Master {
  port: number
  events: ServeEvent<StagedSnapshot>[]
  requests: string[][]
  count: (kind: ServeEvent['kind']) => number
  done: Promise<Served>
  leave: () => Promise<Served>
}

async function serving(source: string, options: Partial<ServeOptions> = {}): Promise<Master> {
  const ended = new AbortController()
  const events: Master['events'] = []
  const requests: string[][] = []
  let listening: (port: number) => void = () => {}
  const port = new Promise<number>(resolve => {
    listening = resolve
  })
  const done = serve(source, {
    port: 0,
    pingIntervalMs: 300,
    signal: ended.signal,
    onListening: master => listening(master.port),
    onEvent: event => events.push(event),
    onMessage: (message: MasterMessage) => {
      if (message.kind === 'request') requests.push([...message.args])
    },
    ...options,
  })
  done.catch(() => {})
  const leave = (): Promise<Served> => {
    ended.abort()
    return done
  }
  ending.push(() => leave().catch(() => {}))
  const count = (kind: ServeEvent['kind']): number => events.filter(event => event.kind === kind).length
  await vi.waitFor(() => expect(count('staged')).toBeGreaterThan(0), PATIENCE)
  return {port: await port, events, requests, count, done, leave}
}

async function field(server: Server, name: string): Promise<string | undefined> {
  const info = String(await server.client.call('INFO', 'replication'))
  return new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(info)?.[1]
}

async function follow(server: Server, port: number): Promise<void> {
  await server.client.call('REPLICAOF', '127.0.0.1', port)
  await linked(server)
}

async function linked(server: Server): Promise<void> {
  await vi.waitFor(async () => expect(await field(server, 'master_link_status')).toBe('up'), PATIENCE)
}

describeEachServer('a replica', (name, version) => {
  it(
    'loads what is served, stays online, goes on after a cut, and takes everything anew',
    async () => {
      const path = await original(name, version)
      const expected = await oracle.loaded(name, path, {'maxmemory-policy': 'noeviction'})
      const master = await serving(path)
      const replica = await started(name)
      await run(replica, [['SET', 'before', 'gone']])
      await follow(replica, master.port)
      expect(oracle.compare(expected, await oracle.snapshot(replica))).toEqual([])
      await vi.waitFor(() => expect(master.count('in-sync')).toBe(1), PATIENCE)

      const before = Number(await field(replica, 'slave_repl_offset'))
      const until = performance.now() + ONLINE_SECONDS * 1000
      while (performance.now() < until) {
        expect(await field(replica, 'master_link_status')).toBe('up')
        await sleep(500)
      }
      expect(Number(await field(replica, 'slave_repl_offset'))).toBeGreaterThan(before)
      expect(master.count('lost')).toBe(0)

      await replica.client.call('CLIENT', 'KILL', 'TYPE', 'MASTER')
      await vi.waitFor(() => expect(master.count('partial')).toBe(1), PATIENCE)
      await linked(replica)
      expect(master.count('full-resync')).toBe(1)

      await replica.client.call('REPLICAOF', 'NO', 'ONE')
      expect(oracle.compare(expected, await oracle.snapshot(replica))).toEqual([])
      await run(replica, [['SET', 'between', 'gone']])
      await follow(replica, master.port)
      expect(master.count('full-resync')).toBe(2)
      expect(oracle.compare(expected, await oracle.snapshot(replica))).toEqual([])
      expect(await master.leave()).toMatchObject({ended: 'called off', fullResyncs: 2, partialResyncs: 1})
    },
    60_000 + ONLINE_SECONDS * 1000,
  )
})

describe('several at once', () => {
  it('every server there is, of one file, and a replica of a replica', async () => {
    const path = join(folder(), 'nine.rdb')
    writeFileSync(path, fileOf(Array.from({length: 5000}, (_, i) => `key-${i}`)))
    const master = await serving(path)
    const replicas = await Promise.all(availableServers().found.map(({name}) => started(name)))
    const sub = await started(replicas[0]!.name)
    await Promise.all(replicas.map(replica => follow(replica, master.port)))
    await follow(sub, replicas[0]!.port)
    for (const server of [...replicas, sub]) expect(await server.client.call('DBSIZE')).toBe(5000)
    await vi.waitFor(() => expect(master.count('in-sync')).toBe(replicas.length), PATIENCE)
    // The stream of a chain is the same to the last byte.
    await vi.waitFor(async () => {
      const ours = master.events.filter(event => event.kind === 'acknowledged').at(-1)!
      expect(Number(await field(sub, 'slave_repl_offset'))).toBeGreaterThanOrEqual(ours.offset)
    }, PATIENCE)
    expect(await field(sub, 'master_replid')).toBe(await field(replicas[0]!, 'master_replid'))
  })
})
