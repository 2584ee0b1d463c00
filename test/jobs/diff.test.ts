/** diff: samples where one thing differs, sides that are damaged, keys that are there twice, what is to be left out. */
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {build} from '../../src/jobs/build.js'
import type {DiffOptions} from '../../src/jobs/diff.js'
import {f64, hex, len, str} from '../fixtures/builder.js'
import * as value from '../fixtures/values.js'
import {countsOf, differencesOf} from '../reading/differences.js'
import {fixture} from '../reading/fixtures.js'
import {temporaryFolder} from '../start/folder.js'
import {RdbFile, text} from '../start/rdb.js'

const folder = temporaryFolder()
let files = 0

type Options = Partial<Omit<DiffOptions, 'sink'>>

const file = (make: (rdb: RdbFile) => void, version = 11): string => {
  const rdb = new RdbFile('REDIS', version).db(0)
  make(rdb)
  return folder.write(`${files++}.rdb`, rdb.end())
}

const lines = (...rows: object[]): string =>
  folder.write(`${files++}.jsonl`, ['{"meta":{}}', ...rows.map(one => JSON.stringify(one)), ''].join('\n'))

const found = async (before: string, after: string, options: Options = {}) =>
  await differencesOf(before, after, {nowMs: 0, ...options})

/** Only the parts that differ of the only key that does. */
async function parts(before: string, after: string, options: Options = {}): Promise<unknown> {
  const {lines: all, result} = await found(before, after, options)
  expect(result.equal).toBe(all.length === 0)
  expect(all.length).toBeLessThan(2)
  return all[0]?.differences
}

const zset = (...rows: [string, number][]) => value.zset(value.binaryScores(rows), rows)
const stream = (over: object) =>
  value.stream(3, {nodes: [], entries: [], lastId: '9-0', firstId: '0-0', groups: [], ...over})
const group = (over: object = {}) => ({
  name: 'g',
  lastId: '5-0',
  entriesRead: 1,
  pending: [['5-0', 1_700_000_000_000, 1, 'c']],
  consumers: [{name: 'c', seenAtMs: 1_700_000_000_000, activeAtMs: 1_700_000_000_001, pending: ['5-0']}],
  ...over,
})
const streamFile = (over: object): string => file(rdb => rdb.key(21, 's', stream(over)))

