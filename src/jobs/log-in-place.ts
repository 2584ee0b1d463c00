/**
 * aof-rewrite --in-place: a log gives way to its rewritten self where it lies, as
 * a server does it. Whenever that is cut short, a server starts from what is
 * there, with all the data: the old log up to the moment in which the new
 * manifest, or the new file, takes the name, and the new one from then on.
 *
 *   folder   new base, new incr          names that no manifest knows yet
 *            PATH.backup-TIME            another link to every old file, the manifest too: a log of its own
 *            manifest                    replaced by renaming
 *            old files                   removed from the folder
 *   file     PATH.backup-TIME            another link to the old file
 *            PATH                        replaced by renaming
 */
import {chmodSync, chownSync, existsSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync} from 'node:fs'
import {basename, dirname, join} from 'node:path'
import type {Chain} from '../aof/chain.js'
import {formatManifest} from '../aof/manifest.js'
import {baseName, incrName, type LogBase, newManifest} from '../aof/naming.js'
import {type OpenFiles, openElsewhere} from '../bytes/open-elsewhere.js'
import {FileTarget} from '../bytes/target.js'
import {linkOrCopy, publish, removeUnpublished, syncFolder, temporaryBeside} from '../bytes/unpublished.js'
import {UsageError} from '../errors.js'
import {type BuildLogOptions, type BuiltLog, buildBase} from './build-log.js'
import {besideLog} from './log-plan.js'

/** As a file was when the log was opened. */
interface Seen {
  path: string
  bytes: number
  changedMs: number
  inode: number
}

export class LogInPlace {
  readonly #seen: Seen[]
  /** Where what is superseded stays. */
  readonly backup: string
  /** Of other users: whether they have the log open cannot be seen. */
  unseenProcesses = 0

  /** Throws UsageError where a process has the log open. */
  constructor(readonly chain: Chain) {
    this.#seen = this.#paths().map(seen)
    this.backup = freeName(besideLog(chain.path, `backup-${timeOf(Date.now())}`))
    this.#refuseInUse()
  }

  /** Rewrites the log. Until that is done, it is as it was. */
  async rewrite(options: BuildLogOptions): Promise<BuiltLog> {
    return this.chain.manifest === undefined ? await this.#file(options) : await this.#folder(options)
  }

  #paths(): string[] {
    const {manifestPath, manifest, files} = this.chain
    if (manifestPath === undefined) return files.map(({path}) => path)
    const folder = dirname(manifestPath)
    const history = manifest!.history.map(({name}) => join(folder, name)).filter(existsSync)
    return [manifestPath, ...files.map(({path}) => path), ...history]
  }

  async #file(options: BuildLogOptions): Promise<BuiltLog> {
    const [{path}] = this.chain.files as [Chain['files'][number]]
    const target = FileTarget.create(path, {force: true})
    let linked = false
    const beforeName = (): void => {
      sameOwner(target.path, path)
      this.#refuseChanged()
      linkOrCopy(path, this.backup)
      linked = true
    }
    try {
      return await buildBase(target, [path], options, beforeName)
    } catch (error) {
      // Nothing was replaced: it would be a backup of nothing.
      if (linked) rmSync(this.backup, {force: true})
      throw error
    }
  }

  async #folder(options: BuildLogOptions): Promise<BuiltLog> {
    const manifestPath = this.chain.manifestPath!
    const folder = dirname(manifestPath)
    const names = this.#newNames(folder, options.base)
    const made: string[] = []
    try {
      const base = FileTarget.create(join(folder, names.base))
      const built = await buildBase(base, [manifestPath], options, () => sameOwner(base.path, manifestPath))
      made.push(join(folder, names.base))
      this.#write(join(folder, names.incr), '')
      made.push(join(folder, names.incr))
      this.#refuseChanged()
      this.#backUp()
      const manifest = newManifest(names.base, names.baseSequence, names.incr, names.incrSequence)
      const temporary = temporaryBeside(manifestPath)
      this.#write(temporary, formatManifest(manifest))
      publish(temporary, manifestPath, true)
      made.length = 0
      for (const path of this.#paths()) if (path !== manifestPath) rmSync(path, {force: true})
      syncFolder(folder)
      return {...built, files: [names.base, names.incr, basename(manifestPath)]}
    } catch (error) {
      // Files that no manifest names.
      for (const path of made) rmSync(path, {force: true})
      throw error
    }
  }

  /** With numbers above those of the log, and of files that nobody names. */
  #newNames(folder: string, form: LogBase): {base: string; baseSequence: number; incr: string; incrSequence: number} {
    const {base, increments} = this.chain.manifest!
    const stem = basename(this.chain.manifestPath!).replace(/\.manifest$/, '')
    let baseSequence = (base?.sequence ?? 0) + 1
    while (existsSync(join(folder, baseName(stem, baseSequence, form)))) baseSequence++
    let incrSequence = (increments.at(-1)?.sequence ?? 0) + 1
    while (existsSync(join(folder, incrName(stem, incrSequence)))) incrSequence++
    return {
      ...{base: baseName(stem, baseSequence, form), baseSequence},
      ...{incr: incrName(stem, incrSequence), incrSequence},
    }
  }

  #write(path: string, text: string): void {
    writeFileSync(path, text, {flag: 'wx', flush: true})
    sameOwner(path, this.chain.manifestPath!)
  }

  /** A folder that a server could start from, which has its name once it is whole. */
  #backUp(): void {
    const temporary = temporaryBeside(this.backup)
    mkdirSync(temporary)
    try {
      for (const path of this.#paths()) linkOrCopy(path, join(temporary, basename(path)))
      sameOwner(temporary, dirname(this.chain.manifestPath!))
      syncFolder(temporary)
      renameSync(temporary, this.backup)
      syncFolder(dirname(this.backup))
    } finally {
      removeUnpublished(temporary)
    }
  }

  #refuseChanged(): void {
    this.#refuseInUse()
    for (const before of this.#seen) {
      const now = seen(before.path)
      if (now.bytes === before.bytes && now.changedMs === before.changedMs && now.inode === before.inode) continue
      const what = now.bytes > before.bytes ? 'has grown' : 'was changed'
      throw new UsageError(
        `${before.path} ${what} while it was rewritten, so something writes to it: nothing was replaced; stop that, or write a copy with --out`,
      )
    }
  }

  #refuseInUse(): void {
    const {by, unseen}: OpenFiles = openElsewhere(this.#seen.map(({path}) => path))
    this.unseenProcesses = unseen
    if (by === undefined) return
    throw new UsageError(
      `${by.path} is open in the process ${by.pid} (${by.name}): nothing was replaced; stop that, or write a copy with --out`,
    )
  }
}

function seen(path: string): Seen {
  const {size, mtimeMs, ino} = statSync(path)
  return {path, bytes: size, changedMs: mtimeMs, inode: ino}
}

/** A server must be able to read and write what replaces its files; who may not give files away leaves them his own. */
function sameOwner(path: string, like: string): void {
  const {uid, gid, mode} = statSync(like)
  try {
    if (statSync(path).uid !== uid || statSync(path).gid !== gid) chownSync(path, uid, gid)
    if (!statSync(path).isDirectory()) chmodSync(path, mode & 0o777)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error
  }
}

/** 20261127T100500Z: no sign in it that some file system does not take. */
function timeOf(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]|\.\d+/g, '')
}

function freeName(path: string): string {
  for (let i = 1; ; i++) {
    const name = i === 1 ? path : `${path}-${i}`
    if (!existsSync(name)) return name
  }
}
