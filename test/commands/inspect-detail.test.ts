/** `inspect` beyond its first report: several sources, selected keys, and how keys are spread. */
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {stripVTControlCharacters} from 'node:util'
import {describe, expect, it} from 'vitest'
import type {Json} from '../jobs/golden-inventory.js'
import {temporaryFolder} from '../start/folder.js'
import {fileOf, RdbFile, text} from '../start/rdb.js'
import {hasTerminal, ROOT, rdbtool, terminal} from '../start/run.js'

const folder = temporaryFolder()
const fixture = (name: string): string => join(ROOT, 'fixtures', 'rdb', `${name}.rdb`)
const NOW = '2050-01-01T00:00:00Z'

async function jsonOf(args: string[], code = 0): Promise<Json> {
  const finished = await rdbtool(['inspect', ...args, '--json', '--now', NOW])
  expect(finished.code).toBe(code)
  return JSON.parse(finished.stdout)
}

async function textOf(args: string[]): Promise<string> {
  const finished = await rdbtool(['inspect', ...args, '--now', NOW])
  expect(finished).toMatchObject({code: 0, stderr: ''})
  return finished.stdout
}

describe('inspect of several sources', () => {
  const paths = ['databases-many-v10', 'expiry-v10', 'databases-v11', 'lru-v80'].map(fixture)

  it('reports each as it is alone, and their sums', async () => {
    expect(paths.length).toBeGreaterThan(2)
    const {sources, total} = await jsonOf(paths)
    expect(sources).toEqual(await Promise.all(paths.map(path => jsonOf([path]))))
    for (const member of ['keys', 'expiring', 'expired', 'bytes']) {
      const sum = sources.reduce((so: number, one: Json) => so + one[member], 0)
      expect({[member]: total[member]}).toEqual({[member]: sum})
    }
    expect(total.sources).toBe(paths.length)
    expect(total.biggest.every((big: Json) => paths.includes(big.source))).toBe(true)
  })

  it('shows them one after another, then the total', async () => {
    const shown = await textOf(paths)
    let at = -1
    for (const title of [...paths, `total of ${paths.length} sources`]) {
      const next = shown.indexOf(`\n${title}\n`, Math.max(at, 0))
      if (at >= 0) expect(next, title).toBeGreaterThan(at)
      at = Math.max(next, 0)
    }
    expect(shown.startsWith(`${paths[0]}\n`)).toBe(true)
  })

  it('goes on where one is missing or damaged; the exit code is the worst', async () => {
    const whole = fileOf(['a', 'b', 'c'])
    const sound = folder.write('sound.rdb', whole)
    const cut = folder.write('cut.rdb', whole.subarray(0, whole.length - 12))
    const missing = join(folder.path, 'missing.rdb')
    const json = await jsonOf([cut, sound, missing], 5)
    expect(json.sources.map((one: Json) => one.error?.code)).toEqual(['TRUNCATED', undefined, 'ENOENT'])
    expect(json.sources[1]).toMatchObject({keys: 3, checksum: 'ok'})
    expect(json.total).toMatchObject({sources: 2, keys: json.sources[0].keys + 3})
    expect((await rdbtool(['inspect', sound, cut])).code).toBe(3)
    const shown = await rdbtool(['inspect', missing, sound, cut])
    expect(shown.code).toBe(5)
    expect(shown.stdout).toContain('keys      3, none with an expiry')
    expect(shown.stderr).toContain('missing.rdb: there is no such file')
    expect(shown.stderr).toContain('cut.rdb')
  })
})

describe('inspect with selection flags', () => {
  it('counts what was taken, and why the rest was not', async () => {
    const {selected, keys, expiring} = await jsonOf([fixture('expiry-v10'), '--match', 's*', '--ttl', 'set'])
    expect(selected).toMatchObject({seen: 9, taken: 3, skipped: {ttl: 2, match: 4, db: 0}})
    expect({keys, expiring}).toEqual({keys: 3, expiring: 3})
    const shown = await textOf([fixture('expiry-v10'), '--match', 's*', '--ttl', 'set'])
    expect(shown).toContain('\nselected  3 of 9 keys; passed over 2 by --ttl, 4 by --match\n')
  })

  it('says nothing of a selection where all are counted', async () => {
    expect(await jsonOf([fixture('expiry-v10')])).not.toHaveProperty('selected')
    expect(await textOf([fixture('expiry-v10')])).not.toContain('selected')
  })
})

