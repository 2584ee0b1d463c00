/**
 * The files of a log, one after another, as they are loaded: those that are
 * there, or also those that a server goes on with.
 */
import {type FileHandle, stat} from 'node:fs/promises'
import {basename, dirname, join} from 'node:path'
import {findManifest, openChain, readChain} from '../aof/chain.js'
import type {ManifestFile} from '../aof/manifest.js'
import {FollowedFile, identityOf} from '../bytes/followed-file.js'
import type {ByteSource} from '../bytes/source.js'
import {FormatError, UsageError} from '../errors.js'
import type {Problem} from '../keyspace/visitor.js'
import {isServerUrl} from '../resp/address.js'
import {endsWithTimes, OpenLogFile} from './log-file.js'
import {isChain, openSource} from './open.js'

const STANDARD_INPUT = '-'

export interface LogFile {
  /** Within the folder of the log. */
  name: string
  source: ByteSource
  /** The same, open as long as the source is, where its bytes can be looked at once more: it is no pipe, and not compressed. */
  file: FileHandle | undefined
}

export interface LogFiles {
  /** The log is a folder. */
  readonly several: boolean
  /** Names of the files that are known so far. */
  readonly names: readonly string[]
  /** Of the largest file, where that is known. */
  readonly bytesMax: number
  /** Of all files; Infinity where nobody knows. */
  readonly storedBytes: number
  /** Whether it says when commands were written, as far as can be told beforehand. */
  readonly mayHaveTimes: boolean
  /** The next file, which the caller closes. */
  next(): Promise<LogFile | undefined>
  /** Whether another file is known to come. */
  readonly hasNext: boolean
  close(): Promise<void>
}

export interface FollowOptions {
  signal: AbortSignal
  /** All that is there has been read. */
  onPause(): Promise<void> | undefined
  /** The log goes on elsewhere than expected. */
  onProblem(problem: Problem): void
  /**
   * The manifest names a later file, and the one that was read to its end no more: what stands before the later one may be
   * what was read, rewritten, or other data.
   */
  onRestart?(): void
}

/** Opens what a name stands for: a folder, a manifest, a file, or `-`. */
export async function openLogFiles(name: string, follow?: FollowOptions): Promise<LogFiles> {
  if (isServerUrl(name)) {
    throw new UsageError('a log is read from its files: rdbtool sync follows the commands of a running server')
  }
  const several = await isChain(name)
  // Standard input goes on for as long as somebody writes to it.
  if (name === STANDARD_INPUT) return await WholeLog.ofStandardInput()
  if (follow === undefined) return several ? await WholeLog.ofChain(name) : await WholeLog.ofFile(name)
  return several ? await FollowedLog.ofChain(name, follow) : await FollowedLog.ofFile(name, follow)
}

/** A log as it is now. */
class WholeLog implements LogFiles {
  readonly names: string[] = []
  bytesMax = 0
  storedBytes = 0
  mayHaveTimes = false
  #at = 0

  private constructor(
    readonly several: boolean,
    readonly files: readonly OpenFile[],
  ) {}

  /** All its files are open from the start: a server deletes what it has rewritten. */
  static async ofChain(name: string): Promise<WholeLog> {
    const opened: OpenLogFile[] = []
    const log = new WholeLog(true, opened)
    try {
      const {files} = await openChain(name)
      for (const one of files) {
        const file = await OpenLogFile.open(one.path, one.name)
        opened.push(file)
        log.#add(file.name, file.bytes, await file.mayHaveTimes())
      }
      return log
    } catch (error) {
      await log.close()
      throw error
    }
  }

  static async ofFile(path: string): Promise<WholeLog> {
    const file = await OpenLogFile.open(path, basename(path))
    const log = new WholeLog(false, [file])
    log.#add(file.name, file.bytes, await file.mayHaveTimes())
    return log
  }

  static async ofStandardInput(): Promise<WholeLog> {
    const source = await openSource(STANDARD_INPUT)
    const {name, storedBytes} = source
    const log = new WholeLog(false, [
      {name, file: undefined, isPlain: false, source: async () => source, close: () => source.close()},
    ])
    log.#add(name, storedBytes, true)
    return log
  }

