import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {RoaringReader, writeRoaring} from '../../src/encoding/roaring.js'
import {FormatError} from '../../src/errors.js'
import {cutsNotRefused, flipEveryByte, fromHex, isRefused, readWithin, toHex} from './damage.js'

const ANY_BYTES = 2 ** 50

function range(start: number, end: number, step = 1): number[] {
  return Array.from({length: Math.ceil((end - start) / step)}, (_, i) => start + i * step)
}

/** The bytes of the small vectors follow RoaringFormatSpec by hand; the large ones are known by their heads. */
const vectors: {name: string; bits: number[]; runs?: boolean; head: string; bytes: number}[] = [
  {name: 'empty', bits: [], head: '0000000000000000', bytes: 8},
  {
    name: 'one bit',
    bits: [5],
    head: '0100000000000000 00000000 3a300000 01000000 0000 0000 10000000 0500',
    bytes: 30,
  },
  {
    name: 'one run',
    bits: range(10, 100),
    runs: true,
    head: '0100000000000000 00000000 3b300000 01 0000 5900 0100 0a00 5900',
    bytes: 27,
  },
  {
    name: 'two containers, one of them a run, no offsets',
    bits: [7, ...range(65536, 65636)],
    runs: true,
    head: '0100000000000000 00000000 3b300100 02 0000 0000 0100 6300 0700 0100 0000 6300',
    bytes: 33,
  },
  {
    name: 'four containers with runs, hence offsets',
    bits: [...range(0, 50), 65536, 131072, 196608],
    runs: true,
    head: `0100000000000000 00000000 3b300300 01 0000 3100 0100 0000 0200 0000 0300 0000
      25000000 2b000000 2d000000 2f000000 0100 0000 3100 0000 0000 0000`,
    bytes: 61,
  },
  {
    name: 'the largest array',
    bits: range(0, 8192, 2),
    head: '0100000000000000 00000000 3a300000 01000000 0000 ff0f 10000000 0000 0200 0400',
    bytes: 28 + 8192,
  },
  {
    name: 'the smallest bitset',
    bits: range(0, 8194, 2),
    head: '0100000000000000 00000000 3a300000 01000000 0000 0010 10000000 5555',
    bytes: 28 + 8192,
  },
  {
    name: 'a whole container as a run',
    bits: range(65536, 131072),
    runs: true,
    head: '0100000000000000 00000000 3b300000 01 0100 ffff 0100 0000 ffff',
    bytes: 27,
  },
  {
    name: 'two buckets',
    bits: [1, 2 ** 32 + 65536],
    head: `0200000000000000 00000000 3a300000 01000000 0000 0000 10000000 0100
      01000000 3a300000 01000000 0100 0000 10000000 0000`,
    bytes: 52,
  },
]

const read = (bytes: Uint8Array, start: number, end: number) => new RoaringReader(bytes, start, end, 1000, ANY_BYTES)

function bitsOf(bitmap: RoaringReader): number[] {
  const bits: number[] = []
  bitmap.visit(bit => bits.push(bit))
  return bits
}

/** Bytes [from, to) of the string that has these bits. */
function stringOf(bits: readonly number[], from: number, to: number): Uint8Array {
  const out = new Uint8Array(to - from)
  for (const bit of bits) {
    const byte = Math.floor(bit / 8)
    if (byte >= from && byte < to) out[byte - from]! |= 0x80 >> (bit % 8)
  }
  return out
}

function inPieces(bitmap: RoaringReader, bytes: number, pieceBytes: number): string {
  const piece = new Uint8Array(pieceBytes).fill(0xaa)
  let hex = ''
  for (let from = 0; from < bytes; from += pieceBytes) {
    const to = Math.min(from + pieceBytes, bytes)
    bitmap.expand(from, to, piece)
    hex += toHex(piece.subarray(0, to - from))
  }
  return hex
}

describe.each(vectors)('roaring: $name', ({bits, runs, head, bytes}) => {
  const blob = writeRoaring(bits, runs)

  it('writes', () => {
    const start = fromHex(head)
    expect(toHex(blob.subarray(0, start.length))).toBe(toHex(start))
    expect(blob.length).toBe(bytes)
  })

  it('reads', () => {
    const bitmap = readWithin(blob, (window, start, end) => read(window.slice(), start, end))
    expect(bitmap.cardinality).toBe(bits.length)
    expect(bitsOf(bitmap)).toEqual(bits)
    expect(bitsOf(bitmap)).toEqual(bits)
  })

  it('expands, whole and in pieces', () => {
    const bitmap = read(blob, 0, blob.length)
    const size = Math.min((bits.at(-1) ?? 0) + 1, 400_000)
    const stringBytes = Math.ceil(size / 8) + 3
    const expected = toHex(stringOf(bits, 0, stringBytes))
    for (const pieceBytes of [stringBytes, 8192, 1000, 8193]) {
      expect(inPieces(bitmap, stringBytes, pieceBytes)).toBe(expected)
    }
  })

  it('refuses every truncation', () => {
    const cut = blob.length > 100 ? [...range(0, 60), blob.length - 1] : range(0, blob.length)
    for (const size of cut) expect(isRefused(blob.slice(0, size), read)).toBe(true)
    if (blob.length <= 100) expect(cutsNotRefused(blob, read)).toEqual([])
  })

  it('survives every changed byte', () => {
    const all = (...at: [Uint8Array, number, number]) => {
      const bitmap = read(...at)
      const out = new Uint8Array(20_000)
      bitmap.expand(0, 20_000, out)
      return bitmap
    }
    expect(flipEveryByte(blob, all).refused).toBeGreaterThan(0)
  })
})

