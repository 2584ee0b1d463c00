/**
 * What became of the keys that were to be written, in lines for people.
 */
import type {Loss} from '../keyspace/entry-sink.js'
import type {SelectionCounts} from '../keyspace/selection.js'
import type {Problem} from '../keyspace/visitor.js'
import {formatProblemLine} from './problem-line.js'
import {selectedText} from './selection.js'
import type {Style} from './table.js'
import {formatText, hang} from './text.js'
import {formatCount, formatSize} from './units.js'

export interface DumpCounts {
  keys: number
  bytes: number
  selected: SelectionCounts | undefined
  losses: readonly Loss[]
  notes: readonly Loss[]
  problems: readonly Problem[]
}

/** `out` is where it was written. */
export function formatDump(
  out: string,
  {keys, bytes, selected, losses, notes, problems}: DumpCounts,
  style: Style,
  columns: number,
): string[] {
  const lines: string[] = []
  for (const problem of problems) lines.push(...formatProblemLine(problem, style, columns))
  const count = `${formatCount(keys)} key${keys === 1 ? '' : 's'}`
  lines.push(...hang(`written  ${count}, ${formatSize(bytes)}, to ${formatText(out)}`, columns))
  if (selected !== undefined) lines.push(...hang(`selected ${selectedText(selected)}`, columns))
  for (const {what, count} of losses) {
    lines.push(...hang(`left out ${formatCount(count)} ${what}`, columns).map(style.warning))
  }
  for (const {what, count} of notes) lines.push(...hang(`not kept ${formatCount(count)} ${what}`, columns))
  return lines
}

/** The same of two tables; `out` is their folder. */
export function formatParquet(
  out: string,
  {rows, bytes, problems}: {rows: Record<string, number>; bytes: number; problems: readonly Problem[]},
  style: Style,
  columns: number,
): string[] {
  const counts = Object.entries(rows).map(([table, count]) => `${formatCount(count)} rows of ${table}`)
  return [
    ...problems.flatMap(problem => formatProblemLine(problem, style, columns)),
    ...hang(`written  ${counts.join(', ')}, ${formatSize(bytes)}, to ${formatText(out)}`, columns),
  ]
}
