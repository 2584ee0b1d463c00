/** load: what a server holds afterwards is what the snapshot holds, by its own answers. */
import {randomBytes} from 'node:crypto'
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, it} from 'vitest'
import {slotOf} from '../../src/bytes/crc16.js'
import {UnsupportedError, UsageError, type WireError} from '../../src/index.js'
import {buildSplit, splitPlan} from '../../src/jobs/build-split.js'
import {type LoadOptions, load} from '../../src/jobs/load.js'
import {fixture} from '../reading/fixtures.js'
import {fileOf, RdbFile, text} from '../start/rdb.js'
import {rdbtool} from '../start/run.js'
import {type Cluster, startCluster} from './cluster.js'
import {describeEachServer} from './each-server.js'
import * as oracle from './oracle.js'
import {findServer, type Server, startServer} from './server.js'

const folder = mkdtempSync(join(tmpdir(), 'rdbtool-load-'))
afterAll(() => rmSync(folder, {recursive: true, force: true}))
let names = 0
const newName = (): string => join(folder, `file-${names++}`)
const written = (bytes: Uint8Array): string => {
  const path = newName()
  writeFileSync(path, bytes)
  return path
}
const at = ({port}: Server, options: LoadOptions = {}) =>
  [
    {host: '127.0.0.1', port},
    {connectTimeoutMs: 5000, silenceMs: 10_000, ...options},
  ] as const
const here = (name: string): boolean => typeof findServer(name) !== 'string'
const KEYS = Array.from({length: 3000}, (_, i) => (i % 3 === 0 ? `{tag:${i % 9}}key:${i}` : `key:${i}`))
const strings = written(fileOf(KEYS))

async function fill({client, version}: Server): Promise<void> {
  const commands: (string | Buffer | number)[][] = []
  for (let i = 0; i < 300; i++) {
    commands.push(['SET', `string:${i}`, 'value '.repeat(i)], ['RPUSH', `list:${i}`, 'a', i, 'b'])
    commands.push(['HSET', `hash:${i}`, 'field', i], ['ZADD', `{tag:${i % 7}}zset:${i}`, i, 'member', i / 3, 'other'])
    commands.push(['SADD', Buffer.from([i % 256, 0xff, i >> 8]), i, 'member'], ['XADD', `stream:${i}`, '1-1', 'f', 'v'])
    commands.push(['XGROUP', 'CREATE', `stream:${i}`, 'group', '0'], ['PEXPIREAT', `string:${i}`, 4e12 + i])
    commands.push(['XREADGROUP', 'GROUP', 'group', 'me', 'STREAMS', `stream:${i}`, '>'])
  }
  commands.push(['SELECT', 5], ['SET', 'in 5', 'v'], ['SELECT', 0], ['SET', 'large', 'x'.repeat(3_000_000)])
  if (Number.parseFloat(version) >= 7) {
    commands.push(['FUNCTION', 'LOAD', "#!lua name=lib\nredis.register_function('f', function() return 1 end)"])
  }
  await client.pipeline(commands)
}

describeEachServer('a snapshot loaded into', name => {
  let original: Server
  let empty: Server
  beforeAll(async () => {
    original = await startServer(name)
    await fill(original)
  })
  beforeEach(async () => {
    empty = await startServer(name)
  })
  afterEach(() => empty.stop())
  afterAll(() => original?.stop())

  it('is there as it was where it was made', async () => {
    const result = await load(await original.save(), ...at(empty))
    expect(result).toMatchObject({keysIn: 1802, loaded: 1802, failed: 0, kept: 0, failure: undefined})
    expect(oracle.compare(await oracle.snapshot(original), await oracle.snapshot(empty))).toEqual([])
  })

  it('of another version is there as that server itself loads it', async () => {
    // As the oracle has it: idle times are kept.
    await empty.client.call('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')
    for (const one of ['rdb/stream-groups-v9.rdb', 'rdb/cluster-v9.rdb', 'rdb-built/types-plain-v1.rdb']) {
      await empty.client.call('FLUSHALL')
      await load(fixture(one).path, ...at(empty))
      // At once: they grow.
      const ours = await oracle.snapshot(empty)
      expect(oracle.compare(await oracle.loaded(name, fixture(one).path), ours)).toEqual([])
    }
  })

  it('comes from JSON lines too', async () => {
    const lines = newName()
    expect((await rdbtool(['dump', await original.save(), '--out', lines])).code).toBe(0)
    expect(await load(lines, ...at(empty))).toMatchObject({loaded: 1802, failed: 0})
    expect(oracle.compare(await oracle.snapshot(original), await oracle.snapshot(empty))).toEqual([])
  })
})

