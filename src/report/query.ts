/**
 * Rows that a statement found: as a table for people, CSV (RFC 4180), or JSON.
 */

import {isUtf8} from 'node:buffer'
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
    if (total <= columns) return lines
    if (width <= CELL_COLUMNS_MIN) return recordLines(heads, cells, {style, columns})
  }
}

/** Rows under each other, a column a line, where side by side they are too wide. */
function recordLines(
  heads: readonly Columned[],
  rows: readonly (readonly string[])[],
  {style, columns}: {style: Style; columns: number},
): string[] {
  const names = heads.map(({name}) => formatText(name))
  const width = Math.max(...names.map(name => name.length)) + GAP_COLUMNS
  return rows.flatMap((row, at) => [
    style.heading(`row ${at + 1}`),
    ...row.map((cell, column) =>
      `${style.faint(names[column]!.padEnd(width))}${shorten(cell, columns - width)}`.trimEnd(),
    ),
  ])
}

/** A table has some hundred rows; of more these are enough. */
const ROWS_LOOKED_AT = 1000

function numberText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}

/** More of a value than a cell has room for is not looked at. */
const CELL_BYTES_MAX = 1024

function cellOf(value: Value): string {
  if (value === null) return ''
  if (value instanceof Uint8Array) return formatBytes(value.subarray(0, CELL_BYTES_MAX))
  if (typeof value === 'number') return numberText(value)
  if (typeof value === 'string') return formatText(value.slice(0, CELL_BYTES_MAX))
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
      ? bytesText(value)
      : typeof value === 'number'
        ? numberText(value)
        : typeof value === 'object'
          ? JSON.stringify(jsonOf(value))
          : String(value)
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** Bytes as text where they are UTF-8, else in hexadecimal digits behind `\x`. */
function bytesText(bytes: Uint8Array): string {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  return isUtf8(bytes) ? all.toString('utf8') : `\\x${all.toString('hex')}`
}

/** A row as an object in one line of JSON, its members in the order of the columns. */
function jsonRow(heads: readonly Columned[], values: readonly Value[]): string {
  return `{${heads.map(({name}, at) => `${formatJson(name, 0)}:${formatJson(jsonOf(values[at]!), 0)}`).join(',')}}`
}

function jsonOf(value: Value): unknown {
  if (value instanceof Uint8Array) return jsonBytes(value)
  if (Array.isArray(value)) return value.map(jsonOf)
  // JSON has no such numbers.
  if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))) return numberText(value)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, jsonOf(one)]))
}
