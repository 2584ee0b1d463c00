/**
 * The tables hold what the fixtures do: `keys` agrees with inspect, `elements` with the goldens, which servers and builders
 * of bytes gave.
 */
import {createHash} from 'node:crypto'
import {basename} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import type {Inventory} from '../../src/analysis/inventory.js'
import {inspect} from '../../src/jobs/inspect.js'
import {Query} from '../../src/jobs/query.js'
import type {SqlValue} from '../../src/query/result.js'
import {type GoldenEntry, readable} from '../reading/fixtures.js'

const NOW_MS = 1_700_000_000_000
const MEMORY_BYTES = 256 * 1024 * 1024
const SEPARATOR = Uint8Array.of(0x3a)

const files = readable.filter(({path}) => path.endsWith('.rdb'))

let query: Query

beforeAll(async () => {
  query = await Query.open(
    files.map(({path}) => path),
    {memoryBytes: MEMORY_BYTES, separator: SEPARATOR, selection: {nowMs: NOW_MS}, ignoreChecksum: true},
  )
})

afterAll(async () => await query.close())

/** Rows as objects. */
async function ask(sql: string): Promise<Record<string, SqlValue>[]> {
  const rows = await query.rows(sql)
  const found: Record<string, SqlValue>[] = []
  for await (const chunk of rows.chunks()) {
    for (const row of chunk) found.push(Object.fromEntries(rows.columns.map(({name}, at) => [name, row[at]!])))
  }
  return found
}

function grouped<Row extends Record<string, SqlValue>>(rows: readonly Row[]): Map<SqlValue, Row[]> {
  const groups = new Map<SqlValue, Row[]>()
  for (const row of rows) {
    const source = row['source']!
    const group = groups.get(source)
    if (group === undefined) groups.set(source, [row])
    else group.push(row)
  }
  return groups
}

describe('keys', () => {
  const inventories = new Map<string, Inventory>()

  beforeAll(async () => {
    for (const {path} of files) {
      const spread = {nowMs: NOW_MS, top: 100_000, prefixes: {}}
      const {inventory, failure} = await inspect(path, {
        nowMs: NOW_MS,
        top: 10,
        memory: {},
        spread,
        ignoreChecksum: true,
      })
      expect(failure, path).toBeUndefined()
      inventories.set(path, inventory!)
    }
  })

  it('are as many of every type and encoding, of so many elements and bytes, as inspect counts', async () => {
    const rows = await ask(`SELECT source, db, type, encoding, count(*) AS keys, sum(elements) AS elements,
      sum(rdb_bytes) AS rdbBytes, count(expire_at) AS expiring FROM keys GROUP BY ALL ORDER BY ALL`)
    const counted = grouped(rows)
    for (const [path, {encodings, databases}] of inventories) {
      const own = counted.get(path) ?? []
      const sum = (of: readonly Record<string, unknown>[], what: string): number =>
        of.reduce((total, row) => total + Number(row[what] ?? 0), 0)
      for (const {type, encoding, keys, elements, rdbBytes} of encodings) {
        const same = own.filter(row => row['type'] === type && row['encoding'] === encoding)
        const found = {keys: sum(same, 'keys'), rdbBytes: sum(same, 'rdbBytes')}
        expect({path, type, encoding, ...found}).toEqual({path, type, encoding, keys, rdbBytes})
        if (type !== 'module' && type !== 'cron') expect(sum(same, 'elements'), `${path} ${type}`).toBe(elements)
      }
      for (const {db, keys, expiring} of databases) {
        const same = own.filter(row => row['db'] === db)
        expect({path, db, keys: sum(same, 'keys'), expiring: sum(same, 'expiring')}).toEqual({path, db, keys, expiring})
      }
      expect(sum(own, 'keys')).toBe(databases.reduce((total, {keys}) => total + keys, 0))
    }
  })

  it('take the memory that inspect estimates', async () => {
    const rows = grouped(await ask('SELECT source, memory_bytes, key_bytes FROM keys'))
    for (const [path, {biggest}] of inventories) {
      const own = (rows.get(path) ?? []).map(row => Number(row['memory_bytes'])).sort((a, b) => b - a)
      const wanted = biggest.map(({memoryBytes}) => memoryBytes)
      expect({path, biggest: own.slice(0, wanted.length)}).toEqual({path, biggest: wanted})
    }
  })

  it('have the prefixes of inspect, down to the third', async () => {
    for (const level of [1, 2, 3]) {
      const rows = await ask(`SELECT source, prefix${level} AS prefix, count(*) AS keys, sum(memory_bytes) AS memory
        FROM keys WHERE prefix${level} IS NOT NULL GROUP BY ALL`)
      const counted = grouped(rows)
      for (const [path, {spread}] of inventories) {
        const told = spread!.prefixes.filter(({parts}) => parts.length === level && !parts.includes(undefined))
        const own = new Map((counted.get(path) ?? []).map(row => [row['prefix'], row]))
        for (const {prefix, keys, memoryBytes} of told) {
          const text = Buffer.from(prefix).toString()
          // What is no UTF-8 is spelled out: the table of bytes is the one to compare.
          if (text.includes('\ufffd')) continue
          const row = own.get(text)
          expect({path, text, keys: row?.['keys'], memory: row?.['memory']}).toEqual({
            ...{path, text, keys, memory: memoryBytes},
          })
        }
      }
    }
  })
})

