/**
 * A failure in words: what, where, why, and what to do next.
 */
import {
  FormatError,
  LimitError,
  type Place,
  PlacedError,
  type UnsupportedCode,
  UnsupportedError,
  UsageError,
  WireError,
} from '../errors.js'
import {maskAddress} from '../resp/address.js'
import {PLAIN, type Style} from './table.js'
import {formatKey, formatMessage, formatText, hang, jsonKey, shorten} from './text.js'
import {formatCount} from './units.js'
import {wireAdvice} from './wire-failure.js'

const KEY_COLUMNS_MAX = 60

const NEWER_ADVICE = 'a newer server or a vendor wrote this: look for a newer rdbtool, or save with an older server'

const UNSUPPORTED_ADVICE: Readonly<Record<UnsupportedCode, string>> = {
  UNKNOWN_OPCODE: NEWER_ADVICE,
  UNKNOWN_TYPE: NEWER_ADVICE,
  UNKNOWN_ENCODING: `${NEWER_ADVICE}; or the bytes before this place are damaged: use another copy of the file`,
  UNKNOWN_COMMAND: '--skip-unsupported leaves it out and tells so; a server that knows the command can rewrite the log',
  NOT_IN_TARGET: 'name a newer --target, or leave it out (--not-match, --type)',
  UNKNOWN_CONTAINER: 'name the RDB file: CONFIG GET dir and CONFIG GET dbfilename tell where the server keeps it',
}

/** Of the ways in which bytes can be wrong, those that have a remedy of their own. */
const FORMAT_ADVICE: Readonly<Record<string, string>> = {
  TRUNCATED: 'the file was cut short: compare its size with the original and copy it again, or take a new snapshot',
  BAD_CHECKSUM:
    'the file changed after it was written (a bad disk, a text-mode transfer): use another copy; --ignore-checksum reads on',
  BAD_MAGIC: 'check the name; dumps are usually called dump.rdb (CONFIG GET dir, CONFIG GET dbfilename)',
  EMPTY_INPUT: 'the writer left nothing: check the command before the pipe, or the disk that was written to',
  BAD_COMPRESSION: 'the compressed file is damaged: copy it again',
  BAD_COMMAND:
    'correct this command, or write the file again; rdbtool check tells what is whole, and check --salvage writes that to a new place',
  BAD_MANIFEST: 'correct the manifest by hand, after a copy, or restore it; a server does not start from it either',
  BAD_TABLE: 'correct this row, or write the table again; README.md tells of its columns',
  BAD_JSON: 'correct this place, or write the file again; README.md has the shapes of its lines',
}

/** For every other way. */
const DAMAGE_ADVICE = 'the bytes before this place, or here, are damaged: use another copy of the file'

const LIMIT_ADVICE = 'no server writes this by default, so the length is likely damaged: use another copy of the file'

const SYSTEM_ADVICE: Readonly<Record<string, string>> = {
  ENOENT: 'check the name and the folder you are in',
  ENOTDIR: 'check the name and the folder you are in',
  LOG_MOVED: 'begin again with the name of the folder where it is now',
  EACCES: 'run as a user who may read it (servers write dumps readable by their own user only)',
  EIO: 'read the kernel log (dmesg), and copy the file from another disk',
  ENOSPC: 'make room, or write to another place',
}

const SYSTEM_MESSAGES: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'a part of this path is no folder',
  EACCES: 'permission denied',
  EISDIR: 'this is a folder',
  EIO: 'the disk could not be read',
  ENOSPC: 'the disk is full',
}

