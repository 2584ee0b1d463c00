/** Stretches of a plain file, whose beginnings are guessed: the same answers as one thread, whatever is guessed. */
import {createHash} from 'node:crypto'
import {openSync, readFileSync, statSync} from 'node:fs'
import {setTimeout} from 'node:timers/promises'
import {describe, expect, it, vi} from 'vitest'
import {MemoryTarget} from '../../src/bytes/target.js'
import type {DumpFormat} from '../../src/export/sink.js'
import {check} from '../../src/jobs/check.js'
import {dump} from '../../src/jobs/dump.js'
import type {SegmentsOptions} from '../../src/jobs/segment-work.js'
import {Thread} from '../../src/parallel/thread.js'
import {BoundaryGuess} from '../../src/rdb/boundary-guess.js'
import {RdbReader} from '../../src/rdb/reader.js'
import {failureJson} from '../../src/report/failure.js'
import {hex, len} from '../fixtures/builder.js'
import {temporaryFolder} from '../start/folder.js'
import {integer, list, RdbFile, text} from '../start/rdb.js'
import {Dice} from './mutants.js'

const folder = temporaryFolder()
/** This thread and another. */
const TWO: SegmentsOptions = {threads: 2, threadBytesMin: 0, segmentBytes: 16 * 1024}

interface Hostility {
  /** One key in so many holds records. */
  images: number
  databases: number
}

/** Records as a snapshot has them, without what stands around them. */
function records(dice: Dice, keys: number): Buffer {
  const file = new RdbFile('REDIS', 11)
  for (let i = 0; i < keys; i++) file.key(0, `user:${dice.below(1e6)}`, text('image '.repeat(dice.below(20))))
  return file.end().subarray(9, -9)
}

/** Keys of several kinds, some of whose values hold what looks like records. */
function snapshot(seed: number, keys: number, {images, databases}: Hostility): Buffer {
  const dice = new Dice(seed)
  const file = new RdbFile('REDIS', 11).db(0)
  for (let i = 0; i < keys; i++) {
    if (i > 0 && i % Math.ceil(keys / databases) === 0) file.db(i % 13)
    if (dice.below(3) === 0) file.expireMs(1_900_000_000_000 + dice.below(1e9))
    const name = `user:${i}:${dice.below(1e6)}`
    const kind = dice.below(10)
    if (dice.below(images) === 0) file.key(0, name, text(records(dice, 5 + dice.below(100))))
    else if (kind === 0) file.key(1, name, list(Array.from({length: dice.below(40)}, (_, n) => `item ${n}`)))
    else if (kind === 1) file.key(0, name, integer(dice.below(100)))
    else file.key(0, name, text('x'.repeat(dice.below(120))))
  }
  return file.end()
}

async function dumped(path: string, format: DumpFormat, options: SegmentsOptions): Promise<object> {
  const target = Object.assign(new MemoryTarget(), {abandon: async () => {}})
  const {failure, ...result} = await dump(path, target, {...options, format})
  return {
    ...structuredClone(result),
    error: failure && failureJson(failure),
    text: Buffer.from(target.view()).toString(),
  }
}

async function same(path: string, formats: readonly DumpFormat[] = ['jsonl']): Promise<void> {
  expect(await check(path, TWO)).toEqual(await check(path, {threads: 1}))
  for (const format of formats) {
    expect(await dumped(path, format, TWO), format).toEqual(await dumped(path, format, {threads: 1}))
  }
}

/** How many of the guesses are right, and how many there are. */
async function guesses(path: string, every: number): Promise<{right: number; all: number}> {
  const reader = await RdbReader.open(path)
  const boundaries = new Set<number>()
  const header = await reader.readHeader()
  const {size} = statSync(path)
  const guess = new BoundaryGuess({fd: openSync(path, 'r'), start: 0}, size, header)
  for await (const {offset} of reader) boundaries.add(offset)
  await reader.close()
  let all = 0
  let right = 0
  for (let from = every; from < size; from += every, all++) if (boundaries.has(guess.find(from) ?? -1)) right++
  return {right, all}
}

