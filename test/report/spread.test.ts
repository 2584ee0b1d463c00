import {describe, expect, it} from 'vitest'
import {IDLE_BUCKETS, TTL_BUCKETS} from '../../src/analysis/expiry.js'
import type {Spread} from '../../src/analysis/spread.js'
import {spreadSections} from '../../src/report/spread.js'
import {joinSections, PLAIN} from '../../src/report/table.js'

const sum = (keys: number, rdbBytes: number) => ({keys, expiring: 0, rdbBytes, memoryBytes: 0})

const EMPTY: Spread = {
  rdbBytes: [],
  memoryBytes: [],
  elements: [],
  ttl: TTL_BUCKETS.map(bucket => ({bucket, ...sum(0, 0)})),
  densestHour: undefined,
  densestMinute: undefined,
  binaryKeys: 0,
  idle: [],
  frequency: [],
  sizes: [],
  prefixes: [],
  persistentPrefixes: [],
  slots: undefined,
}
const PERCENTS = [50, 90, 99, 99.9, 100]
const prefix = (bytes: Buffer, keys: number, expiring: number, rdbBytes: number) => ({
  prefix: bytes,
  parts: [bytes],
  keys,
  expiring,
  rdbBytes,
  memoryBytes: 0,
  persistentBytes: 0,
})
const FULL: Spread = {
  ...EMPTY,
  rdbBytes: PERCENTS.map((percent, at) => ({percent, value: 10 ** (at + 1)})),
  elements: PERCENTS.map((percent, at) => ({percent, value: 3 ** (at + 1)})),
  ttl: TTL_BUCKETS.map((bucket, at) => ({bucket, ...sum(at % 2 === 0 ? 100 * at : 0, 1000 * at)})),
  densestHour: {fromMs: 1_800_000_000_000, toMs: 1_800_003_600_000, keys: 1234, share: 0.25},
  idle: IDLE_BUCKETS.map((bucket, at) => ({bucket, ...sum(at, at)})),
  frequency: [
    {frequency: 0, ...sum(5, 0)},
    {frequency: 7, ...sum(5, 0)},
    {frequency: 255, ...sum(10, 0)},
  ],
  prefixes: [
    prefix(Buffer.from('user:'), 3000, 1000, 5_000_000),
    prefix(Buffer.from([0xff, 0x1b, 0x3a]), 2, 0, 100),
    prefix(Buffer.from(`${'long:'.repeat(40)}`), 1, 1, 10),
  ],
}

const linesOf = (spread: Spread, columns = 80): string[] =>
  joinSections(spreadSections(spread, {style: PLAIN, columns, nowMs: 0}))

describe('spreadSections', () => {
  it.each([
    [1, 'one hour'],
    [24, 'one day'],
    [32 * 24, '32 days'],
  ])('tells the span in which most keys expire: %i hours', (hours, text) => {
    const densestHour = {...FULL.densestHour!, toMs: FULL.densestHour!.fromMs + hours * 3_600_000}
    expect(linesOf({...FULL, densestHour}).join('\n')).toContain(
      `most in ${text}: 1,234 (25.0 % of what expires) from `,
    )
  })

  it('says nothing of nothing', () => expect(linesOf(EMPTY)).toEqual([]))

  it('leaves out empty buckets, groups frequencies, and keeps bytes off the terminal', () => {
    const text = linesOf(FULL).join('\n')
    expect(text).toContain('of all keys                p50    p90     p99     p99.9       max\n')
    expect(text).not.toContain('\n<1m      ')
    expect(text).toContain('\nnever  ')
    expect(text).toContain('\n5 to 9 ')
    expect(text).toContain('\n255 ')
    expect(text).toContain('\\xff\\x1b:')
    expect(text).not.toContain('\u001b')
    expect(text).toContain('3,000         2,000  4.77 MiB  user:\n')
  })

  it('fits 80 columns', () => {
    for (const line of linesOf(FULL)) expect(line.length, line).toBeLessThanOrEqual(80)
    expect(linesOf(FULL, 1000).some(line => line.endsWith('long:'.repeat(40)))).toBe(true)
  })
})
