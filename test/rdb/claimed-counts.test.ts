/** Element counts at depth skip: what a blob claims is believed as far as its size allows, and nothing is held to count. */
import {describe, expect, it} from 'vitest'
import {type Entry, MemorySource, RdbReader, SKIP, ValueVisitor} from '../../src/index.js'
import {inspect} from '../../src/jobs/inspect.js'
import {intset, listpack, ziplist, zipmap} from '../fixtures/blobs.js'
import {hex, le, len, lzfRun, lzfStr, rawId, str} from '../fixtures/builder.js'
import * as value from '../fixtures/values.js'
import {every, streamOf, withLimits} from '../reading/pieces.js'
import {fileOf} from '../reading/samples.js'
import {temporaryFolder} from '../start/folder.js'

const folder = temporaryFolder()
const AFTER = hex(0, str('after'), str('sound'))
const WINDOWS = [1, 7, 100, 4096, 1e9]

/** Elements of the first key, and how many keys there are. */
class Counting extends ValueVisitor {
  readonly elements: number[] = []

  constructor(override readonly depth: 'skip' | 'elements') {
    super()
  }

  override end(entry: Entry): void {
    this.elements.push(entry.elements)
  }
}

async function elementsOf(type: number, bytes: Uint8Array, window: number, version = 16): Promise<number> {
  const counting = new Counting('skip')
  const magic = version === 80 ? 'VALKEY' : 'REDIS'
  const file = fileOf(version, [hex(type, str('k'), bytes), AFTER], magic)
  await new RdbReader(new MemorySource(file, window)).run({entry: () => counting})
  expect(counting.elements[1]).toBe(5)
  return counting.elements[0]!
}

const few = ['a', '1', 'b', '22']
/** Compressed to one literal run. */
const literal = (blob: Buffer): Buffer => lzfStr(hex(blob.length - 1, blob), blob.length)
const sized = (blob: Buffer, bytes: number): Buffer => hex(le(4, bytes), blob.subarray(4))
const streamOfNode = (node: Uint8Array, length: number): Buffer =>
  hex(len(1), str(rawId('1-0')), node, len(length), len(1), len(0), len(0))

const HOSTILE: [string, number, Uint8Array][] = [
  ['listpack', 16, str(listpack(few, {count: 60_000}))],
  ['listpack of a set', 20, str(listpack(few, {count: 9}))],
  ['listpack of another size', 20, str(sized(listpack(few), 100_000))],
  ['listpack that is compressed', 20, literal(listpack(few, {count: 60_000}))],
  ['listpack that claims more than LZF can make', 20, lzfStr(hex(0x05, 0, 0, 0x10, 0, 0xff, 0x7f), 1_000_000)],
  ['quicklist node', 18, hex(len(1), len(2), str(listpack(few, {count: 60_000})))],
  ['ziplist', 13, str(ziplist(few, {count: 60_000}))],
  ['ziplist node', 14, hex(len(1), str(ziplist(few, {count: 60_000})))],
  ['intset', 11, str(Buffer.from(hex(le(4, 2), le(4, 0x7fff_ffff), le(2, 1))))],
  ['intset of odd width', 11, str(Buffer.from(hex(le(4, 3), le(4, 1), le(2, 1), 0)))],
  ['zipmap', 9, str(zipmap([['f', 'v']], {count: 253}))],
  ['templated hash', 29, hex(len(1), len(1), str('f'), str(listpack([0, 'v'], {count: 60_000})))],
  ['triplets', 25, hex(le(8, 1), str(listpack(['f', 'v', 1], {count: 60_000})))],
  ['blob that is an integer', 20, hex(0xc0, 1)],
  ['stream', 15, streamOfNode(str(listpack([0, 0])), 1_000_000)],
  ['stream of a node too small for one entry', 15, streamOfNode(str(listpack([0, 0, 0])), 1)],
  ['stream of a node that claims more than LZF can make', 15, streamOfNode(lzfStr(hex(0x01, 0, 0), 1000), 1)],
  ['string', 0, lzfStr(hex(0x01, 0, 0), 1000)],
  ['large string', 0, lzfStr(hex(0x01, 0, 0), 0xffff_ffff)],
  ['stream of a node that is an integer', 15, streamOfNode(hex(0xc2, le(4, 1_000_000_000)), 1)],
]