it.skipIf(!here('redis-6.0'))('a server that would end itself over a value of a module is not given it', async () => {
  const server = await startServer('redis-6.0')
  const lines = `{"db":0,"key":"a","type":"string","value":"v"}
{"db":0,"key":"m","type":"module","value":{"module":"bloom-old","version":1,"base64":"AA=="}}\n`
  const result = await load(written(Buffer.from(lines)), ...at(server))
  expect(result).toMatchObject({loaded: 1, failed: 1, failure: undefined})
  expect(result.failures[0]!.error).toContain('ends itself')
  expect(await server.client.call('GET', 'a')).toEqual(Buffer.from('v'))
  await server.stop()
})

it.skipIf(!here('redis-7.0'))('what stands beside a key is told before anything is sent', async () => {
  const server = await startServer('redis-7.0')
  const {path} = fixture('rdb-built/key-meta-v13.rdb')
  await expect(load(path, ...at(server))).rejects.toThrow(/has no place for/)
  expect(await load(path, ...at(server, {allowLoss: true}))).toMatchObject({failed: 0, failure: undefined})
  await server.stop()
})

describe.skipIf(!here('redis-7.0'))('what a server refuses', () => {
  let server: Server
  beforeAll(async () => {
    server = await startServer('redis-7.0', {config: {'maxmemory-policy': 'noeviction'}})
  })
  beforeEach(async () => {
    await server.client.call('FLUSHALL')
    await server.client.call('CONFIG', 'SET', 'maxmemory', '0')
  })
  afterAll(() => server?.stop())
  const storedAt = async (key: string): Promise<string> => String(await server.client.call('GET', key))

  it('a key that is there ends the load, and is told', async () => {
    await server.client.call('SET', KEYS[7]!, 'precious')
    const result = await load(strings, ...at(server))
    expect(result).toMatchObject({failed: 1, failure: undefined})
    expect(result.failures.map(({db, key, error}) => [db, Buffer.from(key).toString(), error])).toEqual([
      [0, KEYS[7], 'BUSYKEY Target key name already exists.'],
    ])
    expect(await storedAt(KEYS[7]!)).toBe('precious')
  })

  it('it stays, or gives way, if told so', async () => {
    await server.client.call('SET', KEYS[7]!, 'precious')
    expect(await load(strings, ...at(server, {onExisting: 'skip'}))).toMatchObject({kept: 1, loaded: 2999, failed: 0})
    expect(await storedAt(KEYS[7]!)).toBe('precious')
    expect(await load(strings, ...at(server, {onExisting: 'replace'}))).toMatchObject({kept: 0, loaded: 3000})
    expect(await storedAt(KEYS[7]!)).toBe('v')
  })

  it('functions follow the same rule', async () => {
    const functions = fixture('rdb/functions-v10.rdb').path
    const dump = async (): Promise<string> => String(await server.client.call('FUNCTION', 'LIST', 'WITHCODE'))
    await load(functions, ...at(server))
    const before = await dump()
    await server.client.call('FLUSHALL')
    const {failure, libraryThere} = await load(functions, ...at(server))
    expect(failure).toBeUndefined()
    expect(libraryThere).toMatch(/already exists/)
    expect(await load(functions, ...at(server, {onExisting: 'skip'}))).toMatchObject({failure: undefined})
    await server.client.call('FLUSHALL')
    expect(await load(functions, ...at(server, {onExisting: 'replace'}))).toMatchObject({failure: undefined})
    expect(await dump()).toBe(before)
    await server.client.call('FUNCTION', 'FLUSH')
  })

  it('what has nothing to do with a key ends the load, and can be taken up', async () => {
    const report = newName()
    const used = Number(/used_memory:(\d+)/.exec(String(await server.client.call('INFO', 'memory')))![1])
    await server.client.call('CONFIG', 'SET', 'maxmemory', used + 100_000)
    const first = await load(strings, ...at(server, {report}))
    expect((first.failure as WireError).code).toBe('WRITE_REFUSED')
    expect((first.failure as WireError).message).toContain('OOM')
    // What the server says of itself is no word on any key.
    expect(first).toMatchObject({failed: 0, failures: []})
    expect(readFileSync(report, 'utf8')).not.toContain('OOM')
    await server.client.call('CONFIG', 'SET', 'maxmemory', '0')
    const second = await load(strings, ...at(server, {resume: report}))
    expect(second).toMatchObject({failed: 0, failure: undefined, position: 3000})
    expect(second.before + second.loaded + second.kept).toBe(3000)
    expect(await server.client.call('DBSIZE')).toBe(3000)
    const third = await load(strings, ...at(server, {resume: report}))
    expect(third).toMatchObject({before: 3000, loaded: 0, failed: 0})
  })

  it('one key goes again when the load is taken up, and no other', async () => {
    const report = newName()
    await server.client.call('SET', KEYS[7]!, 'precious')
    const first = await load(strings, ...at(server, {report}))
    await server.client.call('DEL', KEYS[7]!)
    const second = await load(strings, ...at(server, {resume: report}))
    expect(second).toMatchObject({before: first.position - 1, loaded: 3001 - first.position, failed: 0})
    expect(await server.client.call('DBSIZE')).toBe(3000)
    await expect(load(written(fileOf(['other'])), ...at(server, {resume: report}))).rejects.toThrow(/of another load/)
    await expect(load(strings, ...at(server, {report}))).rejects.toThrow(UsageError)
  })

  it('a user without the right to', async () => {
    await server.client.call('ACL', 'SETUSER', 'weak', 'on', '>secret', '~*', '+@all', '-restore')
    const [address, options] = at(server)
    const {failure, loaded} = await load(strings, {...address, user: 'weak', password: 'secret'}, options)
    expect(loaded).toBe(0)
    expect((failure as WireError).message).toMatch(/NOPERM/)
  })

  it('a user whose pattern leaves out one key loads all others', async () => {
    await server.client.call('ACL', 'SETUSER', 'narrow', 'on', '>secret', '~key:*', '+@all')
    const [address, options] = at(server)
    const result = await load(strings, {...address, user: 'narrow', password: 'secret'}, options)
    expect(result).toMatchObject({loaded: 2000, failed: 1000, failure: undefined, position: 3000})
    expect(result.failures[0]!.error).toMatch(/^NOPERM/)
  })

  it('a database that the server has not: nothing is sent, least of all to another one', async () => {
    const file = written(new RdbFile('REDIS', 9).db(0).key(0, 'a', text('1')).db(20).key(0, 'b', text('2')).end())
    await expect(load(file, ...at(server))).rejects.toThrow(/has no database 20/)
    expect(await server.client.call('DBSIZE')).toBe(0)
    expect(await load(file, ...at(server, {selection: {db: [0]}}))).toMatchObject({loaded: 1, failed: 0})
    expect(await load(file, ...at(server, {changes: {mapDb: [[20, 1]]}, onExisting: 'skip'}))).toMatchObject({
      loaded: 1,
    })
    await server.client.call('FLUSHALL')
  })

  it('a value above what the server takes in one piece, and that one only', async () => {
    await server.client.call('CONFIG', 'SET', 'proto-max-bulk-len', '1mb')
    const value = text('x'.repeat(3_000_000))
    const file = new RdbFile('REDIS', 9).db(0).key(0, 'a', text('1')).key(0, 'b', value).key(0, 'c', text('3')).end()
    const result = await load(written(file), ...at(server))
    expect(result).toMatchObject({loaded: 2, failed: 1, failure: undefined})
    expect(result.failures[0]!.error).toMatch(
      /has 30000\d\d bytes, and the server takes 1048576 \(proto-max-bulk-len\)/,
    )
    await server.client.call('CONFIG', 'SET', 'proto-max-bulk-len', '512mb')
  })

  it('nothing is sent of a source that is damaged at its very end', async () => {
    const bytes = Buffer.from(readFileSync(strings))
    bytes[bytes.length - 1]! ^= 1
    await expect(load(written(bytes), ...at(server))).rejects.toThrow(/checksum/)
    expect(await server.client.call('DBSIZE')).toBe(0)
  })

  it('nothing is sent where the server cannot hold something', async () => {
    const lines = `{"db":0,"key":"first","type":"string","value":"v"}
{"db":0,"key":"h","type":"hash","value":[["f","v",4000000000000]]}\n`
    await expect(load(written(Buffer.from(lines)), ...at(server))).rejects.toThrow(/has no place for/)
    expect(await server.client.call('DBSIZE')).toBe(0)
  })

  it('selects, changes, and reads a folder of shards', async () => {
    const selected = await load(strings, ...at(server, {selection: {match: ['key:1*']}}))
    const chosen = KEYS.filter(key => key.startsWith('key:1')).length
    expect(selected).toMatchObject({loaded: chosen, skipped: [{reason: 'match', keys: 3000 - chosen}]})
    await server.client.call('FLUSHALL')
    const {out} = await buildSplit([strings], {out: newName(), plan: splitPlan('3')})
    const changes = {renamePrefix: [[Buffer.from('key:'), Buffer.from('k:')] as const], mapDb: [[0, 2] as const]}
    expect(await load(out, ...at(server, {changes}))).toMatchObject({loaded: 3000, failed: 0})
    await server.client.call('SELECT', 2)
    expect(await storedAt('k:1')).toBe('v')
    await server.client.call('SELECT', 0)
  })

  it('large keys go as commands, whole or not at all', async () => {
    const [original, report] = [await startServer('redis-7.0'), newName()]
    try {
      const random = (): Buffer => randomBytes(1_000_000)
      const {client} = original
      await client.call('SET', 'small', 'v')
      await client.call('SET', 'large', randomBytes(40_000_000))
      for (let i = 0; i < 40; i++)
        await client.pipeline([
          ['RPUSH', 'list', random()],
          ['HSET', 'hash', i, random()],
        ])
      await client.call('PEXPIREAT', 'hash', 4e12)
      const source = await original.save()
      await server.client.call('SET', 'large', 'precious')
      const first = await load(source, ...at(server, {report}))
      expect(first).toMatchObject({
        loaded: 3,
        failed: 1,
        failures: [{error: 'BUSYKEY Target key name already exists.'}],
      })
      expect(await storedAt('large')).toBe('precious')
      const second = await load(source, ...at(server, {resume: report, onExisting: 'replace'}))
      expect(second).toMatchObject({before: 3, loaded: 1, failed: 0})
      expect(oracle.compare(await oracle.snapshot(original), await oracle.snapshot(server))).toEqual([])
      expect(await load(source, ...at(server, {onExisting: 'skip'}))).toMatchObject({kept: 4, loaded: 0, failed: 0})
      const used = Number(/used_memory:(\d+)/.exec(String(await server.client.call('INFO', 'memory')))![1])
      await server.client.call('FLUSHALL')
      await server.client.call('CONFIG', 'SET', 'maxmemory', used - 30_000_000)
      const third = await load(source, ...at(server))
      expect(third.failed).toBeGreaterThan(0)
      for (const {key} of third.failures) expect(await server.client.call('EXISTS', Buffer.from(key))).toBe(0)
    } finally {
      await original.stop()
    }
  }, 60_000)

  it('a replica takes no writes', async () => {
    const replica = await startServer('redis-7.0', {config: {replicaof: `127.0.0.1 ${server.port}`}})
    await expect(load(strings, ...at(replica))).rejects.toThrow(/is a replica of 127\.0\.0\.1/)
    await replica.stop()
  })
})