describe('elements', () => {
  it('are those of the goldens, in their places', async () => {
    const rows = grouped(await ask('SELECT * FROM elements'))
    for (const {path, golden} of files) {
      const own = (rows.get(path) ?? []).map(shown).sort(byText)
      const wanted = golden.entries.flatMap(expected).sort(byText)
      expect(own, basename(path)).toEqual(wanted)
    }
  })

  it('have text beside their bytes, spelled out where it is no UTF-8', async () => {
    const rows = await ask(`SELECT key, key_bytes FROM elements UNION ALL SELECT member, member_bytes FROM elements
      UNION ALL SELECT value, value_bytes FROM elements UNION ALL SELECT field, field_bytes FROM elements`)
    let odd = 0
    for (const {key: text, key_bytes: bytes} of rows) {
      if (bytes === null) {
        expect(text).toBeNull()
        continue
      }
      const utf8 = Buffer.from(bytes as Uint8Array)
      if (Buffer.compare(Buffer.from(utf8.toString()), utf8) === 0) expect(text).toBe(utf8.toString())
      else {
        odd++
        expect(text).toMatch(/\\x[0-9A-F]{2}/)
      }
    }
    expect(odd).toBeGreaterThan(0)
  })
})

const textOf = (row: Shown): string => JSON.stringify(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)))
const byText = (a: Shown, b: Shown): number => (textOf(a) < textOf(b) ? -1 : 1)

/** Long bytes, as goldens keep them. */
function digested(bytes: Uint8Array): unknown {
  return createHash('sha256').update(bytes).digest('hex')
}

function bytesOf(golden: unknown): unknown {
  if (typeof golden === 'string') return digested(Buffer.from(golden))
  const {base64, sha256} = golden as {base64?: string; sha256?: string}
  return base64 === undefined ? sha256 : digested(Buffer.from(base64, 'base64'))
}

interface Shown {
  db: unknown
  key: unknown
  type: unknown
  position?: unknown
  field?: unknown
  member?: unknown
  score?: unknown
  id?: unknown
  value?: unknown
  expiresMs?: unknown
}

function shown(row: Record<string, SqlValue>): Shown {
  const bytes = (name: string): unknown => (row[name] === null ? undefined : digested(row[name] as Uint8Array))
  const {db, type, position, score, id, expire_at: expire} = row
  // Sets and hashes have no order of their own.
  const ordered = type !== 'set' && type !== 'hash' && type !== 'zset'
  return {
    ...{db, key: bytes('key_bytes'), type},
    ...(ordered ? {position: String(position)} : {}),
    ...{field: bytes('field_bytes'), member: bytes('member_bytes'), value: bytes('value_bytes')},
    ...{score: score === null ? undefined : Object.is(score, -0) ? '-0' : String(score), id: id ?? undefined},
    expiresMs: expire === null ? undefined : Date.parse(`${String(expire).replace(' ', 'T')}Z`),
  }
}

/** The rows that a golden entry stands for. */
function expected({db, key, type, value}: GoldenEntry): Shown[] {
  const head = {db, key: bytesOf(key), type}
  const none = {
    field: undefined,
    member: undefined,
    value: undefined,
    score: undefined,
    id: undefined,
    expiresMs: undefined,
  }
  const row = (more: Partial<Shown>): Shown => ({...head, ...none, ...more})
  switch (type) {
    case 'string':
      return [row({position: '0', value: bytesOf(value)})]
    case 'list':
      return (value as unknown[]).map((item, at) => row({position: String(at), value: bytesOf(item)}))
    case 'set':
      return (value as unknown[]).map(member => row({member: bytesOf(member)}))
    case 'zset':
      return (value as [unknown, number | string][]).map(([member, score]) =>
        row({member: bytesOf(member), score: scoreText(score)}),
      )
    case 'hash':
      return (value as [unknown, unknown, number?][]).map(([field, data, at]) =>
        row({field: bytesOf(field), value: bytesOf(data), expiresMs: at}),
      )
    case 'array':
      return (value as [number | string, unknown][]).map(([index, data]) =>
        row({position: String(index), value: bytesOf(data)}),
      )
    case 'stream':
      return (value as {entries: [string, unknown[]][]}).entries.flatMap(([id, fields], at) =>
        Array.from({length: fields.length / 2}, (_, i) =>
          row({position: String(at), id, field: bytesOf(fields[2 * i]), value: bytesOf(fields[2 * i + 1])}),
        ),
      )
    default:
      return []
  }
}

function scoreText(score: number | string): string {
  return typeof score === 'number' ? String(score) : score.replace('inf', 'Infinity').replace('nan', 'NaN')
}
