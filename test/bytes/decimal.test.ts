import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {format17Digits, formatShortest, parseDouble, writeShortest} from '../../src/bytes/decimal.js'

/** Parses text that lies among other digits. */
function parse(text: string): number | undefined {
  const bytes = new Uint8Array(Buffer.from(`77${text}77`, 'latin1'))
  return parseDouble(bytes, 2, 2 + text.length)
}

/** As redis 7.2 prints it, and as "%.17g" does (redis 7.0). */
const vectors: [value: number, shortest: string, digits17: string][] = [
  [0, '0', '0'],
  [-0, '-0', '-0'],
  [1, '1', '1'],
  [-42, '-42', '-42'],
  [1.5, '1.5', '1.5'],
  [0.1, '0.1', '0.10000000000000001'],
  [-0.25, '-0.25', '-0.25'],
  [2.5, '2.5', '2.5'],
  [98.6, '98.6', '98.599999999999994'],
  [3e100, '3e+100', '2.9999999999999999e+100'],
  [1e-5, '0.00001', '1.0000000000000001e-05'],
  [1e-6, '0.000001', '9.9999999999999995e-07'],
  [1e-7, '1e-7', '9.9999999999999995e-08'],
  [1.5e-7, '1.5e-7', '1.4999999999999999e-07'],
  [0.0001, '0.0001', '0.0001'],
  [0.00012345678, '1.2345678e-4', '0.00012345678000000001'],
  [0.0012345678, '0.0012345678', '0.0012345678000000001'],
  [12345.123456, '12345.123456', '12345.123455999999'],
  [12345.1234567, '1.23451234567e+4', '12345.123456699999'],
  [4503599627370495, '4503599627370495', '4503599627370495'],
  [2 ** 51 + 1.5, '2251799813685249.5', '2251799813685249.5'],
  [2 ** 53, '9007199254740992', '9007199254740992'],
  [2 ** 60, '1152921504606846976', '1.152921504606847e+18'],
  [-(2 ** 62), '-4611686018427387904', '-4.6116860184273879e+18'],
  [2 ** 63, '9223372036854776000', '9.2233720368547758e+18'],
  [1e19, '1e+19', '1e+19'],
  [1e20, '1e+20', '1e+20'],
  [1e16, '10000000000000000', '10000000000000000'],
  [1e17, '100000000000000000', '1e+17'],
  [123456789012345680000, '123456789012345680000', '1.2345678901234568e+20'],
  [1.7976931348623157e308, '1.7976931348623157e+308', '1.7976931348623157e+308'],
  [2.2250738585072014e-308, '2.2250738585072014e-308', '2.2250738585072014e-308'],
  [5e-324, '5e-324', '4.9406564584124654e-324'],
  // Ties: exactly half way between two 17-digit numbers; C takes the even one.
  [2 ** 49 + 0.125, '562949953421312.1', '562949953421312.12'],
  [2 ** 49 + 0.375, '562949953421312.4', '562949953421312.38'],
  [Number.POSITIVE_INFINITY, 'inf', 'inf'],
  [Number.NEGATIVE_INFINITY, '-inf', '-inf'],
  [Number.NaN, 'nan', 'nan'],
]

describe('decimal', () => {
  it.each(vectors)('%d', (value, shortest, digits17) => {
    expect(formatShortest(value)).toBe(shortest)
    expect(format17Digits(value)).toBe(digits17)
    expect(parse(shortest)).toBe(value)
    expect(parse(digits17)).toBe(value)
    const out = new Uint8Array(32)
    expect(Buffer.from(out.subarray(2, writeShortest(value, out, 2))).toString()).toBe(shortest)
  })

  it.each([
    ['+1', 1],
    ['1.', 1],
    ['.5', 0.5],
    ['-.5', -0.5],
    ['007', 7],
    ['000.500', 0.5],
    ['1e3', 1000],
    ['1E+3', 1000],
    ['12e-1', 1.2],
    ['0e999999999999', 0],
    ['1e999', Number.POSITIVE_INFINITY],
    ['-1e-999', -0],
    ['9007199254740993', 9007199254740992],
    ['0.1000000000000000055511151231257827021181583404541015625', 0.1],
    ['123456789012345678901234567890', 1.2345678901234568e29],
    [`0.${'0'.repeat(400)}1`, 0],
    [`0.${'0'.repeat(25)}15`, 1.5e-26],
    ['inf', Number.POSITIVE_INFINITY],
    ['+INF', Number.POSITIVE_INFINITY],
    ['-Infinity', Number.NEGATIVE_INFINITY],
    ['NaN', Number.NaN],
    ['-nan', Number.NaN],
  ])('%s is read', (text, value) => expect(parse(text)).toBe(value))

  it.each([
    '',
    '-',
    '+',
    '.',
    '-.',
    ' 1',
    '1 ',
    '1x',
    'x',
    '1e',
    '1e+',
    'e5',
    '.e5',
    '1.2.3',
    '--1',
    '+-1',
    '0x10',
    '1_0',
  ])('%j is no number', text => expect(parse(text)).toBeUndefined())

  it.each(['infinit', 'infx', 'na', 'nano', '-', '1e5x', '1e5.5', '1\0', '0b1', '٣'])('%j is no number either', text =>
    expect(parse(text)).toBeUndefined(),
  )

  it('refuses text no double needs', () => expect(parse('1'.repeat(3000))).toBeUndefined())

  const any = fc.oneof(
    fc.double(),
    fc.maxSafeInteger(),
    fc
      .tuple(fc.integer(), fc.integer({min: -25, max: 25}))
      .map(([digits, exponent]) => Number(`${digits}e${exponent}`)),
    fc.integer().map(n => n / 64),
  )

  it('brings every double back', () => {
    fc.assert(
      fc.property(any, value => {
        expect(parse(formatShortest(value))).toBe(value)
        expect(parse(format17Digits(value))).toBe(value)
        const out = new Uint8Array(32)
        expect(Buffer.from(out.subarray(0, writeShortest(value, out, 0))).toString()).toBe(formatShortest(value))
      }),
      {numRuns: 5000},
    )
  })

  it('reads as JavaScript reads', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^-?\d{1,20}(\.\d{1,20})?(e-?\d{1,3})?$/), text => {
        expect(parse(text)).toBe(Number(text))
      }),
      {numRuns: 3000},
    )
  })

  it('of any text is what JavaScript takes for a decimal, or nothing', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[-+.e\d]{0,8}$/), text => {
        const decimal = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/.test(text)
        expect(parse(text)).toBe(decimal ? Number(text) : undefined)
      }),
      {numRuns: 3000},
    )
  })
})
