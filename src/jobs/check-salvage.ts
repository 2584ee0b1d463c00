/**
 * check --salvage: checks a log or a snapshot, writes what can be saved of it to a new place, and checks that as well.
 */
import {basename} from 'node:path'
import {FormatError, UnsupportedError} from '../errors.js'
import type {DamagedSnapshot} from '../source/mended-file.js'
import {nameOf} from '../source/open.js'
import {LogSalvaging, SnapshotAlone} from '../source/salvage.js'
import type {PlainFile} from '../source/scratch.js'
import {check} from './check.js'
import type {Check, CheckOptions, CheckSalvage, Salvaged} from './check-options.js'
import {type SnapshotSalvage, salvageSnapshot} from './salvage-snapshot.js'

/** Never throws for what the input holds. The log is not changed. */
export async function checkAndSalvage(name: string, salvage: CheckSalvage, options: CheckOptions = {}): Promise<Check> {
  let salvaging: LogSalvaging
  let snapshot: SnapshotSalvage | undefined
  const mendSnapshot = async ({plain, isOneFile, out}: DamagedSnapshot): Promise<number> => {
    snapshot = await salvageSnapshot(plain, out, plain.path, {logMark: isOneFile ? 'aof-preamble' : 'aof-base'})
    return snapshot.bytesLost
  }
  try {
    const {ignoreChecksum} = options
    salvaging = await LogSalvaging.open(name, salvage.out, {...salvage, ignoreChecksum, mendSnapshot})
  } catch (failure) {
    if (failure instanceof SnapshotAlone) return await snapshotAlone(name, failure.plain, salvage, options)
    // What is wrong with a manifest the check tells as well as it can.
    const isFound = failure instanceof FormatError || failure instanceof UnsupportedError
    if (!isFound || name === '-') return {soundness: undefined, failure}
    return await failed(name, failure, options)
  }
  try {
    const checked = await check(salvaging.input, options)
    const files = checked.soundness?.log?.files ?? []
    const [alone, ...others] = files
    // What was unpacked first has a name that nobody knows.
    if (salvaging.input !== name && alone !== undefined && others.length === 0) alone.name = basename(nameOf(name))
    try {
      const damaged = files.filter(one => one.snapshotErrors > 0).map(one => one.name)
      const saved = await salvaging.run(new Set(damaged))
      // As a server reads it, whatever was let pass of the source.
      const strict = {...options, duplicates: false, ignoreChecksum: false, onOpen: undefined, judge: undefined}
      const {soundness} = await check(saved.out, strict)
      const salvaged: Salvaged = {...saved, snapshot, check: soundness}
      return {...checked, salvaged}
    } catch (salvageFailure) {
      return {...checked, salvageFailure}
    }
  } finally {
    salvaging.close()
  }
}

/** A snapshot: what can be saved of it. One that other bytes follow may be the beginning of a log that says so no more. */
async function snapshotAlone(
  name: string,
  plain: PlainFile,
  salvage: CheckSalvage,
  options: CheckOptions,
): Promise<Check> {
  try {
    // Of what is unpacked by halves the check is to say so.
    const checked = await check(name === '-' ? plain.path : name, options)
    try {
      if (isFollowed(checked)) throw notAlone()
      const {out, force, onOpen} = salvage
      const saved = await salvageSnapshot(plain, out, name, {force, onOpen})
      const {soundness} = await check(saved.out, {
        ...options,
        ignoreChecksum: false,
        onOpen: undefined,
        judge: undefined,
      })
      return {...checked, salvagedSnapshot: {...saved, check: soundness}}
    } catch (salvageFailure) {
      return {...checked, salvageFailure}
    }
  } finally {
    plain.remove()
  }
}

function isFollowed({soundness}: Check): boolean {
  return soundness?.counts.some(({code}) => code === 'TRAILING_BYTES' || code === 'LOG_UNCHECKED') === true
}

function notAlone(): FormatError {
  const text = 'bytes follow this snapshot: it may be a log whose beginning is damaged; nothing was written'
  const error = new FormatError('BAD_MAGIC', text, 0)
  error.advice = 'use another copy, or cut off what follows: a snapshot alone is salvaged'
  return error
}

async function failed(name: string, salvageFailure: unknown, options: CheckOptions): Promise<Check> {
  const checked = await check(name, options)
  // The check ended at the same: once is enough.
  return checked.soundness === undefined ? checked : {...checked, salvageFailure}
}