describe('roaring: far away', () => {
  it('expands a piece of a huge string', () => {
    const bits = [3, 2 ** 40, 2 ** 40 + 9, 2 ** 50 + 65535]
    const blob = writeRoaring(bits)
    const bitmap = read(blob, 0, blob.length)
    expect(bitsOf(bitmap)).toEqual(bits)
    for (const at of [2 ** 47 + 8191, 2 ** 37, 0]) {
      const out = new Uint8Array(2)
      bitmap.expand(at, at + 2, out)
      expect(toHex(out)).toBe(toHex(stringOf(bits, at, at + 2)))
    }
  })

  it('refuses bits beyond the string', () => {
    const blob = writeRoaring([15, 16])
    expect(new RoaringReader(blob, 0, blob.length, 0, 3).cardinality).toBe(2)
    expect(() => new RoaringReader(blob, 0, blob.length, 77, 2)).toThrow(
      expect.objectContaining({code: 'BAD_BITMAP', offset: 77}),
    )
  })
})

describe('roaring: what is refused', () => {
  const one = '0100000000000000 00000000'
  it.each([
    ['nothing', ''],
    ['more buckets than bytes', 'ffffffff00000000'],
    ['more buckets than memory', 'ffffffffffffffff 00000000 3a300000 00000000'],
    ['a cookie nobody knows', `${one} 3c300000 01000000 0000 0000 10000000 0500`],
    ['a plain cookie with high bits', `${one} 3a300100 01000000 0000 0000 10000000 0500`],
    ['more containers than there can be', `${one} 3a300000 01000100`],
    ['containers of 2^32 - 1', `${one} 3a300000 ffffffff 0000 0000`],
    ['an offset that is wrong', `${one} 3a300000 01000000 0000 0000 11000000 0500`],
    ['bits out of order', `${one} 3a300000 01000000 0000 0100 10000000 0500 0400`],
    ['a bit twice', `${one} 3a300000 01000000 0000 0100 10000000 0500 0500`],
    ['containers out of order', `${one} 3a300000 02000000 0100 0000 0000 0000 18000000 1a000000 0500 0400`],
    ['buckets out of order', `0200000000000000 ${'01000000 3a300000 01000000 0000 0000 10000000 0500'.repeat(2)}`],
    ['runs that overlap', `${one} 3b300000 01 0000 0700 0200 0000 0300 0300 0300`],
    ['a run beyond its container', `${one} 3b300000 01 0000 0100 0100 ffff 0100`],
    ['runs that are not as many bits as claimed', `${one} 3b300000 01 0000 0700 0100 0000 0600`],
    ['more runs than bytes', `${one} 3b300000 01 0000 0700 ffff 0000 0600`],
    ['bytes left over', `${one} 3a300000 01000000 0000 0000 10000000 0500 00`],
    ['bits beyond 2^53', '0100000000000000 00002000 3a300000 01000000 0000 0000 10000000 0500'],
  ])('%s', (_, hex) => expect(isRefused(fromHex(hex), read)).toBe(true))

  it('a bitset whose bits are not as many as claimed', () => {
    const blob = writeRoaring(range(0, 10_000))
    blob[blob.length - 1] = 1
    expect(isRefused(blob, read)).toBe(true)
  })

  it('takes a bucket of no containers', () => {
    expect(isRefused(fromHex(`${one} 3a300000 00000000`), read)).toBe(false)
  })
})

describe('roaring: any bits', () => {
  const bit = fc.oneof(
    fc.integer({min: 0, max: 300}),
    fc.integer({min: 60_000, max: 70_000}),
    fc.nat(),
    fc.integer({min: 0, max: 2 ** 40}),
  )
  const span = fc.tuple(bit, fc.integer({min: 1, max: 5000}))
  const bits = fc
    .tuple(fc.array(bit, {maxLength: 100}), fc.array(span, {maxLength: 3}))
    .map(([single, spans]) => [...new Set([...single, ...spans.flatMap(([at, n]) => range(at, at + n))])])
    .map(all => all.toSorted((a, b) => a - b))

  it('come back as they were', () => {
    fc.assert(
      fc.property(bits, fc.boolean(), (all, runs) => {
        expect(bitsOf(readWithin(writeRoaring(all, runs), (...at) => read(at[0].slice(), at[1], at[2])))).toEqual(all)
      }),
    )
  })

  it('expand to the same string in any pieces', () => {
    const pieces = fc.array(fc.tuple(fc.integer({min: 0, max: 30_000}), fc.integer({min: 1, max: 20_000})), {
      maxLength: 8,
    })
    fc.assert(
      fc.property(bits, fc.boolean(), pieces, (all, runs, asked) => {
        const blob = writeRoaring(all, runs)
        const bitmap = read(blob, 0, blob.length)
        for (const [from, size] of asked) {
          const out = new Uint8Array(size)
          bitmap.expand(from, from + size, out)
          expect(Buffer.from(out).equals(stringOf(all, from, from + size))).toBe(true)
        }
      }),
    )
  })

  it('are refused or read when anything is changed', () => {
    const change = fc.tuple(fc.nat(), fc.integer({min: 1, max: 255}))
    fc.assert(
      fc.property(bits, fc.boolean(), fc.array(change, {maxLength: 3}), (all, runs, changes) => {
        const blob = writeRoaring(all, runs)
        for (const [at, xor] of changes) blob[at % Math.min(blob.length, 80)]! ^= xor
        try {
          read(blob, 0, blob.length)
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError)
        }
      }),
      {numRuns: 300},
    )
  })
})
