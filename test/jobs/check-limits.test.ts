/** What is beyond our own bounds: said, not called damage, and passed over where it can be. Each with a twin just within. */
import {describe, expect, it} from 'vitest'
import {checkSource} from '../../src/jobs/check.js'
import type {Check} from '../../src/jobs/check-options.js'
import {inspect} from '../../src/jobs/inspect.js'
import {listpack} from '../fixtures/blobs.js'
import {hex, len, lzfRun, lzfStr, str} from '../fixtures/builder.js'
import * as value from '../fixtures/values.js'
import {every, streamOf, withLimits, withoutKernelWindows} from '../reading/pieces.js'
import {temporaryFolder} from '../start/folder.js'
import {RdbFile} from '../start/rdb.js'
import {around, raw} from './check-samples.js'

const folder = temporaryFolder()

/**
 * From a stream of small pieces: what has arrived anyway is not too large. No window lies in the kernels' memory, which pass
 * over elements within bounds of their own, far below ours but for those of this test.
 */
const checked = (bytes: Uint8Array): Promise<Check> =>
  withoutKernelWindows(() => checkSource(streamOf(bytes, every(PIECE_BYTES, bytes.length))))

const codesOf = ({soundness}: Check): string[] =>
  soundness!.problems.map(({code, severity}) => code + (severity === 'warning' ? '?' : ''))

const ELEMENT_BYTES_MAX = 1000
const PIECE_BYTES = 100
const long = (bytes: number): string => 'x'.repeat(bytes)
const run = (bytes: number): Buffer => lzfRun(0x61, bytes)

/** Values that hold one element of so many bytes, its length among them where it is stored as it is. */
const VALUES: [name: string, typeId: number, of: (bytes: number) => Buffer][] = [
  ['a member of a set', 2, bytes => hex(len(1), str(long(bytes - 2)))],
  ['a compressed member of a set', 2, bytes => hex(len(1), run(bytes))],
  ['a field of a hash', 4, bytes => hex(len(1), str('f'), str(long(bytes - 2 - 2)))],
  ['a compressed value of a hash', 4, bytes => hex(len(1), str('f'), run(bytes))],
  ['an item of a list', 1, bytes => hex(len(1), str(long(bytes - 2)))],
  ['a node of a list that is one element', 18, bytes => hex(len(1), len(1), run(bytes))],
  ['a packed hash', 16, bytes => str(listpack(['f', long(bytes - 2 - 14)]))],
]

describe.each(VALUES)('%s larger than we take', (_, typeId, of) => {
  const file = (bytes: number): Buffer => around(10, one => one.key(typeId, 'key', raw(of(bytes))))

  it('is told of, and passed over', () =>
    withLimits({elementBytesMax: ELEMENT_BYTES_MAX}, async () => {
      const result = await checked(file(ELEMENT_BYTES_MAX + 1))
      expect(result.failure).toBeUndefined()
      expect(codesOf(result)).toEqual(['TOO_LARGE?'])
      const [problem] = result.soundness!.problems
      expect(problem).toMatchObject({db: 0, key: new Uint8Array(Buffer.from('key'))})
      expect(problem!.text).toMatch(
        /^elementBytesMax allows 1000, the input wants 1001: the value was not looked into$/,
      )
      expect(result.soundness).toMatchObject({keys: 3, checksum: 'ok', errors: 0})
    }))

  it('is nothing to tell of where it just fits', () =>
    withLimits({elementBytesMax: ELEMENT_BYTES_MAX}, async () => {
      const result = await checked(file(ELEMENT_BYTES_MAX))
      expect(codesOf(result)).toEqual([])
      expect(result.soundness!.keys).toBe(3)
    }))

  it('does not end an estimate of memory, and counts in it', () =>
    withLimits({elementBytesMax: ELEMENT_BYTES_MAX, windowBytes: PIECE_BYTES}, async () => {
      const path = folder.write('large.rdb', file(ELEMENT_BYTES_MAX + 1))
      const {inventory, failure} = await inspect(path, {top: 10, nowMs: 0, memory: {}})
      expect(failure).toBeUndefined()
      expect(inventory).toMatchObject({keys: 3, problems: [{code: 'TOO_LARGE', severity: 'warning'}]})
      const {memoryBytes, rdbBytes} = inventory!.biggest.find(({key}) => Buffer.from(key).toString() === 'key')!
      expect(memoryBytes).toBeGreaterThan(rdbBytes)
    }))
})

it('a compressed element that claims what cannot be is damage', async () => {
  const claim = lzfStr(hex(0x00, 0x61), 600 * 1024 * 1024)
  const sound = lzfStr(hex(0x00, 0x61), 1)
  const file = (member: Buffer): Buffer => around(9, one => one.key(2, 'key', raw(hex(len(1), member))))
  const result = await checked(file(claim))
  expect(codesOf(result)).toEqual(['BAD_LZF'])
  expect(result.soundness).toMatchObject({keys: 3, problems: [{bytesLost: 15}]})
  expect(codesOf(await checked(file(sound)))).toEqual([])
})

it('what is no value and too large ends the reading', () =>
  withLimits({templateFieldsMax: 3}, async () => {
    const file = (count: number): Buffer => {
      const names = Array.from({length: count}, (_, i) => str(`f${i}`))
      return around(15, one => one.op(0xf2, len(0), len(count), ...names))
    }
    const result = await checked(file(4))
    expect(codesOf(result)).toEqual(['TOO_LARGE'])
    const [problem] = result.soundness!.problems
    expect(problem!.text).toContain('what follows could not be read')
    expect(result.soundness).toMatchObject({keys: 1, checksum: undefined})
    expect(codesOf(await checked(file(3)))).toEqual([])
  }))

describe('a consumer group with more pending entries than are compared', () => {
  const IDS = 40
  const ids = Array.from({length: IDS}, (_, i) => `5-${i}`)
  /** Every second one is another consumer's; `owned` of them are somebody's. */
  const file = (owned: number): Buffer => {
    const ofConsumer = (which: number): string[] => ids.slice(0, owned).filter((_, i) => i % 2 === which)
    const stream = value.stream(3, {
      nodes: [],
      entries: [],
      lastId: '9-0',
      groups: [
        {
          name: 'g',
          lastId: '9-0',
          entriesRead: -1,
          pending: ids.map((id, i) => [id, 1_700_000_000_000, 1, i % 2 === 0 ? 'a' : 'b']),
          consumers: ['a', 'b'].map((name, which) => ({
            name,
            seenAtMs: 1_700_000_000_000,
            activeAtMs: 1_700_000_000_000,
            pending: ofConsumer(which),
          })),
        },
      ],
    })
    return new RdbFile('REDIS', 11).db(0).key(21, 'stream', stream).end()
  }

  it('is told of', () =>
    withLimits({pendingMax: IDS - 1}, async () => {
      const result = await checked(file(IDS))
      expect(codesOf(result)).toEqual(['PENDING_MANY?'])
      expect(result.soundness!.problems[0]!.text).toContain(`${IDS} pending entries`)
    }))

  it('has at least their number checked', () =>
    withLimits({pendingMax: IDS - 1}, async () => {
      expect(codesOf(await checked(file(IDS - 3)))).toEqual(['PENDING_MANY?', 'PENDING_UNOWNED'])
    }))

  it('is nothing to tell of with one less', () =>
    withLimits({pendingMax: IDS}, async () => {
      expect(codesOf(await checked(file(IDS)))).toEqual([])
      expect(codesOf(await checked(file(IDS - 3)))).toEqual(['PENDING_UNOWNED'])
    }))
})
