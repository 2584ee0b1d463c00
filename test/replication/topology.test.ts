/** What a cluster says of its slots, and what is made of it. */
import {describe, expect, it} from 'vitest'
import {clusterShards, coverage, formatSlots, movedSlots, type Shard} from '../../src/replication/topology.js'
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
    ['HTTP/1.1 400 Bad Request', 'NOT_A_SERVER'],
  ])('%s', async (CLUSTER, code) => {
    const master = await scriptedMaster({replies: {CLUSTER}})
    await expect(clusterShards(parseAddress(master.address), 1000)).rejects.toMatchObject({code})
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
