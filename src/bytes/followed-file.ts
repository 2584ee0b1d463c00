/**
 * A file that somebody appends to: at its end more is waited for, until nothing
 * will be appended any more, or nobody wants more.
 */
import {readSync} from 'node:fs'
import {type FileHandle, open} from 'node:fs/promises'
import {setTimeout} from 'node:timers/promises'
import {FormatError, UsageError} from '../errors.js'
import {limits} from '../limits.js'
import {compressionOf} from './compressed.js'
import {type ByteSource, type ByteWindow, TwoWindows} from './source.js'

/** A second look has no cost that could be measured. */
const POLL_MS = 250
const MAGIC_BYTES = 4
/** What was read last: by it a file is told that was cut off and has grown again. */
const LAST_BYTES = 4096
/** Windows after which signals and timers get their turn. */
const READS_A_TURN = 32

export interface Following {
  /** Whether nothing will be appended to the file any more. What was until then is read. */
  isOver(): Promise<boolean>
  /** All that is there has been read. */
  onPause(): Promise<void> | undefined
  /** Nobody wants more. */
  signal: AbortSignal
}

export class FollowedFile implements ByteSource {
  readonly inputBytes = Number.POSITIVE_INFINITY
  storedRead = 0
  storedBytes: number
  #windows: TwoWindows | undefined
  /** Where the next bytes go: the window before it may still be looked into. */
  #window: Required<ByteWindow> | undefined
  #following: Following | undefined
  #over = false
  /** Bytes before `storedRead`, kept while more is waited for. */
  #last: Buffer | undefined
  #reads = 0

  private constructor(
    readonly name: string,
    readonly file: FileHandle,
    /** Tells a file from another of the same name. */
    readonly identity: string,
    bytes: number,
  ) {
    this.storedBytes = bytes
  }

  /** Throws UsageError for what cannot grow: a pipe, a compressed file. */
  static async open(path: string): Promise<FollowedFile> {
    const file = await open(path, 'r')
    try {
      const stats = await file.stat()
      if (!stats.isFile())
        throw new UsageError('only a file can be followed: of a pipe, what arrives is shown as it does')
      const {buffer, bytesRead} = await file.read(new Uint8Array(MAGIC_BYTES), 0, MAGIC_BYTES, 0)
      if (compressionOf(buffer, 0, bytesRead) !== undefined) {
        throw new UsageError('only a file that is appended to can be followed, and this one is compressed')
      }
      return new FollowedFile(path, file, identityOf(stats), stats.size)
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** Without: it is read to its end, like any file. */
  follow(following: Following): void {
    this.#following = following
  }

  async read(): Promise<ByteWindow | undefined> {
    if (++this.#reads % READS_A_TURN === 0) await setTimeout(0)
    for (;;) {
      if (this.#following?.signal.aborted === true) return undefined
      this.#checkLast()
      const window = this.#more()
      if (window !== undefined) return window
      if (this.#over || this.#following === undefined) return undefined
      await this.#checkSize()
      // It may have been appended to since we looked: it is read once more.
      this.#over = await this.#following.isOver()
      if (!this.#over) await this.#wait(this.#following)
    }
  }

  #more(): ByteWindow | undefined {
    this.#windows ??= new TwoWindows(limits.windowBytes)
    this.#window ??= this.#windows.next()
    const {bytes, room, start, end} = this.#window
    const filled = readSync(this.file.fd, bytes, start, end - start, this.storedRead)
    if (filled === 0) return undefined
    this.#last = this.#window = undefined
    this.storedRead += filled
    this.storedBytes = Math.max(this.storedBytes, this.storedRead)
    return {bytes, room, start, end: start + filled}
  }

  async #checkSize(): Promise<void> {
    this.#last ??= this.#lastBytes()
    const {size} = await this.file.stat()
    if (size >= this.storedRead) return
    const text = `the file has shrunk to ${size} bytes while it was followed, and ${this.storedRead} had been read`
    throw cutError(text, size)
  }

  /** It may have been cut off, and have grown beyond what was read, before anybody looked. */
  #checkLast(): void {
    const before = this.#last
    if (before === undefined) return
    const now = this.#lastBytes()
    // Of one that is shorter now, its size is told.
    if (now.length < before.length || now.equals(before)) return
    const offset = this.storedRead - now.length + now.findIndex((byte, i) => byte !== before[i])
    throw cutError('the file has been written anew from here on while it was followed', offset)
  }

  #lastBytes(): Buffer {
    const bytes = Buffer.alloc(Math.min(LAST_BYTES, this.storedRead))
    const filled = readSync(this.file.fd, bytes, 0, bytes.length, this.storedRead - bytes.length)
    return bytes.subarray(0, filled)
  }

  async #wait({onPause, signal}: Following): Promise<void> {
    await onPause()
    try {
      await setTimeout(POLL_MS, undefined, {signal})
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  async close(): Promise<void> {
    this.#windows?.giveBack()
    await this.file.close()
  }
}

export function identityOf({dev, ino}: {dev: number; ino: number}): string {
  return `${dev}:${ino}`
}

function cutError(text: string, offset: number): FormatError {
  const error = new FormatError('TRUNCATED', text, offset)
  error.advice = 'a server cuts off what it could not write whole, and so does whoever repairs a log: begin again'
  return error
}
