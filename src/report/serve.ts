/**
 * What is served and to whom: lines as it happens, a report at the end, and both as JSON, one object a line.
 */
import type {MasterMessage, ReplicaStatus} from '../replication/master-events.js'
import {type LostOutcome, lostJson} from './build.js'
import {failureJson} from './failure.js'
import type {Json} from './inventory-json.js'
import {othersText, type ServedFile, type ServeEvent, unreadableText} from './master-log.js'
import type {Style} from './table.js'
import {formatText} from './text.js'
import {formatCount, formatSize, formatTime} from './units.js'

const LABEL_COLUMNS = 10
/** Replicas that a line of progress names. */
const REPLICAS_SHOWN = 3

/** What came of it. */
export interface ServedReport {
  source: string
  address: string
  replicationId: string
  offset: number
  snapshot: ServedFile & {built: BuiltReport}
  converted: readonly ServedFile[]
  synced: readonly string[]
  fullResyncs: number
  partialResyncs: number
  bytesSent: number
  ended: 'in sync' | 'called off'
  seconds: number
}

interface BuiltReport {
  keysIn: number
  keysOut: number
  skipped: readonly {reason: string; keys: number}[]
  lost: readonly LostOutcome[]
}

/** What is ready to be taken, and how. */
export function formatServing(
  source: string,
  address: string,
  {rdbVersion, family, bytes, target, built}: ServedReport['snapshot'],
  style: Style,
): string[] {
  const label = (name: string, text: string): string => `${style.faint(name.padEnd(LABEL_COLUMNS))}${text}`
  const {keysIn, keysOut, lost} = built
  const [host, port] = splitAddress(address)
  return [
    style.heading(formatText(source)),
    label('at', address),
    label('format', `RDB version ${rdbVersion} (${family === 'valkey' ? 'VALKEY' : 'REDIS'}), for ${target}`),
    label('size', `${formatSize(bytes)} (${formatCount(bytes)} bytes)`),
    label('keys', keysIn === keysOut ? formatCount(keysOut) : `${formatCount(keysOut)} of ${formatCount(keysIn)}`),
    ...lost.map(({what, keys}) => style.warning(label('lost', `${what}: ${formatCount(keys)}`))),
    label('next', `REPLICAOF ${host} ${port} on a server; once it is in sync, REPLICAOF NO ONE`),
  ]
}

function splitAddress(address: string): [host: string, port: string] {
  const at = address.lastIndexOf(':')
  return [address.slice(0, at).replace(/[[\]]/g, ''), address.slice(at + 1)]
}

/** What whoever runs it wants to see; nothing of most events. */
export function formatServeEvent(event: ServeEvent, nowMs: number, style: Style): string[] {
  const line = (text: string): string => `${style.faint(formatTime(nowMs))}  ${formatText(text)}`
  switch (event.kind) {
    case 'in-sync':
      return [line(`${event.replica.address} is in sync`)]
    case 'partial':
      return [line(`${event.replica.address} goes on at offset ${event.from}`)]
    case 'sending':
      return [line(`${event.replica.address} is sent RDB version ${event.snapshot.rdbVersion}`)]
    case 'lost':
      return [line(`${event.replica.address} is gone (${event.reason})`)]
    case 'restarted':
      return [style.warning(line(`the log goes on anew (${event.why}): replicas take everything once more`))]
    case 'no-snapshot':
      return [style.warning(line(`there is nothing that ${event.replica.address} can read: ${event.failure.message}`))]
    case 'unreadable':
      return [style.warning(line(unreadableText(event)))]
    case 'refused':
      return [style.warning(line(`${event.address}${othersText(event.times)} was refused: ${event.why}`))]
    default:
      return []
  }
}

/** `2 replicas  127.0.0.1:6380 online, offset 51, heard 0.4 s ago;  127.0.0.1:6381 sending 42.0 %` */
export function replicasText(address: string, offset: number, replicas: readonly ReplicaStatus[]): string {
  const head = `serving at ${address}, offset ${formatCount(offset)}`
  if (replicas.length === 0) return `${head}; nobody is attached`
  const shown = replicas.slice(0, REPLICAS_SHOWN).map(replicaText)
  const more = replicas.length > shown.length ? [`and ${formatCount(replicas.length - shown.length)} more`] : []
  return `${head}; ${[...shown, ...more].join('; ')}`
}

