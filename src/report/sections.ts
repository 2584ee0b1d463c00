/**
 * The keys of a source by one thing at a time, for people: the sections of `--by`.
 */
import type {BigElement} from '../analysis/biggest-elements.js'
import type {Inventory} from '../analysis/inventory.js'
import type {EncodingCount} from '../analysis/inventory-tallies.js'
import type {KeySum} from '../analysis/key-sums.js'
import type {PrefixCount} from '../analysis/prefixes.js'
import type {Spread} from '../analysis/spread.js'
import {SLOT_COUNT} from '../bytes/crc16.js'
import type {TablesView} from './inventory-tables.js'
import {percentilesTable} from './spread.js'
import {type Column, formatTable, numeric, textual, widthBefore} from './table.js'
import {formatBytes, formatKey, formatText, hang, shorten} from './text.js'
import {formatCount, formatPower, formatShare, formatSize} from './units.js'

export const SECTION_NAMES = ['prefix', 'type', 'db', 'ttl', 'idle', 'size', 'slot'] as const
export type SectionName = (typeof SECTION_NAMES)[number]

/** What sections are made of: of one source, or of several in sum. */
export type Sectioned = Pick<Inventory, 'encodings' | 'databases' | 'otherDatabases' | 'biggestElements' | 'spread'>

const LAST_COLUMNS_MIN = 20
const BAR_COLUMNS_MIN = 8
const BAR_COLUMNS_MAX = 24
/** A block by eighths of a column. */
const BLOCKS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

interface Row extends KeySum {
  /** What the keys have in common, a cell for each column of the label. */
  label: readonly string[]
  /** Shown in place of memory or bytes: of some keys only. */
  bytes?: number
}

/** The tables of those sections, one after another. `top` is how many rows of an endless one are shown. */
export function sectionTables(
  names: readonly SectionName[],
  of: Sectioned,
  view: TablesView & {top: number},
): string[][] {
  return names.flatMap(name => tablesOf(name, of, new SumTable(of.encodings, view), view))
}

function tablesOf(name: SectionName, of: Sectioned, table: SumTable, view: TablesView & {top: number}): string[][] {
  const {spread} = of
  switch (name) {
    case 'type':
      return [table.of([textual('type'), textual('encoding')], of.encodings.map(encodingRow))]
    case 'db':
      // Here the tables of databases are in the sums.
      return [new SumTable(databaseRows(of), view).of([numeric('database')], databaseRows(of))]
    default:
  }
  if (spread === undefined) return []
  switch (name) {
    case 'prefix':
      return prefixTables(spread, table)
    case 'ttl':
      return [table.of([textual('expires')], spread.ttl.filter(isHeld).map(bucketRow))]
    case 'idle':
      return [idleTable(spread, table, view)]
    case 'size':
      return [
        table.of([textual('size of a key')], spread.sizes.filter(isHeld).map(sizeRow)),
        percentilesTable(spread, view),
        elementsTable(of.biggestElements ?? [], view),
      ]
    case 'slot':
      return [slotTable(spread, table, view)]
  }
}

function encodingRow({type, encoding, ...sum}: EncodingCount): Row {
  return {label: [type, encoding], ...sum}
}

function databaseRows({databases, otherDatabases}: Sectioned): Row[] {
  const rows = databases.map(({db, ...sum}) => ({label: [String(db)], ...sum}))
  return otherDatabases === undefined ? rows : [...rows, {label: ['others'], ...otherDatabases}]
}

function isHeld({keys}: KeySum): boolean {
  return keys > 0
}

function bucketRow({bucket, ...sum}: KeySum & {bucket: string}): Row {
  return {label: [bucket === 'none' ? 'never' : bucket], ...sum}
}

function sizeRow({from, to, ...sum}: Spread['sizes'][number]): Row {
  return {label: [to === 0 ? 'nothing' : `${formatPower(from)} to ${formatPower(to + 1)}`], ...sum}
}

function prefixRow({prefix, keys, expiring, rdbBytes, memoryBytes}: PrefixCount): Row {
  return {label: [formatBytes(prefix)], keys, expiring, rdbBytes, memoryBytes}
}

function prefixTables({prefixes, persistentPrefixes}: Spread, table: SumTable): string[][] {
  const persistent = persistentPrefixes.map(one => ({...prefixRow(one), bytes: one.persistentBytes}))
  return [
    table.ofPrefixes('prefix', prefixes.map(prefixRow)),
    table.ofPrefixes('prefix, by what never expires', persistent),
  ]
}

/** Servers write one or the other, or neither, by their maxmemory-policy. */
function idleTable({idle, frequency}: Spread, table: SumTable, view: TablesView): string[] {
  if (idle.length > 0) return table.of([textual('last used')], idle.filter(isHeld).map(bucketRow))
  const rows = frequency.map(({frequency, ...sum}) => ({label: [String(frequency)], ...sum}))
  if (rows.length > 0) return table.of([numeric('access counter')], rows)
  const why = 'not told: servers write when keys were used only under a maxmemory-policy of LRU or LFU'
  return hang(`last used  ${why}`, view.columns, 11).map(view.style.faint)
}

