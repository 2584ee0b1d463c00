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
 *
 * Nobody may write to the old log meanwhile: that is looked for at the beginning,
 * right before the renaming, and once more behind it.
 */
import {
  closeSync,
  existsSync,
  openSync,
  readSync,
  realpathSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs'
import {basename, dirname, join} from 'node:path'
import {type Chain, chainOfFile, openChain} from '../aof/chain.js'
import {formatManifest} from '../aof/manifest.js'
import {baseName, incrName, type LogBase, nameAside, newManifest} from '../aof/naming.js'
import {compressionOf} from '../bytes/compressed.js'
import {takeOwner} from '../bytes/owner.js'
import {FileTarget} from '../bytes/target.js'
import {linkFolder, linkOrCopy, publish, removeUnpublished, syncFolder, temporaryBeside} from '../bytes/unpublished.js'
import {UsageError} from '../errors.js'
import {isChain} from '../source/open.js'
import {type BuildLogOptions, type BuiltLog, buildBase, buildFile} from './build-log.js'
import {refuseInUse} from './log-in-use.js'

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

  private constructor(
    readonly path: string,
    readonly chain: Chain,
    /** Though it cannot be seen whether a server has the log open. */
    readonly force: boolean,
  ) {
    this.#seen = this.#paths().map(path => seenOf(path, statSync(path)))
    this.backup = nameAside(chain.path, 'backup', Date.now())
  }

  /** Throws UsageError of a log that cannot be replaced: somebody has it open, or it would belong to somebody else. */
  static async open(path: string, force: boolean): Promise<LogInPlace> {
    // What a link leads to is the log.
    const real = realpathSync(path)
    const log = new LogInPlace(real, (await isChain(real)) ? await openChain(real) : chainOfFile(real), force)
    log.#refuseUnfit()
    log.#refuseInUse()
    return log
  }

  /** Rewrites the log. Until that is done, it is as it was. */
  async rewrite(options: BuildLogOptions): Promise<BuiltLog> {
    const {path: out} = this.chain
    const built = await (this.chain.manifest === undefined ? this.#file : this.#folder).call(this, {
      ...options,
      out,
      ownedLike: this.chain.manifestPath ?? out,
    })
    this.#tellLateWrites()
    return built
  }

  #paths(): string[] {
    const {manifestPath, manifest, files} = this.chain
    if (manifestPath === undefined) return files.map(({path}) => path)
    const folder = dirname(manifestPath)
    const history = manifest!.history.map(({name}) => join(folder, name)).filter(existsSync)
    return [manifestPath, ...files.map(({path}) => path), ...history]
  }

  async #file(options: BuildLogOptions): Promise<BuiltLog> {
    const {path} = this
    const target = FileTarget.create(path, {force: true})
    let isBackedUp = false
    try {
      return await buildFile(target, [path], options, () => {
        linkOrCopy(path, this.backup)
        isBackedUp = true
        this.#refuseChanged()
      })
    } catch (error) {
      // Nothing was replaced: it would be a backup of nothing.
      if (isBackedUp) rmSync(this.backup, {force: true})
      throw error
    }
  }

  async #folder(options: BuildLogOptions): Promise<BuiltLog> {
    const manifestPath = this.chain.manifestPath!
    const folder = dirname(manifestPath)
    const names = this.#newNames(folder, options.base)
    const [basePath, incrPath] = [join(folder, names.base), join(folder, names.incr)]
    const made: string[] = []
    try {
      const base = FileTarget.create(basePath)
      const built = await buildBase(base, [this.path], options)
      made.push(basePath, incrPath)
      this.#write(incrPath, '')
      // Their names must last before a manifest has them.
      syncFolder(folder)
      made.push(this.backup)
      // A folder that a server could start from.
      linkFolder(this.#paths(), this.backup, this.chain.path)
      const manifest = newManifest(names.base, names.baseSequence, names.incr, names.incrSequence)
      this.#replaceManifest(formatManifest(manifest))
      made.length = 0
      options.onPublished?.()
      for (const path of this.#paths()) if (path !== manifestPath) rmSync(path, {force: true})
      syncFolder(folder)
      return {...built, files: [names.base, names.incr, basename(manifestPath)]}
    } catch (error) {
      // What no manifest names, and a backup of what is still there.
      for (const path of made) rmSync(path, {force: true, recursive: true})
      throw error
    }
  }

  /** With numbers above those of the log, and of files that nobody names. */
  #newNames(folder: string, kind: LogBase): {base: string; baseSequence: number; incr: string; incrSequence: number} {
    const {base, increments} = this.chain.manifest!
    const stem = basename(this.chain.manifestPath!).replace(/\.manifest$/, '')
    let baseSequence = (base?.sequence ?? 0) + 1
    while (existsSync(join(folder, baseName(stem, baseSequence, kind)))) baseSequence++
    let incrSequence = (increments.at(-1)?.sequence ?? 0) + 1
    while (existsSync(join(folder, incrName(stem, incrSequence)))) incrSequence++
    return {
      ...{base: baseName(stem, baseSequence, kind), baseSequence},
      ...{incr: incrName(stem, incrSequence), incrSequence},
    }
  }

  #write(path: string, text: string): void {
    writeFileSync(path, text, {flag: 'wx', flush: true})
    takeOwner(path, this.chain.manifestPath!)
  }

  /** From here on it is the new log that servers start from. */
  #replaceManifest(text: string): void {
    const manifestPath = this.chain.manifestPath!
    const temporary = temporaryBeside(manifestPath)
    try {
      this.#write(temporary, text)
      this.#refuseChanged()
      publish(temporary, manifestPath, true)
    } finally {
      removeUnpublished(temporary)
    }
  }

  /** New files belong to whom the old ones belong: only root can give them away. */
  #refuseUnfit(): void {
    for (const {path} of this.#seen) {
      const {uid} = statSync(path)
      if (process.getuid?.() !== 0 && process.getuid?.() !== uid) {
        throw new UsageError(
          `${path} belongs to the user of number ${uid}, who must own what replaces it: run as that user`,
        )
      }
      if (isCompressed(path)) throw new UsageError(`${path} is compressed, as no server takes it: give --out instead`)
    }
  }

  #refuseInUse(): void {
    refuseInUse(
      this.#seen.map(({path}) => path),
      this.force,
    )
  }

  #refuseChanged(): void {
    this.#refuseInUse()
    for (const before of this.#seen) {
      const now = see(before.path)
      if (now?.bytes === before.bytes && now.changedMs === before.changedMs && now.inode === before.inode) continue
      const what = now !== undefined && now.bytes > before.bytes ? 'has grown' : 'was changed'
      throw new UsageError(
        `${before.path} ${what} while it was rewritten, so something writes to it: nothing was replaced; stop that, or write a copy with --out`,
      )
    }
  }

  /** Whoever had the log open all the same, and could not be seen, writes to what is the backup now. */
  #tellLateWrites(): void {
    const isFolder = this.chain.manifest !== undefined
    for (const {path, bytes} of this.#seen) {
      const kept = isFolder ? join(this.backup, basename(path)) : this.backup
      if ((see(kept)?.bytes ?? bytes) === bytes) continue
      throw new UsageError(
        `the new log is in its place, but somebody wrote to the old one meanwhile: what came last is in ${kept} alone, from offset ${bytes} on`,
      )
    }
  }
}

/** Undefined of a file that is not there. */
function see(path: string): Seen | undefined {
  const stats = statSync(path, {throwIfNoEntry: false})
  return stats && seenOf(path, stats)
}

function seenOf(path: string, {size, mtimeMs, ino}: Stats): Seen {
  return {path, bytes: size, changedMs: mtimeMs, inode: ino}
}

function isCompressed(path: string): boolean {
  const head = Buffer.alloc(4)
  const fd = openSync(path, 'r')
  try {
    readSync(fd, head, 0, head.length, 0)
  } finally {
    closeSync(fd)
  }
  return compressionOf(head, 0, head.length) !== undefined
}
