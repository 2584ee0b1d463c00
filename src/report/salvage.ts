/**
 * What was saved of a log, for people and as JSON.
 */
import type {Soundness} from '../analysis/soundness.js'
import type {LossReason} from '../aof/salvage-pieces.js'
import type {LogSalvage, SalvagedFile} from '../aof/salvage-result.js'
import {failureJson} from './failure.js'
import type {Json} from './inventory-json.js'
import {type Fact, formatFacts, formatFitted, joinSections, numeric, type Style, textual} from './table.js'
import {formatText} from './text.js'
import {formatCount, formatSize} from './units.js'

/** What was written, and what a check of it says. */
export interface SalvageReport extends LogSalvage {
  check: Soundness | undefined
}

export interface SalvageView {
  style: Style
  /** Width of the terminal. */
  columns: number
}

export const LABEL_COLUMNS = 12
/** On a screen. */
export const LOSSES_MAX = 20

const REASONS: Readonly<Record<LossReason, string>> = {
  torn: 'cut short',
  damage: 'no commands',
  zeros: 'zero bytes',
  name: 'a damaged name',
  transaction: 'half a transaction',
  database: 'database unknown',
  behind: 'whole, behind damage',
}

/** The lines of the report. */
export function formatSalvage(report: SalvageReport, {style, columns}: SalvageView): string[] {
  const {files} = report
  const kept = sum(files, one => one.bytesKept + one.bytesAdded)
  const facts: Fact[] = [
    ['salvaged', `${formatText(report.out)}: ${verdict(report)}`],
    ['kept', `${commandsText(sum(files, one => one.commandsKept))}, ${formatSize(kept)}`],
    ['lost', lostText(files)],
    ...notes(report),
  ]
  return joinSections([formatFacts(facts, LABEL_COLUMNS, columns, style), losses(files, {style, columns})])
}

function verdict({check}: SalvageReport): string {
  if (check?.log?.outcome === 'starts' && check.errors === 0) return 'a server starts from it'
  const errors = check?.errors ?? 0
  const what =
    errors === 0 ? 'what is left' : `${formatCount(errors)} ${errors === 1 ? 'problem' : 'problems'} in what is left`
  return `a server may not start from it, for ${what}: check it to see`
}

function lostText(files: readonly SalvagedFile[]): string {
  const bytes = sum(files, one => one.bytesLost)
  const missing = files.filter(one => one.missing).length
  if (bytes === 0 && missing === 0) return 'nothing'
  const commands = sum(files, one => one.commandsLost)
  const known = commands === 0 ? '' : `, ${commandsText(commands)} among them`
  const gone = missing === 0 ? '' : `, and ${missing === 1 ? 'a file that is' : `${missing} files that are`} not there`
  return `${formatCount(bytes)} ${bytes === 1 ? 'byte' : 'bytes'}${known}${gone}`
}

function notes({files, leftOut}: SalvageReport): Fact[] {
  const facts: Fact[] = []
  const hurt = files.findIndex(one => one.missing || one.bytesLost > 0)
  if (hurt >= 0 && files.some((one, at) => at > hurt && !one.missing)) {
    const name = formatText(files[hurt]!.name)
    facts.push(['note', `files behind ${name} are kept: keys that what it lost had changed may have old values`])
  }
  for (const {name, type} of files.filter(one => one.missing)) {
    facts.push(['note', `${formatText(name)} is not there${type === 'base' ? ': this is no whole data set' : ''}`])
  }
  for (const {name} of files.filter(one => one.checksumDropped)) {
    const text = `the checksum of the snapshot in ${formatText(name)} is wrong: it is written without one, so that servers take it`
    facts.push(['note', text])
  }
  for (const {name, unknownOffset} of files) {
    if (unknownOffset === undefined) continue
    const where = files.length > 1 ? `${formatText(name)}, byte` : 'byte'
    const text = `the command at ${where} ${formatCount(unknownOffset)} is kept, though no server that we know has one of its name`
    facts.push(['note', text])
  }
  const added = sum(files, one => one.bytesAdded)
  if (added > 0) facts.push(['note', `SELECT was added where what follows a loss is for another database`])
  for (const {name, databaseAssumed, pastDamage, lost} of files) {
    if (databaseAssumed === undefined || isLeft(lost)) continue
    const from = `${files.length > 1 ? `${formatText(name)}, ` : ''}from byte ${formatCount(pastDamage!.offset)}`
    facts.push(['note', `${from}: no SELECT says so, but all is taken to be for database ${databaseAssumed}`])
  }
  const left = files.filter(({lost}) => isLeft(lost))
  if (left.length > 0) {
    const {commands, bytes} = totalOf(left)
    facts.push([
      'next',
      `--past-damage keeps ${commandsText(commands)} more that are whole behind damage (${formatSize(bytes)})`,
    ])
  }
  const names = leftOut.map(formatText)
  if (names.length > 0) facts.push(['left out', `${names.join(', ')}: no part of the log`])
  return facts
}

function isLeft(lost: SalvagedFile['lost']): boolean {
  return lost.some(({reason}) => reason === 'behind')
}

function totalOf(files: readonly SalvagedFile[]): {commands: number; bytes: number} {
  return {
    commands: sum(files, one => one.pastDamage?.commands ?? 0),
    bytes: sum(files, one => one.pastDamage?.bytes ?? 0),
  }
}

/** What is lost, by its place. */
function losses(files: readonly SalvagedFile[], {style, columns}: SalvageView): string[] {
  const several = files.length > 1
  const rows = files.flatMap(({name, lost}) =>
    lost.map(({offset, bytes, commands, reason}) => {
      const cells = [formatCount(offset), formatCount(bytes), formatCount(commands), REASONS[reason]]
      return several ? [formatText(name), ...cells] : cells
    }),
  )
  if (rows.length === 0) return []
  const numbers = [numeric('at byte'), numeric('bytes'), numeric('commands'), textual('lost')]
  const titles = several ? [{...textual('file'), fit: 'shorten' as const}, ...numbers] : numbers
  const shown = rows.slice(0, LOSSES_MAX)
  const more = rows.length - shown.length
  const rest = more > 0 ? [`${formatCount(more)} more are not shown: --json lists them`] : []
  return [...formatFitted(titles, shown, {style, columns}), ...rest]
}

/** The same as data; of a salvage that could not be made, why. */
export function salvageJson(report: SalvageReport | undefined, failure: unknown): Json {
  if (report === undefined) return {error: failureJson(failure)}
  const {out, files, leftOut, check} = report
  return {
    out,
    starts: check?.log?.outcome === 'starts' && check.errors === 0,
    bytesKept: sum(files, one => one.bytesKept),
    bytesLost: sum(files, one => one.bytesLost),
    commandsKept: sum(files, one => one.commandsKept),
    commandsLost: sum(files, one => one.commandsLost),
    files: files.map(fileJson),
    leftOut,
  }
}

function fileJson({lost, pastDamage, ...file}: SalvagedFile): Json {
  const past = pastDamage === undefined ? {} : {pastDamage: {...pastDamage, kept: !isLeft(lost)}}
  return {...file, lost: [...lost], ...past}
}

function commandsText(count: number): string {
  return `${formatCount(count)} ${count === 1 ? 'command' : 'commands'}`
}

function sum(files: readonly SalvagedFile[], of: (file: SalvagedFile) => number): number {
  return files.reduce((total, file) => total + of(file), 0)
}
