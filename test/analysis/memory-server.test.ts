/**
 * The memory model against servers: keys of all types and many sizes, loaded from a file as a restore does, and what
 * MEMORY USAGE says of each.
 */
import {copyFileSync, mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {layoutOf} from '../../src/analysis/memory/layout.js'
import {MemoryModel} from '../../src/analysis/memory/model.js'
import {MemoryVisitor} from '../../src/analysis/memory/visitor.js'
import {inspect} from '../../src/jobs/inspect.js'
import type {Entry} from '../../src/keyspace/entry.js'
import type {ValueVisitor} from '../../src/keyspace/visitor.js'
import {RdbReader} from '../../src/rdb/reader.js'
import {inventoryJson} from '../../src/report/inventory-json.js'
import {describeEachServer} from '../server/each-server.js'
import {type Server, startServer} from '../server/server.js'

const KEYS_PER_TYPE = 60
const SEED = 20_240_229

let state = SEED
const below = (end: number): number => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
  return Math.floor(((state >>> 8) / 2 ** 24) * end)
}
/** Small ones more often than large ones. */
const sizeUpTo = (end: number): number => 1 + Math.floor(Math.exp((below(1000) / 1000) * Math.log(end)))
const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789-_'
const text = (length: number): string => Array.from({length}, () => LETTERS[below(LETTERS.length)]).join('')
const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({length: count}, (_, i) => make(i))

function commands(): string[][] {
  const all: string[][] = []
  const key = (kind: string, i: number): string => `${kind}:${i}:${text(below(4) === 0 ? below(150) : below(20))}`
  for (let i = 0; i < KEYS_PER_TYPE; i++) {
    const expiring = key('expiring', i)
    all.push(['SET', key('string', i), text(sizeUpTo(i % 10 === 0 ? 40_000 : 300))])
    all.push(['SET', key('number', i), String(below(2 ** 24))])
    all.push(['SET', expiring, text(sizeUpTo(200))], ['PEXPIRE', expiring, '100000000'])
    const mean = sizeUpTo(60)
    const element = (): string => text(1 + below(2 * mean))
    const count = sizeUpTo(i % 6 === 0 ? 4000 : 400)
    all.push(['RPUSH', key('list', i), ...times(count, element)])
    all.push(['SADD', key('set', i), ...times(count, n => n + element())])
    all.push(['SADD', key('numbers', i), ...times(sizeUpTo(1500), () => String(below(2 ** 24)))])
    all.push(['ZADD', key('zset', i), ...times(count, n => [String(below(10_000) / 4), n + element()]).flat()])
    all.push(['HSET', key('hash', i), ...times(count, n => [`${n}${text(below(12))}`, element()]).flat()])
    const stream = key('stream', i)
    const length = sizeUpTo(1000)
    for (let n = 0, ms = 1_700_000_000_000; n < length; n++) {
      ms += below(5000)
      all.push(['XADD', stream, `${ms}-${n}`, 'name', text(8), 'value', text(below(30))])
    }
  }
  return all
}

interface Told {
  type: string
  visited: number
  estimated: number
}

/** What a reader knows at no cost of a value it passes over, gathered here at depth nodes. */
class Facts extends MemoryVisitor {
  valueBytes = 0
  nodes = 0

  override begin(...value: Parameters<ValueVisitor['begin']>): void {
    super.begin(...value)
    this.valueBytes = 0
    this.nodes = 0
  }

  override node(...[kind, bytes, start, end]: Parameters<ValueVisitor['node']>): void {
    super.node(kind, bytes, start, end)
    this.valueBytes += end - start
    this.nodes++
  }

  override streamNode(...[id, bytes, start, end]: Parameters<ValueVisitor['streamNode']>): void {
    super.streamNode(id, bytes, start, end)
    this.valueBytes += end - start
    this.nodes++
  }

  override member(bytes: Uint8Array, start: number, end: number): void {
    super.member(bytes, start, end)
    this.valueBytes += end - start
  }

  override scored(bytes: Uint8Array, start: number, end: number, score: number): void {
    super.scored(bytes, start, end, score)
    this.valueBytes += end - start
  }

