/**
 * The tables of an inventory, of one source or of several.
 */
import type {BigKey} from '../analysis/inventory-biggest.js'
import type {FunctionLibrary, ModuleCount} from '../analysis/inventory-facts.js'
import type {DatabaseCount, DatabaseSums, EncodingCount} from '../analysis/inventory-tallies.js'
import {isCollection, NEVER, type ValueType} from '../keyspace/entry.js'
import {type Column, formatTable, numeric, type Style, textual, widthBefore} from './table.js'
import {formatKey, formatText, shorten} from './text.js'
import {formatCount, formatDuration, formatShare, formatSize} from './units.js'

const KEY_COLUMNS_MIN = 20
const SOURCE_COLUMNS_MAX = 24
/** Rows of a table whose rows come from the file: more tell nobody anything; JSON has them all. */
const ROWS_MAX = 40

export interface TablesView {
  style: Style
  /** Width of the terminal. */
  columns: number
  /** The moment that expiries are judged against, in milliseconds since 1970. */
  nowMs: number
}

/** `others` are those that are not told apart. */
export function databasesTable(
  counts: readonly DatabaseCount[],
  style: Style,
  others?: DatabaseSums | undefined,
): string[] {
  const sums = others === undefined ? counts : [...counts, others]
  if (sums.length === 0) return []
  const sizes = new SizeColumns(sums)
  const row = (name: string, sum: DatabaseSums): string[] => [
    name,
    formatCount(sum.keys),
    formatCount(sum.expiring),
    formatCount(sum.expired),
    ...sizes.cells(sum),
  ]
  const rows = counts.slice(0, ROWS_MAX).map(one => row(String(one.db), one))
  const rest = sums.slice(ROWS_MAX)
  if (rest.length > 0) {
    const name = others === undefined ? `${formatCount(rest.length)} more` : `over ${formatCount(rest.length - 1)} more`
    rows.push(row(name, addedUp(rest)))
  }
  const titles = ['database', 'keys', 'expiring', 'expired', ...sizes.titles]
  return formatTable(titles.map(numeric), rows, style)
}

/** Memory where it was estimated, bytes in the file where keys have a place in it, and the share of the whole. */
class SizeColumns {
  readonly titles: string[]
  readonly #estimated: boolean
  /** Keys of a log stand nowhere in it. */
  readonly #stored: boolean
  readonly #total: number

