/**
 * The tables of an inventory, of one source or of several.
 */
import type {BigKey, DatabaseCount, EncodingCount, ModuleCount} from '../analysis/inventory.js'
import {NEVER} from '../keyspace/entry.js'
import {type Column, formatTable, numeric, type Style, textual, widthBefore} from './table.js'
import {formatBytes, formatText, shorten} from './text.js'
import {formatCount, formatDuration, formatShare, formatSize} from './units.js'

const KEY_COLUMNS_MIN = 20
const SOURCE_COLUMNS_MAX = 24

export interface TablesView {
  style: Style
  /** Width of the terminal. */
  columns: number
  /** The moment that expiries are judged against, in milliseconds since 1970. */
  nowMs: number
}

export function databasesTable(counts: readonly DatabaseCount[], style: Style): string[] {
  if (counts.length === 0) return []
  const total = counts.reduce((sum, {rdbBytes}) => sum + rdbBytes, 0)
  const rows = counts.map(({db, keys, expiring, expired, rdbBytes}) => [
    String(db),
    formatCount(keys),
    formatCount(expiring),
    formatCount(expired),
    formatSize(rdbBytes),
    formatShare(rdbBytes, total),
  ])
  const titles = ['database', 'keys', 'expiring', 'expired', 'in file', 'share']
  return formatTable(titles.map(numeric), rows, style)
}

export function encodingsTable(counts: readonly EncodingCount[], style: Style): string[] {
  if (counts.length === 0) return []
  const total = counts.reduce((sum, {rdbBytes}) => sum + rdbBytes, 0)
  const rows = counts.map(({type, encoding, keys, elements, rdbBytes}) => [
    type,
    encoding,
    formatCount(keys),
    elementsText(type, elements),
    formatSize(rdbBytes),
    formatShare(rdbBytes, total),
  ])
  const columns = [textual('type'), textual('encoding'), ...['keys', 'elements', 'in file', 'share'].map(numeric)]
  return formatTable(columns, rows, style)
}

/** What a value has elements of: not a string, and nobody but its module knows what a module's value is made of. */
function elementsText(type: string, elements: number): string {
  return ['string', 'module', 'cron'].includes(type) ? '-' : formatCount(elements)
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
  return [
    {column: numeric('in file'), spare: 0, cell: ({rdbBytes}) => formatSize(rdbBytes)},
    {column: numeric('elements'), spare: 0, cell: ({type, elements}) => elementsText(type, elements)},
    {column: textual('type'), spare: 0, cell: ({type}) => type},
    {column: textual('encoding'), spare: 2, cell: ({encoding}) => encoding},
    {column: textual('expires'), spare: 1, cell: key => expiryText(key, nowMs)},
    ...(keys.some(({source}) => source !== undefined) ? [source] : []),
    {column: numeric('db'), spare: 0, cell: ({db}) => String(db)},
    {column: textual(title), spare: 0, cell: ({key}) => formatBytes(key)},
  ]
}

function expiryText({expireAtMs}: BigKey, nowMs: number): string {
  if (expireAtMs === NEVER) return 'never'
  const seconds = (Number(expireAtMs) - nowMs) / 1000
  return seconds < 0 ? 'expired' : `in ${formatDuration(seconds)}`
}

export function modulesTable(counts: readonly ModuleCount[], style: Style): string[] {
  const rows = counts.map(({name, version, keys, bytes}) => [
    name,
    String(version),
    formatCount(keys),
    formatSize(bytes),
  ])
  if (rows.length === 0) return []
  return formatTable([textual('module'), ...['version', 'keys', 'in file'].map(numeric)], rows, style)
}
