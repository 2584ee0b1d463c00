/**
 * A file that is written under a name of its own, and gets its final one only when it is whole: nothing half-written
 * ever stands under the name that was asked for.
 *
 *   create -> append ... -> finish -> (read back, judge) -> publish or discard
 *
 * Bytes are gathered into blocks; while one is written the next is filled, so that neither the disk nor the wire waits
 * for the other. What is not published is removed, also when a signal ends the process.
 */
import {type FileHandle, open} from 'node:fs/promises'
import {Crc64} from './crc64.js'
import {FileSource} from './source.js'
import {publish, removeUnpublished, temporaryBeside} from './unpublished.js'

/** Large enough that the calls cost nothing, small enough that two of them do not matter. */
const BLOCK_BYTES = 512 * 1024
/** Blocks that may wait for the disk. */
const BLOCKS_MAX = 4

export class Spool {
  /** Bytes appended since the last restart. */
  bytes = 0
  #block = new Uint8Array(BLOCK_BYTES)
  #filled = 0
  /** Waiting to be written, oldest first; and those that can be filled again. */
  readonly #full: Uint8Array<ArrayBuffer>[] = []
  readonly #free: Uint8Array<ArrayBuffer>[] = []
  /** Bytes that have reached the file. */
  written = 0
  /** All of them have. */
  finished = false
  /** Attempts so far: who reads along knows by it that another one has begun. */
  generation = 0
  #waiting: (() => void)[] = []
  #writing: Promise<void> | undefined
  #failure: Error | undefined
  /** Of what was appended; whole once it is finished. */
  readonly checksum = new Crc64()
  #open = true

  private constructor(
    readonly path: string,
    readonly file: FileHandle,
  ) {}

  /** Makes the file in the folder of a name, which it may be published under. */
  static async create(path: string): Promise<Spool> {
    const temporary = temporaryBeside(path)
    return new Spool(temporary, await open(temporary, 'wx+', 0o600))
  }

  /** Adds bytes[start, end), copied. Memory follows where nobody waits for `ready`. */
  append(bytes: Uint8Array, start: number, end: number): void {
    this.bytes += end - start
    for (let at = start; at < end; ) {
      const taken = Math.min(end - at, BLOCK_BYTES - this.#filled)
      this.#block.set(bytes.subarray(at, at + taken), this.#filled)
      this.#filled += taken
      at += taken
      if (this.#filled === BLOCK_BYTES) this.#handOver()
    }
  }

  /** What to wait for before more is appended: the disk. Undefined where there is nothing to wait for. */
  ready(): Promise<void> | undefined {
    if (this.#failure === undefined && this.#full.length < BLOCKS_MAX) return undefined
    return this.#idle()
  }

  /** Brings everything to the disk. */
  async finish(): Promise<void> {
    this.#handOver()
    await this.#idle()
    this.finished = true
    this.#tell()
    await this.file.sync()
  }

  /** Resolves once more has reached the file, or no more will. */
  progress(): Promise<void> {
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  /** Bytes of the finished file. */
  async peek(at: number, count: number): Promise<Uint8Array> {
    const {buffer, bytesRead} = await this.file.read(new Uint8Array(count), 0, count, at)
    return buffer.subarray(0, bytesRead)
  }

  /** Forgets everything: another attempt begins. */
  async restart(): Promise<void> {
    await this.#writing
    this.#abandonReaders()
    this.#failure = undefined
    this.finished = false
    this.bytes = this.#filled = this.written = this.#full.length = 0
    this.checksum.reset()
    await this.file.truncate(0)
  }

  /** Reads the file from its beginning; closing the source leaves the file. */
  async source(name: string): Promise<FileSource> {
    return new FileSource(name, await open(this.path, 'r'), this.bytes)
  }

  /** Gives the file its final name. What has that name already is replaced only if forced. */
  async publish(path: string, force: boolean): Promise<void> {
    await this.#close()
    publish(this.path, path, force)
  }

  /** Removes the file, unless it has been published. */
  async discard(): Promise<void> {
    await this.#writing
    this.#abandonReaders()
    await this.#close()
    removeUnpublished(this.path)
  }

  #handOver(): void {
    if (this.#filled === 0) return
    this.#full.push(this.#block.subarray(0, this.#filled))
    this.#block = this.#free.pop() ?? new Uint8Array(BLOCK_BYTES)
    this.#filled = 0
    this.#writing ??= this.#write()
  }

  /** Never rejects: what went wrong is met by who waits. */
  async #write(): Promise<void> {
    try {
      for (let block = this.#full[0]; block !== undefined; block = this.#full[0]) {
        this.checksum.update(block, 0, block.length)
        for (let at = 0; at < block.length; ) {
          const {bytesWritten} = await this.file.write(block, at, block.length - at, this.written)
          at += bytesWritten
          this.written += bytesWritten
        }
        this.#full.shift()
        this.#tell()
        this.#free.push(new Uint8Array(block.buffer))
      }
    } catch (error) {
      this.#failure = error as Error
      this.#full.length = 0
    } finally {
      this.#writing = undefined
    }
  }

  #tell(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  #abandonReaders(): void {
    this.generation++
    this.#tell()
  }

  async #idle(): Promise<void> {
    await this.#writing
    if (this.#failure !== undefined) throw this.#failure
  }

  async #close(): Promise<void> {
    if (!this.#open) return
    this.#open = false
    await this.file.close()
  }
}
