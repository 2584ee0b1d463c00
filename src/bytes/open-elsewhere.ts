/**
 * Which other process has one of some files open: as Linux tells in /proc. Of
 * processes of other users only root is told.
 */
import {readdirSync, readFileSync, readlinkSync, realpathSync} from 'node:fs'

export interface OpenFiles {
  /** The first process that was found. */
  by: {pid: number; name: string; path: string} | undefined
  /** Processes that could not be looked into. */
  unseen: number
}

const PROCESSES = '/proc'

/** Undefined `by`, and none unseen, on systems that do not tell. */
export function openElsewhere(paths: readonly string[]): OpenFiles {
  const wanted = new Map(paths.map(path => [realpathSync(path), path]))
  let unseen = 0
  for (const pid of processes()) {
    const open = openFiles(pid)
    if (open === undefined) unseen++
    const found = open?.find(path => wanted.has(path))
    if (found !== undefined) return {by: {pid, name: nameOf(pid), path: wanted.get(found)!}, unseen}
  }
  return {by: undefined, unseen}
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
function openFiles(pid: number): string[] | undefined {
  const folder = `${PROCESSES}/${pid}/fd`
  try {
    return readdirSync(folder).flatMap(fd => linkOf(`${folder}/${fd}`))
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? undefined : []
  }
}

function linkOf(path: string): string[] {
  try {
    return [readlinkSync(path)]
  } catch {
    // Closed meanwhile.
    return []
  }
}

function nameOf(pid: number): string {
  try {
    return readFileSync(`${PROCESSES}/${pid}/comm`, 'utf8').trim()
  } catch {
    return 'ended meanwhile'
  }
}
