/** `inspect --by`: keys by one thing at a time, the biggest elements, and what other servers would take. */
import {createHash} from 'node:crypto'
import {join} from 'node:path'
import {stripVTControlCharacters} from 'node:util'
import {describe, expect, it} from 'vitest'
import {slotOf} from '../../src/bytes/crc16.js'
import {SECTION_NAMES} from '../../src/report/sections.js'
import type {Json} from '../jobs/golden-inventory.js'
import {temporaryFolder} from '../start/folder.js'
import {RdbFile, text} from '../start/rdb.js'
import {hasTerminal, ROOT, rdbtool, terminal} from '../start/run.js'

const folder = temporaryFolder()
const fixture = (name: string): string => join(ROOT, 'fixtures', 'rdb', `${name}.rdb`)
const NOW = '2050-01-01T00:00:00Z'
const NOW_MS = Date.parse(NOW)

async function jsonOf(...args: string[]): Promise<Json> {
  const finished = await rdbtool(['inspect', ...args, '--json', '--now', NOW])
  expect(finished).toMatchObject({code: 0, stderr: ''})
  return JSON.parse(finished.stdout)
}

async function textOf(...args: string[]): Promise<string> {
  const finished = await rdbtool(['inspect', ...args, '--now', NOW])
  expect(finished).toMatchObject({code: 0, stderr: ''})
  return finished.stdout
}

/** Two prefixes that keep as much, one of them for ever; sizes over many powers of two; two databases. */
function sample(): string {
  const lines = Array.from({length: 400}, (_, i) => ({
    db: i % 3 === 0 ? 4 : 0,
    key: `${i % 2 === 0 ? 'session' : 'cache'}:${i % 7}:${i}`,
    type: 'string',
    value: createHash('sha256')
      .update(String(i))
      .digest('hex')
      .repeat(1 + (i % 40)),
    ...(i % 2 === 0 ? {expireAtMs: NOW_MS + (i - 50) * 3_600_000} : {}),
  }))
  return folder.write('sample.jsonl', `${lines.map(line => JSON.stringify(line)).join('\n')}\n`)
}

