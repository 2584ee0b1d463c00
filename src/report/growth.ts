/**
 * Growth against another snapshot, for people and as JSON.
 */
import type {Change, Growth, Sizes} from '../analysis/growth.js'
import type {TablesView} from './inventory-tables.js'
import {formatTable, numeric, textual, widthBefore} from './table.js'
import {formatBytes, formatText, jsonBytes, shorten} from './text.js'
import {formatCount, formatSize} from './units.js'

/** Rows of databases; JSON has them all. */
const DATABASES_MAX = 40
const NAME_COLUMNS_MIN = 20

/** `older` is the name of the snapshot that is compared with. */
export function formatGrowth(older: string, growth: Growth, view: TablesView): string[] {
  const rows: [string, Change][] = [['all', growth.all]]
  if (growth.databases.length > 1) {
    rows.push(...growth.databases.slice(0, DATABASES_MAX).map((one): [string, Change] => [`database ${one.db}`, one]))
  }
  rows.push(...growth.types.map((one): [string, Change] => [`type ${one.type}`, one]))
  rows.push(...(growth.prefixes ?? []).map((one): [string, Change] => [`prefix ${formatBytes(one.prefix)}`, one]))
  const estimated = growth.all.before.memoryBytes + growth.all.after.memoryBytes > 0
  const cells = rows.map(([name, {before, after}]) => [
    formatCount(after.keys),
    signed(after.keys - before.keys, formatCount),
    ...(estimated ? [formatSize(after.memoryBytes), signed(after.memoryBytes - before.memoryBytes, formatSize)] : []),
    formatSize(after.rdbBytes),
    signed(after.rdbBytes - before.rdbBytes, formatSize),
    name,
  ])
  const titles = ['keys', 'change', ...(estimated ? ['memory', 'change'] : []), 'in file', 'change']
  const columns = [...titles.map(numeric), textual('of')]
  const room = Math.max(view.columns - widthBefore(columns, cells), NAME_COLUMNS_MIN)
  const fitted = cells.map(row => [...row.slice(0, -1), shorten(row.at(-1)!, room)])
  return [view.style.heading(`since ${formatText(older)}`), ...formatTable(columns, fitted, view.style)]
}

/** `+12`, `-3`; nothing where nothing changed. */
function signed(change: number, format: (size: number) => string): string {
  return change === 0 ? '' : `${change < 0 ? '-' : '+'}${format(Math.abs(change))}`
}

/** The names are a contract. */
export function growthJson(older: string, growth: Growth): Record<string, unknown> {
  const estimated = growth.all.before.memoryBytes + growth.all.after.memoryBytes > 0
  const sizes = ({keys, rdbBytes, memoryBytes}: Sizes): object =>
    estimated ? {keys, rdbBytes, memoryBytes} : {keys, rdbBytes}
  const change = ({before, after}: Change): object => ({before: sizes(before), after: sizes(after)})
  return {
    source: older,
    ...change(growth.all),
    databases: growth.databases.map(one => ({db: one.db, ...change(one)})),
    types: growth.types.map(one => ({type: one.type, ...change(one)})),
    ...(growth.prefixes === undefined
      ? {}
      : {prefixes: growth.prefixes.map(one => ({prefix: jsonBytes(one.prefix), ...change(one)}))}),
  }
}
