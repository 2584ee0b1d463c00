/** The names of `inspect --json`, which programs rely on: each is there, of its type, whatever is in the file. */
import {join} from 'node:path'
import {expect, it} from 'vitest'
import type {Json} from '../jobs/golden-inventory.js'
import {temporaryFolder} from '../start/folder.js'
import {fileOf} from '../start/rdb.js'
import {ROOT, rdbtool} from '../start/run.js'

type Shape = string | readonly [Shape] | {readonly [name: string]: Shape}

/** Members of objects that stand for any name are under `*`. */
const BIG: Shape = {
  db: 'number',
  key: 'bytes',
  type: 'string',
  encoding: 'string',
  elements: 'number',
  rdbBytes: 'number',
  memoryBytes: 'number',
  'expireAtMs?': 'number',
}
const DATABASE: Shape = {
  db: 'number',
  keys: 'number',
  expiring: 'number',
  expired: 'number',
  rdbBytes: 'number',
  memoryBytes: 'number',
}
const TYPE: Shape = {
  type: 'string',
  keys: 'number',
  elements: 'number',
  rdbBytes: 'number',
  memoryBytes: 'number',
  encodings: {'*': 'number'},
}
const PERCENTILES: Shape = [{percent: 'number', value: 'number'}]
const BUCKETS: Shape = [{bucket: 'string', keys: 'number', rdbBytes: 'number', memoryBytes: 'number'}]
const PREFIXES: Shape = [
  {
    prefix: 'bytes',
    keys: 'number',
    expiring: 'number',
    rdbBytes: 'number',
    memoryBytes: 'number',
    persistentBytes: 'number',
  },
]
const ELEMENT = {db: 'number', key: 'bytes', type: 'string', 'name?': 'bytes', bytes: 'number'} as const
const SIZES: Shape = [
  {from: 'number', to: 'number', keys: 'number', expiring: 'number', rdbBytes: 'number', memoryBytes: 'number'},
]
const MODULE: Shape = {name: 'string', version: 'number', keys: 'number', bytes: 'number'}
const SPREAD = {
  percentiles: {rdbBytes: PERCENTILES, memoryBytes: PERCENTILES, elements: PERCENTILES},
  ttl: {histogram: BUCKETS, 'densestHour?': {fromMs: 'number', toMs: 'number', keys: 'number', share: 'number'}},
  idle: {histogram: BUCKETS},
  frequency: {histogram: [{frequency: 'number', keys: 'number', rdbBytes: 'number', memoryBytes: 'number'}]},
  sizes: {measure: 'string', histogram: SIZES},
  prefixes: PREFIXES,
  persistentPrefixes: PREFIXES,
} as const
const SUMS = {
  bytes: 'number',
  keys: 'number',
  expiring: 'number',
  expired: 'number',
  memoryBytes: 'number',
  databases: [DATABASE],
  types: [TYPE],
  modules: [MODULE],
  ...SPREAD,
} as const

const REPORT: Shape = {
  source: 'string',
  format: 'string',
  product: 'string',
  'serverVersion?': 'string',
  rdbVersion: 'number',
  aux: {'*': 'bytes'},
  checksum: 'string',
  memory: {server: 'string', calibrated: 'boolean', 'like?': 'string'},
  biggest: [BIG],
  biggestByElements: [BIG],
  biggestElements: [ELEMENT],
  functions: [{name: 'string', engine: 'string', bytes: 'number'}],
  'slots?': {count: 'number'},
  warnings: [
    {
      code: 'string',
      severity: 'string',
      text: 'string',
      'offset?': 'number',
      'keys?': 'number',
      'db?': 'number',
      'key?': 'bytes',
    },
  ],
  ...SUMS,
}
const TOTAL: Shape = {
  sources: 'number',
  biggest: [{source: 'string', ...BIG}],
  biggestByElements: [{source: 'string', ...BIG}],
  biggestElements: [{source: 'string', ...ELEMENT}],
  ...SUMS,
}

/** Where a value is not of a shape. */
function misfits(value: unknown, shape: Shape, path = ''): string[] {
  if (shape === 'bytes') {
    const binary = typeof (value as {base64?: unknown} | null)?.base64 === 'string'
    return typeof value === 'string' || binary ? [] : [`${path} is no string and no base64`]
  }
  if (typeof shape === 'string') return typeof value === shape ? [] : [`${path} is ${typeof value}, not ${shape}`]
  if (Array.isArray(shape)) {
    if (!Array.isArray(value)) return [`${path} is no array`]
    return value.flatMap((one, i) => misfits(one, shape[0] as Shape, `${path}[${i}]`))
  }
  if (typeof value !== 'object' || value === null) return [`${path} is no object`]
  const members = new Map(Object.entries(shape as Record<string, Shape>))
  const found = Object.entries(value).flatMap(([name, one]) => {
    const of = members.get(name) ?? members.get(`${name}?`) ?? members.get('*')
    return of === undefined ? [`${path}.${name} is not of the contract`] : misfits(one, of, `${path}.${name}`)
  })
  const missing = [...members.keys()].filter(name => !/[?*]/.test(name) && !(name in value))
  return [...found, ...missing.map(name => `${path}.${name} is missing`)]
}

const folder = temporaryFolder()
const fixture = (name: string): string => join(ROOT, 'fixtures', `${name}.rdb`)

async function jsonOf(...args: string[]): Promise<Json> {
  return JSON.parse((await rdbtool(['inspect', ...args, '--json'])).stdout)
}

it.each([
  ['no key', fixture('rdb/empty-v10')],
  ['keys that are not UTF-8', fixture('rdb/key-binary-v12')],
  ['idle times', fixture('rdb/lru-v80')],
  ['frequencies', fixture('rdb/lfu-v10')],
  ['functions', fixture('rdb/functions-v11')],
  ['streams', fixture('rdb/stream-groups-v12-redict')],
  ['modules', fixture('rdb-built/module-value-v9')],
  ['slots', fixture('rdb/cluster-v80')],
  ['databases and expiries', fixture('rdb/databases-many-v10')],
  ['the first version', fixture('rdb-built/expiry-seconds-v1')],
])('a report has them with %s', async (_, path) => {
  expect(misfits(await jsonOf(path), REPORT)).toEqual([])
})

it('so has a total', async () => {
  const json = await jsonOf(fixture('rdb/lru-v80'), fixture('rdb/databases-many-v10'))
  expect(misfits(json, {sources: [REPORT], total: TOTAL})).toEqual([])
})

it('so has a report of what could be read, but for the checksum', async () => {
  const cut = folder.write('cut.rdb', fileOf(['a', 'b', 'c']).subarray(0, -12))
  const {error, announcedKeys, ...json} = await jsonOf(cut)
  expect(error).toMatchObject({code: 'TRUNCATED'})
  expect(announcedKeys).toBe(0)
  expect(misfits(json, REPORT)).toEqual(['.checksum is missing'])
})

it('the shapes tell what does not fit', () => {
  const report = {source: 'a', biggest: [{db: '0'}], more: 1}
  const shape: Shape = {source: 'string', biggest: [{db: 'number'}], keys: 'number'}
  expect(misfits(report, shape)).toEqual([
    '.biggest[0].db is string, not number',
    '.more is not of the contract',
    '.keys is missing',
  ])
})
