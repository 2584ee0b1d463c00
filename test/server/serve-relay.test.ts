/**
 * A live relay: a server writes its log, we read it as it grows, and another server is our replica: it holds what the first
 * does, through transactions, rewrites, cuts, and a history that begins anew.
 */
import {join} from 'node:path'
import {describe, expect, it, vi} from 'vitest'
import {type FollowLogOptions, followLog} from '../../src/jobs/follow-log.js'
import {run} from '../fixtures/recipes.js'
import {openClient} from './client.js'
import type {Server} from './server.js'
import {findServer} from './server.js'
import {ending, folder, follow, PATIENCE, serving, started} from './serving.js'

const LOGGED = {appendonly: 'yes', 'auto-aof-rewrite-percentage': 0}
const here = (name: string): boolean => typeof findServer(name) !== 'string'
const digest = async (server: Server): Promise<string> => String(await server.client.call('DEBUG', 'DIGEST'))

/** What the one has, the other has before long. */
async function same(one: Server, other: Server): Promise<void> {
  await vi.waitFor(async () => expect(await digest(other)).toBe(await digest(one)), PATIENCE)
}

describe.each(['redis-7.0', 'redis-8.0', 'valkey-9.1'])('the log of %s', name => {
  it.skipIf(!here(name))(
    'is passed on as it grows: transactions, databases, a rewrite, a cut, a second replica',
    async () => {
      const writer = await started(name, LOGGED)
      await run(writer, [
        ['SET', 'before', '1'],
        ['SELECT', 3],
        ['SET', 'three', '3'],
      ])
      const master = await serving(join(writer.dir, 'appendonlydir'), {follow: true})
      const replica = await started(name)
      await follow(replica, master.port)
      await same(writer, replica)

      // The client is in database 3 still.
      await run(writer, [
        ['RPUSH', 'list', 'a', 'b'],
        ['MULTI'],
        ['INCR', 'n'],
        ['INCR', 'n'],
        ['EXEC'],
        ['SET', 'gone', 'x', 'PX', 1],
      ])
      await same(writer, replica)
      await writer.client.call('BGREWRITEAOF')
      await run(writer, [
        ['SELECT', 1],
        ['SET', 'while', 'rewriting'],
      ])
      await vi.waitFor(
        async () =>
          expect(String(await writer.client.call('INFO', 'persistence'))).toContain('aof_rewrite_in_progress:0'),
        PATIENCE,
      )
      await run(writer, [
        ['SELECT', 0],
        ['HSET', 'hash', 'f', 'v'],
        ['DEL', 'before'],
      ])
      await same(writer, replica)

      await replica.client.call('CLIENT', 'KILL', 'TYPE', 'MASTER')
      await run(writer, [['SADD', 'set', 'during', 'the', 'cut']])
      await vi.waitFor(() => expect(master.count('partial')).toBeGreaterThan(0), PATIENCE)
      await same(writer, replica)

      const second = await started(name)
      await follow(second, master.port)
      await run(writer, [
        ['SELECT', 5],
        ['SET', 'five', '5'],
      ])
      await same(writer, second)
      await same(writer, replica)
      expect((await master.leave()).ended).toBe('called off')
    },
    60_000,
  )
})

/** `sync --follow` of a server, until the test ends or `leave`. */
function following(
  origin: Server,
  path: string,
  options: FollowLogOptions = {},
): {events: string[]; leave: () => Promise<void>} {
  const ended = new AbortController()
  const events: string[] = []
  const address = async () => ({host: '127.0.0.1', port: origin.port})
  const done = followLog(path, address, {
    ...{signal: ended.signal, retryDelayMs: 50, onEvent: ({kind}) => events.push(kind)},
    ...options,
  })
  const leave = async (): Promise<void> => {
    ended.abort()
    await done
  }
  ending.push(() => leave().catch(() => {}))
  return {events, leave}
}

describe.skipIf(!here('redis-7.0'))('a log that is written to all the time', () => {
  it('whenever a replica attaches, and while it is rewritten', async () => {
    const writer = await started('redis-7.0', LOGGED)
    let writes = 0
    let writing = true
    const write = async (): Promise<void> => {
      while (writing) {
        const batch = Array.from({length: 200}, () => {
          const n = writes++
          return n % 50 === 0 ? ['SELECT', n % 4] : ['RPUSH', `list-${n % 997}`, `value-${n}`]
        })
        await run(writer, [['MULTI'], ['INCR', 'batches'], ['EXEC'], ...batch])
      }
    }
    const written = write()
    const master = await serving(join(writer.dir, 'appendonlydir'), {follow: true, backlogBytes: 2 * 1024 * 1024})
    const replicas: Server[] = []
    for (let i = 0; i < 3; i++) {
      const replica = await started('redis-7.0')
      await follow(replica, master.port)
      replicas.push(replica)
      const other = await openClient(writer.port)
      await other.call('BGREWRITEAOF').catch(() => {})
      other.close()
    }
    writing = false
    await written
    for (const replica of replicas) await same(writer, replica)
    expect(writes).toBeGreaterThan(10_000)
  }, 90_000)
})

