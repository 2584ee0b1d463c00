/** dump by several threads: the same bytes, counts, problems and errors as by one. */
import {readFileSync, statSync} from 'node:fs'
import {gzipSync} from 'node:zlib'
import {describe, expect, it, vi} from 'vitest'
import type {ByteSource} from '../../src/bytes/source.js'
import {MemoryTarget} from '../../src/bytes/target.js'
import {DUMP_FORMATS, type DumpFormat} from '../../src/export/sink.js'
import {type DumpOptions, dump} from '../../src/jobs/dump.js'
import {dumpInSegments, dumpSegment} from '../../src/jobs/dump-segments.js'
import {failureJson} from '../../src/report/failure.js'
import {Here} from '../parallel/here.js'
import {distinct, fixtures} from '../reading/fixtures.js'
import {withLimits, withoutKernelWindows} from '../reading/pieces.js'
import {temporaryFolder} from '../start/folder.js'
import {RdbFile, text} from '../start/rdb.js'
import {mutantsOf} from './mutants.js'

const folder = temporaryFolder()
let files = 0

type Options = Omit<DumpOptions, 'format'>
/** Some ten segments: one ends wherever a window does, if a record does. */
function cut(path: string): Options {
  const segmentBytes = Math.ceil(statSync(path).size / 10)
  return {threads: 3, threadBytesMin: 0, segmentBytes, newThread: () => new Here(dumpSegment) as never}
}
const ONE: Options = {threads: 1}

async function dumped(path: string, format: DumpFormat, options: Options): Promise<object> {
  const target = new MemoryTarget()
  // What a failed run has written so far has its use too.
  const abandoned = Object.assign(target, {abandon: async () => {}})
  const {failure, ...result} = await dump(path, abandoned, {...options, format})
  const error = failure instanceof Error ? {...failureJson(failure), class: failure.constructor.name} : failure
  return {...structuredClone(result), error, text: Buffer.from(target.view()).toString('latin1')}
}

async function same(
  path: string,
  formats: readonly DumpFormat[],
  options: Options = {},
  windowBytes = 61,
): Promise<void> {
  // Threads that are none share the kernels' memory, where windows have room for two sources: nobody gets any, since how
  // commands are batched depends on it.
  await withoutKernelWindows(async () => {
    for (const format of formats) {
      const [one, several] = await withLimits({windowBytes}, async () => [
        await dumped(path, format, {...options, ...ONE}),
        await dumped(path, format, {...options, ...cut(path)}),
      ])
      expect(several, format).toEqual(one)
    }
  })
}

describe('every fixture', () => {
  it.each(fixtures.filter(({path}) => path.endsWith('.rdb')))('$name', async ({path}) => {
    await same(path, ['jsonl', 'resp'], {ignoreChecksum: true})
  })
})

describe('damage', () => {
  const sources = fixtures.filter(({path}, i) => path.endsWith('.rdb') && i % 6 === 0)

  it.each(sources)('of $name ends it where it ends one thread', async fixture => {
    for (const {bytes, what} of mutantsOf(fixture, 11, 6, 'kept')) {
      const path = folder.write(`${files++}.rdb`, bytes)
      await same(path, ['jsonl', 'resp']).catch(error => {
        throw Object.assign(error, {message: `${what}: ${error.message}`})
      })
    }
  })
})

/** So many keys in two databases, of which some expire. */
function many(keys: number): Uint8Array {
  const file = new RdbFile('REDIS', 11).db(0)
  for (let i = 0; i < keys; i++) {
    if (i === keys >> 1) file.db(7)
    file.key(0, `key:${i}`, text(`value ${i}`))
  }
  return file.end()
}

describe('a selection', () => {
  const path = folder.write('selected.rdb', many(500))

  it.each<[string, Options]>([
    ['that leaves the first segments without a key', {selection: {match: ['key:4??']}}],
    ['that leaves the last ones without', {selection: {match: ['key:?']}}],
    ['of a database', {selection: {db: [7]}}],
    ['of nothing', {selection: {match: ['no such key']}}],
    ['by size, which is not for threads', {selection: {minBytes: 60}}],
  ])('%s', async (_, options) => {
    await same(path, DUMP_FORMATS, options)
  })
})