describe('one difference is found', () => {
  it('the last bit of a score', async () => {
    const [one, other] = [0.1 + 0.2, 0.3].map(score => file(rdb => rdb.key(5, 'z', zset(['a', score], ['b', 1]))))
    expect(await parts(one!, other!)).toEqual([{what: 'score', member: 'a', before: 0.30000000000000004, after: 0.3}])
  })

  it('no number; but both zeros are one score, as to servers', async () => {
    const scores = [0, -0, Number.NaN, Number.POSITIVE_INFINITY]
    const [zero, minus, nan, inf] = scores.map(score =>
      file(rdb => rdb.key(5, 'z', {...zset(['a', 1]), bytes: hex(len(1), str('a'), f64(score))})),
    )
    expect(await parts(zero!, minus!)).toBeUndefined()
    expect(await parts(nan!, inf!)).toEqual([{what: 'score', member: 'a', before: 'nan', after: 'inf'}])
    expect(await parts(minus!, nan!)).toEqual([{what: 'score', member: 'a', before: '-0', after: 'nan'}])
    expect(await parts(nan!, nan!)).toBeUndefined()
  })

  it('an expiry, that of a key and that of a field', async () => {
    const keys = [undefined, 5000, 5001].map(ms =>
      file(rdb => (ms === undefined ? rdb : rdb.expireMs(ms)).key(0, 'k', text('v'))),
    )
    expect(await parts(keys[0]!, keys[1]!)).toEqual([{what: 'expiry', after: 5000}])
    expect(await parts(keys[2]!, keys[1]!)).toEqual([{what: 'expiry', before: 5001, after: 5000}])
    const [one, other] = [lines(hash(5000)), lines(hash(7000))]
    expect(await parts(one, other)).toEqual([{what: 'fieldExpiry', before: 5000, after: 7000, field: 'f'}])
    expect(await parts(one, other, {ignoreExpiry: true})).toBeUndefined()
  })

  it('a function', async () => {
    const [one, other, none] = [1, 2, undefined].map(n =>
      file(rdb => (n === undefined ? rdb : rdb.op(0xf5, str(`#!lua name=lib\nreturn ${n}`))).key(0, 'k', text('v'))),
    )
    const {result, lines: all} = await found(one!, other!)
    expect(result.libraries).toEqual([{name: 'lib', change: 'changed'}])
    expect(result.equal).toBe(false)
    const [before, after] = [1, 2].map(n => `#!lua name=lib\nreturn ${n}`)
    expect(all).toEqual([{change: 'changed', library: 'lib', before, after}])
    expect((await found(one!, none!)).lines).toEqual([{change: 'removed', library: 'lib', before}])
  })

  const base = streamFile({groups: [group()]})
  it.each([
    ['a group', {groups: []}, {what: 'group', group: 'g', before: {lastId: '5-0', entriesRead: 1}}],
    ['where a group is', {groups: [group({lastId: '6-0'})]}, {what: 'group', after: {lastId: '6-0', entriesRead: 1}}],
    [
      'what it has read',
      {groups: [group({entriesRead: -1})]},
      {what: 'group', after: {lastId: '5-0', entriesRead: -1}},
    ],
    ['the last ID', {lastId: '9-1', groups: [group()]}, {what: 'lastId', before: '9-0', after: '9-1'}],
    [
      'when a consumer was seen',
      {groups: [group({consumers: [{name: 'c', seenAtMs: 1, activeAtMs: 1_700_000_000_001, pending: ['5-0']}]})]},
      {what: 'consumer', group: 'g', consumer: 'c', after: {seenAtMs: 1, activeAtMs: 1_700_000_000_001}},
    ],
    [
      'how often an entry was delivered',
      {groups: [group({pending: [['5-0', 1_700_000_000_000, 2, 'c']]})]},
      {what: 'pending', group: 'g', id: '5-0', after: {deliveredAtMs: 1_700_000_000_000, deliveries: 2, consumer: 'c'}},
    ],
  ])('%s', async (_, over, part) => {
    const all = (await parts(base, streamFile(over as object))) as object[]
    expect(all).toContainEqual(expect.objectContaining(part))
    expect(await parts(base, base)).toBeUndefined()
  })

  it('whose a pending entry is', async () => {
    const owned = (name: string) =>
      streamFile({
        groups: [
          group({
            pending: [['5-0', 7, 1, name]],
            consumers: ['a', 'b'].map(one => ({
              ...{name: one, seenAtMs: 1, activeAtMs: 1},
              pending: one === name ? ['5-0'] : [],
            })),
          }),
        ],
      })
    const all = await parts(owned('a'), owned('b'), {ignore: ['consumers']})
    expect(all).toEqual([
      expect.objectContaining({what: 'pending', id: '5-0', before: expect.objectContaining({consumer: 'a'})}),
    ])
  })

  it('a type', async () => {
    const [one, other] = [
      lines({db: 0, key: 'k', type: 'set', value: ['a']}),
      lines({db: 0, key: 'k', type: 'list', value: ['a']}),
    ]
    expect(await parts(one, other)).toEqual([{what: 'type', before: 'set', after: 'list'}])
  })

  it('an entry of a stream, its fields in their order', async () => {
    const of = (...fields: string[]) => {
      const entries = [['1-1', fields]]
      return lines({
        db: 0,
        key: 's',
        type: 'stream',
        value: {entries, lastId: '1-1', maxDeletedId: '0-0', entriesAdded: 1, groups: []},
      })
    }
    expect(await parts(of('a', '1', 'b', '2'), of('b', '2', 'a', '1'))).toEqual([
      {what: 'entry', id: '1-1', before: ['a', '1', 'b', '2'], after: ['b', '2', 'a', '1']},
    ])
  })
})

