/** build: what a target has no place for is told, all of it, by kind and key; without leave nothing is published. */
import {existsSync, readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {MemorySource, MemoryTarget, UnsupportedError} from '../../src/index.js'
import {type BuildOptions, type Built, build} from '../../src/jobs/build.js'
import {LossError} from '../../src/jobs/build-losses.js'
import type {Lost} from '../../src/keyspace/loss-report.js'
import {formatBuild} from '../../src/report/build.js'
import {PLAIN} from '../../src/report/table.js'
import {hex, len, str} from '../fixtures/builder.js'
import * as values from '../fixtures/values.js'
import {fixture} from '../reading/fixtures.js'
import {readGolden} from '../reading/golden.js'
import {temporaryFolder} from '../start/folder.js'
import {RdbFile, text} from '../start/rdb.js'

const folder = temporaryFolder()
const path = (name: string): string => fixture(`${name}.rdb`).path
const out = join(folder.path, 'out.rdb')
const NOW = Date.UTC(2026, 10, 27)
const LATER = NOW + 1_000_000

const ALLOWED = {allowLoss: true} as const

function builds(sources: readonly string[], options: Partial<BuildOptions>): Promise<Built> {
  return build(sources, {out, force: true, nowMs: NOW, ...options})
}

async function refused(sources: readonly string[], options: Partial<BuildOptions>): Promise<Built> {
  const error = await builds(sources, options).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(LossError)
  return (error as LossError<Built>).built
}

const bytes = (name: string): Uint8Array => new Uint8Array(Buffer.from(name))
const counts = (lost: readonly Lost[]): (readonly [what: string, keys: number])[] =>
  lost.map(({what, keys}) => [what, keys] as const)

const held = async () => (await readGolden(new MemorySource(new Uint8Array(readFileSync(out))), 'elements')).golden

describe('what the target has no place for', () => {
  it.each([
    ['rdb/functions-v12', 'redis-6.2', [['libraries of functions', 2]]],
    ['rdb-built/array-v14', 'redis-8.6', [['arrays', 2]]],
    ['rdb-built/key-meta-v13', 'redis-8.4', [['key metadata', 2]]],
    ['rdb-built/stream-4-v13', 'redis-8.4', [['idempotent producers of streams', 1]]],
    [
      'rdb-built/stream-5-v14',
      'redis-8.6',
      [['that pending entries have no consumer: one called "nacked" has them', 1]],
    ],
    ['rdb-built/module-value-v9', 'redis-3.2', [['values of the module MBbloom--', 1]]],
    ['rdb-built/keydb-v9', 'redis-6.0', [['expiries of members (KeyDB)', 1]]],
    ['rdb-built/keydb-cron-v9', 'redis-6.0', [['CRON values of KeyDB', 1]]],
  ] as const)('of %s in %s is told, and nothing is published', async (name, target, lost) => {
    writeFileSync(out, 'precious')
    const built = await refused([path(name)], {target})
    expect(counts(built.lost)).toEqual(lost)
    expect(built.lost.every(({data, examples}) => data && examples.length > 0)).toBe(true)
    expect(readFileSync(out, 'utf8')).toBe('precious')
    expect(readdirSync(folder.path).filter(file => file.endsWith('.tmp'))).toEqual([])
    // With leave, it is, and the same is told.
    const written = await builds([path(name)], {target, ...ALLOWED})
    expect(written.lost).toEqual(built.lost)
    expect((await held()).entries).toHaveLength(written.keysOut)
  })

  it.each([
    ['behind one that keeps the set from being packed', [['a', '-0']]],
    ['behind more members than are packed', Array.from({length: 300}, (_, i) => [`m${i}`, String(i)])],
  ])('is a score that is no number, %s, and does not hide what else is lost', async (_, members) => {
    const value = [...members, ['n', 'nan']]
    const lines = [
      {db: 0, key: 'z', type: 'zset', value},
      {db: 0, key: 'h', type: 'hash', value: [['f', 'v', LATER]]},
      {db: 0, key: 'kept', type: 'string', value: 'v'},
    ]
    const source = folder.write('scores.jsonl', lines.map(line => `${JSON.stringify(line)}\n`).join(''))
    const both = [
      ['sorted sets with a score that is no number', 1],
      ['expiries of hash fields', 1],
    ]
    expect(counts((await refused([source], {target: 'redis-7.0'})).lost).sort()).toEqual(both.sort())
    expect(await builds([source], {target: 'redis-7.0', ...ALLOWED})).toMatchObject({keysIn: 3, keysOut: 2})
    expect((await held()).entries).toHaveLength(2)
  })

  it('is found in one run, in every source, with the keys that lost it', async () => {
    const names = ['rdb/functions-v12', 'rdb/hash-listpack-ttl-v12', 'rdb/stream-groups-v12'].map(path)
    const {lost, keysIn, keysOut} = await refused(names, {target: 'redis-4.0', onConflict: 'first'})
    expect(counts(lost)).toEqual([
      ['libraries of functions', 2],
      ['expiries of hash fields', 4],
      ['streams', keysIn - keysOut],
    ])
    expect(lost[0]!.examples.map(one => 'name' in one && one.name).sort()).toEqual(['first', 'second'])
    const keys = lost[1]!.examples.map(one => ('key' in one ? `${one.db} ${Buffer.from(one.key)}` : ''))
    expect(keys.sort()).toEqual(['0 all', '0 far-apart', '0 key-expires-too', '0 one-of-two'])
    expect(lost.map(({whole}) => whole)).toEqual([false, false, true])
  })

  it('counts a key once for a kind, whatever it loses of it', async () => {
    const group = (name: string): Buffer =>
      hex(str(name), len(1), len(1), len(5), len(0), len(1), str('c'), hex('0100000000000000'), len(0))
    const stream = hex(
      len(0),
      len(0),
      len(9),
      len(9),
      len(0),
      len(0),
      len(9),
      len(9),
      len(7),
      len(2),
      group('g'),
      group('h'),
    )
    const file = new RdbFile('REDIS', 10).db(3).key(19, 'empty', {bytes: stream, type: 'stream', value: {}})
    const {lost} = await refused([folder.write('groups.rdb', file.end())], {target: 'redis-6.2'})
    expect(counts(lost)).toEqual([
      ['largest deleted IDs of streams', 1],
      ['numbers of entries ever added to streams', 1],
      ['numbers of entries that groups have read', 1],
    ])
    expect(lost[2]!.examples).toEqual([{db: 3, key: bytes('empty')}])
  })

  it('is nothing that a server would make of the rest', async () => {
    const names = ['f']
    const listpack = values.streamNode(
      names.map(name => Buffer.from(name)),
      [0, 1, 2].map(ms => ({diff: [ms, 0] as [number, number], values: [Buffer.from('v')], deleted: false})),
    )
    const stream = (groups: [lastId: string, entriesRead: number][]) =>
      values.stream(2, {
        nodes: [{id: '1000-0', listpack}],
        entries: [1000, 1001, 1002].map(ms => [`${ms}-0`, [Buffer.from('f'), Buffer.from('v')]]),
        ...{lastId: '1002-0', firstId: '1000-0'},
        groups: groups.map(([lastId, entriesRead], at) => ({
          ...{name: `g${at}`, lastId, entriesRead, pending: [], consumers: []},
        })),
      })
    const file = new RdbFile('REDIS', 10).db(0)
    const known: [string, number][] = [
      ['0-0', 0],
      ['999-0', 0],
      ['1000-0', 1],
      ['1002-0', 3],
      ['1001-0', -1],
    ]
    file.key(19, 'as it is', stream(known)).key(19, 'between', stream([['1001-0', 2]]))
    file.key(19, 'ahead', stream([['1000-0', 0]]))
    const {lost} = await refused([folder.write('read.rdb', file.end())], {target: 'redis-6.0'})
    expect(counts(lost)).toEqual([['numbers of entries that groups have read', 2]])
    expect(lost[0]!.examples).toMatchObject([{key: bytes('between')}, {key: bytes('ahead')}])
  })

  it('ends a strict build at once', async () => {
    const error = await builds([path('rdb/functions-v12')], {target: 'redis-6.2', strict: true}).catch(
      (reason: unknown) => (reason as Error).cause,
    )
    expect(error).toBeInstanceOf(UnsupportedError)
    expect(String(error)).toMatch(/redis-6\.2 cannot hold libraries of functions/)
  })

  it('ends a stream before its end', async () => {
    const stream = new MemoryTarget()
    const name = path('rdb/hash-listpack-ttl-v12')
    await expect(builds([name], {target: 'redis-7.0', stream})).rejects.toThrow(LossError)
    await expect(readGolden(new MemorySource(stream.view()), 'elements')).rejects.toThrow()
  })

  it('is kept of a part that is selected only', async () => {
    const sources = [path('rdb-built/array-v14')]
    const {lost, keysOut} = await builds(sources, {target: 'redis-7.0', selection: {types: ['string']}})
    expect([lost, keysOut]).toEqual([[], 0])
  })
})

describe('hints', () => {
  it('go without leave, and are listed', async () => {
    const file = new RdbFile('REDIS', 9).aux('mine', 'x').aux('used-mem', '5').db(0)
    file.idle(5).key(0, 'idle', text('v'))
    file.frequency(9).key(0, 'often', text('v'))
    const built = await builds([folder.write('hints.rdb', file.end())], {target: 'redis-2.8'})
    expect(built.lost).toEqual([
      {what: 'aux fields', data: false, whole: false, keys: 1, examples: [{name: 'mine'}]},
      {what: 'idle times', data: false, whole: false, keys: 1, examples: [{db: 0, key: bytes('idle')}]},
      {what: 'access frequencies', data: false, whole: false, keys: 1, examples: [{db: 0, key: bytes('often')}]},
    ])
    expect((await held()).entries).toMatchObject([{key: 'idle'}, {key: 'often'}])
    expect(formatBuild(built, PLAIN, 100).join('\n')).toMatch(/^ +1 {2}idle times +"idle"$/m)
  })

  it('are slots under way too', async () => {
    const {lost} = await builds([path('rdb-built/slot-import-v80')], {target: 'redis-8.0'})
    expect(lost).toMatchObject([{what: 'slot imports under way', data: false}])
  })
})

describe('expiries', () => {
  it('of hash fields go, and fields that have expired with them', async () => {
    const fields = [
      ['stays', LATER],
      ['gone', NOW - 1],
      ['plain', 0],
    ] as const
    const value = (some: readonly (readonly [string, number])[]): Buffer => {
      const min = Math.min(...some.flatMap(([, at]) => (at === 0 ? [] : [at])))
      const le = Buffer.alloc(8)
      le.writeBigInt64LE(BigInt(min))
      const rows = some.map(([field, at]) => hex(at === 0 ? len(0) : len(at - min + 1), str(field), str('v')))
      return hex(le, len(some.length), ...rows)
    }
    const hash = (some: readonly (readonly [string, number])[]) => ({bytes: value(some), type: 'hash', value: []})
    const file = new RdbFile('REDIS', 12).db(0)
    file.key(24, 'mixed', hash(fields)).key(24, 'past', hash([['gone', NOW - 1]]))
    file.key(24, 'half', hash([...fields.slice(1)]))
    const source = folder.write('fields.rdb', file.end())
    const {lost, skipped, keysOut} = await builds([source], {target: 'redis-7.0', ...ALLOWED})
    expect(counts(lost)).toEqual([
      ['expiries of hash fields', 1],
      ['hash fields that have expired', 3],
    ])
    expect({skipped, keysOut}).toEqual({skipped: [{reason: 'empty', keys: 1}], keysOut: 2})
    expect((await held()).entries).toMatchObject([
      {key: 'half', value: [['plain', 'v']]},
      {
        key: 'mixed',
        value: [
          ['plain', 'v'],
          ['stays', 'v'],
        ],
      },
    ])
    // From the one family to the other, all of it stays.
    expect((await builds([source], {target: 'valkey-9.0'})).lost).toEqual([])
  })

  it('are rounded up to seconds where a server knows no other, and go where it cannot count so far', async () => {
    const file = new RdbFile('REDIS', 9).db(0)
    for (const at of [1500, 2000, -1500, (2 ** 31 - 1) * 1000, 2 ** 31 * 1000])
      file.expireMs(at).key(0, `at ${at}`, text('v'))
    const {lost} = await builds([folder.write('times.rdb', file.end())], {target: 'redis-2.4', ...ALLOWED})
    expect(counts(lost)).toEqual([
      ['milliseconds of expiries', 2],
      ['expiries beyond the year 2038', 1],
    ])
    const times = (await held()).entries.map(({key, expireAtMs}) => [key, expireAtMs])
    expect(Object.fromEntries(times)).toEqual({
      'at 1500': 2000,
      'at 2000': 2000,
      'at -1500': 0,
      [`at ${(2 ** 31 - 1) * 1000}`]: (2 ** 31 - 1) * 1000,
      [`at ${2 ** 31 * 1000}`]: undefined,
    })
  })
})

describe('what is left out by name', () => {
  it('is no loss, and counted', async () => {
    const modules = ['rdb-built/module-value-v9', 'rdb-built/module-aux-v9'].map(path)
    const {lost, skipped} = await builds(modules, {target: 'redis-2.8', dropModules: true, onConflict: 'first'})
    expect(lost).toEqual([])
    expect(skipped).toContainEqual({reason: 'module', keys: 1})
    expect(skipped.find(({reason}) => reason === 'moduleData')?.keys).toBeGreaterThan(0)
    const functions = await builds([path('rdb/functions-v12')], {target: 'redis-6.2', dropFunctions: true})
    expect(functions).toMatchObject({lost: [], skipped: [{reason: 'function', keys: 2}]})
  })

  it('does not displace what another source has under its key', async () => {
    const key = fixture('rdb-built/module-value-v9.rdb').golden.entries.find(({type}) => type === 'module')!
      .key as string
    const plain = folder.write('plain.rdb', new RdbFile('REDIS', 9).db(0).key(0, key, text('mine')).end())
    const sources = [plain, path('rdb-built/module-value-v9')]
    await builds(sources, {target: 'redis-6.2', dropModules: true, onConflict: 'last'})
    expect((await held()).entries).toContainEqual(expect.objectContaining({key, value: 'mine'}))
  })

  it('would else be needed by the server, which is told', async () => {
    const {warnings} = await builds([path('rdb-built/module-value-v9')], {target: 'redis-6.2'})
    expect(warnings).toMatchObject([{code: 'MODULES_NEEDED'}])
    expect(warnings[0]!.text).toMatch(/without the module MBbloom-- .* --drop-modules/)
    const sets = path('rdb/module-vectorset-v12')
    expect((await builds([sets], {target: 'redis-8.2'})).warnings).toEqual([])
    expect((await builds([sets], {target: 'valkey-9.1'})).warnings).toMatchObject([{code: 'MODULES_NEEDED'}])
    expect((await builds([sets], {})).warnings).toEqual([])
  })
})

it('nothing is left where nothing was published', () => {
  expect(existsSync(`${out}.tmp`)).toBe(false)
})
