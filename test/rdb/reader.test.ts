/** The two drivers: what is promised to whoever reads an entry, in part, twice, too late or not at all. */
import {describe, expect, it} from 'vitest'
import {
  LimitError,
  MemorySource,
  type Problem,
  type RdbElement,
  RdbReader,
  type RdbValue,
  SKIP,
  StreamId,
  UsageError,
  ValueVisitor,
} from '../../src/index.js'
import {listpack} from '../fixtures/blobs.js'
import {hex, le, len, lzfRun, moduleId, str} from '../fixtures/builder.js'
import * as value from '../fixtures/values.js'
import {fixture} from '../reading/fixtures.js'
import {fileOf} from '../reading/samples.js'

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')
const keysOf = async (reader: RdbReader): Promise<string[]> => {
  const keys: string[] = []
  for await (const entry of reader) keys.push(text(entry.key))
  return keys
}

const numbers = (count: number): string[] => Array.from({length: count}, (_, i) => `element ${i}`)

const NODE = value.streamNode(
  ['f'],
  Array.from({length: 40}, (_, i) => ({diff: [0, i] as [number, number], values: [`value ${i}`]})),
)
const STREAM = value.stream(1, {
  nodes: [{id: '1-0', listpack: NODE}],
  entries: numbers(40).map((_, i) => [`1-${i}`, ['f', `value ${i}`]]),
  lastId: '1-39',
})

/** Values that outlast small windows, each between two short strings. */
const LONG: Record<string, Uint8Array> = {
  list: hex(1, str('long'), value.strings(numbers(60))),
  set: hex(2, str('long'), value.strings(numbers(60))),
  zset: hex(5, str('long'), value.binaryScores(numbers(60).map((one, i) => [one, i]))),
  hash: hex(4, str('long'), value.fields(numbers(60).map(one => [one, one]))),
  'packed hash': hex(16, str('long'), str(listpack(numbers(60)))),
  quicklist: hex(18, str('long'), len(9), ...numbers(9).map(one => hex(len(2), str(listpack([one, one]))))),
  stream: hex(15, str('long'), STREAM.bytes),
  'raw string': hex(0, str('long'), str('abc'.repeat(300))),
  'compressed string': hex(0, str('long'), lzfRun(97, 100_000)),
  module: hex(7, str('long'), moduleId('MBbloom--', 1), ...numbers(60).map(one => hex(5, str(one))), 0),
  'hash with expiries': hex(24, str('long'), le(8, 5), len(60), ...numbers(60).map(one => hex(1, str(one), str(one)))),
}

const between = (record: Uint8Array): Uint8Array =>
  fileOf(12, [hex(0, str('before'), str('1')), record, hex(0, str('after'), str('2'))])

/** Takes one part and gives up. */
async function takeOne(parts: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of parts) return
}

const isString = (name: string): boolean => name.endsWith('string')

describe.each(Object.entries(LONG))('a long %s, given up', (name, record) => {
  const file = between(record)
  const ways: Record<string, (of: RdbValue) => Promise<unknown>> = {
    'after the first part': of => takeOne(isString(name) ? of.chunks() : of.elements()),
    'after the first stored bytes': of => takeOne(of.raw()),
    'since it is too large': async of => {
      await expect(of.collect({bytesMax: 100})).rejects.toThrow(LimitError)
    },
    'before it was begun': async () => {},
  }
  it.each(Object.entries(ways))('%s, does not spoil the next', async (_, giveUp) => {
    for (const window of [16, 50, 4096]) {
      const keys: string[] = []
      const reader = new RdbReader(new MemorySource(file, window))
      for await (const entry of reader) {
        keys.push(text(entry.key))
        if (keys.at(-1) === 'long') await giveUp(entry.value)
        else if (keys.length === 3) expect(text((await entry.value.collect()) as Uint8Array)).toBe('2')
      }
      expect(keys).toEqual(['before', 'long', 'after'])
      expect(reader.end?.bytes).toBe(file.length)
    }
  })
})

