import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {LentBytes} from '../../src/bytes/lent.js'
import {ListpackBuilder, ListpackWalker, listpackCount, listpackEntryBytes} from '../../src/encoding/listpack.js'
import {FormatError} from '../../src/errors.js'
import {cutsNotRefused, flipEveryByte, fromHex, latin1, readWithin, textOf, textsOf, toHex} from './damage.js'

interface Vector {
  name: string
  hex: string
  entries: string[]
}

/** One entry between header and end mark. */
function single(entry: string, value: string): Vector {
  const total = (6 + entry.replaceAll(' ', '').length / 2 + 1).toString(16).padStart(2, '0')
  return {name: `one entry ${value}`, hex: `${total}000000 0100 ${entry} ff`, entries: [value]}
}

/** Written by servers: a builder makes the same bytes. */
const vectors: Vector[] = [
  {name: 'empty', hex: '07000000 0000 ff', entries: []},
  {
    name: 'a list of redis 7.0',
    hex: `3e000000 0c00 | 0101 | dff902 | c0c802 | f2701101 04 | 8568656c6c6f 06 | f400f2052a01000000 09 | d00002
      | f1ffef 03 | cfff02 | f10010 03 | f2ffff7f 04 | f300008000 05 | ff`,
    entries: '1 -7 200 70000 hello 5000000000 -4096 -4097 4095 4096 8388607 8388608'.split(' '),
  },
  {name: 'a set of redis 7.2', hex: '0c000000 0200 8161 02 0101 ff', entries: ['a', '1']},
  {
    name: 'a sorted set of redis 7.2',
    hex: '28000000 0800 816302 842d696e6605 816102 0101 816202 83322e3504 816402 8633652b31303007 ff',
    entries: ['c', '-inf', 'a', '1', 'b', '2.5', 'd', '3e+100'],
  },
  {name: 'a hash of redis 7.0', hex: '12000000 0400 816102 0101 816202 817802 ff', entries: ['a', '1', 'b', 'x']},
  {
    name: 'a hash with field expiry of redis 8.0',
    hex: '1d000000 0600 816102 0101 f400d8c32cbb030000 09 816202 0201 0001 ff',
    entries: ['a', '1', '4102444800000', 'b', '2', '0'],
  },
  single('0001', '0'),
  single('7f01', '127'),
  single('c080 02', '128'),
  single('dfff 02', '-1'),
  single('f1ff7f 03', '32767'),
  single('f10080 03', '-32768'),
  single('f2008000 04', '32768'),
  single('f2ff7fff 04', '-32769'),
  single('f2000080 04', '-8388608'),
  single('f3ffff7fff 05', '-8388609'),
  single('f3ffffff7f 05', '2147483647'),
  single('f300000080 05', '-2147483648'),
  single('f40000008000000000 09', '2147483648'),
  single('f4ffffff7fffffffff 09', '-2147483649'),
  single('f40100000000002000 09', '9007199254740993'),
  single('f4ffffffffffffff7f 09', '9223372036854775807'),
  single('f40000000000000080 09', '-9223372036854775808'),
  single('80 01', ''),
  single('83303037 04', '007'),
  single('822d30 03', '-0'),
  single('822b31 03', '+1'),
  single('822031 03', ' 1'),
  single('812d 02', '-'),
  single('9339323233333732303336383534373735383038 14', '9223372036854775808'),
  single('942d39323233333732303336383534373735383039 15', '-9223372036854775809'),
  single('943030303030303030303030303030303030303031 15', '00000000000000000001'),
]

/** Written by no server, yet well-formed. */
const oddities: Vector[] = [
  {
    name: 'wider integers than needed',
    hex: '0f000000 0200 f10100 03 f1ffff 03 ff',
    entries: ['1', '-1'],
  },
  {name: 'an integer as a string', hex: '0a000000 0100 8131 02 ff', entries: ['1']},
  {name: 'an unknown count', hex: '0b000000 ffff 0101 0201 ff', entries: ['1', '2']},
  {
    name: 'longer lengths than needed',
    hex: '12000000 0200 e001 61 03 f001000000 61 06 ff',
    entries: ['a', 'a'],
  },
]

const walker = new ListpackWalker()
const builder = new ListpackBuilder()

function read(bytes: Uint8Array, start = 0, end = bytes.length): string[] {
  walker.open(bytes, start, end, 1000)
  return textsOf(walker)
}

function build(entries: readonly string[], into = builder): Uint8Array {
  into.reset()
  for (const entry of entries) expect(into.append(latin1(entry), 0, entry.length)).toBe(true)
  expect(into.count).toBe(entries.length)
  const size = into.blobBytes
  const blob = into.finish()
  expect(blob.length).toBe(size)
  return blob.slice()
}

/** The error that reading a blob ends in. */
function refusal(hex: string, exact = false): FormatError {
  const blob = fromHex(hex)
  try {
    walker.open(blob, 0, blob.length, 1000, exact)
    textsOf(walker)
  } catch (error) {
    if (error instanceof FormatError) return error
    throw error
  }
  throw new Error('the blob was accepted')
}