function replicaText({address, state, acknowledged, silentMs, sentBytes, snapshotBytes}: ReplicaStatus): string {
  const name = formatText(address)
  if (state === 'sending') return `${name} takes ${formatSize(sentBytes)} of ${formatSize(snapshotBytes)}`
  if (state === 'loading') return `${name} loads`
  if (state !== 'online') return `${name} waits`
  return `${name} at ${formatCount(acknowledged)}, ${(silentMs / 1000).toFixed(1)} s ago`
}

export function formatServed(served: ServedReport, style: Style): string[] {
  const {synced, fullResyncs, partialResyncs, bytesSent, converted, ended} = served
  const label = (name: string, text: string): string => `${style.faint(name.padEnd(LABEL_COLUMNS))}${text}`
  const names = synced.map(formatText).join(', ')
  const versions = converted.map(({rdbVersion}) => rdbVersion)
  return [
    label('in sync', synced.length === 0 ? 'nobody' : names),
    label('sent', `${countOf(fullResyncs, 'snapshot')}, ${formatSize(bytesSent)}; ${partialResyncs} resumed`),
    ...(versions.length === 0 ? [] : [label('also as', `RDB version ${versions.join(', ')}`)]),
    ...(ended === 'in sync' ? [label('next', 'REPLICAOF NO ONE on each')] : []),
  ]
}

function countOf(count: number, what: string): string {
  return `${formatCount(count)} ${what}${count === 1 ? '' : 's'}`
}

/** One object a line; the names are a contract, more may be added. */
export function serveEventJson(event: ServeEvent, nowMs: number): Json {
  const {kind, ...facts} = event
  const told = Object.entries(facts).map(([name, value]) => [name, eventValue(name, value)] as const)
  return {
    time: formatTimeMs(nowMs),
    event: kind,
    ...Object.fromEntries(told.filter(([, value]) => value !== undefined)),
  }
}

function eventValue(name: string, value: unknown): unknown {
  if (name === 'snapshot') return snapshotJson(value as ServedFile)
  if (name === 'replica') return replicaJson(value as ReplicaStatus)
  return value instanceof Error ? failureJson(value) : value
}

function snapshotJson({rdbVersion, bytes, target}: Partial<ServedFile>): Json {
  return {rdbVersion, bytes, ...(target === undefined ? {} : {target})}
}

function replicaJson({id, address, state, acknowledged, inSync}: ReplicaStatus): Json {
  return {id, address, state, acknowledged: acknowledged < 0 ? null : acknowledged, inSync}
}

function formatTimeMs(ms: number): string {
  return new Date(ms).toISOString()
}

/** The last line, or the only one where it failed. */
export function servedJson(source: string, served: ServedReport | undefined, failure: unknown, nowMs: number): Json {
  const head = {time: formatTimeMs(nowMs), event: 'ended', source}
  const error = failure === undefined ? {} : {error: failureJson(failure)}
  if (served === undefined) return {...head, ...error}
  const {snapshot, converted, source: _, ...facts} = served
  const {keysIn, keysOut, skipped, lost} = snapshot.built
  const counts = {keysIn, keysOut, skipped, lost: lostJson(lost)}
  return {
    ...head,
    ...facts,
    snapshot: snapshotJson(snapshot),
    converted: converted.map(snapshotJson),
    ...counts,
    ...error,
  }
}

/** The wire for people: one message a line, `>` to the replica, `<` from it. */
export function formatMasterMessage(message: MasterMessage, nowMs: number): string {
  const arrow = message.direction === 'sent' ? '>' : '<'
  return `${formatTimeMs(nowMs)}  ${formatText(message.address)}  ${arrow}  ${messageText(message)}`
}

function messageText(message: MasterMessage): string {
  switch (message.kind) {
    case 'request':
      return message.args.map(formatText).join(' ')
    case 'reply':
      return formatText(message.text)
    case 'payload':
      return `(${formatCount(message.bytes)} bytes of RDB)`
    case 'stream':
      return `(stream)  [${formatCount(message.bytes)} bytes, offset ${message.offset}]`
    case 'newline':
      return '(newline: a sign of life)'
  }
}
