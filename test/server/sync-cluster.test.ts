/** Whole clusters, and masters that Sentinels know. */
import {spawn} from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it, vi} from 'vitest'
import {sync} from '../../src/jobs/sync.js'
import {syncCluster} from '../../src/jobs/sync-cluster.js'
import {RdbReader} from '../../src/rdb/reader.js'
import {parseAddress} from '../../src/resp/address.js'
import {scriptedMaster} from '../replication/scripted-master.js'
import {rdbtool} from '../start/run.js'
import {openClient} from './client.js'
import {type Cluster, startCluster} from './cluster.js'
import * as oracle from './oracle.js'
import {findServer, freePort, type Server, startServer} from './server.js'

const folder = mkdtempSync(join(tmpdir(), 'rdbtool-cluster-'))
afterAll(() => rmSync(folder, {recursive: true, force: true}))
let outputs = 0
const output = (): string => join(folder, `out-${++outputs}`)
const leftovers = (): string[] => readdirSync(folder).filter(name => name.endsWith('.tmp'))

const here = (name: string): boolean => typeof findServer(name) !== 'string'
const KEYS = Array.from({length: 3000}, (_, at) => `key:${at}`)

async function fill({masters, masterFor}: Cluster): Promise<void> {
  for (const master of masters) {
    const own = KEYS.filter(key => masterFor(key) === master)
    await master.client.pipeline(own.map(key => ['SET', key, `value of ${key}`]))
  }
}

describe.each(['redis-7.0', 'valkey-9.1'].filter(here))('a cluster of three masters of %s', name => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await startCluster(name, 3, name === 'redis-7.0' ? 1 : 0)
    await fill(cluster)
  }, 60_000)
  afterAll(() => cluster?.stop())
  const seed = (at = 0): string => `127.0.0.1:${cluster.masters[at]!.port}`

  it('is fetched whole: a file for each shard, and a manifest', async () => {
    const out = output()
    const {code, stdout, stderr} = await rdbtool(['sync', '--cluster', seed(1), '--out', out, '--json', '--log'])
    expect(code).toBe(0)
    const manifest = JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8'))
    expect(JSON.parse(stdout)).toMatchObject({...manifest, finishedAt: expect.any(String), out, cluster: seed(1)})
    const files = ['shard-00000.rdb', 'shard-05461.rdb', 'shard-10922.rdb']
    expect(readdirSync(out).sort()).toEqual(['manifest.json', ...files])
    expect(manifest).toMatchObject({format: 'rdbtool cluster snapshot', version: 1, keys: KEYS.length, moved: []})
    expect(
      manifest.shards.map(({file, slots, checksum}: Record<string, unknown>) => ({file, slots, checksum})),
    ).toEqual(files.map((file, at) => ({file, slots: [cluster.slots[at]], checksum: 'ok'})))
    const keys: string[] = []
    for (const [at, file] of files.entries()) {
      const master = cluster.masters[at]!
      expect(manifest.shards[at]).toMatchObject({
        master: `127.0.0.1:${master.port}`,
        nodeId: String(await master.client.call('CLUSTER', 'MYID')),
        replicationId: /master_replid:(\w+)/.exec(String(await master.client.call('INFO', 'replication')))![1],
      })
      const reader = await RdbReader.open(join(out, file))
      for await (const entry of reader) keys.push(Buffer.from(entry.key).toString())
      await reader.close()
      const original = join(folder, `original-${at}.rdb`)
      copyFileSync(await master.save(), original)
      expect(await oracle.sameAfterLoading(name, original, join(out, file))).toEqual([])
    }
    expect(keys.sort()).toEqual(KEYS.toSorted())
    // They share a host: the next is asked once the one before has finished, and its lines tell whose they are.
    const order = stderr.split('\n').flatMap(line => {
      const [, port, what] = /^127\.0\.0\.1:(\d+) .*(Connecting to|Finished with)/.exec(line) ?? []
      return what === undefined ? [] : [`${what} ${cluster.masters.findIndex(one => one.port === Number(port))}`]
    })
    expect(order).toEqual([0, 1, 2].flatMap(at => [`Connecting to ${at}`, `Finished with ${at}`]))
  })

  it.skipIf(name !== 'redis-7.0')('is fetched from its replicas where there are some, if told so', async () => {
    const out = output()
    const {code, stdout} = await rdbtool(['sync', '--cluster', seed(), '--from-replicas', '--out', out])
    expect(code).toBe(0)
    const sources = [cluster.replicas[0]!, cluster.masters[1]!, cluster.masters[2]!]
    expect(
      JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8')).shards.map(({master}: {master: string}) => master),
    ).toEqual(sources.map(({port}) => `127.0.0.1:${port}`))
    expect(stdout).toMatch(/\nslots {5}all 16,384 covered once\nshards {4}3, /)
    expect(stdout).toContain('\nkeys      3,000\n')
  })

  it.skipIf(name !== 'redis-7.0')('is not fetched in part: a shard that refuses leaves nothing', async () => {
    const out = output()
    const {client} = cluster.masters[2]!
    await client.call('ACL', 'SETUSER', 'default', '-psync')
    try {
      const {code, stdout, stderr} = await rdbtool(['sync', '--cluster', seed(), '--out', out, '--json'])
      expect(code).toBe(5)
      expect(JSON.parse(stdout)).toMatchObject({cluster: seed(), out, error: {code: 'NO_PERMISSION'}})
      expect(stderr).toContain('ACL SETUSER default +psync +replconf +ping')
    } finally {
      await client.call('ACL', 'SETUSER', 'default', '+psync')
    }
    expect(existsSync(out)).toBe(false)
    expect(leftovers()).toEqual([])
  })

  it.skipIf(name !== 'redis-7.0')('is not fetched where a slot has no master', async () => {
    const {client} = cluster.masters[0]!
    await client.call('CLUSTER', 'DELSLOTS', 7)
    try {
      const {code, stderr} = await rdbtool(['sync', '--cluster', seed(), '--out', output()])
      expect(code).toBe(5)
      expect(stderr).toContain('of the slots of the cluster, no shard has 7 (SLOTS_UNCOVERED)')
    } finally {
      await client.call('CLUSTER', 'ADDSLOTS', 7)
    }
    expect(leftovers()).toEqual([])
  })
})

