/**
 * What a page of a report shows, as plain data: numbers, and text that is safe to
 * show (keys as on a screen, so no key can turn the writing direction or hide). Short names and
 * rows as arrays: ten thousand prefixes are to stay small.
 */
import type {BigElement} from '../analysis/biggest-elements.js'
import type {Change, Growth} from '../analysis/growth.js'
import type {Inventory} from '../analysis/inventory.js'
import type {BigKey} from '../analysis/inventory-biggest.js'
import type {DatabaseSums} from '../analysis/inventory-tallies.js'
import type {KeySum} from '../analysis/key-sums.js'
import type {PrefixCount} from '../analysis/prefixes.js'
import type {Percentile, Spread} from '../analysis/spread.js'
import {NEVER} from '../keyspace/entry.js'
import {warningText} from './inventory-warnings.js'
import {formatBytes, formatKey, formatMessage, formatText, shorten} from './text.js'
import {formatCount} from './units.js'
import {adviceOf} from './warning-advice.js'

/** Of a name so much is shown; longer ones are cut in the middle, and say how long they are. */
const NAME_COLUMNS_MAX = 160
const PART_COLUMNS_MAX = 60
const PROBLEMS_MAX = 50
const DATABASES_MAX = 256

/** keys, keys that expire, bytes in the file, bytes of memory */
export type PageSum = [keys: number, expiring: number, rdbBytes: number, memoryBytes: number]

export interface PageRow {
  name: string
  sum: PageSum
}

/** `parent` is the number of a prefix before it, -1 at the top; `name` its last part, null for any. */
export type PagePrefix = [parent: number, name: string | null, ...sum: PageSum, persistentBytes: number]

export type PageKey = [
  db: number,
  key: string,
  type: string,
  encoding: string,
  elements: number,
  rdbBytes: number,
  memoryBytes: number,
  /** Milliseconds since 1970; null: never. */
  expireAtMs: number | null,
  source: string,
]

export type PageElement = [db: number, key: string, type: string, name: string, bytes: number, source: string]

export interface PageWarning {
  severity: 'notice' | 'warning' | 'error'
  code: string
  text: string
  advice: string
}

export interface PageSource {
  name: string
  /** What stands in the head of the report: producer, version, age, checksum. */
  facts: [label: string, text: string][]
  /** Why the numbers are not of the whole source; absent where they are. */
  failure?: string
  /** Nothing of it could be read: there are no numbers. */
  unread?: true
  keys: number
  expiring: number
  expired: number
  /** Bytes of the source itself. */
  bytes: number
  /** Whose memory is estimated, and what it comes to with the tables of databases. */
  memory: {server: string; calibrated: boolean; bytes: number}[]
  warnings: PageWarning[]
  databases: PageRow[]
  types: {type: string; encoding: string; elements: number; sum: PageSum}[]
  ttl: PageRow[]
  idle: PageRow[]
  frequency: PageRow[]
  sizes: {from: number; to: number; sum: PageSum}[]
  percentiles: {name: string; unit: 'bytes' | 'count'; values: [percent: number, value: number][]}[]
  separator: string
  /** How many there are in all. */
  prefixesInAll: number
  prefixes: PagePrefix[]
  biggest: PageKey[]
  mostElements: PageKey[]
  elements: PageElement[]
  /** By slot of a cluster; empty where they were not counted. */
  slots: [slot: number, ...sum: PageSum][]
  lists: {title: string; rows: [name: string, text: string][]}[]
}

export interface PageGrowth {
  since: string
  rows: {group: string; name: string; before: PageSum; after: PageSum}[]
}

export interface PageData {
  version: string
  madeAtMs: number
  nowMs: number
  /** The sum of all first, where there are several. */
  sources: PageSource[]
  growth?: PageGrowth
}

/** What is told of a source beside its numbers. */
export interface PageFacts extends Pick<PageSource, 'name' | 'facts' | 'lists'> {
  failure?: string | undefined
  warnings: PageWarning[]
}

