/**
 * Strings that a kernel writes as commands, many at a time, are what is written record by record: for every fixture,
 * however its windows fall, for what random damage makes of it, and for strings of every form and size.
 *
 *   RDBTOOL_MUTANTS=10000     mutants of each fixture, instead of a few
 *   RDBTOOL_SEED=7            other mutants
 */
import {describe, expect, it} from 'vitest'
import {CommandWriter} from '../../src/aof/rewrite.js'
import type {ByteSource} from '../../src/bytes/source.js'
import {MemorySource} from '../../src/index.js'
import {hex, le, lzfRun, str} from '../fixtures/builder.js'
import {mutantsOf} from '../jobs/mutants.js'
import {distinct, REFUSED, readable} from '../reading/fixtures.js'
import {KernelSource} from '../reading/pieces.js'
import {fileOf} from '../reading/samples.js'
import {type Taking, writtenOf} from '../reading/taking.js'

const MUTANTS = Number(process.env['RDBTOOL_MUTANTS'] ?? 20)
const SEED = Number(process.env['RDBTOOL_SEED'] ?? 5)
const WINDOWS = [29, 100, 1000, 256 * 1024]

/** The commands, and how many keys were taken without being shown: none where every record is to be read with care. */
function commandsOf(source: ByteSource, careful = false): Promise<Taking> {
  return writtenOf(source, careful, (out, origin) => new CommandWriter(out, 'auto', origin, true))
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

describe('commands of strings', () => {
  const keys = ['', 'k', 'k'.repeat(63), 'k'.repeat(64), 'k'.repeat(9000), '\x00\r\n\xff']
  const raw = [0, 1, 15, 16, 17, 63, 64, 511, 512, 513, 16_383, 16_384, 70_000, 190_000, 200_000]
  const values = [
    ...raw.map(size => str('v'.repeat(size))),
    ...[20, 264, 1000, 60_000, 190_000, 250_000].map(size => lzfRun(0x61, size)),
    ...[0, 127, -128, -1].map(value => hex(0xc0, value & 0xff)),
    ...[-32_768, 32_767].map(value => hex(0xc1, le(2, value & 0xffff))),
    ...[-(2 ** 31), 2 ** 31 - 1, 100_000].map(value => hex(0xc2, le(4, value >>> 0))),
    hex(0x80, 0, 0, 0, 3, Buffer.from('wid')),
  ]
  const expiries = [undefined, 0, 1, 1e12 - 1, 1e12, 1_700_000_000_000, 1e13 - 1, 1e13]
  const records = keys.flatMap((key, i) =>
    values.flatMap((value, j) => {
      const expiry = expiries[(i * values.length + j) % expiries.length]
      const name = str(Buffer.concat([Buffer.from(key, 'latin1'), Buffer.from(`${i}.${j}`)]))
      return expiry === undefined ? [hex(0, name, value)] : [hex(0xfc, le(8, expiry), 0, name, value)]
    }),
  )
  const other = [hex(0, hex(0xc0, 5), str('integer key')), hex(0, lzfRun(0x62, 40), str('v'))]
  const file = fileOf(11, [...records, ...other, hex(0xfe, 3), ...records, hex(0xf8, 9, 0, str('idle'), str('v'))])

  it('of every form are the same', async () => {
    await expectSame(file, [1000, 64 * 1024, 256 * 1024])
  })

  it('are taken without being shown where they expire in years of thirteen digits, or never, and none where windows lie elsewhere', async () => {
    const {written, taken} = await commandsOf(new KernelSource(file))
    expect(written).toMatchObject({keys: 2 * records.length + 3, failure: 'undefined'})
    expect(taken).toBeGreaterThan(written.keys / 3)
    expect((await commandsOf(new MemorySource(file))).taken).toBe(0)
  })
})

describe('commands of damaged files', () => {
  const small = distinct.filter(({name, bytes}) => name !== REFUSED && bytes.length < 20_000)
  it.each(small.map(one => [one.name, one] as const))('%s', async (_name, fixture) => {
    for (const {bytes} of mutantsOf(fixture, SEED, MUTANTS, 'zeroed')) await expectSame(bytes, [1000, 256 * 1024])
  })
})
