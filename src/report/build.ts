/**
 * What became of a build: what it was made of, what went in, and what did not
 * and why; for people and for programs.
 */
import {formatShards, misplacedText, type ShardOutcome, shardsJson} from './build-split.js'
import {baseFact, type LogOutcome, noteLines, type ReplayOutcome, replayFacts, replayJson} from './log-facts.js'
import {type Column, formatFitted, formatTable, numeric, type Style, textual} from './table.js'
import {formatBytes, formatKey, formatMessage, formatText, hang, jsonBytes, jsonKey, shorten, wrapped} from './text.js'
import {formatCount, formatSize} from './units.js'

/** What the target has no place for. */
export interface LostOutcome {
  what: string
  keys: number
  /** No hint: somebody may miss it. */
  data: boolean
  /** Keys are gone, not only something about them. */
  whole: boolean
  examples: readonly ({db: number; key: Uint8Array; keyBytes?: number | undefined} | {name: string})[]
}

/** What a build tells of itself. */
export interface BuildOutcome {
  out: string
  target: string
  keysIn: number
  keysOut: number
  skipped: readonly {reason: string; keys: number}[]
  lost: readonly LostOutcome[]
  bytes: number
  /** Of sources that are shards of a cluster: keys of slots that are not their shard's. */
  misplaced?: number | undefined
  /** Of what is split into shards. */
  shards?: readonly ShardOutcome[] | undefined
  /** Of one source that is a log. */
  replayed?: ReplayOutcome | undefined
  /** Of what is a log itself, all of them. */
  form?: LogOutcome['form']
  base?: LogOutcome['base']
  files?: LogOutcome['files']
  notes?: LogOutcome['notes']
  warnings: readonly {
    source: string
    code: string
    severity: string
    text: string
    file?: string | undefined
    offset: number
    db?: number | undefined
    key?: Uint8Array | undefined
  }[]
}

const LABEL_COLUMNS = 9
const STANDARD_OUTPUT = '-'
const KEY_COLUMNS_MAX = 60

/** Why keys were passed over, in words. */
const REASONS: Readonly<Record<string, string>> = {
  db: 'of another database (--db)',
  type: 'of another type (--type)',
  expired: 'by their expiry (--expired)',
  ttl: 'by their time to live (--ttl)',
  match: 'match no pattern (--match)',
  notMatch: 'match a pattern (--not-match)',
  slot: 'of another slot (--slot)',
  regex: 'match no expression (--regex)',
  bytes: 'by their size (--min-bytes, --max-bytes)',
  empty: 'empty collections, which are no keys',
  conflict: 'there already (--on-conflict)',
  module: 'values of modules (--drop-modules)',
  moduleData: 'data of modules beside their values (--drop-modules)',
  function: 'libraries of functions (--drop-functions)',
}

/** The lines of the report; `isWritten`: false where losses are why nothing was published. */
export function formatBuild(built: BuildOutcome, style: Style, columns: number, isWritten = true): string[] {
  const {out, target, keysIn, keysOut, skipped, lost, bytes, warnings, replayed, misplaced, shards} = built
  const facts: (readonly [name: string, text: string])[] = [
    ...(isLog(built) ? baseFact(built, target) : [['for', target] as const]),
    ...(isWritten ? [['size', `${formatSize(bytes)} (${formatCount(bytes)} bytes)`] as const] : []),
    ['keys', keysIn === keysOut ? formatCount(keysOut) : `${formatCount(keysOut)} of ${formatCount(keysIn)}`],
    ...(misplaced ? [['misplaced', misplacedText(misplaced)] as const] : []),
    ...(replayed === undefined ? [] : replayFacts(replayed)),
  ]
  const name = out === STANDARD_OUTPUT ? 'standard output' : formatText(out)
  const lines = [
    style.heading(isWritten ? name : `${name}: ${notWritten(out)}`),
    ...facts.map(fact => factLine(fact, style)),
  ]
  lines.push(...formatSkipped(skipped, style), ...formatLost(lost, {style, columns}))
  if (shards !== undefined) lines.push(...formatShards(shards, style))
  if (!isWritten) lines.push(...lossAdvice(lost, columns))
  const told = [...buildWarnings(warnings), ...noteLines({notes: built.notes ?? []})]
  if (told.length > 0) lines.push('', ...told.flatMap(text => wrapped(text, columns)).map(style.warning))
  return lines
}

function isLog(built: BuildOutcome): built is BuildOutcome & LogOutcome {
  return built.form !== undefined
}

export function factLine([name, text]: readonly [name: string, text: string], style: Style): string {
  return `${style.faint(name.padEnd(LABEL_COLUMNS))} ${text}`
}

/** A table of keys that were passed over, a blank line before it; nothing where none were. */
export function formatSkipped(skipped: BuildOutcome['skipped'], style: Style): string[] {
  if (skipped.length === 0) return []
  const rows = skipped.map(({reason, keys}) => [formatCount(keys), REASONS[reason] ?? reason])
  return ['', ...formatTable([numeric('keys'), textual('left out')], rows, style)]
}

