/** Long doubles of x86, as strtold reads them and "%.17Lf" prints them; test/replay/string.test.ts asks real servers. */
import {describe, expect, it} from 'vitest'
import {addLongDoubles, formatLongDouble, type LongDouble, parseLongDouble} from '../../src/bytes/long-double.js'

function finite(text: string): LongDouble {
  const value = parseLongDouble(text)
  if (value === undefined || value === 'infinite') throw new Error(`${text} is no finite number`)
  return value
}

describe('long doubles', () => {
  it.each([
    ['0', '0'],
    ['-0', '0'],
    ['+5', '5'],
    ['.5', '0.5'],
    ['5.', '5'],
    ['0.1', '0.1'],
    ['1e3', '1000'],
    ['18446744073709551615', '18446744073709551615'],
    // Of 65 bits: the nearest two are 2 apart, and the tie goes to the even one.
    ['18446744073709551617', '18446744073709551616'],
    ['18446744073709551619', '18446744073709551620'],
    ['0x10p-2', '4'],
    ['-0X1.8p1', '-3'],
    ['5e-18', '0'],
    ['0.000000000000000015', '0.00000000000000002'],
    ['1e-4940', '0'],
  ])('%s is printed as %s', (text, printed) => {
    expect(formatLongDouble(finite(text))).toBe(printed)
  })

  it.each(['', '-', '.', 'e5', '1e', '1e+', ' 1', '1 ', '1,0', '0x', '0xp1', 'nan', '1e4933', '1e-4960', '1e99999999'])(
    '%j is none',
    text => {
      expect(parseLongDouble(text)).toBeUndefined()
    },
  )

  it.each(['inf', '-INF', '+Infinity'])('%s is infinite', text => {
    expect(parseLongDouble(text)).toBe('infinite')
  })

  it('are rounded once when they are added', () => {
    const sum = addLongDoubles(finite('0.1'), finite('0.2'))
    expect(formatLongDouble(sum!)).toBe('0.3')
    const large = addLongDoubles(finite('18446744073709551615'), finite('1.5'))
    expect(formatLongDouble(large!)).toBe('18446744073709551616')
    expect(formatLongDouble(addLongDoubles(finite('1e20'), finite('-1e20'))!)).toBe('0')
  })

  it('have no sum beyond their range', () => {
    expect(addLongDoubles(finite('1e4932'), finite('1e4932'))).toBeUndefined()
  })
})