function slotTable({slots = []}: Spread, table: SumTable, view: TablesView & {top: number}): string[] {
  const fullest = [...slots].sort((a, b) => table.weigh(b) - table.weigh(a) || a.slot - b.slot).slice(0, view.top)
  const rows = fullest.map(({slot, ...sum}) => ({label: [String(slot)], ...sum}))
  const most = fullest[0]
  if (most === undefined) return []
  const mean = slots.reduce((sum, one) => sum + table.weigh(one), 0) / slots.length
  const told = `${formatCount(slots.length)} of ${formatCount(SLOT_COUNT)} slots hold keys, ${formatSize(mean)} on average; the fullest ${(table.weigh(most) / mean).toFixed(1)} times as much`
  return [...table.of([numeric('slot')], rows), ...hang(told, view.columns, 0).map(view.style.faint)]
}

function elementsTable(elements: readonly (BigElement & {source?: string})[], view: TablesView): string[] {
  if (elements.length === 0) return []
  const sourced = elements.some(({source}) => source !== undefined)
  const columns = [
    numeric('bytes'),
    textual('type'),
    ...(sourced ? [textual('source')] : []),
    numeric('db'),
    textual('biggest elements: where'),
  ]
  const rows = elements.map(one => [
    formatSize(one.bytes),
    one.type,
    ...(sourced ? [shorten(formatText(one.source ?? ''), LAST_COLUMNS_MIN)] : []),
    String(one.db),
    elementName(one),
  ])
  return lastFitted(columns, rows, view)
}

/** The key, and what the element is called in it. */
export function elementName(element: BigElement): string {
  const {name} = element
  return name.length === 0 ? formatKey(element) : `${formatKey(element)} › ${formatBytes(name)}`
}

function lastFitted(columns: readonly Column[], rows: readonly string[][], view: TablesView): string[] {
  const room = Math.max(view.columns - widthBefore(columns, rows), LAST_COLUMNS_MIN)
  const fitted = rows.map(row => [...row.slice(0, -1), shorten(row.at(-1)!, room)])
  return formatTable(columns, fitted, view.style)
}

/** Tables of sums in the same columns: keys, memory where it was estimated, bytes in the file, and the share of the whole. */
class SumTable {
  readonly #estimated: boolean
  readonly #stored: boolean
  readonly #total: number

  /** `all` are all keys, in whatever groups. */
  constructor(
    all: readonly KeySum[],
    readonly view: TablesView,
  ) {
    this.#estimated = all.some(({memoryBytes}) => memoryBytes > 0)
    this.#stored = !this.#estimated || all.some(({rdbBytes}) => rdbBytes > 0)
    this.#total = all.reduce((sum, one) => sum + this.weigh(one), 0)
  }

  weigh({memoryBytes, rdbBytes}: Pick<KeySum, 'memoryBytes' | 'rdbBytes'>): number {
    return this.#estimated ? memoryBytes : rdbBytes
  }

  of(labels: readonly Column[], rows: readonly Row[]): string[] {
    if (rows.length === 0) return []
    const cells = rows.map(row => [...row.label, ...this.#cells(row)])
    return this.#withBars([...labels, ...this.#columns(rows)], cells, rows)
  }

  /** Prefixes stand last, where a long one can be cut. */
  ofPrefixes(title: string, rows: readonly Row[]): string[] {
    if (rows.length === 0) return []
    const cells = rows.map(row => [...this.#cells(row), ...row.label])
    return lastFitted([...this.#columns(rows), textual(title)], cells, this.view)
  }

  #columns(rows: readonly Row[]): Column[] {
    const some = rows.some(({bytes}) => bytes !== undefined)
    const all = [...(this.#estimated ? ['memory'] : []), ...(this.#stored ? ['in file'] : [])]
    return ['keys', 'never expire', ...(some ? ['bytes'] : all), 'share'].map(numeric)
  }

  #cells(row: Row): string[] {
    const {keys, expiring, memoryBytes, rdbBytes, bytes} = row
    const sizes =
      bytes === undefined
        ? [...(this.#estimated ? [formatSize(memoryBytes)] : []), ...(this.#stored ? [formatSize(rdbBytes)] : [])]
        : [formatSize(bytes)]
    const share = formatShare(bytes ?? this.weigh(row), this.#total)
    return [formatCount(keys), formatCount(keys - expiring), ...sizes, share]
  }

  /** A picture of the shares, where the terminal has room. */
  #withBars(columns: readonly Column[], cells: readonly string[][], rows: readonly Row[]): string[] {
    const {view} = this
    const bar = textual('')
    const most = Math.max(...rows.map(row => this.weigh(row)))
    const before = widthBefore(
      [...columns, bar],
      cells.map(row => [...row, '']),
    )
    const room = Math.min(BAR_COLUMNS_MAX, view.columns - before)
    if (view.columns === Number.POSITIVE_INFINITY || room < BAR_COLUMNS_MIN || most === 0) {
      return formatTable(columns, cells, view.style)
    }
    const drawn = cells.map((row, at) => [...row, barOf((room * this.weigh(rows[at]!)) / most)])
    return formatTable([...columns, bar], drawn, view.style).map(line => line.trimEnd())
  }
}

/** A bar of so many columns. */
function barOf(columns: number): string {
  const eighths = Math.round(columns * 8)
  return '█'.repeat(eighths >> 3) + BLOCKS[eighths & 7]!
}
