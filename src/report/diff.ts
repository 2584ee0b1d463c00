/**
 * What differs between two data sets, for people: the verdict, counts by database and by type, then the largest
 * differences, shortened.
 */
import type {KeptDifference} from '../analysis/largest-differences.js'
import type {SourceFormat, SourceOrigin} from '../keyspace/entry-source.js'
import type {Problem} from '../keyspace/visitor.js'
import {differenceText, exampleTexts} from './diff-example.js'
import {failureJson} from './failure.js'
import {FORMAT_NAMES} from './inventory.js'
import {
  type Column,
  type Fact,
  formatFacts,
  formatTable,
  joinSections,
  numeric,
  type Style,
  textual,
  widthBefore,
} from './table.js'
import {formatKey, formatMessage, formatText, jsonKey, shorten, wrapped} from './text.js'
import {formatCount} from './units.js'

/** What a comparison tells of itself. */
export interface DiffOutcome {
  equal: boolean
  sides: readonly [SideOutcome, SideOutcome]
  rows: readonly CountedRow[]
  libraries: readonly NamedChange[]
  moduleAux: readonly NamedChange[]
  toldByOne: readonly string[]
  twins: number
  mapped: boolean
  usedOnly: number
}

interface SideOutcome {
  source: string
  format: SourceFormat
  origin: SourceOrigin | undefined
  keys: number
  empty: number
  damaged: number
  problems: readonly Problem[]
  failure: unknown
  incomplete: boolean
}

interface NamedChange {
  name: string
  change: string
}

interface Counted {
  before: number
  after: number
  removed: number
  added: number
  changed: number
  same: number
  notCompared: number
}

interface CountedRow extends Counted {
  db: number
  type: string
}

export interface DiffView {
  style: Style
  /** Width of the terminal. */
  columns: number
  /** The largest differences; none in a summary. */
  largest: readonly KeptDifference[]
}

const LABEL_COLUMNS = 8
const KEY_COLUMNS_MAX = 40
const KEY_COLUMNS_MIN = 12
/** With less room beside the key, what differs has lines of its own. */
const TEXT_COLUMNS_MIN = 36
const TEXT_INDENT = '         '
const PROBLEMS_SHOWN_MAX = 10

/** The lines of the report. */
export function formatDiff(outcome: DiffOutcome, view: DiffView): string[] {
  const sum = total(outcome.rows)
  const differing = outcome.rows.some(row => row.same !== row.before || row.before !== row.after)
  const sections = [
    head(outcome, sum, view),
    differing ? counts('db', outcome.rows, ({db}) => String(db), view) : [],
    differing ? counts('type', outcome.rows, ({type}) => type, view) : [],
    names('functions', outcome.libraries, view),
    names('module data', outcome.moduleAux, view),
    largest(sum.added + sum.removed + sum.changed, view),
  ]
  return joinSections(sections)
}

/** `EQUAL: 12 keys`, or what differs. */
export function verdictOf(outcome: DiffOutcome): string {
  const {before, added, removed, changed, notCompared} = total(outcome.rows)
  if (outcome.equal) return `EQUAL: ${numberOf(before, 'key')}`
  const others = outcome.libraries.length + outcome.moduleAux.length
  const parts: [number, string][] = [
    [removed, 'removed'],
    [added, 'added'],
    [changed, 'changed'],
    [others, 'functions or module data'],
    [notCompared, 'not compared'],
  ]
  const told = parts.filter(([count]) => count > 0).map(([count, what]) => `${formatCount(count)} ${what}`)
  const found = added + removed + changed + others > 0
  if (!found) return `NOT KNOWN TO BE EQUAL${told.length > 0 ? `: ${told.join(', ')}` : ''}`
  return `DIFFERENT: ${told.join(', ')}`
}

function head(outcome: DiffOutcome, sum: Counted, {style, columns}: DiffView): string[] {
  const verdict = verdictOf(outcome)
  const facts: Fact[] = []
  for (const [i, side] of outcome.sides.entries()) {
    facts.push([i === 0 ? 'before' : 'after', sideText(side)])
    for (const problem of side.problems.slice(0, PROBLEMS_SHOWN_MAX)) facts.push(['', formatMessage(problem.text)])
  }
  facts.push(...notes(outcome, sum))
  const line = outcome.equal ? style.heading(verdict) : style.warning(verdict)
  return [line, ...formatFacts(facts, LABEL_COLUMNS, columns, style)]
}