describe('sections', () => {
  const path = sample()

  it.each(['--by prefix', '--by prefix,ttl --server valkey-9.1,redis-8.0', '--server valkey-9.1'])(
    '%s may stand before the file',
    async flags => {
      expect(await textOf(...flags.split(' '), path)).toBe(await textOf(path, ...flags.split(' ')))
    },
  )

  it.each(['type', 'db', 'ttl', 'size', 'slot'])('by %s every key is in one row', async name => {
    const {by, keys, expiring, ...json} = await jsonOf(path, '--by', name)
    expect(Object.keys(by)).toEqual([name])
    const sum = (member: string): number => by[name].reduce((so: number, row: Json) => so + row[member], 0)
    expect({keys: sum('keys'), expiring: sum('expiring')}).toEqual({keys: 400, expiring: 200})
    expect({keys, expiring}).toEqual({keys: 400, expiring: 200})
    const ofTypes = json.types.reduce((so: number, row: Json) => so + row.memoryBytes, 0)
    // Databases have tables besides.
    if (name === 'db') expect(sum('memoryBytes')).toBe(json.memoryBytes)
    else expect(sum('memoryBytes')).toBe(ofTypes)
  })

  it('by slot of a cluster', async () => {
    const {by} = await jsonOf(path, '--by', 'slot')
    const slots = new Map<number, number>()
    for (let i = 0; i < 400; i++) {
      const key = Buffer.from(`${i % 2 === 0 ? 'session' : 'cache'}:${i % 7}:${i}`)
      const slot = slotOf(key, 0, key.length)
      slots.set(slot, (slots.get(slot) ?? 0) + 1)
    }
    const expected = [...slots].sort(([a], [b]) => a - b)
    expect(by.slot.map(({slot, keys}: Json) => [slot, keys])).toEqual(expected)
    expect(await textOf(path, '--by', 'slot')).toContain(`${expected.length} of 16,384 slots hold keys, `)
  })

  it('by size, each key in the class of its memory', async () => {
    const {by, percentiles, sizes} = await jsonOf(path, '--by', 'size')
    expect(sizes).toMatchObject({measure: 'memoryBytes', histogram: by.size})
    for (const {from, to, keys, memoryBytes} of by.size) {
      expect(to).toBe(2 * from - 1)
      expect(memoryBytes).toBeGreaterThanOrEqual(keys * from)
      expect(memoryBytes).toBeLessThanOrEqual(keys * to)
    }
    expect(by.size.at(-1).to).toBeGreaterThanOrEqual(percentiles.memoryBytes.at(-1).value)
    expect(await textOf(path, '--by', 'size')).toMatch(/\n1 KiB to 2 KiB +\d+/)
  })

  it('by prefix, those apart whose keys never expire', async () => {
    const {by, persistentPrefixes} = await jsonOf(path, '--by', 'prefix', '--depth', '1')
    expect(by.prefix.map(({prefix}: Json) => prefix).sort()).toEqual(['cache:', 'session:'])
    expect(by.prefix.map((row: Json) => row.persistentBytes > 0)).toEqual(
      by.prefix.map((row: Json) => row.prefix === 'cache:'),
    )
    expect(persistentPrefixes).toHaveLength(1)
    expect(persistentPrefixes[0]).toMatchObject({prefix: 'cache:', keys: 200, expiring: 0})
    const [, , after] = (await textOf(path, '--by', 'prefix', '--depth', '1')).split('prefix')
    expect(after).toContain('by what never expires')
  })

  it('by last use, or by access counter, or says that nobody knows', async () => {
    expect(await textOf(fixture('lru-v80'), '--by', 'idle')).toMatch(/\nlast used +keys/)
    expect(await textOf(fixture('lfu-v10'), '--by', 'idle')).toMatch(/\naccess counter +keys/)
    expect(await textOf(path, '--by', 'idle')).toContain('last used  not told: servers write')
    const {by} = await jsonOf(fixture('lfu-v10'), '--by', 'idle')
    expect(by.idle.length).toBeGreaterThan(0)
    expect(by.idle.every((row: Json) => typeof row.frequency === 'number')).toBe(true)
  })

  it('shows those that are asked for, in that order, and no others', async () => {
    const shown = await textOf(path, '--by', 'db,type', '--by', 'ttl')
    const titles = shown.split('\n').filter(line => /never expire/.test(line))
    expect(titles.map(line => line.trim().split(/ +/)[0])).toEqual(['database', 'type', 'expires'])
    expect(shown).not.toContain('biggest keys')
    const refused = await rdbtool(['inspect', path, '--by', 'colour'])
    expect(refused.code).toBe(2)
    for (const name of SECTION_NAMES) expect(refused.stderr).toContain(name)
  })

  it('has them of several sources in sum', async () => {
    const {sources, total} = await jsonOf(path, path, '--by', 'ttl,slot')
    expect(sources).toHaveLength(2)
    const twice = (row: Json): Json => ({...row, keys: 2 * row.keys, expiring: 2 * row.expiring})
    expect(total.by.slot.map(({slot, keys, expiring}: Json) => ({slot, keys, expiring}))).toEqual(
      sources[0].by.slot.map(twice).map(({slot, keys, expiring}: Json) => ({slot, keys, expiring})),
    )
    expect(await textOf(path, path, '--by', 'ttl')).toMatch(/total of 2 sources\n[\s\S]*\nexpires +keys/)
  })

  it.runIf(hasTerminal)('keeps to 80 columns, and draws where there is room', async () => {
    const {stdout} = await terminal(`rdbtool inspect ${path} --by ${SECTION_NAMES.join(',')} --now ${NOW}`, 80)
    const lines = stripVTControlCharacters(stdout).split(/\r?\n/).slice(1)
    expect(lines.filter(line => line.length > 80)).toEqual([])
    expect(stdout).toContain('█')
    expect(await textOf(path, '--by', 'ttl')).not.toContain('█')
  })
})

describe('the biggest elements', () => {
  const long = (bytes: number, letter = 'x'): string => letter.repeat(bytes)

  it('are found whatever holds them', async () => {
    const lines = [
      {
        db: 0,
        key: 'h',
        type: 'hash',
        value: [
          ['small', 'v'],
          ['large', long(30_000)],
          ['\u001b[31m', long(9000)],
        ],
      },
      {db: 3, key: 's', type: 'set', value: [long(20_000, 'm'), 'n']},
      {db: 0, key: 'z', type: 'zset', value: [[long(10_000, 'z'), 1]]},
      {db: 0, key: 'l', type: 'list', value: ['a', long(40_000, 'i'), long(8191)]},
      {db: 0, key: 'text', type: 'string', value: long(90_000)},
    ].map(one => ({...one, count: Array.isArray(one.value) ? one.value.length : one.value.length}))
    const jsonl = folder.write('elements.jsonl', `${lines.map(line => JSON.stringify(line)).join('\n')}\n`)
    const rdb = join(folder.path, 'elements.rdb')
    expect(await rdbtool(['build', jsonl, '--out', rdb, '--target', 'redis-7.0', '-q'])).toMatchObject({code: 0})
    for (const path of [jsonl, rdb]) {
      const {biggestElements} = await jsonOf(path)
      expect(biggestElements).toEqual([
        {db: 0, key: 'l', type: 'list', bytes: 40_000},
        {db: 0, key: 'h', type: 'hash', name: 'large', bytes: 30_005},
        {db: 3, key: 's', type: 'set', name: long(128, 'm'), bytes: 20_000},
        {db: 0, key: 'z', type: 'zset', name: long(128, 'z'), bytes: 10_000},
        {db: 0, key: 'h', type: 'hash', name: '\u001b[31m', bytes: 9005},
      ])
      const shown = await textOf(path, '--by', 'size')
      expect(shown).toContain('29.3 KiB  hash   0  h › large\n')
      expect(shown).toContain('h › \\x1b[31m\n')
    }
  })
})

