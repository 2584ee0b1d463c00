import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {LentBytes} from '../../src/bytes/lent.js'
import {ZiplistBuilder, ZiplistWalker, ziplistCount} from '../../src/encoding/ziplist.js'
import {FormatError} from '../../src/errors.js'
import {cutsNotRefused, flipEveryByte, fromHex, latin1, readWithin, textOf, textsOf, toHex} from './damage.js'

interface Vector {
  name: string
  hex: string
  entries: string[]
}

/** One entry, given without its prevlen. */
function single(entry: string, value: string): Vector {
  const total = (10 + 1 + entry.replaceAll(' ', '').length / 2 + 1).toString(16).padStart(2, '0')
  return {name: `one entry ${value}`, hex: `${total}000000 0a000000 0100 00 ${entry} ff`, entries: [value]}
}

/** Written by servers: a builder makes the same bytes. */
const vectors: Vector[] = [
  {name: 'empty', hex: '0b000000 0a000000 0000 ff', entries: []},
  {
    name: 'a list of redis 6.2',
    hex: `45000000 3e000000 0c00 | 00f2 | 02fef9 | 03c0c800 | 04f0701101 | 0505 68656c6c6f | 07e000f2052a01000000
      | 0ac000f0 | 04c0ffef | 04c0ff0f | 04c00010 | 04f0ffff7f | 05d000008000 | ff`,
    entries: '1 -7 200 70000 hello 5000000000 -4096 -4097 4095 4096 8388607 8388608'.split(' '),
  },
  {
    name: 'a hash of redis 6.2',
    hex: '16000000 12000000 0400 000161 03f2 020162 030178 ff',
    entries: ['a', '1', 'b', 'x'],
  },
  single('f1', '0'),
  single('fd', '12'),
  single('fe0d', '13'),
  single('feff', '-1'),
  single('fe7f', '127'),
  single('fe80', '-128'),
  single('c08000', '128'),
  single('c07fff', '-129'),
  single('c0ff7f', '32767'),
  single('c00080', '-32768'),
  single('f0008000', '32768'),
  single('f0ff7fff', '-32769'),
  single('f0000080', '-8388608'),
  single('d0ffff7fff', '-8388609'),
  single('d0ffffff7f', '2147483647'),
  single('d000000080', '-2147483648'),
  single('e00000008000000000', '2147483648'),
  single('e0ffffff7fffffffff', '-2147483649'),
  single('e00100000000002000', '9007199254740993'),
  single('e0ffffffffffffff7f', '9223372036854775807'),
  single('e00000000000000080', '-9223372036854775808'),
  single('00', ''),
  single('03303037', '007'),
  single('022d30', '-0'),
  single('022b31', '+1'),
  single('022031', ' 1'),
  single('1339323233333732303336383534373735383038', '9223372036854775808'),
]

/** Written by no server in this form, or only after updates. */
const oddities: Vector[] = [
  {
    name: 'a wide prevlen of a short entry',
    hex: '13000000 0c000000 0200 00f2 fe02000000 f3 ff',
    entries: ['1', '2'],
  },
  {name: 'a wide prevlen of the first entry', hex: '11000000 0a000000 0100 fe00000000 f2 ff', entries: ['1']},
  {name: 'wider integers than needed', hex: '15000000 0e000000 0200 00c00100 04d001000000 ff', entries: ['1', '1']},
  {name: 'an integer as a string', hex: '0e000000 0a000000 0100 000131 ff', entries: ['1']},
  {name: 'an unknown count', hex: '0f000000 0c000000 ffff 00f2 02f3 ff', entries: ['1', '2']},
  {name: 'longer lengths than needed', hex: '16000000 0e000000 0200 00400161 04 8000000001 61 ff', entries: ['a', 'a']},
  {name: 'a 32-bit length with its low bits set', hex: '12000000 0a000000 0100 00bf00000001 61 ff', entries: ['a']},
]

const walker = new ZiplistWalker()
const builder = new ZiplistBuilder()

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

describe.each(vectors)('ziplist: $name', ({hex, entries}) => {
  it('writes', () => expect(toHex(build(entries))).toBe(toHex(fromHex(hex))))
})