function sideText({source, format, origin, keys, empty, damaged, incomplete}: SideOutcome): string {
  const version = origin === undefined ? '' : ` version ${origin.rdbVersion}`
  const kind = format === 'rdb' ? `RDB${version}` : FORMAT_NAMES[format]
  const odd = [
    ...(damaged > 0 ? [`${numberOf(damaged, 'damaged key')}`] : []),
    ...(empty > 0 ? [`${numberOf(empty, 'empty collection')}, no key to a server`] : []),
    ...(incomplete ? ['read up to its damage only'] : []),
  ]
  return [`${formatText(source)}: ${kind}, ${numberOf(keys, 'key')}`, ...odd].join('; ')
}

function notes({sides, toldByOne, twins, mapped, usedOnly}: DiffOutcome, {same, notCompared}: Counted): Fact[] {
  const facts: Fact[] = [['same', formatCount(same)]]
  const incomplete = sides.some(side => side.incomplete)
  if (notCompared > 0) {
    const why = incomplete
      ? 'what they are to be compared with may lie behind the damage'
      : 'they are damaged, or there twice'
    facts.push(['left', `${numberOf(notCompared, 'key')} could not be compared: ${why}`])
  }
  if (twins > 0) {
    const where = mapped ? 'or in databases that --map-db puts together' : 'which no server loads'
    facts.push(['left', `${numberOf(twins, 'key')} there more than once in a source, ${where}`])
  }
  if (usedOnly > 0) {
    const what = `${numberOf(usedOnly, 'key')} changed in idle time or access frequency only`
    facts.push(['hint', `${what}: --ignore idle,frequency leaves that out`])
  }
  for (const what of toldByOne) {
    facts.push(['left', `${USE_NAMES[what] ?? what}: only one of both tells them, so they are not compared`])
  }
  return facts
}

const USE_NAMES: Readonly<Record<string, string>> = {idle: 'idle times', frequency: 'access frequencies'}

function counts(
  title: string,
  rows: readonly CountedRow[],
  nameOf: (row: CountedRow) => string,
  view: DiffView,
): string[] {
  const groups = new Map<string, CountedRow[]>()
  for (const row of rows) groups.set(nameOf(row), [...(groups.get(nameOf(row)) ?? []), row])
  const lost = total(rows).notCompared > 0
  const titles = ['before', 'after', 'removed', 'added', 'changed', 'same', ...(lost ? ['not compared'] : [])]
  const cells = (row: Counted): string[] =>
    [row.before, row.after, row.removed, row.added, row.changed, row.same, ...(lost ? [row.notCompared] : [])].map(
      formatCount,
    )
  const first: Column = title === 'db' ? numeric(title) : textual(title)
  const table = [...groups].map(([name, group]) => [name, ...cells(total(group))])
  return formatTable([first, ...titles.map(numeric)], table, view.style)
}

function names(title: string, changes: readonly NamedChange[], {style}: DiffView): string[] {
  if (changes.length === 0) return []
  const rows = changes.map(({name, change}) => [change, formatText(name)])
  return dressed(formatTable([textual('change'), textual(title)], rows, style), changes, style)
}

const COLUMNS: readonly Column[] = [
  {title: 'change', align: 'left'},
  {title: 'db', align: 'right'},
  {title: 'key', align: 'left'},
  {title: 'type', align: 'left'},
  {title: 'largest differences', align: 'left'},
]

function largest(differences: number, view: DiffView): string[] {
  const {columns, style} = view
  if (view.largest.length === 0) return []
  const places = fittingPlaces(view.largest, columns)
  const texts = view.largest.map(differenceText)
  const beside = widthBefore(COLUMNS, places)
  const room = columns - beside
  const hidden = differences - view.largest.length
  const more = hidden > 0 ? [`${formatCount(hidden)} more: --max-differences shows more of them, --jsonl all`] : []
  if (room < TEXT_COLUMNS_MIN) {
    const [title = '', ...lines] = formatTable(COLUMNS.slice(0, -1), places, style)
    const under = lines.map((line, i) => [
      dressedLine(line.trimEnd(), view.largest[i]!.change, style),
      ...wrapped(texts[i]!, columns - TEXT_INDENT.length).map(text => TEXT_INDENT + text),
    ])
    return [title, ...under.flat(), ...more]
  }
  const blank = places[0]!.map(() => '')
  const rows = places.flatMap((place, i) =>
    wrapped(texts[i]!, room).map((line, part) => ({
      cells: [...(part === 0 ? place : blank), line],
      change: part === 0 ? view.largest[i]!.change : '',
    })),
  )
  const lines = formatTable(
    COLUMNS,
    rows.map(({cells}) => cells),
    style,
  )
  return [...dressed(lines, rows, style), ...more]
}

