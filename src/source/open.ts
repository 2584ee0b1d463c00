/**
 * A source as it is named on a command line: a path, or `-` for standard
 * input, compressed or not.
 */
import {fstat as fstatCallback} from 'node:fs'
import {promisify} from 'node:util'
import {decompressed} from '../bytes/compressed.js'
import {type ByteSource, openFile, StreamSource} from '../bytes/source.js'
import {UnsupportedError, UsageError} from '../errors.js'

const STANDARD_INPUT = '-'

const fstat = promisify(fstatCallback)

/** Opens what a name stands for. Input/output errors pass through. */
export async function openSource(name: string): Promise<ByteSource> {
  if (/^(rediss?|unix):\/\//.test(name)) {
    const message = 'a live server cannot be read yet: SAVE it and name the file'
    throw new UnsupportedError('UNKNOWN_CONTAINER', message, 0)
  }
  const source = name === STANDARD_INPUT ? await standardInput() : await openPath(name)
  try {
    return await decompressed(source)
  } catch (error) {
    await source.close()
    throw error
  }
}

async function openPath(path: string): Promise<ByteSource> {
  try {
    return await openFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EISDIR') throw error
    const message = 'this is a folder; an append-only folder cannot be read yet: name the RDB file in it'
    throw new UnsupportedError('UNKNOWN_CONTAINER', message, 0)
  }
}

async function standardInput(): Promise<ByteSource> {
  if (process.stdin.isTTY === true) {
    throw new UsageError('standard input is a terminal: pipe a file into it, or name one')
  }
  // A file that the shell has opened for us is read like a file: with its size, ahead of the parser.
  const stat = await fstat(0)
  if (stat.isFile()) return openFile('/dev/stdin')
  return new StreamSource('standard input', process.stdin as AsyncIterable<Uint8Array>, async () => {
    process.stdin.destroy()
  })
}