/** Tables of what was lost, a blank line before each; nothing where nothing was. */
export function formatLost(lost: BuildOutcome['lost'], view: {style: Style; columns: number}): string[] {
  const table = (title: string, some: BuildOutcome['lost']): string[] => {
    if (some.length === 0) return []
    const hasExamples = some.some(({examples}) => examples.length > 0)
    const what: Column = {...textual(title), fit: 'wrap'}
    const columns = [numeric('keys'), what, ...(hasExamples ? [textual('such as')] : [])]
    const rows = some.map(({what, keys, examples}) => {
      const shown = examples.slice(0, EXAMPLES_SHOWN).map(formatExample).join(', ')
      return [formatCount(keys), what, ...(hasExamples ? [shown] : [])]
    })
    return ['', ...formatFitted(columns, rows, view)]
  }
  return [
    ...table(
      'lost: the target has no place for it',
      lost.filter(({data}) => data),
    ),
    ...table(
      'left out: hints the target has no place for',
      lost.filter(({data}) => !data),
    ),
  ]
}

const EXAMPLES_SHOWN = 3
const EXAMPLE_COLUMNS_MAX = 24

function formatExample(example: LostOutcome['examples'][number]): string {
  if ('name' in example) return shorten(formatText(example.name), EXAMPLE_COLUMNS_MAX)
  const key = `"${shorten(formatKey(example), EXAMPLE_COLUMNS_MAX)}"`
  return example.db === 0 ? key : `${key} (db ${example.db})`
}

/** Why there is nothing. */
function notWritten(out: string): string {
  return out === STANDARD_OUTPUT
    ? 'ended before its end, since data would be lost'
    : 'not written, since data would be lost'
}

/** What to do where losses are why nothing was published. */
export function lossAdvice(lost: BuildOutcome['lost'], columns: number): string[] {
  const has = (words: RegExp): boolean => lost.some(({what, data}) => data && words.test(what))
  const ways = [
    ...(has(/functions/) ? ['--drop-functions leaves the functions out'] : []),
    ...(has(/of the module/) ? ['--drop-modules leaves the modules out'] : []),
    'a newer --target may hold it',
    '--allow-loss writes what is left',
  ]
  return ['', ...hang(`  next   ${ways.join('; ')}`, columns)]
}

/** The same as data; its names are a contract. */
export function lostJson(lost: BuildOutcome['lost']): object[] {
  return lost.map(({what, keys, data, whole, examples}) => ({
    ...{what, keys, data, whole},
    examples: examples.map(one => ('name' in one ? one : {db: one.db, ...jsonKey(one)})),
  }))
}

export function buildWarnings(warnings: BuildOutcome['warnings']): string[] {
  return warnings.map(({source, file, text}) => {
    const place = file === undefined ? source : `${source}, ${file}`
    return `${formatText(place)}: ${formatMessage(text)}`
  })
}

/** What sources disagree about. */
export interface Disagreement {
  conflicts: readonly {db: number; key: Uint8Array; sources: readonly string[]}[]
  libraries: readonly string[]
  modules: readonly string[]
}

/** Lines about keys that several sources have, for people. */
export function formatConflicts(
  {conflicts, libraries, modules}: Disagreement,
  style: Style,
  columns: number,
): string[] {
  const lines = conflicts.map(({db, key, sources}) => {
    const places = [...new Set(sources)].map(formatText)
    const where =
      places.length === 1 ? `${places[0]} has it ${sources.length} times` : `it is in ${places.join(' and ')}`
    return `the key "${shorten(formatBytes(key), KEY_COLUMNS_MAX)}" of database ${db} would be there twice: ${where}`
  })
  lines.push(...libraries.map(name => `the library of functions "${formatText(name)}" differs between the sources`))
  lines.push(...modules.map(name => `the sources say different things of the module ${formatText(name)}`))
  const advice =
    modules.length > 0
      ? 'build a file of each source'
      : '--on-conflict first or last says which stays; --rename-prefix and --map-db keep both'
  return [
    ...lines.flatMap(line => hang(`rdbtool: ${line}`, columns)).map(style.warning),
    ...hang(`  next   ${advice}`, columns),
  ]
}

/** The same as data; its names are a contract. */
export function buildJson(built: BuildOutcome, isWritten = true): object {
  const {warnings, out, target, keysIn, keysOut, skipped, lost, bytes, replayed, form, base, files, notes} = built
  return {
    ...{out, written: isWritten, target, keysIn, keysOut, skipped, lost: lostJson(lost), bytes},
    ...{form, base, files, notes},
    ...{misplaced: built.misplaced, shards: built.shards && shardsJson(built.shards)},
    ...{log: replayed === undefined ? undefined : replayJson(replayed), warnings: warningsJson(warnings)},
  }
}

export function warningsJson(warnings: BuildOutcome['warnings']): object[] {
  return warnings.map(({source, code, severity, text, file, offset, db, key}) => ({
    ...{source, code, severity, text, file, offset, db},
    key: key === undefined ? undefined : jsonBytes(key),
  }))
}
