import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {LentBytes} from '../../src/bytes/lent.js'
import {ZipmapBuilder, ZipmapWalker, zipmapCount} from '../../src/encoding/zipmap.js'
import {FormatError} from '../../src/errors.js'
import {cutsNotRefused, flipEveryByte, fromHex, isRefused, latin1, readWithin, textOf, toHex} from './damage.js'

type Pair = [field: string, value: string, free?: number]

const vectors: {name: string; hex: string; pairs: Pair[]}[] = [
  {name: 'empty', hex: '00 ff', pairs: []},
  {name: 'one field', hex: '01 0161 020078 79 ff', pairs: [['a', 'xy']]},
  {
    name: 'two fields, free bytes behind the first',
    hex: '02 03666f6f 0303626172 000000 05 68656c6c6f 05 00 776f726c64 ff',
    pairs: [
      ['foo', 'bar', 3],
      ['hello', 'world'],
    ],
  },
  {name: 'an empty field and an empty value', hex: '01 00 00 00 ff', pairs: [['', '']]},
  {name: 'integers, which are text here', hex: '01 0131 0300 2d3037 ff', pairs: [['1', '-07']]},
]

const walker = new ZipmapWalker()
const builder = new ZipmapBuilder()
const field = new LentBytes(0)
const value = new LentBytes(1)

function read(bytes: Uint8Array, start = 0, end = bytes.length): [string, string][] {
  walker.open(bytes, start, end, 1000)
  const pairs: [string, string][] = []
  while (walker.next(field, value)) pairs.push([textOf(field), textOf(value)])
  return pairs
}

function build(pairs: readonly Pair[]): Uint8Array {
  builder.reset()
  for (const [name, text, free] of pairs) {
    builder.append(latin1(name), 0, name.length, latin1(text), 0, text.length, free)
  }
  const size = builder.blobBytes
  const blob = builder.finish()
  expect(blob.length).toBe(size)
  return blob.slice()
}

describe.each(vectors)('zipmap: $name', ({hex, pairs}) => {
  const blob = fromHex(hex)

  it('writes', () => expect(toHex(build(pairs))).toBe(toHex(blob)))

  it('reads', () => {
    expect(readWithin(blob, read)).toEqual(pairs.map(([name, text]) => [name, text]))
    expect(zipmapCount(blob, 0, 1)).toBe(pairs.length)
  })

  it('refuses every truncation', () => expect(cutsNotRefused(blob, read)).toEqual([]))

  it('survives every changed byte', () => {
    expect(flipEveryByte(blob, read).refused).toBeGreaterThan(0)
  })
})

describe('zipmap: lengths', () => {
  // One reader in the wild takes 253 for the long form, and reads it big-endian.
  it.each([
    [253, 'fd'],
    [254, 'fefe000000'],
    [255, 'feff000000'],
    [300, 'fe2c010000'],
  ])('%i bytes', (length, header) => {
    const text = 'x'.repeat(length)
    const blob = build([
      [text, 'v'],
      ['f', text],
    ])
    expect(toHex(blob.subarray(1, 1 + header.length / 2))).toBe(header)
    expect(read(blob)).toEqual([
      [text, 'v'],
      ['f', text],
    ])
    flipEveryByte(blob, read)
  })
})

describe('zipmap: counts', () => {
  it.each([253, 254, 255, 1000])('%i fields', count => {
    const pairs = Array.from({length: count}, (_, i): Pair => [`f${i}`, String(i)])
    const blob = build(pairs)
    expect(blob[0]).toBe(Math.min(count, 254))
    expect(read(blob)).toEqual(pairs)
    expect(walker.count).toBe(count < 254 ? count : -1)
  })

  it('an unknown count need not be 254', () => expect(read(fromHex('ff 0161 010078 ff'))).toEqual([['a', 'x']]))
})

describe('zipmap: what is refused', () => {
  it.each([
    ['nothing', ''],
    ['no end mark', '00 00'],
    ['a count too high', '02 0161 010078 ff'],
    ['a count too low', '00 0161 010078 ff'],
    ['a field without a value', '01 0161 ff'],
    ['a field that runs past the end', '01 0561 010078 ff'],
    ['a value that runs past the end', '01 0161 050078 ff'],
    ['free bytes that run past the end', '01 0161 010578 ff'],
    ['an end mark before the end', '01 ff 0161 010078 ff'],
    ['an end mark in place of a value', '01 0161 ff0078 ff'],
    ['a length of nearly 2^32', '01 feffffffff 61 010078 ff'],
  ])('%s', (_, hex) => expect(isRefused(fromHex(hex), read)).toBe(true))

  it('names the byte, and the offset where it is known', () => {
    const blob = fromHex('01 0161 ff0078 ff')
    for (const [exact, offset] of [
      [false, 1000],
      [true, 1003],
    ] as const) {
      walker.open(blob, 0, blob.length, 1000, exact)
      expect(() => walker.next(field, value)).toThrow(expect.objectContaining({code: 'BAD_ZIPMAP', offset}))
    }
  })
})

describe('zipmap: any fields', () => {
  const text = fc.uint8Array({maxLength: 300}).map(bytes => Buffer.from(bytes).toString('latin1'))
  const pair = fc.tuple(text, text, fc.integer({min: 0, max: 255}))

  it('come back as they were', () => {
    fc.assert(
      fc.property(fc.array(pair, {maxLength: 30}), pairs => {
        expect(readWithin(build(pairs), read)).toEqual(pairs.map(([name, value]) => [name, value]))
      }),
    )
  })

  it('are refused or read when anything is changed', () => {
    fc.assert(
      fc.property(fc.array(pair, {maxLength: 8}), fc.nat(), fc.integer({min: 1, max: 255}), (pairs, at, bits) => {
        const blob = build(pairs)
        blob[at % blob.length]! ^= bits
        try {
          readWithin(blob, read)
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError)
        }
      }),
      {numRuns: 500},
    )
  })
})
