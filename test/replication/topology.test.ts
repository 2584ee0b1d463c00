/** What a cluster says of its slots, and what is made of it. */
import {describe, expect, it} from 'vitest'
import {coverage, formatSlots} from '../../src/keyspace/slots.js'
import {clusterShards, masterOf, movedSlots, type Shard} from '../../src/replication/topology.js'
import {parseAddress} from '../../src/resp/address.js'
import {scriptedMaster} from './scripted-master.js'

type Value = string | number | null | Value[]

/** A reply in RESP2. */
function reply(value: Value): string {
  if (value === null) return '$-1\r\n'
  if (typeof value === 'number') return `:${value}\r\n`
  if (typeof value === 'string') return `$${Buffer.byteLength(value)}\r\n${value}\r\n`
  return `*${value.length}\r\n${value.map(reply).join('')}`
}

async function shardsOf(value: Value): Promise<Shard[]> {
  const master = await scriptedMaster({replies: {CLUSTER: reply(value).slice(0, -2)}, pieceBytes: 7})
  return await clusterShards(parseAddress(`redis://ops:secret@${master.address}`), 1000)
}

const node = (id: string, port = 7000): Value[] => ['10.0.0.1', port, id]
const shard = (id: string, ...slots: [number, number][]): Shard => {
  return {master: {id, address: {host: 'h', port: 1}}, replicas: [], slots}
}

describe('the shards of a cluster', () => {
  it('are joined by their masters and sorted by their slots; the credentials are the same for all', async () => {
    const found = await shardsOf([
      [9000, 16_383, node('b', 7001), node('r', 7002)],
      [5, 8999, node('a')],
      [0, 4, node('b', 7001), node('r', 7002)],
    ])
    const credentials = {user: 'ops', password: 'secret'}
    expect(found).toEqual([
      {
        master: {id: 'b', address: {host: '10.0.0.1', port: 7001, ...credentials}},
        replicas: [{id: 'r', address: {host: '10.0.0.1', port: 7002, ...credentials}}],
        slots: [
          [0, 4],
          [9000, 16_383],
        ],
      },
      {master: {id: 'a', address: {host: '10.0.0.1', port: 7000, ...credentials}}, replicas: [], slots: [[5, 8999]]},
    ])
  })

  it.each([[''], [null], ['?']])('whose endpoint is told as %j is where we asked', async host => {
    const [one] = await shardsOf([[0, 16_383, [host, 7000, 'a', ['hostname', 'x']]]])
    expect(one!.master.address).toMatchObject({host: '127.0.0.1', port: 7000})
  })

  it('of redis 3.0 have no IDs: the address stands for one', async () => {
    const [one] = await shardsOf([[0, 16_383, ['10.0.0.1', 7000]]])
    expect(one!.master.id).toBe('10.0.0.1:7000')
  })

  it.each<[string, Value, RegExp]>([
    ['none', [], /no shard has 0-16383$/],
    [
      'a gap',
      [
        [0, 99, node('a')],
        [101, 16_383, node('b')],
      ],
      /no shard has 100$/,
    ],
    [
      'two masters',
      [
        [0, 16_383, node('a')],
        [5, 6, node('b')],
      ],
      /more than one has 5-6$/,
    ],
    [
      'both',
      [
        [1, 16_383, node('a')],
        [5, 5, node('b')],
      ],
      /no shard has 0; more than one has 5$/,
    ],
  ])('that do not cover every slot once are refused: %s', async (_, value, message) => {
    await expect(shardsOf(value)).rejects.toMatchObject({
      code: 'SLOTS_UNCOVERED',
      message: expect.stringMatching(message),
    })
  })

  it.each<[string, Value]>([
    ['no list', 'OK'],
    ['a slot that is none', [[0, 16_384, node('a')]]],
    ['a node without a port', [[0, 16_383, ['10.0.0.1']]]],
    ['no master', [[0, 16_383]]],
  ])('in a form that we do not know are refused: %s', async (_, value) => {
    await expect(shardsOf(value)).rejects.toMatchObject({code: 'UNEXPECTED_REPLY'})
  })

  it.each([
    ['-ERR This instance has cluster support disabled', 'NOT_A_CLUSTER'],
    ["-NOPERM this user has no permissions to run the 'cluster|slots' command", 'NO_PERMISSION'],
    ['-NOAUTH Authentication required.', 'AUTH_REQUIRED'],
    ['-DENIED Redis is running in protected mode because protected mode is enabled', 'PROTECTED_MODE'],
    ['HTTP/1.1 400 Bad Request', 'NOT_A_SERVER'],
    ['\u0015\u0003\u0001\u0000\u0002\u0002', 'TLS_FAILED'],
  ])('%j', async (CLUSTER, code) => {
    const master = await scriptedMaster({replies: {CLUSTER}})
    await expect(clusterShards(parseAddress(master.address), 1000)).rejects.toMatchObject({code})
  })

  it('in protected mode even AUTH is refused for that reason', async () => {
    const master = await scriptedMaster({replies: {AUTH: '-DENIED Redis is running in protected mode'}})
    const asked = clusterShards(parseAddress(`redis://:secret@${master.address}`), 1000)
    await expect(asked).rejects.toMatchObject({code: 'PROTECTED_MODE'})
  })

  it('are not told where another protocol is spoken, and that is named', async () => {
    const master = await scriptedMaster({replies: {CLUSTER: 'HTTP/1.1 400 Bad Request'}})
    await expect(clusterShards(parseAddress(master.address), 1000)).rejects.toThrow(/: it speaks HTTP$/)
  })

  it('are waited for as long as silence is allowed, however long a connection may take', async () => {
    const master = await scriptedMaster({replies: {CLUSTER: undefined}})
    await expect(clusterShards(parseAddress(master.address), 9000, 100)).rejects.toMatchObject({
      code: 'SILENCE',
      message: expect.stringMatching(/did not answer CLUSTER within 0\.1 s$/),
    })
  })

  it('a password that AUTH repeats in part is not shown', async () => {
    const password = 'hunter2'.repeat(30)
    const AUTH = `-ERR unknown command \`AUTH\`, with args beginning with: \`${password.slice(0, 128)}\`, `
    const master = await scriptedMaster({replies: {AUTH}})
    const error = await clusterShards(parseAddress(`redis://:${password}@${master.address}`), 1000).catch(one => one)
    expect(error).toMatchObject({code: 'AUTH_FAILED', message: expect.stringMatching(/unknown command `AUTH`$/)})
    expect(JSON.stringify(error) + error.stack).not.toContain('hunter2')
  })
})

