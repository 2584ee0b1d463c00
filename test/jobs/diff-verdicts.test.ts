/** diff: what must not pass for equal, what must not be told, and that the answer is the same every time. */
import {appendFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {ByteOutput} from '../../src/bytes/output.js'
import {MemoryTarget} from '../../src/bytes/target.js'
import {JsonDifferences} from '../../src/export/difference-json.js'
import {build} from '../../src/jobs/build.js'
import {type DiffOptions, diff} from '../../src/jobs/diff.js'
import {limits} from '../../src/limits.js'
import {countsOf, differencesOf} from '../reading/differences.js'
import {temporaryFolder} from '../start/folder.js'
import {RdbFile, text} from '../start/rdb.js'

const folder = temporaryFolder()
let files = 0

type Options = Partial<Omit<DiffOptions, 'sink'>>

const lines = (...rows: object[]): string =>
  folder.write(`${files++}.jsonl`, ['{"meta":{}}', ...rows.map(one => JSON.stringify(one)), ''].join('\n'))
const file = (make: (rdb: RdbFile) => void): string => {
  const rdb = new RdbFile('REDIS', 11).db(0)
  make(rdb)
  return folder.write(`${files++}.rdb`, rdb.end())
}
const string = (key: string, value: string, more: object = {}) => ({db: 0, key, type: 'string', value, ...more})
const found = async (before: string, after: string, options: Options = {}) =>
  await differencesOf(before, after, {nowMs: 0, ...options})
const told = async (before: string, after: string, options: Options = {}): Promise<string[]> =>
  (await found(before, after, options)).lines.map(({change, db, key}) => `${change} ${db} ${key}`)

describe('a key is compared where it is selected on either side', () => {
  const before = lines(
    string('loses its expiry', 'v', {expireAtMs: 5000}),
    string('gets one', 'v'),
    string('never has one', 'v'),
    string('is gone', 'v', {expireAtMs: 5000}),
    string('other type', 'v'),
    string('stays', 'v', {expireAtMs: 5000}),
  )
  const after = lines(
    string('loses its expiry', 'v'),
    string('gets one', 'v', {expireAtMs: 5000}),
    string('never has one', 'w'),
    {db: 0, key: 'other type', type: 'list', value: ['v']},
    string('stays', 'v', {expireAtMs: 5000}),
  )

  it('by its expiry', async () => {
    const selection = {ttl: 'set'} as const
    expect(await told(before, after, {selection})).toEqual([
      'removed 0 is gone',
      'changed 0 loses its expiry',
      'changed 0 gets one',
    ])
    const {result} = await found(before, after, {selection})
    expect(countsOf(result)).toEqual({before: 4, after: 3, removed: 1, changed: 2, same: 1})
    expect((await told(before, after, {selection: {ttl: 'none'}})).sort()).toEqual([
      'changed 0 gets one',
      'changed 0 loses its expiry',
      'changed 0 never has one',
      'changed 0 other type',
    ])
    const {result: lax} = await found(before, after, {selection, ignoreExpiry: true})
    expect(countsOf(lax)).toMatchObject({removed: 1})
    expect(lax.rows.every(({same}) => same >= 0)).toBe(true)
  })

  it('by its type and its size', async () => {
    expect(await told(before, after, {selection: {types: ['list']}})).toEqual(['changed 0 other type'])
    const long = lines(string('k', 'x'.repeat(5000)), string('j', 'v'))
    const short = lines(string('k', 'x'), string('j', 'w'))
    for (const selection of [{minBytes: 1000}, {maxBytes: 1000, match: ['k']}]) {
      expect(await told(long, short, {selection})).toEqual(['changed 0 k'])
      expect(await told(short, long, {selection})).toEqual(['changed 0 k'])
    }
  })

  it('and where its value cannot be read on the other, it is not compared', async () => {
    const twice = lines(string('k', 'v', {expireAtMs: 5000}), string('k', 'w'))
    const {result} = await found(twice, lines(string('k', 'w')), {selection: {ttl: 'set'}})
    expect(result).toMatchObject({equal: false, twins: 1})
    expect((await found(twice, lines(string('k', 'w')), {selection: {types: ['list']}})).result.equal).toBe(true)
  })
})

describe('a key that stands twice', () => {
  const many = (edit: (i: number) => string): object[] =>
    Array.from({length: 20_000}, (_, i) => string(`k:${i}`, edit(i)))
  const twice = [string('twin', '1'), string('twin', '2')]

  it('in both with the same values is the same, every time', async () => {
    const before = lines(...many(String), ...twice)
    const after = lines(...twice.toReversed(), ...many(i => (i % 2 === 0 ? 'other' : String(i))))
    for (let i = 0; i < 3; i++) {
      const {result} = await found(before, after)
      expect(result.twins).toBe(0)
      expect(countsOf(result)).toEqual({before: 20_002, after: 20_002, changed: 10_000, same: 10_002})
    }
  })

  it('with other values is not compared, nor where expiries may be near to each other', async () => {
    const {result: near} = await found(lines(...twice), lines(...twice), {toleranceMs: 1})
    expect(near).toMatchObject({equal: false, twins: 1})
    const {result} = await found(lines(...twice), lines(string('twin', '1'), string('twin', '3')))
    expect(result).toMatchObject({equal: false, twins: 1})
  })
})

describe('expiries', () => {
  const at = (expireAtMs: string | undefined): string =>
    folder.write(
      `${files++}.jsonl`,
      `{"meta":{}}\n{"db":0,"key":"k","type":"string"${expireAtMs === undefined ? '' : `,"expireAtMs":${expireAtMs}`},"value":"v"}\n`,
    )
  const far = at('1152921504606846976')

  it('beyond what a double holds are compared exactly', async () => {
    const [nearby, same] = [at('1152921504606846977'), at('1152921504606846976')]
    expect(await told(far, nearby)).toEqual(['changed 0 k'])
    expect(await told(far, nearby, {toleranceMs: 1000})).toEqual(['changed 0 k'])
    expect(await told(far, same, {toleranceMs: 1000})).toEqual([])
  })

  it('are never near to none', async () => {
    const [never, last] = [undefined, 2 ** 53 - 1].map(ms =>
      file(rdb => (ms === undefined ? rdb : rdb.expireMs(ms)).key(0, 'k', text('v'))),
    )
    for (const [one, other] of [
      [never!, last!],
      [at(undefined), at(String(2 ** 53 - 1))],
    ] as const) {
      expect(await told(one, other, {toleranceMs: 1})).toEqual(['changed 0 k'])
      expect(await told(other, one, {toleranceMs: 2 ** 53 - 1})).toEqual(['changed 0 k'])
    }
  })
})

it('the database is told right where a file goes from one to another more often than is noted', async () => {
  const switching = (last: string): string =>
    file(rdb => {
      const count = limits.databasesMax + 300
      for (let i = 0; i < count; i++) rdb.db(i % 2).key(0, `k${i}`, text(i + 3 > count ? last : 'same'))
    })
  const count = limits.databasesMax + 300
  expect(await told(switching('a'), switching('b'))).toEqual([
    `changed ${count % 2} k${count - 2}`,
    `changed ${(count - 1) % 2} k${count - 1}`,
  ])
})

it('a source that is changed after its last reading is no basis for an answer', async () => {
  const before = lines(string('a', '1'))
  const after = lines(string('a', '2'))
  const out = new ByteOutput(new MemoryTarget())
  const sink = new (class extends JsonDifferences {
    override end(): void {
      appendFileSync(after, `${JSON.stringify(string('b', '1'))}\n`)
    }
  })(out)
  await expect(diff(before, after, {sink})).rejects.toMatchObject({
    source: after,
    message: `${after}: was changed while it was compared: compare a copy, or the running server itself`,
  })
})

it('functions are no part of a selection of keys, nor of what is ignored', async () => {
  const of = (code: string): string =>
    lines({function: `#!lua name=lib\n${code}`}, string('user', 'v'), string('other', 'v'))
  const [one, other] = [of('1'), of('2')]
  expect((await found(one, other)).result).toMatchObject({equal: false, libraries: [{name: 'lib', change: 'changed'}]})
  for (const options of [{selection: {match: ['u*']}}, {selection: {types: ['string']}}, {ignore: ['functions']}]) {
    const {result, lines: all} = await found(one, other, options as Options)
    expect(result).toMatchObject({equal: true, libraries: []})
    expect(all).toEqual([])
  }
})

describe('of a log', () => {
  const log = (...commands: string[][]): string =>
    folder.write(
      `${files++}.aof`,
      commands.map(all => [`*${all.length}`, ...all.flatMap(one => [`$${one.length}`, one]), ''].join('\r\n')).join(''),
    )
  const withConsumer = (name: string): string =>
    log(
      ['XADD', 's', '1-1', 'a', '1'],
      ['XGROUP', 'CREATE', 's', 'g', '0'],
      ['XGROUP', 'CREATECONSUMER', 's', 'g', name],
      ['XCLAIM', 's', 'g', 'c', '0', '1-1', 'TIME', '1700000000000', 'RETRYCOUNT', '1', 'FORCE', 'JUSTID'],
    )

  it('consumers are compared, but not when they were seen: that is when it was replayed', async () => {
    const made = withConsumer('idle')
    const built = join(folder.path, `${files++}.rdb`)
    await build([made], {out: built, nowMs: 1_700_000_005_000})
    const nowMs = 1_700_000_009_000
    expect((await found(made, built, {nowMs})).lines).toEqual([])
    expect(await told(built, made, {nowMs})).toEqual([])
    const {lines: all} = await found(withConsumer('another'), built, {nowMs})
    expect(all[0]?.differences).toEqual([
      {what: 'consumer', group: 'g', consumer: 'another', before: {}},
      {what: 'consumer', group: 'g', consumer: 'idle', after: expect.objectContaining({seenAtMs: 1_700_000_005_000})},
    ])
  })
})
