/** What inspect counts in JSON lines, tables and commands is what it counts in the snapshot they were made from. */
import {describe, expect, it} from 'vitest'
import type {Inventory} from '../../src/analysis/inventory.js'
import {totalOf} from '../../src/analysis/inventory-total.js'
import {MemoryTarget} from '../../src/bytes/target.js'
import type {DumpFormat} from '../../src/export/sink.js'
import {dump} from '../../src/jobs/dump.js'
import {type Inspection, type InspectOptions, inspect} from '../../src/jobs/inspect.js'
import {inventoryJson} from '../../src/report/inventory-json.js'
import {readable} from '../reading/fixtures.js'
import {temporaryFolder} from '../start/folder.js'

const NOW_MS = Date.parse('2050-01-01T00:00:00Z')
const OPTIONS: InspectOptions = {
  top: 10,
  nowMs: NOW_MS,
  ignoreChecksum: true,
  spread: {nowMs: NOW_MS, top: 100, prefixes: {}},
  memory: {server: 'redis-7.2'},
}

const folder = temporaryFolder()
let files = 0

async function counted(path: string, options = OPTIONS): Promise<Inventory> {
  const {inventory, failure} = await inspect(path, {onlyCreates: true, ...options})
  expect(failure).toBeUndefined()
  return inventory!
}

/** Commands make nothing of an empty collection, and one key of a key that is there twice. */
const OTHERWISE_AS_COMMANDS = /collections-empty|key-twice/
/** What release candidates stored is written as the libraries that releases take. */
const OTHER_FUNCTIONS = /function-release-candidate/

