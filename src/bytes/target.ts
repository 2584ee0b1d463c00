/**
 * Where bytes go: a file that appears under its name only once it is whole, or
 * a stream such as standard output.
 *
 *   write, write, ... finish      the bytes are there, and on disk
 *   write, ... abandon            nothing of a file stays behind
 *
 * Bytes are taken before `write` returns: they may be lent.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import {basename, dirname, join} from 'node:path'
import type {Writable} from 'node:stream'
import {UsageError} from '../errors.js'

export interface ByteTarget {
  /** For messages: a path, or `standard output`. */
  readonly name: string
  /** Bytes taken so far. */
  readonly bytes: number
  /** Takes bytes[start … end). Input/output errors pass through. */
  write(bytes: Uint8Array, start: number, end: number): void
  /** Waits until there is room for more; undefined where there is. */
  drain(): Promise<void> | undefined
  /** All bytes have been written: makes them last. */
  finish(): Promise<void>
  /** What was written is not wanted: of a file nothing stays. May follow anything. */
  abandon(): Promise<void>
}

/** Bytes of one call to the system: some refuse more than 2^31. */
const CALL_BYTES_MAX = 64 * 1024 * 1024

export interface FileTargetOptions {
  /** Replace what stands there under the name. */
  force?: boolean | undefined
}

/** Files that have no name of their own yet: gone with the process, however it ends. */
const unfinished = new Set<string>()
let watchingExit = false

/**
 * A file under construction: a temporary one in the same folder, synced and
 * then renamed. Until then whoever looks sees what was there before, or nothing.
 */
export class FileTarget implements ByteTarget {
  bytes = 0
  #fd: number
  readonly #temporary: string

  private constructor(
    readonly name: string,
    readonly force: boolean,
    temporary: string,
  ) {
    this.#temporary = temporary
    this.#fd = openSync(temporary, 'wx')
    unfinished.add(temporary)
    if (!watchingExit) process.once('exit', () => unfinished.forEach(remove))
    watchingExit = true
  }

  /** Refuses a name that is taken, unless forced, before anything is made. */
  static create(path: string, {force = false}: FileTargetOptions = {}): FileTarget {
    if (existsSync(path)) {
      if (!force) throw taken(path)
      // A device, a pipe or a folder cannot be replaced by a file.
      if (!statSync(path).isFile()) throw new UsageError(`${path} is no file: it cannot be replaced by one`)
    }
    const id = Buffer.from(crypto.getRandomValues(new Uint8Array(6))).toString('hex')
    return new FileTarget(path, force, join(dirname(path), `.${basename(path)}.${id}.tmp`))
  }

  write(bytes: Uint8Array, start: number, end: number): void {
    for (let p = start; p < end; ) p += writeSync(this.#fd, bytes, p, Math.min(end - p, CALL_BYTES_MAX))
    this.bytes += end - start
  }

  drain(): undefined {}

  async finish(): Promise<void> {
    const fd = this.#fd
    fsyncSync(fd)
    this.#fd = -1
    closeSync(fd)
    if (this.force) renameSync(this.#temporary, this.name)
    else publishNew(this.#temporary, this.name)
    unfinished.delete(this.#temporary)
    syncFolder(dirname(this.name))
  }

  async abandon(): Promise<void> {
    if (this.#fd >= 0) closeSync(this.#fd)
    this.#fd = -1
    if (unfinished.has(this.#temporary)) remove(this.#temporary)
  }
}

/** A stream that somebody else opened and will close: what has been written to it has been seen. */
export class StreamTarget implements ByteTarget {
  bytes = 0
  #failure: Error | undefined

  constructor(
    readonly name: string,
    readonly stream: Writable,
  ) {
    stream.once('error', error => {
      this.#failure = error
    })
  }

  write(bytes: Uint8Array, start: number, end: number): void {
    if (this.#failure !== undefined) throw this.#failure
    this.bytes += end - start
    this.stream.write(bytes.slice(start, end))
  }

  drain(): Promise<void> | undefined {
    if (!this.stream.writableNeedDrain) return undefined
    return this.#settled(done => this.stream.once('drain', done))
  }

  async finish(): Promise<void> {
    await this.#settled(done => this.stream.write(new Uint8Array(0), () => done()))
  }

  async abandon(): Promise<void> {}

  #settled(begin: (done: () => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure)
        return
      }
      const failed = (error: Error): void => reject(error)
      this.stream.once('error', failed)
      begin(() => {
        this.stream.off('error', failed)
        resolve()
      })
    })
  }
}

/** Bytes kept in memory: for whoever wants them there. */
export class MemoryTarget implements ByteTarget {
  readonly name = 'memory'
  bytes = 0
  #pieces: Uint8Array[] = []

  write(bytes: Uint8Array, start: number, end: number): void {
    this.#pieces.push(bytes.slice(start, end))
    this.bytes += end - start
  }

  drain(): undefined {}
  async finish(): Promise<void> {}
  async abandon(): Promise<void> {
    this.#pieces = []
  }

  /** All that was written. */
  view(): Uint8Array {
    if (this.#pieces.length !== 1) this.#pieces = [new Uint8Array(Buffer.concat(this.#pieces))]
    return this.#pieces[0]!
  }
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

/** A new name lasts once its folder is on disk; not every system lets a folder be synced. */
function syncFolder(path: string): void {
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

function remove(path: string): void {
  unfinished.delete(path)
  rmSync(path, {force: true})
}
