/**
 * Which other process has one of some files open: as Linux tells in /proc, by the
 * file itself, whatever it is called there. Of processes of other users only root
 * is told which files they have, but everybody who they are.
 */
import {constants, readdirSync, readFileSync, statSync} from 'node:fs'

export interface OpenFiles {
  /** The first process that was found. */
  by: {pid: number; name: string; path: string} | undefined
  /** Processes that could not be looked into. */
  unseen: UnseenProcess[]
}

export interface UnseenProcess {
  pid: number
  name: string
  /** Whose it is. */
  uid: number
}

const PROCESSES = '/proc'
/** Of the flags of open(2): for reading, for writing, or for both. */
const ACCESS_MASK = 3

export interface OpenOptions {
  /** Only those count that may write to it. */
  writing?: boolean | undefined
}

/** Of a system that does not tell, nothing: seesProcesses() says so. */
export function openElsewhere(paths: readonly string[], {writing = false}: OpenOptions = {}): OpenFiles {
  const wanted = new Map(paths.flatMap(path => identitiesOf(path).map(identity => [identity, path])))
  const unseen: UnseenProcess[] = []
  for (const pid of processes()) {
    const open = openFiles(pid, writing)
    if (open === undefined) unseen.push({pid, name: nameOf(pid), uid: uidOf(pid)})
    const found = open?.find(identity => wanted.has(identity))
    if (found !== undefined) return {by: {pid, name: nameOf(pid), path: wanted.get(found)!}, unseen}
  }
  return {by: undefined, unseen}
}

/** Whether the system tells of other processes at all. */
export function seesProcesses(): boolean {
  return processes().length > 0
}

function processes(): number[] {
  try {
    return readdirSync(PROCESSES)
      .map(Number)
      .filter(pid => Number.isInteger(pid) && pid !== process.pid)
  } catch {
    return []
  }
}

/** Undefined where we may not know; one that has ended has none open. */
function openFiles(pid: number, writing: boolean): string[] | undefined {
  const folder = `${PROCESSES}/${pid}/fd`
  try {
    const open = readdirSync(folder).filter(fd => !writing || isForWriting(pid, fd))
    return open.flatMap(fd => identitiesOf(`${folder}/${fd}`))
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? undefined : []
  }
}

/** As it was opened; one that has been closed meanwhile is not. */
function isForWriting(pid: number, fd: string): boolean {
  try {
    const flags = /^flags:\s+([0-7]+)/m.exec(readFileSync(`${PROCESSES}/${pid}/fdinfo/${fd}`, 'utf8'))?.[1]
    return flags === undefined || (Number.parseInt(flags, 8) & ACCESS_MASK) !== constants.O_RDONLY
  } catch {
    return false
  }
}

/** Device and number of a file: one, or none where it is not there. */
function identitiesOf(path: string): string[] {
  try {
    const {dev, ino} = statSync(path)
    return [`${dev}:${ino}`]
  } catch {
    return []
  }
}

/** -1 of one that has ended meanwhile. */
function uidOf(pid: number): number {
  return statSync(`${PROCESSES}/${pid}`, {throwIfNoEntry: false})?.uid ?? -1
}

function nameOf(pid: number): string {
  try {
    return readFileSync(`${PROCESSES}/${pid}/comm`, 'utf8').trim()
  } catch {
    return 'ended meanwhile'
  }
}
