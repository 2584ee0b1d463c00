/** Damage inside a value whose framing is whole: a visitor that wants to reads on behind it. */
import {describe, expect, it} from 'vitest'
import {
  type Depth,
  type Entry,
  type EntryVisitor,
  type FormatError,
  MemorySource,
  RdbReader,
  ValueVisitor,
} from '../../src/index.js'
import {intset, listpack, ziplist, zipmap} from '../fixtures/blobs.js'
import {hex, len, lzfStr, str} from '../fixtures/builder.js'
import * as value from '../fixtures/values.js'
import {fileOf, SAMPLES} from '../reading/samples.js'
import {isReaderError} from '../reading/transcript.js'

const AFTER = hex(0, str('after'), str('sound'))
const WINDOWS = [1, 3, 4096]

/** Notes keys, how their values ended, and damage. */
class NotingVisitor extends ValueVisitor implements EntryVisitor {
  readonly seen: string[] = []
  items = 0

  constructor(readonly depth: Depth) {
    super()
  }

  entry(entry: Entry): ValueVisitor {
    this.seen.push(`key ${Buffer.from(entry.key()).toString('latin1')}`)
    return this
  }

  damage(error: FormatError, entry: Entry): void {
    this.seen.push(`damage ${error.code} in ${entry.type}`)
  }

  override item(): void {
    this.items++
  }

  override field(): void {
    this.items++
  }

  override end(entry: Entry): void {
    this.seen.push(`end at ${entry.endOffset}`)
  }
}

async function note(file: Uint8Array, depth: Depth, windowBytes: number): Promise<NotingVisitor> {
  const visitor = new NotingVisitor(depth)
  await new RdbReader(new MemorySource(file, windowBytes)).run(visitor)
  return visitor
}

const withoutEnd = (blob: Buffer): Buffer => Buffer.from([...blob.subarray(0, -1), 0])
const wide = (blob: Buffer): Buffer => Buffer.from([3, ...blob.subarray(1)])
/** A back reference to before the first byte. */
const badLzf = (length: number): Buffer => lzfStr(hex(0x00, 0x61, 0x3f, 0xff, 0x00, 0x62), length)

const badNode = withoutEnd(value.streamNode(['a'], [{diff: [0, 0], values: ['1']}]))
const stream = value.stream(3, {
  nodes: [{id: '5-1', listpack: badNode}],
  entries: [],
  lastId: '5-1',
  firstId: '5-1',
  groups: [],
}).bytes

const CASES: [name: string, version: number, typeId: number, bytes: Buffer, code: string][] = [
  ['string, compressed', 9, 0, badLzf(8), 'BAD_LZF'],
  ['hash listpack', 10, 16, str(withoutEnd(listpack(['f', 'v']))), 'BAD_LISTPACK'],
  ['hash listpack of unknown count', 10, 16, str(withoutEnd(listpack(['f', 'v'], {count: 65_535}))), 'BAD_LISTPACK'],
  ['hash listpack, compressed badly', 10, 16, badLzf(12), 'BAD_LZF'],
  ['zset ziplist', 9, 12, str(withoutEnd(ziplist(['a', 1]))), 'BAD_ZIPLIST'],
  ['zipmap', 2, 9, str(withoutEnd(zipmap([['f', 'v']]))), 'BAD_ZIPMAP'],
  ['zipmap of unknown count', 2, 9, str(withoutEnd(zipmap([['f', 'v']], {count: 254}))), 'BAD_ZIPMAP'],
  ['intset', 2, 11, str(wide(intset(2, [1, 2]))), 'BAD_INTSET'],
  ['odd listpack', 10, 17, str(listpack(['a'])), 'BAD_COUNT'],
  ['score of letters', 10, 17, str(listpack(['a', 'b'])), 'BAD_SCORE'],
  ['stream', 11, 21, stream, 'BAD_STREAM|BAD_LISTPACK'],
  ['bitmap', 16, 33, hex(len(3), str('no bitmap')), 'BAD_BITMAP'],
]