function hash(expireAtMs?: number): object {
  return {
    db: 0,
    key: 'h',
    type: 'hash',
    value: [
      ['f', 'v', ...(expireAtMs === undefined ? [] : [expireAtMs])],
      ['g', 'w'],
    ],
  }
}

describe('what does not matter', () => {
  it('an expiry that is near enough, of a key and of a field, and no other', async () => {
    const at = (ms: number, field: number) => lines({...hash(field), expireAtMs: ms})
    const [one, near, far] = [at(50_000, 9000), at(51_999, 7001), at(52_001, 9000)]
    expect(await parts(one, near, {toleranceMs: 2000})).toBeUndefined()
    expect(await parts(one, far, {toleranceMs: 2000})).toEqual([{what: 'expiry', before: 50_000, after: 52_001}])
    expect(await parts(one, lines(hash(9000)), {toleranceMs: 1e15})).toEqual([{what: 'expiry', before: 50_000}])
    expect(await parts(one, at(50_000, 12_000), {toleranceMs: 2000})).toEqual([
      {what: 'fieldExpiry', before: 9000, after: 12_000, field: 'f'},
    ])
  })

  it('uses, where that is said, or where one side alone tells them', async () => {
    const of = (use: object) => lines({db: 0, key: 'a', type: 'string', value: 'v', ...use})
    const [none, five, six] = [of({}), of({idleSeconds: 5}), of({idleSeconds: 6})]
    expect(await parts(five, six)).toEqual([{what: 'idleSeconds', before: 5, after: 6}])
    expect(await parts(five, six, {ignore: ['idle']})).toBeUndefined()
    const {result} = await found(none, five)
    expect(result).toMatchObject({equal: true, toldByOne: ['idle']})
    expect(await parts(of({frequency: 1}), of({frequency: 2}), {ignore: ['idle']})).toEqual([
      {what: 'frequency', before: 1, after: 2},
    ])
  })

  it('consumers, where that is said', async () => {
    const of = (seenAtMs: number) =>
      streamFile({groups: [group({consumers: [{name: 'c', seenAtMs, activeAtMs: 5, pending: ['5-0']}]})]})
    expect(await parts(of(1), of(2), {ignore: ['consumers']})).toBeUndefined()
  })

  it('the number of a database that is mapped', async () => {
    const of = (db: number) =>
      lines({db, key: 'k', type: 'string', value: 'v'}, {db: 4, key: 'x', type: 'string', value: 'v'})
    const [zero, three] = [of(0), of(3)]
    expect((await found(zero, three)).lines.map(({change, db}) => `${change} ${db}`)).toEqual(['removed 0', 'added 3'])
    expect((await found(zero, three, {mapDb: [[0, 3]]})).result.equal).toBe(true)
    // Databases are chosen as the second side counts them.
    const {result} = await found(zero, three, {mapDb: [[0, 3]], selection: {db: [3]}})
    expect(result).toMatchObject({equal: true, rows: [{db: 3, before: 1, after: 1, same: 1}]})
  })

  it('what is not selected', async () => {
    const one = lines({db: 0, key: 'a', type: 'string', value: '1'}, {db: 0, key: 'b', type: 'string', value: '1'})
    const other = lines({db: 0, key: 'a', type: 'string', value: '2'}, {db: 0, key: 'b', type: 'string', value: '1'})
    expect((await found(one, other, {selection: {match: ['b']}})).result.equal).toBe(true)
    expect((await found(one, other, {selection: {match: ['a']}})).result.equal).toBe(false)
    const large = lines(
      {db: 0, key: 'a', type: 'string', value: 'x'.repeat(5000)},
      {db: 0, key: 'b', type: 'string', value: '1'},
    )
    // One side's is of that size.
    expect((await found(one, large, {selection: {maxBytes: 1000}})).lines.map(({change}) => change)).toEqual([
      'changed',
    ])
  })
})

