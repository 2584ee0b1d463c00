/**
 * Rows that a statement found: as a table for people, CSV (RFC 4180), or JSON.
 */

import {type Column, formatTable, type Style} from './table.js'
import {formatBytes, formatJson, formatText, jsonBytes, shorten} from './text.js'

/** A value that is plain already; src/query/result.ts says what comes how. */
type Value = number | string | boolean | null | Uint8Array | Value[] | {[name: string]: Value}

interface Columned {
  name: string
  isNumber: boolean
}

/** No cell of a table is wider. */
const CELL_COLUMNS_MAX = 60
const CELL_COLUMNS_MIN = 12
const GAP_COLUMNS = 2

/** Rows as an aligned table, of which cells are cut where `columns` of a terminal are too few. */
export function formatRows(
  heads: readonly Columned[],
  rows: readonly (readonly Value[])[],
  {style, columns}: {style: Style; columns: number},
): string[] {
  const titles: Column[] = heads.map(({name, isNumber}) => ({
    title: formatText(name),
    align: isNumber ? 'right' : 'left',
  }))
  const cells = rows.map(row => row.map(cellOf))
  for (let width = CELL_COLUMNS_MAX; ; width -= 4) {
    const fitting = cells.map(row => row.map(cell => shorten(cell, width)))
    const lines = formatTable(titles, fitting, style)
    const widest = titles.map((title, at) =>
      Math.max(title.title.length, ...fitting.slice(0, ROWS_LOOKED_AT).map(row => row[at]!.length)),
    )
    const total = widest.reduce((sum, one) => sum + one + GAP_COLUMNS, -GAP_COLUMNS)
    if (total <= columns || width <= CELL_COLUMNS_MIN) return lines
  }
}

/** A table has some hundred rows; of more these are enough. */
const ROWS_LOOKED_AT = 1000

function cellOf(value: Value): string {
  if (value === null) return ''
  if (value instanceof Uint8Array) return formatBytes(value)
  if (typeof value === 'string') return formatText(value)
  return typeof value === 'object' ? formatText(JSON.stringify(jsonOf(value))) : String(value)
}

/** Rows as they come. */
interface Rows {
  columns: readonly Columned[]
  chunks(): AsyncIterable<Value[][]>
}

/** The text of all rows in a format for programs, piece by piece. */
export async function* rowTexts(rows: Rows, format: string): AsyncGenerator<string> {
  const {columns} = rows
  if (format === 'csv') yield csvLine(columns.map(({name}) => name))
  if (format === 'json') yield '['
  let isFirst = true
  for await (const chunk of rows.chunks()) {
    yield chunk
      .map(row => {
        if (format === 'csv') return csvLine(row)
        const line = jsonRow(columns, row)
        if (format === 'jsonl') return `${line}\n`
        const before = isFirst ? '\n' : ',\n'
        isFirst = false
        return before + line
      })
      .join('')
  }
  if (format === 'json') yield isFirst ? ']\n' : '\n]\n'
}

/** A line of CSV: NULL is an empty cell, an empty text is quoted. */
function csvLine(values: readonly Value[]): string {
  return `${values.map(csvCell).join(',')}\r\n`
}

function csvCell(value: Value): string {
  if (value === null) return ''
  const text =
    value instanceof Uint8Array
      ? formatBytes(value)
      : typeof value === 'object'
        ? JSON.stringify(jsonOf(value))
        : String(value)
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** A row as an object in one line of JSON. */
function jsonRow(heads: readonly Columned[], values: readonly Value[]): string {
  return formatJson(Object.fromEntries(heads.map(({name}, at) => [name, jsonOf(values[at]!)])), 0)
}

function jsonOf(value: Value): unknown {
  if (value instanceof Uint8Array) return jsonBytes(value)
  if (Array.isArray(value)) return value.map(jsonOf)
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, jsonOf(one)]))
}
