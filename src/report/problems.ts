/**
 * What a check found, for people: the verdict first, then each problem with its
 * place, then how many of each kind there are.
 */
import type {Soundness} from '../analysis/soundness.js'
import type {Problem} from '../keyspace/visitor.js'
import {formatName} from './inventory.js'
import {logFacts, logFiles} from './problems-log.js'
import {type Column, type Fact, formatFacts, formatTable, type Style, widthBefore} from './table.js'
import {formatKey, formatMessage, formatText, hang, shorten, wrapped} from './text.js'
import {formatCount, formatShare, formatSize} from './units.js'

export interface ProblemsView {
  style: Style
  /** Width of the terminal. */
  columns: number
  /** Problems to show. */
  problemsMax: number
  /** What can be saved has been. */
  isSalvaged?: boolean | undefined
}

const LABEL_COLUMNS = 12
const KEY_COLUMNS_MAX = 40
/** With less even for a short part of a key, a line is wider than the terminal. */
const KEY_COLUMNS_MIN = 8
/** With less room beside the place, the text has a line of its own below it. */
const TEXT_COLUMNS_MIN = 50
/** Beyond so many problems it helps to see how many are of a kind. */
const COUNTED_MIN = 10

/** The lines of the report. */
export function formatProblems(source: string, soundness: Soundness, view: ProblemsView): string[] {
  const shown = worst(soundness.problems, view.problemsMax)
  const files = soundness.log === undefined ? [] : logFiles(soundness.log, view.style)
  const sections = [head(source, soundness, view), files, list(shown, view), rest(soundness, shown.length, view)]
  return sections.filter(lines => lines.length > 0).flatMap((lines, at) => (at === 0 ? lines : ['', ...lines]))
}

/** `OK`, `OK, with 1 warning`, `NOT OK: 2 errors, 1 warning`. */
export function verdictOf({errors, warnings}: Soundness): string {
  const odd = numberOf(warnings, 'warning')
  if (errors > 0) return `NOT OK: ${numberOf(errors, 'error')}${warnings > 0 ? `, ${odd}` : ''}`
  return warnings > 0 ? `OK, with ${odd}` : 'OK'
}

/** As many problems as are to be shown, by offset: errors before warnings where there are too many. */
export function worst(problems: readonly Problem[], max: number): Problem[] {
  if (problems.length <= max) return [...problems]
  const errors = problems.filter(one => one.severity === 'error').slice(0, max)
  const warnings = problems.filter(one => one.severity === 'warning').slice(0, max - errors.length)
  const shown = new Set([...errors, ...warnings])
  return problems.filter(one => shown.has(one))
}

function head(source: string, soundness: Soundness, {style, columns, isSalvaged = false}: ProblemsView): string[] {
  const {keys, checksum, format, duplicatesChecked, collectionsUnchecked} = soundness
  const verdict = verdictOf(soundness)
  const title = `${style.heading(`${formatText(source)}: `)}${verdict === 'OK' ? style.heading(verdict) : style.warning(verdict)}`
  const facts: Fact[] = [
    ['format', formatName(soundness)],
    ['verified', verified(soundness)],
  ]
  if (format === 'rdb' || (checksum !== 'absent' && checksum !== undefined)) {
    facts.push(['checksum', checksumText(soundness)])
  }
  facts.push([
    'keys',
    `${formatCount(keys)}${soundness.log === undefined ? '' : ' in its snapshot: commands are not replayed'}`,
  ])
  const others =
    collectionsUnchecked > 0 ? `, nor elements in ${numberOf(collectionsUnchecked, 'huge collection')}` : ''
  if (!duplicatesChecked) facts.push(['duplicates', `not looked for among keys${others}`])
  if (soundness.log !== undefined) facts.push(...logFacts(soundness.log, isSalvaged))
  return [title, ...formatFacts(facts, LABEL_COLUMNS, columns, style)]
}

function verified({bytes, inputBytes, checksum}: Soundness): string {
  const exact = bytes < 1024 ? `${bytes} bytes` : `${formatSize(bytes)} (${formatCount(bytes)} bytes)`
  if (checksum !== undefined) return exact
  return inputBytes === Number.POSITIVE_INFINITY
    ? `${exact}, not to the end`
    : `${exact} of ${formatSize(inputBytes)}, ${formatShare(bytes, inputBytes)}`
}