describe('inspect --detail', () => {
  const golden = (name: string): Json => JSON.parse(readFileSync(fixture(name).replace(/rdb$/, 'json'), 'utf8'))

  it.each(['lru-v9', 'lru-v10', 'lru-v11', 'lru-v12', 'lru-v80'])('tells when keys were used: %s', async name => {
    const {idle, frequency} = await jsonOf([fixture(name), '--detail'])
    const {entries} = golden(name)
    const under = (from: number, to: number): number =>
      entries.filter(({idleSeconds}: Json) => idleSeconds >= from && idleSeconds < to).length
    const keys = Object.fromEntries(idle.histogram.map((one: Json) => [one.bucket, one.keys]))
    expect(keys).toMatchObject({'<1m': under(0, 60), '<1h': under(60, 3600), '<1d': under(3600, 86_400)})
    expect(idle.histogram.reduce((sum: number, one: Json) => sum + one.keys, 0)).toBe(entries.length)
    expect(frequency.histogram).toEqual([])
  })

  it.each(['lfu-v9', 'lfu-v10', 'lfu-v11', 'lfu-v12', 'lfu-v80'])('tells how often: %s', async name => {
    const {idle, frequency} = await jsonOf([fixture(name), '--detail'])
    const counters = golden(name).entries.map((one: Json) => one.frequency)
    const told = frequency.histogram.flatMap((one: Json) => Array(one.keys).fill(one.frequency))
    expect(told).toEqual(counters.toSorted((a: number, b: number) => a - b))
    expect(idle.histogram).toEqual([])
  })

  it('tells when keys expire, and when most do at once', async () => {
    const {ttl} = await jsonOf([fixture('expiry-v10'), '--detail'])
    const keys = Object.fromEntries(ttl.histogram.map((one: Json) => [one.bucket, one.keys]))
    expect(keys).toMatchObject({none: 2, '>=1y': 7, expired: 0})
    expect(ttl.densestHour).toEqual({fromMs: 4_102_444_800_000, toMs: 4_102_448_400_000, keys: 6, share: 6 / 7})
    const shown = await textOf([fixture('expiry-v10'), '--detail'])
    expect(shown).toContain('most in one hour: 6 (85.7 % of what expires) from 2100-01-01T00:00:00Z')
    expect(shown).toContain('size of a key in file')
  })

  it('is part of every JSON, unless told not to be', async () => {
    const names = ['ttl', 'idle', 'frequency', 'prefixes', 'percentiles']
    const json = await jsonOf([fixture('lru-v10')])
    expect(json).toEqual(await jsonOf([fixture('lru-v10'), '--detail']))
    expect(json).toMatchObject(Object.fromEntries(names.map(name => [name, expect.anything()])))
    const less = await jsonOf([fixture('lru-v10'), '--no-detail'])
    for (const name of names) expect(less).not.toHaveProperty(name)
    expect({...json, ...less}).toEqual(json)
  })

  it('is not in the text unless asked for', async () => {
    const shown = await textOf([fixture('lru-v10')])
    expect(shown).not.toMatch(/estimated|^of all keys|^expires {2}/m)
    expect(await textOf([fixture('lru-v10'), '--no-detail'])).toBe(shown)
  })
})

describe('inspect prefixes', () => {
  const keys = ['a::1', 'a::2', 'b:x', Buffer.from([0xff, 0x3a, 0x31]), Buffer.from([0xff, 0x3a, 0x32]), 'none']
  const path = folder.write('prefixes.rdb', fileOf(keys))
  const prefixesOf = async (...args: string[]): Promise<Json> =>
    (await jsonOf([path, ...args])).prefixes.map(({prefix, keys: count}: Json) => [prefix, count])

  it('may be any bytes', async () => {
    expect(await prefixesOf('--detail', '--depth', '1')).toEqual([
      ['a:', 2],
      [{base64: '/zo='}, 2],
      ['b:', 1],
    ])
    const shown = await textOf([path, '--detail', '--depth', '1'])
    expect(shown).toContain('  \\xff:\n')
  })

  it('take a separator of several bytes, and imply --detail', async () => {
    expect(await prefixesOf('--separator', '::')).toEqual([['a::', 2]])
    expect(await prefixesOf('--separator', 'é')).toEqual([])
  })

  it('fold where there are too many', async () => {
    const many = folder.write('many.rdb', fileOf(Array.from({length: 20}, (_, i) => `user:${i}:x`)))
    const {prefixes} = await jsonOf([many, '--fanout', '10'])
    expect(prefixes.map(({prefix}: Json) => prefix)).toEqual(['user:', 'user:*'])
  })
})

describe.runIf(hasTerminal)('inspect --detail on a terminal', () => {
  it('fits 80 columns', async () => {
    const file = new RdbFile('REDIS', 10).db(0)
    for (let i = 0; i < 50; i++) {
      file.expireMs(4_102_444_800_000 + i).key(0, `${'tenant:'.repeat(i % 5)}${'x'.repeat(3 * i)}`, text('v'.repeat(i)))
    }
    const path = folder.write('wide.rdb', file.end())
    const {stdout} = await terminal(`rdbtool inspect ${path} ${path} ${fixture('lru-v10')} --detail --now ${NOW}`, 80)
    const lines = stripVTControlCharacters(stdout).split(/\r?\n/)
    expect(lines.length).toBeGreaterThan(80)
    // The name of a file is shown whole.
    for (const line of lines.filter(one => !one.startsWith('/'))) expect(line.length, line).toBeLessThanOrEqual(80)
  })
})

