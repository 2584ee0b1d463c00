/**
 * Where bytes come from: windows of an input, in order, each with room in front
 * for the few bytes that the last one left unread.
 *
 *   ┌──────────────┬───────────────────────┐
 *   │ headroom     │ bytes of the input    │
 *   └──────────────┴───────────────────────┘
 *   0              start                   end
 */
import {read, readSync} from 'node:fs'
import {type FileHandle, open} from 'node:fs/promises'
import {basename} from 'node:path'
import type {Readable} from 'node:stream'
import {setImmediate as eventLoopTurn} from 'node:timers/promises'
import {limits} from '../limits.js'
import {giveBackWindows, kernel, takeWindows, type WindowArea} from './kernel.js'

/** Room in front of a window; what a cursor keeps beyond it is copied to a buffer of its own. */
export const HEADROOM_BYTES = 16 * 1024

/** Windows of a file after which the event loop gets a turn: 8 MiB, some milliseconds. */
const READS_A_TURN = 8

/** A file of so many windows or fewer is read before the thread pool has begun. */
const READ_AHEAD_WINDOWS_MIN = 4

/** Asked for of a stream at a time: a buffer is made for each, and a pipe fills no more than a quarter of it. */
export const STREAM_READ_BYTES = 256 * 1024

/** One window of an input. Valid until the next but one read. */
export interface ByteWindow {
  bytes: Uint8Array
  /** From here up to `start`, bytes may be overwritten; 0 where absent. */
  room?: number
  start: number
  end: number
}

export interface ByteSource {
  /** For messages: a path, or `standard input`. */
  readonly name: string
  /** Size of the input; Infinity where nobody knows it beforehand. */
  readonly inputBytes: number
  /** A file with the same bytes, where the name is that of none. */
  readonly path?: string | undefined
  /** Where the bytes lie in an open file as they are: others may read them there too, as long as it is open. */
  readonly lies?: {fd: number; start: number} | undefined
  /** Others have read so much of it there: for progress. */
  passed?(bytes: number): void
  /** How much of the stored input has been consumed: for progress, of `storedBytes`. */
  readonly storedRead: number
  /** Size of the stored input, compressed or not; Infinity where unknown. */
  readonly storedBytes: number
  /**
   * The next window, or nothing at the end. Input/output errors pass through. `ahead`: the one after it may be read meanwhile,
   * by the thread pool; false where that has half as much to do as this thread: it reads every other window.
   */
  read(ahead?: boolean): Promise<ByteWindow | undefined>
  /**
   * Reads a compressed input to its end, where its own checksum stands, and
   * returns how many bytes were left. A plain stream may have no end: of it nothing is read.
   */
  readRest?(): Promise<number>
  close(): Promise<void>
}

/** Bytes already in memory, in windows of `windowBytes`. */
export class MemorySource implements ByteSource {
  readonly bytes: Uint8Array
  readonly inputBytes: number
  readonly storedBytes: number
  storedRead = 0

  constructor(
    bytes: Uint8Array,
    readonly windowBytes: number = limits.windowBytes,
    readonly name = 'memory',
  ) {
    // The slice of a Buffer is a view: what is handed out would change with the caller's bytes.
    this.bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
    this.inputBytes = this.storedBytes = bytes.length
  }

  async read(): Promise<ByteWindow | undefined> {
    if (this.storedRead >= this.bytes.length) return undefined
    const end = Math.min(this.storedRead + this.windowBytes, this.bytes.length)
    const bytes = this.bytes.slice(this.storedRead, end)
    this.storedRead = end
    return {bytes, start: 0, end: bytes.length}
  }

  async close(): Promise<void> {}
}

/** Room for windows that take turns, in the kernels' memory where there is some. */
class WindowsInTurn {
  #areas: readonly WindowArea[] | undefined
  readonly #windows: readonly Required<ByteWindow>[]
  #turn = 0

