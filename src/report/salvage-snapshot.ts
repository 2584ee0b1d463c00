/**
 * What was saved of a snapshot, for people and as JSON.
 */
import type {LostLibrary} from '../analysis/lost-libraries.js'
import type {NearKey, SnapshotLoss, UncertainDatabase} from '../analysis/snapshot-losses.js'
import type {Soundness} from '../analysis/soundness.js'
import {magicText, type RdbHeader} from '../rdb/versions.js'
import {failureJson} from './failure.js'
import type {Json} from './inventory-json.js'
import {LABEL_COLUMNS, LOSSES_MAX, type SalvageView} from './salvage.js'
import {type Fact, formatFacts, formatFitted, joinSections, numeric, textual} from './table.js'
import {formatKey, formatMessage, formatText, jsonKey, shorten} from './text.js'
import {formatCount, formatSize} from './units.js'

/** What was written, and what a check of it says. */
export interface SnapshotSalvageReport {
  out: string
  bytes: number
  keys: number
  functions: number
  /** The first ones. */
  functionsLost: readonly LostLibrary[]
  functionLosses: number
  /** The first ones. */
  lost: readonly SnapshotLoss[]
  losses: number
  bytesLost: number
  twins: number
  /** The first ones. */
  uncertain: readonly UncertainDatabase[]
  keysUncertain: number
  headerGuessed: RdbHeader | undefined
  endFound: boolean
  unpackFailure: Error | undefined
  check: Soundness | undefined
}

const KEY_COLUMNS_MAX = 24
const UNCERTAIN_MAX = 5
const LIBRARIES_MAX = 10

/** The lines of the report. `source` is what a check says of the file it was made from. */
export function formatSnapshotSalvage(
  report: SnapshotSalvageReport,
  source: Soundness | undefined,
  view: SalvageView,
): string[] {
  const {out, keys, functions, bytes, losses, bytesLost} = report
  const places = losses === 1 ? '1 place' : `${formatCount(losses)} places`
  const facts: Fact[] = [
    ['salvaged', `${formatText(out)}: ${verdict(report)}`],
    [
      'kept',
      `${keysText(keys)}, ${functions > 0 ? `${librariesText(functions)} of functions, ` : ''}${formatSize(bytes)}`,
    ],
    ['lost', losses === 0 ? 'nothing' : `${formatCount(bytesLost)} ${bytesLost === 1 ? 'byte' : 'bytes'} in ${places}`],
    ...notes(report, source),
  ]
  return joinSections([formatFacts(facts, LABEL_COLUMNS, view.columns, view.style), lossLines(report, view)])
}

/** The same of a snapshot that a log begins with. */
export function formatSalvagedBase(report: Omit<SnapshotSalvageReport, 'check'>, view: SalvageView): string[] {
  const {keys, losses, bytesLost} = report
  const places = losses === 1 ? '1 place' : `${formatCount(losses)} places`
  const facts: Fact[] = [
    ['snapshot', `is damaged: ${keysText(keys)} of it are saved, ${formatCount(bytesLost)} bytes in ${places} lost`],
    ...notes({...report, check: undefined}, undefined),
  ]
  return joinSections([formatFacts(facts, LABEL_COLUMNS, view.columns, view.style), lossLines(report, view)])
}

function verdict({check}: SnapshotSalvageReport): string {
  const errors = check?.errors ?? 0
  if (check !== undefined && errors === 0) return 'a sound snapshot'
  return `not sound, for ${errors === 1 ? '1 problem' : `${formatCount(errors)} problems`}: check it to see`
}

function notes(report: SnapshotSalvageReport, source: Soundness | undefined): Fact[] {
  const {headerGuessed, endFound, unpackFailure, twins, losses} = report
  const facts: Fact[] = []
  if (unpackFailure !== undefined) {
    facts.push(['note', `only what could be unpacked was looked at: ${formatMessage(unpackFailure.message)}`])
  }
  if (headerGuessed !== undefined) {
    facts.push(['note', `the header is damaged: this is taken to be ${magicText(headerGuessed)}`])
  }
  if (!endFound) facts.push(['note', 'the end of the file is lost: nobody knows what else there was'])
  if (twins > 0) {
    facts.push(['note', `${keysText(twins)} left out that are there twice: the one stays that is further from damage`])
  }
  facts.push(...libraryNotes(report), ...uncertainNotes(report))
  if (source?.checksum === 'mismatch' || losses > 0) {
    const only = losses > 0 ? 'beside what is lost, ' : 'the checksum is wrong, and nothing else: '
    facts.push(['note', `${only}bytes of values may be others than they were, which nobody can tell`])
  }
  return facts
}