describe.each([...vectors, ...oddities])('ziplist: $name', ({hex, entries}) => {
  const blob = fromHex(hex)

  it('reads', () => {
    expect(readWithin(blob, read)).toEqual(entries)
    expect(ziplistCount(blob, 0, 10)).toBe(walker.count)
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

describe('ziplist: string lengths', () => {
  const headers: [length: number, header: string, nextPrevlen: string][] = [
    [63, '3f', '41'],
    [64, '4040', '43'],
    [250, '40fa', 'fd'],
    [251, '40fb', 'fefe000000'],
    [252, '40fc', 'feff000000'],
    [16383, '7fff', 'fe02400000'],
    [16384, '8000004000', 'fe06400000'],
  ]
  it.each(headers)('%i bytes', (length, header, nextPrevlen) => {
    const text = 'x'.repeat(length)
    const blob = build([text, '5'])
    expect(toHex(blob.subarray(11, 11 + header.length / 2))).toBe(header)
    const end = 11 + header.length / 2 + length
    expect(toHex(blob.subarray(end))).toBe(`${nextPrevlen}f6ff`)
    expect(read(blob)).toEqual([text, '5'])
    flipEveryByte(blob, read)
  })
})

describe('ziplist: the integer forms of redis 2.4', () => {
  const legacy = new ZiplistBuilder(true)
  const forms: [value: string, entry: string][] = [
    ['0', 'c00000'],
    ['12', 'c00c00'],
    ['-128', 'c080ff'],
    ['32767', 'c0ff7f'],
    ['32768', 'd000800000'],
    ['-8388608', 'd0000080ff'],
    ['2147483648', 'e00000008000000000'],
  ]
  it.each(forms)('%s', (value, entry) => {
    const blob = build([value], legacy)
    expect(toHex(blob.subarray(11, -1))).toBe(entry)
    expect(read(blob)).toEqual([value])
  })
})

describe('ziplist: integers', () => {
  it('are told from strings beforehand', () => {
    const entries = [...vectors[1]!.entries, 'x'.repeat(300), '7', 'y']
    const blob = build(entries)
    const into = new LentBytes(0)
    walker.open(blob, 0, blob.length, 0)
    const kinds: boolean[] = []
    while (!walker.atEnd) {
      kinds.push(walker.isInteger)
      walker.next(into)
    }
    expect(kinds).toEqual(entries.map(entry => /^-?\d+$/.test(entry)))
    expect(walker.isInteger).toBe(false)
  })

  it('are read as numbers and as halves', () => {
    const values = ['0', '12', '127', '-1', '5000000000', '9007199254740991', '-9007199254740991']
    const blob = build(values)
    walker.open(blob, 0, blob.length, 0)
    expect(values.map(() => walker.nextInteger())).toEqual(values.map(Number))
    walker.open(blob, 0, blob.length, 0)
    for (const value of values) {
      walker.nextInt64()
      expect((BigInt(walker.high) << 32n) | BigInt(walker.low)).toBe(BigInt(value))
    }
    expect(() => walker.nextInteger()).toThrow(FormatError)
  })

  it.each(['x', '', '9007199254740992', '-9223372036854775808'])('refuse %j', text => {
    const blob = build([text])
    walker.open(blob, 0, blob.length, 0)
    expect(() => walker.nextInteger()).toThrow(FormatError)
  })

  it('take numbers and bigints, and strings that spell them', () => {
    builder.reset()
    builder.appendInteger(-5)
    builder.appendInteger(2n ** 63n - 1n)
    builder.appendString(latin1('17'), 0, 2)
    const blob = builder.finish()
    expect(read(blob)).toEqual(['-5', '9223372036854775807', '17'])
    walker.open(blob, 0, blob.length, 0)
    walker.skipEntry()
    walker.skipEntry()
    expect(walker.isInteger).toBe(false)
    expect(walker.nextInteger()).toBe(17)
  })
})

describe('ziplist: what is refused', () => {
  it.each([
    ['a total that is not the size', '0c000000 0a000000 0000 ff'],
    ['no end mark', '0b000000 0a000000 0000 fe'],
    ['a tail that is not the last entry', '0f000000 0a000000 0200 00f2 02f3 ff'],
    ['a tail beyond the end', '0d000000 ffffffff 0100 00f2 ff'],
    ['a count too high', '0d000000 0a000000 0200 00f2 ff'],
    ['a count too low', '0f000000 0c000000 0100 00f2 02f3 ff'],
    ['an end mark before the end', '0e000000 0a000000 0100 ff f2f2 ff'],
    ['an encoding that has no meaning', '0d000000 0a000000 0100 00c1 ff'],
    ['a prevlen that is wrong', '0f000000 0c000000 0200 00f2 03f3 ff'],
    ['a wide prevlen that is wrong', '13000000 0c000000 0200 00f2 fe03000000 f3 ff'],
    ['a first prevlen that is not 0', '0d000000 0a000000 0100 01f2 ff'],
    ['a string that runs past the end', '0e000000 0a000000 0100 000261 ff'],
    ['an integer that runs past the end', '0e000000 0a000000 0100 00c001 ff'],
    ['a length field that runs past the end', '0e000000 0a000000 0100 008000 ff'],
    ['a length of nearly 2^32', '12000000 0a000000 0100 0080ffffffff 61 ff'],
    ['an entry of nothing but a prevlen', '0c000000 0a000000 0100 00 ff'],
  ])('%s', (_, hex) => expect(refusal(hex).code).toBe('BAD_ZIPLIST'))

  it('names the byte, and the offset where it is known', () => {
    const hex = '0f000000 0c000000 0200 00f2 03f3 ff'
    expect(refusal(hex).offset).toBe(1000)
    expect(refusal(hex).message).toContain('byte 12 ')
    expect(refusal(hex, true).offset).toBe(1012)
  })

  it('1 GiB and more, by its length alone', () => {
    builder.reset()
    expect(builder.append(new Uint8Array(0), 0, 2 ** 30)).toBe(false)
    expect(builder.count).toBe(0)
  })
})

describe('ziplist: many entries', () => {
  it.each([65534, 65535, 70000])('%i', count => {
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
})

describe('ziplist: any entries', () => {
  const text = fc.oneof(
    fc.uint8Array({maxLength: 300}).map(bytes => Buffer.from(bytes).toString('latin1')),
    fc.bigInt({min: -(2n ** 63n), max: 2n ** 63n - 1n}).map(String),
    fc.integer({min: -40000, max: 40000}).map(String),
    fc.bigInt({min: -(2n ** 65n), max: 2n ** 65n}).map(String),
  )

  it('come back as they were', () => {
    fc.assert(
      fc.property(fc.array(text, {maxLength: 60}), fc.boolean(), (entries, legacy) => {
        expect(readWithin(build(entries, new ZiplistBuilder(legacy)), read)).toEqual(entries)
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
