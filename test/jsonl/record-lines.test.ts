/**
 * Records that a kernel writes as lines, many at a time, are what is written record by record: for every fixture,
 * however its windows fall, for what random damage makes of it, and for keys and values of every form and size.
 *
 *   RDBTOOL_MUTANTS=10000     mutants of each fixture, instead of a few
 *   RDBTOOL_SEED=7            other mutants
 */
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import type {ByteSource} from '../../src/bytes/source.js'
import {MemorySource} from '../../src/index.js'
import {type JsonForm, JsonWriter} from '../../src/jsonl/writer.js'
import {hex, lzfRun, str} from '../fixtures/builder.js'
import {mutantsOf} from '../jobs/mutants.js'
import {distinct, REFUSED, readable} from '../reading/fixtures.js'
import {KernelSource} from '../reading/pieces.js'
import {streamRecord} from '../reading/random-streams.js'
import {recordsOf} from '../reading/record-samples.js'
import {fileOf} from '../reading/samples.js'
import {type Taking, writtenOf} from '../reading/taking.js'

const MUTANTS = Number(process.env['RDBTOOL_MUTANTS'] ?? 20)
const SEED = Number(process.env['RDBTOOL_SEED'] ?? 5)
const WINDOWS = [29, 100, 1000, 256 * 1024]

/** `careful`: every record is read with care. */
function linesOf(source: ByteSource, careful = false, form: JsonForm = 'jsonl'): Promise<Taking> {
  return writtenOf(source, careful, (out, origin) => new JsonWriter(out, form, origin))
}

async function expectSame(bytes: Uint8Array, windows: readonly number[]): Promise<void> {
  for (const window of windows) {
    for (const form of ['jsonl', 'json'] as const) {
      const careful = await linesOf(new KernelSource(bytes, window), true, form)
      const {written} = await linesOf(new KernelSource(bytes, window), false, form)
      expect(written, `${form}, windows of ${window}`).toEqual(careful.written)
    }
  }
}

describe('lines of files', () => {
  it.each(readable.map(({name, bytes}) => [name, bytes] as const))('%s', async (_name, bytes) => {
    await expectSame(bytes, WINDOWS)
  })
})

describe('lines of records', () => {
  const expiries = [undefined, 0, 1, 1e8 - 1, 1e8, 1_700_000_000_000, 2 ** 53 - 1, 2 ** 53]
  const records = recordsOf(expiries)
  const other = [hex(0, hex(0xc0, 5), str('integer key')), hex(0, lzfRun(0x62, 40), str('v'))]
  const file = fileOf(11, [...records, ...other, hex(0xfe, 3), ...records, hex(0xf8, 9, 0, str('idle'), str('v'))])

  it('of every form are the same', async () => {
    await expectSame(file, [1000, 256 * 1024])
  })

  it('are taken without being shown as a rule, and none where windows lie elsewhere', async () => {
    const {written, taken} = await linesOf(new KernelSource(file))
    expect(written).toMatchObject({keys: 2 * records.length + 3, failure: 'undefined'})
    expect(taken).toBeGreaterThan(written.keys / 2)
    expect((await linesOf(new MemorySource(file))).taken).toBe(0)
  })
})

describe('lines of streams', () => {
  const streams = readable.filter(({name}) => /^rdb\/stream-/.test(name))
  it.each(streams.map(({name, bytes}) => [name, bytes] as const))('%s: of most keys', async (_name, bytes) => {
    const {written, taken} = await linesOf(new KernelSource(bytes))
    expect(taken).toBeGreaterThan(written.keys / 2 - 1)
  })
})

describe('lines of random streams', () => {
  it('are the same, and of most keys', async () => {
    let all = 0
    let takenOfAll = 0
    const property = fc.asyncProperty(fc.array(streamRecord, {minLength: 1, maxLength: 5}), async records => {
      const file = fileOf(11, records)
      const careful = await linesOf(new KernelSource(file), true)
      const {written, taken} = await linesOf(new KernelSource(file))
      expect(written).toEqual(careful.written)
      all += written.keys
      takenOfAll += taken
    })
    await fc.assert(property, {numRuns: 300})
    expect(takenOfAll).toBeGreaterThan(all / 2)
  })
})

describe('lines of damaged files', () => {
  const small = distinct.filter(({name, bytes}) => name !== REFUSED && bytes.length < 20_000)
  it.each(small.map(one => [one.name, one] as const))('%s', async (_name, fixture) => {
    for (const {bytes} of mutantsOf(fixture, SEED, MUTANTS, 'zeroed')) await expectSame(bytes, [1000, 256 * 1024])
  })
})