describe('a count that cannot be', () => {
  it.each(HOSTILE)('of a %s counts as empty', async (_, type, bytes) => {
    for (const window of WINDOWS) expect(await elementsOf(type, bytes, window), `windows of ${window}`).toBe(0)
  })

  it.each(HOSTILE)('of a %s counts as empty in a file too', async (name, type, bytes) => {
    const path = folder.write(`${name}.rdb`, fileOf(16, [AFTER, hex(type, str('k'), bytes), AFTER]))
    const {inventory, failure} = await inspect(path, {top: 0, nowMs: 0, memory: undefined})
    expect(failure).toBeUndefined()
    const elements = inventory!.encodings.map(one => one.elements)
    expect(elements.sort()).toEqual([0, 10])
  })

  it.each<[string, number, Uint8Array, number]>([
    ['listpack of the smallest entries', 20, str(listpack(['1', '2', '3'])), 3],
    ['ziplist of the smallest entries', 10, str(ziplist(['1', '2', '3'])), 3],
    ['intset', 11, str(intset(8, [1, 2, 3])), 3],
    [
      'zipmap of the smallest pairs',
      9,
      str(
        zipmap([
          ['', ''],
          ['a', ''],
        ]),
      ),
      2,
    ],
  ])('is not that of a %s', async (_, type, bytes, count) => {
    expect(await elementsOf(type, bytes, 4096)).toBe(count)
  })
})

const texts = Array.from({length: 3000}, (_, i) =>
  i % 3 === 0 ? String(i * 997 - 5000) : `text ${'x'.repeat(i % 90)}`,
)
/** Entries of every width, those among them whose back length servers disagree about. */
const widths = ['x'.repeat(16_378), '', 'y'.repeat(70), 'z'.repeat(5000), '5000000000', '-70000', '12', '300']
const uncounted = {count: 65_535}

describe('a blob that does not say how many entries it has', () => {
  it.each<[string, number, Uint8Array, number]>([
    ['listpack', 20, str(listpack(texts, uncounted)), 3000],
    ['listpack of every width', 20, str(listpack(widths, uncounted)), 8],
    ['listpack of every width, short back lengths', 20, str(listpack(widths, {...uncounted, shortest: true})), 8],
    ['ziplist', 10, str(ziplist(texts, uncounted)), 3000],
    ['ziplist of every width', 10, str(ziplist(widths, uncounted)), 8],
    ['ziplist of old integers', 10, str(ziplist(widths, {...uncounted, old: true})), 8],
    ['quicklist nodes', 18, hex(len(2), len(2), str(listpack(texts, uncounted)), len(1), str('plain')), 3001],
    ['ziplist nodes', 14, hex(len(2), ...[1, 2].map(() => str(ziplist(widths, uncounted)))), 16],
    ['hash', 16, str(listpack(texts, uncounted)), 1500],
    ['triplets', 25, hex(le(8, 1), str(listpack(texts, uncounted))), 1000],
    ['templated hash', 29, hex(len(1), len(1), str('f'), str(listpack([0, 'v'], uncounted))), 1],
    [
      'zipmap',
      9,
      str(
        zipmap(
          texts.map(text => [text, 'v', 3] as [string, string, number]),
          {count: 254},
        ),
      ),
      3000,
    ],
    ['listpack that is compressed', 20, literal(listpack(few, uncounted)), 4],
  ])('is counted as it passes: %s', async (_, type, bytes, count) => {
    for (const window of WINDOWS) {
      if (window < 7 && bytes.length > 20_000) continue
      expect(await elementsOf(type, bytes, window), `windows of ${window}`).toBe(count)
    }
  })

  it('is not held for that', async () => {
    const bytes = hex(20, str('k'), str(listpack(texts, uncounted)), AFTER)
    const zipped = hex(
      9,
      str('z'),
      str(
        zipmap(
          texts.map(text => [text, 'v'] as [string, string]),
          {count: 255},
        ),
      ),
    )
    const file = fileOf(11, [bytes, zipped])
    await withLimits({elementBytesMax: 5000}, async () => {
      const counting = new Counting('skip')
      await new RdbReader(streamOf(file, every(1000, file.length))).run({entry: () => counting})
      expect(counting.elements).toEqual([3000, 5, 3000])
      const shown = new RdbReader(streamOf(file, every(1000, file.length))).run({entry: () => new Counting('elements')})
      await expect(shown).rejects.toMatchObject({code: 'TOO_LARGE', limit: 'elementBytesMax'})
    })
  })

  const chain = listpack(few, uncounted)
  it.each<[string, number, Uint8Array]>([
    ['a chain without its end', 20, str(Buffer.from([...chain.subarray(0, -1), 0]))],
    ['an end before the end', 20, str(Buffer.from([...chain.subarray(0, 6), 0xff, ...chain.subarray(7)]))],
    ['an entry that is none', 20, str(Buffer.from([...chain.subarray(0, 6), 0xf7, ...chain.subarray(7)]))],
    ['an entry beyond the end', 20, str(Buffer.from([...chain.subarray(0, 6), 0xbf, ...chain.subarray(7)]))],
    ['a ziplist entry that is none', 10, str(hex(le(4, 13), le(4, 10), le(2, 65_535), 0, 0xc8, 0xff))],
    ['damaged compression', 20, lzfStr(hex(chain.length - 1, chain.subarray(0, 12), 0xff, 0xff), chain.length)],
  ])('and counts as empty where it is damaged: %s', async (_, type, bytes) => {
    for (const window of WINDOWS) expect(await elementsOf(type, bytes, window), `windows of ${window}`).toBe(0)
  })
})

