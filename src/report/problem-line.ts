/**
 * A problem told on its own, while something else is being shown.
 */
import type {Problem} from '../keyspace/visitor.js'
import type {Style} from './table.js'
import {formatMessage, formatText, hang} from './text.js'
import {formatCount} from './units.js'

/** Problems of a log, or a file of it, as a whole. */
const PLACELESS: ReadonlySet<string> = new Set(['LOG_GAP', 'LOG_REWRITTEN', 'LOG_WITHOUT_TIMES', 'STRAY_FILE'])

export function formatProblemLine({code, text, file, offset}: Problem, style: Style, columns: number): string[] {
  const place = PLACELESS.has(code) ? [] : [`byte ${formatCount(offset)}`]
  if (file !== undefined) place.unshift(formatText(file))
  const where = place.length === 0 ? '' : ` (${place.join(', ')})`
  return hang(`warning: ${formatMessage(text)}${where}`, columns).map(style.warning)
}
