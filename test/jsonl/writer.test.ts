/** JSON lines of every fixture against its golden, and of texts that are hard to write down. */
import {isUtf8} from 'node:buffer'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {ByteOutput} from '../../src/bytes/output.js'
import {MemoryTarget} from '../../src/bytes/target.js'
import {MemorySource, openFile, RdbReader} from '../../src/index.js'
import {Base64Stream, writeBase64, writeJsonBytes, writeJsonInteger, writeJsonScore} from '../../src/jsonl/text.js'
import {hex, lzfRun, str} from '../fixtures/builder.js'
import {distinct, fixture, type GoldenEntry, REFUSED, readable} from '../reading/fixtures.js'
import {bytesOf, goldenOf, jsonOf, jsonOfRdb, type Line} from '../reading/json-lines.js'
import {withLimits} from '../reading/pieces.js'
import {dangerousIn} from '../start/screen.js'

const linesOf = (text: string): Line[] =>
  text
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))

/** Text that is the same for equal values, whatever the order of their names. */
function canonical(one: unknown): string {
  return JSON.stringify(one, (_, part: unknown) => {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}

/** In an order of their own: keys may stand twice, and skiplists lie in the file from the top. */
function comparable(entries: readonly GoldenEntry[]): unknown[] {
  return entries
    .map(({rdbType: _, count: __, ...entry}) => {
      const {type, value} = entry
      return canonical({...entry, value: type === 'zset' ? (value as unknown[]).map(canonical).sort() : value})
    })
    .sort()
}

describe.each(readable.map(one => [one.name, one] as const))('%s', (_, {path, bytes, golden}) => {
  it('is the same out of a file, whose windows lie where the kernel writes nodes down whole', async () => {
    const reader = new RdbReader(await openFile(path), {ignoreChecksum: true})
    expect(await jsonOf(reader)).toBe(await jsonOfRdb(new MemorySource(bytes)))
  })

  it('is written as its golden says', async () => {
    const [first, ...lines] = linesOf(await jsonOfRdb(new MemorySource(bytes)))
    const entries = lines.filter(({key}) => key !== undefined).map(goldenOf)
    expect(comparable(entries)).toEqual(comparable(golden.entries))
    const functions = lines.filter(line => line.function !== undefined)
    expect(functions.map(line => bytesOf(line.function).toString()).toSorted()).toEqual(
      (golden.functions as string[]).toSorted(),
    )
    const {product} = golden.meta
    // Redict calls itself redis in its files.
    if (product !== undefined) expect(first?.meta?.product).toBe(product === 'redict' ? 'redis' : product)
    for (const {type, count, value} of lines) {
      if (type === 'string') expect(count).toBe(bytesOf(value).length)
      else if (count !== undefined) expect(count).toBe(value.length)
    }
  })
})

describe.each(distinct.map(one => [one.name, one] as const))('%s', (name, {bytes}) => {
  it('is the same whatever the windows, and as one array', async () => {
    if (name === REFUSED) return
    const whole = await jsonOfRdb(new MemorySource(bytes))
    for (const window of bytes.length > 2000 ? [7, 4096] : [1, 2, 3, 7, 4096]) {
      expect(await jsonOfRdb(new MemorySource(bytes, window)), `windows of ${window}`).toBe(whole)
    }
    expect(JSON.parse(await jsonOfRdb(new MemorySource(bytes), 'json'))).toEqual(linesOf(whole))
    expect(dangerousIn(whole, '\n')).toEqual([])
  })
})

function written(write: (out: ByteOutput) => void): string {
  const target = new MemoryTarget()
  const out = new ByteOutput(target)
  write(out)
  out.flush()
  return Buffer.from(target.view()).toString('latin1')
}

const jsonBytes = (bytes: Uint8Array, at = 0): string =>
  written(out => writeJsonBytes(out, Buffer.concat([Buffer.alloc(at), bytes, Buffer.from('"')]), at, at + bytes.length))

/** One of the pieces in which long bytes are written. */
const PIECE = 16 * 1024

describe('bytes', () => {
  it('of text are text, any others base64: random ones', () => {
    const text = fc.string({unit: 'binary'}).map(one => Buffer.from(one, 'utf8'))
    const any = fc.uint8Array({maxLength: 40}).map(one => Buffer.from(one))
    fc.assert(
      fc.property(fc.oneof(text, any, fc.tuple(text, any).map(Buffer.concat)), bytes => {
        const json = JSON.parse(Buffer.from(jsonBytes(bytes, 3), 'latin1').toString('utf8'))
        expect(bytesOf(json).equals(bytes)).toBe(true)
        expect(typeof json === 'string').toBe(Buffer.from(bytes.toString('utf8')).equals(bytes))
      }),
      {numRuns: 2000},
    )
  })

  it('every character of one and two units, and every pair of bytes from 0x80 on', () => {
    const points = Array.from({length: 0x11000}, (_, point) => point).filter(one => one < 0xd800 || one >= 0xe000)
    for (let start = 0; start < points.length; start += 1000) {
      const text = String.fromCodePoint(...points.slice(start, start + 1000))
      expect(JSON.parse(Buffer.from(jsonBytes(Buffer.from(text)), 'latin1').toString())).toBe(text)
    }
    const out = new ByteOutput(new MemoryTarget())
    for (let pair = 0x8000; pair < 0x10000; pair++) {
      const bytes = Buffer.from([pair >> 8, pair & 0xff])
      out.at = 0
      writeJsonBytes(out, bytes, 0, 2)
      if ((out.bytes[0] === 0x22) !== isUtf8(bytes)) expect.fail(`${pair}`)
    }
  })

  it.each([PIECE - 1, PIECE, PIECE + 1, 5 * PIECE + 1])(
    'long ones of about %i bytes are cut between characters',
    length => {
      for (const text of ['a', 'é', '\u0001', '鍵', '🔑', '"'].map(one => 'x'.repeat(5) + one.repeat(length))) {
        const bytes = Buffer.from(text)
        expect(JSON.parse(Buffer.from(jsonBytes(bytes), 'latin1').toString())).toBe(text)
        const broken = Buffer.concat([bytes, Buffer.from([0xff])])
        expect(bytesOf(JSON.parse(jsonBytes(broken))).equals(broken)).toBe(true)
      }
    },
  )

  it('base64 of any length, whole and in pieces', () => {
    fc.assert(
      fc.property(fc.uint8Array({maxLength: 100}), fc.array(fc.nat(100)), (bytes, cuts) => {
        const expected = Buffer.from(bytes).toString('base64')
        expect(written(out => writeBase64(out, bytes, 0, bytes.length))).toBe(expected)
        const stream = new Base64Stream()
        const pieces = written(out => {
          let start = 0
          for (const cut of [...cuts.filter(one => one <= bytes.length).sort((a, b) => a - b), bytes.length]) {
            stream.push(out, bytes, start, cut)
            start = cut
          }
          stream.finish(out)
        })
        expect(pieces).toBe(expected)
      }),
    )
    const large = new Uint8Array(500_000).map((_, i) => i * 7)
    expect(written(out => writeBase64(out, large, 0, large.length))).toBe(Buffer.from(large).toString('base64'))
  })
})

describe('numbers', () => {
  it.each([
    [0, '0'],
    [-1, '-1'],
    [2 ** 53 - 1, '9007199254740991'],
    [-(2 ** 53) + 1, '-9007199254740991'],
    [2n ** 53n, '"9007199254740992"'],
    [-(2n ** 63n), '"-9223372036854775808"'],
  ])('the integer %s', (value, text) => {
    expect(written(out => writeJsonInteger(out, value))).toBe(text)
  })

  it.each([
    [-0, '"-0"'],
    [Number.POSITIVE_INFINITY, '"inf"'],
    [Number.NEGATIVE_INFINITY, '"-inf"'],
    [Number.NaN, '"nan"'],
    [1.5, '1.5'],
    [3e100, '3e+100'],
  ])('the score %s', (score, text) => {
    expect(written(out => writeJsonScore(out, score))).toBe(text)
  })

  it('any finite score reads back to itself, in as few digits as JavaScript needs', () => {
    const decimal = fc.tuple(fc.maxSafeInteger(), fc.nat(9)).map(([digits, point]) => digits / 10 ** point)
    fc.assert(
      fc.property(fc.oneof(fc.double({noNaN: true, noDefaultInfinity: true}), decimal), score => {
        const text = written(out => writeJsonScore(out, score))
        expect(Object.is(Number(JSON.parse(text)), score)).toBe(true)
        if (Object.is(score, -0)) return
        const digitsOf = (number: string): string => number.replace(/e.*|[-.]/g, '').replace(/^0+|0+$/g, '')
        if (!Number.isInteger(score)) expect(digitsOf(text)).toBe(digitsOf(String(score)))
      }),
      {numRuns: 5000},
    )
  })
})

describe('a string value longer than the window', () => {
  const file = (value: Buffer): Uint8Array =>
    new Uint8Array(hex(Buffer.from('REDIS0009'), 0, str('key'), value, 0xff, Buffer.alloc(8)))

  it('is text where it is one, and base64 beyond a bound whatever it is', async () => {
    const text = 'wörter '.repeat(3000)
    for (const window of [7, 4096, 1e6]) {
      const source = (): MemorySource => new MemorySource(file(str(text)), window)
      const [, line] = linesOf(await jsonOfRdb(source()))
      expect(line?.value).toBe(text)
      const bounded = await withLimits({jsonTextBytesMax: 20_000}, () => jsonOfRdb(source()))
      expect(bytesOf(linesOf(bounded)[1]?.value).toString()).toBe(text)
      expect(bounded).toContain('{"base64":"')
    }
  })

  it('also one that is compressed', async () => {
    for (const window of [7, 4096]) {
      const [, line] = linesOf(await jsonOfRdb(new MemorySource(file(lzfRun(97, 300_000)), window)))
      expect(line?.value).toBe('a'.repeat(300_000))
    }
  })
})

it('aux fields that follow keys, and scripts, keep their place', async () => {
  const record = hex(0, str('a'), str('b'))
  const aux = (name: string, value: Buffer | string): Buffer => hex(0xfa, str(name), str(value))
  const file = hex(
    Buffer.from('REDIS0009'),
    aux('redis-ver', '6.2.1'),
    record,
    aux('lua', 'return 1'),
    aux('x', hex(0xff)),
    0xff,
  )
  const lines = linesOf(await jsonOfRdb(new MemorySource(new Uint8Array(hex(file, Buffer.alloc(8))))))
  expect(lines).toEqual([
    {meta: {product: 'redis', serverVersion: '6.2.1', rdbVersion: 9, aux: {'redis-ver': '6.2.1'}}},
    {db: 0, key: 'a', type: 'string', count: 1, value: 'b'},
    {script: 'return 1'},
    {aux: {x: {base64: '/w=='}}},
  ])
})

it('a file without keys still tells where it comes from', async () => {
  const lines = linesOf(await jsonOfRdb(new MemorySource(fixture('rdb/empty-v80.rdb').bytes)))
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatchObject({meta: {product: 'valkey', rdbVersion: 80}})
})
