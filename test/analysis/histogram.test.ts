import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {Histogram} from '../../src/analysis/histogram.js'

const VALUES = fc.oneof(
  fc.nat({max: 300}),
  fc.nat(),
  fc.bigInt({min: 0n, max: BigInt(Number.MAX_SAFE_INTEGER)}).map(Number),
  fc.nat({max: 52}).map(bits => 2 ** bits),
  fc.nat({max: 52}).map(bits => 2 ** (bits + 1) - 1),
)

function histogramOf(values: readonly number[]): Histogram {
  const histogram = new Histogram()
  for (const value of values) histogram.add(value)
  return histogram
}

describe('Histogram', () => {
  it('answers every percentile within 1 %', () => {
    fc.assert(
      fc.property(fc.array(VALUES, {minLength: 1}), fc.double({min: 0, max: 100, noNaN: true}), (values, percent) => {
        const sorted = values.toSorted((a, b) => a - b)
        const exact = sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)]!
        const told = histogramOf(values).percentile(percent)
        expect(Math.abs(told - exact)).toBeLessThanOrEqual(0.01 * exact)
      }),
      {numRuns: 1000},
    )
  })

  it('tells count, least and greatest exactly', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), {minLength: 1}), values => {
        const {count, min, max} = histogramOf(values)
        const wanted = {count: values.length, min: Math.min(...values), max: Math.max(...values)}
        expect({count, min, max}).toEqual(wanted)
      }),
    )
  })

  it('is the same however the values are split and ordered', () => {
    fc.assert(
      fc.property(fc.array(VALUES), fc.nat(), (values, cut) => {
        const at = values.length === 0 ? 0 : cut % values.length
        const merged = histogramOf(values.slice(at))
        // As it arrives from another thread.
        merged.merge(structuredClone(histogramOf(values.slice(0, at).reverse())))
        const whole = histogramOf(values)
        expect([...merged.buckets()]).toEqual([...whole.buckets()])
        expect([merged.count, merged.min, merged.max]).toEqual([whole.count, whole.min, whole.max])
        for (const percent of [0, 1, 50, 99, 100]) {
          expect(merged.percentile(percent)).toBe(whole.percentile(percent))
        }
      }),
    )
  })

  it('has buckets without gaps, each value in its own', () => {
    fc.assert(
      fc.property(VALUES, value => {
        const [bucket] = histogramOf([value]).buckets()
        expect(bucket!.from).toBeLessThanOrEqual(value)
        expect(bucket!.to).toBeGreaterThanOrEqual(value)
        expect(bucket!.to - bucket!.from).toBeLessThanOrEqual(value / 64)
        const [next] = histogramOf([bucket!.to + 1]).buckets()
        if (bucket!.to < Number.MAX_SAFE_INTEGER) expect(next!.from).toBe(bucket!.to + 1)
      }),
      {numRuns: 1000},
    )
  })

  it('takes what it cannot count for the nearest it can', () => {
    const histogram = histogramOf([-5, 2 ** 60, Number.POSITIVE_INFINITY])
    expect([histogram.min, histogram.max, histogram.count]).toEqual([0, Number.MAX_SAFE_INTEGER, 3])
    expect(histogramOf([]).percentile(50)).toBe(0)
    expect(histogramOf([]).count).toBe(0)
  })
})
