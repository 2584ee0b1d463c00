/**
 * What each real server is sent, by what it says of itself: it loads it, and holds what the source does; and what becomes of
 * those that cannot.
 */
import {describe, expect, it, vi} from 'vitest'
import {differencesOf} from '../reading/differences.js'
import {fixture} from '../reading/fixtures.js'
import {describeEachServer} from './each-server.js'
import {findServer} from './server.js'
import {field, follow, type Master, PATIENCE, serving, started} from './serving.js'

const path = (name: string): string => fixture(`rdb/${name}.rdb`).path

/** Of the snapshots whose sending began: a replica may be done before we know that the system took all of it. */
function versions({events}: Master): number[] {
  return events.flatMap(event => (event.kind === 'sending' ? [event.snapshot.rdbVersion] : []))
}

/** Of plain data, by name of the server. Redis 8.0 says that it knows two connections where it is configured to use them. */
const PLAIN: Readonly<Record<string, readonly number[]>> = {
  'redis-6.0': [8],
  'redis-7.0': [9],
  'redis-8.0': [9, 12],
  'redict-7.3': [9],
  'valkey-8.0': [11],
  'valkey-8.1': [11],
  'valkey-9.1': [80],
}

describeEachServer('of a file of redis 8.0,', name => {
  it('is sent what it reads, and holds the same', async () => {
    for (const source of [path('hash-hashtable-v12'), path('zset-skiplist-v12'), path('databases-v12')]) {
      const master = await serving(source)
      const replica = await started(name)
      await follow(replica, master.port)
      expect(PLAIN[name]).toContain(versions(master)[0])
      expect((await differencesOf(source, await replica.save())).lines).toEqual([])
      await replica.client.call('REPLICAOF', 'NO', 'ONE')
      await master.leave()
    }
  }, 60_000)
})

const here = (name: string): boolean => typeof findServer(name) !== 'string'

describe('who cannot read it', () => {
  it.skipIf(!here('redis-6.0'))('drops the link twice, and is named with the target to try', async () => {
    const master = await serving(path('databases-v10'), {target: 'redis-7.0'})
    const replica = await started('redis-6.0')
    await replica.client.call('REPLICAOF', '127.0.0.1', master.port)
    await vi.waitFor(() => expect(master.count('unreadable')).toBeGreaterThan(0), PATIENCE)
    const event = master.events.find(({kind}) => kind === 'unreadable')
    expect(event).toMatchObject({replica: {port: replica.port}, snapshot: {rdbVersion: 10}, tryTarget: 'redis-6.2'})
    expect(replica.log()).toContain("Can't handle RDB format version 10")
    // What was named is what helps.
    const other = await serving(path('databases-v10'), {target: 'redis-6.2'})
    await follow(replica, other.port)
    expect((await differencesOf(path('databases-v10'), await replica.save())).lines).toEqual([])
  })

  it.skipIf(!here('redis-6.0'))('and waits for each answer is told why, and keeps its data', async () => {
    const master = await serving(path('hash-listpack-ttl-v12'))
    const replica = await started('redis-6.0')
    await replica.client.call('SET', 'kept', 'yes')
    await replica.client.call('REPLICAOF', '127.0.0.1', master.port)
    await vi.waitFor(() => expect(master.count('no-snapshot')).toBeGreaterThan(1), PATIENCE)
    expect(replica.log()).toMatch(
      /ERR rdbtool serve: .* reads RDB version 9 at most, and redis-5\.0 cannot hold .*--allow-loss/,
    )
    expect(String(await replica.client.call('GET', 'kept'))).toBe('yes')
    expect(versions(master)).toEqual([])
  })

  it.skipIf(!here('valkey-8.1'))('says so itself: it is told why, keeps its data, and asks again', async () => {
    const master = await serving(path('hash-listpack-ttl-v12'))
    const replica = await started('valkey-8.1')
    await replica.client.call('SET', 'kept', 'yes')
    await replica.client.call('REPLICAOF', '127.0.0.1', master.port)
    await vi.waitFor(() => expect(master.count('no-snapshot')).toBeGreaterThan(1), PATIENCE)
    expect(replica.log()).toMatch(/aborted replication with an error: ERR rdbtool serve: valkey-8\.0 cannot hold /)
    expect(String(await replica.client.call('GET', 'kept'))).toBe('yes')
    expect(await field(replica, 'master_link_status')).toBe('down')
    expect(versions(master)).toEqual([])
  })

  it.skipIf(!here('redis-8.0'))('is not redis 8.0, of fields that expire', async () => {
    const source = path('hash-listpack-ttl-v12')
    const master = await serving(source)
    const replica = await started('redis-8.0')
    await follow(replica, master.port)
    expect(versions(master)).toEqual([12])
    expect((await differencesOf(source, await replica.save())).lines).toEqual([])
  })
})