/** Keys as long as the others leave room for; whole where there is no edge. */
function fittingPlaces(differences: readonly KeptDifference[], columns: number): string[][] {
  const place = (one: KeptDifference, room: number): string[] => {
    const type = one.typeBefore === undefined ? one.type : `${one.typeBefore} → ${one.type}`
    return [one.change, String(one.db), shorten(formatKey(one), room), type]
  }
  if (columns === Number.POSITIVE_INFINITY) return differences.map(one => place(one, columns))
  const others = widthBefore(
    COLUMNS,
    differences.map(one => place({...one, key: new Uint8Array(0), keyBytes: undefined}, 0)),
  )
  const room = Math.min(Math.max(columns - others - TEXT_COLUMNS_MIN, KEY_COLUMNS_MIN), KEY_COLUMNS_MAX)
  return differences.map(one => place(one, room))
}

/** The first word of each line of a table in the colour of the change. */
function dressed(lines: readonly string[], rows: readonly {change: string}[], style: Style): string[] {
  return lines.map((line, i) => (i === 0 ? line : dressedLine(line, rows[i - 1]!.change, style)))
}

function dressedLine(line: string, change: string, style: Style): string {
  if (change === '') return line
  const dress = change === 'added' ? style.added : change === 'removed' ? style.removed : style.warning
  return dress(change) + line.slice(change.length)
}

/** What a patch leaves out. */
export function patchLosses(
  losses: readonly {what: string; count: number}[],
  {moduleAux}: Pick<DiffOutcome, 'moduleAux'>,
  style: Style,
): string[] {
  const all = [
    ...losses,
    ...moduleAux.map(({name}) => ({what: `record of the module ${name} beside its keys`, count: 1})),
  ]
  return all.map(({what, count}) => style.warning(`left out ${formatCount(count)} ${formatText(what)}`))
}

/** The same as data. */
export function diffJson(
  outcome: DiffOutcome,
  differences: readonly KeptDifference[] | undefined,
): Record<string, unknown> {
  const {added, removed, changed, same, notCompared} = total(outcome.rows)
  const [before, after] = outcome.sides.map(sideJson)
  return {
    ...{equal: outcome.equal, added, removed, changed, same, notCompared, before, after},
    databases: grouped(outcome.rows, ({db}) => ({db})),
    types: grouped(outcome.rows, ({type}) => ({type})),
    libraries: outcome.libraries,
    moduleAux: outcome.moduleAux,
    ...(outcome.toldByOne.length > 0 ? {toldByOne: outcome.toldByOne} : {}),
    ...(outcome.twins > 0 ? {duplicateKeys: outcome.twins} : {}),
    ...(outcome.usedOnly > 0 ? {changedInUseOnly: outcome.usedOnly} : {}),
    ...(differences === undefined ? {} : {differences: differences.map(differenceJson)}),
  }
}

function sideJson({source, format, origin, keys, empty, damaged, problems, failure, incomplete}: SideOutcome): unknown {
  return {
    ...{source, format, ...(origin ?? {}), keys, complete: !incomplete},
    ...(empty > 0 ? {empty} : {}),
    ...(damaged > 0 ? {damaged} : {}),
    ...(problems.length > 0
      ? {problems: problems.map(({key, keyBytes, ...one}) => ({...one, ...(key && jsonKey({key, keyBytes}))}))}
      : {}),
    ...(failure === undefined ? {} : {failure: failureJson(failure)}),
  }
}

function differenceJson(one: KeptDifference): Record<string, unknown> {
  const {change, db, type, typeBefore, size, parts} = one
  const changes = change === 'changed' ? {parts, examples: exampleTexts(one)} : {}
  return {change, db, ...jsonKey(one), type, typeBefore, size, ...changes}
}

function grouped(rows: readonly CountedRow[], nameOf: (row: CountedRow) => object): object[] {
  const groups = new Map<string, CountedRow[]>()
  for (const row of rows) {
    const name = JSON.stringify(nameOf(row))
    groups.set(name, [...(groups.get(name) ?? []), row])
  }
  return [...groups.values()].map(group => ({...nameOf(group[0]!), ...total(group)}))
}

function total(rows: readonly Counted[]): Counted {
  const sum: Counted = {before: 0, after: 0, removed: 0, added: 0, changed: 0, same: 0, notCompared: 0}
  for (const row of rows) for (const name of Object.keys(sum) as (keyof Counted)[]) sum[name] += row[name]
  return sum
}

function numberOf(count: number, what: string): string {
  return `${formatCount(count)} ${what}${count === 1 ? '' : 's'}`
}
