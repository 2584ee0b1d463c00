/**
 * The page of one or several inspections: what of each goes into it, and how much, so that it stays a file that one
 * sends to others.
 */
import type {Growth} from '../analysis/growth.js'
import type {Inventory} from '../analysis/inventory.js'
import type {InventoryTotal} from '../analysis/inventory-total.js'
import type {KeySpread} from '../analysis/spread.js'
import type {SelectionCounts} from '../keyspace/selection.js'
import {formatFailure} from './failure.js'
import {auxTexts, headFacts} from './inventory.js'
import {embeddedJson, formatPage} from './page.js'
import {
  type PageData,
  type PageFacts,
  type PageSource,
  type PageWarning,
  pageGrowth,
  pageSource,
  pageWarnings,
  unreadPage,
} from './page-data.js'
import {PLAIN} from './table.js'
import {formatText} from './text.js'
import {formatCount, formatSize} from './units.js'

/** Keys that a page lists; there are as many by elements. */
export const PAGE_KEYS = 500
const PREFIXES_MAX = 10_000
/** Of the data: with the script the file stays below 3 MB. */
const DATA_BYTES_MAX = 2_200_000
const LIST_ROWS_MAX = 200
const NAME_CHARACTERS_MAX = 300
const WARNING_LINES_MAX = 20
/** What the tiles of the page tell. */
const TOLD_FACTS = new Set(['keys', 'estimated', 'size'])

export interface PagedInspection {
  /** As it is named to people. */
  source: string
  /** Absent where nothing of it could be read: `failure` says why. */
  inventory: Inventory | undefined
  spread: KeySpread | undefined
  storedBytes: number
  compressed: boolean
  selected: SelectionCounts | undefined
  failure: unknown
}

export interface PageOptions {
  version: string
  nowMs: number
  madeAtMs: number
  growth?: {since: string; growth: Growth} | undefined
}

type ReadInspection = PagedInspection & {inventory: Inventory}

/** The bytes of the page. `total` is the sum where there are several, of those that could be read. */
export function inspectionPage(
  inspections: readonly PagedInspection[],
  total: InventoryTotal | undefined,
  {growth, ...told}: PageOptions,
): Buffer {
  // A sum has half of everything: it is what is looked at first.
  const several = total === undefined ? 1 : 2 * inspections.length
  for (let prefixes = PREFIXES_MAX; ; prefixes >>= 1) {
    const quota = {prefixes: Math.ceil(prefixes / several), keys: Math.ceil(PAGE_KEYS / several)}
    const sources = inspections.map(one => (isRead(one) ? sourceOf(one, quota, told.nowMs) : unreadSource(one)))
    if (total !== undefined) {
      sources.unshift(totalSource(total, inspections, {prefixes: prefixes >> 1, keys: PAGE_KEYS >> 1}))
    }
    const data: PageData = {
      ...told,
      sources,
      ...(growth === undefined ? {} : {growth: pageGrowth(growth.since, growth.growth)}),
    }
    // Long names, of bytes that are no text, may be too much of a good thing.
    if (prefixes < 2 || Buffer.byteLength(embeddedJson(data)) <= DATA_BYTES_MAX) return formatPage(data)
  }
}

interface Quota {
  prefixes: number
  keys: number
}

function isRead(one: PagedInspection): one is ReadInspection {
  return one.inventory !== undefined
}

function sourceOf(one: ReadInspection, quota: Quota, nowMs: number): PageSource {
  const {source, inventory, spread, failure} = one
  const {memory} = inventory
  const facts: PageFacts = {
    name: nameOf(one),
    facts: headFacts(inventory, {...one, style: PLAIN, nowMs})
      .filter(([name]) => !TOLD_FACTS.has(name))
      .map(cutFact),
    failure: failure === undefined ? undefined : formatFailure(failure, source).join('\n'),
    warnings: pageWarnings(inventory),
    lists: listsOf(inventory),
  }
  const own = memory === undefined ? [] : [{server: memory.server, calibrated: memory.calibrated, bytes: memory.bytes}]
  const estimates = [...own, ...(memory?.elsewhere ?? [])]
  return pageSource(cut(inventory, quota), estimates, facts, prefixesOf(spread, quota))
}

