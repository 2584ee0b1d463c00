/**
 * A failure in words: what, where, why, and what to do next.
 */
import {FormatError, LimitError, type Place, UnsupportedError, UsageError} from '../errors.js'
import {PLAIN, type Style} from './table.js'
import {formatBytes, formatText, jsonBytes, shorten} from './text.js'
import {formatCount} from './units.js'

const KEY_COLUMNS_MAX = 60

const ADVICE: Readonly<Record<string, string>> = {
  TRUNCATED: 'the file was cut short: compare its size with the original and copy it again, or take a new snapshot',
  BAD_CHECKSUM:
    'the file changed after it was written (a bad disk, a text-mode transfer): use another copy; --ignore-checksum reads on',
  BAD_MAGIC: 'check the name; dumps are usually called dump.rdb (CONFIG GET dir, CONFIG GET dbfilename)',
  EMPTY_INPUT: 'the writer left nothing: check the command before the pipe, or the disk that was written to',
  BAD_COMPRESSION: 'the compressed file is damaged: copy it again',
  UNKNOWN_TYPE: 'a newer server or a vendor wrote this: look for a newer rdbtool, or save with an older server',
  UNKNOWN_OPCODE: 'a newer server or a vendor wrote this: look for a newer rdbtool, or save with an older server',
  ENOENT: 'check the name and the folder you are in',
  EACCES: 'run as a user who may read it (servers write dumps readable by their own user only)',
}

/** For every other way in which bytes can be wrong. */
const DAMAGE_ADVICE = 'the bytes before this place, or here, are damaged: use another copy of the file'

const SYSTEM_MESSAGES: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'this is a folder',
  EIO: 'the disk could not be read',
  ENOSPC: 'the disk is full',
}

/** Lines about a failure, for people. `source` is what was being read, where something was. */
export function formatFailure(error: unknown, source: string | undefined, style: Style = PLAIN): string[] {
  const prefix = source === undefined ? '' : `${formatText(source)}: `
  const lines = [style.warning(`rdbtool: ${prefix}${failureText(error)}`)]
  if (error instanceof FormatError || error instanceof UnsupportedError || error instanceof LimitError) {
    lines.push(`  where  byte ${formatCount(error.offset)}${placeText(error.place)}`)
  }
  const advice = adviceOf(error)
  if (advice !== undefined) lines.push(`  next   ${advice}`)
  return lines
}

/** The same as data. */
export function failureJson(error: unknown): Record<string, unknown> {
  if (error instanceof FormatError || error instanceof UnsupportedError || error instanceof LimitError) {
    const {db, key, type, recordOffset} = error.place
    const code = error instanceof LimitError ? error.limit : error.code
    const where = {offset: error.offset, db, key: key === undefined ? undefined : jsonBytes(key), type, recordOffset}
    return {code, text: error.message, ...where}
  }
  return {code: (error as NodeJS.ErrnoException).code, text: failureText(error)}
}

function failureText(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code
  if (error instanceof FormatError || error instanceof UnsupportedError) return `${error.message} (${error.code})`
  if (code !== undefined && SYSTEM_MESSAGES[code] !== undefined) return `${SYSTEM_MESSAGES[code]} (${code})`
  return error instanceof Error ? error.message : String(error)
}

function placeText(place: Place): string {
  const {db, key, type, recordOffset} = place
  if (key === undefined || db === undefined) {
    return recordOffset === undefined ? '' : `, in the record at byte ${formatCount(recordOffset)}`
  }
  const name = shorten(formatBytes(key), KEY_COLUMNS_MAX)
  return `, in the ${type} "${name}" of database ${db} (its record begins at byte ${formatCount(recordOffset ?? 0)})`
}

function adviceOf(error: unknown): string | undefined {
  if (error instanceof UsageError) return undefined
  const code = (error as {code?: string}).code
  if (code !== undefined && ADVICE[code] !== undefined) return ADVICE[code]
  return error instanceof FormatError ? DAMAGE_ADVICE : undefined
}