/** What is lost of functions: whole libraries, by their names where these are left. */
function libraryNotes({functionsLost, functionLosses}: SnapshotSalvageReport): Fact[] {
  if (functionLosses === 0) return []
  const shown = functionsLost.slice(0, LIBRARIES_MAX)
  const names = shown.map(({offset, name}) => `${name ?? 'one whose name is lost'} (byte ${formatCount(offset)})`)
  const more = functionLosses - shown.length
  const rest = more > 0 ? `, and ${formatCount(more)} more` : ''
  return [['note', `${librariesText(functionLosses)} of functions lost: ${names.join(', ')}${rest}`]]
}

function uncertainNotes({uncertain, keysUncertain}: SnapshotSalvageReport): Fact[] {
  const shown = uncertain.slice(0, UNCERTAIN_MAX)
  const facts = shown.map(({offset, db, keys}): Fact => {
    const from = `from byte ${formatCount(offset)}`
    return ['note', `${keysText(keys)} ${from}: taken to be of database ${db}, since the name of another may be lost`]
  })
  const others = keysUncertain - shown.reduce((sum, {keys}) => sum + keys, 0)
  if (others > 0) facts.push(['note', `${keysText(others)} more whose database is uncertain`])
  return facts
}

/** What is lost, by its place. */
function lossLines({lost, losses}: Pick<SnapshotSalvageReport, 'lost' | 'losses'>, view: SalvageView): string[] {
  if (losses === 0) return []
  const shown = lost.slice(0, LOSSES_MAX)
  const [last, next] = ['last key', 'next key'].map(title => ({...textual(title), fit: 'shorten' as const}))
  const titles = [numeric('at byte'), numeric('bytes'), last!, next!, textual('lost')]
  const rows = shown.map(({offset, bytes, before, after, key, reason}) => {
    const what = key === undefined ? '' : `${nameOf(key)}: `
    return [formatCount(offset), formatCount(bytes), nameOf(before), nameOf(after), what + formatMessage(reason)]
  })
  const more = losses - shown.length
  const listed = lost.length === losses ? '--json lists them' : `--json lists ${formatCount(lost.length)} of all`
  const rest = more > 0 ? [`${formatCount(more)} more are not shown: ${listed}`] : []
  return [...formatFitted(titles, rows, view), ...rest]
}

function nameOf(key: NearKey | undefined): string {
  return key === undefined ? '-' : shorten(formatKey(key), KEY_COLUMNS_MAX)
}

function librariesText(count: number): string {
  return `${formatCount(count)} ${count === 1 ? 'library' : 'libraries'}`
}

function keysText(count: number): string {
  return `${formatCount(count)} ${count === 1 ? 'key' : 'keys'}`
}

/** The same as data. */
export function snapshotSalvageJson(report: SnapshotSalvageReport): Json {
  const {out, bytes, keys, losses, bytesLost, twins, keysUncertain, headerGuessed, endFound, check} = report
  return {
    out,
    sound: check !== undefined && check.errors === 0,
    bytes,
    keys,
    functions: report.functions,
    functionsLost: report.functionsLost.map(({offset, name}) => ({offset, name})),
    functionLosses: report.functionLosses,
    bytesLost,
    losses,
    duplicates: twins,
    endFound,
    headerGuessed: headerGuessed === undefined ? undefined : magicText(headerGuessed),
    unpackError: report.unpackFailure === undefined ? undefined : failureJson(report.unpackFailure),
    uncertainDbKeys: keysUncertain,
    uncertainDb: [...report.uncertain],
    lost: report.lost.map(lossJson),
  }
}

function lossJson({offset, bytes, key, before, after, code, reason}: SnapshotLoss): Json {
  return {offset, bytes, ...nearJson(key), before: near(before), after: near(after), code, reason}
}

function near(key: NearKey | undefined): Json | undefined {
  return key === undefined ? undefined : nearJson(key)
}

function nearJson(key: NearKey | undefined): Json {
  return key === undefined ? {} : {db: key.db, ...jsonKey(key)}
}