/** What one source and the sum of several have in common. */
export type PagedInventory = Pick<
  Inventory,
  | 'keys'
  | 'expiring'
  | 'expired'
  | 'bytes'
  | 'databases'
  | 'otherDatabases'
  | 'encodings'
  | 'biggest'
  | 'biggestByElements'
> & {spread: Spread | undefined; biggestElements: readonly BigElement[] | undefined}

/** `prefixes` are all that are to be shown, the most memory first; `inAll` is how many there are. */
export function pageSource(
  of: PagedInventory,
  memory: PageSource['memory'],
  {failure, ...facts}: PageFacts,
  {prefixes, inAll, separator}: {prefixes: readonly PrefixCount[]; inAll: number; separator: Uint8Array},
): PageSource {
  const {spread} = of
  return {
    ...facts,
    ...(failure === undefined ? {} : {failure}),
    keys: of.keys,
    expiring: of.expiring,
    expired: of.expired,
    bytes: of.bytes,
    memory,
    databases: databaseRows(of),
    types: of.encodings.map(({type, encoding, elements, ...sum}) => ({type, encoding, elements, sum: sumOf(sum)})),
    ttl: bucketRows(spread?.ttl ?? []),
    idle: bucketRows(spread?.idle ?? []),
    frequency: (spread?.frequency ?? []).map(({frequency, ...sum}) => ({name: String(frequency), sum: sumOf(sum)})),
    sizes: (spread?.sizes ?? []).map(({from, to, ...sum}) => ({from, to, sum: sumOf(sum)})),
    percentiles: spread === undefined ? [] : percentilesOf(spread),
    separator: formatBytes(separator),
    prefixesInAll: inAll,
    prefixes: prefixTree(prefixes),
    biggest: of.biggest.map(keyRow),
    mostElements: of.biggestByElements.map(keyRow),
    elements: (of.biggestElements ?? []).map(elementRow),
    slots: (spread?.slots ?? []).map(({slot, ...sum}) => [slot, ...sumOf(sum)]),
  }
}

/** A source without a number. */
export function unreadPage(): Omit<PageSource, 'name' | 'failure'> {
  return {
    unread: true,
    facts: [],
    keys: 0,
    expiring: 0,
    expired: 0,
    bytes: 0,
    memory: [],
    warnings: [],
    databases: [],
    types: [],
    ttl: [],
    idle: [],
    frequency: [],
    sizes: [],
    percentiles: [],
    separator: '',
    prefixesInAll: 0,
    prefixes: [],
    biggest: [],
    mostElements: [],
    elements: [],
    slots: [],
    lists: [],
  }
}

export function pageWarnings({problems, warnings}: Pick<Inventory, 'problems' | 'warnings'>): PageWarning[] {
  const met = problems.slice(0, PROBLEMS_MAX).map(({severity, code, text, offset}) => ({
    severity,
    code,
    text: `${formatMessage(text)} (byte ${formatCount(offset)})`,
    advice: adviceOf(code),
  }))
  const counted = warnings.map(one => ({
    severity: one.severity,
    code: one.code,
    text: warningText(one),
    advice: adviceOf(one.code),
  }))
  return [...met, ...counted]
}

export function pageGrowth(since: string, growth: Growth): PageGrowth {
  const row = (group: string, name: string, {before, after}: Change) => ({
    group,
    name,
    before: sumOf({...before, expiring: 0}),
    after: sumOf({...after, expiring: 0}),
  })
  return {
    since: formatText(since),
    rows: [
      row('all', 'all keys', growth.all),
      ...growth.databases.slice(0, DATABASES_MAX).map(one => row('database', String(one.db), one)),
      ...growth.types.map(one => row('type', one.type, one)),
      ...(growth.prefixes ?? []).map(one => row('prefix', shorten(formatBytes(one.prefix), NAME_COLUMNS_MAX), one)),
    ],
  }
}