describe.each(['redis-7.0', 'valkey-9.1'].filter(here))('a cluster of %s', name => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await startCluster(name, 3)
  }, 60_000)
  beforeEach(async () => {
    for (const {client} of cluster.masters) await client.call('FLUSHALL')
  })
  afterAll(() => cluster?.stop())
  const sizes = async (): Promise<number[]> =>
    Promise.all(cluster.masters.map(async ({client}) => Number(await client.call('DBSIZE'))))

  it('has every key where it belongs', async () => {
    const result = await load(strings, ...at(cluster.masters[1]!))
    expect(result).toMatchObject({loaded: 3000, failed: 0, nodes: 3, redirected: 0})
    const expected = cluster.masters.map(master => KEYS.filter(key => cluster.masterFor(key) === master).length)
    expect(await sizes()).toEqual(expected)
  })

  it('has in every master what a server alone has of that shard', async () => {
    const original = await startServer(name)
    await original.client.pipeline(
      Array.from({length: 500}, (_, i) => [
        ['HSET', `hash:${i}`, 'field', i],
        ['ZADD', `zset:${i}`, i, 'member'],
        ['XADD', `{stream}:${i}`, '1-1', 'f', 'v'],
        ['PEXPIREAT', `hash:${i}`, 4e12 + i],
      ]).flat(),
    )
    const source = await original.save()
    const text = cluster.slots.map(([first, last], i) =>
      [String(i).repeat(40), '127.0.0.1:1@1', 'master', '-', '0', '0', '1', 'connected', `${first}-${last}`].join(' '),
    )
    const {out, shards} = await buildSplit([source], {
      out: newName(),
      plan: splitPlan(written(Buffer.from(text.join('\n')))),
    })
    expect(await load(source, ...at(cluster.masters[2]!))).toMatchObject({loaded: 1500, failed: 0})
    for (const [i, {file}] of shards.entries()) {
      const alone = await oracle.loaded(name, join(out, file), {'maxmemory-policy': 'noeviction'})
      expect(oracle.compare(alone, await oracle.snapshot(cluster.masters[i]!))).toEqual([])
    }
    await original.stop()
  })

  it('has the functions in every master', async () => {
    await load(fixture('rdb/functions-v10.rdb').path, ...at(cluster.masters[0]!))
    for (const {client} of cluster.masters) {
      expect(String(await client.call('FUNCTION', 'LIST'))).toContain('library_name')
      await client.call('FUNCTION', 'FLUSH')
    }
  })

  it('is followed where a slot is moving, and where it has moved', async () => {
    const [from, to] = cluster.masters as [Server, Server]
    const [fromId, toId] = await Promise.all(
      [from, to].map(async ({client}) => String(await client.call('CLUSTER', 'MYID'))),
    )
    const slot = KEYS.map(key => slotOf(Buffer.from(key), 0, key.length)).find(one => one <= cluster.slots[0]![1])!
    const moving = KEYS.filter(key => slotOf(Buffer.from(key), 0, key.length) === slot).length
    await to.client.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId!)
    await from.client.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId!)
    expect(await load(strings, ...at(from))).toMatchObject({loaded: 3000, failed: 0, redirected: moving})
    expect(await to.client.call('CLUSTER', 'COUNTKEYSINSLOT', slot)).toBe(moving)
    for (const {client} of [to, from, cluster.masters[2]!]) {
      await client.call('FLUSHALL')
      await client.call('CLUSTER', 'SETSLOT', slot, 'NODE', toId!)
    }
    expect(await load(strings, ...at(from))).toMatchObject({loaded: 3000, failed: 0})
    expect(await to.client.call('CLUSTER', 'COUNTKEYSINSLOT', slot)).toBe(moving)
  })

  it.skipIf(name !== 'redis-7.0')('has database 0 only', async () => {
    const other = written(new RdbFile('REDIS', 9).db(3).key(0, 'a', text('1')).end())
    await expect(load(other, ...at(cluster.masters[0]!))).rejects.toThrow(UnsupportedError)
    expect(await load(other, ...at(cluster.masters[0]!, {selection: {db: [0]}}))).toMatchObject({loaded: 0, failed: 0})
  })
})