describe('a snapshot', () => {
  it.each<[string, Hostility, number]>([
    ['of plain keys', {images: 1e9, databases: 1}, 0.9],
    ['of several databases', {images: 1e9, databases: 7}, 0.9],
    ['some of whose values hold records', {images: 40, databases: 2}, 0.3],
    ['most of whose bytes are records within values', {images: 3, databases: 1}, 0],
  ])('%s', async (what, hostility, rightMin) => {
    const ask = vi.spyOn(Thread.prototype, 'ask')
    const path = folder.write(`${what}.rdb`, snapshot(1, 3500, hostility))
    await same(path, hostility.databases > 2 ? ['jsonl', 'json', 'resp', 'csv'] : ['jsonl', 'resp'])
    expect(ask.mock.calls.length).toBeGreaterThan(10)
    const {right, all} = await guesses(path, TWO.segmentBytes!)
    expect(right).toBeGreaterThanOrEqual(rightMin * all)
    if (hostility.images < 10) expect(right).toBeLessThan(all)
  })

  it('of one value that is longer than all the rest', async () => {
    const file = new RdbFile('REDIS', 11).db(0)
    for (let i = 0; i < 500; i++) file.key(0, `before:${i}`, text('v'))
    file.key(0, 'huge', text(Buffer.concat([records(new Dice(5), 2000), Buffer.alloc(300_000, 7)])))
    for (let i = 0; i < 500; i++) file.key(0, `after:${i}`, text('v'))
    await same(folder.write('huge.rdb', file.end()))
  })
})

/** A list of one item, compressed to a hundredth, that unpacks to more than a thread may have ready. */
function unpacksToMuch(): Buffer {
  const packed = Buffer.from([0, 97, ...Array.from({length: 48_000}, () => [0xe0, 255, 0]).flat()])
  return hex(1, 0xc3, len(packed.length), len(1 + 48_000 * 264), packed)
}

describe('more than threads may have ready', () => {
  const STRETCH_BYTES = 512 * 1024
  const file = new RdbFile('REDIS', 11).db(0)
  for (let border = 1; border <= 7; border++) {
    // A guess at the first border is wrong; what lies across the others is much once it is unpacked.
    const image = border === 1 ? records(new Dice(1), 6000) : undefined
    const before = image === undefined ? 40_000 : 100_000
    for (let bytes = border === 1 ? 0 : before; bytes < STRETCH_BYTES - 150_000; bytes += 1010) {
      file.key(0, `key:${border}:${bytes}`, text('v'.repeat(990)))
    }
    if (image !== undefined) file.key(0, 'image', text(image))
    else file.key(1, `large:${border}`, {bytes: unpacksToMuch(), type: 'list', value: []})
  }
  const path = folder.write('much.rdb', file.end())

  /** Nothing is taken until all threads have as much as they may. */
  async function slowly(threads: number): Promise<string> {
    const hash = createHash('sha1')
    const started = performance.now()
    const target = {
      ...{name: 'slow', bytes: 0, finish: async () => {}, abandon: async () => {}},
      write: (bytes: Uint8Array, start: number, end: number) => void hash.update(bytes.subarray(start, end)),
      drain: () => (threads > 1 && performance.now() - started < 2000 ? setTimeout(100) : undefined),
    }
    const {failure} = await dump(path, target, {
      format: 'jsonl',
      threads,
      threadBytesMin: 0,
      segmentBytes: STRETCH_BYTES,
    })
    expect(failure).toBeUndefined()
    return hash.digest('hex')
  }

  it('does not make them wait for each other', async () => {
    const one = await slowly(1)
    for (const threads of [2, 3]) expect(await slowly(threads), `${threads} threads`).toBe(one)
  })
})

describe('damage', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('of seed %i', async seed => {
    const dice = new Dice(seed)
    const bytes = snapshot(seed, 2500, {images: 30, databases: 1 + dice.below(4)})
    const at = dice.below(bytes.length)
    const cut = seed % 4 === 0 ? bytes.subarray(0, at) : bytes
    if (seed % 4 !== 0) cut[at]! ^= 1 << dice.below(8)
    const path = folder.write(`damaged-${seed}.rdb`, cut)
    await same(path)
    expect(readFileSync(path).length).toBe(cut.length)
  })

  it('of a file that ends where a record does', async () => {
    const bytes = snapshot(9, 2000, {images: 1e9, databases: 1})
    await same(folder.write('no-end.rdb', bytes.subarray(0, -9)))
  })
})