  constructor(windowBytes: number, count: number) {
    const areas = takeWindows(count)
    this.#areas = areas
    if (areas === undefined) {
      const end = HEADROOM_BYTES + windowBytes
      const own = (): Required<ByteWindow> => ({bytes: new Uint8Array(end), room: 0, start: HEADROOM_BYTES, end})
      this.#windows = Array.from({length: count}, own)
    } else {
      const {bytes} = kernel()
      this.#windows = areas.map(({room, start, end}) => ({bytes, room, start, end: Math.min(end, start + windowBytes)}))
    }
  }

  next(): Required<ByteWindow> {
    this.#turn = (this.#turn + 1) % this.#windows.length
    return this.#windows[this.#turn]!
  }

  /** For the next source; what was lent must not be looked into any more. */
  giveBack(): void {
    if (this.#areas !== undefined) giveBackWindows(this.#areas)
    this.#areas = undefined
  }
}

/** One lent last and still looked into, one being filled. */
export class TwoWindows extends WindowsInTurn {
  constructor(windowBytes: number) {
    super(windowBytes, 2)
  }
}

/**
 * A regular file. While a window is worked on, the thread pool reads the next one: that costs this thread 0.04 s a gigabyte
 * where reading costs 0.2 s.
 */
export class FileSource implements ByteSource {
  readonly storedBytes: number
  storedRead = 0
  readonly #readsAhead: boolean
  /** One lent last and still looked into, one worked on, one being filled. */
  readonly #windows: WindowsInTurn
  #reads = 0
  /** Bytes of the windows read so far, and of the one that is being read. */
  #position = 0
  #ahead: Promise<ByteWindow | undefined> | undefined

  /** Takes a file over; it is closed with the source. Reads `inputBytes` from `start` on. */
  constructor(
    readonly name: string,
    readonly file: FileHandle,
    readonly inputBytes: number,
    readonly start = 0,
  ) {
    this.storedBytes = inputBytes
    this.#readsAhead = inputBytes > READ_AHEAD_WINDOWS_MIN * limits.windowBytes
    this.#windows = new WindowsInTurn(Math.min(limits.windowBytes, Math.max(inputBytes, 1)), this.#readsAhead ? 3 : 2)
  }

  get lies(): {fd: number; start: number} {
    return {fd: this.file.fd, start: this.start}
  }

  passed(bytes: number): void {
    this.storedRead = bytes
  }

  async read(ahead = true): Promise<ByteWindow | undefined> {
    const isOwn = this.#ahead === undefined
    const window = await (this.#ahead ?? this.#readNow())
    this.#ahead = undefined
    if (window === undefined) return undefined
    this.storedRead += window.end - window.start
    if (this.#readsAhead && (ahead || isOwn)) {
      this.#ahead = this.#readLater()
      // Whoever asks for the window meets the error; until then it is nobody's.
      this.#ahead.catch(() => {})
    }
    return window
  }

  async close(): Promise<void> {
    // What is under way would be written to the window of another source, or read from another file.
    await this.#ahead?.catch(() => {})
    this.#windows.giveBack()
    await this.file.close()
  }

  /** Signals and timers get their turn in between. */
  async #readNow(): Promise<ByteWindow | undefined> {
    if (++this.#reads % READS_A_TURN === 0) await eventLoopTurn()
    const {window, wanted} = this.#next()
    if (wanted <= 0) return undefined
    return this.#filled(window, readSync(this.file.fd, window.bytes, window.start, wanted, this.start + this.#position))
  }

  #readLater(): Promise<ByteWindow | undefined> {
    const {window, wanted} = this.#next()
    if (wanted <= 0) return Promise.resolve(undefined)
    return new Promise((resolve, reject) => {
      read(this.file.fd, window.bytes, window.start, wanted, this.start + this.#position, (error, bytes) => {
        if (error === null) resolve(this.#filled(window, bytes))
        else reject(error)
      })
    })
  }

