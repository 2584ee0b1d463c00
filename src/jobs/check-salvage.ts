/**
 * check --salvage: checks a log, writes what can be saved of it to a new place, and checks that as well.
 */
import {basename} from 'node:path'
import {FormatError, UnsupportedError} from '../errors.js'
import {nameOf} from '../source/open.js'
import {LogSalvaging} from '../source/salvage.js'
import {check} from './check.js'
import type {Check, CheckOptions, CheckSalvage, Salvaged} from './check-options.js'

/** Never throws for what the input holds. The log is not changed. */
export async function checkAndSalvage(name: string, salvage: CheckSalvage, options: CheckOptions = {}): Promise<Check> {
  let salvaging: LogSalvaging
  try {
    const {ignoreChecksum} = options
    salvaging = await LogSalvaging.open(name, salvage.out, {...salvage, ignoreChecksum})
  } catch (failure) {
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

async function failed(name: string, salvageFailure: unknown, options: CheckOptions): Promise<Check> {
  const checked = await check(name, options)
  // The check ended at the same: once is enough.
  return checked.soundness === undefined ? checked : {...checked, salvageFailure}
}
