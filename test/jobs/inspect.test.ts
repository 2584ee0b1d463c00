/** What inspect counts in every fixture is what its golden says. */
import {readFileSync, statSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {inspect} from '../../src/jobs/inspect.js'
import {inventoryJson} from '../../src/report/inventory-json.js'
import {ROOT} from '../start/run.js'
import {answeredOf, expectedOf, type Fixture, fixturesOf, type Json, keyText, slotsOf} from './golden-inventory.js'

/** Between the expiries of the fixtures, which lie far in the past and far in the future. */
const NOW_MS = Date.parse('2050-01-01T00:00:00Z')

const REAL = fixturesOf('rdb')
/** No such version exists: Valkey's magic begins with 80. */
const REFUSED = 'types-plain-v79'
const BUILT = fixturesOf('rdb-built').filter(({name}) => name !== REFUSED)

/** Functions of which the golden tells nothing. */
const FUNCTIONS: Record<string, {name: string; engine: string; bytes: number}[]> = {
  'function-release-candidate-v10': ['first', 'second'].map(name => ({name, engine: 'LUA', bytes: 'return 1'.length})),
}

async function jsonOf({path}: Fixture, top = 10): Promise<Json> {
  const {inventory, failure} = await inspect(path, {top, nowMs: NOW_MS, ignoreChecksum: true})
  expect(failure).toBeUndefined()
  return JSON.parse(JSON.stringify(inventoryJson(path, inventory, failure)))
}

describe.each([...REAL, ...BUILT])('inspect: $name', fixture => {
  it('counts what the golden says', async () => {
    const json = await jsonOf(fixture)
    const expected = expectedOf(fixture.golden, NOW_MS)
    if (fixture.name in FUNCTIONS) expected.functions = FUNCTIONS[fixture.name]!
    expect(answeredOf(json, expected)).toEqual(expected)
  })

  it('finds the biggest keys among all, and sums that agree with each other', async () => {
    const json = await jsonOf(fixture, 100_000)
    const keys = (of: Json[]): string[] => of.map(({db, key}) => `${db} ${keyText(key)}`).sort()
    const named = fixture.golden.entries.filter(({key}) => typeof key === 'string' || 'base64' in key)
    if (named.length === fixture.golden.entries.length) expect(keys(json.biggest)).toEqual(keys(named))
    const sum = (of: Json[]): number => of.reduce((total, {rdbBytes}) => total + rdbBytes, 0)
    expect(sum(json.types)).toBe(sum(json.biggest))
    expect(sum(json.databases)).toBe(sum(json.biggest))
    expect(sum(json.biggest)).toBeLessThan(json.bytes)
    const bytes = json.biggest.map((one: Json) => one.rdbBytes)
    expect(bytes).toEqual(bytes.toSorted((a: number, b: number) => b - a))
  })
})

/** Keys of these are bytes on purpose; and these have databases that no server has by default. */
const EXPECTED_WARNINGS = /^(BINARY_KEYS .*|HIGH_DATABASES (databases-many|databases).*|CHECKSUM_ABSENT no-checksum.*)$/

describe.each([...REAL, ...BUILT])('inspect with values looked into: $name', fixture => {
  it('counts the same, and finds nothing alarming in what servers write', async () => {
    const spread = {nowMs: NOW_MS, top: 5, prefixes: {}}
    const options = {top: 100_000, nowMs: NOW_MS, ignoreChecksum: true}
    const {inventory, failure} = await inspect(fixture.path, {...options, spread, memory: {}})
    expect(failure).toBeUndefined()
    const plain = (await inspect(fixture.path, options)).inventory!
    for (const member of ['keys', 'expiring', 'expired', 'bytes', 'checksum', 'modules', 'functions'] as const) {
      expect(inventory![member]).toEqual(plain[member])
    }
    // Both are ranked by what they show first, so in another order.
    const counts = (of: typeof plain): string[] =>
      of.encodings.map(one => JSON.stringify({...one, memoryBytes: 0})).toSorted()
    expect(counts(inventory!)).toEqual(counts(plain))
    for (const {memoryBytes, key} of inventory!.biggest) expect(memoryBytes).toBeGreaterThan(key.length)
    const codes = [...inventory!.problems, ...inventory!.warnings].map(({code}) => `${code} ${fixture.name}`)
    if (fixture.path.includes('/rdb/')) expect(codes.filter(one => !EXPECTED_WARNINGS.test(one))).toEqual([])
  })
})

describe.each(REAL)('inspect: $name', fixture => {
  const {meta} = fixture.golden

  it('names the producer and the version', async () => {
    const json = await jsonOf(fixture)
    // Redict writes `redis-ver`, and nothing that would tell it from Redis.
    expect(json.product).toBe(meta.product === 'redict' ? 'redis' : meta.product)
    if (meta.rdbVersion !== undefined) expect(json.rdbVersion).toBe(meta.rdbVersion)
    expect(Number.parseFloat(json.serverVersion)).toBeGreaterThan(5)
    if (meta.product === 'redis') expect(json.serverVersion).toBe(meta.serverVersion)
  })

  it('verifies the checksum and knows the size', async () => {
    const json = await jsonOf(fixture)
    const bytes = readFileSync(fixture.path)
    const zeros = bytes.subarray(json.bytes - 8, json.bytes).every(byte => byte === 0)
    expect(json.checksum).toBe(zeros ? 'absent' : 'ok')
    expect(zeros).toBe(fixture.name.startsWith('no-checksum'))
    if (fixture.path.endsWith('.rdb')) expect(json.bytes).toBe(statSync(fixture.path).size)
  })

  it('counts slots where the server left hints', async () => {
    const json = await jsonOf(fixture)
    const hinted = fixture.name === 'cluster-v80' || fixture.name === 'cluster-v12'
    if (hinted) expect(json.slots).toEqual({count: slotsOf(fixture.golden)})
    if (!fixture.name.startsWith('cluster')) expect(json.slots).toBeUndefined()
  })
})

it('refuses a version that does not exist, with its name', async () => {
  const {inventory, failure} = await inspect(join(ROOT, `fixtures/rdb-built/${REFUSED}.rdb`), {top: 0, nowMs: NOW_MS})
  expect(inventory).toBeUndefined()
  expect(failure).toMatchObject({code: 'BAD_VERSION', message: 'VALKEY files have no version 79'})
})

it('fixtures are there, of every product', () => {
  expect(REAL.length).toBeGreaterThan(150)
  expect(BUILT.length).toBeGreaterThan(40)
  expect(new Set(REAL.map(({golden}) => golden.meta.product))).toEqual(new Set(['redis', 'valkey', 'redict']))
})
