/**
 * build, with an append-only log as what is built: a folder as servers keep it
 * from 7.0 on, or one file for those before.
 *
 *   folder   appendonly.aof.1.base.rdb (or .aof), an empty appendonly.aof.1.incr.aof, appendonly.aof.manifest
 *   file     a snapshot that says that a log follows it, or commands
 *
 * Commands are made of a snapshot that is written first, and removed: it is for
 * the target already, and whatever is selected, merged or changed is so once.
 */
import {mkdirSync, writeFileSync} from 'node:fs'
import {basename, join} from 'node:path'
import {formatManifest} from '../aof/manifest.js'
import {baseName, incrName, LOG_NAME, type LogBase, newManifest} from '../aof/naming.js'
import type {RestoreRule} from '../aof/rewrite.js'
import {FileTarget} from '../bytes/target.js'
import {openFolder, publishFolder, removeUnpublished, temporaryBeside} from '../bytes/unpublished.js'
import {UsageError} from '../errors.js'
import {type Target, targetOf} from '../rdb/targets.js'
import {type BuildOptions, type Built, buildInto} from './build.js'
import type {LogMark} from './build-head.js'
import {dumpInto} from './dump.js'

/** A folder with a manifest, or one file. */
export type LogForm = 'folder' | 'file'

export interface BuildLogOptions extends Omit<BuildOptions, 'stream' | 'logMark'> {
  form: LogForm
  base: LogBase
  /** Of commands: which keys go as RESTORE; absent: those that others cannot carry whole. */
  restore?: RestoreRule | undefined
}

export interface BuiltLog extends Built {
  form: LogForm
  base: LogBase
  /** Names of the files, in the folder, or of the one file. */
  files: string[]
  /** What is no data of a key, and does not go as commands: how often. */
  notes: {what: string; keys: number}[]
}

/** By this line a folder is known as ours: a server that starts from it writes the manifest anew, without it. */
const OURS = '# made by rdbtool'

/** A folder that a server has not started from yet. */
const MARK = {
  file: `${LOG_NAME}.manifest`,
  isOurs: (text: string): boolean => text.split('\n').includes(OURS),
}

/** Servers keep their log in a folder (redis 7.0, and valkey and redict of any version). */
export function keepsFolder({family, product, rdbVersion}: Target): boolean {
  return family === 'valkey' || product !== 'redis' || rdbVersion >= 10
}

/** A log may begin with a snapshot (redis 4.0). */
export function takesPreamble({rdbVersion}: Target): boolean {
  return rdbVersion >= 8
}

/** Builds a log of all sources, in their order. Nothing is published unless every source was read to a good end. */
export async function buildLog(names: readonly string[], options: BuildLogOptions): Promise<BuiltLog> {
  refuseForm(options)
  return options.form === 'folder' ? await buildFolder(names, options) : await buildFile(names, options)
}

function refuseForm({target: name, form, base}: BuildLogOptions): void {
  if (name === undefined) return
  const target = targetOf(name)
  if (form === 'folder' && !keepsFolder(target)) {
    throw new UsageError(`${name} keeps its log in one file, not in a folder: give the name of a file`)
  }
  if (base === 'snapshot' && !takesPreamble(target)) {
    throw new UsageError(`the log of ${name} cannot begin with a snapshot: say --no-preamble`)
  }
}

async function buildFolder(names: readonly string[], options: BuildLogOptions): Promise<BuiltLog> {
  const {out, base, force = false} = options
  openFolder(out, force, MARK)
  const folder = temporaryBeside(out)
  mkdirSync(folder)
  try {
    const built = await buildBase(FileTarget.create(join(folder, baseName(LOG_NAME, 1, base))), names, options)
    const incr = incrName(LOG_NAME, 1)
    writeFileSync(join(folder, incr), '', {flush: true})
    const manifest = newManifest(built.files[0]!, 1, incr, 1)
    writeFileSync(join(folder, MARK.file), `${formatManifest(manifest)}${OURS}\n`, {flush: true})
    publishFolder(folder, out, force, MARK)
    return {...built, files: [...built.files, incr, MARK.file]}
  } catch (error) {
    removeUnpublished(folder)
    throw error
  }
}

async function buildFile(names: readonly string[], options: BuildLogOptions): Promise<BuiltLog> {
  return await buildBase(FileTarget.create(options.out, {force: options.force}), names, options)
}

/** What the log begins with, published under the name of the target; `beforeName` may still refuse that. */
export async function buildBase(
  file: FileTarget,
  names: readonly string[],
  options: BuildLogOptions,
  beforeName: (path: string) => void = () => {},
): Promise<BuiltLog> {
  try {
    const {form, base, out} = options
    const logMark: LogMark = form === 'folder' ? 'aof-base' : 'aof-preamble'
    const built =
      base === 'snapshot'
        ? {...(await buildInto(file, names, {...options, logMark})), notes: []}
        : await throughSnapshot(file, names, options)
    await settled(file)
    beforeName(file.path)
    await file.finish()
    return {...built, bytes: file.bytes, out, form, base, files: [basename(file.name)]}
  } catch (error) {
    await file.abandon()
    throw error
  }
}

/** Nothing of a file is still to be written. */
async function settled(file: FileTarget): Promise<void> {
  for (let i = 0; i < 2; i++) await file.drain()
}

async function throughSnapshot(
  file: FileTarget,
  names: readonly string[],
  options: BuildLogOptions,
): Promise<Built & Pick<BuiltLog, 'notes'>> {
  const snapshot = FileTarget.create(`${file.path}.rdb`)
  try {
    const built = await buildInto(snapshot, names, options)
    await settled(snapshot)
    const {restore} = options
    const written = await dumpInto(file, snapshot.path, {format: 'resp', restore})
    const countedAs = ({what, count}: {what: string; count: number}) => ({what, keys: count})
    const lost = [...built.lost, ...written.losses.map(countedAs)]
    return {...built, keysOut: written.keys, lost, notes: written.notes.map(countedAs)}
  } finally {
    await snapshot.abandon()
  }
}