/** What no format changes. */
function keysOf({keys, expiring, expired, databases, encodings, functions, spread}: Inventory): object {
  const types: Record<string, {keys: number; elements: number}> = {}
  for (const {type, ...sums} of encodings) {
    types[type] ??= {keys: 0, elements: 0}
    types[type].keys += sums.keys
    types[type].elements += type === 'module' || type === 'cron' ? 0 : sums.elements
  }
  const prefixes = spread!.prefixes
    .map(one => [Buffer.from(one.prefix).toString('latin1'), one.keys, one.expiring] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  const perDatabase = databases.map(one => [one.db, one.keys, one.expiring, one.expired])
  return {keys, expiring, expired, types, prefixes, perDatabase, functions}
}

async function writtenAs(path: string, format: DumpFormat): Promise<string | undefined> {
  const target = new MemoryTarget()
  const {failure, losses} = await dump(path, target, {format, ignoreChecksum: true})
  // Commands that make nothing are none.
  if (failure !== undefined || losses.length > 0 || target.bytes === 0) return undefined
  return folder.write(`${files++}.${format}`, target.view())
}

describe.each(readable.map(one => [one.name, one] as const))('%s', (name, {path}) => {
  it('is counted alike as JSON lines, a table and commands', async () => {
    const snapshot = await counted(path)
    for (const format of ['jsonl', 'csv', 'resp'] as const) {
      const written = await writtenAs(path, format)
      if (written === undefined || (format === 'resp' && OTHERWISE_AS_COMMANDS.test(name))) continue
      const found = await counted(written)
      expect(found.format, format).toBe(format)
      expect(found.checksum, format).toBe('absent')
      expect(found.problems, format).toEqual([])
      const functions = OTHER_FUNCTIONS.test(name) ? found.functions : snapshot.functions
      expect(keysOf(found), format).toEqual(keysOf({...snapshot, functions}))
      expect(found.databases.every(({rdbBytes, keys}) => rdbBytes > keys && rdbBytes <= found.bytes)).toBe(true)
    }
  })

  it('says as JSON lines who made it', async () => {
    const snapshot = await counted(path)
    const lines = await writtenAs(path, 'jsonl')
    if (lines === undefined) return
    const {product, serverVersion, rdbVersion, aux} = await counted(lines)
    expect({product, serverVersion, rdbVersion}).toEqual({
      product: snapshot.product,
      serverVersion: snapshot.serverVersion,
      rdbVersion: snapshot.rdbVersion,
    })
    expect([...aux.keys()].sort()).toEqual([...snapshot.aux.keys()].filter(name => aux.has(name)).sort())
  })
})

const LINES = [
  '{"meta":{"product":"valkey","serverVersion":"8.1.0","rdbVersion":80}}',
  '{"db":0,"key":"user:1","type":"hash","count":1,"value":[["name","ada"]]}',
  '{"db":2,"key":"queue","type":"list","value":["a","b","c"],"expireAtMs":9999999999999}',
]
const lines = folder.write('lines.jsonl', `${LINES.join('\n')}\n`)
const table = folder.write('table.csv', 'key,value\nuser:2,x\nuser:3,y\n')
const commands = folder.write(
  'commands.resp',
  '*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n*3\r\n$5\r\nRPUSH\r\n$1\r\nl\r\n$1\r\nx\r\n',
)
const json = ({source, inventory, failure, selected}: Inspection): Record<string, unknown> =>
  JSON.parse(JSON.stringify(inventoryJson(source, inventory, failure, selected)))

describe('inspect', () => {
  it('leaves out what a format does not say', async () => {
    const found = json(await inspect(table, {top: 10, nowMs: NOW_MS}))
    expect(found).toMatchObject({format: 'csv', checksum: 'absent', keys: 2, bytes: 28, warnings: []})
    for (const name of ['product', 'serverVersion', 'rdbVersion', 'announcedKeys', 'error']) {
      expect(found).not.toHaveProperty(name)
    }
    expect(json(await inspect(lines, {top: 10, nowMs: NOW_MS}))).toMatchObject({
      ...{format: 'jsonl', product: 'valkey', serverVersion: '8.1.0', rdbVersion: 80},
      types: [
        {type: 'list', keys: 1, elements: 3, encodings: {}},
        {type: 'hash', keys: 1, elements: 1, encodings: {}},
      ],
    })
  })

  it('sums sources of several formats', async () => {
    const all = await Promise.all([lines, table, commands].map(one => inspect(one, {...OPTIONS, onlyCreates: true})))
    const {keys, databases, encodings} = totalOf(
      all.map(({source, inventory, spread}) => ({source, inventory: inventory!, spread})),
      10,
    )
    expect(keys).toBe(6)
    expect(databases.map(one => [one.db, one.keys])).toEqual([
      [0, 5],
      [2, 1],
    ])
    expect(encodings.filter(({type}) => type === 'list').map(one => one.elements)).toEqual([4])
  })

  it('selects from them', async () => {
    const found = await inspect(lines, {...OPTIONS, selection: {match: ['user:*']}})
    expect(found).toMatchObject({inventory: {keys: 1}, selected: {seen: 2, taken: 1}})
  })

  it('counts what stands before damage, and says where that is', async () => {
    const damaged = folder.write('damaged.jsonl', `${LINES.join('\n')}\n{"db":0,"key":"x","type":"string"}\n`)
    const {inventory, failure} = await inspect(damaged, OPTIONS)
    expect(inventory).toMatchObject({keys: 2, checksum: undefined})
    expect(failure).toMatchObject({code: 'BAD_JSON', message: expect.stringContaining('line 4, column')})
  })

  it('makes no report of what is no source', async () => {
    const other = folder.write('package.json', '{"name": "something", "version": "1.0.0"}')
    const {inventory, failure} = await inspect(other, OPTIONS)
    expect(inventory).toBeUndefined()
    expect(failure).toMatchObject({code: 'BAD_JSON'})
  })

  it('estimates for a server what small and large collections take, packed or in tables', async () => {
    const hash = (key: string, fields: number): string =>
      JSON.stringify({db: 0, key, type: 'hash', value: Array.from({length: fields}, (_, i) => [`field:${i}`, 'value'])})
    // Servers pack up to 512 fields (hash-max-listpack-entries).
    const path = folder.write('hashes.jsonl', `${hash('small', 100)}\n${hash('large', 600)}\n`)
    const {biggest} = await counted(path)
    const [large, small] = biggest
    expect(large!.memoryBytes / 600).toBeGreaterThan(60)
    expect(small!.memoryBytes / 100).toBeLessThan(30)
  })
})