  override field(...field: Parameters<ValueVisitor['field']>): void {
    super.field(...field)
    this.valueBytes += field[2] - field[1] + field[5] - field[4]
  }
}

/** What `inspect --json` calls memoryBytes: of all keys, with the tables of their database. */
async function allocatedOf(path: string, server: string): Promise<number> {
  const {inventory} = await inspect(path, {top: 0, nowMs: Date.now(), memory: {server}})
  return (inventoryJson(path, inventory, undefined) as {memoryBytes: number}).memoryBytes
}

async function usedMemory(server: Server): Promise<number> {
  const [info] = await server.client.pipeline([['INFO', 'memory']])
  return Number(/^used_memory:(\d+)/m.exec(String(info))![1])
}

async function toldOf(path: string, model: MemoryModel): Promise<Map<string, Told>> {
  const told = new Map<string, Told>()
  const facts = new Facts(model)
  const end = facts.end.bind(facts)
  facts.end = (entry: Entry): void => {
    end(entry)
    const estimated = model.estimate(entry, facts.valueBytes, facts.nodes)
    told.set(Buffer.from(entry.key()).toString(), {type: entry.type, visited: facts.bytes, estimated})
  }
  const reader = await RdbReader.open(path)
  await reader.run({entry: () => facts})
  await reader.source.close()
  return told
}

/** Share of the true size that an answer is off. */
const off = (told: number, real: number): number => Math.abs(told - real) / real
const quantile = (values: number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))]!

describeEachServer('memory model of', name => {
  it('agrees with MEMORY USAGE', async () => {
    state = SEED
    const folder = mkdtempSync(join(tmpdir(), 'rdbtool-memory-'))
    const path = join(folder, 'dump.rdb')
    const writer = await startServer(name)
    const usedEmpty = await usedMemory(writer)
    await writer.client.pipeline(commands())
    copyFileSync(await writer.save(), path)
    await writer.stop()
    const server = await startServer(name, {rdb: path})
    try {
      const told = await toldOf(path, new MemoryModel(layoutOf(name), 'usage'))
      const keys = [...told.keys()]
      const usage: number[] = await server.client.pipeline(keys.map(key => ['MEMORY', 'USAGE', key, 'SAMPLES', '0']))
      const used = (await usedMemory(server)) - usedEmpty
      const allocated = await allocatedOf(path, name)
      if (process.env['RDBTOOL_REPORT']) {
        process.stderr.write(`${name} allocated: total ${(100 * (allocated / used - 1)).toFixed(1)} %\n`)
      }
      expect(off(allocated, used)).toBeLessThan(0.1)
      for (const how of ['visited', 'estimated'] as const) {
        const rows = keys.map((key, i) => ({...told.get(key)!, real: usage[i]!}))
        const errors = rows.map(row => off(row[how], row.real))
        const sum = (what: (row: (typeof rows)[0]) => number): number =>
          rows.reduce((total, row) => total + what(row), 0)
        if (process.env['RDBTOOL_REPORT']) report(`${name} ${how}`, rows, how)
        expect(quantile(errors, 0.5)).toBeLessThan(0.05)
        expect(quantile(errors, 0.95)).toBeLessThan(0.2)
        expect(
          off(
            sum(row => row[how]),
            sum(row => row.real),
          ),
        ).toBeLessThan(0.1)
      }
    } finally {
      await server.stop()
      rmSync(folder, {recursive: true})
    }
  })
})

function report(title: string, rows: (Told & {real: number})[], how: 'visited' | 'estimated'): void {
  for (const type of ['all', ...new Set(rows.map(row => row.type))]) {
    const some = rows.filter(row => type === 'all' || row.type === type)
    const errors = some.map(row => off(row[how], row.real))
    const [told, real] = [how, 'real' as const].map(what => some.reduce((sum, row) => sum + row[what as 'real'], 0))
    const shares = [0.5, 0.95, 1].map(share => (100 * quantile(errors, share)).toFixed(1)).join(' ')
    process.stderr.write(`${title} ${type}: off by ${shares} %, total ${(100 * (told! / real! - 1)).toFixed(1)} %\n`)
  }
}
