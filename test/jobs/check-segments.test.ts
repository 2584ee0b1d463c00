/** check by several threads: the same problems, counts and verdict as by one. */
import {statSync} from 'node:fs'
import {afterEach, beforeEach, describe, expect, it, vi} from 'vitest'
import {check} from '../../src/jobs/check.js'
import type {CheckOptions} from '../../src/jobs/check-options.js'
import {checkSegment} from '../../src/jobs/check-segments.js'
import {Thread} from '../../src/parallel/thread.js'
import {hex, len, str} from '../fixtures/builder.js'
import {Here} from '../parallel/here.js'
import {fixtures} from '../reading/fixtures.js'
import {withLimits} from '../reading/pieces.js'
import {temporaryFolder} from '../start/folder.js'
import {RdbFile, text} from '../start/rdb.js'
import {Dice, mutantsOf} from './mutants.js'

const folder = temporaryFolder()
let files = 0

/** Segments that were read by what stands for threads. */
let segments = 0
afterEach(() => {
  vi.restoreAllMocks()
})

/** Some ten segments: one ends wherever a window does, if a record does. */
function cut(path: string): CheckOptions {
  const newThread = (): never =>
    new Here<never, unknown>(async (question, outbox, inbox) => {
      segments++
      return await checkSegment(question, outbox, inbox)
    }) as never
  return {threads: 3, threadBytesMin: 0, segmentBytes: Math.ceil(statSync(path).size / 10), newThread}
}

async function same(path: string, options: CheckOptions = {}): Promise<void> {
  const [one, several] = await withLimits({windowBytes: 61}, async () => [
    await check(path, {...options, threads: 1}),
    await check(path, {...options, ...cut(path)}),
  ])
  expect(several).toEqual(one)
}

const snapshots = fixtures.filter(({path}) => path.endsWith('.rdb'))

describe('every fixture', () => {
  it.each(snapshots)('$name', async ({path}) => {
    await same(path)
  })

  it('was read in segments', () => {
    expect(segments).toBeGreaterThan(2 * snapshots.length)
  })
})

describe('damage', () => {
  it.each(snapshots.filter((_, i) => i % 4 === 0))('of $name', async fixture => {
    for (const {bytes, what} of mutantsOf(fixture, 12, 12, 'zeroed')) {
      const path = folder.write(`${files++}.rdb`, bytes)
      await same(path).catch(error => {
        throw Object.assign(error, {message: `${what}: ${error.message}`})
      })
    }
  })
})

/** Keys of which some expire before 1970, some are there twice, and some have a value that is no LZF. */
function many(keys: number, seed: number): Uint8Array {
  const dice = new Dice(seed)
  const file = new RdbFile('REDIS', 11).db(0)
  for (let i = 0; i < keys; i++) {
    if (i === keys >> 1) file.db(3)
    const name = dice.below(20) === 0 ? `key:${dice.below(30)}` : `key:${i}`
    const kind = dice.below(10)
    if (kind === 0) file.expireMs(-5).key(0, name, text('gone'))
    else if (kind === 1) file.key(0, name, {...text('no LZF'), bytes: hex(0xc3, 3, 9, 0xe0, 0xff, 0xff)})
    else file.key(0, name, text(`value ${i}`))
  }
  return file.end()
}

describe('many', () => {
  it.each([1, 2, 3])('problems, of which the first are told (seed %i)', async seed => {
    const path = folder.write(`many-${seed}.rdb`, many(600, seed))
    for (const problemsMax of [0, 1, 7, 1000]) await same(path, {problemsMax})
    await same(path, {duplicates: false})
  })

  it('elements of huge collections, some of which are there twice', async () => {
    const path = folder.write('huge.rdb', hugeSets(3, 70_000))
    const options = {problemsMax: 20}
    const one = await check(path, {...options, threads: 1})
    expect(one.soundness!.counts).toContainEqual({code: 'DUPLICATE_ELEMENT', severity: 'error', count: 9})
    expect(await check(path, {...options, ...cut(path)})).toEqual(one)
    const untold = {...options, duplicates: false}
    expect(await check(path, {...untold, ...cut(path)})).toEqual(await check(path, {...untold, threads: 1}))
  })
})

/** Sets that share all their members, each with three of them twice. */
function hugeSets(sets: number, members: number): Uint8Array {
  const file = new RdbFile('REDIS', 11).db(0)
  for (let i = 0; i < sets; i++) {
    const all = Array.from({length: members + 3}, (_, m) => str(`member ${m % members}`))
    file.key(2, `set:${i}`, {type: 'set', value: [], bytes: hex(len(all.length), ...all)})
  }
  return file.end()
}

describe('what goes wrong with the threads', () => {
  const path = folder.write('wrong.rdb', many(2000, 9))
  const failing = (error: Error): CheckOptions => ({
    ...cut(path),
    newThread: () => new Here(async () => Promise.reject(error)) as never,
  })

  it('is told where it is no matter of the file', async () => {
    const {failure, soundness} = await check(path, failing(new TypeError('a bug')))
    expect(failure).toMatchObject({name: 'TypeError', message: 'a bug'})
    expect(soundness).toBeUndefined()
  })

  it('is looked into by one thread where it is', async () => {
    const error = Object.assign(new Error('EIO'), {code: 'EIO', syscall: 'read'})
    expect(await check(path, failing(error))).toEqual(await check(path, {threads: 1}))
  })
})

describe('real threads', () => {
  beforeEach(() => {
    vi.spyOn(Thread.prototype, 'ask')
  })

  it('find the same', async () => {
    const path = folder.write('real.rdb', hugeSets(4, 66_000))
    const options: CheckOptions = {threads: 2, threadBytesMin: 0, segmentBytes: 512 * 1024}
    expect(await check(path, options)).toEqual(await check(path, {threads: 1}))
    expect(Thread.prototype.ask).toHaveBeenCalled()
  })
})
