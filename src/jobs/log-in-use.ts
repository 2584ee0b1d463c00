/**
 * Refuses to replace a log that a server has open: it would go on writing to what
 * is no longer there.
 */
import {statSync} from 'node:fs'
import {openElsewhere, seesProcesses, type UnseenProcess} from '../bytes/open-elsewhere.js'
import {UsageError} from '../errors.js'

const INSTEAD = 'nothing was replaced; stop it, or write a copy with --out'
const UNSEEN = 'nothing was replaced: --force replaces it all the same, --out writes a copy'
/** What servers are called. */
const SERVER_NAME = /redis|valkey|redict|keydb/i

/** Throws UsageError where a process has one of the files open; and, unless forced, where one may have that cannot be looked into. */
export function refuseInUse(paths: readonly string[], force: boolean): void {
  const {by, unseen} = openElsewhere(paths)
  if (by !== undefined) throw new UsageError(`${by.path} is open in the process ${by.pid} (${by.name}): ${INSTEAD}`)
  if (force) return
  if (!seesProcesses()) {
    throw new UsageError(`no other process can be seen here, and one may have the log open: ${UNSEEN}`)
  }
  const owners = new Set(paths.map(path => statSync(path, {throwIfNoEntry: false})?.uid))
  const suspect = unseen.find(({name, uid}: UnseenProcess) => owners.has(uid) || SERVER_NAME.test(name))
  if (suspect === undefined) return
  const {pid, name} = suspect
  throw new UsageError(`whether the process ${pid} (${name}) has the log open cannot be seen by this user: ${UNSEEN}`)
}
