/**
 * What happens while a snapshot is served, in the lines that a master logs of it: those who know them from a server's log
 * find them here.
 *
 *   4711:M 24 Nov 2026 15:20:12.001 * Replica 127.0.0.1:6380 asks for synchronization
 *
 * Times are UTC.
 */
import type {MasterEvent, ServedSnapshot} from '../replication/master-events.js'
import {logTime} from './replica-log.js'
import {formatText} from './text.js'
import {formatCount} from './units.js'

/** A source that is put into a file, and what came of it. */
export interface ServedFile extends ServedSnapshot {
  target: string
  built: {keysOut: number}
}

/** What the source has to do with it. */
export type SourceEvent =
  | {kind: 'staging'; target: string | undefined}
  | {kind: 'staged'; snapshot: ServedFile; seconds: number}
  | {kind: 'not-in-target'; target: string; why: string}
  /** A log that is followed goes on behind other data, as far as can be told. */
  | {kind: 'restarted'; replicationId: string; why: string}

type Unreadable = Extract<MasterEvent, {kind: 'unreadable'}> & {
  /** The target to be named instead. */
  tryTarget?: string | undefined
}

export type ServeEvent<File extends ServedFile = ServedFile> =
  | Exclude<MasterEvent, {kind: 'unreadable'}>
  | Unreadable
  | Exclude<SourceEvent, {kind: 'staged'}>
  | {kind: 'staged'; snapshot: File; seconds: number}

const NOTICE = '*'
const WARNING = '#'
const WARNINGS: ReadonlySet<ServeEvent['kind']> = new Set(['refused', 'no-snapshot', 'unreadable'])

/** The lines of an event; some are told in two, some in none. */
export function formatMasterLog(event: ServeEvent, pid: number, nowMs: number): string[] {
  const level = WARNINGS.has(event.kind) ? WARNING : NOTICE
  return logTexts(event).map(text => `${pid}:M ${logTime(nowMs)} ${level} ${formatText(text)}`)
}

function logTexts(event: ServeEvent): string[] {
  switch (event.kind) {
    case 'listening':
      return [
        `Replication backlog created, my new replication ID is '${event.replicationId}'`,
        `Ready to accept connections at ${event.address}`,
      ]
    case 'staging':
      return [`Background saving started${event.target === undefined ? '' : ` for ${event.target}`}`]
    case 'staged': {
      const {rdbVersion, bytes, built} = event.snapshot
      return [
        `DB saved on disk: RDB version ${rdbVersion}, ${bytes} bytes, ${built.keysOut} keys`,
        'Background saving terminated with success',
      ]
    }
    case 'not-in-target':
      return [`An older version does not do: ${event.why}`]
    case 'restarted':
      return [`The log goes on anew (${event.why}): my new replication ID is '${event.replicationId}'`]
    case 'refused':
      return [`Connection of ${event.address}${othersText(event.times)} closed: ${event.why}`]
    case 'closed':
      return ['rdbtool serve is now ready to exit, bye bye...']
    default:
      return replicaTexts(event)
  }
}

/** Of connections that were refused within a second. */
export function othersText(times = 1): string {
  return times > 1 ? `, the last of ${formatCount(times)} like it,` : ''
}

type ReplicaEvent = Extract<ServeEvent, {replica: unknown}>

function replicaTexts(event: ReplicaEvent): string[] {
  const {address} = event.replica
  switch (event.kind) {
    case 'asks':
      return [`Replica ${address} asks for synchronization`]
    case 'partial-refused':
      return [`Partial resynchronization not accepted: ${event.why}`]
    case 'partial':
      return [
        `Partial resynchronization request from ${address} accepted. Sending ${event.bytes} bytes of backlog starting from offset ${event.from}.`,
      ]
    case 'full-resync':
      return [`Full resync of replica ${address} begins at offset ${event.offset}`]
    case 'sending':
      return [
        `Sending RDB version ${event.snapshot.rdbVersion}, ${event.snapshot.bytes} bytes from disk, to replica ${address}`,
      ]
    case 'sent':
      return [`Synchronization with replica ${address} succeeded`]
    case 'no-snapshot':
      return [`SYNC failed. There is no snapshot for replica ${address}: ${event.failure.message}`]
    case 'in-sync':
      return [`Replica ${address} has loaded it: acknowledged offset ${event.replica.acknowledged}`]
    case 'lost':
      return [lostText(event)]
    case 'unreadable':
      return [unreadableText(event)]
    case 'online':
    case 'acknowledged':
      return []
  }
}

function lostText({replica: {address}, reason, failure}: Extract<ServeEvent, {kind: 'lost'}>): string {
  switch (reason) {
    case 'timeout':
      return `Disconnecting timedout replica: ${address}`
    case 'too slow':
      return `Client ${address} scheduled to be closed ASAP for overcoming of output buffer limits.`
    case 'snapshot only':
      return `Connection with replica ${address} closed: it wanted the snapshot alone`
    case 'protocol':
    case 'no snapshot':
      return `Connection with replica ${address} closed: ${failure?.message ?? reason}`
    default:
      return `Connection with replica ${address} lost.`
  }
}

export function unreadableText({replica, snapshot, times, tryTarget}: Unreadable): string {
  const what = `Replica ${replica.address} probably cannot read RDB version ${snapshot.rdbVersion}`
  const how = `it has dropped the link ${times} times before it had loaded it`
  return `${what}: ${how}${tryTarget === undefined ? '' : `; try --target ${tryTarget}`}`
}
