/** What the numbers of a source are measured by, and how they are shown. */
import type {PageSource, PageSum} from '../report/page-data.js'
import {formatCount, formatSize} from '../report/units.js'

export type Measure = 'memory' | 'file' | 'keys'

export const KEYS = 0
export const EXPIRING = 1
export const FILE = 2
export const MEMORY = 3

const MEMBERS: Readonly<Record<Measure, number>> = {memory: MEMORY, file: FILE, keys: KEYS}

export const MEASURE_NAMES: Readonly<Record<Measure, string>> = {memory: 'Memory', file: 'In the file', keys: 'Keys'}

export function amountOf(sum: PageSum, measure: Measure): number {
  return sum[MEMBERS[measure]]!
}

export function formatMeasure(value: number, measure: Measure): string {
  return measure === 'keys' ? formatCount(Math.round(value)) : formatSize(value)
}

/** Those that the source has: keys of a log lie nowhere in it. */
export function measuresOf({types}: PageSource): Measure[] {
  const total = totalOf(types.map(({sum}) => sum))
  return [...(total[MEMORY] > 0 ? (['memory'] as const) : []), ...(total[FILE] > 0 ? (['file'] as const) : []), 'keys']
}

export function totalOf(sums: readonly PageSum[]): PageSum {
  const total: PageSum = [0, 0, 0, 0]
  for (const sum of sums) for (let at = 0; at < total.length; at++) total[at]! += sum[at]!
  return total
}

/** Short names for the ends of powers of two: 4 KiB. */
export function formatShort(bytes: number): string {
  return formatSize(bytes).replace(/\.0+(?= )/, '')
}

/** 2,600,000 as 2.6 M: for places where a few characters must do. */
export function formatFew(count: number): string {
  const [size, unit] = count >= 1e9 ? [1e9, ' G'] : count >= 1e6 ? [1e6, ' M'] : count >= 1e4 ? [1e3, ' k'] : [1, '']
  const short = count / size
  return `${unit === '' || short >= 100 ? Math.round(short) : Number(short.toPrecision(3))}${unit}`
}
