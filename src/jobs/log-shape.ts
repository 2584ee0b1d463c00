/**
 * In which form a log is written, and what it begins with: by the server that is
 * named, by the log that it was, or by what every server takes.
 */
import {basename, normalize, resolve} from 'node:path'
import type {LogBase} from '../aof/naming.js'
import {UsageError} from '../errors.js'
import {type Target, targetOf} from '../rdb/targets.js'

/** A folder with a manifest, or one file. */
export type LogForm = 'folder' | 'file'

export interface LogShape {
  form: LogForm
  /** What it begins with. */
  base: LogBase
  /** For which server; absent: the version that the source says. */
  target?: string | undefined
}

/** Every server with such logs takes these, where nothing says which one it is. */
export const OLDEST: Readonly<Record<LogForm, string>> = {folder: 'redis-7.0', file: 'redis-6.2'}

/**
 * A folder whose log holds what its snapshot's version cannot, since the server was upgraded after it: commands, since Redis and
 * Valkey store fields that expire each in its own way, and have the same commands for them (redis 7.4, valkey 9.0).
 */
export const UPGRADED: LogShape = {form: 'folder', base: 'commands', target: 'redis-7.4'}

/** The first whose commands say when a key expires, to the millisecond. */
const COMMANDS_VERSION_MIN = 6

/** Servers keep their log in a folder (redis 7.0, and valkey and redict of any version). */
function keepsFolder({family, product, rdbVersion}: Target): boolean {
  return family === 'valkey' || product !== 'redis' || rdbVersion >= 10
}

/** A log may begin with a snapshot (redis 4.0). */
function takesPreamble({rdbVersion}: Target): boolean {
  return rdbVersion >= 8
}

export interface ShapeWishes {
  target?: string | undefined
  /** Begin with a snapshot, or not; absent: if the server is known to take it. */
  preamble?: boolean | undefined
  /** Absent: as the target keeps it. */
  form?: LogForm | undefined
}

/** The shape of a log that is asked for like this; `known`: what is known of one that there is. */
export function shapeOf(
  {target: name, preamble, form: wanted}: ShapeWishes,
  known: {form: LogForm; hasSnapshot: boolean} = {form: 'folder', hasSnapshot: true},
): LogShape {
  const target = name === undefined ? undefined : targetOf(name)
  const form = wanted ?? (target === undefined ? known.form : keepsFolder(target) ? 'folder' : 'file')
  // A server of one file may be older than snapshots in logs.
  const takes = target === undefined ? form === 'folder' || known.hasSnapshot : takesPreamble(target)
  const shape: LogShape = {form, base: (preamble ?? takes) ? 'snapshot' : 'commands', target: name}
  refuseShape(shape)
  return shape
}

/** Throws UsageError where the target has no such logs. */
export function refuseShape({target: name, form, base}: LogShape): void {
  if (name === undefined) return
  const target = targetOf(name)
  if (form === 'folder' && !keepsFolder(target)) {
    throw new UsageError(`${name} keeps its log in one file, not in a folder: give the name of a file`)
  }
  if (base === 'snapshot' && !takesPreamble(target)) {
    throw new UsageError(`the log of ${name} cannot begin with a snapshot: say --no-preamble`)
  }
  if (base === 'commands' && target.rdbVersion < COMMANDS_VERSION_MIN) {
    throw new UsageError(`no log is written for ${name}: it does not know PEXPIREAT; redis-2.6 is the oldest that does`)
  }
}

/** A path without what stands for nothing: a slash at its end, a folder by one dot or two. */
export function plainPath(path: string): string {
  const plain = normalize(path).replace(/(?<=.)\/$/, '')
  return ['.', '..'].includes(basename(plain)) ? resolve(plain) : plain
}

/** A name beside a log, whatever way it is named itself. */
export function besideLog(path: string, ending: string): string {
  return `${plainPath(path)}.${ending}`
}
