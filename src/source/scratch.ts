/**
 * A source as a file that can be read from any place, more than once: a plain file is that itself; what is compressed, or
 * comes through a pipe, is unpacked into a temporary file first.
 */
import {type FileHandle, open} from 'node:fs/promises'
import {type ByteSource, windowsOf} from '../bytes/source.js'
import {removeUnpublished, temporaryBeside} from '../bytes/unpublished.js'
import {FormatError} from '../errors.js'
import {openSource} from './open.js'

export interface PlainFile {
  path: string
  /** As many as there were when it was opened: a server may be writing to it. */
  bytes: number
  /** Why it could not be unpacked to its end, where that was allowed. */
  failure?: Error | undefined
  /** Removes what was made for it. */
  remove(): void
}

/**
 * `beside`: a name in whose folder there is room for a temporary file. `partial`: what is packed in a way that is damaged is
 * unpacked as far as that goes. Input/output errors pass through.
 */
export async function plainFile(name: string, beside: string, partial = false): Promise<PlainFile> {
  const source = await openSource(name)
  try {
    const {inputBytes, storedBytes} = source
    const plain = name !== '-' && Number.isFinite(inputBytes) && inputBytes === storedBytes
    return plain ? {path: name, bytes: inputBytes, remove: () => {}} : await unpacked(source, beside, partial)
  } finally {
    await source.close()
  }
}

async function unpacked(source: ByteSource, beside: string, partial: boolean): Promise<PlainFile> {
  const path = temporaryBeside(beside)
  const remove = (): void => removeUnpublished(path)
  try {
    const file = await open(path, 'wx', 0o600)
    try {
      const plain: PlainFile = {path, bytes: 0, remove}
      try {
        for await (const window of windowsOf(source)) plain.bytes += await writeAt(file, window, plain.bytes)
      } catch (error) {
        if (!partial || !(error instanceof FormatError)) throw error
        plain.failure = error
      }
      return plain
    } finally {
      await file.close()
    }
  } catch (error) {
    remove()
    throw error
  }
}

async function writeAt(file: FileHandle, bytes: Uint8Array, position: number): Promise<number> {
  for (let at = 0; at < bytes.length; ) {
    at += (await file.write(bytes, at, bytes.length - at, position + at)).bytesWritten
  }
  return bytes.length
}
