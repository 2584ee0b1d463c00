/**
 * Entries passed over together make the same sums, and the same findings, as entries read one by one: for every
 * fixture, however its windows fall, and for what random damage makes of it.
 *
 *   RDBTOOL_MUTANTS=10000     mutants of each fixture, instead of a few
 *   RDBTOOL_SEED=7            other mutants
 */
import {describe, expect, it} from 'vitest'
import {type Inventory, InventoryVisitor} from '../../src/analysis/inventory.js'
import {kernel} from '../../src/bytes/kernel.js'
import type {ByteSource} from '../../src/bytes/source.js'
import {MemorySource, RdbReader} from '../../src/index.js'
import {checkSource} from '../../src/jobs/check.js'
import type {PassedEntries} from '../../src/keyspace/passer.js'
import {listpack} from '../fixtures/blobs.js'
import {hex, le, len, lenId, lzfStr, rawId, str} from '../fixtures/builder.js'
import {mutantsOf} from '../jobs/mutants.js'
import {distinct, REFUSED, readable} from '../reading/fixtures.js'
import {KernelSource} from '../reading/pieces.js'
import {fileOf} from '../reading/samples.js'

const MUTANTS = Number(process.env['RDBTOOL_MUTANTS'] ?? 20)
const SEED = Number(process.env['RDBTOOL_SEED'] ?? 11)
const NOW_MS = Date.UTC(2026, 0, 1)
/** Small ones end inside most records, the largest holds most fixtures. */
const WINDOWS = [29, 100, 1000, 256 * 1024]

class CountingVisitor extends InventoryVisitor {
  passedKeysTotal = 0

  override addPassed(sums: PassedEntries): void {
    this.passedKeysTotal += sums.keys
    super.addPassed(sums)
  }
}

async function inventoryOf(
  source: ByteSource,
  top: number,
): Promise<{inventory: Inventory | undefined; failure: unknown; passed: number}> {
  const reader = new RdbReader(source, {ignoreChecksum: true})
  const visitor = new CountingVisitor({top, nowMs: NOW_MS})
  let failure: unknown
  try {
    await reader.run(visitor)
  } catch (error) {
    failure = error
  }
  await source.close()
  const inventory = reader.header && visitor.result(reader.header, 0, reader.end)
  return {inventory, failure: String(failure), passed: visitor.passedKeysTotal}
}

async function verdictOf(source: ByteSource, duplicates: boolean): Promise<unknown> {
  const {soundness, failure} = await checkSource(source, {duplicates, memoryBytes: 64 * 1024})
  return {soundness, failure: String(failure)}
}

it('passes most entries of files, and none where windows lie elsewhere', async () => {
  const {bytes} = distinct.find(({name}) => name.includes('types-plain'))!
  expect((await inventoryOf(new KernelSource(bytes), 0)).passed).toBeGreaterThan(0)
  expect((await inventoryOf(new MemorySource(bytes), 0)).passed).toBe(0)
})

it('gives windows back', async () => {
  const {bytes} = distinct[0]!
  for (let i = 0; i < 20; i++) {
    const source = new KernelSource(bytes)
    expect((await source.read())!.bytes).toBe(kernel().bytes)
    await source.close()
    await source.close()
  }
})

it('does without where all are taken', async () => {
  const {bytes} = distinct[0]!
  const sources = Array.from({length: 5}, () => new KernelSource(bytes))
  const windows = await Promise.all(sources.map(source => source.read()))
  expect(windows.filter(window => window!.bytes === kernel().bytes)).toHaveLength(3)
  for (const source of sources) await source.close()
})

it('passes over the names in a stream, however they are damaged', async () => {
  const damagedName = lzfStr(hex(0x20, 0xff), 30)
  const group = hex(damagedName, lenId('0-0'), len(0), len(1), damagedName, le(8, 0), len(0))
  const stream = hex(len(1), str(rawId('1-0')), str(listpack([0, 0])), len(0), lenId('1-0'), len(1), group)
  const bytes = fileOf(9, [hex(15, str('k'), stream), hex(0, str('after'), str('x'.repeat(40)))])
  const {inventory, failure} = await inventoryOf(new MemorySource(bytes), 0)
  expect(failure).toBe('undefined')
  const passed = await inventoryOf(new KernelSource(bytes), 0)
  expect(passed).toMatchObject({inventory, failure})
  expect(passed.passed).toBeGreaterThan(0)
})

describe.each(readable.map(one => [one.name, one] as const))('%s', (name, {bytes}) => {
  // Several servers wrote the same: of these, in one window each.
  const windows = distinct.some(one => one.name === name) ? WINDOWS : WINDOWS.slice(-1)

  it('makes the same inventory', async () => {
    for (const top of [0, 2]) {
      const {inventory, failure} = await inventoryOf(new MemorySource(bytes), top)
      for (const window of windows) {
        const passed = await inventoryOf(new KernelSource(bytes, window), top)
        expect(passed, `windows of ${window}`).toMatchObject({inventory, failure})
      }
    }
  })

  it('makes the same verdict', async () => {
    for (const duplicates of [false, true]) {
      const expected = await verdictOf(new MemorySource(bytes), duplicates)
      for (const window of windows) {
        expect(await verdictOf(new KernelSource(bytes, window), duplicates), `windows of ${window}`).toEqual(expected)
      }
    }
  })
})

describe('of mutants', () => {
  it.each(distinct.filter(({name}) => name !== REFUSED).map(one => [one.name, one] as const))(
    '%s',
    async (_, fixture) => {
      const count = Math.max(2, Math.floor(Math.min(MUTANTS, (MUTANTS * 20_000) / fixture.bytes.length)))
      for (const {bytes, what} of mutantsOf(fixture, SEED, count, 'zeroed')) {
        const {inventory, failure} = await inventoryOf(new MemorySource(bytes), 1)
        expect(await inventoryOf(new KernelSource(bytes), 1), what).toMatchObject({inventory, failure})
        const expected = await verdictOf(new MemorySource(bytes), true)
        expect(await verdictOf(new KernelSource(bytes), true), what).toEqual(expected)
      }
    },
    600_000,
  )
})
