/** What is split into shards is what a cluster of real servers has: each node loads its file, and finds nothing amiss. */
import {spawnSync} from 'node:child_process'
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, describe, expect, it} from 'vitest'
import {build} from '../../src/jobs/build.js'
import {buildSplit, splitPlan} from '../../src/jobs/build-split.js'
import {parseClusterNodes} from '../../src/keyspace/cluster-nodes.js'
import {evenSlots, formatSlots, type SlotRange} from '../../src/keyspace/slots.js'
import {startCluster} from './cluster.js'
import {describeEachServer} from './each-server.js'
import * as oracle from './oracle.js'
import {findServer, type Server, startServer} from './server.js'

const folder = mkdtempSync(join(tmpdir(), 'rdbtool-split-'))
afterAll(() => rmSync(folder, {recursive: true, force: true}))
let outs = 0
const newOut = (): string => join(folder, `out-${outs++}`)

/** Every type, keys of one tag, keys that are no text, expiries. */
async function fill({client}: Server): Promise<void> {
  const commands: (string | Buffer | number)[][] = []
  for (let i = 0; i < 600; i++) {
    commands.push(['SET', `string:${i}`, `value ${i}`], ['RPUSH', `list:${i}`, 'a', i, 'b'])
    commands.push(['HSET', `hash:${i}`, 'field', i], ['ZADD', `{tag:${i % 7}}zset:${i}`, i, 'member', i / 3, 'other'])
    commands.push(['SADD', Buffer.from([i % 256, 0xff, i >> 8]), i, 'member'], ['XADD', `stream:${i}`, '1-1', 'f', 'v'])
    commands.push(['XGROUP', 'CREATE', `stream:${i}`, 'group', '0'], ['PEXPIREAT', `string:${i}`, 4e12 + i])
  }
  await client.pipeline(commands)
}

/** A node of a cluster that has these slots, and is alone: it starts from the shard. */
async function startNode(name: string, rdb: string, slots: readonly SlotRange[]): Promise<Server> {
  const dir = mkdtempSync(join(folder, 'node-'))
  const id = 'a'.repeat(40)
  const ranges = slots.map(([first, last]) => (first === last ? first : `${first}-${last}`)).join(' ')
  writeFileSync(
    join(dir, 'nodes.conf'),
    `${id} 127.0.0.1:7000@17000 myself,master - 0 0 1 connected ${ranges}\nvars currentEpoch 1 lastVoteEpoch 0\n`,
  )
  return await startServer(name, {dir, rdb, config: {'cluster-enabled': 'yes', 'cluster-require-full-coverage': 'no'}})
}

describeEachServer('the shards of a snapshot of', name => {
  it('are loaded by nodes that have their slots, and all together are the snapshot', async () => {
    const server = await startServer(name)
    await fill(server)
    const source = newOut()
    writeFileSync(source, readFileSync(await server.save()))
    await server.stop()
    const {out, shards, keysOut} = await buildSplit([source], {out: newOut(), plan: splitPlan('3')})
    expect(keysOut).toBe(600 * 6)
    for (const {file, slots, keys} of shards) {
      const node = await startNode(name, join(out, file), slots)
      try {
        const {client} = node
        expect(await client.call('DBSIZE')).toBe(keys)
        const ours = slots.flatMap(([first, last]) => Array.from({length: last - first + 1}, (_, at) => first + at))
        const counts = await client.pipeline(ours.map(slot => ['CLUSTER', 'COUNTKEYSINSLOT', slot]))
        expect((counts as number[]).reduce((sum, one) => sum + one, 0)).toBe(keys)
        // A node that meets a key of another slot takes that slot too.
        const [shard] = parseClusterNodes(String(await client.call('CLUSTER', 'NODES')), 'the node').shards
        expect(formatSlots(shard!.slots)).toBe(formatSlots(slots))
      } finally {
        await node.stop()
      }
    }
    const all = `${newOut()}.rdb`
    expect(await build([out], {out: all})).toMatchObject({keysOut, misplaced: 0})
    expect(await oracle.sameAfterLoading(name, source, all)).toEqual([])
  }, 60_000)
})

const here = (name: string): boolean => typeof findServer(name) !== 'string'

describe.each(['redis-7.0', 'redis-8.0', 'redict-7.3', 'valkey-8.0', 'valkey-8.1', 'valkey-9.1'].filter(here))(
  'nodes of a cluster of %s',
  name => {
    it('write down the slots that they have, and those that are moving', async () => {
      const cluster = await startCluster(name, 3, 1)
      try {
        const [from, to] = cluster.masters as [Server, Server]
        const [fromId, toId] = await Promise.all(
          [from, to].map(async ({client}) => String(await client.call('CLUSTER', 'MYID'))),
        )
        const slot = cluster.slots[0]![1]
        await from.client.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId!)
        await to.client.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId!)
        for (const master of cluster.masters) await master.client.call('CLUSTER', 'SAVECONFIG')
        const ids = await Promise.all(
          cluster.masters.map(async ({client}) => String(await client.call('CLUSTER', 'MYID'))),
        )
        const shards = cluster.slots.map((range, at) => ({nodeId: ids[at], slots: [range]}))
        for (const {dir, client} of [...cluster.masters, ...cluster.replicas]) {
          const isMoving = dir === from.dir || dir === to.dir
          const expected = {shards, migrating: isMoving ? [slot] : [], failed: []}
          expect(parseClusterNodes(readFileSync(join(dir, 'nodes.conf'), 'utf8'), 'nodes.conf')).toEqual(expected)
          expect(parseClusterNodes(String(await client.call('CLUSTER', 'NODES')), 'CLUSTER NODES')).toEqual(expected)
        }
      } finally {
        await cluster.stop()
      }
    }, 60_000)
  },
)

const found = findServer('redis-7.0')
const cli = typeof found === 'string' ? undefined : found.tool('cli')

describe.skipIf(cli === undefined)('redis-cli --cluster create', () => {
  it('gives as many masters the same slots', async () => {
    const servers: Server[] = []
    try {
      while (servers.length < 7) servers.push(await startServer('redis-7.0', {config: {'cluster-enabled': 'yes'}}))
      for (const count of [3, 4, 5, 6, 7]) {
        const addresses = servers.slice(0, count).map(({port}) => `127.0.0.1:${port}`)
        const args = [...cli!.args, '--cluster', 'create', ...addresses]
        const {stdout} = spawnSync(cli!.command, args, {input: 'no\n', encoding: 'utf8'})
        const ranges = [...stdout.matchAll(/Master\[\d+\] -> Slots (\d+) - (\d+)/g)].map(([, a, b]) => [
          Number(a),
          Number(b),
        ])
        expect(ranges).toEqual(evenSlots(count))
      }
    } finally {
      for (const server of servers) await server.stop()
    }
  }, 60_000)
})
