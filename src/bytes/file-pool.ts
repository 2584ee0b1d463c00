/**
 * Many files that are written side by side, of which only some are open at a time: a process may have no more than its
 * system allows, often 1,024.
 *
 * They lie in a folder that is published as a whole: none has a name of its own to be given.
 */
import {closeSync, fsyncSync, ftruncateSync, openSync, writeSync} from 'node:fs'
import type {ByteTarget} from './target.js'

const OPEN_MAX = 256

export class FilePool {
  /** Those that are open, the one used longest ago first. */
  readonly #open = new Set<PooledFile>()

  /** A new file; an error where there is one of that name. */
  create(path: string): PooledFile {
    const file = new PooledFile(path, this)
    this.open(file, 'wx')
    return file
  }

  /** The file's descriptor. */
  open(file: PooledFile, flags: 'wx' | 'r+' = 'r+'): number {
    if (this.#open.delete(file)) {
      this.#open.add(file)
      return file.fd
    }
    const [oldest] = this.#open
    if (oldest !== undefined && this.#open.size >= OPEN_MAX) this.close(oldest)
    file.fd = openSync(file.path, flags)
    this.#open.add(file)
    return file.fd
  }

  close(file: PooledFile): void {
    if (!this.#open.delete(file)) return
    const {fd} = file
    file.fd = -1
    closeSync(fd)
  }
}

export class PooledFile implements ByteTarget {
  bytes = 0
  /** Where it is open; its pool's. */
  fd = -1

  constructor(
    readonly path: string,
    readonly pool: FilePool,
  ) {}

  get name(): string {
    return this.path
  }

  write(bytes: Uint8Array, start: number, end: number): void {
    this.#writeAt(bytes, start, end, this.bytes)
    this.bytes += end - start
  }

  rewrite(bytes: Uint8Array, position: number): void {
    this.#writeAt(bytes, 0, bytes.length, position)
  }

  takeBack(position: number): void {
    ftruncateSync(this.pool.open(this), position)
    this.bytes = position
  }

  drain(): undefined {}

  async finish(): Promise<void> {
    fsyncSync(this.pool.open(this))
    this.pool.close(this)
  }

  /** The file goes with its folder. */
  async abandon(): Promise<void> {
    this.pool.close(this)
  }

  #writeAt(bytes: Uint8Array, start: number, end: number, position: number): void {
    const fd = this.pool.open(this)
    for (let p = start; p < end; ) p += writeSync(fd, bytes, p, end - p, position + p - start)
  }
}
