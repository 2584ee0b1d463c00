/**
 * The memory model against every server: random keyspaces of another seed than the ones it was made with, loaded from a file
 * as a restore does. What must be reached is what README promises.
 */
import {expect, it} from 'vitest'
import {layoutOf} from '../../src/analysis/memory/layout.js'
import {MemoryModel} from '../../src/analysis/memory/model.js'
import {MemoryVisitor} from '../../src/analysis/memory/visitor.js'
import {RdbReader} from '../../src/rdb/reader.js'
import {calibrate, errorsOf, modelOf} from './calibration.js'
import {findServer} from './catalog.js'
import {describeEachServer} from './each-server.js'

/** Never used with `npm run calibrate` while the model is changed. */
const SEED = 20_261_127
const SCALE = 40
const KEYS_MIN = 1000
const OLDEST = 'redis-6.0'

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

describeEachServer('memory of', name => {
  it('is what the model says, of each key and in all', async () => {
    expect(layoutOf(name).calibrated).toBe(true)
    expectCalibrated(await calibrate(name, SEED, SCALE, model))
  })

  // What --server is asked for before an upgrade: ziplists become listpacks, quicklists and sets of few are packed.
  it.runIf(name !== OLDEST && typeof findServer(OLDEST) !== 'string')(
    'is so with what an older one has saved',
    async () => {
      expectCalibrated(await calibrate(name, SEED + 1, SCALE, model, OLDEST))
    },
  )
})
