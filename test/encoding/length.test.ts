/** RDB lengths, both ways, at every edge of every form. */
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {ByteCursor, STARVED} from '../../src/bytes/cursor.js'
import {ByteWriter} from '../../src/bytes/writer.js'
import {
  readCount,
  readLength,
  readLength64,
  readPlainLength,
  writeLength,
  writeLength64,
} from '../../src/encoding/length.js'
import {FormatError} from '../../src/errors.js'
import {fromHex, toHex} from './damage.js'

function cursorOf(hex: string, inputBytes = Number.POSITIVE_INFINITY): ByteCursor {
  const cursor = new ByteCursor(inputBytes)
  const bytes = fromHex(hex)
  cursor.refill(bytes, 0, bytes.length)
  return cursor
}

function written(length: number): string {
  const out = new ByteWriter()
  writeLength(out, length)
  return toHex(out.bytes.subarray(0, out.length))
}

const SHORTEST: [number, string][] = [
  [0, '00'],
  [1, '01'],
  [63, '3f'],
  [64, '4040'],
  [255, '40ff'],
  [256, '4100'],
  [16_383, '7fff'],
  [16_384, '8000004000'],
  [2 ** 31, '8080000000'],
  [2 ** 32 - 1, '80ffffffff'],
  [2 ** 32, '810000000100000000'],
  [2 ** 40 + 5, '810000010000000005'],
  [2 ** 53 - 1, '81001fffffffffffff'],
]

describe('lengths', () => {
  it.each(SHORTEST)('%i is %s, both ways', (length, hex) => {
    expect(written(length)).toBe(hex)
    for (const read of [readLength, readPlainLength, readLength64]) {
      const cursor = cursorOf(hex)
      expect(read(cursor)).toBe(length)
      expect(cursor.pos).toBe(hex.length / 2)
    }
  })

  it.each([
    ['4005', 5],
    ['8000000005', 5],
    ['810000000000000005', 5],
    ['8100000000ffffffff', 2 ** 32 - 1],
  ])('%s is read though it is not the shortest', (hex, length) => {
    expect(readLength(cursorOf(hex))).toBe(length)
  })

  it('come back as they were written', () => {
    fc.assert(
      fc.property(fc.oneof(fc.nat(70_000), fc.maxSafeNat()), length => {
        expect(readLength(cursorOf(written(length)))).toBe(length)
      }),
    )
  })

  it.each(SHORTEST.filter(([, hex]) => hex.length > 2))('starve anywhere inside %i', (_, hex) => {
    for (let bytes = 0; bytes < hex.length / 2; bytes++) {
      expect(() => readLength(cursorOf(hex.slice(0, 2 * bytes)))).toThrow(STARVED)
    }
  })

  it('name a string encoding by its complement', () => {
    for (let encoding = 0; encoding < 64; encoding++) {
      const cursor = cursorOf((0xc0 | encoding).toString(16))
      expect(readLength(cursor)).toBe(~encoding)
      cursor.pos = 0
      expect(() => readPlainLength(cursor)).toThrow(/encoded string/)
    }
  })

  it.each(Array.from({length: 62}, (_, i) => 0x82 + i))('byte %i has no meaning', byte => {
    const cursor = cursorOf(`00${byte.toString(16)}0000000000000000`)
    cursor.u8()
    expect(() => readLength(cursor)).toThrow(FormatError)
    cursor.pos = 1
    try {
      readLength(cursor)
    } catch (error) {
      expect(error).toMatchObject({code: 'BAD_LENGTH', offset: 1})
    }
  })

  it('of 2^53 and more are refused where they stand', () => {
    for (const hex of ['810020000000000000', '81ffffffffffffffff', '818000000000000000']) {
      try {
        readLength(cursorOf(`${hex}00`))
        expect.unreachable()
      } catch (error) {
        expect(error).toMatchObject({code: 'BAD_LENGTH', offset: 0})
      }
    }
  })
})

describe('64-bit patterns', () => {
  it.each<[string, number | bigint]>([
    ['81ffffffffffffffff', 2n ** 64n - 1n],
    ['818000000000000000', 2n ** 63n],
    ['810020000000000000', 2n ** 53n],
    ['81001fffffffffffff', 2 ** 53 - 1],
    ['05', 5],
  ])('%s is exact', (hex, value) => {
    const read = readLength64(cursorOf(hex))
    expect(BigInt(read)).toBe(BigInt(value))
  })

  it('are written whole', () => {
    const out = new ByteWriter()
    writeLength64(out, 0xffff_ffff, 0xffff_fffe)
    expect(toHex(out.bytes.subarray(0, out.length))).toBe('81fffffffffffffffe')
  })
})

describe('counts', () => {
  it('may be as large as what follows allows', () => {
    expect(readCount(cursorOf('05', 6), 1, 'things')).toBe(5)
    expect(readCount(cursorOf('02', 6), 2, 'things')).toBe(2)
    expect(readCount(cursorOf('00', 1), 99, 'things')).toBe(0)
  })

  it('are refused when the input cannot hold them', () => {
    try {
      readCount(cursorOf('03', 6), 2, 'list elements')
      expect.unreachable()
    } catch (error) {
      expect(error).toMatchObject({code: 'BAD_COUNT', offset: 1})
      expect((error as Error).message).toBe('3 list elements are claimed, but only 5 bytes follow')
    }
  })

  it('are believed of an input of unknown size', () => {
    expect(readCount(cursorOf('80ffffffff'), 9, 'things')).toBe(2 ** 32 - 1)
  })
})