  #add(name: string, bytes: number, mayHaveTimes: boolean): void {
    this.names.push(name)
    this.storedBytes += bytes
    if (Number.isFinite(bytes)) this.bytesMax = Math.max(this.bytesMax, bytes)
    this.mayHaveTimes ||= mayHaveTimes
  }

  get hasNext(): boolean {
    return this.#at < this.files.length
  }

  async next(): Promise<LogFile | undefined> {
    const next = this.files[this.#at]
    if (next === undefined) return undefined
    this.#at++
    const {name, file, isPlain} = next
    return {name, source: await next.source(), file: isPlain ? file : undefined}
  }

  async close(): Promise<void> {
    for (; this.#at < this.files.length; this.#at++) await this.files[this.#at]!.close()
  }
}

type OpenFile = Pick<OpenLogFile, 'name' | 'isPlain' | 'source' | 'close'> & {file: FileHandle | undefined}

interface Waiting {
  name: string
  file: FollowedFile
}

/** A log that is written to. All its files are open from the start: a server deletes what it has rewritten. */
class FollowedLog implements LogFiles {
  readonly several: boolean
  readonly names: string[] = []
  bytesMax = 0
  storedBytes = 0
  mayHaveTimes = false
  #waiting: Waiting[] = []
  /** Of the last increment that is open. */
  #sequence = 0
  #manifestPath = ''
  /** Tells a manifest from the one that replaces it. */
  #manifestState = ''

  private constructor(
    readonly path: string,
    readonly follow: FollowOptions,
    several: boolean,
  ) {
    this.several = several
  }

  static async ofChain(name: string, follow: FollowOptions): Promise<FollowedLog> {
    const log = new FollowedLog(name, follow, true)
    log.#manifestPath = await findManifest(name)
    await log.#hasNewManifest()
    const {manifest, files} = await openChain(name)
    for (const {path, name} of files) await log.#add(path, name)
    log.#sequence = manifest!.increments.at(-1)?.sequence ?? 0
    return log
  }

  static async ofFile(path: string, follow: FollowOptions): Promise<FollowedLog> {
    const log = new FollowedLog(path, follow, false)
    await log.#add(path, basename(path))
    return log
  }

  get hasNext(): boolean {
    return this.#waiting.length > 0
  }

  async next(): Promise<LogFile | undefined> {
    const next = this.#waiting.shift()
    if (next === undefined) return undefined
    const {name, file} = next
    const {signal, onPause} = this.follow
    file.follow({
      ...{signal, onPause},
      isOver: () => (this.several ? this.#isOver(name) : this.#isReplaced(file)),
    })
    return {name, source: file, file: file.file}
  }

  async close(): Promise<void> {
    for (const {file} of this.#waiting) await file.close()
    this.#waiting = []
  }

  async #add(path: string, name: string): Promise<void> {
    const file = await FollowedFile.open(path)
    this.#waiting.push({name, file})
    this.names.push(name)
    this.bytesMax = Math.max(this.bytesMax, file.storedBytes)
    this.storedBytes += file.storedBytes
    this.mayHaveTimes ||= await endsWithTimes(file.file)
  }

  /** A rewrite begins with a new increment, and nothing is appended to the one before it from then on (redis 7.0 aof.c). */
  async #isOver(name: string): Promise<boolean> {
    if (this.hasNext) return true
    if (!(await this.#hasNewManifest())) return false
    const {manifest, files} = await readChain(this.#manifestPath)
    const increments = manifest!.increments.filter(({sequence}) => sequence > this.#sequence)
    const isNamed = files.some(file => file.name === name)
    if (increments.length > 0) {
      if (!isNamed && this.follow.onRestart !== undefined) {
        this.follow.onRestart()
        // What is missing between is part of that.
        this.#sequence = 0
      }
      return await this.#goOn(increments, dirname(this.#manifestPath))
    }
    if (isNamed) return false
    const text = `the manifest names ${name} no more, and no later file: this is another log`
    throw new FormatError('BAD_MANIFEST', text, 0)
  }

  async #goOn(increments: readonly ManifestFile[], folder: string): Promise<boolean> {
    for (const {name, sequence} of increments) {
      try {
        await this.#add(join(folder, name), name)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
        // It was rewritten meanwhile, and deleted: the manifest says so by now.
        this.#manifestState = ''
        break
      }
      if (this.#sequence > 0 && sequence > this.#sequence + 1) this.#tellGap(name)
      this.#sequence = sequence
    }
    return this.hasNext
  }

  #tellGap(file: string): void {
    const text = `the log goes on in ${file}: what stood between was rewritten, and deleted, before it could be read`
    this.follow.onProblem({code: 'LOG_GAP', severity: 'warning', offset: 0, file, text})
  }

  async #hasNewManifest(): Promise<boolean> {
    const stats = await stat(this.#manifestPath).catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'ENOENT' || error.code === 'ENOTDIR' ? movedError(error) : error
    })
    const state = `${identityOf(stats)} ${stats.size} ${stats.mtimeMs}`
    if (state === this.#manifestState) return false
    this.#manifestState = state
    return true
  }

  /** A rewrite ends with a new file under the same name (up to redis 6.2). */
  async #isReplaced(file: FollowedFile): Promise<boolean> {
    const stats = await stat(this.path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
    // Nothing of that name: what there was may be read to its end, and another may come.
    if (stats === undefined || identityOf(stats) === file.identity) return false
    await this.#add(this.path, basename(this.path))
    const text =
      'the log was rewritten: what follows is its new file, which repeats what was logged while it was written'
    this.follow.onProblem({code: 'LOG_REWRITTEN', severity: 'warning', offset: 0, text})
    return true
  }
}

/** A server replaces its manifest, and never lets it be missing. */
function movedError({path, syscall}: NodeJS.ErrnoException): Error {
  const text = 'the manifest is there no more: the folder of the log was moved or removed while it was followed'
  return Object.assign(new Error(text), {code: 'LOG_MOVED', path, syscall})
}
