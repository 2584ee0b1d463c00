/**
 * What happens during a sync, in the lines that a replica logs of it: those who know them from a server's log find them
 * here, in the same order.
 *
 *   4711:S 24 Nov 2026 15:20:12.001 * Connecting to MASTER 127.0.0.1:6380
 *
 * Times are UTC.
 */
import type {Inventory} from '../analysis/inventory.js'
import type {ReplicationEvent} from '../replication/observer.js'
import {type FollowedEvent, followedTexts} from './followed-log.js'
import {formatText} from './text.js'

/** What follows once the snapshot has arrived. */
export type LoadEvent =
  | {kind: 'flushing'}
  | {kind: 'loading'; progress: {readonly storedRead: number; readonly storedBytes: number}}
  | {kind: 'loaded'; inventory: Inventory; nowMs: number}
  | {kind: 'published'; path: string}
  | {kind: 'finished'}

export type SyncEvent = ReplicationEvent | LoadEvent | FollowedEvent

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const NOTICE = '*'
const WARNING = '#'
const SYNC = 'MASTER <-> REPLICA sync'

/** The lines of an event; some are told in two, some in none. */
export function formatReplicaLog(event: SyncEvent, pid: number, nowMs: number): string[] {
  const level = event.kind === 'retrying' || event.kind === 'not-compacted' ? WARNING : NOTICE
  return logTexts(event).map(text => `${pid}:S ${logTime(nowMs)} ${level} ${formatText(text)}`)
}

/** `24 Nov 2026 15:20:12.001` */
export function logTime(ms: number): string {
  const date = new Date(ms)
  const day = String(date.getUTCDate()).padStart(2, '0')
  return `${day} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()} ${date.toISOString().slice(11, 23)}`
}

function logTexts(event: SyncEvent): string[] {
  switch (event.kind) {
    case 'connecting':
      return [`Connecting to MASTER ${event.address}`, `${SYNC} started`]
    case 'connected':
      return ['Non blocking connect for SYNC fired the event.']
    case 'pong':
      return ['Master replied to PING, replication can continue...']
    case 'option-refused':
      return [`(Non critical) Master does not understand ${event.option}: ${event.reply}`]
    case 'no-partial-resync':
      return ['Partial resynchronization not possible (no cached master)']
    case 'asking-partial':
      return [`Trying a partial resynchronization (request ${event.replicationId}:${event.offset + 1}).`]
    case 'partial-resync':
      return [
        'Successful partial resynchronization with master.',
        ...(event.isNew ? [`Master replication ID changed to ${event.replicationId}`] : []),
        `${SYNC}: Master accepted a Partial Resynchronization.`,
      ]
    case 'older-form':
      return [`Unexpected reply to PSYNC from master: ${event.reply}`, `Retrying with ${event.command}...`]
    case 'full-resync':
      return [`Full resync from master: ${event.replicationId}:${event.offset}`]
    case 'receiving':
      return [receivingText(event.header)]
    case 'flushing':
      return [`${SYNC}: Flushing old data`]
    case 'loading':
      return [`${SYNC}: Loading DB in memory`]
    case 'loaded':
      return loadedTexts(event.inventory, event.nowMs)
    case 'finished':
      return [`${SYNC}: Finished with success`]
    case 'published':
      return [`DB saved on disk as ${event.path}`]
    case 'retrying':
      return [`${event.failure.message}; trying again in ${event.waitMs / 1000} s`]
    case 'received':
    case 'online':
      return []
    default:
      return followedTexts(event)
  }
}

function receivingText(header: {transfer: 'disk'; bytes: number} | {transfer: 'diskless'}): string {
  return header.transfer === 'disk'
    ? `${SYNC}: receiving ${header.bytes} bytes from master to disk`
    : `${SYNC}: receiving streamed RDB from master with EOF to disk`
}

function loadedTexts(inventory: Inventory, nowMs: number): string[] {
  const {aux, product, serverVersion, keys, expired} = inventory
  const texts: string[] = []
  if (serverVersion !== undefined) {
    texts.push(`Loading RDB produced by ${product === 'valkey' ? 'Valkey ' : ''}version ${serverVersion}`)
  }
  const created = Number(aux.get('ctime'))
  if (aux.has('ctime') && Number.isSafeInteger(created)) {
    texts.push(`RDB age ${Math.max(0, Math.floor(nowMs / 1000 - created))} seconds`)
  }
  const used = Number(aux.get('used-mem'))
  if (used > 0) texts.push(`RDB memory usage when created ${(used / 2 ** 20).toFixed(2)} Mb`)
  for (const {db, keys} of inventory.databases) texts.push(`Loaded ${keys} keys of DB ${db}`)
  texts.push(`Done loading RDB, keys loaded: ${keys}, keys expired: ${expired}.`)
  return texts
}