describe('the folder', () => {
  const shards = '*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n$0\r\n\r\n:PORT\r\n$2\r\nid\r\n'

  /** A cluster of one that is served by a script; its endpoint is not told. */
  async function scripted(): Promise<string> {
    const rdb = readFileSync(new URL('../../fixtures/rdb/databases-v10.rdb', import.meta.url))
    let port = 0
    const CLUSTER = (): string => shards.replace('PORT', String(port)).trimEnd()
    const master = await scriptedMaster({
      replies: {CLUSTER},
      payload: Buffer.concat([Buffer.from(`$${rdb.length}\r\n`), rdb]),
    })
    port = master.port
    return master.address
  }

  it('that is there already stays, unless it is empty, or ours and replaced by name', async () => {
    const seed = parseAddress(await scripted())
    const out = output()
    mkdirSync(out)
    expect((await syncCluster(seed, out)).shards).toHaveLength(1)
    writeFileSync(join(out, 'other'), 'old')
    await expect(syncCluster(seed, out)).rejects.toThrow(/is there already/)
    await expect(syncCluster(seed, out, {force: true})).rejects.toThrow(/it is no longer as we did/)
    expect(readFileSync(join(out, 'other'), 'utf8')).toBe('old')
    rmSync(join(out, 'other'))
    await syncCluster(seed, out, {force: true})
    expect(readdirSync(out).sort()).toEqual(['manifest.json', 'shard-00000.rdb'])
    const foreign = output()
    mkdirSync(foreign)
    writeFileSync(join(foreign, 'precious'), 'x')
    await expect(syncCluster(seed, foreign, {force: true})).rejects.toThrow(
      /has no manifest\.json of ours, so we did not make it/,
    )
    writeFileSync(join(foreign, 'manifest.json'), '{"name": "a web application"}')
    await expect(syncCluster(seed, foreign, {force: true})).rejects.toThrow(/has no manifest\.json of ours/)
    expect(readdirSync(foreign).sort()).toEqual(['manifest.json', 'precious'])
    const file = output()
    writeFileSync(file, 'x')
    await expect(syncCluster(seed, file, {force: true})).rejects.toThrow(/is there already/)
    expect(leftovers()).toEqual([])
  })

  it('that appears meanwhile, with something in it, stays', async () => {
    const seed = parseAddress(await scripted())
    const out = output()
    const appear = (): void => {
      mkdirSync(out, {recursive: true})
      writeFileSync(join(out, 'precious'), 'x')
    }
    await expect(syncCluster(seed, out, {onEvent: appear})).rejects.toThrow(/is there already/)
    expect(readdirSync(out)).toEqual(['precious'])
    await expect(syncCluster(seed, out, {force: true})).rejects.toThrow(/so we did not make it/)
    expect(readdirSync(out)).toEqual(['precious'])
    expect(leftovers()).toEqual([])
  })

  it('tells of keys in slots that their shard does not have', async () => {
    const seed = parseAddress(await scripted())
    const whole = (await syncCluster(seed, output())).shards[0]!.sync
    expect(whole).toMatchObject({strayKeys: 0, inventory: {keys: 6}})
    const half = await sync(seed, output(), {slots: [[0, 8191]]})
    expect(half.strayKeys).toBeGreaterThan(0)
    expect(half.strayKeys + half.inventory.keys).toBe(6)
  })
})