/** Lines about a failure, for people. `source` is what was being read, where something was. */
export function formatFailure(
  error: unknown,
  source: string | undefined,
  style: Style = PLAIN,
  columns = Number.POSITIVE_INFINITY,
): string[] {
  // What the system says is of a path of its own, which need not be what is being read.
  const about = pathOf(error) ?? source
  // Of a conversation the message itself tells whom with.
  const prefix = about === undefined || error instanceof WireError ? '' : `${formatText(about)}: `
  const [first, ...others] = formatMessage(failureText(error)).split('\n')
  const label = 'rdbtool: '
  const lines = [
    ...hang(`${label}${prefix}${first}`, columns),
    ...others.flatMap(line => hang(`${' '.repeat(label.length)}${line}`, columns)),
  ].map(style.warning)
  if (error instanceof PlacedError && !concernsWhole(error)) {
    lines.push(
      ...hang(`  where  ${fileText(error.place)}byte ${formatCount(error.offset)}${placeText(error.place)}`, columns),
    )
  }
  const advice = adviceOf(error)
  if (advice !== undefined) lines.push(...hang(`  next   ${advice}`, columns))
  return lines
}

/** The same as data. */
export function failureJson(error: unknown): Record<string, unknown> {
  if (error instanceof PlacedError) {
    const {file, db, key, keyBytes, type, recordOffset} = error.place
    const limit = error instanceof LimitError ? {limit: error.limit} : {}
    const where = {file, offset: error.offset, db, ...(key && jsonKey({key, keyBytes})), type, recordOffset}
    return {code: error.code, text: error.message, ...limit, ...where}
  }
  if (error instanceof WireError) {
    const {stage, reply} = error.context
    return {code: error.code, text: error.message, address: error.address, stage, reply}
  }
  return {code: codeOf(error), text: reasonText(error)}
}

/** The input as a whole is not what was asked for: no place in it is to blame. */
function concernsWhole({code, offset, place}: PlacedError): boolean {
  // No target has no place for the first byte of a file.
  const hasPlace = offset > 0 || place.key !== undefined || place.recordOffset !== undefined
  return code === 'UNKNOWN_CONTAINER' || code === 'EMPTY_INPUT' || (code === 'NOT_IN_TARGET' && !hasPlace)
}

function failureText(error: unknown): string {
  const code = codeOf(error)
  return code === undefined ? reasonText(error) : `${reasonText(error)} (${code})`
}

function reasonText(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof PlacedError || error instanceof WireError) return error.message
  // The system's own: `ELOOP: too many symbolic links encountered, open 'dump.rdb'`.
  return SYSTEM_MESSAGES[codeOf(error) ?? ''] ?? error.message.replace(/^[A-Z0-9]+: (.+?), \w+(?: '.*')?$/s, '$1')
}

function fileText({file}: Place): string {
  return file === undefined ? '' : `${formatText(file)}, `
}

function placeText(place: Place): string {
  const {db, key, keyBytes, type, recordOffset} = place
  if (key === undefined || db === undefined) {
    return recordOffset === undefined ? '' : `, in the record at byte ${formatCount(recordOffset)}`
  }
  const name = shorten(formatKey({key, keyBytes}), KEY_COLUMNS_MAX)
  const begins = recordOffset === undefined ? '' : ` (its record begins at byte ${formatCount(recordOffset)})`
  return `, in the ${type ?? 'key'} "${name}" of database ${db}${begins}`
}

function adviceOf(error: unknown): string | undefined {
  if (error instanceof UsageError) return undefined
  if (error instanceof WireError) return wireAdvice(error)
  if (error instanceof PlacedError && error.advice !== undefined) return error.advice
  if (error instanceof LimitError) return LIMIT_ADVICE
  if (error instanceof UnsupportedError) return UNSUPPORTED_ADVICE[error.code]
  if (error instanceof FormatError) return FORMAT_ADVICE[error.code] ?? DAMAGE_ADVICE
  return SYSTEM_ADVICE[codeOf(error) ?? '']
}

/** Of an error of the system, what it is about: a name that was typed wrong may be an address, with a password in it. */
function pathOf(error: unknown): string | undefined {
  const {path, syscall} = (error ?? {}) as {path?: unknown; syscall?: unknown}
  return typeof path === 'string' && syscall !== undefined ? maskAddress(path) : undefined
}

/** Of our errors and of the system's; nothing else that was thrown has one. */
function codeOf(error: unknown): string | undefined {
  const code = (error as {code?: unknown} | undefined)?.code
  return typeof code === 'string' ? code : undefined
}
