import {afterEach, describe, expect, it, vi} from 'vitest'
import {progressText, Spinner} from '../../src/cli/progress.js'

const MIB = 1024 ** 2
const text = (storedRead: number, storedBytes: number, seconds: number): string =>
  progressText('reading dump.rdb', {storedRead, storedBytes}, seconds)

describe('progressText', () => {
  it.each([
    [0, 100 * MIB, 0.5, 'reading dump.rdb  0.0 %  0 B/s'],
    [25 * MIB, 100 * MIB, 5, 'reading dump.rdb  25.0 %  5.00 MiB/s  15 seconds left'],
    [100 * MIB - 1, 100 * MIB, 5, 'reading dump.rdb  >99.9 %  20.0 MiB/s  0 seconds left'],
    [100 * MIB, 100 * MIB, 5, 'reading dump.rdb  100.0 %  20.0 MiB/s  0 seconds left'],
    [10 * MIB, 3600 * 10 * MIB, 1, 'reading dump.rdb  <0.1 %  10.0 MiB/s  59 minutes left'],
    [300, Number.POSITIVE_INFINITY, 0.7, 'reading dump.rdb  300 B  429 B/s'],
    [3 * MIB, Number.POSITIVE_INFINITY, 2, 'reading dump.rdb  3.00 MiB  1.50 MiB/s'],
  ])('%d of %d in %d s', (read, bytes, seconds, shown) => expect(text(read, bytes, seconds)).toBe(shown))
})

describe('a spinner', () => {
  const before = {isTTY: process.stderr.isTTY, columns: process.stderr.columns}
  afterEach(() => {
    Object.assign(process.stderr, before)
    vi.useRealTimers()
  })

  it.each([
    [80, 1],
    [0, 0],
    [undefined, 0],
  ])('on a terminal of %s columns: %d', (columns, shown) => {
    vi.useFakeTimers()
    Object.assign(process.stderr, {isTTY: true, columns})
    const spinner = new Spinner(() => 'text', false)
    spinner.start()
    expect(vi.getTimerCount()).toBe(shown)
    spinner.stop()
  })
})