describe.skipIf(!here('redis-7.0'))('a server alone', () => {
  let server: Server
  let replica: Server
  let sentinelPort: number
  let sentinel: ReturnType<typeof spawn>
  beforeAll(async () => {
    const config = {'repl-diskless-sync-delay': 0}
    server = await startServer('redis-7.0', {config})
    replica = await startServer('redis-7.0', {config: {...config, replicaof: `127.0.0.1 ${server.port}`}})
    await server.client.call('SET', 'key', 'value')
    sentinelPort = await freePort()
    const found = findServer('redis-7.0')
    if (typeof found === 'string') throw new Error(found)
    // A Sentinel writes to its configuration.
    const conf = join(folder, 'sentinel.conf')
    writeFileSync(conf, `port ${sentinelPort}\ndir ${folder}\nsentinel monitor mymaster 127.0.0.1 ${server.port} 1\n`)
    sentinel = spawn(found.server.command, [...found.server.args, conf, '--sentinel'], {stdio: 'ignore'})
    await vi.waitFor(async () => (await openClient(sentinelPort)).close(), {timeout: 5000})
  })
  afterAll(async () => {
    sentinel?.kill('SIGKILL')
    await Promise.all([replica?.stop(), server?.stop()])
  })

  it('is no cluster', async () => {
    const {code, stderr} = await rdbtool(['sync', '--cluster', `127.0.0.1:${server.port}`, '--out', output()])
    expect(code).toBe(4)
    expect(stderr).toContain('(NOT_A_CLUSTER)')
  })

  it('is found by a Sentinel, though another does not answer', async () => {
    const out = output()
    const sentinels = `mymaster@127.0.0.1:${await freePort()},127.0.0.1:${sentinelPort}`
    const {code, stdout} = await rdbtool(['sync', '--sentinel', sentinels, '--out', out, '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({master: `127.0.0.1:${server.port}`, keys: 1, out})
  })

  it('has no other name than its own', async () => {
    const args = ['sync', '--sentinel', `other@127.0.0.1:${sentinelPort}`, '--out', output()]
    const {code, stderr} = await rdbtool(args)
    expect(code).toBe(5)
    expect(stderr).toContain('knows no master called "other" (MASTER_UNKNOWN)')
  })

  it('is no master because a Sentinel says so', async () => {
    const port = String(replica.port)
    const SENTINEL = `*2\r\n$9\r\n127.0.0.1\r\n$${port.length}\r\n${port}`
    const liar = await scriptedMaster({replies: {SENTINEL}})
    const args = ['sync', '--sentinel', `mymaster@${liar.address}`, '--out', output(), '--wait', '0']
    const {code, stderr} = await rdbtool(args)
    expect(code).toBe(5)
    expect(stderr).toContain(
      `Sentinel has 127.0.0.1:${port} as the master "mymaster", but its role is slave (NOT_A_MASTER)`,
    )
  })

  it.each([
    ['nothing to fetch from', ['--out', 'x'], 'give one of these'],
    ['two of them', ['db1', '--cluster', 'db1', '--out', 'x'], 'give one of these'],
    ['a stream of a cluster', ['--cluster', 'db1', '--out', 'x', '--for', '1'], 'not with --cluster'],
    ['replicas of no cluster', ['db1', '--from-replicas', '--out', 'x'], 'belongs to --cluster'],
    ['a Sentinel without a name', ['--sentinel', 'db1:26379', '--out', 'x'], 'names no master'],
  ])('2: %s', async (_, args, said) => {
    const {code, stderr} = await rdbtool(['sync', ...args])
    expect(code).toBe(2)
    expect(stderr).toContain(said)
  })
})
