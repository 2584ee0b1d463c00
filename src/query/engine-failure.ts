/** What the engine says where a statement fails, as an error of ours: each has an exit code and an advice. */
import {tmpdir} from 'node:os'
import {UsageError} from '../errors.js'

const MEBIBYTE = 1024 * 1024

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** `memoryBytes`: what the engine may hold. */
export function engineFailure(error: unknown, memoryBytes: number): Error {
  const message = plainMessage(messageOf(error))
  if (/^Out of Memory Error|std::bad_alloc/i.test(message)) {
    const limit = Math.round(memoryBytes / MEBIBYTE)
    return new UsageError(
      `the statement needs more memory than ${limit} MiB: give it more with --memory, or ask for less`,
      {
        cause: error,
      },
    )
  }
  if (/No space left on device/i.test(message)) return systemError('ENOSPC', pathIn(message) ?? tmpdir(), error)
  if (/File too large/i.test(message)) return systemError('EFBIG', pathIn(message) ?? tmpdir(), error)
  if (/^INTERRUPT Error/.test(message)) return new UsageError('the statement was stopped', {cause: error})
  return new UsageError(`SQL: ${message}`, {cause: error})
}

/** An exception may come as JSON. */
function plainMessage(text: string): string {
  if (!text.startsWith('{')) return text
  try {
    const {exception_type: type, exception_message: message} = JSON.parse(text) as Record<string, string>
    return `${type} Error: ${message}`
  } catch {
    return text
  }
}

/** The file that a message names. */
function pathIn(message: string): string | undefined {
  return /file "([^"]+)"/i.exec(message)?.[1]
}

function systemError(code: string, path: string, cause: unknown): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}, write '${path}'`, {cause}), {code, syscall: 'write', path})
}
