/**
 * Whether a log says when its commands were written: looked up before it is
 * shown, since the first time may stand far within.
 */
import {type FileHandle, open, stat} from 'node:fs/promises'
import {compressionOf} from '../bytes/compressed.js'

const STAMP = '\n#TS:'
const MAGIC_BYTES = 4
/** Where a server writes times, there is one in every second that it writes anything. */
const END_BYTES = 1024 * 1024

/** False where the end of a file has no time; of what has no end that can be looked at, nobody knows. */
export async function mayHaveTimes(path: string): Promise<boolean> {
  if (!(await stat(path)).isFile()) return true
  const file = await open(path, 'r')
  try {
    return await endsWithTimes(file)
  } finally {
    await file.close()
  }
}

/** The same of a file that is open, and no pipe. */
export async function endsWithTimes(file: FileHandle): Promise<boolean> {
  const head = await piece(file, 0, MAGIC_BYTES)
  if (compressionOf(head, 0, head.length) !== undefined) return true
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
