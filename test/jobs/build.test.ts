/** build: sources into one file: merged, selected, renamed, moved, and refused without leaving anything behind. */
import {existsSync, readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {MemorySource, RdbReader, SKIP, UsageError} from '../../src/index.js'
import {type BuildOptions, type Built, build} from '../../src/jobs/build.js'
import {ConflictError} from '../../src/jobs/build-conflicts.js'
import {TARGETS} from '../../src/rdb/targets.js'
import {hex, str} from '../fixtures/builder.js'
import type {GoldenEntry} from '../reading/fixtures.js'
import {fixture} from '../reading/fixtures.js'
import {readGolden} from '../reading/golden.js'
import {byMeaning} from '../reading/rebuild.js'
import {temporaryFolder} from '../start/folder.js'
import {RdbFile, text} from '../start/rdb.js'

const folder = temporaryFolder()
let outs = 0

async function built(sources: readonly string[], options: Partial<BuildOptions> = {}) {
  const out = join(folder.path, `out-${outs++}.rdb`)
  const result = await build(sources, {out, ...options})
  const {golden, aux, checksum} = await readGolden(new MemorySource(new Uint8Array(readFileSync(out))), 'elements')
  return {result, golden, aux, checksum, out}
}

/** Strings by database and key. */
const strings = (entries: readonly GoldenEntry[]): Record<string, unknown> =>
  Object.fromEntries(entries.map(({db, key, value}) => [`${db} ${String(key)}`, value]))

const path = (name: string): string => fixture(name).path

function source(name: string, keys: Record<string, string>, db = 0, version = 9): string {
  const file = new RdbFile('REDIS', version).db(db)
  for (const [key, value] of Object.entries(keys)) file.key(0, key, text(value))
  return folder.write(`${name}.rdb`, file.end())
}

const a = source('a', {x: 'of a', 'user:1': 'ann'})
const b = source('b', {x: 'of b', 'user:2': 'bob'})
const other = source('other', {y: 'in 3'}, 3)

const nothingLeft = (): string[] => readdirSync(folder.path).filter(name => name.endsWith('.tmp'))

describe('several sources', () => {
  it('are put together in their order, and counted', async () => {
    const {result, golden, checksum} = await built([a, other])
    expect(strings(golden.entries)).toEqual({'0 x': 'of a', '0 user:1': 'ann', '3 y': 'in 3'})
    expect(result).toMatchObject({keysIn: 3, keysOut: 3, skipped: [], lost: []} satisfies Partial<Built>)
    expect(checksum).toBe('ok')
    expect(result.bytes).toBe(readFileSync(result.out).length)
  })

  it('that have a key are an error that names it and both of them, and publish nothing', async () => {
    const out = join(folder.path, 'conflict.rdb')
    const error = await build([a, b], {out}).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ConflictError)
    expect((error as ConflictError).conflicts).toEqual([{db: 0, key: Buffer.from('x'), sources: [a, b]}])
    expect(existsSync(out)).toBe(false)
    expect(nothingLeft()).toEqual([])
  })

  it.each([
    ['first', 'of a'],
    ['last', 'of b'],
  ] as const)('keep the %s of a key where that is said', async (onConflict, x) => {
    const {result, golden} = await built([a, b], {onConflict})
    expect(strings(golden.entries)).toEqual({'0 x': x, '0 user:1': 'ann', '0 user:2': 'bob'})
    expect(result).toMatchObject({keysIn: 4, keysOut: 3, skipped: [{reason: 'conflict', keys: 1}]})
  })

  it('settle many conflicts in a little memory', async () => {
    const keys = (value: string) => Object.fromEntries(Array.from({length: 3000}, (_, i) => [`key:${i}`, value]))
    const many = [source('many-1', keys('1')), source('many-2', keys('2')), source('many-3', keys('3'))]
    const {result, golden} = await built(many, {onConflict: 'last', memoryBytes: 4096})
    expect(result).toMatchObject({keysIn: 9000, keysOut: 3000})
    expect(new Set(golden.entries.map(({value}) => value))).toEqual(new Set(['3']))
  })

  it('collide by renaming and by moving too, even one alone', async () => {
    const renamePrefix = [[Buffer.from('user:1'), Buffer.from('x')]] as const
    await expect(build([a], {out: join(folder.path, 'r.rdb'), changes: {renamePrefix}})).rejects.toThrow(ConflictError)
    const mapDb = [[3, 0]] as const
    const twin = source('twin', {x: 'in 3'}, 3)
    await expect(build([a, twin], {out: join(folder.path, 'm.rdb'), changes: {mapDb}})).rejects.toThrow(ConflictError)
    const {golden} = await built([a, twin], {changes: {mapDb}, onConflict: 'first'})
    expect(strings(golden.entries)).toEqual({'0 x': 'of a', '0 user:1': 'ann'})
  })

  it('have equal libraries of functions once, and differing ones by the rule', async () => {
    const library = (name: string, body: string): string => {
      const code = Buffer.from(`#!lua name=lib\n${body}`)
      return folder.write(`${name}.rdb`, new RdbFile('REDIS', 10).op(0xf5, hex(str(code))).end())
    }
    const [one, same, differs] = [library('f1', 'a'), library('f2', 'a'), library('f3', 'b')]
    expect((await built([one, same])).golden.functions).toHaveLength(1)
    await expect(build([one, differs], {out: join(folder.path, 'f.rdb')})).rejects.toMatchObject({libraries: ['lib']})
    for (const [onConflict, code] of [
      ['first', 'a'],
      ['last', 'b'],
    ] as const) {
      const {golden} = await built([one, same, differs], {onConflict})
      expect(golden.functions).toEqual([`#!lua name=lib\n${code}`])
    }
  })

  it('of both families need a target', async () => {
    const both = [path('rdb/string-int-v12.rdb'), path('rdb/hash-hashtable-small-ttl-v80.rdb')]
    await expect(build(both, {out: join(folder.path, 'two.rdb')})).rejects.toThrow(UsageError)
    const {result, golden} = await built(both, {target: 'valkey-9.1'})
    expect(result.keysOut).toBe(golden.entries.length)
  })
})