  /** A file that grows meanwhile is read as it was when it was opened. */
  #next(): {window: Required<ByteWindow>; wanted: number} {
    const window = this.#windows.next()
    return {window, wanted: Math.min(window.end - window.start, this.storedBytes - this.#position)}
  }

  #filled({bytes, room, start}: Required<ByteWindow>, filled: number): ByteWindow | undefined {
    this.#position += filled
    return filled === 0 ? undefined : {bytes, room, start, end: start + filled}
  }
}

/** Whatever arrives in pieces: standard input, a decompressor. */
export class StreamSource implements ByteSource {
  readonly inputBytes = Number.POSITIVE_INFINITY
  readonly #iterator: AsyncIterator<Uint8Array>
  /** Copying a piece costs less than joining it to what the cursor has left, and kernels work on it there. */
  readonly #windows = new TwoWindows(limits.windowBytes)
  #piece: Uint8Array = new Uint8Array(0)
  /** Of the piece, bytes that have been handed on. */
  #at = 0
  #handed = 0
  #isWaiting = false

  /** `stored` tells the progress of a stream that decompresses another source. */
  constructor(
    readonly name: string,
    stream: AsyncIterable<Uint8Array>,
    readonly onClose: () => Promise<void> = async () => {},
    readonly stored: {readonly storedRead: number; readonly storedBytes: number} | undefined = undefined,
  ) {
    this.#iterator = stream[Symbol.asyncIterator]()
  }

  get storedRead(): number {
    return this.stored?.storedRead ?? this.#handed
  }

  get storedBytes(): number {
    return this.stored?.storedBytes ?? Number.POSITIVE_INFINITY
  }

  async read(): Promise<ByteWindow | undefined> {
    while (this.#at === this.#piece.length) {
      this.#isWaiting = true
      const {done, value} = await this.#iterator.next()
      this.#isWaiting = false
      if (done === true) return undefined
      this.#piece = value
      this.#at = 0
    }
    const {bytes, room, start, end} = this.#windows.next()
    const count = Math.min(end - start, this.#piece.length - this.#at)
    bytes.set(this.#piece.subarray(this.#at, this.#at + count), start)
    this.#at += count
    this.#handed += count
    return {bytes, room, start, end: start + count}
  }

  async readRest(): Promise<number> {
    if (this.stored === undefined) return 0
    const before = this.#handed
    while ((await this.read()) !== undefined);
    return this.#handed - before
  }

  async close(): Promise<void> {
    this.#windows.giveBack()
    // An iterator that waits returns when what it waits for has come.
    if (!this.#isWaiting) await this.#iterator.return?.()
    await this.onClose()
  }
}

/** Bytes of any source, one window after another; each is valid until the next but one. */
export async function* windowsOf(source: ByteSource): AsyncGenerator<Uint8Array> {
  for (let window = await source.read(); window !== undefined; window = await source.read()) {
    yield window.bytes.subarray(window.start, window.end)
  }
}

/** Opens a path without looking at what it holds; a folder is refused (EISDIR). */
export async function openFile(path: string): Promise<ByteSource> {
  return await sourceOf(path, await open(path, 'r'))
}

/** The same of a file that is open, which is taken over: whatever has its name by now. */
export async function sourceOf(path: string, file: FileHandle): Promise<ByteSource> {
  try {
    const stat = await file.stat()
    if (stat.isFile()) return new FileSource(path, file, stat.size)
    if (stat.isDirectory()) {
      throw Object.assign(new Error(`EISDIR: ${path} is a folder`), {code: 'EISDIR', path})
    }
    // A pipe or a device: its size says nothing.
    const stream: Readable = file.createReadStream({highWaterMark: STREAM_READ_BYTES})
    return new StreamSource(basename(path), stream as AsyncIterable<Uint8Array>, async () => file.close())
  } catch (error) {
    await file.close()
    throw error
  }
}
