/**
 * What became of a load: for people, and for programs.
 */
import {type BuildOutcome, buildWarnings, factLine, formatLost, formatSkipped, lostJson, warningsJson} from './build.js'
import {failureJson} from './failure.js'
import type {Json} from './inventory-json.js'
import type {Style} from './table.js'
import {formatBytes, formatText, hang, jsonBytes, shorten, wrapped} from './text.js'
import {formatCount} from './units.js'

const KEY_COLUMNS_MAX = 60

export interface LoadOutcome {
  source: string
  server: string
  product: string
  version: string
  nodes: number
  keysIn: number
  loaded: number
  skipped: readonly {reason: string; keys: number}[]
  kept: number
  before: number
  failed: number
  failures: readonly {db: number; key: Uint8Array; error: string}[]
  libraries: number
  librariesKept: number
  libraryThere: string | undefined
  lost: BuildOutcome['lost']
  redirected: number
  entries: number
  position: number
  seconds: number
  warnings: BuildOutcome['warnings']
  failure: unknown
  interrupted: boolean
}

/** The lines of the report. */
export function formatLoad(load: LoadOutcome, style: Style, columns: number): string[] {
  const {server, product, version, nodes, keysIn, loaded, kept, before, failed, redirected, seconds} = load
  const {libraries, librariesKept} = load
  const rate = seconds > 0 ? `, ${formatCount(Math.round(loaded / seconds))} a second` : ''
  const facts: (readonly [name: string, text: string])[] = [
    ['server', `${product} ${formatText(version)}${nodes > 1 ? `, ${nodes} masters` : ''}`],
    ['keys', `${formatCount(loaded)} of ${formatCount(keysIn)} loaded in ${seconds.toFixed(2)} s${rate}`],
    ...(before > 0 ? [['before', `${formatCount(before)} by an earlier run`] as const] : []),
    ...(kept > 0 ? [['there', `${formatCount(kept)} were there, and stayed`] as const] : []),
    ...(failed > 0 ? [['refused', formatCount(failed)] as const] : []),
    ...(libraries > 0 ? [['functions', formatLibraries(libraries)] as const] : []),
    ...(librariesKept > 0 ? [['functions', `${formatLibraries(librariesKept)} there, and stayed`] as const] : []),
    ...(redirected > 0 ? [['redirected', `${formatCount(redirected)} commands`] as const] : []),
  ]
  const lines = [style.heading(formatText(server)), ...facts.map(fact => factLine(fact, style))]
  lines.push(...formatSkipped(load.skipped, style), ...formatLost(load.lost, {style, columns}))
  const told = buildWarnings(load.warnings)
  if (told.length > 0) lines.push('', ...told.flatMap(text => wrapped(text, columns)).map(style.warning))
  return lines
}

/** Lines about keys that were refused, and about a load that ended before its time. */
export function formatLoadFailures(
  load: LoadOutcome,
  style: Style,
  columns: number,
  /** The report that is written; null: none can be. */
  report: string | undefined | null,
): string[] {
  const {failures, failed, position, entries, interrupted, libraryThere} = load
  const lines = failures.map(({db, key, error}) => {
    const name = `the key "${shorten(formatBytes(key), KEY_COLUMNS_MAX)}" of database ${db}`
    return isThere(error) ? `${name} is there already` : `${name} was refused: ${formatText(error)}`
  })
  if (libraryThere !== undefined) lines.push(`functions are there already: ${formatText(libraryThere)}`)
  if (failed > failures.length) lines.push(`and ${formatCount(failed - failures.length)} more`)
  const endedEarly = interrupted || position < entries
  if (endedEarly) lines.push(`the load ended after ${formatCount(position)} of ${formatCount(entries)} keys`)
  if (lines.length === 0) return []
  const there = libraryThere !== undefined || failures.some(({error}) => isThere(error))
  const advice = [
    ...(there ? ['--on-conflict skip or replace says what becomes of what is there'] : []),
    report === null
      ? 'keep the snapshot with --out FILE: rdbtool load FILE SERVER --report FILE can be taken up'
      : report === undefined
        ? '--report FILE writes down what was done, and --resume FILE goes on from there'
        : `--resume ${formatText(report)} goes on from here`,
  ]
  return [
    ...lines.flatMap(line => hang(`rdbtool: ${line}`, columns)).map(style.warning),
    ...hang(`  next   ${advice.join('; ')}`, columns),
  ]
}

function formatLibraries(count: number): string {
  return count === 1 ? '1 library' : `${formatCount(count)} libraries`
}

function isThere(error: string): boolean {
  return error.startsWith('BUSYKEY')
}

/** The same as data; its names are a contract, more may be added. */
export function loadJson(load: LoadOutcome): Json {
  const {failures, warnings, failure, lost, ...facts} = load
  return {
    ...facts,
    lost: lostJson(lost),
    seconds: Math.round(load.seconds * 1000) / 1000,
    failures: failures.map(({db, key, error}) => ({db, key: jsonBytes(key), error})),
    warnings: warningsJson(warnings),
    ...(failure === undefined ? {} : {error: failureJson(failure)}),
  }
}
