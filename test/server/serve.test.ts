/**
 * Real servers as our replicas: every one attaches by REPLICAOF, loads what is served, holds the same as if it had started
 * from the file itself, stays online, goes on after its link was cut, and takes everything anew where it must.
 */
import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {describe, expect, it, vi} from 'vitest'
import {Master} from '../../src/replication/master.js'
import {Random} from '../fixtures/deterministic.js'
import {run} from '../fixtures/recipes.js'
import {fileOf} from '../start/rdb.js'
import {describeEachServer} from './each-server.js'
import {HostileProxy} from './hostile-proxy.js'
import * as oracle from './oracle.js'
import {availableServers} from './server.js'
import {ending, field, folder, follow, linked, original, PATIENCE, serving, started} from './serving.js'

/** Seconds that a replica stays online; npm run soak takes 60. */
const ONLINE_SECONDS = Number(process.env['RDBTOOL_ONLINE_SECONDS'] ?? 3)

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

describe('a link that is cut in the middle of the snapshot', () => {
  it('again and again: in the end each server has it whole', async () => {
    const path = join(folder(), 'long.rdb')
    writeFileSync(path, fileOf(Array.from({length: 30_000}, (_, i) => `${'key'.repeat(20)}-${i}`)))
    const master = await serving(path, {target: 'redis-5.0'})
    const random = new Random(7)
    const proxy = await HostileProxy.start({port: () => master.port, random: () => random.below(1_000_000) / 1_000_000})
    ending.push(() => proxy.stop())
    const names = availableServers().found.map(({name}) => name)
    const replicas = await Promise.all(names.map(name => started(name)))
    for (const replica of replicas) await replica.client.call('REPLICAOF', '127.0.0.1', proxy.port)
    for (let i = 0; i < 6; i++) {
      await sleep(300)
      if (i === 3) proxy.stall(500)
      proxy.cut()
    }
    for (const replica of replicas) {
      await linked(replica)
      expect(await replica.client.call('DBSIZE')).toBe(30_000)
    }
    expect(master.count('lost')).toBeGreaterThan(3)
  }, 60_000)
})

describe('several at once', () => {
  it('wait for a snapshot that takes longer to make than they would hear nothing', async () => {
    const path = join(folder(), 'late.rdb')
    const bytes = fileOf(['a', 'b'])
    writeFileSync(path, bytes)
    const master = await Master.listen({
      port: 0,
      snapshotFor: async () => {
        await sleep(7000)
        return {path, bytes: bytes.length, family: 'redis', rdbVersion: 9}
      },
    })
    ending.push(() => master.close())
    const names = availableServers().found.map(({name}) => name)
    const replicas = await Promise.all(names.map(name => started(name, {'repl-timeout': 3})))
    await Promise.all(replicas.map(replica => follow(replica, master.port)))
    for (const replica of replicas) {
      expect(await replica.client.call('DBSIZE')).toBe(2)
      expect(replica.log()).not.toMatch(/timeout/i)
    }
  }, 60_000)

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
