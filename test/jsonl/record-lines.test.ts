/**
 * Records that a kernel writes as lines, many at a time, are what is written record by record: for every fixture,
 * however its windows fall, for what random damage makes of it, and for keys and values of every form and size.
 *
 *   RDBTOOL_MUTANTS=10000     mutants of each fixture, instead of a few
 *   RDBTOOL_SEED=7            other mutants
 */
import {describe, expect, it} from 'vitest'
import type {ByteSource} from '../../src/bytes/source.js'
import {MemorySource} from '../../src/index.js'
import {type JsonForm, JsonWriter} from '../../src/jsonl/writer.js'
import {intset, listpack} from '../fixtures/blobs.js'
import {f64, hex, le, len, lzfRun, lzfStr, str} from '../fixtures/builder.js'
import {mutantsOf} from '../jobs/mutants.js'
import {distinct, REFUSED, readable} from '../reading/fixtures.js'
import {KernelSource} from '../reading/pieces.js'
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

/** Compressed, but not smaller. */
function literally(bytes: Uint8Array): Uint8Array {
  const runs = Array.from({length: Math.ceil(bytes.length / 32)}, (_, i) => bytes.subarray(32 * i, 32 * i + 32))
  return lzfStr(hex(...runs.map(run => hex(run.length - 1, run))), bytes.length)
}

describe('lines of records', () => {
  const texts = ['', 'k', 'k'.repeat(63), 'k'.repeat(9000), '\x00"\\\n\x7f', 'é\u202e\u{1f600}', 'k\xff'.repeat(30)]
  const keys = texts.map((text, i) => Buffer.from(text, i === texts.length - 1 ? 'latin1' : 'utf8'))
  const sizes = [0, 1, 15, 16, 17, 63, 64, 511, 16_383, 16_384, 31_900, 32_000, 70_000, 200_000]
  const strings = [
    ...sizes.map(size => str('v'.repeat(size))),
    ...sizes.map(size => str('\x01'.repeat(size))),
    ...[20, 264, 1000, 31_000, 60_000, 250_000].map(size => lzfRun(0x61, size)),
    ...[0, 127, -128, -1].map(value => hex(0xc0, value & 0xff)),
    ...[-32_768, 32_767].map(value => hex(0xc1, le(2, value & 0xffff))),
    ...[-(2 ** 31), 2 ** 31 - 1, 100_000, 99_999_999, 100_000_000].map(value => hex(0xc2, le(4, value >>> 0))),
    hex(0x80, 0, 0, 0, 3, Buffer.from('wid')),
  ]
  const scores = [0, -0, 1, -1.5, 0.1, 1e21, 2 ** 53, 2 ** 53 + 2, 123_456.789, 1 / 3, 5e-324, Infinity, -Infinity]
  const doubles = scores.map(f64)
  const members = [...strings.slice(0, 6), ...strings.slice(-8), str('é"')]
  const values: [type: number, value: Uint8Array][] = [
    ...strings.map((one): [number, Uint8Array] => [0, one]),
    [2, hex(len(members.length), ...members)],
    [4, hex(len(members.length), ...members.flatMap(one => [one, one]))],
    ...doubles.map((score): [number, Uint8Array] => [5, hex(len(1), str('member'), score)]),
    [5, hex(len(2), str('a'), doubles[2]!, str('b'), doubles[4]!)],
    [11, str(intset(8, [-(2n ** 63n), 0n, 5n, 2n ** 63n - 1n]))],
    [11, str(intset(4, [-5, 99_999_999, 100_000_000]))],
    [11, literally(intset(2, [-5, 4, 300]))],
    [16, str(listpack(['field', 'value', 'é"', '12345', '-1', 'é\xff']))],
    [16, literally(listpack(['a field that is packed', '\n']))],
    [17, str(listpack(['a', '1', 'b', '1.5', 'c', '0.10000000000000001', 'd', '123456.78900000001', 'e', '1e300']))],
    [17, str(listpack(['a', '-inf', 'b', '-0']))],
    [18, hex(len(2), 2, str(listpack(['a', '1'])), 2, str(listpack(['\x1b', '\u2028'])))],
    [18, hex(len(2), 2, str(listpack(['a'])), 1, str('plain'))],
    [20, str(listpack(['a', '-70000', 'z'.repeat(5000)]))],
    [20, str(listpack(['z'.repeat(40_000)]))],
  ]
  const expiries = [undefined, 0, 1, 1e8 - 1, 1e8, 1_700_000_000_000, 2 ** 53 - 1, 2 ** 53]
  const records = keys.flatMap((key, i) =>
    values
      .filter(([, value]) => i === 0 || value.length < 10_000)
      .map(([type, value], j) => {
        const expiry = expiries[(i * values.length + j) % expiries.length]
        const name = str(Buffer.concat([key, Buffer.from(`${i}.${j}`)]))
        return expiry === undefined ? hex(type, name, value) : hex(0xfc, le(8, expiry), type, name, value)
      }),
  )
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

describe('lines of damaged files', () => {
  const small = distinct.filter(({name, bytes}) => name !== REFUSED && bytes.length < 20_000)
  it.each(small.map(one => [one.name, one] as const))('%s', async (_name, fixture) => {
    for (const {bytes} of mutantsOf(fixture, SEED, MUTANTS, 'zeroed')) await expectSame(bytes, [1000, 256 * 1024])
  })
})
