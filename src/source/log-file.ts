/**
 * A file of a log that is open before it is read, so that it stays there
 * whatever becomes of its name.
 */
import {type FileHandle, open} from 'node:fs/promises'
import {compressionOf, decompressed} from '../bytes/compressed.js'
import {type ByteSource, sourceOf} from '../bytes/source.js'

const STAMP = '\n#TS:'
const MAGIC_BYTES = 4
/** Where a server writes times, there is one in every second that it writes anything. */
const END_BYTES = 1024 * 1024

export class OpenLogFile {
  private constructor(
    readonly path: string,
    readonly name: string,
    readonly file: FileHandle,
    /** As stored; Infinity of a pipe. */
    readonly bytes: number,
    /** Its bytes can be looked at once more, wherever they are: it is no pipe, and not compressed. */
    readonly isPlain: boolean,
  ) {}

  static async open(path: string, name: string): Promise<OpenLogFile> {
    const file = await open(path, 'r')
    try {
      const stats = await file.stat()
      if (!stats.isFile()) return new OpenLogFile(path, name, file, Number.POSITIVE_INFINITY, false)
      const head = await piece(file, 0, MAGIC_BYTES)
      const isPlain = compressionOf(head, 0, head.length) === undefined
      return new OpenLogFile(path, name, file, stats.size, isPlain)
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** Takes the file over. */
  async source(): Promise<ByteSource> {
    return await decompressed(await sourceOf(this.path, this.file))
  }

  /** False where its end has no time; of what has no end that can be looked at, nobody knows. */
  async mayHaveTimes(): Promise<boolean> {
    return !this.isPlain || (await endsWithTimes(this.file))
  }

  async close(): Promise<void> {
    await this.file.close()
  }
}

/** Whether there is a time near the end of a file that is neither a pipe nor compressed: one may stand far within. */
export async function endsWithTimes(file: FileHandle): Promise<boolean> {
  const {size} = await file.stat()
  // Where the file begins with a time, no line ends before it.
  if (size <= END_BYTES) return `\n${await text(file, 0, size)}`.includes(STAMP)
  return (await text(file, size - END_BYTES, END_BYTES)).includes(STAMP)
}

async function text(file: FileHandle, at: number, bytes: number): Promise<string> {
  return (await piece(file, at, bytes)).toString('latin1')
}

async function piece(file: FileHandle, at: number, bytes: number): Promise<Buffer> {
  const {buffer, bytesRead} = await file.read(Buffer.alloc(bytes), 0, bytes, at)
  return buffer.subarray(0, bytesRead)
}