describe('a side that is not as it should be', () => {
  const many = (count: number, from = 0): string =>
    file(rdb => {
      for (let i = from; i < from + count; i++) rdb.key(0, `key:${i}`, text(`value ${i}`))
    })

  it('is compared up to where it is cut off, and nothing is said of the rest', async () => {
    const [whole, bytes] = [many(100), fixtureBytes(many(100))]
    const cut = folder.write('cut.rdb', bytes.subarray(0, bytes.length >> 1))
    for (const side of [0, 1] as const) {
      const {result, lines: all} = await found(...((side === 0 ? [cut, whole] : [whole, cut]) as [string, string]))
      expect(all).toEqual([])
      expect(result.equal).toBe(false)
      expect(result.sides[side]).toMatchObject({incomplete: true, failure: {code: 'TRUNCATED'}})
      const {keys} = result.sides[side]!
      expect(keys).toBeGreaterThan(30)
      expect(countsOf(result)).toMatchObject({same: keys, notCompared: 100 - keys})
    }
    // What is there and differs is told all the same.
    const changed = folder.write('cut-changed.rdb', Buffer.from(bytes.subarray(0, bytes.length >> 1)))
    const {lines: all} = await found(many(100, 1), changed)
    expect(all.map(({change, key}) => `${change} ${key}`)).toEqual(['added key:0'])
  })

  it('is compared beside a value that is damaged', async () => {
    const sound = file(rdb => {
      rdb.key(16, 'h', value.hash(value.blob.listpack(['f', 'v']), [['f', 'v']])).key(0, 'k', text('v'))
    })
    const bytes = Buffer.from(fixtureBytes(sound))
    // The end mark of the listpack.
    const at = bytes.indexOf(0xff, 12)
    bytes[at] = 0x7f
    const damaged = folder.write('damaged.rdb', bytes)
    const {result, lines: all} = await found(damaged, sound, {ignoreChecksum: true})
    expect(all).toEqual([])
    expect(result.sides[0]).toMatchObject({
      damaged: 1,
      incomplete: false,
      problems: expect.arrayContaining([expect.objectContaining({code: 'BAD_LISTPACK'})]),
    })
    expect(countsOf(result)).toMatchObject({same: 1, notCompared: 2})
    expect(result.equal).toBe(false)
  })

  it('is compared whole where only its checksum is wrong, and that is told', async () => {
    const whole = many(10)
    const bytes = Buffer.from(fixtureBytes(whole))
    bytes[bytes.length - 1]! ^= 1
    const {result} = await found(folder.write('checksum.rdb', bytes), whole)
    expect(countsOf(result)).toEqual({before: 10, after: 10, same: 10})
    expect(result.sides[0]).toMatchObject({incomplete: false, failure: {code: 'BAD_CHECKSUM'}})
    expect(result.equal).toBe(false)
  })

  it('may be empty', async () => {
    const [none, some] = [many(0), many(3)]
    expect(countsOf((await found(none, some)).result)).toEqual({after: 3, added: 3})
    expect(countsOf((await found(some, none)).result)).toEqual({before: 3, removed: 3})
    expect((await found(none, none)).result.equal).toBe(true)
  })

  it('has a key twice: it is not compared, and that is told', async () => {
    const twice = fixture('rdb-built/key-twice-v9.rdb').path
    const {lines: rows} = await found(
      twice,
      file(() => {}),
    )
    expect(rows).toEqual([])
    const {result} = await found(
      file(rdb => rdb.key(0, 'k', text('v'))),
      twice,
    )
    expect(result).toMatchObject({equal: false, twins: 1})
    expect(countsOf(result)['notCompared']).toBe(2)
    // Both hold the same.
    expect((await found(twice, twice)).result.equal).toBe(true)
  })

  it('is of another family', async () => {
    const out = join(folder.path, 'valkey.rdb')
    const source = fixture('rdb/stream-groups-v12.rdb').path
    await build([source], {out, target: 'valkey-9.1'})
    expect((await found(source, out)).result.equal).toBe(true)
  })
})