describe.each(vectors)('listpack: $name', ({hex, entries}) => {
  it('writes', () => expect(toHex(build(entries))).toBe(toHex(fromHex(hex))))
})

describe.each([...vectors, ...oddities])('listpack: $name', ({hex, entries}) => {
  const blob = fromHex(hex)

  it('reads', () => {
    expect(readWithin(blob, read)).toEqual(entries)
    expect(listpackCount(blob, 0, 6)).toBe(walker.count)
  })

  it('passes over', () => {
    walker.open(blob, 0, blob.length, 0)
    let count = 0
    while (walker.skipEntry()) count++
    expect(count).toBe(entries.length)
  })

  it('refuses every truncation', () => expect(cutsNotRefused(blob, read)).toEqual([]))

  it('survives every changed byte', () => {
    const {refused, tried} = flipEveryByte(blob, read)
    expect(refused).toBeGreaterThan(tried / 4)
  })
})

describe('listpack: string lengths', () => {
  const headers: [length: number, header: string, backlen: string][] = [
    [63, 'bf', '40'],
    [64, 'e040', '42'],
    [125, 'e07d', '7f'],
    [126, 'e07e', '0180'],
    [127, 'e07f', '0181'],
    [4095, 'efff', '2081'],
    [4096, 'f000100000', '2085'],
    [16377, 'f0f93f0000', '7ffe'],
    [16379, 'f0fb3f0000', '018080'],
    [16380, 'f0fc3f0000', '018081'],
    [2097145, 'f0f9ff1f00', '7ffffe'],
    [2097147, 'f0fbff1f00', '01808080'],
  ]
  it.each(headers)('%i bytes', (length, header, backlen) => {
    const text = 'x'.repeat(length)
    const blob = build([text, '5'])
    expect(toHex(blob.subarray(6, 6 + header.length / 2))).toBe(header)
    const end = 6 + header.length / 2 + length
    expect(toHex(blob.subarray(end, end + backlen.length / 2))).toBe(backlen)
    expect(read(blob)).toEqual([text, '5'])
    expect(listpackEntryBytes(latin1(text), 0, length)).toBe(end - 6 + backlen.length / 2)
    if (length < 20_000) flipEveryByte(blob, read)
  })
})

describe('listpack: lengths that servers disagree about', () => {
  const boundaries: [length: number, long: string, short: string][] = [
    [16378, '00ffff', '7fff'],
    [2097146, '00ffffff', '7fffff'],
  ]
  it.each(boundaries)('%i bytes', (length, long, short) => {
    const text = new Uint8Array(length).fill(0x61)
    const refusing = new ListpackBuilder()
    expect(refusing.append(text, 0, length)).toBe(false)
    expect(toHex(refusing.finish())).toBe('070000000000ff')
    expect(listpackEntryBytes(text, 0, length)).toBe(-1)
    for (const [form, backlen] of [
      ['long', long],
      ['short', short],
    ] as const) {
      const telling = new ListpackBuilder(form)
      expect(telling.append(text, 0, length)).toBe(true)
      expect(telling.appendInteger(7)).toBe(true)
      const blob = telling.finish()
      const width = backlen.length / 2
      expect(toHex(blob.subarray(blob.length - width - 3))).toBe(`${backlen}0701ff`)
      const into = new LentBytes(0)
      walker.open(blob, 0, blob.length, 0)
      expect(walker.next(into)).toBe(true)
      expect(into.end - into.start).toBe(length)
      expect(walker.nextInteger()).toBe(7)
      expect(walker.next(into)).toBe(false)
    }
  })
})

describe('listpack: sizes', () => {
  // What does not fit is refused by its length alone: the bytes need not be there.
  const nothing = new Uint8Array(0)

  it('knows the third length that servers disagree about', () => {
    expect(listpackEntryBytes(nothing, 0, 268435449)).toBe(268435449 + 5 + 4)
    expect(listpackEntryBytes(nothing, 0, 268435450)).toBe(-1)
    expect(listpackEntryBytes(nothing, 0, 268435451)).toBe(268435451 + 5 + 5)
    expect(new ListpackBuilder().append(nothing, 0, 268435450)).toBe(false)
  })

  it('grows to 1 GiB and no further', () => {
    builder.reset()
    expect(builder.append(nothing, 0, 2 ** 30 - 7 - 5 - 4)).toBe(false)
    expect(builder.blobBytes).toBe(7)
  })
})