describe('for await', () => {
  it('counts the fields of a stream as what is collected', async () => {
    const reader = new RdbReader(new MemorySource(fileOf(9, [hex(15, str('s'), STREAM.bytes)])))
    for await (const {value: stream} of reader) {
      await expect(stream.collect({bytesMax: 40 * 16 + 50})).rejects.toMatchObject({limit: 'bytesMax', offset: 12})
    }
  })

  it('collects up to exactly the limit', async () => {
    const {bytes} = fixture('rdb-built/types-plain-v5.rdb')
    for await (const entry of await RdbReader.open(bytes)) {
      if (entry.type !== 'string') continue
      const whole = (await entry.value.collect({bytesMax: 1e6})) as Uint8Array
      const again = await RdbReader.open(bytes)
      for await (const twin of again) {
        if (text(twin.key) !== text(entry.key)) continue
        expect(await twin.value.collect({bytesMax: whole.length})).toEqual(whole)
      }
    }
  })

  it('reads a value once', async () => {
    for await (const entry of await RdbReader.open(between(LONG['list']!))) {
      await entry.value.collect()
      await expect(entry.value.collect()).rejects.toThrow(UsageError)
      await expect(takeOne(entry.value.raw())).rejects.toThrow(UsageError)
      await expect(entry.value.skip()).resolves.toBeUndefined()
    }
  })

  it('tells which way a value is read', async () => {
    for await (const entry of await RdbReader.open(between(LONG['list']!))) {
      if (entry.type === 'string') await expect(takeOne(entry.value.elements())).rejects.toThrow(/chunks\(\)/)
      else await expect(takeOne(entry.value.chunks())).rejects.toThrow(/elements\(\)/)
    }
  })

  it('does not read on in a value whose next entry has been asked for', async () => {
    const reader = new RdbReader(new MemorySource(between(LONG['list']!), 50))
    const entries = reader.entries()
    await entries.next()
    const {value: long} = await entries.next()
    const elements = (long as {value: RdbValue}).value.elements()
    await elements.next()
    const {value: after} = await entries.next()
    await expect(async () => {
      for (;;) if ((await elements.next()).done === true) return
    }).rejects.toThrow(UsageError)
    expect(text((await (after as {value: RdbValue}).value.collect()) as Uint8Array)).toBe('2')
    expect((await entries.next()).done).toBe(true)
  })

  it('hands out keys and values that stay as they are', async () => {
    const {bytes} = fixture('rdb/key-binary-v12.rdb')
    const kept: {key: Uint8Array; copy: Uint8Array}[] = []
    for await (const {key} of new RdbReader(new MemorySource(bytes, 64))) kept.push({key, copy: key.slice()})
    for (const {key, copy} of kept) expect(key).toEqual(copy)
  })

  it('hands out copies also of a Buffer', async () => {
    const buffer = Buffer.from(between(LONG['list']!))
    const kept: Uint8Array[] = []
    for await (const {key, value: of, type} of await RdbReader.open(buffer)) {
      kept.push(key)
      if (type === 'list') for (const element of await of.collect()) kept.push((element as {value: Uint8Array}).value)
    }
    buffer.fill(0)
    expect(kept.map(text)).toEqual(['before', 'long', ...numbers(60), 'after'])
  })

  it('shows what stands between the keys', async () => {
    const reader = await RdbReader.open(fixture('rdb-built/module-aux-v9.rdb').bytes)
    const modules: string[] = []
    for await (const _ of reader.entries({moduleAux: ({module, when}) => modules.push(`${module} ${when}`)}));
    expect(modules).toEqual(['ft_index0 1', 'ReJSON-RL 1', 'ft_index0 2'])
  })

  it('ends with what is known at the end', async () => {
    const {bytes} = fixture('rdb-built/bytes-after-end-v9.rdb')
    const entries = (await RdbReader.open(bytes)).entries()
    let step = await entries.next()
    while (step.done !== true) step = await entries.next()
    expect(step.value).toEqual({checksum: 'ok', bytes: bytes.length - 14, trailingBytes: 14})
  })
})