describe('inspect: estimated memory', () => {
  const path = fixture('lru-v10')

  it('is told where it is asked for, everywhere', async () => {
    const json = await jsonOf([path])
    expect((await jsonOf([path, '--no-detail'])).memoryBytes).toBe(json.memoryBytes)
    expect(json.memory).toEqual({server: 'redis-7.0', calibrated: true})
    const sum = (rows: Json[]): number => rows.reduce((so, one) => so + one.memoryBytes, 0)
    expect(json.memoryBytes).toBe(sum(json.databases))
    expect(sum(json.types)).toBe(sum(json.biggest))
    // The tables of a database are nobody's.
    expect(json.memoryBytes - sum(json.types)).toBeGreaterThan(0)
    const bytes = json.biggest.map((one: Json) => one.memoryBytes)
    expect(bytes).toEqual(bytes.toSorted((a: number, b: number) => b - a))
    expect(json.percentiles.memoryBytes.at(-1)).toEqual({percent: 100, value: bytes[0]})
  })

  it('is that of the server that is named', async () => {
    const json = await jsonOf([path, '--server', 'valkey-9.1'])
    expect(json.memory.server).toBe('valkey-9.1')
    expect(json.memoryBytes).not.toBe((await jsonOf([path, '--server', 'redis-6.0'])).memoryBytes)
    expect(await textOf([path, '--server', 'redis-6.0'])).toMatch(
      /\nestimated \S+ \S+ of memory for these keys in redis-6\.0\n/,
    )
    const wrong = await rdbtool(['inspect', path, '--server', 'oracle'])
    expect(wrong).toMatchObject({code: 2, stdout: ''})
    expect(wrong.stderr).toContain('oracle')
  })

  it('selects by size, and says how many were passed over', async () => {
    const {biggest} = await jsonOf([path, '--detail'])
    const least = biggest[2].memoryBytes
    const json = await jsonOf([path, '--min-bytes', String(least)])
    expect(json.biggest).toEqual(biggest.filter((one: Json) => one.memoryBytes >= least))
    expect(json.selected).toMatchObject({seen: 7, taken: json.keys, skipped: {bytes: 7 - json.keys}})
    const shown = await textOf([path, '--max-bytes', String(least - 1)])
    expect(shown).toContain('by --min-bytes and --max-bytes\n')
  })

  it('does not end at damage inside a value that nothing else looks into', async () => {
    // A listpack compressed badly: a back reference to before its first byte.
    const broken = Buffer.from([0xc3, 6, 12, 0x00, 0x61, 0x3f, 0xff, 0x00, 0x62])
    const file = new RdbFile('REDIS', 10).db(0).key(0, 'a', text('x'))
    file.key(16, 'broken', {bytes: broken, type: 'hash', value: null}).key(0, 'z', text('y'))
    const damaged = folder.write('damaged.rdb', file.end())
    const json = await jsonOf([damaged, '--detail'])
    expect(json.keys).toBe(3)
    expect(json.warnings).toMatchObject([
      {code: 'BAD_LZF', severity: 'error', offset: expect.any(Number), db: 0, key: 'broken', type: 'hash'},
    ])
    expect(await textOf([damaged, '--detail'])).toMatch(
      /\nerror: {3}compressed .* \(BAD_LZF, byte \d+, in the hash broken of database 0\)\n/,
    )
  })
})

describe('inspect: what a file may hold without end', () => {
  it('aux values lose no byte in JSON', async () => {
    const file = new RdbFile('REDIS', 10)
      .aux('note', Buffer.from([0xff, 0xfe, 0x41]))
      .aux('text', 'plain')
      .db(0)
    const path = folder.write('aux.rdb', file.key(0, 'k', text('v')).end())
    expect((await jsonOf([path])).aux).toEqual({note: {base64: '//5B'}, text: 'plain'})
    expect(await textOf([path])).toContain('\nnote       \\xff\\xfeA\n')
  })

  it('databases beyond the first are told in sum', async () => {
    const file = new RdbFile('REDIS', 10)
    for (let db = 0; db < 12_000; db++) file.db(db).key(0, 'k', text('v'))
    const path = folder.write('databases.rdb', file.end())
    const json = await jsonOf([path])
    expect(json.databases.length).toBe(10_000)
    expect(json.otherDatabases).toMatchObject({keys: 2000})
    expect(json.keys).toBe(12_000)
    const shown = await textOf([path])
    expect(shown.split('\n').length).toBeLessThan(80)
    expect(shown).toMatch(/\nover 9,960 more {2}11,960 /)
    const {total} = await jsonOf([path, path])
    expect(total.otherDatabases).toMatchObject({keys: 4000})
  })
})

describe('inspect: most elements', () => {
  it('ranks collections only', async () => {
    const json = await jsonOf([fixture('lru-v10')])
    const elements = json.biggestByElements.map((one: Json) => one.elements)
    expect(elements).toEqual([3, 2, 2, 2, 1])
    expect(json.biggestByElements.map((one: Json) => one.type)).not.toContain('string')
    expect(await textOf([fixture('lru-v10'), '--detail'])).toContain('  most elements\n')
  })
})