describe('the master of a name', () => {
  const told = (port: number): string => reply(['127.0.0.1', String(port)]).slice(0, -2)
  const ROLE = reply(['master', 0, []]).slice(0, -2)
  const gone = async (): Promise<number> => {
    const master = await scriptedMaster({})
    await master.close()
    return master.port
  }

  it('is asked for again while it is one that nobody reaches', async () => {
    const [dead, master] = [await gone(), await scriptedMaster({replies: {ROLE}})]
    const answers = [told(dead), told(master.port)]
    const sentinel = await scriptedMaster({replies: {SENTINEL: () => answers.shift()}})
    const found = await masterOf('mm', [parseAddress(sentinel.address)], {}, {timeoutMs: 1000, patienceMs: 9000})
    expect(found).toEqual({host: '127.0.0.1', port: master.port})
    expect(sentinel.connections()).toBe(2)
  })

  it('is given up once patience ends, for the reason that it had', async () => {
    const sentinel = await scriptedMaster({replies: {SENTINEL: told(await gone())}})
    const asked = masterOf('mm', [parseAddress(sentinel.address)], {}, {timeoutMs: 1000, patienceMs: 0})
    await expect(asked).rejects.toMatchObject({code: 'CONNECT_FAILED'})
  })

  it('and its Sentinels may be silent for as long as is allowed', async () => {
    const sentinel = await scriptedMaster({replies: {SENTINEL: undefined}})
    const limits = {timeoutMs: 9000, silenceMs: 100, patienceMs: 0}
    await expect(masterOf('mm', [parseAddress(sentinel.address)], {}, limits)).rejects.toMatchObject({
      code: 'SILENCE',
      message: expect.stringMatching(/within 0\.1 s$/),
    })
  })
})

describe('slots', () => {
  it('that nobody has, and that two have', () => {
    const {missing, twice} = coverage([shard('a', [0, 100]), shard('b', [100, 16_381], [16_383, 16_383])])
    expect({missing: formatSlots(missing), twice: formatSlots(twice)}).toEqual({missing: '16382', twice: '100'})
  })

  it('that have moved', () => {
    const before = [shard('a', [0, 8191]), shard('b', [8192, 16_383])]
    expect(movedSlots(before, [shard('a', [0, 8191]), shard('b', [8192, 16_383])])).toEqual([])
    expect(movedSlots(before, [shard('a', [0, 7]), shard('b', [8, 16_383])])).toEqual([[8, 8191]])
    expect(movedSlots(before, [shard('c', [0, 8191]), shard('b', [8192, 16_383])])).toEqual([[0, 8191]])
  })
})
