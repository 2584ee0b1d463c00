/**
 * One difference in words: what it consists of, and its first examples.
 *
 *   2 fields: name "a" → "b"; +age "7"
 */
import type {CutBytes, DifferenceExample, ExampleValue, KeptDifference} from '../analysis/largest-differences.js'
import {formatBytes, formatText, shorten, shortenEnd} from './text.js'
import {formatCount, formatTime} from './units.js'

const VALUE_COLUMNS_MAX = 32
const NAME_COLUMNS_MAX = 32

/** One of a kind, and several. */
const KINDS: Readonly<Record<string, readonly [one: string, several: string]>> = {
  type: ['type', 'types'],
  expiry: ['expiry', 'expiries'],
  idleSeconds: ['idle time', 'idle times'],
  frequency: ['frequency', 'frequencies'],
  value: ['value', 'values'],
  item: ['item', 'items'],
  member: ['member', 'members'],
  score: ['score', 'scores'],
  field: ['field', 'fields'],
  fieldExpiry: ['field expiry', 'field expiries'],
  entry: ['entry', 'entries'],
  lastId: ['last ID', 'last IDs'],
  maxDeletedId: ['last deleted ID', 'last deleted IDs'],
  entriesAdded: ['count of entries added', 'counts of entries added'],
  group: ['group', 'groups'],
  consumer: ['consumer', 'consumers'],
  pending: ['pending entry', 'pending entries'],
  idempotence: ['setting of producers', 'settings of producers'],
  producer: ['producer', 'producers'],
  producerEntry: ['entry of a producer', 'entries of producers'],
  producerCounters: ['count of producers', 'counts of producers'],
  element: ['element', 'elements'],
  insertIndex: ['insert index', 'insert indexes'],
}

/** Kinds whose examples would say the same words again. */
const ALONE: ReadonlySet<string> = new Set([
  'type',
  'expiry',
  'idleSeconds',
  'frequency',
  'value',
  'lastId',
  'insertIndex',
])

export function differenceText({change, type, size, parts, examples}: KeptDifference): string {
  if (change !== 'changed')
    return type === 'string' ? 'string' : `${formatCount(size)} ${size === 1 ? 'element' : 'elements'}`
  const kinds = Object.entries(parts)
  return kinds
    .map(([what, count]) => {
      const [one, several] = KINDS[what] ?? [what, what]
      const mine = examples.filter(example => example.what === what)
      const texts = mine.map(exampleText)
      const shown = mine.length < count && mine.length > 0 ? [...texts, '…'] : texts
      const words = count === 1 && ALONE.has(what) ? one : `${formatCount(count)} ${count === 1 ? one : several}`
      return shown.length === 0 ? words : `${words}: ${shown.join('; ')}`
    })
    .join('. ')
}

function exampleText({what, name, before, after, at}: DifferenceExample): string {
  const place = at === undefined ? '' : `at byte ${formatCount(at)} `
  const label = (name === undefined ? '' : `${nameText(name)} `) + place
  const shortened = before === undefined || after === undefined ? shorten : shortenEnd
  const [one, other] = [before, after].map(value => value && valueText(what, value, shortened))
  if (what === 'expiry' || what === 'fieldExpiry') return `${label}${one ?? 'never'} → ${other ?? 'never'}`
  if (one === undefined && other === undefined) return 'not shown'
  if (one === undefined) return `+${label}${other}`.replace(/ there$/, '')
  if (other === undefined) return `-${label}${one}`.replace(/ there$/, '')
  return one === 'there' && other === 'there' ? label.trim() : `${label}${one} → ${other}`
}

function nameText(name: CutBytes | string): string {
  return shorten(typeof name === 'string' ? formatText(name) : formatBytes(name.bytes), NAME_COLUMNS_MAX)
}

function valueText(what: string, value: ExampleValue, shortened: typeof shorten): string {
  if (typeof value === 'number') {
    if (what === 'expiry' || what === 'fieldExpiry') return formatTime(value)
    return Object.is(value, -0) ? '-0' : String(value).replace('Infinity', 'inf').replace('NaN', 'nan')
  }
  if (typeof value === 'string') return formatText(value)
  const text = formatBytes(value.bytes)
  // Of two values the part is of interest where they begin to differ.
  const short = (value.skipped === undefined ? '' : '…') + shortened(text, VALUE_COLUMNS_MAX)
  const whole = short === text && value.count === value.bytes.length
  return whole ? `"${text}"` : `"${short}" (${formatCount(value.count)} bytes)`
}

/** The examples as data: texts as on the screen. */
export function exampleTexts({examples}: KeptDifference): string[] {
  return examples.map(example => `${example.what}: ${exampleText(example)}`)
}
