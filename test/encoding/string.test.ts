/** RDB strings in every form: read whole, passed over one by one and in runs, and looked into. */
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {ByteCursor, STARVED} from '../../src/bytes/cursor.js'
import {LentBytes} from '../../src/bytes/lent.js'
import {encodedIntegerDigits, readString, StringRun, skipBlob, skipString} from '../../src/encoding/string.js'
import {FormatError, UnsupportedError} from '../../src/errors.js'
import {hex, intStr, lzfRun, lzfStr, str} from '../fixtures/builder.js'
import {withLimits} from '../reading/pieces.js'

function cursorOf(bytes: Uint8Array, inputBytes = Number.POSITIVE_INFINITY): ByteCursor {
  const cursor = new ByteCursor(inputBytes)
  const window = new Uint8Array(bytes)
  cursor.refill(window, 0, window.length)
  return cursor
}

const textOf = (lent: LentBytes): string => Buffer.from(lent.copy()).toString('latin1')

const FORMS: [string, Uint8Array, string][] = [
  ['empty', str(''), ''],
  ['63 bytes', str('x'.repeat(63)), 'x'.repeat(63)],
  ['64 bytes', str('x'.repeat(64)), 'x'.repeat(64)],
  ['16,383 bytes', str('y'.repeat(16_383)), 'y'.repeat(16_383)],
  ['16,384 bytes', str('y'.repeat(16_384)), 'y'.repeat(16_384)],
  ['a length of 64 bits', hex('81 0000000000000003', Buffer.from('abc')), 'abc'],
  ['int8', intStr(1, -5), '-5'],
  ['int8 at its end', intStr(1, -128), '-128'],
  ['int16', hex('c1d4fe'), '-300'],
  ['int16 at its end', intStr(2, 32_767), '32767'],
  ['int32', hex('c2a0860100'), '100000'],
  ['int32 at its end', intStr(4, -(2 ** 31)), '-2147483648'],
  ['int32 of a small one', intStr(4, 7), '7'],
  ['LZF of a run', hex('c3093c016161e02f00016161'), 'a'.repeat(60)],
  ['LZF of a far reference', hex('c30b3c0361626361e02d02016263'), 'abc'.repeat(20)],
  ['LZF of a literal', lzfStr(hex(4, Buffer.from('hello')), 5), 'hello'],
  ['LZF of 300,000', lzfRun(98, 300_000), 'b'.repeat(300_000)],
]

describe.each(FORMS)('%s', (_, bytes, text) => {
  it('is read whole', () => {
    for (const slot of [0, 1] as const) {
      const into = new LentBytes(slot)
      const cursor = cursorOf(bytes)
      readString(cursor, into)
      expect(textOf(into)).toBe(text)
      expect(cursor.pos).toBe(bytes.length)
    }
  })

  it('is passed over', () => {
    const cursor = cursorOf(bytes)
    skipString(cursor)
    expect(cursor.pos).toBe(bytes.length)
  })

  it('starves wherever the window ends, and takes nothing', () => {
    const step = Math.ceil(bytes.length / 50)
    for (let end = 0; end < bytes.length; end += step) {
      const cursor = cursorOf(bytes.subarray(0, end))
      expect(() => readString(cursor, new LentBytes(0))).toThrow(STARVED)
    }
  })

  it('shows its beginning', () => {
    for (const wanted of [1, 6, 10, 16]) {
      const head = new LentBytes(0)
      const cursor = cursorOf(bytes)
      skipBlob(cursor, wanted, head)
      expect(cursor.pos).toBe(bytes.length)
      const integer = bytes[0]! >= 0xc0 && bytes[0]! < 0xc3
      expect(textOf(head)).toBe(integer ? '' : text.slice(0, wanted))
    }
  })
})

describe('a field and its value', () => {
  it('are lent together from slots of their own', () => {
    const cursor = cursorOf(hex(lzfRun(97, 50), lzfRun(98, 60), intStr(1, 5), intStr(1, 6)))
    const [first, second, third, fourth] = [0, 1, 0, 1].map(slot => new LentBytes(slot as 0 | 1))
    readString(cursor, first!)
    readString(cursor, second!)
    expect([textOf(first!), textOf(second!)]).toEqual(['a'.repeat(50), 'b'.repeat(60)])
    readString(cursor, third!)
    readString(cursor, fourth!)
    expect([textOf(third!), textOf(fourth!)]).toEqual(['5', '6'])
  })
})

