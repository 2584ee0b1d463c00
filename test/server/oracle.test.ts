/**
 * The oracle itself, on every server: the smallest changes are noticed, one at a time, by the fingerprint; DEBUG DIGEST
 * alone is blind where oracle-changes.ts says so, which is why there is a fingerprint. What is equal is equal, in
 * whatever encoding.
 */

import {readFileSync} from 'node:fs'
import {setTimeout as sleep} from 'node:timers/promises'
import {fileURLToPath} from 'node:url'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {run} from '../fixtures/recipes.js'
import {describeEachServer} from './each-server.js'
import * as oracle from './oracle.js'
import {baseCommands, CHANGES, YEAR_2100} from './oracle-changes.js'
import {type Server, startServer} from './server.js'

const fixture = (name: string): string => fileURLToPath(new URL(`../../fixtures/rdb/${name}`, import.meta.url))

describeEachServer('the oracle on', (name, version) => {
  const line = Number.parseFloat(version)
  let server: Server
  let base: oracle.Snapshot

  beforeAll(async () => {
    server = await startServer(name)
    await run(server, baseCommands(name, line))
    base = await oracle.snapshot(server)
    await server.save()
  })
  afterAll(() => server?.stop())

  /** Back to what was saved. */
  const reload = () => run(server, [['DEBUG', 'RELOAD', 'NOSAVE']])

  it('finds nothing in what was saved and loaded', async () => {
    await reload()
    expect(oracle.compare(base, await oracle.snapshot(server))).toEqual([])
    expect(base.digest).toMatch(/^(?!0{40})[0-9a-f]{40}$/)
  })

  it.each(CHANGES.filter(({only}) => !only || only(name, line)))('notices $what', async ({commands, told, blind}) => {
    await reload()
    await run(server, commands)
    const changed = await oracle.snapshot(server)
    const lines = oracle.compare(base, changed, {clocks: false}).filter(text => !text.startsWith('DEBUG DIGEST'))
    const wanted = told.filter(text => line >= 7 || !/entries|: e\//.test(String(text)))
    expect(lines.length).toBeGreaterThan(0)
    expect(lines).toEqual(wanted.map(text => expect.stringMatching(text)))
    expect(changed.digest === base.digest, 'DEBUG DIGEST is blind to it').toBe(
      typeof blind === 'boolean' ? blind : blind(name),
    )
    // In the other order no less.
    expect(oracle.compare(changed, base, {clocks: false}).length).toBe(
      oracle.compare(base, changed, {clocks: false}).length,
    )
  })

  it('tells when consumers were seen, unless told not to', async () => {
    const look = ['XREADGROUP', 'GROUP', 'g', 'new', 'COUNT', 1, 'STREAMS', 'stream', '0']
    await run(server, [['DEBUG', 'RELOAD', 'NOSAVE'], look])
    const before = await oracle.snapshot(server)
    await sleep(10)
    await run(server, [look])
    const later = await oracle.snapshot(server)
    expect(later.digest).toBe(before.digest)
    expect(oracle.compare(before, later)).toEqual([
      expect.stringMatching(/^db 0 "stream": group "g": consumer "new": seen at: \d+, then \d+$/),
    ])
    expect(oracle.compare(before, later, {clocks: false})).toEqual([])
  })

  it('sees past the ten entries that XINFO shows by itself', async () => {
    const ids = Array.from({length: 40}, (_, index) => `1-${index + 1}`)
    const commands = [
      ...ids.map(id => ['XADD', 'stream', id, 'f', 'v']),
      ['XGROUP', 'CREATE', 'stream', 'g', '1-40'],
      ...ids.map(id => ['XCLAIM', 'stream', 'g', 'c', 0, id, 'TIME', 1000, 'FORCE', 'JUSTID']),
    ]
    await run(server, [['FLUSHALL'], ...commands])
    const before = await oracle.snapshot(server)
    await run(server, [['XCLAIM', 'stream', 'g', 'c', 0, '1-30', 'TIME', 1001, 'FORCE', 'JUSTID']])
    expect(oracle.compare(before, await oracle.snapshot(server), {clocks: false})).toEqual([
      expect.stringMatching(/pending 1-30: "c", delivered at 1000, . times, then "c", delivered at 1001, . times$/),
    ])
  })

  it('counts more elements than it names', async () => {
    const many = Array.from({length: 5000}, (_, index) => `element:${index}`)
    await run(server, [['FLUSHALL'], ['RPUSH', 'list', ...many], ['SADD', 'set', ...many]])
    const before = await oracle.snapshot(server)
    await run(server, [
      ['LSET', 'list', 2500, 'x'],
      ['SREM', 'set', 'element:7'],
      ['SADD', 'set', 'element:x'],
    ])
    const lines = oracle.compare(before, await oracle.snapshot(server))
    expect(lines.sort()).toEqual([
      expect.stringMatching(/^DEBUG DIGEST/),
      expect.stringMatching(/^db 0 "list": elements: 5000, sha256 \w+, then 5000, sha256 \w+$/),
      expect.stringMatching(/^db 0 "set": elements: 5000, sha256 \w+, then 5000, sha256 \w+$/),
    ])
  })
})

describeEachServer('two files loaded into', name => {
  const oldest = fixture('stream-groups-v9.rdb')

  /** The base, or a change of it, saved under a configuration. */
  async function saved(config: Record<string, string | number>, commands: (string | number | Buffer)[][]) {
    const server = await startServer(name, {config})
    try {
      await run(server, commands)
      return readFileSync(await server.save())
    } finally {
      await server.stop()
    }
  }

  it('are the same whatever their encoding and the order of insertion', async () => {
    const words = ['a', 'b', 'c', '12', '007', '']
    const commands = [
      ['SET', 'integer', 12],
      ['RPUSH', 'list', ...words],
      ...words.flatMap((word, index) => [
        ['SADD', 'set', word],
        ['SADD', 'integers', index],
        ['HSET', 'hash', word, index],
        ['ZADD', 'zset', index % 2, word],
      ]),
    ]
    const flat = {
      'hash-max-ziplist-entries': 0,
      'zset-max-ziplist-entries': 0,
      'set-max-intset-entries': 0,
      'list-max-ziplist-size': 1,
      rdbcompression: 'no',
    }
    const a = await saved({}, commands)
    const b = await saved(flat, commands.toReversed())
    expect(b.equals(a)).toBe(false)
    expect(await oracle.sameAfterLoading(name, a, b)).toEqual([])
  })

  it('are the same when they are one file, and are told apart', async () => {
    expect(await oracle.sameAfterLoading(name, oldest, readFileSync(oldest))).toEqual([])
    const lines = await oracle.sameAfterLoading(name, oldest, fixture('stream-entries-v9.rdb'))
    expect(lines.at(-1)).toMatch(/^DEBUG DIGEST: \w{40}, then \w{40}$/)
  })

  it('are told by name when one is refused', async () => {
    const torn = readFileSync(oldest).subarray(0, 100)
    await expect(oracle.sameAfterLoading(name, oldest, torn)).rejects.toThrow(/^ours: .* did not start/)
    await expect(oracle.sameAfterLoading(name, torn, oldest)).rejects.toThrow(/^the original: /)
  })

  it('keep idle times and frequencies', async () => {
    const usage = async (policy: string, what: string, amount: number) => {
      const server = await startServer(name, {config: {'maxmemory-policy': policy}})
      try {
        await run(server, [['SET', 'key', 'value']])
        const payload = await server.client.call('DUMP', 'key')
        await run(server, [['RESTORE', 'key', YEAR_2100, payload, 'REPLACE', 'ABSTTL', what, amount]])
        return readFileSync(await server.save())
      } finally {
        await server.stop()
      }
    }
    const [idle, idler] = [await usage('allkeys-lru', 'IDLETIME', 5000), await usage('allkeys-lru', 'IDLETIME', 5100)]
    expect(await oracle.sameAfterLoading(name, idle, idle)).toEqual([])
    expect(await oracle.sameAfterLoading(name, idle, idler)).toEqual([
      expect.stringMatching(/^db 0 "key": idle seconds: 500\d, then 510\d$/),
    ])
    const [often, oftener] = [await usage('allkeys-lfu', 'FREQ', 200), await usage('allkeys-lfu', 'FREQ', 201)]
    const config = {'maxmemory-policy': 'allkeys-lfu'}
    expect(await oracle.sameAfterLoading(name, often, often, {config})).toEqual([])
    expect(await oracle.sameAfterLoading(name, often, oftener, {config})).toEqual([
      'db 0 "key": frequency: 200, then 201',
    ])
  })
})

describeEachServer('what hash tables hold is in no order in', (name, version) => {
  it.skipIf(Number.parseFloat(version) < 7)('libraries of functions', async () => {
    const server = await startServer(name)
    try {
      for (let index = 0; index < 20; index++) {
        const code = `#!lua name=lib${index}\nredis.register_function('f${index}', function() return 1 end)`
        await server.client.call('FUNCTION', 'LOAD', code)
      }
      const rdb = await server.save()
      expect(await oracle.sameAfterLoading(name, rdb, rdb)).toEqual([])
    } finally {
      await server.stop()
    }
  })

  it.skipIf(name !== 'redis-8.0')('vector sets, which are told by vector and attributes', async () => {
    const rdb = fixture('module-vectorset-v12.rdb')
    expect(await oracle.sameAfterLoading(name, rdb, rdb)).toEqual([])
    const server = await startServer(name, {rdb})
    try {
      const before = await oracle.snapshot(server)
      await run(server, [['VSETATTR', 'vectors', 'first', '{"year": 1951}']])
      await run(server, [['VADD', 'vectors', 'VALUES', 3, 1, 0, 0.25, 'second']])
      const lines = oracle.compare(before, await oracle.snapshot(server)).filter(one => !one.startsWith('DEBUG'))
      expect(lines.sort()).toEqual([
        expect.stringMatching(/"vectors": attributes of "first": .*1950.*, then .*1951/),
        expect.stringMatching(/"vectors": vector of "second": .*, then /),
      ])
    } finally {
      await server.stop()
    }
  })
})

describe('answers', () => {
  const answer = (name: string, version: string): oracle.Snapshot => {
    return {name, version, digest: '', fingerprint: {keys: new Map(), libraries: new Map()}}
  }

  it('of two versions are not compared', () => {
    const message = /redis-7\.0 7\.0\.15 and redis-7\.0 7\.0\.16 cannot be compared/
    expect(() => oracle.compare(answer('redis-7.0', '7.0.15'), answer('redis-7.0', '7.0.16'))).toThrow(message)
  })
})
