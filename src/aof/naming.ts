/**
 * What servers call the files of their logs, and keep them in (redis 7.0 aof.c).
 */
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
