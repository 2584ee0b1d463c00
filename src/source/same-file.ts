/** Refuses to write over what is read. */
import {fstatSync, readdirSync, type Stats, statSync} from 'node:fs'
import {dirname, join} from 'node:path'
import {UsageError} from '../errors.js'

const STANDARD_INPUT = '-'
const STANDARD_INPUT_FD = 0
const MANIFEST = /\.manifest$/

/**
 * Throws UsageError where a path leads to a source, by whatever name or link, or to a file of a source that is a folder or a
 * manifest. What is not there cannot be lost.
 */
export function refuseSource(out: string, names: readonly string[]): void {
  const target = statSync(out, {throwIfNoEntry: false})
  if (target === undefined) return
  for (const name of names) {
    if (!statsOf(name).some(({dev, ino}) => dev === target.dev && ino === target.ino)) continue
    throw new UsageError(`${out} is what is read: give another name, --force does not replace a source`)
  }
}

/** The files that a name stands for; none of the URL of a server. */
function statsOf(name: string): Stats[] {
  if (name === STANDARD_INPUT) return [fstatSync(STANDARD_INPUT_FD)]
  const own = statSync(name, {throwIfNoEntry: false})
  if (own === undefined) return []
  const folder = own.isDirectory() ? name : MANIFEST.test(name) ? dirname(name) : undefined
  if (folder === undefined) return [own]
  return readdirSync(folder).flatMap(file => statSync(join(folder, file), {throwIfNoEntry: false}) ?? [])
}