describe('a reader', () => {
  it('reads its source once, by whichever driver', async () => {
    const {bytes} = fixture('rdb/hash-listpack-v10.rdb')
    const left = new RdbReader(new MemorySource(bytes))
    for await (const _ of left) break
    await expect(left.entries().next()).rejects.toThrow(UsageError)
    const run = new RdbReader(new MemorySource(bytes))
    await run.run({entry: () => SKIP})
    await expect(run.run({entry: () => SKIP})).rejects.toThrow('a reader reads its source once')
  })
})

describe('run', () => {
  it('waits for the visitor between windows', async () => {
    const {bytes} = fixture('rdb/string-int-v12.rdb')
    let waiting = 0
    let drained = 0
    await new RdbReader(new MemorySource(bytes, 100)).run({
      entry: () => SKIP,
      drain: async () => {
        expect(waiting++).toBe(0)
        await new Promise(resolve => setTimeout(resolve, 1))
        waiting--
        drained++
      },
    })
    expect(drained).toBeGreaterThan(bytes.length / 100 - 2)
  })

  it('passes on what a visitor throws, as it is', async () => {
    const thrown = new Error('mine')
    const throwing = new (class extends ValueVisitor {
      override readonly depth = 'elements'
      override item(): void {
        throw thrown
      }
    })()
    const run = new RdbReader(new MemorySource(between(LONG['list']!))).run({entry: () => throwing})
    await expect(run).rejects.toBe(thrown)
  })

  it('says where in the data set an error was met', async () => {
    const record = hex(0xfe, 7, 0xfc, le(8, 1), 1, str('broken'), len(2), str('a'), 0x82)
    const run = new RdbReader(new MemorySource(fileOf(9, [record]))).run({entry: () => SKIP})
    const key = new Uint8Array(Buffer.from('broken'))
    const error = await run.catch((caught: unknown) => caught)
    expect(error).toMatchObject({code: 'BAD_LENGTH', place: {db: 7, type: 'list', recordOffset: 11}})
    expect((error as {place: {key: Uint8Array}}).place.key).toEqual(key)
  })

  it('reports a newer version also when the header was asked for before', async () => {
    const file = fileOf(17, [hex(0, str('k'), str('v'))])
    const problems: Problem[] = []
    const reader = new RdbReader(new MemorySource(file))
    expect(await reader.readHeader()).toEqual({magic: 'REDIS', family: 'redis', rdbVersion: 17})
    await reader.run({entry: () => SKIP, problem: problem => problems.push(problem)})
    expect(problems.map(({code}) => code)).toEqual(['NEWER_VERSION', 'CHECKSUM_ABSENT'])
  })

  it('knows its place in the input', async () => {
    const {bytes} = fixture('rdb/string-int-v12.rdb')
    const reader = new RdbReader(new MemorySource(bytes))
    expect(reader.offset).toBe(0)
    await reader.run({entry: () => SKIP})
    expect(reader.offset).toBe(bytes.length)
    expect(await keysOf(new RdbReader(new MemorySource(bytes)))).toHaveLength(
      fixture('rdb/string-int-v12.rdb').golden.entries.length,
    )
  })
})

describe('stream IDs', () => {
  it('are lent to visitors and spelled out to library users', async () => {
    const seen: StreamId[] = []
    const keeping = new (class extends ValueVisitor {
      override readonly depth = 'elements'
      override streamEntry(id: StreamId): void {
        seen.push(id)
      }
    })()
    const file = fileOf(9, [hex(15, str('s'), STREAM.bytes)])
    await new RdbReader(new MemorySource(file)).run({entry: () => keeping})
    expect(new Set(seen).size).toBe(1)
    expect(seen[0]).toBeInstanceOf(StreamId)
    for await (const entry of await RdbReader.open(file)) {
      const all = (await entry.value.collect()) as RdbElement[]
      const ids = all.flatMap(one => (one.kind === 'streamEntry' ? [one.id] : []))
      expect([ids.length, new Set(ids).size]).toEqual([40, 40])
    }
  })
})
