/**
 * What a server will do with a file, for people and as JSON: the verdict, what is
 * in the way, and the commands that mend it.
 */
import type {Obstacle} from '../analysis/loading/obstacles.js'
import type {LoadCounts} from '../analysis/loading/predicted-load.js'
import type {LoadPrediction} from '../analysis/loading/prediction.js'
import * as op from '../rdb/opcodes.js'
import {targetOf} from '../rdb/targets.js'
import type {Json} from './inventory-json.js'
import {type Column, type Fact, formatFacts, formatTable, type Style, widthBefore} from './table.js'
import {formatKey, formatMessage, jsonKey, shorten, wrapped} from './text.js'
import {formatCount} from './units.js'

/** What is known of a load, and of a log the file that was looked at. */
export interface TargetReport extends LoadPrediction {
  file?: string | undefined
}

export interface TargetView {
  style: Style
  columns: number
  /** Kinds of obstacles to show. */
  obstaclesMax: number
}

const LABEL_COLUMNS = 12
const KEY_COLUMNS_MAX = 30
const TEXT_COLUMNS_MIN = 24

const VERDICTS: Readonly<Record<TargetReport['verdict'], string>> = {
  loads: 'LOADS it',
  skips: 'LOADS it, WITHOUT SOME KEYS',
  refuses: 'REFUSES it, and does not start',
  crashes: 'CRASHES on it',
  hangs: 'HANGS on it: it neither starts nor ends',
  unsure: 'UNSURE: it depends on memory that the file does not tell of',
}

const UNSEEN: Readonly<Record<TargetReport['unseen'][number], string>> = {
  functions: 'the bodies of functions: engine, name and duplicates only were looked at',
  scripts: 'Lua scripts in aux fields',
  commands: 'what the commands of the log do, and whether that server knows them all',
  'behind damage': 'what follows the last obstacle: where the next record begins is not known',
}

