/**
 * Aligned tables: numbers to the right, text to the left, two spaces between.
 */
import {shorten, widthOf, wrapped} from './text.js'

export type Align = 'left' | 'right'

export interface Column {
  title: string
  align: Align
  /** What becomes of cells where the table is too wide: they stay, are cut in the middle, or have as many lines as they take. */
  fit?: 'shorten' | 'wrap'
}

/** How a report may dress its text: plain where the output is no terminal. */
export interface Style {
  heading(text: string): string
  faint(text: string): string
  warning(text: string): string
  added(text: string): string
  removed(text: string): string
}

const same = (text: string): string => text

export const PLAIN: Style = {heading: same, faint: same, warning: same, added: same, removed: same}

/** Columns between two columns. */
const GAP = 2

const SGR_RESET = '\u001b[0m'

export const COLOUR: Style = {
  heading: text => `\u001b[1m${text}${SGR_RESET}`,
  faint: text => `\u001b[2m${text}${SGR_RESET}`,
  warning: text => `\u001b[33m${text}${SGR_RESET}`,
  added: text => `\u001b[32m${text}${SGR_RESET}`,
  removed: text => `\u001b[31m${text}${SGR_RESET}`,
}

/** Lines of a table, header first. The last column is not padded. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[], style: Style): string[] {
  const widths = columns.map((_, at) => widthOfColumn(columns, rows, at))
  const line = (cells: readonly string[]): string => {
    const text = cells
      .map((cell, at) => {
        const padding = ' '.repeat(widths[at]! - widthOf(cell))
        if (columns[at]!.align === 'right') return padding + cell
        return at === columns.length - 1 ? cell : cell + padding
      })
      .join(' '.repeat(GAP))
    return cells.at(-1) === '' ? text.trimEnd() : text
  }
  return [style.heading(line(columns.map(({title}) => title))), ...rows.map(line)]
}

/** Room that the last column should have before others must give way no more. */
const LAST_WANTED = 32
/** With less the last one is a word a line. */
const LAST_MIN = 12
const SHORTENED_MIN = 8

/**
 * Lines of a table of no more than `width` columns of a terminal, as far as that goes. Columns that are shortened give way first,
 * then those that wrap; of the last one cells always wrap.
 */
export function formatFitted(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  {style, columns: width}: {style: Style; columns: number},
): string[] {
  const last = columns.length - 1
  const lastNatural = widthOfColumn(columns, rows, last)
  const wanted = Math.min(LAST_WANTED, lastNatural)
  const room = (cells: typeof rows): number => width - widthBefore(columns, cells)
  const shorter = narrowed(columns, rows, 'shorten', SHORTENED_MIN, cells => room(cells) >= wanted)
  const fitting = narrowed(columns, shorter, 'wrap', LAST_WANTED, cells => room(cells) >= wanted)
  const lines = fitting.flatMap(row => {
    const cells = row.map((cell, at) =>
      at === last ? wrapped(cell, Math.max(room(fitting), LAST_MIN)) : cell.split('\n'),
    )
    const height = Math.max(...cells.map(cell => cell.length))
    return Array.from({length: height}, (_, line) => cells.map(cell => cell[line] ?? ''))
  })
  return formatTable(columns, lines, style)
}

/** The same with cells of some columns as wide as they can be such that the rest fits, and `min` at least. */
function narrowed(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  fit: NonNullable<Column['fit']>,
  min: number,
  isFitting: (rows: readonly (readonly string[])[]) => boolean,
): readonly (readonly string[])[] {
  const concerned = columns.flatMap((column, at) => (column.fit === fit && at < columns.length - 1 ? [at] : []))
  if (concerned.length === 0 || isFitting(rows)) return rows
  const to = (width: number): string[][] =>
    rows.map(row => row.map((cell, at) => (concerned.includes(at) ? cut(cell, width, fit) : cell)))
  let width = Math.max(...concerned.map(at => widthOfColumn(columns, rows, at)))
  let cells = to(width)
  while (width > min && !isFitting(cells)) cells = to(--width)
  return cells
}

function cut(cell: string, width: number, fit: NonNullable<Column['fit']>): string {
  return fit === 'shorten' ? shorten(cell, width) : wrapped(cell, width).join('\n')
}

/** Columns that everything but the last one takes, with the gaps. */
export function widthBefore(columns: readonly Column[], rows: readonly (readonly string[])[]): number {
  return columns.slice(0, -1).reduce((sum, _, at) => sum + GAP + widthOfColumn(columns, rows, at), 0)
}

function widthOfColumn(columns: readonly Column[], rows: readonly (readonly string[])[], at: number): number {
  // A loop: a spread of as many arguments as a report may have rows would overflow the stack.
  let width = widthOf(columns[at]!.title)
  for (const row of rows) for (const line of row[at]!.split('\n')) width = Math.max(width, widthOf(line))
  return width
}

/** A name and what there is to say of it, a line each, or several where it is too wide. */
export type Fact = readonly [name: string, text: string]

/** Facts under each other, all texts in one column. */
export function formatFacts(facts: readonly Fact[], nameColumns: number, columns: number, style: Style): string[] {
  return facts.flatMap(([name, text]) =>
    wrapped(text, columns - nameColumns).map(
      (line, at) => (at === 0 ? style.faint(name.padEnd(nameColumns)) : ' '.repeat(nameColumns)) + line,
    ),
  )
}

export function numeric(title: string): Column {
  return {title, align: 'right'}
}

export function textual(title: string): Column {
  return {title, align: 'left'}
}

/** Sections one after another, with a blank line between; what is empty is left out. */
export function joinSections(sections: readonly (readonly string[])[]): string[] {
  return sections.filter(lines => lines.length > 0).flatMap((lines, at) => (at === 0 ? lines : ['', ...lines]))
}
