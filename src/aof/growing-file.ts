/**
 * A file of a log that follows a master (stream-place): its last place says how far it is whole, and whatever stands behind
 * that is cut off before more is written.
 *
 *   [SELECT <db>] #RDBTOOL ...   ( [#TS:<seconds>] units #RDBTOOL ... )*
 */
import {type FileHandle, open} from 'node:fs/promises'
import {formatCommand} from '../resp/framing.js'
import {formatPlace, type StreamPlace} from './stream-place.js'

const NOTHING = new Uint8Array(0)

export class GrowingFile {
  /** Of the file: what is not whole is counted too. */
  bytes: number
  /** Up to the end of the last place. */
  wholeBytes: number
  /** Of the stream, what has surely reached the disk; -1 where nobody looked. */
  syncedOffset = -1
  /** Of the last annotation that says when. */
  #second = 0
  #syncing: Promise<void> | undefined

  private constructor(
    /** It may be renamed meanwhile. */
    public path: string,
    readonly file: FileHandle,
    public place: StreamPlace,
    bytes: number,
  ) {
    this.bytes = this.wholeBytes = bytes
  }

  /** A new file, on disk, which begins at a place of the stream. The name must be free. */
  static async create(path: string, place: StreamPlace): Promise<GrowingFile> {
    const growing = new GrowingFile(path, await open(path, 'wx', 0o600), place, 0)
    try {
      // A file is replayed from database 0 on, and a master that goes on does not say again what is selected.
      const head = place.db === 0 ? NOTHING : formatCommand(['SELECT', String(place.db)])
      await growing.#write([head, Buffer.from(formatPlace(place))])
      growing.wholeBytes = growing.bytes
      await growing.sync()
      return growing
    } catch (error) {
      await growing.file.close()
      throw error
    }
  }

  /** A file that is there, whose last place ends at `wholeBytes`: what stands behind that is cut off. */
  static async resume(path: string, place: StreamPlace, wholeBytes: number): Promise<GrowingFile> {
    const growing = new GrowingFile(path, await open(path, 'r+'), place, wholeBytes)
    await growing.file.truncate(wholeBytes)
    return growing
  }

  /**
   * Adds whole units: bytes[0, end), received at a moment in milliseconds since 1970, and the place behind them. Resolves
   * when the system has them. After an error the file has what it had before, or more that is not whole.
   */
  async append(bytes: Uint8Array, end: number, place: StreamPlace, nowMs: number): Promise<void> {
    if (end === 0 && !this.isWhole) throw new Error('a place within a unit would be none')
    await this.#write([this.#timestamp(end, nowMs), bytes.subarray(0, end), Buffer.from(formatPlace(place))])
    this.wholeBytes = this.bytes
    this.place = place
  }

  /** It ends behind a whole unit. */
  get isWhole(): boolean {
    return this.bytes === this.wholeBytes
  }

  /** Adds the beginning of a unit; the place behind it comes with the rest. */
  async appendPart(bytes: Uint8Array, end: number, nowMs: number): Promise<void> {
    await this.#write([this.#timestamp(end, nowMs), bytes.subarray(0, end)])
  }

  /** Cuts off what is not whole. */
  async cut(): Promise<void> {
    if (this.bytes === this.wholeBytes) return
    await this.file.truncate(this.wholeBytes)
    this.bytes = this.wholeBytes
  }

  /** Brings to the disk what has been added by now. */
  async sync(): Promise<void> {
    // What was added since the one under way began would not be in it.
    await this.#syncing
    if (this.syncedOffset === this.place.offset) return
    const {offset} = this.place
    this.#syncing = this.file.datasync().finally(() => {
      this.#syncing = undefined
    })
    await this.#syncing
    this.syncedOffset = Math.max(this.syncedOffset, offset)
  }

  async close(): Promise<void> {
    await this.#syncing?.catch(() => {})
    await this.file.close()
  }

  /** At most one a second, and never within a unit (redis 7.0 aof.c). */
  #timestamp(end: number, nowMs: number): Uint8Array {
    const second = Math.floor(nowMs / 1000)
    if (end === 0 || second <= this.#second || !this.isWhole) return NOTHING
    this.#second = second
    return Buffer.from(`#TS:${second}\r\n`)
  }

  async #write(pieces: readonly Uint8Array[]): Promise<void> {
    for (let rest = pieces.filter(({length}) => length > 0); rest.length > 0; ) {
      const {bytesWritten} = await this.file.writev(rest, this.bytes)
      this.bytes += bytesWritten
      rest = behind(rest, bytesWritten)
    }
  }
}

/** What is left where so many bytes of pieces were written. */
function behind(pieces: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let left = bytes
  const rest: Uint8Array[] = []
  for (const piece of pieces) {
    const written = Math.min(left, piece.length)
    left -= written
    if (written < piece.length) rest.push(piece.subarray(written))
  }
  return rest
}
