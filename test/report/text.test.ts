import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {
  formatBytes,
  formatJson,
  formatMessage,
  formatText,
  hang,
  jsonBytes,
  jsonInteger,
  shorten,
  widthOf,
} from '../../src/report/text.js'
import {dangerousIn} from '../start/screen.js'

/** Bytes of which many are of the kind that matters: controls, pieces of UTF-8, backslashes, bidirectional marks. */
const nastyBytes = fc
  .array(
    fc.oneof(
      fc.uint8Array({maxLength: 6}),
      fc.string({unit: 'binary', maxLength: 6}).map(text => Buffer.from(text)),
      fc.constantFrom('\\', '\\x1b', '\u001b[31m', '\u202egnp.exe', '\u009b', 'é', '漢字', '😀', '\n').map(Buffer.from),
    ),
    {maxLength: 8},
  )
  .map(pieces => Buffer.concat(pieces))

/** The inverse of the escape, from its description alone. */
function fromShown(shown: string): Buffer {
  const pieces = shown.match(/\\\\|\\x[0-9a-f]{2}|[^\\]+/g) ?? []
  expect(pieces.join('')).toBe(shown)
  return Buffer.concat(
    pieces.map(piece => {
      if (piece === '\\\\') return Buffer.from('\\')
      return piece.startsWith('\\x') ? Buffer.from(piece.slice(2), 'hex') : Buffer.from(piece)
    }),
  )
}

describe('formatBytes', () => {
  it.each([
    ['', ''],
    ['plain:key', 'plain:key'],
    ['"quoted" \\ back', '"quoted" \\\\ back'],
    ['\u001b[31mred\u001b[0m', '\\x1b[31mred\\x1b[0m'],
    ['$5\r\nhello\r\n', '$5\\x0d\\x0ahello\\x0d\\x0a'],
    ['\u202egnp.exe', '\\xe2\\x80\\xaegnp.exe'],
    ['\u009b31m', '\\xc2\\x9b31m'],
    ['\u2028\u2029', '\\xe2\\x80\\xa8\\xe2\\x80\\xa9'],
    ['\u{e0041}', '\\xf3\\xa0\\x81\\x81'],
    ['ключ 漢字 😀 é', 'ключ 漢字 😀 é'],
    ['\ufeffbom', '\\xef\\xbb\\xbfbom'],
  ])('%j is %s', (key, shown) => {
    expect(formatBytes(Buffer.from(key))).toBe(shown)
    expect(formatText(key)).toBe(shown)
  })

  it.each([
    ['ff', '\\xff'],
    ['00', '\\x00'],
    ['c328', '\\xc3('],
    ['e282', '\\xe2\\x82'],
    ['c0af', '\\xc0\\xaf'],
    ['eda080', '\\xed\\xa0\\x80'],
    ['f4908080', '\\xf4\\x90\\x80\\x80'],
    ['c3a9ffc3a9', 'é\\xffé'],
    ['f09f9880f09f98', '😀\\xf0\\x9f\\x98'],
  ])('bytes %s are %s', (hex, shown) => expect(formatBytes(Buffer.from(hex, 'hex'))).toBe(shown))

  it('is reversible, and nothing in it can drive a terminal', () => {
    fc.assert(
      fc.property(nastyBytes, bytes => {
        const shown = formatBytes(bytes)
        expect(dangerousIn(shown)).toEqual([])
        expect(fromShown(shown).equals(bytes)).toBe(true)
      }),
      {numRuns: 2000},
    )
  })
})

describe('formatMessage', () => {
  it('escapes what formatText does, but leaves lines and backslashes', () => {
    expect(formatMessage('no "a\\b" in\n\u001b[2Jx\u009b\u202e')).toBe(
      'no "a\\b" in\n\\x1b[2Jx\\xc2\\x9b\\xe2\\x80\\xae',
    )
  })
})

