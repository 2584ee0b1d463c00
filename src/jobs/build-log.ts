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
import {existsSync, mkdirSync, readdirSync, realpathSync, statSync, writeFileSync} from 'node:fs'
import {basename, dirname, join} from 'node:path'
import {formatManifest, type Manifest, parseManifest} from '../aof/manifest.js'
import {baseName, incrName, LOG_NAME, type LogBase, newManifest} from '../aof/naming.js'
import type {RestoreRule} from '../aof/rewrite.js'
import {openElsewhere} from '../bytes/open-elsewhere.js'
import {takeOwner} from '../bytes/owner.js'
import {FileTarget} from '../bytes/target.js'
import {folderAt, openFolder, publishFolder, removeUnpublished, temporaryBeside} from '../bytes/unpublished.js'
import {FormatError, UsageError} from '../errors.js'
import type {Loss} from '../keyspace/entry-sink.js'
import {type BuildOptions, type Built, buildInto} from './build.js'
import type {LogMark} from './build-head.js'
import {refuseLosses} from './build-losses.js'
import {dumpInto} from './dump.js'
import {type LogForm, type LogShape, OLDEST, plainPath, refuseShape} from './log-shape.js'

export interface BuildLogOptions extends Omit<BuildOptions, 'stream' | 'logMark' | 'targetUntold'>, LogShape {
  /** Of commands: which keys go as RESTORE; absent: those that others cannot carry whole. */
  restore?: RestoreRule | undefined
  /** Who owns this, and may read and write it, may do so with the new log; absent: whoever builds it. */
  ownedLike?: string | undefined
  /** Called at once when the log has its name: what ends the run from then on must tell of it. */
  onPublished?: (() => void) | undefined
}

export interface BuiltLog extends Built {
  form: LogForm
  base: LogBase
  /** Names of the files, in the folder, or of the one file. */
  files: string[]
  /** What is no data of a key, and does not go as commands: how often. */
  notes: {what: string; keys: number}[]
}

/** By this line of its manifest a folder is known as ours. */
const OURS = '# made by rdbtool'

/** A folder that no server has started from yet: its log is as short as we made it, and nobody has it open. */
const MARK = {
  file: `${LOG_NAME}.manifest`,
  isOurs: (text: string, folder: string): boolean => {
    if (!text.split('\n').includes(OURS)) return false
    const {base, increments} = readManifest(text)
    const named = [base, ...increments].map(file => file?.name ?? '')
    const there = readdirSync(folder).map(name => join(folder, name))
    const isAsMade = there.every(path => basename(path) === MARK.file || named.includes(basename(path)))
    const isEmpty = increments.every(({name}) => statSync(join(folder, name), {throwIfNoEntry: false})?.size === 0)
    return isAsMade && isEmpty && openElsewhere(there).by === undefined
  },
}

/** What no server reads names nothing. */
function readManifest(text: string): Manifest {
  try {
    return parseManifest(Buffer.from(text))
  } catch (error) {
    if (error instanceof FormatError) return {base: undefined, history: [], increments: []}
    throw error
  }
}

/** Builds a log of all sources, in their order. Nothing is published unless every source was read to a good end. */
export async function buildLog(names: readonly string[], options: BuildLogOptions): Promise<BuiltLog> {
  const out = plainPath(options.out)
  refuseShape(options)
  for (const name of names) refuseSame(name, out)
  return options.form === 'folder'
    ? await buildFolder(names, {...options, out})
    : await buildFile(FileTarget.create(out, {force: options.force}), names, {...options, out})
}

/** A log that gave way to another would be gone; in its place it is rewritten with a backup. */
function refuseSame(name: string, out: string): void {
  if (!existsSync(name) || !existsSync(out)) return
  const [source, target] = [realpathSync(name), realpathSync(out)]
  if (source !== target && dirname(source) !== target) return
  throw new UsageError(`${out} is what is read: aof-rewrite --in-place replaces a log, and keeps a backup of it`)
}

/** Throws UsageError where a log may not go into that folder. */
export function refuseFolder(folder: string, force: boolean): void {
  openFolder(plainPath(folder), force, MARK)
}

async function buildFolder(names: readonly string[], options: BuildLogOptions): Promise<BuiltLog> {
  const {out, base, force = false} = options
  const place = folderAt(out)
  openFolder(place, force, MARK)
  const folder = temporaryBeside(place)
  mkdirSync(folder)
  try {
    const built = await buildBase(FileTarget.create(join(folder, baseName(LOG_NAME, 1, base))), names, options)
    const incr = incrName(LOG_NAME, 1)
    writeFileSync(join(folder, incr), '', {flush: true})
    const manifest = newManifest(built.files[0]!, 1, incr, 1)
    writeFileSync(join(folder, MARK.file), `${formatManifest(manifest)}${OURS}\n`, {flush: true})
    if (options.ownedLike !== undefined) {
      for (const name of [incr, MARK.file, '.']) takeOwner(join(folder, name), options.ownedLike)
    }
    publishFolder(folder, place, force, MARK)
    options.onPublished?.()
    return {...built, files: [...built.files, incr, MARK.file]}
  } catch (error) {
    removeUnpublished(folder)
    throw error
  }
}

/** A log that is one file. */
export async function buildFile(...args: Parameters<typeof buildBase>): Promise<BuiltLog> {
  const built = await buildBase(...args)
  args[2].onPublished?.()
  return built
}

/** What the log begins with, published under the name of the target; `beforeName` may still refuse that. */
export async function buildBase(
  file: FileTarget,
  names: readonly string[],
  options: BuildLogOptions,
  beforeName: () => void = () => {},
): Promise<BuiltLog> {
  try {
    const {form, base, out, ownedLike} = options
    if (ownedLike !== undefined) takeOwner(file.path, ownedLike)
    const logMark: LogMark = form === 'folder' ? 'aof-base' : 'aof-preamble'
    const buildOptions: BuildOptions = {...options, targetUntold: OLDEST[form]}
    const built =
      base === 'snapshot'
        ? {...(await buildInto(file, names, {...buildOptions, logMark})), notes: []}
        : await throughSnapshot(file, names, buildOptions, options)
    refuseLosses(built, options)
    await file.settled()
    beforeName()
    await file.finish()
    return {...built, bytes: file.bytes, out, form, base, files: [basename(file.name)]}
  } catch (error) {
    await file.abandon()
    throw error
  }
}

async function throughSnapshot(
  file: FileTarget,
  names: readonly string[],
  buildOptions: BuildOptions,
  {form, restore}: BuildLogOptions,
): Promise<Built & Pick<BuiltLog, 'notes'>> {
  const snapshot = FileTarget.create(`${file.name}.snapshot`)
  try {
    const built = await buildInto(snapshot, names, buildOptions)
    await snapshot.settled()
    const seconds = built.replayed?.lastTimestamp
    // Nothing in it is younger: a log that says when, goes on doing so.
    if (seconds !== undefined && form === 'folder') writeText(file, `#TS:${seconds}\r\n`)
    const written = await dumpInto(file, snapshot.path, {format: 'resp', restore})
    const countedAs = ({what, count}: Loss) => ({what, keys: count})
    const lost = written.losses.map(loss => ({...countedAs(loss), data: true, whole: false, examples: []}))
    return {...built, keysOut: written.keys, lost: [...lost, ...built.lost], notes: written.notes.map(countedAs)}
  } finally {
    await snapshot.abandon()
  }
}

function writeText(file: FileTarget, text: string): void {
  const bytes = Buffer.from(text)
  file.write(bytes, 0, bytes.length)
}
