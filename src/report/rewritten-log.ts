/**
 * What became of a log that was rewritten; for people and for programs.
 */
import {type BuildOutcome, buildWarnings, factLine, formatLost, lostJson, warningsJson} from './build.js'
import {baseFact, type LogOutcome, noteLines, type ReplayOutcome, replayFacts, replayJson} from './log-facts.js'
import type {Style} from './table.js'
import {formatText, wrapped} from './text.js'
import {formatCount, formatShare, formatSize} from './units.js'

/** What a rewritten log tells of itself. */
export type RewriteOutcome = BuildOutcome &
  LogOutcome & {
    replayed: ReplayOutcome | undefined
    bytesIn: number
    bytesOut: number
    backup: string | undefined
  }

/** The lines of the report. */
export function formatRewrite(log: RewriteOutcome, style: Style, columns: number): string[] {
  const {out, target, keysOut, bytesIn, bytesOut, backup} = log
  const size = `${formatSize(bytesIn)} before, ${formatSize(bytesOut)} now (${formatShare(bytesOut, bytesIn)})`
  const [commands, ...where] = log.replayed === undefined ? [] : replayFacts(log.replayed)
  const facts = [
    ...baseFact(log, target),
    ...(commands === undefined ? [] : [commands]),
    ...([
      ['keys', formatCount(keysOut)],
      ['size', size],
    ] as const),
    ...where,
    ...(backup === undefined ? [] : [['backup', formatText(backup)] as const]),
  ]
  const lines = [style.heading(formatText(out)), ...facts.map(fact => factLine(fact, style))]
  lines.push(...formatLost(log.lost, {style, columns}))
  const warnings = [...buildWarnings(log.warnings), ...noteLines(log)].flatMap(text => wrapped(text, columns))
  return warnings.length === 0 ? lines : [...lines, '', ...warnings.map(style.warning)]
}

/** The same as data; its names are a contract. */
export function rewriteJson(log: RewriteOutcome): object {
  const {replayed, keysOut: keys, bytesIn, bytesOut, out, target, form, base, files, backup, lost, notes} = log
  const truncatedBytes = replayed?.cut === undefined ? 0 : replayed.cut.leftOut
  const {commands, ...others} = (replayed === undefined ? {} : replayJson(replayed)) as Record<string, unknown>
  return {
    ...{commands, keys, bytesIn, bytesOut, out, truncatedBytes, target, form, base, files, backup},
    ...{...others, lost: lostJson(lost), notes, warnings: warningsJson(log.warnings)},
  }
}