describe('what is changed', () => {
  it('databases, first bytes of keys, and both', async () => {
    const changes = {
      mapDb: [[0, 7]] as const,
      renamePrefix: [
        [Buffer.from('user:'), Buffer.from([0xff])],
        [Buffer.from('u'), Buffer.from('never')],
      ] as const,
    }
    const {golden} = await built([a], {changes})
    expect(golden.entries.map(({db, key}) => [db, key])).toEqual([
      [7, 'x'],
      [7, {base64: '/zE='}],
    ])
  })

  it.each(['rdb/expiry-v12.rdb', 'rdb/hash-listpack-ttl-v12.rdb', 'rdb/hash-hashtable-ttl-v80.rdb'])(
    'expiries of keys and fields of %s: shifted back and forth they are what they were, stripped they are gone',
    async name => {
      const {golden} = fixture(name)
      const there = await built([path(name)], {changes: {expiry: {shiftMs: 5000}}})
      const back = await built([there.out], {changes: {expiry: {shiftMs: -5000}}})
      expect(byMeaning(there.golden.entries)).not.toEqual(byMeaning(golden.entries))
      expect(byMeaning(back.golden.entries)).toEqual(byMeaning(golden.entries))
      const {golden: bare} = await built([path(name)], {changes: {expiry: 'strip'}})
      expect(bare.entries.every(({expireAtMs}) => expireAtMs === undefined)).toBe(true)
      expect(bare.entries.flatMap(({type, value}) => (type === 'hash' ? (value as unknown[][]) : []))).toSatisfy(
        (rows: unknown[][]) => rows.every(row => row.length === 2),
      )
    },
  )
})

