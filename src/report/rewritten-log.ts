/**
 * What became of a log that was rewritten; for people and for programs.
 */
import {type BuildOutcome, buildWarnings, formatLost, warningsJson} from './build.js'
import type {Style} from './table.js'
import {formatText} from './text.js'
import {formatCount, formatShare, formatSize} from './units.js'

/** What a rewritten log tells of itself. */
export interface RewriteOutcome extends BuildOutcome {
  form: 'folder' | 'file'
  base: 'snapshot' | 'commands'
  files: readonly string[]
  notes: readonly {what: string; keys: number}[]
  commands: number
  errors: number
  unsupported: number
  dropped: number
  cut: {file: string; offset: number; leftOut: number} | undefined
  lastTimestamp: number | undefined
  bytesIn: number
  bytesOut: number
  backup: string | undefined
  unseenProcesses: number
}

const LABEL_COLUMNS = 9

/** The lines of the report. */
export function formatRewrite(log: RewriteOutcome, style: Style): string[] {
  const {out, target, form, base, keysOut, bytesIn, bytesOut, backup, cut, lastTimestamp, unseenProcesses} = log
  const label = (name: string, text: string): string => `${style.faint(name.padEnd(LABEL_COLUMNS))} ${text}`
  const what = base === 'snapshot' ? `a snapshot, ${target}` : `commands, for ${target}`
  const lines = [
    style.heading(formatText(out)),
    label('base', form === 'folder' ? `${formatText(log.files[0]!)}: ${what}` : what),
    label('commands', commandsOf(log)),
    label('keys', formatCount(keysOut)),
    label('size', `${formatSize(bytesIn)} before, ${formatSize(bytesOut)} now (${formatShare(bytesOut, bytesIn)})`),
  ]
  if (lastTimestamp !== undefined) lines.push(label('up to', isoOf(lastTimestamp)))
  if (cut !== undefined && cut.leftOut > 0) {
    const place = `${formatText(cut.file)}, offset ${cut.offset}`
    lines.push(label('left out', `${formatSize(cut.leftOut)} (${formatCount(cut.leftOut)} bytes) behind ${place}`))
  }
  if (backup !== undefined) lines.push(label('backup', formatText(backup)))
  lines.push(...formatLost(log.lost, style))
  const warnings = buildWarnings(log.warnings)
  if (backup !== undefined && unseenProcesses > 0) {
    warnings.push(
      `whether ${formatCount(unseenProcesses)} processes of other users have the log open could not be seen; none changed it meanwhile`,
    )
  }
  warnings.push(...log.notes.map(({what: left, keys}) => `${formatCount(keys)} times left out: ${left}`))
  if (warnings.length > 0) lines.push('', ...warnings.map(text => style.warning(text)))
  return lines
}

/** The same as data; its names are a contract. */
export function rewriteJson(log: RewriteOutcome): object {
  const {commands, errors, unsupported, dropped, bytesIn, bytesOut, out, target, form, base, files, backup} = log
  const {cut, lastTimestamp, lost, notes, warnings} = log
  return {
    ...{commands, keys: log.keysOut, bytesIn, bytesOut, out, truncatedBytes: cut?.leftOut ?? 0},
    ...{target, form, base, files, backup, errors, unsupported, dropped, cut, lastTimestamp, lost, notes},
    warnings: warningsJson(warnings),
  }
}

function commandsOf({commands, errors, unsupported, dropped}: RewriteOutcome): string {
  const others = [
    ...(errors > 0 ? [`${formatCount(errors)} changed nothing, as a server answers with an error`] : []),
    ...(unsupported > 0 ? [`${formatCount(unsupported)} cannot be replayed and were left out`] : []),
    ...(dropped > 0 ? [`${formatCount(dropped)} left out as asked`] : []),
  ]
  return others.length === 0 ? formatCount(commands) : `${formatCount(commands)} (${others.join('; ')})`
}

function isoOf(unixSeconds: number): string {
  return new Date(unixSeconds * 1000).toISOString().replace('.000Z', 'Z')
}
