/**
 * What a followed log need not keep any more: it is to be brought back to any moment of the last days, not to older ones.
 *
 *   FOLDER.until-TIME, FOLDER.cut-TIME     gone once TIME is older than that
 *   base, and files behind it that are     one new base, made by replaying them: where they are at least half as large as the
 *   older than that                        base, so that what is rewritten pays
 */
import {readdirSync, rmSync, statSync, writeFileSync} from 'node:fs'
import {basename, dirname, join} from 'node:path'
import {type GrowingLog, isGrowingLog, PART_MANIFEST} from '../aof/growing-log.js'
import {formatManifest} from '../aof/manifest.js'
import {parseAsideTime} from '../aof/naming.js'
import {Thread, threadScript} from '../parallel/thread.js'
import type {FollowedEvent} from '../report/followed-log.js'
import type {CompactionQuestion} from './compaction.js'

const WORTH_SHARE = 0.5

/** Where one compaction failed so will the next, as long as the same files are there. */
const PATIENCE_MS = 86_400_000

export class Retention {
  #running: Promise<void> | undefined
  #thread: Thread<CompactionQuestion, null> | undefined
  #ended = false
  /** Of the last attempt that failed. */
  #failedBase = ''
  #failedMs = Number.NEGATIVE_INFINITY

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

  /** Waits for what is under way. */
  async settled(): Promise<void> {
    await this.#running
  }

  /** Ends what is under way, and leaves everything as it was. */
  async end(): Promise<void> {
    this.#ended = true
    await this.#thread?.end()
    await this.#running
  }

  async #run(beforeMs: number): Promise<void> {
    const base = this.log.manifest.base?.name ?? ''
    try {
      this.#dropAside(beforeMs)
      await this.#compact(beforeMs)
    } catch (failure) {
      // Another full resync takes away the files that are read: of the new ones nothing is known.
      if (this.#ended || (this.log.manifest.base?.name ?? '') !== base) return
      this.#failedBase = base
      this.#failedMs = performance.now()
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
      if (statSync(path).isDirectory() && !isGrowingLog(path)) continue
      rmSync(path, {recursive: true, force: true})
      this.onEvent({kind: 'old-dropped', path})
    }
  }

  async #compact(beforeMs: number): Promise<void> {
    const {folder, manifest} = this.log
    const {base, increments} = manifest
    if (base === undefined) return
    if (base.name === this.#failedBase && performance.now() - this.#failedMs < PATIENCE_MS) return
    const size = (name: string): number => statSync(join(folder, name)).size
    let files = 0
    // The last one grows.
    while (files < increments.length - 1 && statSync(join(folder, increments[files]!.name)).mtimeMs < beforeMs) files++
    const old = increments.slice(0, files)
    const bytes = old.reduce((sum, {name}) => sum + size(name), 0)
    if (files === 0 || bytes < size(base.name) * WORTH_SHARE) return
    this.onEvent({kind: 'compacting', files, bytes})
    const compacted = this.log.newBase()
    const {path} = compacted
    const part = join(folder, PART_MANIFEST)
    let isMade = false
    try {
      writeFileSync(part, formatManifest({base, history: [], increments: old}))
      await this.#build({part, path, folder})
      isMade = true
      // Another full resync has begun anew meanwhile.
      if (this.log.manifest.base?.name !== base.name) return
      this.log.compacted(compacted, files)
      isMade = false
      this.onEvent({kind: 'compacted', base: basename(path), bytes: size(basename(path))})
    } finally {
      if (isMade) rmSync(path, {force: true})
      rmSync(part, {force: true})
    }
  }

  /** On a thread of its own: the stream does not wait for it. */
  async #build(question: CompactionQuestion): Promise<void> {
    const thread = new Thread<CompactionQuestion, null>(threadScript('compaction'))
    this.#thread = thread
    try {
      await thread.ask(question, () => {})
    } finally {
      this.#thread = undefined
      await thread.end()
      // What a thread leaves that was ended.
      const unfinished = `.${basename(question.path)}.`
      for (const name of readdirSync(question.folder)) {
        if (name.startsWith(unfinished) && name.endsWith('.tmp')) rmSync(join(question.folder, name), {force: true})
      }
    }
  }
}
