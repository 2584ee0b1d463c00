/**
 * What a server will do with a file. That it does so is proved in test/server/check-target.test.ts; here, that the answer does
 * not hang on how the bytes arrive, nor on whether they are kept in memory, and what is told beside the verdict.
 */
import {describe, expect, it} from 'vitest'
import {type LoadPrediction, MemorySource, predictLoad, TARGETS} from '../../src/index.js'
import {ziplist} from '../fixtures/blobs.js'
import {hex, le, str} from '../fixtures/builder.js'
import {RdbFile} from '../fixtures/rdb-file.js'
import {mutantsOf} from '../jobs/mutants.js'
import {distinct, fixture} from '../reading/fixtures.js'

const LOADERS = ['redis-6.0', 'redis-7.0', 'redis-8.0', 'valkey-9.1']
const WINDOWS = [1, 2, 3, 7, 4096]
const NOW = Date.UTC(2026, 0)
const small = distinct.filter(one => one.bytes.length < 5000 && /^rdb/.test(one.name))
const tiny = small.filter(one => one.bytes.length < 1000)

/** Text of a place that lies behind the window names what is still to come, which hangs on the window. */
const comparable = ({obstacles, ...rest}: LoadPrediction) => ({
  ...rest,
  obstacles: obstacles.map(({code, effect, keys, first}) => ({code, effect, keys, first})),
})

const whole = (bytes: Uint8Array, target: string) => predictLoad(bytes, target, {nowMs: NOW})

describe('a prediction', () => {
  it.each(WINDOWS)('is the same in windows of %i bytes', async windowBytes => {
    for (const {name, bytes} of windowBytes < 7 ? tiny : small) {
      for (const target of LOADERS) {
        const pieces = await predictLoad(new MemorySource(bytes, windowBytes), target, {nowMs: NOW})
        expect(comparable(pieces), `${name} for ${target}`).toEqual(comparable(await whole(bytes, target)))
      }
    }
  })

  it('is the same of damaged files in windows of 7 bytes', async () => {
    for (const [index, fixture] of tiny.entries()) {
      for (const {what, bytes} of mutantsOf(fixture, 4000 + index, 4, 'zeroed')) {
        for (const target of LOADERS) {
          const pieces = await predictLoad(new MemorySource(bytes, 7), target, {nowMs: NOW})
          const told = `${fixture.name}, ${what}, for ${target}`
          expect(comparable(pieces), told).toEqual(comparable(await whole(bytes, target)))
        }
      }
    }
  })

  it('is there for every target, of every fixture', async () => {
    for (const {name} of TARGETS) {
      for (const {bytes} of tiny) {
        const {verdict, obstacles} = await predictLoad(bytes, name)
        expect(verdict === 'loads').toBe(obstacles.length === 0)
      }
    }
  })

  it('is refused for a target that nobody knows', async () => {
    await expect(predictLoad(new Uint8Array(9), 'redis-1.0')).rejects.toThrow('give one of')
  })
})

const STRING = {bytes: str('value'), type: 'string', value: 'value'}

/** A file of a header and what `fill` adds. */
function fileOf(version: number, fill: (file: RdbFile) => void): Buffer {
  const file = new RdbFile('REDIS', version)
  fill(file)
  return file.end()
}

