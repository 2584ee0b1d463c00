/**
 * How keys are spread, for people.
 */
import type {BucketCount, ExpiryWindow} from '../analysis/expiry.js'
import type {Percentile, Spread} from '../analysis/spread.js'
import type {TablesView} from './inventory-tables.js'
import {formatTable, numeric, textual, widthBefore} from './table.js'
import {formatBytes, shorten} from './text.js'
import {formatCount, formatDuration, formatShare, formatSize, formatTime} from './units.js'

const PREFIX_COLUMNS_MIN = 20
/** Frequencies are told in these groups: the counter is logarithmic, single values mean little. */
const FREQUENCY_ENDS = [1, 5, 10, 50, 100, 200, 255, 256]

export function spreadSections(spread: Spread, view: TablesView): string[][] {
  return [
    percentilesTable(spread, view),
    ttlTable(spread, view),
    bucketsTable('last used', spread.idle, view),
    frequencyTable(spread, view),
    prefixesTable(spread, view),
  ]
}

export function percentilesTable(spread: Spread, {style}: TablesView): string[] {
  if (spread.rdbBytes.length === 0) return []
  const name = ({percent}: Percentile): string => (percent === 100 ? 'max' : `p${percent}`)
  const row = (title: string, values: readonly Percentile[], format: (value: number) => string): string[] => [
    title,
    ...values.map(({value}) => format(value)),
  ]
  const rows = [row('size of a key in file', spread.rdbBytes, formatSize)]
  if (spread.memoryBytes.length > 0) rows.push(row('estimated memory', spread.memoryBytes, formatSize))
  if (spread.elements.length > 0) rows.push(row('elements of a collection', spread.elements, formatCount))
  return formatTable([textual('of all keys'), ...spread.rdbBytes.map(name).map(numeric)], rows, style)
}

function ttlTable(spread: Spread, view: TablesView): string[] {
  const lines = bucketsTable('expires', spread.ttl, view)
  const hour = spread.densestHour
  if (hour === undefined || lines.length === 0) return lines
  const share = `${formatCount(hour.keys)} (${formatShare(hour.share, 1)} of what expires)`
  return [...lines, view.style.faint(`most in ${spanText(hour)}: ${share} from ${formatTime(hour.fromMs)}`)]
}

/** An hour; more where expiries lie so far apart that hours are not counted apart. */
function spanText({fromMs, toMs}: ExpiryWindow): string {
  const seconds = (toMs - fromMs) / 1000
  if (seconds === 3600) return 'one hour'
  return seconds === 86_400 ? 'one day' : formatDuration(seconds)
}

/** Buckets that hold nothing are left out. */
function bucketsTable(title: string, buckets: readonly BucketCount<string>[], {style}: TablesView): string[] {
  const held = buckets.filter(({keys}) => keys > 0)
  if (held.length === 0) return []
  const total = held.reduce((sum, {keys}) => sum + keys, 0)
  const rows = held.map(({bucket, keys, rdbBytes}) => [
    bucket === 'none' ? 'never' : bucket,
    formatCount(keys),
    formatShare(keys, total),
    formatSize(rdbBytes),
  ])
  return formatTable([textual(title), numeric('keys'), numeric('share'), numeric('in file')], rows, style)
}

function frequencyTable({frequency}: Spread, {style}: TablesView): string[] {
  if (frequency.length === 0) return []
  const total = frequency.reduce((sum, {keys}) => sum + keys, 0)
  const rows = FREQUENCY_ENDS.flatMap((end, at) => {
    const from = FREQUENCY_ENDS[at - 1] ?? 0
    const keys = frequency
      .filter(one => one.frequency >= from && one.frequency < end)
      .reduce((sum, one) => sum + one.keys, 0)
    const name = end - from === 1 ? String(from) : `${from} to ${end - 1}`
    return keys === 0 ? [] : [[name, formatCount(keys), formatShare(keys, total)]]
  })
  return formatTable([textual('access counter'), numeric('keys'), numeric('share')], rows, style)
}

function prefixesTable({prefixes}: Spread, view: TablesView): string[] {
  if (prefixes.length === 0) return []
  const estimated = prefixes.some(({memoryBytes}) => memoryBytes > 0)
  const rows = prefixes.map(({prefix, keys, expiring, rdbBytes, memoryBytes}) => [
    formatCount(keys),
    formatCount(keys - expiring),
    ...(estimated ? [formatSize(memoryBytes)] : []),
    formatSize(rdbBytes),
    formatBytes(prefix),
  ])
  const titles = ['keys', 'never expire', ...(estimated ? ['memory'] : []), 'in file']
  const columns = [...titles.map(numeric), textual('prefix')]
  const room = Math.max(view.columns - widthBefore(columns, rows), PREFIX_COLUMNS_MIN)
  const fitted = rows.map(row => [...row.slice(0, -1), shorten(row.at(-1)!, room)])
  return formatTable(columns, fitted, view.style)
}
