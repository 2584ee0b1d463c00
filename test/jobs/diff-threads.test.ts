/** diff with a thread of its own for the second side: nothing but the time it takes depends on that. */
import {readFileSync, rmSync, statSync} from 'node:fs'
import {gzipSync} from 'node:zlib'
import {afterEach, beforeEach, describe, expect, it, type MockInstance, vi} from 'vitest'
import {ByteOutput} from '../../src/bytes/output.js'
import {SpillError, SpillFile} from '../../src/bytes/spill.js'
import {MemoryTarget} from '../../src/bytes/target.js'
import {PatchWriter} from '../../src/export/difference-patch.js'
import {type DiffOptions, diff, SideError} from '../../src/jobs/diff.js'
import {Thread, ThreadError} from '../../src/parallel/thread.js'
import {diffJson} from '../../src/report/diff.js'
import {differencesOf} from '../reading/differences.js'
import {distinct, fixture} from '../reading/fixtures.js'
import {withLimits} from '../reading/pieces.js'
import {temporaryFolder} from '../start/folder.js'
import {RdbFile, text} from '../start/rdb.js'
import {Dice} from './mutants.js'

const folder = temporaryFolder()
let files = 0

type Options = Partial<Omit<DiffOptions, 'sink'>>
const ALONE: Options = {threads: 1}
const TOGETHER: Options = {threads: 2, threadBytesMin: 0}

let ask: MockInstance<typeof Thread.prototype.ask>
let end: MockInstance<typeof Thread.prototype.end>
beforeEach(() => {
  ask = vi.spyOn(Thread.prototype, 'ask')
  end = vi.spyOn(Thread.prototype, 'end')
})
afterEach(() => {
  // Whatever was started has been ended.
  if (ask.mock.calls.length > 0) expect(end).toHaveBeenCalled()
  vi.restoreAllMocks()
})

/** Whatever can be told of a comparison: its lines, its counts, its failures; or the error that it ends with. */
async function told(before: string, after: string, options: Options): Promise<unknown> {
  try {
    const {result, lines} = await differencesOf(before, after, {nowMs: 0, ...options})
    return {lines, json: diffJson(result, undefined), result}
  } catch (error) {
    if (!(error instanceof SideError)) throw error
    const cause = error.cause as Error
    return {source: error.source, cause, class: cause.constructor.name, known: {...cause}}
  }
}

/** The same with a thread and without; says what. */
async function same(before: string, after: string, options: Options = {}): Promise<unknown> {
  const alone = await told(before, after, {...options, ...ALONE})
  expect(ask).not.toHaveBeenCalled()
  expect(await told(before, after, {...options, ...TOGETHER})).toEqual(alone)
  expect(ask).toHaveBeenCalled()
  ask.mockClear()
  return alone
}

/** So many keys, of which each so many is another. */
function many(keys: number, every = Number.POSITIVE_INFINITY): string {
  const file = new RdbFile('REDIS', 11).db(0)
  for (let i = 0; i < keys; i++) file.key(0, `key:${i}`, text(i % every === 0 ? `other ${i}` : `value ${i}`))
  return folder.write(`${files++}.rdb`, file.end())
}

/** More than one parcel of records. */
const large = many(15_000)
const largeOther = many(15_100, 3)

describe('the same is found', () => {
  const pairs = distinct.filter(({path}) => path.endsWith('.rdb'))

  it.each(pairs.filter((_, i) => i % 8 === 0))('$name, itself and another', async one => {
    const other = pairs[(pairs.indexOf(one) + 1) % pairs.length]!
    await same(one.path, one.path, {ignoreChecksum: true})
    await same(one.path, other.path, {ignoreChecksum: true})
  })

  it.each<[string, Options]>([
    ['little memory', {memoryBytes: 4096}],
    ['expiries that are near', {toleranceMs: 1000}],
    ['expiries that do not matter', {ignoreExpiry: true}],
    ['what else does not', {ignore: ['idle', 'frequency', 'consumers']}],
    ['some of the keys', {selection: {match: ['*1*', '*s*'], notMatch: ['\\x00*'], expired: 'drop'}}],
    [
      'some of the types, by a regular expression',
      {selection: {types: ['string', 'hash', 'stream'], regex: ['[a-m]']}},
    ],
    ['other databases', {mapDb: [[0, 1]]}],
  ])('%s', async (_, options) => {
    const [before, after] = ['rdb/databases-v10.rdb', 'rdb/expiry-v11.rdb'].map(name => fixture(name).path)
    await same(before!, after!, options)
    await same(large, largeOther, options)
  })

  it('as a patch', async () => {
    const [before, after] = [large, many(15_100, 1000)]
    const patch = async (options: Options): Promise<string> => {
      const target = new MemoryTarget()
      const out = new ByteOutput(target)
      await diff(before, after, {...options, sink: new PatchWriter(out)})
      out.flush()
      return Buffer.from(target.view()).toString('latin1')
    }
    const alone = await patch(ALONE)
    expect(alone).toContain('other 1000')
    expect(await patch(TOGETHER)).toBe(alone)
    expect(ask).toHaveBeenCalled()
  })

  it('in whatever carries it', async () => {
    const {path, bytes} = fixture('rdb/stream-groups-v10.rdb')
    const packed = folder.write('packed.rdb.gz', gzipSync(bytes))
    const lines = folder.write('lines.jsonl', '{"meta":{}}\n{"db":0,"key":"k","type":"list","value":["a","b"]}\n')
    await same(path, packed)
    await same(packed, lines)
    await same(lines, path)
  })

  it('of what a reader with little room would refuse', async () => {
    const [before, after] = [many(300), many(300, 7)]
    const narrow = {windowBytes: 61, problemsMax: 2}
    await withLimits(narrow, async () => await same(before, after))
    const long = folder.write('long.rdb', new RdbFile('REDIS', 11).db(0).key(0, 'k'.repeat(99), text('v')).end())
    const refused = await withLimits({...narrow, elementBytesMax: 50}, async () => await same(before, long))
    expect(refused).toMatchObject({class: 'LimitError', known: {limit: 'elementBytesMax', allowed: 50}})
  })
})