describe('real threads', () => {
  const bytes = many(100_000)
  const REAL: Options = {threads: 2, threadBytesMin: 0, segmentBytes: 256 * 1024}

  it.each<[string, string]>([
    ['a file', folder.write('many.rdb', bytes)],
    ['a compressed file, whose size nobody knows', folder.write('many.rdb.gz', gzipSync(bytes, {level: 1}))],
    ['one that ends too early', folder.write('short.rdb', bytes.subarray(0, bytes.length - 30_000))],
  ])('%s', async (_, path) => {
    for (const format of ['jsonl', 'resp'] as const) {
      expect(await dumped(path, format, REAL)).toEqual(await dumped(path, format, ONE))
    }
  })

  it('a compressed file with bytes behind its end, which overwrite the windows that are read last', async () => {
    const rest = new Uint8Array(2_000_000).fill(0xff)
    const path = folder.write('rest.rdb.gz', gzipSync(Buffer.concat([bytes, rest]), {level: 1}))
    expect(await dumped(path, 'keys', REAL)).toEqual(await dumped(path, 'keys', ONE))
  })

  it('where the framing is lost, and then the compressed input is damaged too, the first is told', async () => {
    const broken = Buffer.from(bytes)
    broken[broken.indexOf('key:30000') - 2] = 0xe0
    const packed = gzipSync(broken, {level: 1})
    const late = packed.length - 100_000
    packed.fill(0xff, late, late + 40)
    const path = folder.write('twice-broken.rdb.gz', packed)
    const one = await dumped(path, 'jsonl', ONE)
    expect(one).toMatchObject({error: {code: 'UNKNOWN_TYPE'}})
    expect(await dumped(path, 'jsonl', REAL)).toEqual(one)
  })

  it('tell what is wrong though a pipe brings no more', async () => {
    const damaged = Buffer.from(bytes.subarray(0, 100_000))
    damaged[damaged.indexOf('key:700') - 2] = 0xe0
    const window = {bytes: new Uint8Array(damaged), start: 0, end: damaged.length}
    const stalling: ByteSource = {
      ...{name: 'a pipe', inputBytes: Number.POSITIVE_INFINITY, storedBytes: Number.POSITIVE_INFINITY, storedRead: 0},
      read: vi.fn(() => new Promise<never>(() => {})).mockResolvedValueOnce(window as never),
      close: async () => {},
    }
    const result = {keys: 0, selected: undefined, losses: [], notes: [], problems: [], bytes: 0, failure: undefined}
    const form = {format: 'jsonl', selection: {}} as const
    const dumping = dumpInSegments(stalling, new MemoryTarget(), form, {...REAL, format: 'jsonl'}, result)
    await expect(dumping).rejects.toMatchObject({code: 'UNKNOWN_TYPE'})
    expect(result.keys).toBe(700)
  })

  it('that cannot be started end it', async () => {
    const path = folder.write('unstarted.rdb', bytes)
    const error = new Error('no more threads')
    const newThread = (): never => {
      throw error
    }
    expect((await dump(path, new MemoryTarget(), {...REAL, newThread, format: 'jsonl'})).failure).toBe(error)
  })

  const kinds = distinct.filter(({path}, i) => path.endsWith('.rdb') && i % 9 === 0)

  it.each(kinds)('$name, in which kernels write', async ({path}) => {
    await withLimits({windowBytes: 509}, async () => {
      const options: Options = {...REAL, segmentBytes: 2000}
      for (const format of ['jsonl', 'resp'] as const) {
        expect(await dumped(path, format, options)).toEqual(await dumped(path, format, ONE))
      }
    })
  })

  it('a target that fails ends it', async () => {
    const path = folder.write('full.rdb', bytes)
    const target = new MemoryTarget()
    const full = Object.assign(new Error('no space left'), {code: 'ENOSPC'})
    target.write = () => {
      throw full
    }
    expect((await dump(path, target, {...REAL, format: 'jsonl'})).failure).toBe(full)
    expect(readFileSync(path).length).toBe(bytes.length)
  })
})