function checksumText({checksum}: Soundness): string {
  if (checksum === 'mismatch') return 'WRONG'
  return checksum ?? 'not reached'
}

const COLUMNS: readonly Column[] = [
  {title: 'severity', align: 'left'},
  {title: 'code', align: 'left'},
  {title: 'byte', align: 'right'},
  {title: 'db', align: 'right'},
  {title: 'key', align: 'left'},
  {title: 'type', align: 'left'},
  {title: 'problem', align: 'left'},
]

/** Of an input of several files, the one that the byte counts in. */
const FILE_COLUMN: Column = {title: 'file', align: 'left'}

function columnsFor(problems: readonly Problem[]): readonly Column[] {
  const files = problems.some(({file}) => file !== undefined)
  return files ? [...COLUMNS.slice(0, 2), FILE_COLUMN, ...COLUMNS.slice(2)] : COLUMNS
}

function list(problems: readonly Problem[], view: ProblemsView): string[] {
  if (problems.length === 0) return []
  const places = fittingPlaces(problems, view.columns)
  const columns = columnsFor(problems)
  const placeColumns = columns.slice(0, -1)
  const texts = problems.map(words)
  const beside = widthBefore(columns, places)
  const room = view.columns - beside
  if (room >= TEXT_COLUMNS_MIN) {
    const blank = placeColumns.map(() => '')
    const rows = places.flatMap((place, at) =>
      wrapped(texts[at]!, room).map((line, part) => [...(part === 0 ? place : blank), line]),
    )
    return formatTable(columns, rows, view.style)
  }
  const [title = '', ...lines] = formatTable(placeColumns, places, view.style)
  const below = (text: string): string[] => hang(' '.repeat(9) + text, view.columns)
  return [title, ...lines.flatMap((line, at) => [line.trimEnd(), ...below(texts[at]!)])]
}

/** Places whose keys are as long as the others leave room for; whole where there is no edge. */
function fittingPlaces(problems: readonly Problem[], columns: number): string[][] {
  const files = columnsFor(problems) !== COLUMNS
  if (columns === Number.POSITIVE_INFINITY) return problems.map(problem => place(problem, columns, files))
  const keyless = problems.map(problem => place({...problem, key: undefined}, 0, files))
  const others = widthBefore(columnsFor(problems), keyless) - 2
  const room = Math.min(Math.max(columns - others, KEY_COLUMNS_MIN), KEY_COLUMNS_MAX)
  return problems.map(problem => place(problem, room, files))
}

function place({file, db, key, keyBytes, type, ...problem}: Problem, keyColumns: number, files: boolean): string[] {
  const {severity, code, offset} = problem
  const name = key === undefined ? '-' : shorten(formatKey({key, keyBytes}), keyColumns)
  const before = files ? [severity, code, file === undefined ? '-' : formatText(file)] : [severity, code]
  return [...before, formatCount(offset), db === undefined ? '-' : String(db), name, type ?? '-']
}

function words({text, bytesLost}: Problem): string {
  return formatMessage(text) + (bytesLost === undefined ? '' : ` (${numberOf(bytesLost, 'byte')} lost)`)
}

/** How many of each code, where there are more than one sees at a glance. */
function rest({counts, errors, warnings}: Soundness, shown: number, {style}: ProblemsView): string[] {
  const all = errors + warnings
  if (all <= Math.min(shown, COUNTED_MIN)) return []
  const columns: Column[] = [
    {title: 'problems', align: 'right'},
    {title: 'severity', align: 'left'},
    {title: 'code', align: 'left'},
  ]
  const rows = counts.map(({count, severity, code}) => [formatCount(count), severity, code])
  const hidden = all > shown ? [`${formatCount(all - shown)} more are not shown: --max-problems says how many are`] : []
  return [...hidden, ...formatTable(columns, rows, style)]
}

function numberOf(count: number, what: string): string {
  return `${formatCount(count)} ${what}${count === 1 ? '' : 's'}`
}
