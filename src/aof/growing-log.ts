/**
 * A log that follows a master: an append-only folder that a server (7.0 and later) starts from at any time.
 *
 *   appendonly.aof.manifest           says by a comment whose it is
 *   appendonly.aof.<n>.base.rdb       the snapshot of a full resync, or what was compacted
 *   appendonly.aof.<n>.incr.aof ...   the stream since (growing-file); a new one is begun when the last is large enough
 *
 * Another full resync makes another base. What it supersedes goes, before the manifest changes, to a folder of its own
 * beside this one, and is a log there: from it one comes back to any moment before.
 */
import {existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs'
import {basename, dirname, join, resolve} from 'node:path'
import {openElsewhere} from '../bytes/open-elsewhere.js'
import {linkFolder, publish, removeUnpublished, syncFolder, temporaryBeside} from '../bytes/unpublished.js'
import {FormatError, UsageError} from '../errors.js'
import {GrowingFile} from './growing-file.js'
import {copyTail, lastPlace} from './last-place.js'
import {formatManifest, type Manifest, type ManifestFile, parseManifest} from './manifest.js'
import {baseName, incrName, LOG_NAME, nameAside, newManifest, parseAsideTime} from './naming.js'
import type {StreamPlace} from './stream-place.js'

/** By this line of its manifest a folder is known as ours. */
const OURS = '# followed by rdbtool: commands of a master, and how far they go'
const MANIFEST_NAME = `${LOG_NAME}.manifest`
const PART = /^appendonly\.aof\.(\d+)\.(base\.rdb|incr\.aof)$/
/** Of files of the folder that are about to be compacted: no manifest to whoever looks for that of the log. */
export const PART_MANIFEST = 'temp-part.manifest'

/** What was cut off a file, behind its last place. */
export interface CutTail {
  file: string
  bytes: number
  /** Whole commands in it; where there are some, they were copied. */
  commands: number
  copy: string | undefined
}

/** A name in the folder, by its whole path, and the number in it. */
export interface NewName {
  path: string
  sequence: number
}

export class GrowingLog {
  /** Of a log that was continued. */
  cutTail: CutTail | undefined
  #manifest: Manifest = {base: undefined, history: [], increments: []}
  #file: GrowingFile | undefined
  /** The highest number of a base that was given out. */
  #baseSequence = 0

  private constructor(readonly folder: string) {}

  /**
   * The log in a folder, to be gone on with; or a folder that is still empty, or not there, for a new one. Throws UsageError
   * where the folder is not ours or in use, FormatError where it is damaged.
   */
  static async open(path: string): Promise<GrowingLog> {
    const log = new GrowingLog(resolve(path))
    const {folder} = log
    mkdirSync(folder, {recursive: true})
    if (!statSync(folder).isDirectory()) throw new UsageError(`${path} is no folder: give the name of one`)
    if (!existsSync(join(folder, MANIFEST_NAME))) {
      log.#refuseTaken(path)
      // From now on whatever is in it is ours, and may be removed where it was never finished.
      log.#replaceManifest(log.#manifest)
      return log
    }
    await log.#resume()
    return log
  }

  /** Where the stream goes on; undefined where there is nothing yet. */
  get place(): StreamPlace | undefined {
    return this.#file?.place
  }

  /** Of the stream, what has surely reached the disk. */
  get syncedOffset(): number {
    return this.#file?.syncedOffset ?? -1
  }

  get manifest(): Readonly<Manifest> {
    return this.#manifest
  }

  /** The file that grows ends behind a whole unit. */
  get isWhole(): boolean {
    return this.#file?.isWhole ?? true
  }

  /** Of the file that grows. */
  get fileBytes(): number {
    return this.#file?.bytes ?? 0
  }

  /** Of a base that has no file yet: several may be made at once. */
  newBase(): NewName {
    const sequence = Math.max(this.#baseSequence, this.#highest('base.rdb')) + 1
    this.#baseSequence = sequence
    return {path: join(this.folder, baseName(LOG_NAME, sequence, 'snapshot')), sequence}
  }

  /** Of the next file of commands: whoever reads along misses none as long as their numbers have no gap. */
  newIncrement(): NewName {
    const sequence = this.#highest('incr.aof') + 1
    return {path: join(this.folder, incrName(LOG_NAME, sequence)), sequence}
  }

  /**
   * Begins anew with a snapshot that has its name in the folder already, and a file, of this number, that goes on from it. What
   * was there before goes to a folder beside, whose path is returned; undefined where there was nothing.
   */
  async begin(base: NewName, file: GrowingFile, sequence: number, nowMs: number): Promise<string | undefined> {
    await file.sync()
    if (!existsSync(base.path)) throw new Error(`${base.path} is gone, and was to be the base of the log`)
    const superseded = this.#manifest.base === undefined ? undefined : this.#setAside(nowMs)
    const old = this.#files()
    this.#replaceManifest(newManifest(basename(base.path), base.sequence, basename(file.path), sequence))
    await this.#file?.close()
    this.#file = file
    for (const path of old) rmSync(path, {force: true})
    return superseded
  }

  /** Adds whole units; see GrowingFile. */
  async append(bytes: Uint8Array, end: number, place: StreamPlace, nowMs: number): Promise<void> {
    await this.#growing().append(bytes, end, place, nowMs)
  }

  async appendPart(bytes: Uint8Array, end: number, nowMs: number): Promise<void> {
    await this.#growing().appendPart(bytes, end, nowMs)
  }

  /** Cuts off what is not whole: the master is asked for it once more. */
  async cut(): Promise<void> {
    await this.#file?.cut()
  }

  /** Goes on in another file, whose name is returned: everything is whole, and on disk. */
  async rotate(): Promise<string> {
    const file = this.#growing()
    await file.sync()
    const {path, sequence} = this.newIncrement()
    const next = await GrowingFile.create(path, file.place)
    const manifest = this.#manifest
    const increment: ManifestFile = {name: basename(path), sequence, type: 'i', others: []}
    this.#replaceManifest({...manifest, increments: [...manifest.increments, increment]})
    this.#file = next
    await file.close()
    return increment.name
  }

  /** The snapshot, which has its name in the folder already, stands for the old one and for the first files of commands. */
  compacted({path, sequence}: NewName, files: number): void {
    const {base: old, increments} = this.#manifest
    this.#replaceManifest({
      base: {name: basename(path), sequence, type: 'b', others: []},
      history: [],
      increments: increments.slice(files),
    })
    for (const {name} of [old!, ...increments.slice(0, files)]) rmSync(join(this.folder, name), {force: true})
  }

  async sync(): Promise<void> {
    await this.#file?.sync()
  }

  /** Everything that is whole is on disk. */
  async close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    if (file === undefined) return
    try {
      await file.cut()
      await file.sync()
    } finally {
      await file.close()
    }
  }

  /** Of files of a kind that are there, or named. */
  #highest(kind: string): number {
    const {base, increments} = this.#manifest
    const named = [base, ...increments].map(file => file?.name ?? '')
    const numbers = [...readdirSync(this.folder), ...named].map(name => {
      const [, number, its] = PART.exec(name) ?? []
      return its === kind ? Number(number) : 0
    })
    return Math.max(0, ...numbers)
  }

  #refuseTaken(path: string): void {
    const other = readdirSync(this.folder).find(name => !isTemporary(name))
    if (other === undefined) return
    const lost = PART.test(other)
    const what = lost ? `${other}, a part of a log, and no manifest that names it: whose it is cannot be told` : other
    const next = lost ? 'restore the manifest, or give another folder' : 'give a new folder, or one of ours'
    throw new UsageError(`${path} has ${what}; ${next}`)
  }

  #growing(): GrowingFile {
    if (this.#file === undefined) throw new UsageError(`${this.folder} has no snapshot yet`)
    return this.#file
  }

  async #resume(): Promise<void> {
    const path = join(this.folder, MANIFEST_NAME)
    const text = readFileSync(path)
    if (!isMarked(text)) {
      throw new UsageError(
        `${this.folder} is a log that rdbtool did not begin, or that a server has taken over: give another folder`,
      )
    }
    this.#manifest = parseManifest(text)
    this.#refuseInUse()
    const {base, increments} = this.#manifest
    if (base === undefined && increments.length === 0) {
      // A first snapshot that never came.
      this.#removeStrays()
      return
    }
    for (const file of [base, ...increments]) {
      if (file === undefined || !existsSync(join(this.folder, file.name))) {
        throw new FormatError('BAD_MANIFEST', `the manifest names ${file?.name ?? 'no base'}, which is not there`, 0)
      }
    }
    this.#removeStrays()
    this.#removeUnfinishedAsides()
    const last = increments.at(-1)
    if (last === undefined) throw new FormatError('BAD_MANIFEST', 'the manifest names no file of commands', 0)
    await this.#continue(join(this.folder, last.name))
  }

  async #continue(path: string): Promise<void> {
    const {place, wholeBytes, commandsBehind, bytes} = await lastPlace(path)
    if (bytes > wholeBytes) {
      const copy =
        commandsBehind === 0 ? undefined : await copyTail(path, wholeBytes, nameAside(this.folder, 'cut', Date.now()))
      this.cutTail = {file: basename(path), bytes: bytes - wholeBytes, commands: commandsBehind, copy}
    }
    this.#file = await GrowingFile.resume(path, place, wholeBytes)
  }

  #refuseInUse(): void {
    const {by} = openElsewhere(this.#files(), {writing: true})
    if (by === undefined) return
    throw new UsageError(
      `${by.path} is open in the process ${by.pid} (${by.name}): one follows a master, or serves from a log, not both`,
    )
  }

  #files(): string[] {
    const {base, history, increments} = this.#manifest
    return [base, ...history, ...increments].flatMap(file => (file === undefined ? [] : [join(this.folder, file.name)]))
  }

  /** Of a run that was killed: what no manifest names yet, or any more. */
  #removeStrays(): void {
    const named = new Set(this.#files().map(path => basename(path)))
    for (const name of readdirSync(this.folder)) {
      if (isTemporary(name) || (PART.test(name) && !named.has(name))) rmSync(join(this.folder, name), {force: true})
    }
  }

  /** Of a run that was killed before the manifest changed: what was put aside is still what the log is made of. */
  #removeUnfinishedAsides(): void {
    const own = new Set(this.#files().map(path => statSync(path).ino))
    const beside = dirname(this.folder)
    for (const name of readdirSync(beside)) {
      const path = join(beside, name)
      if (parseAsideTime(name, basename(this.folder), ['until']) === undefined || !isGrowingLog(path)) continue
      const shares = readdirSync(path).some(file => own.has(statSync(join(path, file)).ino))
      if (shares) rmSync(path, {recursive: true, force: true})
    }
  }

  #setAside(nowMs: number): string {
    const aside = nameAside(this.folder, 'until', nowMs)
    linkFolder([join(this.folder, MANIFEST_NAME), ...this.#files()], aside)
    return aside
  }

  #replaceManifest(manifest: Manifest): void {
    // Names must last before a manifest has them.
    syncFolder(this.folder)
    const path = join(this.folder, MANIFEST_NAME)
    const temporary = temporaryBeside(path)
    try {
      writeFileSync(temporary, this.#text(manifest), {flag: 'wx', flush: true})
      publish(temporary, path, true)
    } finally {
      removeUnpublished(temporary)
    }
    this.#manifest = manifest
  }

  #text(manifest: Manifest): string {
    return `${formatManifest(manifest)}${OURS}\n`
  }
}

/** Whether a folder is such a log. */
export function isGrowingLog(folder: string): boolean {
  const path = join(folder, MANIFEST_NAME)
  return existsSync(path) && isMarked(readFileSync(path))
}

function isMarked(manifest: Buffer): boolean {
  return manifest.toString('latin1').split('\n').includes(OURS)
}

function isTemporary(name: string): boolean {
  return (name.startsWith(`.${LOG_NAME}.`) && name.endsWith('.tmp')) || name === PART_MANIFEST
}