describe.each(CASES)('a damaged %s', (_name, version, typeId, bytes, code) => {
  const file = fileOf(version, [hex(typeId, str('key'), bytes), AFTER])
  const end = 9 + 1 + 4 + bytes.length

  it.each(WINDOWS)('is told, and the next key is read, in windows of %i', async windowBytes => {
    const {seen} = await note(file, 'elements', windowBytes)
    expect(seen[1]).toMatch(new RegExp(`^damage (${code}) in `))
    expect([seen[0], ...seen.slice(2)]).toEqual([
      'key key',
      `end at ${end}`,
      'key after',
      `end at ${end + AFTER.length}`,
    ])
  })

  it('ends the reading of a visitor that does not want to go on', async () => {
    const error = await new RdbReader(new MemorySource(file))
      .run({entry: () => new NotingVisitor('elements')})
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({name: 'FormatError', place: {db: 0}})
  })

  it('is passed over unseen at depth skip and raw', async () => {
    for (const depth of ['skip', 'raw'] as const) {
      const {seen} = await note(file, depth, 3)
      expect(seen).toEqual(['key key', `end at ${end}`, 'key after', `end at ${end + AFTER.length}`])
    }
  })
})

describe('a value of many parts', () => {
  it.each(WINDOWS)('keeps what came before the damage, in windows of %i', async windowBytes => {
    const hash = hex(len(3), str('a'), str('1'), str('b'), badLzf(8), str('c'), str('3'))
    const list = hex(
      len(3),
      len(2),
      str(listpack(['x', 'y'])),
      len(2),
      str(withoutEnd(listpack(['z']))),
      len(1),
      str('w'),
    )
    const file = fileOf(11, [hex(4, str('h'), hash), hex(18, str('l'), list), AFTER])
    const visitor = await note(file, 'elements', windowBytes)
    expect(visitor.seen.filter(line => !line.startsWith('end'))).toEqual([
      'key h',
      'damage BAD_LZF in hash',
      'key l',
      'damage BAD_LISTPACK in list',
      'key after',
    ])
    expect(visitor.items).toBe(3)
  })

  it.each(WINDOWS)('streams a long string up to the damage, in windows of %i', async windowBytes => {
    const long = lzfStr(hex(Buffer.from('00610020'.repeat(1), 'hex'), Buffer.alloc(30_000, 0xff)), 2_000_000)
    const file = fileOf(9, [hex(0, str('s'), long), AFTER])
    const {seen} = await note(file, 'elements', windowBytes)
    expect(seen.filter(line => !line.startsWith('end'))).toEqual(['key s', 'damage BAD_LZF in string', 'key after'])
  })

  it('is lost with its framing', async () => {
    const file = fileOf(11, [hex(18, str('l'), len(1), len(3), str('x')), AFTER])
    const error = await note(file, 'elements', 4096).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({code: 'BAD_LISTPACK'})
  })
})

describe.each(SAMPLES.map(sample => [sample.name, sample] as const))('%s, each byte flipped', (_name, sample) => {
  it('reads the same in all windows', async () => {
    for (let at = sample.valueOffset; at < Math.min(sample.endOffset, sample.valueOffset + 400); at++) {
      const file = Uint8Array.from(sample.bytes)
      file[at]! ^= 0x81
      const outcomes = await Promise.all(
        WINDOWS.map(async windowBytes => {
          const visitor = new NotingVisitor('elements')
          try {
            await new RdbReader(new MemorySource(file, windowBytes)).run(visitor)
          } catch (error) {
            if (!isReaderError(error)) throw error
            visitor.seen.push(`${error.name} at ${error.offset}`)
          }
          return visitor.seen
        }),
      )
      for (const outcome of outcomes) expect(outcome, `byte ${at}`).toEqual(outcomes[0])
    }
  })
})

describe('a framing that is lost', () => {
  const broken = str(withoutEnd(listpack(['a', '1'])))
  it.each<[string, Uint8Array, string[], object]>([
    ['is thrown, and not told as damage too', hex(18, str('k'), len(1), len(3), str('x')), [], {code: 'BAD_LISTPACK'}],
    [
      'does not hide damage before it',
      hex(18, str('k'), len(2), len(2), broken, len(3), str('x')),
      ['damage BAD_LISTPACK in list'],
      {code: 'BAD_LISTPACK', message: /container 3/},
    ],
    [
      'nor does the end of the input',
      hex(18, str('k'), len(2), len(2), broken, len(2), len(100)),
      ['damage BAD_LISTPACK in list'],
      {code: 'TRUNCATED'},
    ],
  ])('%s', async (_, record, told, thrown) => {
    for (const window of WINDOWS) {
      const visitor = new NotingVisitor('elements')
      const file = fileOf(10, [record])
      const run = new RdbReader(new MemorySource(file, window)).run(visitor)
      await expect(run).rejects.toMatchObject(thrown)
      expect(visitor.seen).toEqual(['key k', ...told])
    }
  })
})
