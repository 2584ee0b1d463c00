/**
 * What a followed log need not keep any more: it is to be brought back to any moment of the last days, not to older ones.
 *
 *   FOLDER.until-TIME, FOLDER.cut-TIME     gone once TIME is older than that
 *   base, and files behind it that are     one new base, made by replaying them: where they are at least half as large as the
 *   older than that                        base, so that what is rewritten pays
 */
import {readdirSync, rmSync, statSync, writeFileSync} from 'node:fs'
import {basename, dirname, join} from 'node:path'
import {type GrowingLog, PART_MANIFEST} from '../aof/growing-log.js'
import {formatManifest} from '../aof/manifest.js'
import {parseAsideTime} from '../aof/naming.js'
import {FileTarget} from '../bytes/target.js'
import type {FollowedEvent} from '../report/followed-log.js'
import {buildBase} from './build-log.js'

const WORTH_SHARE = 0.5

export class Retention {
  #running: Promise<void> | undefined

  constructor(
    readonly log: GrowingLog,
    /** How far back one must be able to come, in milliseconds. */
    readonly keepMs: number,
    readonly onEvent: (event: FollowedEvent) => void,
  ) {}

  /** Looks what is too old, and compacts it beside whatever else goes on. Never rejects, and never runs twice at once. */
  look(nowMs: number): Promise<void> {
    this.#running ??= this.#run(nowMs - this.keepMs).finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #run(beforeMs: number): Promise<void> {
    try {
      this.#dropAside(beforeMs)
      await this.#compact(beforeMs)
    } catch (failure) {
      this.onEvent({kind: 'not-compacted', failure: failure as Error})
    }
  }

  #dropAside(beforeMs: number): void {
    const {folder} = this.log
    for (const name of readdirSync(dirname(folder))) {
      const ended = parseAsideTime(name, basename(folder), ['until', 'cut'])
      if (ended === undefined || ended >= beforeMs) continue
      const path = join(dirname(folder), name)
      // A folder of that name that is not ours is somebody's.
      if (statSync(path).isDirectory() && !this.log.isOurs(path)) continue
      rmSync(path, {recursive: true, force: true})
      this.onEvent({kind: 'old-dropped', path})
    }
  }

  async #compact(beforeMs: number): Promise<void> {
    const {folder, manifest} = this.log
    const {base, increments} = manifest
    if (base === undefined) return
    const size = (name: string): number => statSync(join(folder, name)).size
    let files = 0
    // The last one grows.
    while (files < increments.length - 1 && statSync(join(folder, increments[files]!.name)).mtimeMs < beforeMs) files++
    const old = increments.slice(0, files)
    const bytes = old.reduce((sum, {name}) => sum + size(name), 0)
    if (files === 0 || bytes < size(base.name) * WORTH_SHARE) return
    this.onEvent({kind: 'compacting', files, bytes})
    const {base: path, sequence} = this.log.newNames()
    const part = join(folder, PART_MANIFEST)
    try {
      writeFileSync(part, formatManifest({base, history: [], increments: old}))
      await buildBase(FileTarget.create(path), [part], {out: folder, form: 'folder', base: 'snapshot'})
      // Another full resync has begun anew meanwhile.
      if (this.log.manifest.base?.name !== base.name) return rmSync(path, {force: true})
      this.log.compacted(path, sequence, files)
      this.onEvent({kind: 'compacted', base: basename(path), bytes: size(basename(path))})
    } catch (error) {
      if (this.log.manifest.base?.name !== basename(path)) rmSync(path, {force: true})
      throw error
    } finally {
      rmSync(part, {force: true})
    }
  }
}