describe('huge strings inside of a value that is passed over', () => {
  const huge = 'h'.repeat(100_000)
  it.each<[string, number, number, Uint8Array, number]>([
    [
      'members with ASCII scores',
      6,
      3,
      value.asciiScores([
        [huge, '1.5'],
        ['b', 'inf'],
        [huge, '2'],
      ]),
      3,
    ],
    [
      'members with binary scores',
      8,
      5,
      value.binaryScores([
        [huge, 1],
        [huge, 2],
      ]),
      2,
    ],
    [
      'fields',
      9,
      4,
      value.fields([
        [huge, huge],
        ['b', huge],
      ]),
      2,
    ],
    ['fields with expiries', 12, 24, hex(le(8, 9), len(2), ...[1, 2].map(t => hex(len(t), str(huge), str(huge)))), 2],
    [
      'fields with expiries, valkey',
      80,
      22,
      hex(len(2), ...['a', huge].map(f => hex(str(f), str(huge), le(8, -1)))),
      2,
    ],
    ['plain nodes', 10, 18, hex(len(2), len(1), str(huge), len(1), lzfRun(97, 100_000)), 2],
    ['IDs of stream nodes', 9, 15, hex(len(1), str(huge), str(listpack([1, 0])), len(0), len(1), len(0), len(0)), 0],
    ['array elements', 14, 28, hex(len(2), len(0), len(0), len(0), str(huge), len(1), len(0), str(huge)), 2],
  ])('are let go as they pass: %s', async (_, version, type, bytes, count) => {
    await withLimits({elementBytesMax: 20_000}, async () => {
      for (const window of [700, 4096]) expect(await elementsOf(type, bytes, window, version)).toBe(count)
    })
  })
})

describe('what a visitor must answer', () => {
  const file = fileOf(9, [AFTER, hex(1, str('l'), len(1), str('x')), AFTER])
  const answers: [string, unknown][] = [
    ['nothing', undefined],
    ['null', null],
    ['true', true],
    ['the class itself', ValueVisitor],
    ['an object of another kind', {depth: 'elements'}],
    ['an unknown depth', Object.assign(Object.create(SKIP), {depth: 'deep'})],
  ]
  it.each(answers)('is no %s: a usage error says so', async (_, answer) => {
    for (const key of ['after', 'l']) {
      const entry = (one: Entry): ValueVisitor =>
        Buffer.from(one.key()).toString() === key ? (answer as ValueVisitor) : SKIP
      const run = new RdbReader(new MemorySource(file)).run({entry})
      await expect(run, key).rejects.toMatchObject({name: 'UsageError', message: /entry\(\) must answer/})
    }
  })

  it('is asked by entry(), and nothing else', async () => {
    const run = new RdbReader(new MemorySource(file)).run({} as never)
    await expect(run).rejects.toMatchObject({name: 'UsageError'})
  })

  it('a fault of its own stays what it is', async () => {
    const run = new RdbReader(new MemorySource(file)).run({
      entry: () => (undefined as unknown as {name: {length: ValueVisitor}}).name.length,
    })
    await expect(run).rejects.toBeInstanceOf(TypeError)
  })
})
