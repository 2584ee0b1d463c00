/**
 * Aligned tables: numbers to the right, text to the left, two spaces between.
 */
import {widthOf, wrapped} from './text.js'

export type Align = 'left' | 'right'

export interface Column {
  title: string
  align: Align
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
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => {
        const padding = ' '.repeat(widths[at]! - widthOf(cell))
        if (columns[at]!.align === 'right') return padding + cell
        return at === columns.length - 1 ? cell : cell + padding
      })
      .join(' '.repeat(GAP))
  return [style.heading(line(columns.map(({title}) => title))), ...rows.map(line)]
}

/** Columns that everything but the last one takes, with the gaps. */
export function widthBefore(columns: readonly Column[], rows: readonly (readonly string[])[]): number {
  return columns.slice(0, -1).reduce((sum, _, at) => sum + GAP + widthOfColumn(columns, rows, at), 0)
}

function widthOfColumn(columns: readonly Column[], rows: readonly (readonly string[])[], at: number): number {
  // A loop: a spread of as many arguments as a report may have rows would overflow the stack.
  let width = widthOf(columns[at]!.title)
  for (const row of rows) width = Math.max(width, widthOf(row[at]!))
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