describe('memory in other servers', () => {
  const path = fixture('databases-v11')
  const other = folder.write('other.rdb', new RdbFile('REDIS', 9).db(0).key(0, 'a', text('b')).end())
  // A hundred small strings take more memory than one large list, which takes more of the file.
  const sized = folder.write(
    'sized.jsonl',
    [
      ...Array.from({length: 100}, (_, i) => ({db: 0, key: `k${i}`, type: 'string', count: 1, value: 'v'})),
      {db: 0, key: 'list', type: 'list', count: 1, value: ['x'.repeat(6000)]},
    ]
      .map(one => `${JSON.stringify(one)}\n`)
      .join(''),
  )

  it('is compared with the server that wrote the file', async () => {
    const own = await jsonOf(path)
    expect(own.memory.elsewhere).toBeUndefined()
    const {memory, memoryBytes} = await jsonOf(path, '--server', 'redis-6.0')
    expect(memory).toMatchObject({server: 'redis-6.0'})
    expect(memory.elsewhere).toEqual([{...own.memory, bytes: own.memoryBytes}])
    const shown = await textOf(path, '--server', 'redis-6.0', '--by', 'db')
    const more = own.memoryBytes - memoryBytes
    expect(more).not.toBe(0)
    const change = `${more < 0 ? '-' : '\\+'}${((100 * Math.abs(more)) / memoryBytes).toFixed(1)} %`
    expect(shown).toMatch(new RegExp(`\\n${own.memory.server} +[^\\n]*${change}`))
  })

  it('is what each of them would be asked for alone', async () => {
    const names = ['valkey-8.1', 'redis-6.0', 'redis-8.0']
    const {memory, memoryBytes} = await jsonOf(path, ...names.flatMap(name => ['--server', name]))
    const alone = await Promise.all(names.map(name => jsonOf(path, '--server', name)))
    expect(memoryBytes).toBe(alone[0]!.memoryBytes)
    const bytesOf = (name: string) => memory.elsewhere.find((one: Json) => one.server === name).bytes
    expect(names.slice(1).map(bytesOf)).toEqual(alone.slice(1).map(one => one.memoryBytes))
  })

  it('ranks types by what it shows first', async () => {
    const sizes = async (...args: string[]): Promise<Json[]> => (await jsonOf(sized, ...args, '--by', 'type')).by.type
    const ranked = await sizes('--server', 'redis-7.0')
    const memory = ranked.map(row => row.memoryBytes)
    expect(memory).toEqual(memory.toSorted((a, b) => b - a))
    const stored = ranked.map(row => row.rdbBytes)
    expect(stored).not.toEqual(stored.toSorted((a, b) => b - a))
  })

  it('in sum names the server, where all have the same', async () => {
    const total = async (...args: string[]): Promise<string> =>
      (await textOf(path, other, ...args)).split('total of 2')[1]!
    expect(await total('--server', 'redis-7.0')).toMatch(/ of memory for these keys in redis-7\.0\n/)
    expect(await total('--server', 'redis-7.4')).toMatch(/ of memory for these keys in redis-7\.4, uncalibrated\n/)
    expect(await total('--detail')).toMatch(/ of memory for these keys, each in its own server, uncalibrated\n/)
  })

  it('keeps the name of a version that nobody has looked at, and says whose model it shows', async () => {
    const [{memory}, known] = await Promise.all([
      jsonOf(path, '--server', 'valkey-10.0,redis-9'),
      jsonOf(path, '--server', 'valkey-9.1'),
    ])
    expect(memory).toMatchObject({server: 'valkey-10.0', calibrated: false, like: 'valkey-9.1'})
    expect(memory.elsewhere[0]).toMatchObject({server: 'redis-9.0', calibrated: false, like: 'redis-8.2'})
    expect(known.memory).toMatchObject({server: 'valkey-9.1', calibrated: true})
    const shown = await textOf(path, '--server', 'valkey-10.0,redis-9')
    expect(shown).toContain(' in valkey-10.0, uncalibrated: taken to be as valkey-9.1\n')
    expect(shown).toMatch(/\nredis-9\.0 .* not calibrated: as redis-8\.2\n/)
  })

  it('knows no producer where the file names none', async () => {
    const file = folder.write('nameless.rdb', new RdbFile('REDIS', 9).db(0).key(0, 'a', text('b')).end())
    expect((await jsonOf(file, '--server', 'redis-6.0')).memory.elsewhere).toBeUndefined()
  })
})