/** Flags of `build` that take an obstacle away; empty where writing the file anew is enough. */
const BUILD_FLAGS: Readonly<Record<string, string>> = {
  TOO_NEW: '',
  BAD_VERSION: '',
  BAD_MAGIC: '',
  UNKNOWN_TYPE: '',
  UNKNOWN_OPCODE: '',
  BAD_AUX: '',
  SIZE_HINT: '',
  SLOT_IMPORT: '',
  LOG_FOLDER: '',
  LOG_PREAMBLE: '',
  MODULE: '--drop-modules',
  BAD_FUNCTION: '--drop-functions',
  DUPLICATE_FUNCTION: '--drop-functions',
  FUNCTION_CANDIDATE: '--drop-functions',
  DUPLICATE_KEY: '--on-conflict first',
}
/** Opcodes and types that no re-encoding brings along. */
const LOSSY_OPCODES: Readonly<Record<string, string>> = {'245': '--drop-functions', '247': '--drop-modules'}
const LOSSY_TYPES: readonly [type: RegExp, cost: string][] = [
  [/^stream|\(stream/, 'what streams know of themselves beyond it, or the streams'],
  [/^array|\(array/, 'arrays'],
  [/^cron|\(cron/, 'CRON values'],
]
/** Of hashes with fields that expire. */
const EXPIRING_TYPES: ReadonlySet<number> = new Set([
  op.TYPE_HASH_22,
  op.TYPE_HASH_LISTPACK_EX_PRE_GA,
  op.TYPE_HASH_METADATA,
  op.TYPE_HASH_LISTPACK_EX,
])

/** What `build --allow-loss` leaves out to take an obstacle away; undefined where it needs no leave. */
function costOf({code, text, effect}: Obstacle, target: string): string | undefined {
  if (effect === 'skips') return undefined
  if (code === 'KEY_META') return 'key metadata'
  if (code !== 'UNKNOWN_TYPE') return undefined
  const type = Number(/\btype (\d+)/.exec(text)?.[1])
  if (EXPIRING_TYPES.has(type) && !fieldsExpire(target)) return 'expiries of hash fields: the fields stay for ever'
  return LOSSY_TYPES.find(([lossy]) => lossy.test(text))?.[1]
}

function fieldsExpire(name: string): boolean {
  const {types} = targetOf(name)
  return types.has(op.TYPE_HASH_22) || types.has(op.TYPE_HASH_METADATA)
}

/** The flags of one obstacle; undefined where `build` is no help. */
function flagsOf(obstacle: Obstacle, target: string): string | undefined {
  const {code, text, effect} = obstacle
  if (effect === 'skips') return undefined
  if (code === 'DATABASE_NUMBER') return `--map-db ${/\d+/.exec(text)?.[0] ?? 'N'}=M`
  if (code === 'UNKNOWN_OPCODE') return LOSSY_OPCODES[/\d+/.exec(text)?.[0] ?? ''] ?? ''
  if (costOf(obstacle, target) !== undefined) return '--allow-loss'
  return BUILD_FLAGS[code]
}

/** The command that takes an obstacle away; undefined where nothing needs to be done. */
export function mendOf(obstacle: Obstacle, source: string, target: string): string | undefined {
  if (obstacle.effect === 'skips' && obstacle.code !== 'LOG_FOLDER') return undefined
  const flags = obstacle.code === 'LOG_FOLDER' ? '' : flagsOf(obstacle, target)
  return flags === undefined ? salvage(source) : build(source, target, flags === '' ? [] : [flags])
}

function salvage(source: string): string {
  return `rdbtool check ${quoted(source)} --salvage OUT`
}

function build(source: string, target: string, flags: readonly string[]): string {
  return ['rdbtool build', quoted(source), '--out OUT --target', target, ...flags].join(' ')
}

/** As a shell reads it. */
function quoted(source: string): string {
  return /^[\w./:@%+=,-]+$/.test(source) ? source : `'${source.replaceAll("'", String.raw`'\''`)}'`
}

/** The fewest commands that take all obstacles away: what is damaged is saved first. */
export function mendsOf(source: string, {target, obstacles}: TargetReport): string[] {
  const mends = new Set<string>()
  const flags = new Set<string>()
  let builds = false
  for (const one of obstacles) {
    const mend = mendOf(one, source, target)
    if (mend === undefined) continue
    if (mend.startsWith('rdbtool check')) mends.add(mend)
    else builds = true
    const own = flagsOf(one, target)
    if (own !== undefined && own !== '') flags.add(own)
  }
  if (!builds) return [...mends]
  return [...mends, build(mends.size === 0 ? source : 'OUT', target, [...flags])]
}

/** What the commands leave out of the data, since the server has no place for it. */
function costsOf({target, obstacles}: TargetReport): string[] {
  return [...new Set(obstacles.map(one => costOf(one, target)).filter(cost => cost !== undefined))]
}

/** The lines of the report. */
export function formatTarget(source: string, report: TargetReport, view: TargetView): string[] {
  const {style, columns} = view
  const {target, verdict, proved, keys, obstacles, unseen, file} = report
  const text = `${target} ${VERDICTS[verdict]}`
  const title = style.heading('target      ') + (verdict === 'loads' ? style.heading(text) : style.warning(text))
  const isLoaded = verdict === 'loads' || verdict === 'skips'
  const facts: Fact[] = [['keys', keysText(keys, isLoaded)]]
  if (file !== undefined) facts.push(['looked at', file])
  facts.push([
    'known by',
    proved ? 'tests against that server' : "the format's description: no server of it was at hand",
  ])
  for (const one of unseen) facts.push(['not seen', UNSEEN[one]])
  const mends = mendsOf(source, report)
  const advice = mends.map((mend, at): Fact => [at === 0 ? 'mended by' : '', mend])
  const costs = costsOf(report).map((cost, at): Fact => [at === 0 ? 'it costs' : '', cost])
  return [
    title,
    ...formatFacts([...facts, ...advice, ...costs], LABEL_COLUMNS, columns, style),
    ...table(obstacles.slice(0, view.obstaclesMax), view),
  ]
}

function keysText({loaded, expired, empty}: LoadCounts, isLoaded: boolean): string {
  const others = [
    [expired, 'expired'],
    [empty, 'empty'],
  ].filter(([count]) => count !== 0)
  const skipped = others.map(([count, what]) => `${formatCount(count as number)} ${what}`).join(', ')
  return `${formatCount(loaded)} ${isLoaded ? 'to load' : 'found'}${skipped === '' ? '' : `, ${skipped}: left out`}`
}

const COLUMNS: readonly Column[] = [
  {title: 'server', align: 'left'},
  {title: 'code', align: 'left'},
  {title: 'times', align: 'right'},
  {title: 'byte', align: 'right'},
  {title: 'db', align: 'right'},
  {title: 'first key', align: 'left'},
  {title: 'in the way', align: 'left'},
]

function table(obstacles: readonly Obstacle[], {style, columns}: TargetView): string[] {
  if (obstacles.length === 0) return []
  const places = obstacles.map(({effect, code, keys, first: {offset, db, key, keyBytes}}) => [
    effect,
    code,
    formatCount(keys),
    formatCount(offset),
    db === undefined ? '-' : String(db),
    key === undefined ? '-' : shorten(formatKey({key, keyBytes}), KEY_COLUMNS_MAX),
  ])
  const room = Math.max(columns - widthBefore(COLUMNS, places), TEXT_COLUMNS_MIN)
  const blank = COLUMNS.slice(0, -1).map(() => '')
  const rows = places.flatMap((place, at) =>
    wrapped(formatMessage(obstacles[at]!.text), room).map((line, part) => [...(part === 0 ? place : blank), line]),
  )
  return ['', ...formatTable(COLUMNS, rows, style)]
}

/** As JSON. The names are a contract; more may be added. */
export function targetJson(source: string, report: TargetReport, obstaclesMax: number): Json {
  const {target, verdict, proved, keys, obstacles, unseen, file} = report
  return {
    name: target,
    verdict,
    proved,
    keys: {...keys},
    ...(file === undefined ? {} : {file}),
    obstacles: obstacles.slice(0, obstaclesMax).map(one => obstacleJson(one, source, target)),
    unseen: [...unseen],
    mend: mendsOf(source, report),
    costs: costsOf(report),
  }
}

function obstacleJson(obstacle: Obstacle, source: string, target: string): Json {
  const {code, effect, text, keys, first} = obstacle
  const {db, key, keyBytes, offset} = first
  const place = {db, ...(key && jsonKey({key, keyBytes})), offset}
  return {code, effect, text, keys, first: place, mend: mendOf(obstacle, source, target)}
}