describe('what is selected', () => {
  it('is counted by what refused the rest', async () => {
    const {result} = await built([a, other], {selection: {match: ['user:*'], db: [0]}})
    expect(result).toMatchObject({
      keysIn: 3,
      keysOut: 1,
      skipped: [
        {reason: 'match', keys: 1},
        {reason: 'db', keys: 1},
      ],
    })
  })

  it('by size is what inspect calls that size', async () => {
    const {golden, result} = await built([path('rdb/string-raw-v10.rdb')], {selection: {minBytes: 10_000}})
    expect(golden.entries.map(({count}) => count)).toEqual([16_383, 16_384])
    expect(result.skipped).toMatchObject([{reason: 'bytes'}])
  })
})

describe('refusals', () => {
  const out = join(folder.path, 'refused.rdb')

  it('an output that is there, unless forced', async () => {
    writeFileSync(out, 'precious')
    await expect(build([a], {out})).rejects.toThrow(UsageError)
    expect(readFileSync(out, 'utf8')).toBe('precious')
    await build([a], {out, force: true})
    expect(readFileSync(out, 'latin1')).toMatch(/^REDIS0009/)
  })

  it('a source that is bad at its end leaves what was there, unless the checksum is to be ignored', async () => {
    writeFileSync(out, 'precious')
    const bad = path('rdb-built/checksum-wrong-v6.rdb')
    await expect(build([a, bad], {out, force: true})).rejects.toMatchObject({
      cause: {code: 'BAD_CHECKSUM'},
      source: bad,
    })
    expect(readFileSync(out, 'utf8')).toBe('precious')
    expect(nothingLeft()).toEqual([])
    const {warnings} = await build([bad], {out, force: true, ignoreChecksum: true})
    expect(warnings).toMatchObject([{code: 'BAD_CHECKSUM', source: bad}])
  })

  it('a target that nobody knows lists them all', async () => {
    const error = await build([a], {out, force: true, target: 'redis-9.9'}).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(UsageError)
    for (const {name} of TARGETS) expect(String(error)).toContain(name)
  })
})

it('hints about slots stay where the whole of a source goes to a server that knows them', async () => {
  const slots = async (sources: readonly string[], options: Partial<BuildOptions> = {}): Promise<string[]> => {
    const {out} = await built(sources, options)
    const told: string[] = []
    const reader = await RdbReader.open(out)
    await reader.run({
      entry: ({db}) => {
        told.push(`key of ${db}`)
        return SKIP
      },
      selectDb: db => told.push(`db ${db}`),
      slotInfo: ({slot, keys}) => told.push(`${keys} of slot ${slot}`),
    })
    await reader.close()
    return told
  }
  const cluster = path('rdb/cluster-v12.rdb')
  const kept = await slots([cluster])
  expect(kept[0]).toBe('db 0')
  expect(kept[1]).toMatch(/of slot/)
  expect((await slots([cluster], {selection: {ttl: 'none'}})).join()).not.toContain('slot')
  expect((await slots([cluster], {target: 'valkey-8.1'})).join()).not.toContain('slot')
})

describe('aux fields', () => {
  it('stay, but for those that would make a server ask its master to go on from there', async () => {
    const {aux} = await built([path('rdb/replica-v12.rdb')])
    expect(Object.keys(aux).sort()).toEqual(['ctime', 'redis-bits', 'redis-ver', 'used-mem'])
    expect(aux['redis-ver']).toBe('8.0.2')
  })

  it('name the target that was asked for', async () => {
    expect((await built([a], {target: 'redis-7.0'})).aux).toMatchObject({'redis-ver': '7.0.0', 'redis-bits': '64'})
    expect((await built([a], {target: 'valkey-8.1'})).aux).toMatchObject({'valkey-ver': '8.1.0'})
    expect((await built([a], {target: 'redis-2.8'})).aux).toEqual({})
  })
})