function sumOf({keys, expiring, rdbBytes, memoryBytes}: KeySum | DatabaseSums): PageSum {
  return [keys, expiring, rdbBytes, memoryBytes]
}

function databaseRows({databases, otherDatabases}: PagedInventory): PageRow[] {
  const rows = databases.map(({db, ...sum}) => ({name: String(db), sum: sumOf(sum)}))
  const rest = rows.splice(DATABASES_MAX)
  const others = [...rest.map(({sum}) => sum), ...(otherDatabases === undefined ? [] : [sumOf(otherDatabases)])]
  if (others.length === 0) return rows
  const sum: PageSum = [0, 0, 0, 0]
  for (const one of others) for (const [at, value] of one.entries()) sum[at]! += value
  return [...rows, {name: 'others', sum}]
}

function bucketRows(buckets: readonly (KeySum & {bucket: string})[]): PageRow[] {
  return buckets.map(({bucket, ...sum}) => ({name: bucket === 'none' ? 'never' : bucket, sum: sumOf(sum)}))
}

function percentilesOf({rdbBytes, memoryBytes, elements}: Spread): PageSource['percentiles'] {
  const row = (name: string, unit: 'bytes' | 'count', values: readonly Percentile[]) =>
    values.length === 0
      ? []
      : [{name, unit, values: values.map(({percent, value}): [number, number] => [percent, value])}]
  return [
    ...row('Memory of a key', 'bytes', memoryBytes),
    ...row('Size of a key in the file', 'bytes', rdbBytes),
    ...row('Elements of a collection', 'count', elements),
  ]
}

/** Parents stand before their children, however the list was ranked; one that is not in it is left out with what is below. */
function prefixTree(prefixes: readonly PrefixCount[]): PagePrefix[] {
  const numbers = new Map<string, number>()
  const rows: PagePrefix[] = []
  const byDepth = [...prefixes].sort((a, b) => a.parts.length - b.parts.length)
  for (const {parts, persistentBytes, ...sum} of byDepth) {
    const above = nameOf(parts.slice(0, -1))
    const parent = parts.length === 1 ? -1 : numbers.get(above)
    // What several prefixes have below them in common (`user:*:name:`) is no part of any one of them.
    if (parent === undefined) continue
    numbers.set(nameOf(parts), rows.length)
    const last = parts.at(-1)
    rows.push([
      parent,
      last === undefined ? null : shorten(formatBytes(last), PART_COLUMNS_MAX),
      ...sumOf(sum),
      persistentBytes,
    ])
  }
  return rows
}

/** Another one for each list of parts: a byte is a character, and what stands between parts and for any part is no byte. */
function nameOf(parts: PrefixCount['parts']): string {
  return parts
    .map(part =>
      part === undefined ? '\u0100' : Buffer.from(part.buffer, part.byteOffset, part.length).toString('latin1'),
    )
    .join('\u0101')
}

function keyRow(big: BigKey & {source?: string}): PageKey {
  const {db, type, encoding, elements, rdbBytes, memoryBytes, expireAtMs, source = ''} = big
  const expiry = expireAtMs === NEVER ? null : Number(expireAtMs)
  return [db, shownKey(big), type, encoding, elements, rdbBytes, memoryBytes, expiry, formatText(source)]
}

function elementRow(one: BigElement & {source?: string}): PageElement {
  return [
    one.db,
    shownKey(one),
    one.type,
    shorten(formatBytes(one.name), NAME_COLUMNS_MAX),
    one.bytes,
    formatText(one.source ?? ''),
  ]
}

function shownKey(big: {key: Uint8Array; keyBytes?: number | undefined}): string {
  const whole = formatKey(big)
  const shown = shorten(whole, NAME_COLUMNS_MAX)
  if (shown === whole || big.keyBytes !== undefined) return shown
  return `${shown} (${big.key.length} bytes)`
}