describe('damage', () => {
  const {bytes, path} = fixture('rdb/stream-groups-v10.rdb')
  const cases = Array.from({length: 10}, (_, i) => i)

  it.each(cases)('of either side, of both: case %d', async seed => {
    const dice = new Dice(seed)
    const damaged = Buffer.from(bytes)
    const at = 20 + dice.below(bytes.length - 40)
    damaged[at] = dice.below(256)
    const broken = folder.write(`broken-${seed}.rdb`, seed % 2 === 0 ? damaged : damaged.subarray(0, at))
    await same(path, broken)
    await same(broken, path)
    await same(broken, broken, {ignoreChecksum: true})
  })

  it('behind many keys, and a wrong checksum', async () => {
    const whole = large
    const all = readFileSync(whole)
    const cut = folder.write('cut.rdb', all.subarray(0, all.length * 0.75))
    expect(await same(whole, cut)).toMatchObject({json: {after: {complete: false, failure: {code: 'TRUNCATED'}}}})
    expect(await same(cut, whole)).toMatchObject({json: {before: {complete: false, failure: {code: 'TRUNCATED'}}}})
    all[all.length - 1]! ^= 1
    const changed = folder.write('changed.rdb', all)
    expect(await same(whole, changed)).toMatchObject({json: {after: {complete: true, failure: {code: 'BAD_CHECKSUM'}}}})
  })

  it('before the first key: of both, the first side is told', async () => {
    const head = Buffer.from('REDIS0011')
    const [one, other] = ['one', 'other'].map(name =>
      folder.write(`${name}.rdb`, Buffer.concat([head, Buffer.of(0xf7)])),
    )
    expect(await same(one!, other!)).toMatchObject({source: one})
    expect(await same(many(10), other!)).toMatchObject({source: other})
    // The thread is ended in the middle of what it reads.
    expect(await same(one!, many(60_000))).toMatchObject({source: one})
  })

  it('a file that is gone, or another, when the thread comes to it', async () => {
    const [before, after] = [many(10), many(10)]
    ask.mockImplementation(async function (this: Thread<unknown, unknown>, question, onParcel) {
      rmSync(after)
      ask.mockRestore()
      return await this.ask(question, onParcel)
    })
    const error = await differencesOf(before, after, TOGETHER).catch(error => error)
    expect(error).toBeInstanceOf(SideError)
    expect(error).toMatchObject({source: after, cause: {code: 'ENOENT', syscall: 'open', path: after}})
  })
})

describe('an end before the end', () => {
  it('of the thread is told, and nothing waits for it', async () => {
    const [before, after] = [many(1000), many(60_000)]
    ask.mockImplementation(async function (this: Thread<unknown, unknown>, question) {
      ask.mockRestore()
      let parcels = 0
      return await this.ask(question, () => {
        if (parcels++ === 0) void this.end()
      })
    })
    const error = await differencesOf(before, after, TOGETHER).catch(error => error)
    expect(error).toBeInstanceOf(SideError)
    expect(error).toMatchObject({source: after, cause: expect.any(ThreadError)})
  })

  it('of the temporary file', async () => {
    const [before, after] = [large, large]
    vi.spyOn(SpillFile.prototype, 'append').mockImplementation(() => {
      throw new SpillError('write', 'a folder', 0, Object.assign(new Error('no'), {code: 'ENOSPC', syscall: 'write'}))
    })
    for (const options of [ALONE, TOGETHER]) {
      const error = await differencesOf(before, after, {...options, memoryBytes: 4096}).catch(error => error)
      expect(error).toBeInstanceOf(SideError)
      expect(error.cause).toBeInstanceOf(SpillError)
    }
  })
})

describe('whether there is a thread', () => {
  it('the smaller file decides, and the number that is allowed', async () => {
    const [small, large] = [many(10), many(1000)]
    const {size} = statSync(small)
    for (const [before, after] of [
      [small, large],
      [large, small],
    ] as const) {
      await differencesOf(before, after, {threads: 2, threadBytesMin: size + 1})
      await differencesOf(before, after, {threads: 1, threadBytesMin: size})
      await differencesOf(before, after, {threads: 2})
      expect(ask).not.toHaveBeenCalled()
      await differencesOf(before, after, {threads: 2, threadBytesMin: size})
      expect(ask).toHaveBeenCalled()
      ask.mockClear()
    }
  })

  it('not for what takes memory of its own, or is known only after another reading', async () => {
    const log = folder.write('log.aof', '*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n')
    await told(many(10), log, TOGETHER)
    await told(many(10), many(10), {...TOGETHER, selection: {minBytes: 1}})
    expect(ask).not.toHaveBeenCalled()
    await same(log, many(10))
  })

  it('one reading of both is shown where both are read', async () => {
    const [before, after] = [many(1000), many(2000)]
    const opened: {name: string; storedRead: number; storedBytes: number}[] = []
    await differencesOf(before, after, {...TOGETHER, onOpen: source => opened.push(source)})
    const bytes = statSync(before).size + statSync(after).size
    expect(opened[0]).toMatchObject({name: `${before} and ${after}`, storedBytes: bytes, storedRead: bytes})
  })
})
