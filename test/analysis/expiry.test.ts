import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {ExpiryMoments, FrequencyHistogram, IdleHistogram, TtlHistogram} from '../../src/analysis/expiry.js'
import {NEVER} from '../../src/keyspace/entry.js'

const NOW_MS = 1_700_000_000_000
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

describe('TtlHistogram', () => {
  it.each([
    ['expired', -1],
    ['<1m', 0],
    ['<1m', MINUTE_MS - 1],
    ['<1h', MINUTE_MS],
    ['<1d', HOUR_MS],
    ['<7d', DAY_MS],
    ['<30d', 7 * DAY_MS],
    ['<1y', 30 * DAY_MS],
    ['<1y', 365 * DAY_MS - 1],
    ['>=1y', 365 * DAY_MS],
  ])('puts into %s what has %i ms left', (bucket, leftMs) => {
    const histogram = new TtlHistogram(NOW_MS)
    histogram.add(NOW_MS + leftMs, 7, 9)
    expect(histogram.result().filter(({keys}) => keys > 0)).toEqual([
      {bucket, keys: 1, expiring: 1, rdbBytes: 7, memoryBytes: 9},
    ])
  })

  it('takes times beyond 2^53, and keys that never expire', () => {
    const histogram = new TtlHistogram(NOW_MS)
    histogram.add(2n ** 62n, 1, 0)
    histogram.add(-(2n ** 62n), 1, 0)
    histogram.add(NEVER, 1, 0)
    histogram.merge(structuredClone(histogram))
    expect(histogram.result().filter(({keys}) => keys > 0)).toEqual([
      {bucket: 'expired', keys: 2, expiring: 2, rdbBytes: 2, memoryBytes: 0},
      {bucket: '>=1y', keys: 2, expiring: 2, rdbBytes: 2, memoryBytes: 0},
      {bucket: 'none', keys: 2, expiring: 0, rdbBytes: 2, memoryBytes: 0},
    ])
  })
})

describe('idle and frequency', () => {
  it('counts keys by the time since their last use', () => {
    const idle = new IdleHistogram()
    for (const seconds of [0, 59, 60, 3600, 86_400 * 400]) idle.add(seconds, false, 10, 0)
    idle.merge(structuredClone(idle))
    expect(idle.count).toBe(10)
    expect(Object.fromEntries(idle.result().map(({bucket, keys}) => [bucket, keys]))).toEqual({
      '<1m': 4,
      '<1h': 2,
      '<1d': 2,
      '<7d': 0,
      '<30d': 0,
      '<1y': 0,
      '>=1y': 2,
    })
  })

  it('counts keys by their access counter', () => {
    const frequency = new FrequencyHistogram()
    for (const counter of [0, 255, 255, 5]) frequency.add(counter, counter === 5, 3, 4)
    frequency.merge(structuredClone(frequency))
    expect(frequency.count).toBe(8)
    expect(frequency.result()).toEqual([
      {frequency: 0, keys: 2, expiring: 0, rdbBytes: 6, memoryBytes: 8},
      {frequency: 5, keys: 2, expiring: 2, rdbBytes: 6, memoryBytes: 8},
      {frequency: 255, keys: 4, expiring: 0, rdbBytes: 12, memoryBytes: 16},
    ])
  })
})

function momentsOf(times: readonly (number | bigint)[], momentsMax?: number): ExpiryMoments {
  const moments = new ExpiryMoments(momentsMax)
  for (const time of times) moments.add(time)
  return moments
}

/** What is remembered, in a fixed order. */
const told = (moments: ExpiryMoments): unknown => [
  moments.level,
  moments.total,
  Array.from({length: moments.slots.length / 2}, (_, i) => [moments.slots[2 * i]!, moments.slots[2 * i + 1]!] as const)
    .filter(([moment]) => moment >= 0)
    .sort(([a], [b]) => a - b),
]

describe('ExpiryMoments', () => {
  it('finds the minute and the hour in which most keys expire', () => {
    const spread = Array.from({length: 1000}, (_, i) => NOW_MS + i * 97 * MINUTE_MS)
    const at = Math.floor((NOW_MS + 5 * DAY_MS) / MINUTE_MS) * MINUTE_MS
    const burst = Array.from({length: 3000}, (_, i) => at + (i % 20) * MINUTE_MS)
    const moments = momentsOf([...spread, ...burst])
    expect(moments.densest(MINUTE_MS)).toMatchObject({toMs: expect.any(Number), keys: expect.any(Number)})
    expect(moments.densest(MINUTE_MS)!.keys).toBeGreaterThanOrEqual(150)
    const hour = moments.densest(HOUR_MS)!
    expect(hour.keys).toBeGreaterThanOrEqual(3000)
    expect(hour.share).toBeCloseTo(0.75, 2)
    expect(hour.toMs - hour.fromMs).toBe(HOUR_MS)
    expect(hour.fromMs).toBeLessThanOrEqual(at)
    expect(hour.toMs).toBeGreaterThanOrEqual(at + 20 * MINUTE_MS)
    expect(new ExpiryMoments().densest(HOUR_MS)).toBeUndefined()
  })

  it('agrees with counting by hand, in any order and split', () => {
    const times = fc.array(
      fc.oneof(
        fc.nat({max: 300}).map(minutes => NOW_MS + minutes * MINUTE_MS),
        fc.integer({min: -DAY_MS, max: 400 * DAY_MS}).map(ms => NOW_MS + ms),
        fc.bigInt({min: 0n, max: 2n ** 63n - 1n}),
      ),
      {maxLength: 80},
    )
    fc.assert(
      fc.property(times, fc.nat(), fc.integer({min: 1, max: 40}), (all, cut, momentsMax) => {
        const at = all.length === 0 ? 0 : cut % all.length
        const whole = momentsOf(all, momentsMax)
        const merged = momentsOf(all.slice(at).reverse(), momentsMax)
        merged.merge(structuredClone(momentsOf(all.slice(0, at), momentsMax)))
        expect(told(merged)).toEqual(told(whole))
        const minutes = all.map(time => Math.floor(Number(time) / MINUTE_MS))
        if (whole.level > 0) return
        const counts = minutes.map(first => minutes.filter(one => one >= first && one < first + 60).length)
        expect(whole.densest(HOUR_MS)?.keys ?? 0).toBe(Math.max(0, ...counts))
      }),
      {numRuns: 1000},
    )
  })

  it('takes as long where all moments are multiples of a power of two', () => {
    // One slot for all of them would be looked through for every key: minutes of work.
    const moments = new ExpiryMoments()
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 49_000; i++) moments.add(i * 2 ** 17 * MINUTE_MS)
    }
    expect(moments.level).toBe(0)
    expect(moments.densest(MINUTE_MS)!.keys).toBe(4)
  })

  it('stays small however many moments differ', () => {
    const moments = new ExpiryMoments()
    for (let i = 0; i < 500_000; i++) moments.add(NOW_MS + i * 7 * MINUTE_MS)
    expect(moments.level).toBe(2)
    expect(moments.slots.length).toBeLessThanOrEqual(2 ** 18)
    const day = moments.densest(HOUR_MS)!
    expect(day.toMs - day.fromMs).toBe(DAY_MS)
    expect(day.keys).toBe(206)
  })
})