describe('a run', () => {
  const string = fc.constantFrom(...FORMS.filter(([, bytes]) => bytes.length < 300).map(([, bytes]) => bytes))

  it('is passed over in any windows, with whatever follows each', () => {
    const windows = fc.array(fc.integer({min: 1, max: 60}), {minLength: 1, maxLength: 10})
    fc.assert(
      fc.property(fc.array(string, {maxLength: 20}), windows, fc.constantFrom(0, 8), (strings, cuts, tailBytes) => {
        const all = new Uint8Array(hex(...strings.map(one => hex(one, Buffer.alloc(tailBytes, 0xc9))), 0x77))
        const cursor = new ByteCursor(all.length)
        const run = new StringRun(tailBytes)
        run.left = strings.length
        let fed = 0
        for (let turn = 0; ; turn++) {
          try {
            run.skip(cursor)
            cursor.arrive()
            break
          } catch (error) {
            if (error !== STARVED) throw error
            cursor.rewind()
            const window = all.slice(fed, fed + cuts[turn % cuts.length]!)
            fed += window.length
            cursor.refill(window, 0, window.length)
          }
        }
        expect(run.left).toBe(0)
        expect(cursor.offset).toBe(all.length - 1)
      }),
    )
  })

  it('that is longer than the input is truncated', () => {
    const run = new StringRun()
    run.left = 3
    const bytes = hex(str('ab'), str('cd'))
    expect(() => run.skip(cursorOf(bytes, bytes.length))).toThrow(FormatError)
    const cut = new StringRun()
    cut.left = 2
    expect(() => cut.skip(cursorOf(bytes.subarray(0, 5), 5))).toThrow(FormatError)
  })
})

describe('digits', () => {
  it('are counted without spelling the integer', () => {
    const edges = [
      0,
      9,
      10,
      99,
      100,
      127,
      -1,
      -9,
      -10,
      -99,
      -100,
      -128,
      255,
      999,
      1000,
      32_767,
      -32_768,
      2 ** 31 - 1,
      -(2 ** 31),
    ]
    for (const value of edges) {
      for (const width of [1, 2, 4] as const) {
        if (value !== (value << (32 - 8 * width)) >> (32 - 8 * width)) continue
        const bytes = new Uint8Array(hex(0xaa, intStr(width, value)))
        expect(encodedIntegerDigits(bytes, 1), `${value} in ${width}`).toBe(String(value).length)
      }
    }
  })
})

describe('damage', () => {
  it.each(Array.from({length: 60}, (_, i) => 0xc4 + i))('string encoding %i is not known', byte => {
    const bytes = hex(byte, Buffer.alloc(20))
    for (const read of [
      (cursor: ByteCursor) => readString(cursor, new LentBytes(0)),
      skipString,
      (cursor: ByteCursor) => skipBlob(cursor, 10, new LentBytes(0)),
    ]) {
      expect(() => read(cursorOf(bytes))).toThrow(UnsupportedError)
      try {
        read(cursorOf(bytes))
      } catch (error) {
        expect(error).toMatchObject({code: 'UNKNOWN_ENCODING', offset: 0})
      }
    }
  })

  it.each<[string, Uint8Array]>([
    ['makes more than it claims', lzfStr(hex('01 6161 e02f00'), 4)],
    ['makes less', lzfStr(hex('01 6161'), 4)],
    ['refers to before its start', lzfStr(hex('00 61 2005'), 4)],
    ['ends inside an operation', lzfStr(hex('05 6161'), 6)],
    ['claims what it cannot make', lzfStr(hex('00 61'), 1_000_000)],
  ])('LZF that %s', (_, bytes) => {
    try {
      readString(cursorOf(bytes), new LentBytes(0))
      expect.unreachable()
    } catch (error) {
      expect(error).toMatchObject({name: 'FormatError', code: 'BAD_LZF'})
    }
    const cursor = cursorOf(bytes)
    skipString(cursor)
    expect(cursor.pos).toBe(bytes.length)
  })

  it('LZF may not make more than an element may be', async () => {
    await withLimits({elementBytesMax: 100}, async () => {
      const into = new LentBytes(0)
      readString(cursorOf(lzfRun(97, 100)), into)
      expect(textOf(into)).toBe('a'.repeat(100))
      expect(() => readString(cursorOf(lzfRun(97, 101)), into)).toThrow(/elementBytesMax allows 100/)
    })
  })
})
