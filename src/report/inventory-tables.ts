/**
 * The tables of an inventory, of one source or of several.
 */
import type {BigKey, DatabaseCount, EncodingCount, ModuleCount} from '../analysis/inventory.js'
import {NEVER} from '../keyspace/entry.js'
import {formatTable, numeric, type Style, textual, widthBefore} from './table.js'
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

/** `source` tells where a key is, in a report of several sources. */
export function biggestTable(keys: readonly (BigKey & {source?: string})[], view: TablesView): string[] {
  if (keys.length === 0) return []
  const sourced = keys.some(({source}) => source !== undefined)
  const rows = keys.map(big => [
    formatSize(big.rdbBytes),
    elementsText(big.type, big.elements),
    big.type,
    big.encoding,
    expiryText(big, view.nowMs),
    ...(sourced ? [shorten(formatText(big.source ?? ''), SOURCE_COLUMNS_MAX)] : []),
    String(big.db),
    formatBytes(big.key),
  ])
  const columns = [
    numeric('in file'),
    numeric('elements'),
    textual('type'),
    textual('encoding'),
    textual('expires'),
    ...(sourced ? [textual('source')] : []),
    numeric('db'),
    textual('biggest keys'),
  ]
  const room = Math.max(view.columns - widthBefore(columns, rows), KEY_COLUMNS_MIN)
  const fitted = rows.map(row => [...row.slice(0, -1), shorten(row.at(-1)!, room)])
  return formatTable(columns, fitted, view.style)
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
