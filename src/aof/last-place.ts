/**
 * How far a file of a followed log is whole: what its last place says, and what stands behind that.
 */
import {createReadStream, createWriteStream, statSync} from 'node:fs'
import {open} from 'node:fs/promises'
import {basename} from 'node:path'
import {pipeline} from 'node:stream/promises'
import {openFile} from '../bytes/source.js'
import {FormatError} from '../errors.js'
import {LogReader} from './log-reader.js'
import {parsePlace, type StreamPlace} from './stream-place.js'

const LOOK_BYTES = 1024 * 1024
/** No head of a command or an argument is longer, and none of our lines. */
const HEAD_BYTES_MAX = 96

export interface LastPlace {
  place: StreamPlace
  wholeBytes: number
  commandsBehind: number
  bytes: number
}

/** Reads a file from its beginning: what looks like a place may be within a value, and is none there. */
export async function lastPlace(path: string): Promise<LastPlace> {
  const source = await openFile(path)
  const reader = new LogReader(source)
  let place: StreamPlace | undefined
  let wholeBytes = 0
  let commandsBehind = 0
  const visitor = {
    command: () => {
      commandsBehind++
    },
    annotation: (bytes: Uint8Array, start: number, end: number, offset: number) => {
      const told = parsePlace(bytes, start, end)
      if (told === undefined) return
      place = told
      wholeBytes = offset + end - start
      commandsBehind = 0
    },
  }
  try {
    await reader.run(visitor)
  } catch (error) {
    // A machine that lost its power leaves zeros where bytes were still to be written.
    if (!(error instanceof FormatError) || !(await isZero(path, error.offset))) throw error
  } finally {
    await source.close()
  }
  if (place === undefined) {
    throw new FormatError('BAD_COMMAND', `${basename(path)} does not say how far it follows its master`, 0)
  }
  return {place, wholeBytes, commandsBehind, bytes: statSync(path).size}
}

/** Whether the file has nothing but zeros from a place on, or from one within the line that begins there. */
async function isZero(path: string, from: number): Promise<boolean> {
  const file = await open(path, 'r')
  try {
    const buffer = new Uint8Array(LOOK_BYTES)
    let zeros = false
    for (let at = from; ; ) {
      const {bytesRead} = await file.read(buffer, 0, buffer.length, at)
      if (bytesRead === 0) return zeros
      let i = 0
      if (!zeros) {
        while (i < bytesRead && buffer[i] !== 0) if (++i > HEAD_BYTES_MAX) return false
        zeros = i < bytesRead
      }
      for (; i < bytesRead; i++) if (buffer[i] !== 0) return false
      at += bytesRead
    }
  } finally {
    await file.close()
  }
}

/** What nobody vouches for is no longer in the log, and is not lost. */
export async function copyTail(path: string, from: number, copy: string): Promise<string> {
  await pipeline(createReadStream(path, {start: from}), createWriteStream(copy, {flags: 'wx', flush: true}))
  return copy
}