/** Named with the reason, so that nobody takes the sum for all. */
function unreadSource(one: PagedInspection): PageSource {
  const failure = formatFailure(one.failure, one.source).join('\n')
  return {...unreadPage(), name: nameOf(one), failure}
}

function nameOf({source}: PagedInspection): string {
  return cutText(formatText(source))
}

function totalSource(total: InventoryTotal, inspections: readonly PagedInspection[], quota: Quota): PageSource {
  const {memoryBytes, elsewhere, keySpread} = total
  const read = inspections.filter(isRead)
  const all = formatCount(inspections.length)
  const facts: PageFacts = {
    name: read.length === inspections.length ? `All ${all} sources` : `${formatCount(read.length)} of ${all} sources`,
    facts: [['total', 'the sum of all that could be read']],
    warnings: warningsOfAll(read),
    lists: [],
  }
  const models = read.flatMap(({inventory: {memory}}) => memory ?? [])
  const servers = [...new Set(models.map(({server}) => server))]
  const server = servers.length === 1 ? servers[0]! : 'each one’s own server'
  const own =
    memoryBytes === undefined
      ? []
      : [{server, calibrated: models.every(({calibrated}) => calibrated), bytes: memoryBytes}]
  return pageSource(cut(total, quota), [...own, ...elsewhere], facts, prefixesOf(keySpread, quota))
}

/** What is the same of several sources is told once, with a line for each. */
function warningsOfAll(read: readonly ReadInspection[]): PageWarning[] {
  const groups = new Map<string, {first: PageWarning; lines: string[]}>()
  for (const one of read) {
    for (const warning of pageWarnings(one.inventory)) {
      const group = groups.get(warning.code) ?? {first: warning, lines: []}
      groups.set(warning.code, group)
      group.lines.push(`${nameOf(one)}: ${warning.text}`)
    }
  }
  return [...groups.values()].map(({first, lines}) => {
    const beyond = lines.length - WARNING_LINES_MAX
    const more = beyond > 0 ? [`and ${formatCount(beyond)} more like these`] : []
    return {...first, text: [...lines.slice(0, WARNING_LINES_MAX), ...more].join('\n')}
  })
}

/** Lists cut to the quota. */
function cut<Of extends Pick<Inventory, 'biggest' | 'biggestByElements' | 'biggestElements'>>(
  of: Of,
  {keys}: Quota,
): Of {
  return {
    ...of,
    biggest: of.biggest.slice(0, keys),
    biggestByElements: of.biggestByElements.slice(0, keys),
    biggestElements: of.biggestElements?.slice(0, keys),
  }
}

function prefixesOf(spread: KeySpread | undefined, {prefixes}: Quota): Parameters<typeof pageSource>[3] {
  if (spread === undefined) return {prefixes: [], inAll: 0, separator: new Uint8Array(0)}
  return {...spread.largestPrefixes(prefixes), separator: spread.separator}
}

function listsOf(inventory: Inventory): PageSource['lists'] {
  const {functions, modules} = inventory
  const lists: PageSource['lists'] = [
    {
      title: 'Function libraries',
      rows: functions.map(({name, engine, bytes}) => [formatText(name), `${formatText(engine)}, ${formatSize(bytes)}`]),
    },
    {
      title: 'Modules',
      rows: modules.map(({name, keys, bytes}) => [
        formatText(name),
        `${formatCount(keys)} keys, ${formatSize(bytes)} in the file`,
      ]),
    },
    {title: 'Aux fields', rows: auxTexts(inventory)},
  ]
  return lists.map(({title, rows}) => ({title, rows: rows.slice(0, LIST_ROWS_MAX).map(cutFact)}))
}

/** What is shown already, cut. */
function cutFact([name, text]: readonly [string, string]): [string, string] {
  return [cutText(name), cutText(text)]
}

function cutText(text: string): string {
  return text.length <= NAME_CHARACTERS_MAX ? text : `${text.slice(0, NAME_CHARACTERS_MAX)}…`
}
