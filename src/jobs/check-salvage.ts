/**
 * check --salvage: checks a log, writes what can be saved of it to a new place, and checks that as well.
 */
import {basename} from 'node:path'
import {FormatError, UnsupportedError} from '../errors.js'
import {nameOf} from '../source/open.js'
import {LogSalvaging, SnapshotAlone} from '../source/salvage.js'
import {check} from './check.js'
import type {Check, CheckOptions, CheckSalvage, Salvaged} from './check-options.js'

/** Never throws for what the input holds. The log is not changed. */
export async function checkAndSalvage(name: string, salvage: CheckSalvage, options: CheckOptions = {}): Promise<Check> {
  let salvaging: LogSalvaging
  try {
    const {ignoreChecksum} = options
    salvaging = await LogSalvaging.open(name, salvage.out, {...salvage, ignoreChecksum})
  } catch (failure) {
    if (failure instanceof SnapshotAlone && name !== '-') return await snapshotAlone(name, failure, options)
    // What is wrong with a manifest the check tells as well as it can.
    const isFound = failure instanceof FormatError || failure instanceof UnsupportedError
    if (!isFound || name === '-') return {soundness: undefined, failure}
    return await failed(name, failure, options)
  }
  try {
    const checked = await check(salvaging.input, options)
    const [alone, ...others] = checked.soundness?.log?.files ?? []
    // What was unpacked first has a name that nobody knows.
    if (salvaging.input !== name && alone !== undefined && others.length === 0) alone.name = basename(nameOf(name))
    try {
      const saved = await salvaging.run()
      // As a server reads it, whatever was let pass of the source.
      const strict = {...options, duplicates: false, ignoreChecksum: false, onOpen: undefined}
      const {soundness} = await check(saved.out, strict)
      const salvaged: Salvaged = {...saved, check: soundness}
      return {...checked, salvaged}
    } catch (salvageFailure) {
      return {...checked, salvageFailure}
    }
  } finally {
    salvaging.close()
  }
}

/** A sound one is no log. One that is not may be the beginning of a log that says so no more. */
async function snapshotAlone(name: string, failure: SnapshotAlone, options: CheckOptions): Promise<Check> {
  const checked = await check(name, options)
  const {soundness} = checked
  const isFollowed = soundness?.counts.some(({code}) => code === 'TRAILING_BYTES' || code === 'LOG_UNCHECKED') === true
  if (soundness !== undefined && soundness.errors === 0 && !isFollowed) return {soundness: undefined, failure}
  const text = 'this is a damaged snapshot, or a log whose beginning is damaged: nothing was written'
  const salvageFailure = new FormatError('BAD_MAGIC', text, 0)
  salvageFailure.advice =
    'use another copy: a snapshot is not mended yet, and this one does not say that a log follows it'
  return {...checked, salvageFailure}
}

async function failed(name: string, salvageFailure: unknown, options: CheckOptions): Promise<Check> {
  const checked = await check(name, options)
  // The check ended at the same: once is enough.
  return checked.soundness === undefined ? checked : {...checked, salvageFailure}
}