  constructor(rows: readonly Pick<DatabaseSums, 'rdbBytes' | 'memoryBytes'>[]) {
    this.#estimated = rows.some(({memoryBytes}) => memoryBytes > 0)
    this.#stored = !this.#estimated || rows.some(({rdbBytes}) => rdbBytes > 0)
    this.#total = rows.reduce((sum, one) => sum + (this.#stored ? one.rdbBytes : one.memoryBytes), 0)
    this.titles = [...(this.#estimated ? ['memory'] : []), ...(this.#stored ? ['in file'] : []), 'share']
  }

  cells({rdbBytes, memoryBytes}: Pick<DatabaseSums, 'rdbBytes' | 'memoryBytes'>): string[] {
    return [
      ...(this.#estimated ? [formatSize(memoryBytes)] : []),
      ...(this.#stored ? [formatSize(rdbBytes)] : []),
      formatShare(this.#stored ? rdbBytes : memoryBytes, this.#total),
    ]
  }
}

function addedUp(rows: readonly DatabaseSums[]): DatabaseSums {
  const sum = {keys: 0, expiring: 0, expired: 0, rdbBytes: 0, memoryBytes: 0}
  for (const row of rows) {
    for (const member of Object.keys(sum) as (keyof DatabaseSums)[]) sum[member] += row[member]
  }
  return sum
}

export function encodingsTable(counts: readonly EncodingCount[], style: Style): string[] {
  if (counts.length === 0) return []
  const sizes = new SizeColumns(counts)
  const rows = counts.map(one => [
    one.type,
    one.encoding,
    formatCount(one.keys),
    elementsText(one.type, one.elements),
    ...sizes.cells(one),
  ])
  const titles = ['keys', 'elements', ...sizes.titles]
  return formatTable([textual('type'), textual('encoding'), ...titles.map(numeric)], rows, style)
}

function elementsText(type: ValueType, elements: number): string {
  return isCollection(type) ? formatCount(elements) : '-'
}

/** A key of a table, `source` where it is: in a report of several sources. */
type ListedKey = BigKey & {source?: string}

/** A column of the table of keys; `spare`: left out where the line is too narrow, the highest first. */
interface KeyColumn {
  column: Column
  spare: number
  cell(key: ListedKey): string
}

/** `title` is that of the keys: why they are listed. */
export function biggestTable(keys: readonly ListedKey[], view: TablesView, title = 'biggest keys'): string[] {
  if (keys.length === 0) return []
  let kept = keyColumns(keys, view, title)
  let cells = keys.map(key => kept.map(({cell}) => cell(key)))
  const room = (): number =>
    view.columns -
    widthBefore(
      kept.map(({column}) => column),
      cells,
    )
  for (let most = mostSpare(kept); room() < KEY_COLUMNS_MIN && most > 0; most = mostSpare(kept)) {
    kept = kept.filter(({spare}) => spare !== most)
    cells = keys.map(key => kept.map(({cell}) => cell(key)))
  }
  const width = Math.max(room(), KEY_COLUMNS_MIN)
  const fitted = cells.map(row => [...row.slice(0, -1), shorten(row.at(-1)!, width)])
  return formatTable(
    kept.map(({column}) => column),
    fitted,
    view.style,
  )
}

function mostSpare(columns: readonly KeyColumn[]): number {
  return Math.max(...columns.map(({spare}) => spare))
}

function keyColumns(keys: readonly ListedKey[], {nowMs}: TablesView, title: string): KeyColumn[] {
  const source: KeyColumn = {
    column: textual('source'),
    spare: 0,
    cell: key => shorten(formatText(key.source ?? ''), SOURCE_COLUMNS_MAX),
  }
  const memory: KeyColumn = {column: numeric('memory'), spare: 0, cell: key => formatSize(key.memoryBytes)}
  const estimated = keys.some(({memoryBytes}) => memoryBytes > 0)
  const spare = estimated ? 2 : 0
  const stored: KeyColumn = {column: numeric('in file'), spare, cell: ({rdbBytes}) => formatSize(rdbBytes)}
  return [
    ...(estimated ? [memory] : []),
    ...(estimated && keys.every(({rdbBytes}) => rdbBytes === 0) ? [] : [stored]),
    {column: numeric('elements'), spare: 0, cell: ({type, elements}) => elementsText(type, elements)},
    {column: textual('type'), spare: 0, cell: ({type}) => type},
    {column: textual('encoding'), spare: 3, cell: ({encoding}) => encoding},
    {column: textual('expires'), spare: 1, cell: key => expiryText(key, nowMs)},
    ...(keys.some(({source}) => source !== undefined) ? [source] : []),
    {column: numeric('db'), spare: 0, cell: ({db}) => String(db)},
    {column: textual(title), spare: 0, cell: formatKey},
  ]
}

function expiryText({expireAtMs}: BigKey, nowMs: number): string {
  if (expireAtMs === NEVER) return 'never'
  const seconds = (Number(expireAtMs) - nowMs) / 1000
  return seconds < 0 ? 'expired' : `in ${formatDuration(seconds)}`
}

export function functionsTable(libraries: readonly FunctionLibrary[], style: Style): string[] {
  const rows = libraries.map(({name, engine, bytes}) => [formatText(name), formatText(engine), formatSize(bytes)])
  return firstRows([textual('function library'), textual('engine'), numeric('source')], rows, style)
}

export function modulesTable(counts: readonly ModuleCount[], style: Style): string[] {
  const rows = counts.map(({name, version, keys, bytes}) => [
    formatText(name),
    String(version),
    formatCount(keys),
    formatSize(bytes),
  ])
  return firstRows([textual('module'), ...['version', 'keys', 'in file'].map(numeric)], rows, style)
}

/** A table of the first rows, and how many more there are. */
export function firstRows(columns: readonly Column[], rows: readonly string[][], style: Style): string[] {
  if (rows.length === 0) return []
  const lines = formatTable(columns, rows.slice(0, ROWS_MAX), style)
  return rows.length > ROWS_MAX ? [...lines, style.faint(`and ${formatCount(rows.length - ROWS_MAX)} more`)] : lines
}