describe('listpack: integers', () => {
  const blob = fromHex(vectors[1]!.hex)

  it('are told from strings beforehand', () => {
    const into = new LentBytes(0)
    walker.open(blob, 0, blob.length, 0)
    const kinds: boolean[] = []
    while (!walker.atEnd) {
      kinds.push(walker.isInteger)
      walker.next(into)
    }
    expect(kinds).toEqual(vectors[1]!.entries.map(entry => entry !== 'hello'))
    expect(walker.isInteger).toBe(false)
  })

  it('are read as numbers and as halves', () => {
    const values = ['0', '127', '-1', '5000000000', '-5000000000', '9007199254740991', '-9007199254740991']
    const integers = build(values)
    walker.open(integers, 0, integers.length, 0)
    expect(values.map(() => walker.nextInteger())).toEqual(values.map(Number))
    walker.open(integers, 0, integers.length, 0)
    for (const value of values) {
      walker.nextInt64()
      expect((BigInt(walker.high) << 32n) | BigInt(walker.low)).toBe(BigInt(value))
    }
    expect(() => walker.nextInteger()).toThrow(FormatError)
  })

  it('count when a string spells them, as they do to a server', () => {
    builder.reset()
    builder.appendString(latin1('-12'), 0, 3)
    const strings = builder.finish()
    walker.open(strings, 0, strings.length, 0)
    expect(walker.isInteger).toBe(false)
    expect(walker.nextInteger()).toBe(-12)
  })

  it.each(['x', '007', '', '9007199254740992', '-9007199254740992', '9223372036854775807'])('refuse %j', text => {
    const other = build([text])
    walker.open(other, 0, other.length, 0)
    expect(() => walker.nextInteger()).toThrow(FormatError)
  })

  it('take numbers and bigints', () => {
    builder.reset()
    for (const value of [-5, 2 ** 53 - 1, -(2 ** 53 - 1), 2n ** 63n - 1n, -(2n ** 63n)]) builder.appendInteger(value)
    expect(read(builder.finish())).toEqual([
      '-5',
      '9007199254740991',
      '-9007199254740991',
      '9223372036854775807',
      '-9223372036854775808',
    ])
  })
})

describe('listpack: what is refused', () => {
  it.each([
    ['a total that is not the size', '08000000 0000 ff'],
    ['no end mark', '07000000 0000 fe'],
    ['a count too high', '09000000 0200 0101 ff'],
    ['a count too low', '0b000000 0100 0101 0201 ff'],
    ['an end mark before the end', '0a000000 0100 ff 0101 ff'],
    ['an encoding that has no meaning', '0a000000 0100 f50002 ff'],
    ['a back length that is wrong', '09000000 0100 0102 ff'],
    ['a string that runs past the end', '0a000000 0100 826102 ff'],
    ['an integer that runs past the end', '0a000000 0100 f20000 ff'],
    ['a length field that runs past the end', '0a000000 0100 f00100 ff'],
    ['a length of nearly 2^32', '0d000000 0100 f0ffffffff 05 ff'],
    ['a back length that runs past the end', '09000000 0100 8161 ff'],
  ])('%s', (_, hex) => expect(refusal(hex).code).toBe('BAD_LISTPACK'))

  it('names the byte, and the offset where it is known', () => {
    const hex = '0b000000 0200 0101 0202 ff'
    expect(refusal(hex).offset).toBe(1000)
    expect(refusal(hex).message).toContain('byte 9 ')
    expect(refusal(hex, true).offset).toBe(1009)
  })
})

describe('listpack: many entries', () => {
  it.each([65534, 65535, 65536, 70000])('%i', count => {
    builder.reset()
    for (let i = 0; i < count; i++) builder.appendInteger(i)
    const blob = builder.finish()
    walker.open(blob, 0, blob.length, 0)
    expect(walker.count).toBe(count < 65535 ? count : -1)
    const into = new LentBytes(0)
    let seen = 0
    while (walker.next(into)) seen++
    expect(seen).toBe(count)
    expect(textOf(into)).toBe(String(count - 1))
  })

  it('takes over the entries of another', () => {
    const other = new ListpackBuilder()
    other.appendInteger(1)
    other.appendString(latin1('a'), 0, 1)
    const entries = other.entries()
    builder.reset()
    builder.appendInteger(0)
    expect(builder.appendEntries(entries, 0, entries.length, other.count)).toBe(true)
    expect(read(builder.finish())).toEqual(['0', '1', 'a'])
  })
})

describe('listpack: any entries', () => {
  const text = fc.oneof(
    fc.uint8Array({maxLength: 200}).map(bytes => Buffer.from(bytes).toString('latin1')),
    fc.bigInt({min: -(2n ** 63n), max: 2n ** 63n - 1n}).map(String),
    fc.integer({min: -5000, max: 5000}).map(String),
    fc.bigInt({min: -(2n ** 65n), max: 2n ** 65n}).map(String),
  )

  it('come back as they were', () => {
    fc.assert(
      fc.property(fc.array(text, {maxLength: 60}), entries => {
        const blob = build(entries)
        const sizes = entries.map(entry => listpackEntryBytes(latin1(entry), 0, entry.length))
        expect(blob.length).toBe(sizes.reduce((sum, size) => sum + size, 7))
        expect(readWithin(blob, read)).toEqual(entries)
      }),
    )
  })

  it('are refused or read when anything is changed', () => {
    const change = fc.tuple(fc.nat(), fc.integer({min: 1, max: 255}))
    fc.assert(
      fc.property(fc.array(text, {maxLength: 20}), fc.array(change, {maxLength: 4}), (entries, changes) => {
        const blob = build(entries)
        for (const [at, bits] of changes) blob[at % blob.length]! ^= bits
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
