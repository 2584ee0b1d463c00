/**
 * Where a snapshot goes once it was fetched and loaded, beside its own file: a log, as a replica writes one anew behind a full
 * resync; a copy; another server.
 */
import {copyFile, open} from 'node:fs/promises'
import {publish, refuseTaken, removeUnpublished, temporaryBeside} from '../bytes/unpublished.js'
import type {SyncEvent} from '../report/replica-log.js'
import {formatAddress, type ServerAddress} from '../resp/address.js'
import {type BuiltLog, buildLog, refuseFolder} from './build-log.js'
import {type Load, load} from './load.js'
import type {LoadConflictRule} from './load-visitor.js'

export interface RewriteSnapshotOptions {
  force: boolean
  onEvent: (event: SyncEvent) => void
}

/** A folder that a server from 7.0 on starts from, of a snapshot of whatever version. */
export async function rewriteSnapshot(
  snapshot: string,
  folder: string,
  {force, onEvent}: RewriteSnapshotOptions,
): Promise<BuiltLog> {
  onEvent({kind: 'rewriting', path: folder})
  const log = await buildLog([snapshot], {out: folder, form: 'folder', base: 'snapshot', force})
  onEvent({kind: 'rewritten', path: folder, bytes: log.bytes})
  return log
}

/** Another server, or any of a cluster, for a snapshot. */
export interface IntoOptions {
  address: ServerAddress
  /** Absent: a key that is there ends it. */
  onExisting?: LoadConflictRule | undefined
  allowLoss?: boolean | undefined
  signal?: AbortSignal | undefined
}

export async function loadSnapshot(
  snapshot: string,
  /** Whose snapshot it is: the file may have no name of its own. */
  source: string,
  {address, ...options}: IntoOptions,
  onEvent: (event: SyncEvent) => void,
): Promise<Load> {
  const loaded = await load(snapshot, address, {
    ...options,
    onPhase: phase => {
      if (phase.kind === 'sending') onEvent({kind: 'loading-into', server: formatAddress(address), sent: phase.sent})
    },
  })
  return {...loaded, source}
}

/** Of a followed folder that is new: the snapshot that it begins with goes there as well. */
export interface AlsoOptions {
  /** A file. */
  out?: string | undefined
  /** A folder, as a log. */
  aof?: string | undefined
  /** Replace what is there. */
  force?: boolean | undefined
}

/** Throws UsageError where something is there already, before anything is fetched. */
export function refuseAlso({out, aof, force = false}: AlsoOptions): void {
  if (out !== undefined) refuseTaken(out, force)
  if (aof !== undefined) refuseFolder(aof, force)
}

/** A copy, and no link: whoever changes it changes nothing else. */
export async function makeAlso(
  snapshot: string,
  {out, aof, force = false}: AlsoOptions,
  onEvent: (event: SyncEvent) => void,
): Promise<void> {
  if (out !== undefined) {
    await copyTo(snapshot, out, force)
    onEvent({kind: 'published', path: out})
  }
  if (aof !== undefined) await rewriteSnapshot(snapshot, aof, {force, onEvent})
}

async function copyTo(path: string, name: string, force: boolean): Promise<void> {
  const temporary = temporaryBeside(name)
  try {
    await copyFile(path, temporary)
    const file = await open(temporary, 'r+')
    await file.sync().finally(() => file.close())
    publish(temporary, name, force)
  } finally {
    removeUnpublished(temporary)
  }
}
