/**
 * A source as a file that can be read from any place, more than once: a plain file is that itself; what is compressed, or
 * comes through a pipe, is unpacked into a temporary file first.
 */
import {type FileHandle, open} from 'node:fs/promises'
import {type ByteSource, windowsOf} from '../bytes/source.js'
import {removeUnpublished, temporaryBeside} from '../bytes/unpublished.js'
import {openSource} from './open.js'

export interface PlainFile {
  path: string
  /** As many as there were when it was opened: a server may be writing to it. */
  bytes: number
  /** Removes what was made for it. */
  remove(): void
}

/** `beside`: a name in whose folder there is room for a temporary file. Input/output errors pass through. */
export async function plainFile(name: string, beside: string): Promise<PlainFile> {
  const source = await openSource(name)
  try {
    const {inputBytes, storedBytes} = source
    const plain = name !== '-' && Number.isFinite(inputBytes) && inputBytes === storedBytes
    return plain ? {path: name, bytes: inputBytes, remove: () => {}} : await unpacked(source, beside)
  } finally {
    await source.close()
  }
}

async function unpacked(source: ByteSource, beside: string): Promise<PlainFile> {
  const path = temporaryBeside(beside)
  const remove = (): void => removeUnpublished(path)
  try {
    const file = await open(path, 'wx', 0o600)
    try {
      return {path, bytes: await writeAll(source, file), remove}
    } finally {
      await file.close()
    }
  } catch (error) {
    remove()
    throw error
  }
}

async function writeAll(source: ByteSource, file: FileHandle): Promise<number> {
  let written = 0
  for await (const window of windowsOf(source)) {
    for (let at = 0; at < window.length; ) {
      const {bytesWritten} = await file.write(window, at, window.length - at, written)
      at += bytesWritten
      written += bytesWritten
    }
  }
  return written
}
