import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {IntsetBuilder, IntsetWalker, intsetCount} from '../../src/encoding/intset.js'
import {FormatError} from '../../src/errors.js'
import {cutsNotRefused, flipEveryByte, fromHex, isRefused, latin1, readWithin, textsOf, toHex} from './damage.js'

/** Written by servers: a builder makes the same bytes. */
const vectors = [
  {name: 'empty', hex: '02000000 00000000', members: []},
  {name: '1 2 3', hex: '02000000 03000000 0100 0200 0300', members: [1n, 2n, 3n]},
  {name: 'int16 edges', hex: '02000000 02000000 0080 ff7f', members: [-32768n, 32767n]},
  {name: 'int16 overflow', hex: '04000000 01000000 00800000', members: [32768n]},
  {name: 'int16 underflow', hex: '04000000 01000000 ff7fffff', members: [-32769n]},
  {name: '-70000 and 1', hex: '04000000 02000000 90eefeff 01000000', members: [-70000n, 1n]},
  {name: 'int32 edges', hex: '04000000 02000000 00000080 ffffff7f', members: [-(2n ** 31n), 2n ** 31n - 1n]},
  {name: 'int32 overflow', hex: '08000000 01000000 0000008000000000', members: [2n ** 31n]},
  {name: 'int32 underflow', hex: '08000000 01000000 ffffff7fffffffff', members: [-(2n ** 31n) - 1n]},
  {name: '1 and 5000000000', hex: '08000000 02000000 0100000000000000 00f2052a01000000', members: [1n, 5000000000n]},
  {
    name: 'int64 edges',
    hex: '08000000 03000000 0000000000000080 0100000000002000 ffffffffffffff7f',
    members: [-(2n ** 63n), 2n ** 53n + 1n, 2n ** 63n - 1n],
  },
]

const walker = new IntsetWalker()
const builder = new IntsetBuilder()

function read(bytes: Uint8Array, start = 0, end = bytes.length): string[] {
  walker.open(bytes, start, end, 1000)
  return textsOf(walker)
}

function build(members: readonly (bigint | number)[]): Uint8Array {
  builder.reset()
  for (const member of members) builder.appendInteger(member)
  const size = builder.blobBytes
  const blob = builder.finish()
  expect(blob.length).toBe(size)
  return blob.slice()
}

describe.each(vectors)('intset: $name', ({hex, members}) => {
  const blob = fromHex(hex)

  it('writes', () => {
    expect(toHex(build(members))).toBe(toHex(blob))
    expect(toHex(build(members.toReversed()))).toBe(toHex(blob))
  })

  it('reads', () => {
    expect(readWithin(blob, read)).toEqual(members.map(String))
    expect(walker.sorted).toBe(true)
    expect(walker.count).toBe(members.length)
    expect(intsetCount(blob, 0, 8)).toBe(members.length)
  })

  it('refuses every truncation', () => expect(cutsNotRefused(blob, read)).toEqual([]))

  it('survives every changed byte', () => {
    // Width and count, eight bytes, leave no room; a member may be anything.
    expect(flipEveryByte(blob, read).refused).toBeGreaterThanOrEqual(7 * 255)
  })
})

describe('intset: what servers load all the same', () => {
  it.each([
    ['a width larger than needed', '08000000 01000000 0100000000000000', ['1'], true],
    ['members out of order', '02000000 02000000 0200 0100', ['2', '1'], false],
    ['a member twice', '02000000 02000000 0100 0100', ['1', '1'], false],
    ['negative after positive', '08000000 02000000 0100000000000000 ffffffffffffffff', ['1', '-1'], false],
    [
      'the low half alone tells',
      '08000000 02000000 0000008001000000 0000000001000000',
      ['6442450944', '4294967296'],
      false,
    ],
  ])('%s', (_, hex, members, sorted) => {
    expect(read(fromHex(hex))).toEqual(members)
    expect(walker.sorted).toBe(sorted)
  })
})

describe('intset: what is refused', () => {
  it.each([
    ['a width of 3', '03000000 00000000'],
    ['a width of 0', '00000000 00000000'],
    ['a count too high', '02000000 02000000 0100'],
    ['a count too low', '02000000 00000000 0100'],
    ['a count of nearly 2^32', '08000000 ffffffff 0100000000000000'],
  ])('%s', (_, hex) => expect(isRefused(fromHex(hex), read)).toBe(true))

  it('gives the offset, exact where it is known', () => {
    const blob = fromHex('02000000 02000000 0100')
    expect(() => walker.open(blob, 0, 10, 50)).toThrow(expect.objectContaining({code: 'BAD_INTSET', offset: 50}))
    expect(() => walker.open(blob, 0, 10, 50, true)).toThrow(expect.objectContaining({offset: 54}))
    expect(() => walker.open(blob, 0, 10, 50, true)).toThrow(FormatError)
  })
})

describe('intset: members', () => {
  it('come as halves too', () => {
    const blob = build([-1n, 2n ** 40n])
    walker.open(blob, 0, blob.length, 0)
    expect(walker.nextInt64()).toBe(true)
    expect([walker.high, walker.low]).toEqual([-1, 0xffff_ffff])
    expect(walker.nextInt64()).toBe(true)
    expect([walker.high, walker.low]).toEqual([256, 0])
    expect(walker.nextInt64()).toBe(false)
  })

  it('are taken from text that spells one, and from no other', () => {
    builder.reset()
    for (const text of ['5', '-3', '007', 'x', '', '9223372036854775808', '-0']) {
      expect(builder.append(latin1(text), 0, text.length)).toBe(text === '5' || text === '-3')
    }
    expect(builder.count).toBe(2)
    expect(read(builder.finish())).toEqual(['-3', '5'])
  })

  it('come back in order, whatever order they went in', () => {
    const member = fc.oneof(
      fc.bigInt({min: -(2n ** 63n), max: 2n ** 63n - 1n}),
      fc.bigInt({min: -40000n, max: 40000n}),
      fc.bigInt({min: -(2n ** 33n), max: 2n ** 33n}),
    )
    fc.assert(
      fc.property(fc.uniqueArray(member, {maxLength: 300}), members => {
        const sorted = members.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))
        expect(readWithin(build(members), read)).toEqual(sorted.map(String))
        expect(walker.sorted).toBe(true)
      }),
    )
  })
})
