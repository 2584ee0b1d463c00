import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {ByteWriter} from '../../src/bytes/writer.js'
import {
  asciiScoreBytes,
  readAsciiScore,
  readBinaryScore,
  writeAsciiScore,
  writeBinaryScore,
} from '../../src/encoding/score.js'
import {FormatError} from '../../src/errors.js'
import {fromHex, latin1, toHex} from './damage.js'

const out = new ByteWriter()

function ascii(score: number): Uint8Array {
  out.reset()
  writeAsciiScore(out, score)
  return out.view()
}

function binary(score: number): Uint8Array {
  out.reset()
  writeBinaryScore(out, score)
  return out.view()
}

describe('score: ASCII', () => {
  it.each([
    [Number.NaN, 'fd'],
    [Number.POSITIVE_INFINITY, 'fe'],
    [Number.NEGATIVE_INFINITY, 'ff'],
    [0, '0130'],
    [-0, '022d30'],
    [1, '0131'],
    [-42, '032d3432'],
    [1.5, '03312e35'],
    [0.1, '13302e3130303030303030303030303030303031'],
    [3e100, '17322e39393939393939393939393939393939652b313030'],
    [2 ** 53, '1039303037313939323534373430393932'],
    [5e-324, '17342e39343036353634353834313234363534652d333234'],
  ])('%d', (score, hex) => {
    expect(toHex(ascii(score))).toBe(hex)
    const bytes = fromHex(`00${hex}00`)
    expect(readAsciiScore(bytes, 1, 0)).toBe(score)
    expect(asciiScoreBytes(bytes[1]!)).toBe(hex.length / 2)
  })

  it.each(['', 'x', '1x', ' 1', '1 ', '0x10', '1e', '-', '1.2.3'])('refuses %j', text => {
    const bytes = latin1(String.fromCharCode(text.length) + text)
    expect(() => readAsciiScore(bytes, 0, 77)).toThrow(expect.objectContaining({code: 'BAD_SCORE', offset: 77}))
    expect(() => readAsciiScore(bytes, 0, 77)).toThrow(FormatError)
  })

  it('brings every double back', () => {
    fc.assert(
      fc.property(fc.double(), score => {
        const bytes = ascii(score)
        expect(bytes.length).toBeLessThanOrEqual(25)
        expect(readAsciiScore(bytes, 0, 0)).toBe(score)
      }),
      {numRuns: 2000},
    )
  })
})

describe('score: binary', () => {
  it.each([
    [1.5, '000000000000f83f'],
    [-0, '0000000000000080'],
    [Number.POSITIVE_INFINITY, '000000000000f07f'],
    [Number.NEGATIVE_INFINITY, '000000000000f0ff'],
    [Number.NaN, '000000000000f87f'],
  ])('%d', (score, hex) => {
    expect(toHex(binary(score))).toBe(hex)
    expect(readBinaryScore(fromHex(`00${hex}`), 1)).toBe(score)
  })

  it('brings every double back', () => {
    fc.assert(
      fc.property(fc.double(), score => {
        expect(readBinaryScore(binary(score), 0)).toBe(score)
      }),
    )
  })
})
