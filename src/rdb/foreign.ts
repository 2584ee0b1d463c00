/**
 * What an input is that is not an RDB file: the error should tell the person
 * who typed the wrong name, or the right name of another thing.
 */
import {Crc64} from '../bytes/crc64.js'
import {FormatError, UnsupportedError} from '../errors.js'
import {typesOf} from './opcodes.js'

/** Version and checksum at the end of a DUMP payload. */
const DUMP_FOOTER_BYTES = 10
const DUMP_VERSION_MAX = 1000

/** So many first bytes tell everything but a DUMP payload, which is told by its last ones. */
export const FOREIGN_HEAD_BYTES = 16

interface Foreign {
  what: string
  prefix: readonly number[]
}

const KNOWN: readonly Foreign[] = [
  {what: 'compressed twice: unpack it once, and name the result', prefix: [0x1f, 0x8b]},
  {what: 'compressed twice: unpack it once, and name the result', prefix: [0x28, 0xb5, 0x2f, 0xfd]},
  {what: 'a PNG picture', prefix: [0x89, 0x50, 0x4e, 0x47]},
  {what: 'a JPEG picture', prefix: [0xff, 0xd8, 0xff]},
  {what: 'a PDF document', prefix: [0x25, 0x50, 0x44, 0x46]},
  {what: 'a zip archive: unpack it first', prefix: [0x50, 0x4b, 0x03, 0x04]},
  {what: 'xz-compressed: unpack it first (gzip and zstd are read as they are)', prefix: [0xfd, 0x37, 0x7a, 0x58, 0x5a]},
  {what: 'bzip2-compressed: unpack it first (gzip and zstd are read as they are)', prefix: [0x42, 0x5a, 0x68]},
  {what: 'LZ4-compressed: unpack it first (gzip and zstd are read as they are)', prefix: [0x04, 0x22, 0x4d, 0x18]},
  {what: 'a program (ELF)', prefix: [0x7f, 0x45, 0x4c, 0x46]},
  {what: 'a SQLite database', prefix: [0x53, 0x51, 0x4c, 0x69, 0x74, 0x65]},
  {what: 'a Parquet file', prefix: [0x50, 0x41, 0x52, 0x31]},
]

/**
 * The error for an input whose first bytes are `head` (all of it when `whole`)
 * and which does not begin like an RDB file.
 */
export function foreignError(head: Uint8Array, whole: boolean): FormatError | UnsupportedError {
  if (head.length === 0) return new FormatError('EMPTY_INPUT', 'the input is empty', 0)
  // A command, or the time of the next one (aof-timestamp-enabled, redis 7.0).
  if (/^(?:\*\d+\r?\n|#TS:\d)/.test(text(head, FOREIGN_HEAD_BYTES))) {
    const message = 'this is an append-only file (AOF), and no snapshot; an RDB file begins with REDIS or VALKEY'
    return new UnsupportedError('UNKNOWN_CONTAINER', message, 0)
  }
  // As dump writes them, one object a line or all in one array.
  if (/^\[?\s*\{\s*"(?:meta|db|key|function|script)"/.test(text(head, FOREIGN_HEAD_BYTES))) {
    const error = new UnsupportedError('UNKNOWN_CONTAINER', 'these are JSON lines, and here an RDB file is read', 0)
    error.advice = 'make a snapshot of them first: rdbtool build FILE --out FILE.rdb'
    return error
  }
  if (text(head, 3) === 'VCS') {
    const message =
      'this is an RDB file in a "VCS" envelope (rdbcompression lz4 of a Valkey development version), which is not read'
    return new UnsupportedError('UNKNOWN_CONTAINER', message, 0)
  }
  const payload = whole ? dumpPayload(head) : undefined
  if (payload !== undefined) {
    const advice = 'a DUMP payload holds one value and no key; RESTORE takes it, or SAVE a server to get a file'
    return new FormatError('BAD_MAGIC', `this is ${payload}, not an RDB file: ${advice}`, 0)
  }
  const known = KNOWN.find(({prefix}) => prefix.every((byte, i) => head[i] === byte))
  const seen = known === undefined ? `it begins with ${shown(head)}` : `it is ${known.what}`
  return new FormatError('BAD_MAGIC', `this is not an RDB file: ${seen}; an RDB file begins with REDIS or VALKEY`, 0)
}

/** Names a DUMP payload; redis-cli puts a newline behind the one it prints. */
function dumpPayload(bytes: Uint8Array): string | undefined {
  const trimmed = bytes.at(-1) === 0x0a ? [bytes.length, bytes.length - 1] : [bytes.length]
  for (const end of trimmed) {
    if (end <= DUMP_FOOTER_BYTES) continue
    const version = bytes[end - 10]! | (bytes[end - 9]! << 8)
    const crc = new Crc64()
    crc.update(bytes, 0, end - 8)
    if (version === 0 || version > DUMP_VERSION_MAX || !crc.equals(bytes, end - 8)) continue
    const type = typesOf(version >= 80 ? 'valkey' : 'redis')[bytes[0]!]
    return `a DUMP payload (${type === undefined ? 'unknown type' : type[0]}, RDB version ${version})`
  }
  return undefined
}

function text(bytes: Uint8Array, length: number): string {
  return String.fromCharCode(...bytes.subarray(0, length))
}

function shown(head: Uint8Array): string {
  const first = head.subarray(0, 8)
  if (first.every(byte => byte >= 0x20 && byte < 0x7f)) return JSON.stringify(text(first, 8))
  return Array.from(first, byte => byte.toString(16).padStart(2, '0')).join(' ')
}
