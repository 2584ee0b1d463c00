/**
 * Files under construction: each has a name of its own in the folder of the final one, which it is given once it is
 * whole. Until then whoever looks sees what was there before, or nothing; what is not published goes with the process,
 * however that ends.
 */
import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
} from 'node:fs'
import {basename, dirname, join} from 'node:path'
import {UsageError} from '../errors.js'
import {takeOwner} from './owner.js'

const unpublished = new Set<string>()
let watchingExit = false

/** Refuses a name that is taken, unless forced, before anything is made. */
export function refuseTaken(path: string, force: boolean): void {
  if (!existsSync(path)) return
  if (!force) throw taken(path)
  // A device, a pipe or a folder cannot be replaced by a file.
  if (!statSync(path).isFile()) throw new UsageError(`${path} is no file: it cannot be replaced by one`)
}

/** A name for a file that is to be made now; it is remembered until it is published or removed. */
export function temporaryBeside(path: string): string {
  const id = Buffer.from(crypto.getRandomValues(new Uint8Array(6))).toString('hex')
  const temporary = join(dirname(path), `.${basename(path)}.${id}.tmp`)
  unpublished.add(temporary)
  if (!watchingExit) process.once('exit', () => unpublished.forEach(removeUnpublished))
  watchingExit = true
  return temporary
}

/** Whether this process is writing under that name. */
export function isUnpublished(path: string): boolean {
  return unpublished.has(path)
}

/** Gives a finished file its name. What has that name already is replaced only if forced. */
export function publish(temporary: string, path: string, force: boolean): void {
  if (force) renameSync(temporary, path)
  else publishNew(temporary, path)
  unpublished.delete(temporary)
  syncFolder(dirname(path))
}

/** By what a folder of ours is known: a file in it, and what that says. */
export interface FolderMark {
  readonly file: string
  /** Whether the file's text says that we made it, and the folder is as we did. */
  isOurs(text: string, folder: string): boolean
}

/** Where a folder of that name is made, and whose place it takes: behind a link the folder that it leads to, and the link stays. */
export function folderAt(path: string): string {
  return existsSync(path) ? realpathSync(path) : path
}

/**
 * Refuses a folder's name that is taken: by anything but an empty folder, unless forced; and even then by what is no folder
 * of ours. A forced one is replaced as a whole.
 */
export function openFolder(path: string, force: boolean, mark: FolderMark): void {
  if (!existsSync(path)) return
  if (!statSync(path).isDirectory()) throw taken(path)
  if (readdirSync(path).length === 0) return
  if (!force) throw taken(path)
  const file = join(path, mark.file)
  if (existsSync(file) && mark.isOurs(readFileSync(file, 'utf8'), path)) return
  throw new UsageError(
    `${path} has no ${mark.file} of ours, so we did not make it, or it is no longer as we did: it is not replaced, whatever is in it`,
  )
}

/** Gives a finished folder its name. What stands there is judged once more: much may have come there meanwhile. */
export function publishFolder(temporary: string, path: string, force: boolean, mark: FolderMark): void {
  openFolder(path, force, mark)
  if (force && existsSync(path)) replaceFolder(temporary, path)
  else renameToEmpty(temporary, path)
  unpublished.delete(temporary)
  syncFolder(path)
  syncFolder(dirname(path))
}

/** The old folder is nobody's to remove before the new one has its name. */
function replaceFolder(temporary: string, path: string): void {
  const old = temporaryBeside(path)
  unpublished.delete(old)
  renameSync(path, old)
  try {
    renameSync(temporary, path)
  } catch (error) {
    renameSync(old, path)
    throw error
  }
  rmSync(old, {force: true, recursive: true})
}

/** A folder's name can be given where there is nothing, or an empty folder. */
function renameToEmpty(temporary: string, path: string): void {
  try {
    renameSync(temporary, path)
  } catch (error) {
    const {code} = error as NodeJS.ErrnoException
    throw code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOTDIR' ? taken(path) : error
  }
}

/** Of what is published nothing is removed. */
export function removeUnpublished(temporary: string): void {
  if (unpublished.delete(temporary)) rmSync(temporary, {force: true, recursive: true})
}

function taken(path: string): UsageError {
  return new UsageError(`${path} is there already: give another name, or --force to replace it`)
}

/** Gives a file its name unless that has been taken meanwhile: a link never replaces anything. */
function publishNew(temporary: string, path: string): void {
  try {
    linkSync(temporary, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST' || existsSync(path)) throw taken(path)
    // A file system without links.
    renameSync(temporary, path)
    return
  }
  unlinkSync(temporary)
}

/** Another name for a file, which must be free; where the file system has no second names, a copy that has it once it is whole. */
export function linkOrCopy(path: string, name: string): void {
  try {
    linkSync(path, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw error
    const temporary = temporaryBeside(name)
    try {
      copyFileSync(path, temporary, constants.COPYFILE_EXCL)
      syncFile(temporary)
      publish(temporary, name, false)
    } finally {
      removeUnpublished(temporary)
    }
  }
}

/** Another link to every file, in a folder that has its name, which must be free, once it is whole; and the owner of `ownedLike`. */
export function linkFolder(paths: readonly string[], folder: string, ownedLike?: string): void {
  const temporary = temporaryBeside(folder)
  mkdirSync(temporary)
  try {
    if (ownedLike !== undefined) takeOwner(temporary, ownedLike)
    for (const path of paths) linkOrCopy(path, join(temporary, basename(path)))
    syncFolder(temporary)
    renameSync(temporary, folder)
    syncFolder(dirname(folder))
  } finally {
    removeUnpublished(temporary)
  }
}

function syncFile(path: string): void {
  const fd = openSync(path, 'r+')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** A new name lasts once its folder is on disk; not every system lets a folder be synced. */
export function syncFolder(path: string): void {
  try {
    const fd = openSync(path, 'r')
    try {
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  } catch {
    // The file itself is safe.
  }
}
