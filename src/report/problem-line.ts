/**
 * A problem told on its own, while something else is being shown.
 */
import type {Problem} from '../keyspace/visitor.js'
import type {Style} from './table.js'
import {formatMessage, formatText, hang} from './text.js'
import {formatCount} from './units.js'

export function formatProblemLine({text, file, offset}: Problem, style: Style, columns: number): string[] {
  const where = `${file === undefined ? '' : `${formatText(file)}, `}byte ${formatCount(offset)}`
  return hang(`warning: ${formatMessage(text)} (${where})`, columns).map(style.warning)
}
