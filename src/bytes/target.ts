/**
 * Where bytes go: a file that appears under its name only once it is whole, or
 * a stream such as standard output.
 *
 *   write, write, ... finish      the bytes are there, and on disk
 *   write, ... abandon            nothing of a file stays behind
 *
 * Bytes are taken before `write` returns: they may be lent.
 */
import {closeSync, fsyncSync, ftruncateSync, openSync, write, writeSync} from 'node:fs'
import type {Writable} from 'node:stream'
import {promisify} from 'node:util'
import {publish, refuseTaken, removeUnpublished, temporaryBeside} from './unpublished.js'

export interface ByteTarget {
  /** For messages: a path, or `standard output`. */
  readonly name: string
  /** Bytes taken so far. */
  readonly bytes: number
  /** Where they can be read again before they have their name; absent where they cannot. */
  readonly path?: string
  /** Takes bytes[start … end). Input/output errors pass through. */
  write(bytes: Uint8Array, start: number, end: number): void
  /**
   * Takes bytes that stay as they are until `drain` has been awaited twice: they are written meanwhile. Absent where
   * nothing is gained by that.
   */
  writeLater?(bytes: Uint8Array, start: number, end: number): void
  /**
   * Takes bytes that stay as they are until what is returned has been awaited: no copy of them is made. Absent where one is
   * made anyhow.
   */
  writeLent?(bytes: Uint8Array, start: number, end: number): Promise<void> | undefined
  /** Overwrites bytes that were taken before; absent where they have been seen by then. */
  rewrite?(bytes: Uint8Array, position: number): void
  /** Forgets all from a position on that `write` took since; absent where it has been seen by then. */
  takeBack?(position: number): void
  /** Waits until there is room for more; undefined where there is. */
  drain(): Promise<void> | undefined
  /** All bytes have been written: makes them last. */
  finish(): Promise<void>
  /** What was written is not wanted: of a file nothing stays. May follow anything. */
  abandon(): Promise<void>
}

/** Bytes of one call to the system: some refuse more than 2^31. */
const CALL_BYTES_MAX = 64 * 1024 * 1024

const writePromise = promisify(write)

async function writeOnce(fd: number, bytes: Uint8Array, at: number, count: number, position: number): Promise<number> {
  return (await writePromise(fd, bytes, at, count, position)).bytesWritten
}

export interface FileTargetOptions {
  /** Replace what stands there under the name. */
  force?: boolean | undefined
  /** Rights of the file; those that others have on new files unless told. */
  mode?: number | undefined
}

/**
 * A file under construction: a temporary one in the same folder, synced and
 * then renamed. Until then whoever looks sees what was there before, or nothing.
 */
export class FileTarget implements ByteTarget {
  bytes = 0
  #fd: number
  readonly #temporary: string
  /** Under way since the last `drain`, and before it. */
  #later: Promise<void>[] = []
  #laterBefore: Promise<void>[] = []

  private constructor(
    readonly name: string,
    readonly force: boolean,
    temporary: string,
    mode: number | undefined,
  ) {
    this.#temporary = temporary
    this.#fd = openSync(temporary, 'wx', mode)
  }

  /** Refuses a name that is taken, unless forced, before anything is made. */
  static create(path: string, {force = false, mode}: FileTargetOptions = {}): FileTarget {
    refuseTaken(path, force)
    return new FileTarget(path, force, temporaryBeside(path), mode)
  }

  /** Where the bytes lie until they have their name. */
  get path(): string {
    return this.#temporary
  }