describe.skipIf(!here('redis-7.0'))('a log that goes on behind other data', () => {
  it('of a server that became the replica of another', async () => {
    const writer = await started('redis-7.0', LOGGED)
    await run(writer, [['SET', 'a', '1']])
    const master = await serving(join(writer.dir, 'appendonlydir'), {follow: true})
    const replica = await started('redis-7.0')
    await follow(replica, master.port)
    const other = await started('redis-7.0')
    await run(other, [
      ['SET', 'b', '2'],
      ['SET', 'c', '3'],
    ])
    await follow(writer, other.port)
    await same(other, writer)
    await vi.waitFor(() => expect(master.count('restarted')).toBe(1), PATIENCE)
    await same(other, replica)
    await run(other, [['SET', 'd', '4']])
    await same(other, replica)
  }, 60_000)

  it('of rdbtool sync --follow, whose master had to begin anew', async () => {
    const origin = await started('redis-7.0', {'repl-diskless-sync-delay': 0})
    await run(origin, [['SET', 'a', '1']])
    const path = join(folder(), 'followed')
    const {events} = following(origin, path)
    await vi.waitFor(() => expect(events).toContain('online'), PATIENCE)
    const master = await serving(path, {follow: true})
    const replica = await started('redis-7.0')
    await follow(replica, master.port)
    await run(origin, [['SET', 'b', '2'], ['MULTI'], ['INCR', 'n'], ['EXEC']])
    await same(origin, replica)
    // Another history: what was followed so far does not go on.
    await run(origin, [
      ['DEBUG', 'CHANGE-REPL-ID'],
      ['CLIENT', 'KILL', 'TYPE', 'REPLICA'],
      ['SET', 'c', '3'],
    ])
    await vi.waitFor(() => expect(master.count('restarted')).toBe(1), PATIENCE)
    await run(origin, [['SET', 'd', '4']])
    await same(origin, replica)
  }, 60_000)
})

describe.each(['redis-6.0', 'redis-7.0', 'redis-8.0', 'valkey-9.1'])('what follows %s', name => {
  it.skipIf(!here(name))(
    'is passed on through files that are full, compaction and another snapshot',
    async () => {
      const origin = await started(name, {'repl-diskless-sync-delay': 0})
      const path = join(folder(), 'followed')
      const write = async (round: number): Promise<void> => {
        const writes = Array.from({length: 40}, (_, i) => [
          ['SELECT', i % 3],
          ['SET', `key-${i}`, `${round}:${'x'.repeat(500)}`],
          ['MULTI'],
          ['RPUSH', `list-${i % 5}`, `${round}-${i}`],
          ['INCR', 'n'],
          ['EXEC'],
        ])
        await run(origin, writes.flat())
      }
      await write(0)
      const first = following(origin, path, {rotateBytes: 5000})
      await vi.waitFor(() => expect(first.events).toContain('online'), PATIENCE)
      const master = await serving(path, {follow: true})
      const replica = await started(name)
      await follow(replica, master.port)
      for (let round = 1; round < 4; round++) await write(round)
      await same(origin, replica)
      expect(first.events.filter(kind => kind === 'rotated').length).toBeGreaterThan(2)

      // All of it is compacted but for the last file, which goes on.
      await first.leave()
      const second = following(origin, path, {rotateBytes: 5000, keepMs: 0})
      await vi.waitFor(() => expect(second.events).toContain('compacted'), PATIENCE)
      await second.leave()
      const third = following(origin, path, {rotateBytes: 5000})
      await write(4)
      await same(origin, replica)
      // Files behind the new base are files like any other.
      expect(third.events).toContain('rotated')
      expect(master.count('restarted')).toBe(0)
      const late = await started(name)
      await follow(late, master.port)
      await same(origin, late)

      await run(origin, [
        ['DEBUG', 'CHANGE-REPL-ID'],
        ['CLIENT', 'KILL', 'TYPE', 'REPLICA'],
        ['SET', 'another', 'history'],
      ])
      await vi.waitFor(() => expect(master.count('restarted')).toBe(1), PATIENCE)
      await write(9)
      await same(origin, replica)
      await same(origin, late)
    },
    90_000,
  )
})