describe('formatJson', () => {
  it('is JSON of the same value, and nothing in it can drive a terminal', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({unit: 'binary'}), fc.string({unit: 'binary'})), value => {
        const json = formatJson(value)
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(value)))
        expect(dangerousIn(json, '\n')).toEqual([])
      }),
    )
  })

  it('escapes what is reserved for more tags', () => {
    expect(formatJson({'\u{e0002}': ''})).toBe('{\n  "\\udb40\\udc02": ""\n}')
  })

  it('escapes by UTF-16 unit, as JSON does', () => {
    expect(formatJson({key: 'a\u202e\u{e0041}\u007f'})).toBe('{\n  "key": "a\\u202e\\udb40\\udc41\\u007f"\n}')
  })
})

describe('widthOf and shorten', () => {
  it.each([
    ['', 0],
    ['abc', 3],
    ['ключ', 4],
    ['漢字', 4],
    ['한글', 4],
    ['😀', 2],
    ['e\u0301', 1],
    ['ｆｕｌｌ', 8],
  ])('%s takes %d columns', (text, columns) => expect(widthOf(text)).toBe(columns))

  it.each([
    ['abcdefghij', 10, 'abcdefghij'],
    ['abcdefghijk', 10, 'abcde…hijk'],
    ['abcdefghijk', 9, 'abcd…hijk'],
    ['abc', 1, '…'],
    ['漢字漢字漢字', 12, '漢字漢字漢字'],
    ['漢字漢字漢字', 11, '漢字…字漢字'],
  ])('%s in %d columns is %s', (text, columns, shown) => expect(shorten(text, columns)).toBe(shown))

  it('never takes more columns than it may, and keeps both ends', () => {
    fc.assert(
      fc.property(fc.string({unit: 'grapheme', maxLength: 60}), fc.integer({min: 1, max: 40}), (text, columns) => {
        const shown = shorten(text, columns)
        expect(widthOf(shown)).toBeLessThanOrEqual(columns)
        if (widthOf(text) <= columns) expect(shown).toBe(text)
        else {
          const at = shown.indexOf('…')
          expect(text.startsWith(shown.slice(0, at))).toBe(true)
          expect(text.endsWith(shown.slice(at + 1))).toBe(true)
        }
      }),
    )
  })
})

describe('hang', () => {
  it('breaks at blanks, under the text and not the label', () => {
    expect(hang('rdbtool: one two three four', 19)).toEqual(['rdbtool: one two', '         three four'])
    expect(hang('  next   copy it again', 100)).toEqual(['  next   copy it again'])
    expect(hang('  where  ', 20)).toEqual(['  where  '])
  })

  it('loses no word, and exceeds the width only for a word that does', () => {
    const words = fc.array(fc.string({unit: fc.constantFrom('a', '漢'), minLength: 1, maxLength: 9}), {minLength: 1})
    fc.assert(
      fc.property(words, fc.integer({min: 12, max: 60}), (text, columns) => {
        const lines = hang(`warning: ${text.join(' ')}`, columns)
        expect(lines.map(line => line.slice(9)).join(' ')).toBe(text.join(' '))
        for (const line of lines) expect(widthOf(line) <= columns || !line.slice(9).includes(' ')).toBe(true)
      }),
    )
  })
})

describe('JSON of bytes and integers', () => {
  it('is a string where the bytes are UTF-8, and base64 where they are not', () => {
    fc.assert(
      fc.property(nastyBytes, bytes => {
        const json = jsonBytes(new Uint8Array(bytes))
        const back = typeof json === 'string' ? Buffer.from(json, 'utf8') : Buffer.from(json.base64, 'base64')
        expect(back.equals(bytes)).toBe(true)
      }),
    )
  })

  it('looks only at the bytes it is given', () => {
    expect(jsonBytes(Buffer.from('..key..').subarray(2, 5))).toBe('key')
    expect(jsonBytes(Uint8Array.of(0xff, 0x41).subarray(1))).toBe('A')
  })

  it('keeps every digit', () => {
    expect(jsonInteger(12)).toBe(12)
    expect(jsonInteger(2n ** 63n - 1n)).toBe('9223372036854775807')
  })
})