describe('more than fits the memory', () => {
  const rows = (count: number, edit: (i: number) => string): string => {
    const all = Array.from({length: count}, (_, i) => [`field:${i}`, edit(i)])
    return lines({db: 0, key: 'huge', type: 'hash', value: all}, ...keys(count, edit))
  }
  const keys = (count: number, edit: (i: number) => string): object[] =>
    Array.from({length: count}, (_, i) => ({db: 0, key: `k:${(i * 7919) % count}`, type: 'string', value: edit(i)}))

  it('gives the same answers', async () => {
    const before = rows(3000, i => `value ${i}`)
    const after = rows(3000, i => (i % 10 === 3 ? `other ${i}` : `value ${i}`))
    const much = await found(before, after)
    const little = await found(before, after, {memoryBytes: 4096})
    expect(little.lines).toEqual(much.lines)
    expect(countsOf(little.result)).toMatchObject({changed: 301, same: 2700})
    expect(much.lines.find(({key}) => key === 'huge')!.differences).toHaveLength(300)
  })
})

describe('two files of one version', () => {
  const of = (edits: Readonly<Record<string, string>>, turned = false): string =>
    file(rdb => {
      for (let i = 0; i < 4000; i++) {
        const name = `key:${i}`
        if (edits[name] === 'gone') continue
        const members = [`a${i}`, `b${i}`, edits[name] ?? 'c']
        if (i % 4 === 0) rdb.key(0, name, text(`${edits[name] ?? i} `.repeat(40)))
        else if (i % 4 === 1)
          rdb.key(2, name, value.set(hex(len(3), ...(turned ? members.toReversed() : members).map(str)), members))
        else if (i % 4 === 2)
          rdb.key(
            20,
            name,
            value.set(value.blob.listpack(turned && i % 400 === 2 ? members.toReversed() : members), members),
          )
        else rdb.key(18, name, {bytes: hex(len(1), 2, value.blob.listpack(members)), type: 'list', value: members})
      }
      if (edits['come'] !== undefined) rdb.db(3).key(0, 'come', text('x'))
    })

  it('are compared by their stored bytes, and what differs there by what it means', async () => {
    const edits = {'key:8': 'other', 'key:401': 'x', 'key:1002': 'y', 'key:2003': 'z', 'key:3000': 'gone', come: 'here'}
    const {result, lines: all} = await found(of({}), of(edits, true))
    expect(all.map(({change, db, key}) => `${change} ${db} ${key}`)).toEqual([
      'removed 0 key:3000',
      'added 3 come',
      ...['8', '401', '1002', '2003'].map(i => `changed 0 key:${i}`),
    ])
    expect(all.find(({key}) => key === 'key:401')!.differences).toEqual([
      {what: 'member', before: 'c'},
      {what: 'member', after: 'x'},
    ])
    expect(countsOf(result)).toEqual({before: 4000, after: 4000, removed: 1, added: 1, changed: 4, same: 3995})
  })

  it('and where many differ, all by what they mean', async () => {
    const all = Object.fromEntries(Array.from({length: 2000}, (_, i) => [`key:${2 * i}`, `edit ${i}`]))
    const {result} = await found(of({}), of(all, true))
    expect(countsOf(result)).toEqual({before: 4000, after: 4000, changed: 2000, same: 2000})
  })
})

function fixtureBytes(path: string): Buffer {
  return readFileSync(path)
}
