/**
 * Aligned tables: numbers to the right, text to the left, two spaces between.
 */
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
}

export const PLAIN: Style = {heading: text => text, faint: text => text, warning: text => text}

const SGR_RESET = '\u001b[0m'

export const COLOUR: Style = {
  heading: text => `\u001b[1m${text}${SGR_RESET}`,
  faint: text => `\u001b[2m${text}${SGR_RESET}`,
  warning: text => `\u001b[33m${text}${SGR_RESET}`,
}

/** Lines of a table, header first. The last column is not padded. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[], style: Style): string[] {
  const widths = columns.map(({title}, at) => Math.max(title.length, ...rows.map(row => row[at]!.length)))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => {
        if (columns[at]!.align === 'right') return cell.padStart(widths[at]!)
        return at === columns.length - 1 ? cell : cell.padEnd(widths[at]!)
      })
      .join('  ')
  return [style.heading(line(columns.map(({title}) => title))), ...rows.map(line)]
}

/** Columns that everything but the last one takes, with the gaps. */
export function widthBefore(columns: readonly Column[], rows: readonly (readonly string[])[]): number {
  const before = columns.slice(0, -1)
  return before.reduce((sum, {title}, at) => sum + 2 + Math.max(title.length, ...rows.map(row => row[at]!.length)), 0)
}