describe('what is in the way', () => {
  it('is listed whole, the first that ends the load first', async () => {
    const bytes = fileOf(9, file => {
      file.key(0, 'a', STRING)
      file.op(0xfe, 17)
      file.key(0, 'b', STRING).key(0, 'b', STRING)
      file.key(11, 'none', {bytes: str(hex(le(4, 2), le(4, 0))), type: 'set', value: []})
    })
    const {verdict, obstacles, keys} = await predictLoad(bytes, 'redis-7.0')
    expect(verdict).toBe('refuses')
    expect(obstacles.map(one => one.code)).toEqual(['DATABASE_NUMBER', 'DUPLICATE_KEY', 'BAD_INTSET'])
    expect(obstacles[1]).toMatchObject({effect: 'crashes', keys: 1, first: {db: 17}})
    expect(Buffer.from(obstacles[1]!.first.key!).toString()).toBe('b')
    expect(keys).toEqual({loaded: 4, expired: 0, empty: 0})
  })

  it('counts keys of a type once, and goes on behind values that the server does not know', async () => {
    const bytes = fileOf(12, file => {
      const hash = {bytes: hex(le(8, 1), 1, 0, str('f'), str('v')), type: 'hash', value: {}}
      file.key(24, 'one', hash).key(24, 'two', hash).key(0, 'three', STRING)
    })
    const {verdict, obstacles, keys} = await predictLoad(bytes, 'valkey-8.0')
    expect(verdict).toBe('refuses')
    expect(obstacles.map(({code, keys: times}) => [code, times])).toEqual([
      ['TOO_NEW', 1],
      ['UNKNOWN_TYPE', 2],
    ])
    expect(keys.loaded).toBe(3)
  })

  it('leaves expired keys out, but not of the base of a log', async () => {
    const bytes = fileOf(9, file => file.op(0xfc, le(8, 1000)).key(0, 'old', STRING).key(0, 'new', STRING))
    const alone = await predictLoad(bytes, 'redis-7.0')
    expect(alone).toMatchObject({
      verdict: 'skips',
      keys: {loaded: 1, expired: 1},
      obstacles: [{code: 'EXPIRED', keys: 1}],
    })
    const base = await predictLoad(bytes, 'redis-7.0', {isBase: true})
    expect(base).toMatchObject({verdict: 'loads', keys: {loaded: 2, expired: 0}, obstacles: []})
  })

  it('is the magic word VALKEY before the base of a log, to valkey 8.1', async () => {
    const bytes = Buffer.concat([Buffer.from('VALKEY010'), fileOf(10, file => file.key(0, 'a', STRING)).subarray(9)])
    bytes.fill(0, bytes.length - 8)
    expect(await predictLoad(bytes, 'valkey-8.1')).toMatchObject({verdict: 'loads'})
    expect(await predictLoad(bytes, 'valkey-8.1', {isBase: true})).toMatchObject({
      verdict: 'refuses',
      obstacles: [{code: 'BAD_MAGIC'}],
    })
  })

  it.each([
    ['1.5', 'loads'],
    ['1.5x', 'loads'],
    ['0x1p3', 'loads'],
    ['1.5e+', 'unsure'],
    ['1ex', 'unsure'],
    ['0x1p', 'unsure'],
    ['e5', 'refuses'],
    ['', 'refuses'],
  ])('is the score %j, which the C library reads', async (score, verdict) => {
    const value = hex(1, str('member'), score.length, Buffer.from(score))
    const bytes = fileOf(6, file => file.key(3, 'zset', {bytes: value, type: 'zset', value: []}))
    expect(await predictLoad(bytes, 'redis-7.0')).toMatchObject({verdict})
  })

  it.each([
    ['+nan', 'refuses'],
    ['-NaN', 'refuses'],
    [' nan', 'loads'],
    ['x', 'loads'],
  ])('is the score %j in a ziplist, to valkey 9.1', async (score, verdict) => {
    const value = {bytes: str(ziplist(['m', score])), type: 'zset', value: []}
    expect(
      await predictLoad(
        fileOf(9, file => file.key(12, 'zset', value)),
        'valkey-9.1',
      ),
    ).toMatchObject({verdict})
  })

  it('is found among more keys and elements than are held in memory', async () => {
    const names = Array.from({length: 70_000}, (_, i) => `key:${i}`)
    const keys = fileOf(9, file => {
      for (const name of [...names, 'key:7']) file.key(0, name, STRING)
    })
    const twice = await predictLoad(keys, 'redis-7.0', {memoryBytes: 512 * 1024})
    expect(twice).toMatchObject({verdict: 'crashes', obstacles: [{code: 'DUPLICATE_KEY', keys: 1}]})
    const members = Buffer.concat([...names, 'key:7'].map(name => str(name)))
    const set = {bytes: hex(0x80, 0, 1, 0x11, 0x71, members), type: 'set', value: []}
    const bytes = fileOf(9, file => file.key(2, 'set', set))
    expect(await predictLoad(bytes, 'redis-7.0')).toMatchObject({
      verdict: 'refuses',
      obstacles: [{code: 'DUPLICATE_ELEMENT'}],
    })
    expect(await predictLoad(bytes, 'redis-6.0')).toMatchObject({verdict: 'loads'})
  })

  it('is a search without end where the file ends before another item of a module', async () => {
    const {bytes} = fixture('rdb-built/module-value-v9.rdb')
    const verdictAt = async (end: number, target: string, isBase = false): Promise<string> =>
      (await predictLoad(bytes.slice(0, end), target, {isBase})).verdict
    expect(await Promise.all([26, 27, 28, 37, 38, 39].map(end => verdictAt(end, 'redis-7.0')))).toEqual([
      ...['refuses', 'hangs', 'refuses', 'hangs', 'refuses', 'hangs'],
    ])
    expect(await verdictAt(27, 'redis-6.0')).toBe('refuses')
    expect(await verdictAt(27, 'redis-7.0', true)).toBe('refuses')
    const sized = await predictLoad(new MemorySource(bytes.slice(0, 27), 3), 'valkey-9.1')
    expect(sized.obstacles.map(({effect, code}) => [effect, code])).toEqual([
      ['hangs', 'TRUNCATED'],
      ['refuses', 'MODULE'],
    ])
    const stopped = Buffer.concat([bytes.subarray(0, 9), hex(0xfe, 17), bytes.subarray(9, 27)])
    expect(await predictLoad(stopped, 'redis-7.0')).toMatchObject({verdict: 'refuses'})
  })

  it('is a vector set whose graph its module does not take', async () => {
    const {bytes} = fixture('rdb/module-vectorset-v12.rdb')
    expect(await predictLoad(bytes, 'redis-8.0')).toMatchObject({verdict: 'loads'})
    // Its dimension, its quantization, a link that leads to nobody, one that does not lead back, the norm as a signed number.
    const places: [at: number, byte: number][] = [
      [125, 4],
      [130, 7],
      [193, 9],
      [195, 2],
      [196, 1],
    ]
    for (const [at, byte] of places) {
      const changed = bytes.slice()
      changed[at] = byte
      changed.fill(0, -8)
      const {verdict, obstacles} = await predictLoad(changed, 'redis-8.0')
      expect([at, verdict, obstacles[0]?.code]).toEqual([at, 'refuses', 'MODULE'])
    }
  })

  it('does not vouch for the bodies of functions', async () => {
    const bytes = fileOf(10, file => file.op(0xf5, str('#!lua name=lib\nthis is no Lua')))
    expect(await predictLoad(bytes, 'redis-7.0')).toMatchObject({verdict: 'loads', unseen: ['functions']})
    const again = fileOf(10, file => {
      for (let i = 0; i < 2; i++) file.op(0xf5, str('#!lua name=lib\n'))
    })
    expect(await predictLoad(again, 'redis-7.0')).toMatchObject({obstacles: [{code: 'DUPLICATE_FUNCTION'}]})
    expect(await predictLoad(again, 'redis-6.0')).toMatchObject({
      obstacles: [{code: 'TOO_NEW'}, {code: 'UNKNOWN_OPCODE', keys: 2}],
    })
  })

  it('is an import of slots where no cluster is', async () => {
    const {bytes} = distinct.find(one => one.name.includes('slot-import'))!
    expect(await predictLoad(bytes, 'valkey-9.1')).toMatchObject({
      verdict: 'crashes',
      obstacles: [{code: 'SLOT_IMPORT'}],
    })
  })

  it('says where it had to end', async () => {
    const bytes = fileOf(9, file => file.key(0, 'a', STRING)).subarray(0, 15)
    expect(await predictLoad(bytes, 'redis-7.0')).toMatchObject({
      verdict: 'refuses',
      obstacles: [{code: 'TRUNCATED'}],
      unseen: ['behind damage'],
    })
  })
})
