import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {formatCount, formatDuration, formatShare, formatSize, formatTime} from '../../src/report/units.js'

const KIB = 1024
const MIB = KIB ** 2

describe('formatSize', () => {
  it.each([
    [0, '0 B'],
    [1, '1 B'],
    [1023, '1023 B'],
    [1023.4, '1023 B'],
    [1023.6, '1.00 KiB'],
    [1024, '1.00 KiB'],
    [1029, '1.00 KiB'],
    [1030, '1.01 KiB'],
    [9.994 * KIB, '9.99 KiB'],
    [9.996 * KIB, '10.0 KiB'],
    [99.94 * KIB, '99.9 KiB'],
    [99.96 * KIB, '100 KiB'],
    [1023.4 * KIB, '1023 KiB'],
    [1023.5 * KIB, '1.00 MiB'],
    [1023.9 * KIB, '1.00 MiB'],
    [MIB, '1.00 MiB'],
    [1023.9 * MIB, '1.00 GiB'],
    [1_037_439_639, '989 MiB'],
    [5 * KIB ** 4, '5.00 TiB'],
    [2 ** 53, '8.00 PiB'],
    [1e20, '88818 PiB'],
  ])('%d is %s', (bytes, text) => expect(formatSize(bytes)).toBe(text))

  it('never shows 1024 of a unit, and is never off by more than half of its last digit', () => {
    const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
    fc.assert(
      fc.property(fc.maxSafeInteger(), signed => {
        const bytes = Math.abs(signed)
        const [, number = '', unit = ''] = /^([\d.]+) (\w+)$/.exec(formatSize(bytes))!
        expect(Number(number)).toBeLessThan(1024)
        const scale = 1024 ** units.indexOf(unit)
        const lastDigit = 10 ** -(number.split('.')[1]?.length ?? 0)
        expect(Math.abs(Number(number) * scale - bytes)).toBeLessThanOrEqual((lastDigit / 2) * scale * 1.0001)
      }),
    )
  })
})

describe('formatCount', () => {
  it.each([
    [0, '0'],
    [7, '7'],
    [999, '999'],
    [1000, '1,000'],
    [-1000, '-1,000'],
    [-999, '-999'],
    [1_234_567, '1,234,567'],
    [2n ** 63n, '9,223,372,036,854,775,808'],
    [-(2n ** 63n), '-9,223,372,036,854,775,808'],
  ])('%s is %s', (count, text) => expect(formatCount(count)).toBe(text))

  it('is the number when the commas are taken out', () => {
    fc.assert(
      fc.property(fc.bigInt(), count => {
        expect(BigInt(formatCount(count).replaceAll(',', ''))).toBe(count)
      }),
    )
  })
})

describe('formatShare', () => {
  it.each([
    [0, 0, '0 %'],
    [0, 10, '0.0 %'],
    [1, 3, '33.3 %'],
    [2, 3, '66.7 %'],
    [1, 2000, '0.1 %'],
    [1, 2001, '<0.1 %'],
    [1, 1e9, '<0.1 %'],
    [9994, 10_000, '99.9 %'],
    [9995, 10_000, '>99.9 %'],
    [999_999, 1_000_000, '>99.9 %'],
    [10, 10, '100.0 %'],
  ])('%d of %d is %s', (part, whole, text) => expect(formatShare(part, whole)).toBe(text))

  it('shows nothing and everything only where it is so', () => {
    const counts = fc.integer({min: 1, max: 2 ** 40})
    fc.assert(
      fc.property(counts, counts, (part, rest) => {
        expect(formatShare(part, part + rest)).not.toMatch(/^(0\.0|100\.0) %$/)
      }),
    )
  })
})

describe('formatDuration', () => {
  it.each([
    [-5, '0 seconds'],
    [0, '0 seconds'],
    [0.4, '0 seconds'],
    [0.5, '1 second'],
    [1, '1 second'],
    [2, '2 seconds'],
    [119.4, '119 seconds'],
    [119.6, '2 minutes'],
    [120, '2 minutes'],
    [7199, '119 minutes'],
    [7200, '2 hours'],
    [86_400, '24 hours'],
    [2 * 86_400, '2 days'],
    [365 * 86_400, '365 days'],
    [2 * 31_557_600, '2 years'],
    [59.9 * 31_557_600, '59 years'],
    [Number(2n ** 63n) / 1000, '292,271,023 years'],
  ])('%d seconds are %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text))
})

describe('formatTime', () => {
  it.each([
    [0, '1970-01-01T00:00:00Z'],
    [1_795_532_412_000, '2026-11-24T15:00:12Z'],
    [1_795_532_412_007, '2026-11-24T15:00:12.007Z'],
    [-1, '1969-12-31T23:59:59.999Z'],
    [8_640_000_000_000_000, '+275760-09-13T00:00:00Z'],
    [8_640_000_000_000_001, '@8640000000000001 ms'],
    [2n ** 63n - 1n, '@9223372036854775807 ms'],
    [-(2n ** 63n), '@-9223372036854775808 ms'],
  ])('%s is %s', (ms, text) => expect(formatTime(ms)).toBe(text))
})
