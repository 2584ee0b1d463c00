/**
 * The memory model against every server: random keyspaces of another seed than the ones it was made with, loaded from a file
 * as a restore does. What must be reached is what README promises.
 */
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {layoutOf} from '../../src/analysis/memory/layout.js'
import {MemoryModel} from '../../src/analysis/memory/model.js'
import {MemoryVisitor} from '../../src/analysis/memory/visitor.js'
import {build} from '../../src/jobs/build.js'
import {inspect} from '../../src/jobs/inspect.js'
import {RdbReader} from '../../src/rdb/reader.js'
import {calibrate, errorsOf, modelOf} from './calibration.js'
import {findServer} from './catalog.js'
import {describeEachServer} from './each-server.js'
import {startServer} from './server.js'

/** Never used with `npm run calibrate` while the model is changed. */
const SEED = 20_261_127
const SCALE = 40
const KEYS_MIN = 1000
const OLDEST = 'redis-6.0'
const FAR_MS = Date.parse('2100-01-01')

const model = modelOf({layoutOf, MemoryModel, MemoryVisitor, RdbReader})

type Calibration = Awaited<ReturnType<typeof calibrate>>

/** What README promises of each key, and of all together. */
function expectCalibrated({rows, used, overhead}: Calibration): void {
  expect(rows.length).toBeGreaterThan(KEYS_MIN)
  const {median, p95} = errorsOf(rows)
  expect(median).toBeLessThanOrEqual(0.02)
  expect(p95).toBeLessThanOrEqual(0.08)
  expect(Math.abs(used.told / used.real - 1)).toBeLessThanOrEqual(0.03)
  expect(Math.abs(overhead.told / overhead.real - 1)).toBeLessThanOrEqual(0.03)
  for (const encoding of new Set(rows.map(row => row.encoding))) {
    const {median: ofEncoding, total} = errorsOf(rows.filter(row => row.encoding === encoding))
    expect(ofEncoding, encoding).toBeLessThanOrEqual(0.02)
    expect(Math.abs(total), encoding).toBeLessThanOrEqual(0.03)
  }
}

/** What a server takes that has loaded so many keys, half of them expiring, and what inspect says. */
async function loadedWith(name: string, databases: number, keysOfEach: number): Promise<{told: number; real: number}> {
  const folder = mkdtempSync(join(tmpdir(), 'rdbtool-memory-'))
  try {
    const [lines, rdb] = [join(folder, 'keys.jsonl'), join(folder, 'keys.rdb')]
    const records = Array.from({length: databases * keysOfEach}, (_, i) => {
      const key = {db: Math.floor(i / keysOfEach), key: `key:${i}`, type: 'string', count: 6, value: 'abcdef'}
      return JSON.stringify(databases > 1 && i % 2 > 0 ? {...key, expireAtMs: FAR_MS} : key)
    })
    writeFileSync(lines, `${records.join('\n')}\n`)
    await build([lines], {out: rdb, target: name})
    const config = {databases}
    const empty = await usedBy(name, {config})
    const {inventory} = await inspect(rdb, {top: 0, nowMs: 0, memory: {server: name}})
    return {told: inventory!.memory!.bytes, real: (await usedBy(name, {config, rdb})) - empty}
  } finally {
    rmSync(folder, {recursive: true})
  }
}

async function usedBy(name: string, options: Parameters<typeof startServer>[1]): Promise<number> {
  const server = await startServer(name, options)
  try {
    const [info] = await server.client.pipeline([['INFO', 'memory']])
    return Number(/^used_memory:(\d+)/m.exec(String(info))![1])
  } finally {
    await server.stop()
  }
}

describeEachServer('memory of', name => {
  it('is what the model says, of each key and in all', async () => {
    expect(layoutOf(name).calibrated).toBe(true)
    expectCalibrated(await calibrate(name, SEED, SCALE, model))
  })

  // Full tables are doubled by some; and what a database takes that is not there before it is used.
  it.each([
    ['full tables', 1, 1024],
    // Tables of four do not grow, so none is being emptied yet when the server is asked.
    ['many databases', 300, 4],
  ])('is so of %s', async (_, databases, keysOfEach) => {
    const {told, real} = await loadedWith(name, databases, keysOfEach)
    expect(Math.abs(told / real - 1)).toBeLessThanOrEqual(0.05)
  })

  // What --server is asked for before an upgrade: ziplists become listpacks, quicklists and sets of few are packed.
  it.runIf(name !== OLDEST && typeof findServer(OLDEST) !== 'string')(
    'is so with what an older one has saved',
    async () => {
      expectCalibrated(await calibrate(name, SEED + 1, SCALE, model, OLDEST))
    },
  )
})
