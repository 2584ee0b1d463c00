/** Values as servers wrote them, byte by byte, and each way in which one can be wrong. */
import {describe, expect, it} from 'vitest'
import {MemorySource} from '../../src/index.js'
import {intset, listpack, ziplist} from '../fixtures/blobs.js'
import {f64, hex, le, len, lzfRun, moduleId, rawId, str} from '../fixtures/builder.js'
import {streamNode} from '../fixtures/values.js'
import {fileOf} from '../reading/samples.js'
import {transcribe} from '../reading/transcript.js'

type Magic = 'REDIS' | 'VALKEY'

/** What a visitor of elements is shown of one value, and the end of it. */
async function shown(type: number, bytes: Uint8Array, magic: Magic = 'REDIS'): Promise<string[]> {
  const file = fileOf(magic === 'VALKEY' ? 80 : 16, [hex(type, str('k'), bytes)], magic)
  const lines = await transcribe(new MemorySource(file), 'elements')
  return lines.filter(line => !/^(entry|at|end|problem|checksum) /.test(line))
}

/** The error line of one value. */
async function refused(type: number, bytes: Uint8Array, magic: Magic = 'REDIS'): Promise<string> {
  return (await shown(type, bytes, magic)).at(-1)!.replace(/ \{.*/, '')
}

const LIST = ['1', '-7', '200', '70000', 'hello', '5000000000', '-4096', '-4097', '4095', '4096', '8388607', '8388608']

/** Where a value begins in its file. */
const VALUE = 9 + 1 + 2

describe('as servers wrote them', () => {
  it.each<[string, number, Uint8Array, string[], Magic?]>([
    [
      'a list of 7.0 and later',
      0x12,
      hex(
        '01 02 3e 3e000000 0c00 0101 dff902 c0c802 f2701101 04 8568656c6c6f 06 f400f2052a01000000 09 d00002 f1ffef 03',
        'cfff02 f10010 03 f2ffff7f 04 f300008000 05 ff',
      ),
      ['begin "k" undefined', ...LIST.map(item => `item "${item}"`)],
    ],
    [
      'the same of 6.2',
      0x0e,
      hex(
        '01 40 45 45000000 3e000000 0c00 00f2 02fef9 03c0c800 04f0701101 0505 68656c6c6f 07e000f2052a01000000 0ac000f0',
        '04c0ffef 04c0ff0f 04c00010 04f0ffff7f 05d000008000 ff',
      ),
      ['begin "k" undefined', ...LIST.map(item => `item "${item}"`)],
    ],
    [
      'a small set',
      0x0b,
      hex('0e 02000000 03000000 0100 0200 0300'),
      ['begin "k" 3', 'member "1"', 'member "2"', 'member "3"'],
    ],
    [
      'a set of -70000',
      0x0b,
      hex('10 04000000 02000000 90eefeff 01000000'),
      ['begin "k" 2', 'member "-70000"', 'member "1"'],
    ],
    [
      'a set of 5000000000',
      0x0b,
      hex('18 08000000 02000000 0100000000000000 00f2052a01000000'),
      ['begin "k" 2', 'member "1"', 'member "5000000000"'],
    ],
    ['a set of 7.2', 0x14, hex('0c 0c000000 0200 8161 02 01 01 ff'), ['begin "k" 2', 'member "a"', 'member "1"']],
    [
      'a sorted set of 7.2',
      0x11,
      hex('28 28000000 0800 816302 842d696e6605 816102 0101 816202 83322e3504 816402 8633652b31303007 ff'),
      ['begin "k" 4', 'scored "c" -Infinity', 'scored "a" 1', 'scored "b" 2.5', 'scored "d" 3e+100'],
    ],
    [
      'a sorted set with a compressed member',
      0x05,
      hex('01 c3094046016161e039000161 61 000000000000f83f'),
      ['begin "k" 1', `scored "${'a'.repeat(70)}" 1.5`],
    ],
    [
      'a hash of 7.0',
      0x10,
      hex('12 12000000 0400 816102 0101 816202 817802 ff'),
      ['begin "k" 2', 'field "a" "1" Infinity', 'field "b" "x" Infinity'],
    ],
    [
      'a hash of 6.2',
      0x0d,
      hex('16 16000000 12000000 0400 000161 03f2 020162 030178 ff'),
      ['begin "k" 2', 'field "a" "1" Infinity', 'field "b" "x" Infinity'],
    ],
    [
      'expiring fields, packed',
      0x19,
      hex('00d8c32cbb030000 1d 1d000000 0600 816102 0101 f400d8c32cbb030000 09 816202 0201 0001 ff'),
      ['begin "k" 2', 'field "a" "1" 4102444800000', 'field "b" "2" Infinity'],
    ],
    [
      'expiring fields, not packed',
      0x18,
      hex('00d8c32cbb030000 02 01 0161 c001 00 0162 c3094064017878e057000178 78'),
      ['begin "k" 2', 'field "a" "1" 4102444800000', `field "b" "${'x'.repeat(100)}" Infinity`],
    ],
    [
      'expiring fields of valkey',
      0x16,
      hex('02 0161 c001 00d8c32cbb030000 0162 c002 ffffffffffffffff'),
      ['begin "k" 2', 'field "a" "1" 4102444800000', 'field "b" "2" Infinity'],
      'VALKEY',
    ],
  ])('%s', async (_, type, bytes, expected, magic) => {
    expect(await shown(type, bytes, magic)).toEqual(expected)
  })

  it('an empty bitmap of 8.12', async () => {
    expect(await shown(0x21, hex('00 08 0000000000000000'))).toEqual(['begin "k" 0', 'chunks  last=true'])
  })
})

describe('strings', () => {
  it.each<[string, Uint8Array, string]>([
    ['of nothing', str(''), ''],
    ['as they are', str('hello'), 'hello'],
    ['of an integer', hex('c1d4fe'), '-300'],
    ['compressed', lzfRun(97, 60), 'a'.repeat(60)],
    ['compressed, in pieces', lzfRun(97, 70_000), 'a'.repeat(70_000)],
  ])('%s end in a last chunk, also where there is none before', async (_, bytes, text) => {
    const expected = [`begin "k" ${text.length}`, `chunks ${text} last=true`]
    expect(await shown(0, bytes)).toEqual(expected)
    const file = fileOf(9, [hex(0, str('k'), bytes)])
    const lines = await transcribe(new MemorySource(file, 5), 'elements')
    expect(lines.filter(line => /^(begin|chunks) /.test(line))).toEqual(expected)
  })
})

describe('expiries of fields', () => {
  it('tell none, zero, past and far apart', async () => {
    const metadata = hex(le(8, 1000), len(4), len(0), str('a'), str(''), len(1), str('b'), str(''))
    const far = hex(len(2n ** 46n), str('c'), str(''), len(2), str('d'), str(''))
    const fields = await shown(24, hex(metadata, far))
    expect(fields.slice(1)).toEqual([
      'field "a" "" Infinity',
      'field "b" "" 1000',
      `field "c" "" ${1000 + 2 ** 46 - 1}`,
      'field "d" "" 1001',
    ])
    const valkey = [-1, 0, 1, -2].map((at, i) => hex(str(`f${i}`), str(''), le(8, at)))
    expect((await shown(22, hex(len(4), ...valkey), 'VALKEY')).slice(1)).toEqual([
      'field "f0" "" Infinity',
      'field "f1" "" 0',
      'field "f2" "" 1',
      'field "f3" "" -2',
    ])
    const minimum = await shown(24, hex(le(8, 2n ** 53n + 1n), len(1), len(3), str('f'), str('')))
    expect(minimum[1]).toBe(`field "f" "" ${2n ** 53n + 3n}`)
  })
})

describe('module values', () => {
  it('show every item exactly', async () => {
    const items = hex(1, len(-5), 1, len(5), 2, len(-5), 3, '0000803f', 4, f64(-0), 5, str('text'), 5, str(''), 0)
    expect(await shown(7, hex(moduleId('ReJSON-RL', 3), items))).toEqual([
      'begin "k" undefined',
      'moduleId ReJSON-RL 3',
      'moduleSigned -5',
      'moduleSigned 5',
      'moduleUnsigned 18446744073709551611',
      'moduleDouble 1 32',
      'moduleDouble -0 64',
      'moduleString "text"',
      'moduleString ""',
    ])
  })

  it.each([
    ['AAAAAAAAA', 0],
    ['_________', 1023],
    ['MBbloom--', 4],
    ['abcdefghi', 512],
    ['tairhash-', 1],
  ])('name %s, version %i', async (name, version) => {
    const lines = await shown(7, hex(moduleId(name, version), 0))
    expect(lines[1]).toBe(`moduleId ${name} ${version}`)
  })
})

describe('arrays', () => {
  it('show indexes beyond 2^53 and doubles of every length', async () => {
    const doubles = [0.1, -1.7976931348623157e308, -2.2250738585072014e-308, 5e-324, 1e21, -0]
    const elements = doubles.map((one, i) => hex(len(i), len(2), f64(one)))
    const last = hex(len(2n ** 64n - 2n), len(1), le(8, -(2n ** 63n)))
    const lines = await shown(28, hex(len(7), len(1), len(2n ** 63n), ...elements, last))
    expect(lines[1]).toBe('insertIndex 9223372036854775808')
    const texts = lines.slice(2).map(line => /"(.*)"/.exec(line)![1])
    expect(texts.slice(0, 6).map(Number)).toEqual(doubles)
    expect(lines.at(-1)).toBe('indexed 18446744073709551614 "-9223372036854775808"')
  })
})

const ID = rawId('1-0')
const NODE = streamNode(['f'], [{diff: [0, 0], values: ['v']}])
const streamOf = (id: Uint8Array, node: Uint8Array): Uint8Array =>
  hex(len(1), str(Buffer.from(id)), str(Buffer.from(node)))

describe('what is wrong is refused where it stands', () => {
  it.each<[string, number, Uint8Array, string]>([
    ['a quicklist container of 3', 18, hex(len(1), len(3), str('x')), `BAD_LISTPACK ${VALUE + 1}`],
    ['a hash with half a pair', 16, str(listpack(['a', '1', 'b'])), `BAD_HASH ${VALUE}`],
    ['a ziplist hash with half a pair', 13, str(ziplist(['a', '1', 'b'])), `BAD_HASH ${VALUE}`],
    ['triplets of two', 25, hex(le(8, 1), str(listpack(['a', '1', 5, 'b', '2']))), `BAD_HASH ${VALUE}`],
    ['a member without a score', 17, str(listpack(['a', '1', 'b'])), `BAD_COUNT ${VALUE}`],
    ['a packed score that is none', 17, str(listpack(['a', 'one'])), `BAD_SCORE ${VALUE}`],
    ['an ASCII score that is none', 3, hex(len(1), str('m'), 3, Buffer.from('1.x')), `BAD_SCORE ${VALUE + 3}`],
    ['an ASCII score of nothing', 3, hex(len(1), str('m'), 0), `BAD_SCORE ${VALUE + 3}`],
    ['an intset of odd width', 11, str(Buffer.from(hex('03000000 01000000 010203'))), `BAD_INTSET ${VALUE}`],
    ['an intset that is too short', 11, str(intset(4, [1, 2]).subarray(0, 12)), `BAD_INTSET ${VALUE}`],
    ['a listpack with another size', 20, str(hex(listpack(['a']), 0)), `BAD_LISTPACK ${VALUE}`],
    ['an array with a flag of 2', 28, hex(len(1), len(2)), `BAD_ARRAY ${VALUE + 1}`],
    ['an array with tag 4', 28, hex(len(1), len(0), len(0), len(4), 0), `BAD_ARRAY ${VALUE + 3}`],
    ['a stream node’s ID of 15 bytes', 15, streamOf(ID.subarray(1), NODE), `BAD_STREAM ${VALUE + 2}`],
    ['a stream node that is no listpack', 15, streamOf(ID, Buffer.from('nothing')), `BAD_LISTPACK ${VALUE + 18}`],
    ['names in format 2', 31, hex(len(2), 0), `BAD_HASH ${VALUE}`],
    ['fewer values than names', 29, hex(len(1), len(2), str('f'), str('g'), str(listpack(['0', 'v']))), 'BAD_HASH'],
    ['more values than names', 29, hex(len(1), len(1), str('f'), str(listpack(['0', 'v', 'w']))), 'BAD_HASH'],
    ['an unknown module item', 7, hex(moduleId('ReJSON-RL', 3), 6), `BAD_MODULE ${VALUE + 9}`],
    [
      'a bit beyond its bitmap',
      33,
      hex(len(1), str(hex(le(8, 1), le(4, 0), le(4, 12_346), le(4, 1), le(2, 0), le(2, 0), le(4, 16), le(2, 8)))),
      'BAD_BITMAP',
    ],
  ])('%s', async (_, type, bytes, expected) => {
    expect(await refused(type, bytes)).toMatch(new RegExp(`^FormatError ${expected}`))
  })

  it.each([0xc4, 0xff])('string encoding %i, which only some other program may know, is unsupported', async byte => {
    expect(await refused(1, hex(len(1), byte))).toMatch(new RegExp(`^UnsupportedError UNKNOWN_ENCODING ${VALUE + 1}`))
  })

  it('and passes for nothing where it is skipped', async () => {
    const file = fileOf(16, [hex(18, str('k'), len(1), len(3), str('x'))])
    const lines = await transcribe(new MemorySource(file), 'skip')
    expect(lines.at(-1)).toMatch(/^FormatError BAD_LISTPACK/)
  })
})

describe('scores', () => {
  it('are exact in either form', async () => {
    const texts = [
      'nan',
      'inf',
      '-inf',
      '0',
      '-0',
      '1.5',
      '3.1415926535897931',
      '2.9999999999999999e+100',
      '4.9406564584124654e-324',
    ]
    const ascii = texts.map(text => {
      const special = {nan: 0xfd, inf: 0xfe, '-inf': 0xff}[text]
      return hex(str('m'), special ?? hex(text.length, Buffer.from(text)))
    })
    const expected = [Number.NaN, Infinity, -Infinity, 0, -0, 1.5, Math.PI, 3e100, 5e-324]
    const spelled = expected.map(score => `scored "m" ${Object.is(score, -0) ? '-0' : score}`)
    expect((await shown(3, hex(len(texts.length), ...ascii))).slice(1)).toEqual(spelled)
    const binary = expected.map(score => hex(str('m'), f64(score)))
    expect((await shown(5, hex(len(texts.length), ...binary))).slice(1)).toEqual(spelled)
  })
})
