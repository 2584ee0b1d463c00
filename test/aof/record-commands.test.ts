/**
 * Records that a kernel writes as commands, many at a time, are what is written record by record: for every fixture,
 * however its windows fall, for what random damage makes of it, and for keys and values of every form and size.
 *
 *   RDBTOOL_MUTANTS=10000     mutants of each fixture, instead of a few
 *   RDBTOOL_SEED=7            other mutants
 */
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {CommandWriter, type RestoreRule} from '../../src/aof/rewrite.js'
import type {ByteSource} from '../../src/bytes/source.js'
import {MemorySource} from '../../src/index.js'
import {f64, hex, len, lzfRun, str} from '../fixtures/builder.js'
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

/** The commands, and how many keys were taken without being shown: none where every record is to be read with care. */
function commandsOf(source: ByteSource, careful = false, restore: RestoreRule = 'auto'): Promise<Taking> {
  return writtenOf(source, careful, (out, origin) => new CommandWriter(out, restore, origin, true))
}

async function expectSame(bytes: Uint8Array, windows: readonly number[]): Promise<void> {
  for (const window of windows) {
    const careful = await commandsOf(new KernelSource(bytes, window), true)
    const {written} = await commandsOf(new KernelSource(bytes, window))
    expect(written, `windows of ${window}`).toEqual(careful.written)
  }
}

describe('commands of files', () => {
  it.each(readable.map(({name, bytes}) => [name, bytes] as const))('%s', async (_name, bytes) => {
    await expectSame(bytes, WINDOWS)
  })
})

describe('commands of records', () => {
  const expiries = [undefined, 0, 1, 1e12 - 1, 1e12, 1_700_000_000_000, 1e13 - 1, 1e13]
  const scores = [1, 0.1, -2.5, 1e300, 1 / 3, -0, 5e-324, 123_456.789]
  const large = (type: number, count: number, bytes: number): Uint8Array => {
    const element = (i: number): Uint8Array => str(`${i}`.padEnd(bytes, '.'))
    const value = (i: number): Uint8Array[] =>
      type === 5 ? [f64(scores[i % scores.length]!)] : type === 4 ? [str('v')] : []
    const elements = Array.from({length: count}, (_, i) => hex(element(i), ...value(i)))
    return hex(type, str(`large${type}.${count}.${bytes}`), len(count), ...elements)
  }
  // A command takes 1,024 arguments, and some 32 KB.
  const batches = [2, 4, 5].flatMap(type =>
    [511, 512, 513, 1024, 1025, 3000].flatMap(count => [3, 60].map(bytes => large(type, count, bytes))),
  )
  const wide = [2, 4, 5].flatMap(type => [32_767, 32_768, 32_769].map(bytes => large(type, 3, bytes)))
  const records = [...recordsOf(expiries), ...batches, ...wide]
  const other = [hex(0, hex(0xc0, 5), str('integer key')), hex(0, lzfRun(0x62, 40), str('v'))]
  const file = fileOf(11, [...records, ...other, hex(0xfe, 3), ...records, hex(0xf8, 9, 0, str('idle'), str('v'))])

  it('of every form are the same', async () => {
    await expectSame(file, [1000, 64 * 1024, 256 * 1024])
  })

  it('are taken without being shown as a rule, and none where windows lie elsewhere', async () => {
    const {written, taken} = await commandsOf(new KernelSource(file))
    expect(written).toMatchObject({keys: 2 * records.length + 3, failure: 'undefined'})
    expect(taken).toBeGreaterThan(written.keys / 3)
    expect((await commandsOf(new MemorySource(file))).taken).toBe(0)
    const {taken: ofBatches} = await commandsOf(new KernelSource(fileOf(11, batches)))
    expect(ofBatches).toBeGreaterThan(batches.length / 2)
  })
})

describe('commands of streams', () => {
  it('are the same for any entries, groups and consumers, and most are taken', async () => {
    let all = 0
    let takenOfAll = 0
    const property = fc.asyncProperty(fc.array(streamRecord, {minLength: 1, maxLength: 5}), async records => {
      const file = fileOf(11, records)
      for (const restore of ['auto', 'never'] as const) {
        const careful = await commandsOf(new KernelSource(file), true, restore)
        const {written, taken} = await commandsOf(new KernelSource(file), false, restore)
        expect(written).toEqual(careful.written)
        all += written.keys
        takenOfAll += taken
      }
    })
    await fc.assert(property, {numRuns: 500})
    expect(takenOfAll).toBeGreaterThan(all / 3)
  })
})

describe('commands of damaged files', () => {
  const small = distinct.filter(({name, bytes}) => name !== REFUSED && bytes.length < 20_000)
  it.each(small.map(one => [one.name, one] as const))('%s', async (_name, fixture) => {
    for (const {bytes} of mutantsOf(fixture, SEED, MUTANTS, 'zeroed')) await expectSame(bytes, [1000, 256 * 1024])
  })
})
