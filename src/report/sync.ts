/**
 * What a sync has brought, for people and as JSON.
 */
import type {Inventory} from '../analysis/inventory.js'
import type {ChecksumVerdict} from '../rdb/records.js'
import {failureJson} from './failure.js'
import {checksumText, formatName, keysText, PRODUCT_NAMES, writtenText} from './inventory.js'
import type {Json} from './inventory-json.js'
import {databasesTable} from './inventory-tables.js'
import {type LoadOutcome, loadJson} from './load.js'
import {joinSections, type Style} from './table.js'
import {formatText} from './text.js'
import {formatCount, formatSize} from './units.js'

const LABEL_COLUMNS = 10
const UNKNOWN = 'unknown'

/** The command stream, as far as it was followed. */
export interface FollowedReport {
  offset: number
  bytes: number
  commands: number
  pings: number
  acknowledgements: number
  failure: unknown
}

export interface SyncReport {
  master: string
  /** Absent where only a log was wanted. */
  out: string | undefined
  /** The log that was made of it. */
  aof: {out: string; keysOut: number; bytes: number} | undefined
  into: LoadOutcome | undefined
  replicationId: string
  /** -1 where the master did not tell. */
  offset: number
  transfer: 'disk' | 'diskless'
  /** As it came over the wire. */
  bytes: number
  checksum: ChecksumVerdict
  attempts: number
  transferSeconds: number
  seconds: number
  inventory: Inventory
  /** Why not all of it was counted. */
  unread: unknown
  /** Keys of slots that were not to be expected. */
  strayKeys: number
  followed: FollowedReport | undefined
}

export interface SyncView {
  style: Style
  nowMs: number
}

export function formatSync(report: SyncReport, view: SyncView): string[] {
  const {inventory, followed} = report
  const label = (name: string, text: string): string => `${view.style.faint(name.padEnd(LABEL_COLUMNS))}${text}`
  const written = writtenText(inventory, view.nowMs)
  const lines = [
    view.style.heading(formatText(report.out ?? report.aof?.out ?? report.into?.server ?? '')),
    label('master', formatText(report.master)),
    label('producer', `${PRODUCT_NAMES[inventory.product]} ${formatText(inventory.serverVersion ?? UNKNOWN)}`),
    label('format', formatName(inventory)),
    ...(written === undefined ? [] : [label('written', written)]),
    label('resync', resyncText(report)),
    label('transfer', transferText(report)),
    label('checksum', checksumText(report, view.style)),
    label('keys', `${keysText(inventory)}${report.unread === undefined ? '' : ', up to what is not known'}`),
    ...(report.into === undefined ? [] : [label('into', intoText(report.into))]),
    ...(report.aof === undefined ? [] : [label('log', logText(report.aof))]),
    ...(followed === undefined ? [] : [label('stream', streamText(followed))]),
  ]
  return joinSections([lines, databasesTable(inventory.databases, view.style, inventory.otherDatabases)])
}

/** `failure` is what kept the snapshot from being published; the names are a contract, more may be added. */
export function syncJson(
  master: string,
  out: string | undefined,
  report: SyncReport | undefined,
  failure: unknown,
): Json {
  if (report === undefined) return {master, out: out ?? null, error: failureJson(failure)}
  const {followed} = report
  return {
    ...shardFacts(report),
    out: report.out ?? null,
    ...(report.into === undefined ? {} : {into: loadJson(report.into)}),
    ...(report.aof === undefined
      ? {}
      : {aof: {out: report.aof.out, keys: report.aof.keysOut, bytes: report.aof.bytes}}),
    ...(followed === undefined ? {} : {stream: streamJson(followed)}),
    ...(report.unread === undefined ? {} : {error: failureJson(report.unread)}),
  }
}

/** What is told of any snapshot, alone or as one of a cluster's. */
export function shardFacts(report: SyncReport): Json {
  const {inventory, replicationId, offset, strayKeys} = report
  return {
    master: report.master,
    replicationId: replicationId === '?' ? null : replicationId,
    offset: offset < 0 ? null : offset,
    transfer: report.transfer,
    bytes: report.bytes,
    checksum: report.checksum,
    product: inventory.product,
    serverVersion: inventory.serverVersion,
    rdbVersion: inventory.rdbVersion,
    keys: inventory.keys,
    expiring: inventory.expiring,
    expired: inventory.expired,
    ...(strayKeys > 0 ? {strayKeys} : {}),
    databases: inventory.databases.map(({db, keys, expiring, expired}) => ({db, keys, expiring, expired})),
    attempts: report.attempts,
    transferSeconds: rounded(report.transferSeconds),
    seconds: rounded(report.seconds),
  }
}

function streamJson({offset, bytes, commands, pings, acknowledgements, failure}: FollowedReport): Json {
  const error = failure === undefined ? {} : {error: failureJson(failure)}
  return {offset, bytes, commands, pings, acknowledgements, ...error}
}

function intoText({server, product, version, loaded, keysIn, seconds}: LoadOutcome): string {
  const keys = `${formatCount(loaded)} of ${formatCount(keysIn)} keys in ${seconds.toFixed(2)} s`
  return `${formatText(server)} (${product} ${formatText(version)}): ${keys}`
}

function logText({out, keysOut, bytes}: NonNullable<SyncReport['aof']>): string {
  return `${formatText(out)}: ${formatCount(keysOut)} keys, ${formatSize(bytes)}, for a server to start from`
}

function resyncText({replicationId, offset}: SyncReport): string {
  return offset < 0 ? 'the master told neither ID nor offset' : `ID ${replicationId}, offset ${formatCount(offset)}`
}

function transferText({transfer, attempts, bytes, transferSeconds}: SyncReport): string {
  const how = transfer === 'disk' ? 'disk-based' : 'diskless'
  const size = bytes < 1024 ? `${bytes} bytes` : `${formatSize(bytes)} (${formatCount(bytes)} bytes)`
  const rate = transferSeconds > 0 ? `, ${formatSize(bytes / transferSeconds)}/s` : ''
  const tries = attempts > 1 ? `, at attempt ${attempts}` : ''
  return `${how}, ${size} in ${transferSeconds.toFixed(2)} s${rate}${tries}`
}

function streamText({offset, bytes, commands, pings, acknowledgements}: FollowedReport): string {
  const pinged = pings === 0 ? '' : ` (${formatCount(pings)} PING)`
  const seen = `${formatCount(commands)} command${commands === 1 ? '' : 's'}${pinged}, ${formatCount(bytes)} bytes`
  return `${seen}; offset ${formatCount(offset)}, acknowledged ${formatCount(acknowledgements)} times`
}

function rounded(seconds: number): number {
  return Math.round(seconds * 1000) / 1000
}
