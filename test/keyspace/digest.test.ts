/**
 * Digests: the same whether a kernel makes them of whole records or a visitor element by element, however the bytes
 * arrive; and different for whatever differs.
 */
import {readFileSync} from 'node:fs'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {RECORD_WORDS} from '../../src/bytes/digest.js'
import {
  type ByteSource,
  DigestVisitor,
  type Entry,
  type EntryVisitor,
  type MeaningOptions,
  MemorySource,
  RdbReader,
} from '../../src/index.js'
import {f64, hex, intStr, len, lzfRun, str} from '../fixtures/builder.js'
import {blob} from '../fixtures/values.js'
import {distinct, REFUSED} from '../reading/fixtures.js'
import {every, streamOf} from '../reading/pieces.js'
import {fileOf, key} from '../reading/random-samples.js'
import {temporaryFolder} from '../start/folder.js'
import {RdbFile} from '../start/rdb.js'

const folder = temporaryFolder()
const SEED = new Uint8Array(16).fill(7)
const ALL: MeaningOptions = {expiry: 'all', idle: true, frequency: true, consumers: true}

/** Fingerprint and digest by the offset of each entry. */
class Digests extends DigestVisitor implements EntryVisitor {
  readonly byOffset = new Map<number, string>()
  taken = 0

  constructor() {
    super(ALL, SEED)
  }

  entry(): this {
    return this
  }

  protected digested(entry: Entry): void {
    this.byOffset.set(entry.offset, this.digest.out.join())
  }

  protected empty(): void {}

  /** What is damaged has no digest. */
  damage(): void {}
}

class KernelDigests extends Digests {
  take(db: number, start: number, end: number, base: number): number {
    const reached = this.digest.takeRecords(start, end, db, 0, this.meaning.expiry === 'all')
    const {records, recordCount} = this.digest
    for (let i = 0; i < recordCount; i++) {
      const words = records.subarray(i * RECORD_WORDS, (i + 1) * RECORD_WORDS)
      this.byOffset.set(base + words[2]!, [words[0], words[1], ...words.subarray(4, 8)].join())
    }
    this.taken += recordCount
    return reached
  }
}

async function digestsOf(source: ByteSource | string, kernels: boolean): Promise<Digests> {
  const options = {ignoreChecksum: true}
  const reader = typeof source === 'string' ? await RdbReader.open(source, options) : new RdbReader(source, options)
  const digests = kernels ? new KernelDigests() : new Digests()
  await reader.run(digests)
  await reader.close()
  return digests
}

let files = 0
async function expectSame(bytes: Uint8Array): Promise<number> {
  const path = folder.write(`${files++ % 8}.rdb`, bytes)
  const quick = await digestsOf(path, true)
  const careful = await digestsOf(new MemorySource(bytes), false)
  expect(careful.taken).toBe(0)
  expect(new Map(quick.byOffset)).toEqual(careful.byOffset)
  return quick.taken
}

