/**
 * What servers call the files of their logs, and keep them in (redis 7.0 aof.c).
 */
import {existsSync} from 'node:fs'
import type {Manifest} from './manifest.js'

/** Unless told otherwise (appendfilename). */
export const LOG_NAME = 'appendonly.aof'
/** Unless told otherwise (appenddirname). */
export const LOG_FOLDER = 'appendonlydir'

/** What a log begins with. */
export type LogBase = 'snapshot' | 'commands'

export function baseName(stem: string, sequence: number, base: LogBase): string {
  return `${stem}.${sequence}.base.${base === 'snapshot' ? 'rdb' : 'aof'}`
}

export function incrName(stem: string, sequence: number): string {
  return `${stem}.${sequence}.incr.aof`
}

/** One base, and one file of commands behind it. */
export function newManifest(base: string, baseSequence: number, incr: string, incrSequence: number): Manifest {
  return {
    base: {name: base, sequence: baseSequence, type: 'b', others: []},
    history: [],
    increments: [{name: incr, sequence: incrSequence, type: 'i', others: []}],
  }
}

/** A free name beside a log, for what it was: `PATH.<what>-20261127T100500Z`. No sign in it that some file system does not take. */
export function nameAside(path: string, what: string, ms: number): string {
  const aside = `${path}.${what}-${new Date(ms).toISOString().replace(/[-:]|\.\d+/g, '')}`
  let free = aside
  for (let i = 2; existsSync(free); i++) free = `${aside}-${i}`
  return free
}

/** When something was put aside, in milliseconds since 1970; undefined where the name is no such one of that log. */
export function parseAsideTime(name: string, log: string, what: readonly string[]): number | undefined {
  const kind = what.find(one => name.startsWith(`${log}.${one}-`))
  if (kind === undefined) return undefined
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z(?:-\d+)?$/.exec(name.slice(log.length + kind.length + 2)) ?? []
  if (year === undefined) return undefined
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
}