  write(bytes: Uint8Array, start: number, end: number): void {
    const position = this.bytes - start
    for (let p = start; p < end; ) {
      p += writeSync(this.#fd, bytes, p, Math.min(end - p, CALL_BYTES_MAX), position + p)
    }
    this.bytes += end - start
  }

  writeLater(bytes: Uint8Array, start: number, end: number): void {
    const written = writeAll(this.#fd, bytes, start, end, this.bytes)
    this.bytes += end - start
    // Whoever waits for it meets the error; until then it is nobody's.
    written.catch(() => {})
    this.#later.push(written)
  }

  rewrite(bytes: Uint8Array, position: number): void {
    for (let p = 0; p < bytes.length; ) p += writeSync(this.#fd, bytes, p, bytes.length - p, position + p)
  }

  takeBack(position: number): void {
    ftruncateSync(this.#fd, position)
    this.bytes = position
  }

  drain(): Promise<void> | undefined {
    const before = this.#laterBefore
    if (before.length === 0 && this.#later.length === 0) return undefined
    this.#laterBefore = this.#later
    this.#later = []
    return before.length === 0 ? undefined : Promise.all(before).then(() => {})
  }

  /** Waits until all that was taken can be read back. */
  async settled(): Promise<void> {
    await Promise.all([...this.#laterBefore, ...this.#later])
  }

  async finish(): Promise<void> {
    await this.settled()
    const fd = this.#fd
    fsyncSync(fd)
    this.#fd = -1
    closeSync(fd)
    publish(this.#temporary, this.name, this.force)
  }

  async abandon(): Promise<void> {
    // Another file could be given the number of one that is closed under a write.
    await Promise.allSettled([...this.#laterBefore, ...this.#later])
    if (this.#fd >= 0) closeSync(this.#fd)
    this.#fd = -1
    removeUnpublished(this.#temporary)
  }
}

async function writeAll(fd: number, bytes: Uint8Array, start: number, end: number, position: number): Promise<void> {
  for (let p = start; p < end; ) p += await writeOnce(fd, bytes, p, end - p, position + p - start)
}

/** Pieces of such sizes are copied into blocks that are used again: of new memory every page costs a fault. */
const BLOCK_BYTES_MIN = 64 * 1024
const BLOCK_BYTES = 256 * 1024
const BLOCKS_MAX = 8

/** A stream that somebody else opened and will close: what has been written to it has been seen. */
export class StreamTarget implements ByteTarget {
  bytes = 0
  #failure: Error | undefined
  readonly #blocks: Uint8Array[] = []
  /** Of the blocks, the first ones may hold bytes that the stream has not written yet. */
  #taken = 0

  /** `isLast`: the stream is done with all bytes once none are waiting in it, and has handed them on to nobody. */
  constructor(
    readonly name: string,
    readonly stream: Writable,
    readonly isLast = false,
  ) {
    stream.once('error', error => {
      this.#failure = error
    })
  }

  write(bytes: Uint8Array, start: number, end: number): void {
    if (this.#failure !== undefined) throw this.#failure
    const size = end - start
    this.bytes += size
    this.stream.write(this.isLast && size <= BLOCK_BYTES ? this.#block(bytes, start, end) : bytes.slice(start, end))
  }

  writeLent(bytes: Uint8Array, start: number, end: number): Promise<void> | undefined {
    if (!this.isLast) {
      this.write(bytes, start, end)
      return this.drain()
    }
    if (this.#failure !== undefined) throw this.#failure
    const {stream} = this
    this.bytes += end - start
    stream.write(bytes.subarray(start, end))
    if (stream.writableLength === 0) return undefined
    return this.#settled(done => stream.write(new Uint8Array(0), () => done()))
  }

  /** A copy in a block whose bytes have been written, where there is one. */
  #block(bytes: Uint8Array, start: number, end: number): Uint8Array {
    if (this.stream.writableLength === 0) this.#taken = 0
    if (end - start < BLOCK_BYTES_MIN || this.#taken === BLOCKS_MAX) return bytes.slice(start, end)
    this.#blocks[this.#taken] ??= new Uint8Array(BLOCK_BYTES)
    const block = this.#blocks[this.#taken++]!
    block.set(bytes.subarray(start, end))
    return block.subarray(0, end - start)
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

  rewrite(bytes: Uint8Array, position: number): void {
    this.view().set(bytes, position)
  }

  takeBack(position: number): void {
    this.#pieces = [this.view().slice(0, position)]
    this.bytes = position
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