describe('digests of a kernel and of a visitor', () => {
  it('are the same for all fixtures', async () => {
    let taken = 0
    for (const {path} of distinct.filter(({name}) => name.endsWith('.rdb') && name !== REFUSED))
      taken += await expectSame(new Uint8Array(readFileSync(path)))
    expect(taken).toBeGreaterThan(300)
  })

  it('are the same for random files', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(key, {minLength: 1, maxLength: 30}), async keys => {
        await expectSame(fileOf(keys).bytes)
      }),
      {numRuns: 200},
    )
  })

  it('are the same for scores of any number of digits', async () => {
    const score = fc.oneof(
      fc.double({noNaN: true}),
      fc.double({min: -1e6, max: 1e6, noNaN: true}),
      fc.integer({min: 0, max: 1e9}).map(n => n / 1000),
    )
    const printed = fc.oneof(
      score.map(String),
      score.map(value => value.toPrecision(17)),
      score.map(value => (Math.abs(value) < 1e15 ? value.toFixed(12) : String(value))),
      fc.stringMatching(/^-?\d{1,19}\.\d{1,12}$/),
      fc.constantFrom(
        '0',
        '-0',
        '0.0',
        'inf',
        '-inf',
        '1e5',
        '9007199254740993',
        '9007199254740993.0',
        '0.5',
        '18014398509481985.5',
      ),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(printed, {minLength: 1, maxLength: 40}), async texts => {
        const file = new RdbFile('REDIS', 11)
        const rows = texts.flatMap((text, i) => [`m${i}`, text.replace('Infinity', 'inf')])
        file.key(17, 'z', {bytes: blob.listpack(rows), type: 'zset', value: []})
        file.key(5, 'y', {bytes: hex(len(1), str('m'), f64(Number(texts[0]) || 1)), type: 'zset', value: []})
        await expectSame(new Uint8Array(file.end()))
      }),
      {numRuns: 300},
    )
  })

  it('are the same for many records of all sizes, over many windows', async () => {
    const file = new RdbFile('REDIS', 11)
    const long = (n: number): string => `${n} `.repeat((n * 7919) % 3000)
    for (let i = 0; i < 1500; i++) {
      const item = i % 10 === 0 ? long(i) : `item ${i}`
      file.key(0, `s${i}`, {bytes: i % 3 === 0 ? lzfRun(0x61, 20 + i) : str(long(i % 100)), type: 'string', value: ''})
      file.key(18, `l${i}`, {
        bytes: hex(len(2), 2, blob.listpack(['1', item, i]), 1, str(item)),
        type: 'list',
        value: [],
      })
      file.key(4, `h${i}`, {
        bytes: hex(len(2), str(item), lzfRun(0x62, 30), intStr(2, i), str('')),
        type: 'hash',
        value: [],
      })
    }
    const bytes = new Uint8Array(file.end())
    expect(bytes.length).toBeGreaterThan(1_500_000)
    expect(await expectSame(bytes)).toBeGreaterThan(4400)
  })

  it('are the same in windows of any size', async () => {
    const keys = fc.sample(key, {numRuns: 60, seed: 3})
    const {bytes} = fileOf(keys)
    const whole = await digestsOf(new MemorySource(bytes), false)
    for (const size of [1, 2, 3, 7, 4096]) {
      const pieces = await digestsOf(streamOf(bytes, every(size, bytes.length)), false)
      expect(pieces.byOffset).toEqual(whole.byOffset)
    }
  })
})

describe('the digest of a value', () => {
  const of = async (typeId: number, bytes: Uint8Array): Promise<string> => {
    const file = new RdbFile('REDIS', 11).key(typeId, 'k', {bytes: Buffer.from(bytes), type: 'string', value: ''})
    const path = folder.write('one.rdb', file.end())
    const [quick, careful] = [await digestsOf(path, true), await digestsOf(path, false)]
    expect(quick.byOffset).toEqual(careful.byOffset)
    return [...quick.byOffset.values()][0]!
  }

  it('is that of its digits, however a number is stored', async () => {
    expect(await of(0, str('12'))).toBe(await of(0, intStr(1, 12)))
    expect(await of(0, str('-30000'))).toBe(await of(0, intStr(2, -30_000)))
    for (const odd of ['012', '+12', '12 ', '-0', ''])
      expect(await of(0, str(odd))).not.toBe(await of(0, intStr(1, 12)))
    expect(await of(0, lzfRun(0x61, 500))).toBe(await of(0, str('a'.repeat(500))))
  })

  it('does not depend on the order of members, nor on how they are packed', async () => {
    const plain = hex(len(3), str('b'), str('1'), str('a'))
    expect(await of(2, plain)).toBe(await of(2, hex(len(3), str('a'), str('b'), intStr(1, 1))))
    expect(await of(2, plain)).toBe(await of(20, blob.listpack(['1', 'a', 'b'])))
    expect(await of(2, hex(len(2), str('1'), str('-7')))).toBe(await of(11, blob.intset(8, [-7, 1])))
  })

  it('depends on where one text ends and the next begins', async () => {
    const pairs = [
      ['ab', 'c'],
      ['a', 'bc'],
      ['abc', ''],
      ['', 'abc'],
      ['abcdefgh', 'i'],
      ['abcdefg', 'hi'],
    ]
    const digests: string[] = []
    for (const [a, b] of pairs) digests.push(await of(4, hex(len(1), str(a!), str(b!))))
    expect(new Set(digests).size).toBe(pairs.length)
    const lists = [['a', 'b'], ['b', 'a'], ['ab'], ['a', 'b', ''], ['', 'a', 'b']]
    const ordered = []
    for (const items of lists) ordered.push(await of(18, hex(len(1), 2, blob.listpack(items))))
    expect(new Set(ordered).size).toBe(lists.length)
  })

  it('depends on every bit of a score and of an expiry', async () => {
    const zset = (score: number) => of(5, hex(len(1), str('m'), f64(score)))
    expect(await zset(0.1 + 0.2)).not.toBe(await zset(0.3))
    expect(await zset(-0)).toBe(await zset(0))
  })
})
