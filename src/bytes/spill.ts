/**
 * A temporary file for what does not fit the memory that was granted.
 *
 *   ┌─────────┬─────────┬───────┐
 *   │ block 0 │ block 1 │  ...  │   append() says where each begins; truncate() gives back the last ones
 *   └─────────┴─────────┴───────┘
 *
 * Nothing is made before the first append. Where the system lets an open file
 * lose its name it does so at once, so that nothing stays behind however the
 * process ends; elsewhere (Windows) it is removed on close and on exit.
 */
import {closeSync, ftruncateSync, openSync, readSync, rmSync, unlinkSync, writeSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

/** Bytes of one call to the system: some refuse more than 2^31. */
const CALL_BYTES_MAX = 64 * 1024 * 1024

const ADVICE = '; make room there, choose another folder for it, or allow more memory'

/** The temporary file failed. The system's own error is the cause; `syscall` makes it an input/output error. */
export class SpillError extends Error {
  override readonly name = 'SpillError'
  readonly code = 'TEMPORARY_FILE'
  readonly syscall: string

  constructor(doing: string, folder: string, bytes: number, cause: unknown, advice: string = ADVICE) {
    const {code, message, syscall} = cause as NodeJS.ErrnoException
    const why = code === 'ENOSPC' ? 'the disk is full' : code === 'EDQUOT' ? 'the quota is used up' : message
    const size = bytes > 0 ? ` (${(bytes / 2 ** 20).toFixed(1)} MiB so far)` : ''
    super(`cannot ${doing} the temporary file in ${folder}${size}: ${why}${doing === 'read' ? '' : advice}`, {cause})
    this.syscall = syscall ?? doing
  }
}

/** Files that could not lose their names while open. */
const named = new Set<string>()
let watchingExit = false

export class SpillFile {
  #fd = -1
  #path = ''
  #bytes = 0

  constructor(readonly folder: string = tmpdir()) {}

  /** Where the next block will begin. */
  get bytes(): number {
    return this.#bytes
  }

  /** Writes bytes[start … end) at the end, and returns where. */
  append(bytes: Uint8Array, start: number, end: number): number {
    const position = this.#bytes
    if (this.#fd < 0) this.#open()
    try {
      for (let p = start; p < end; ) {
        p += writeSync(this.#fd, bytes, p, Math.min(end - p, CALL_BYTES_MAX), position + p - start)
      }
    } catch (error) {
      throw new SpillError('write', this.folder, position, error)
    }
    this.#bytes = position + end - start
    return position
  }

  /** Fills into[start … end) from what was appended. */
  read(position: number, into: Uint8Array, start: number, end: number): void {
    try {
      for (let p = start; p < end; ) {
        const got = readSync(this.#fd, into, p, Math.min(end - p, CALL_BYTES_MAX), position + p - start)
        if (got === 0) throw new Error('somebody cut it short')
        p += got
      }
    } catch (error) {
      throw new SpillError('read', this.folder, this.#bytes, error)
    }
  }

  /** Forgets everything from a position on and gives its room back. */
  truncate(position: number): void {
    if (this.#fd < 0 || position >= this.#bytes) return
    try {
      ftruncateSync(this.#fd, position)
    } catch (error) {
      throw new SpillError('truncate', this.folder, this.#bytes, error)
    }
    this.#bytes = position
  }

  /** Removes the file. A later append begins a new one. */
  close(): void {
    if (this.#fd < 0) return
    const fd = this.#fd
    this.#fd = -1
    this.#bytes = 0
    closeSync(fd)
    if (this.#path !== '') remove(this.#path)
    this.#path = ''
  }

  #open(): void {
    const id = Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString('hex')
    const path = join(this.folder, `rdbtool-${process.pid}-${id}.tmp`)
    try {
      this.#fd = openSync(path, 'wx+', 0o600)
    } catch (error) {
      throw new SpillError('create', this.folder, 0, error)
    }
    try {
      unlinkSync(path)
    } catch {
      this.#path = path
      named.add(path)
      if (!watchingExit) process.once('exit', () => named.forEach(remove))
      watchingExit = true
    }
  }
}

function remove(path: string): void {
  named.delete(path)
  try {
    rmSync(path, {force: true})
  } catch {
    // A temporary file that will not go is no reason to fail what has been done with it.
  }
}
