/**
 * A folder that follows a master: what happens to it, in the words of a replica's log, and what became of it.
 */

import {failureJson} from './failure.js'
import type {Json} from './inventory-json.js'
import type {Style} from './table.js'
import {formatText} from './text.js'
import {formatCount, formatSize} from './units.js'

/** How far the log follows its master. */
interface FollowedPlace {
  replicationId: string
  offset: number
  db: number
}

/** What was cut off a file, behind its last place. */
interface CutTail {
  file: string
  bytes: number
  commands: number
  copy: string | undefined
}

/** What happens to the folder, beside what happens on the wire. */
export type FollowedEvent =
  /** The folder is gone on with; behind its last place stood something that was cut off. */
  | {
      kind: 'resuming'
      place: FollowedPlace
      cutTail: CutTail | undefined
    }
  /** The old snapshot and its commands, now in a folder of their own. */
  | {kind: 'superseded'; path: string}
  | {kind: 'rotated'; file: string}
  /** Older than is kept. */
  | {kind: 'old-dropped'; path: string}
  | {kind: 'compacting'; files: number; bytes: number}
  | {kind: 'compacted'; base: string; bytes: number}
  /** Everything stays as it is. */
  | {kind: 'not-compacted'; failure: Error}
  /** The first script in the stream: what it says of expiries stays as it is. */
  | {kind: 'scripts'}
  /** The snapshot as a log, for a server to start from. */
  | {kind: 'rewriting'; path: string}
  | {kind: 'rewritten'; path: string; bytes: number}
  /** The snapshot goes into another server. */
  | {kind: 'loading-into'; server: string; sent: () => number}

/** The texts of an event, as lines of a log. */
export function followedTexts(event: FollowedEvent): string[] {
  switch (event.kind) {
    case 'resuming':
      return [
        `The log goes on behind ${event.place.replicationId}:${event.place.offset}, in DB ${event.place.db}`,
        ...cutTexts(event.cutTail),
      ]
    case 'superseded':
      return [`What was followed before is a log of its own now: ${event.path}`]
    case 'rotated':
      return [`Commands go to a new file: ${event.file}`]
    case 'old-dropped':
      return [`Older than is kept, and removed: ${event.path}`]
    case 'compacting':
      return [`Compacting the snapshot with ${event.files} old files of commands (${formatSize(event.bytes)})`]
    case 'compacted':
      return [`The snapshot is now ${event.base} (${formatSize(event.bytes)})`]
    case 'not-compacted':
      return [`Old commands were not compacted, and are kept: ${event.failure.message}`]
    case 'scripts':
      return [
        'The master streams scripts (EVAL) instead of what they do: no tool replays those, and expiries in them count from when they are run. Set lua-replicate-commands yes there (redis before 7.0)',
      ]
    case 'rewriting':
      return [`Background append only file rewriting started: ${event.path}`]
    case 'loading-into':
      return [`Loading the snapshot into ${event.server}`]
    case 'rewritten':
      return [`Background AOF rewrite finished successfully: ${event.path} (${formatSize(event.bytes)})`]
  }
}

function cutTexts(cut: CutTail | undefined): string[] {
  if (cut === undefined) return []
  const {file, bytes, commands, copy} = cut
  const kept = copy === undefined ? '' : `; it holds ${formatCount(commands)} whole commands, which are kept in ${copy}`
  return [`Cut off ${file}: ${formatSize(bytes)} behind the last place that was acknowledged${kept}`]
}

export interface FollowedReport {
  master: string
  folder: string
  place: FollowedPlace | undefined
  fullResyncs: number
  partialResyncs: number
  commands: number
  bytes: number
  seconds: number
  cutTail: CutTail | undefined
  superseded: readonly string[]
  notCompacted: string | undefined
  lastFailure: unknown
}

/** What who runs this must hear of, whether or not the log is shown; undefined of any other event. */
export function newsOf(event: FollowedEvent | {kind: string}): string | undefined {
  const isNews = NEWS.has(event.kind) || ('cutTail' in event && event.cutTail !== undefined)
  return isNews ? followedTexts(event as FollowedEvent).join('. ') : undefined
}

const NEWS: ReadonlySet<string> = new Set(['superseded', 'not-compacted', 'scripts'])

const LABEL_COLUMNS = 10

export function formatFollowed(report: FollowedReport, style: Style): string[] {
  const {master, folder, place, fullResyncs, partialResyncs, commands, bytes, seconds} = report
  const label = (name: string, text: string): string => `${style.faint(name.padEnd(LABEL_COLUMNS))}${text}`
  return [
    style.heading(formatText(folder)),
    label('master', formatText(master)),
    label('place', place === undefined ? 'none yet' : `ID ${place.replicationId}, offset ${formatCount(place.offset)}`),
    label('resyncs', `${formatCount(fullResyncs)} full, ${formatCount(partialResyncs)} partial`),
    label('stream', `${formatCount(commands)} commands, ${formatSize(bytes)} kept, in ${seconds.toFixed(1)} s`),
  ]
}

/** The names are a contract; more may be added. */
export function followedJson(
  master: string,
  folder: string,
  report: FollowedReport | undefined,
  failure: unknown,
): Json {
  const error = failure === undefined ? {} : {error: failureJson(failure)}
  if (report === undefined) return {master, folder, ...error}
  const {place, fullResyncs, partialResyncs, commands, bytes, seconds} = report
  return {
    ...{master: report.master, folder: report.folder},
    ...{replicationId: place?.replicationId ?? null, offset: place?.offset ?? null, db: place?.db ?? null},
    ...{fullResyncs, partialResyncs, commands, bytes, seconds: Math.round(seconds * 1000) / 1000},
    ...(report.cutTail === undefined ? {} : {cutTail: {...report.cutTail, copy: report.cutTail.copy ?? null}}),
    ...(report.superseded.length === 0 ? {} : {superseded: [...report.superseded]}),
    ...(report.notCompacted === undefined ? {} : {notCompacted: report.notCompacted}),
    ...(report.lastFailure === undefined ? {} : {lastError: failureJson(report.lastFailure)}),
    ...error,
  }
}
