/**
 * What is known once a file has been read to its end, or a part of it, and what is to be said of it then.
 */
import type {Checksum64} from '../bytes/crc64.js'
import {FormatError} from '../errors.js'
import type {Problem} from '../keyspace/visitor.js'
import type {ChecksumVerdict} from './records.js'
import {isNewer, type RdbHeader} from './versions.js'

/** What is known once the end has been reached. */
export interface RdbEnd {
  checksum: ChecksumVerdict
  /** Bytes of the RDB file itself, with its checksum. */
  bytes: number
  /**
   * Bytes that follow it; servers ignore them. An AOF with an RDB preamble has its log there. Of a stream, those
   * that arrived with the last of the file.
   */
  trailingBytes: number
}

/** Where the reading of a part ended (`runUpTo`). */
export interface PartEnd {
  /** Absolute, in bytes. */
  offset: number
  /** The database that is selected there. */
  db: number
  /** Of the file, behind its checksum; else a record begins there. */
  isEnd: boolean
  /** The checksum of the bytes that were read, without the one that is stored. */
  sum: Checksum64
  /** At the end of a file that has a checksum. */
  stored: Checksum64 | undefined
}

/** What is odd about the version of a file. */
export function reportVersion(header: RdbHeader, report: (problem: Problem) => void): void {
  if (!isNewer(header)) return
  const {magic, rdbVersion} = header
  const text = `${magic} version ${rdbVersion} is newer than this program: reading on until something unknown`
  report({code: 'NEWER_VERSION', severity: 'warning', offset: magic.length, text})
}

/** What is odd about a file that has been read to its end, or wrong. Throws where its checksum is, unless that is ignored. */
export function reportEnd(
  {checksum, bytes, trailingBytes}: RdbEnd,
  ignoreChecksum: boolean | undefined,
  report: (problem: Problem) => void,
): void {
  if (trailingBytes > 0) {
    const text = `${trailingBytes} bytes follow the end of the RDB file; servers ignore them in a snapshot`
    report({code: 'TRAILING_BYTES', severity: 'warning', offset: bytes, text})
  }
  if (checksum === 'absent') {
    const text = 'the file carries no checksum: damage inside values would go unnoticed'
    report({code: 'CHECKSUM_ABSENT', severity: 'warning', offset: bytes, text})
  }
  if (checksum !== 'mismatch') return
  const text = 'the checksum is wrong: bytes changed after the file was written'
  if (ignoreChecksum !== true) throw new FormatError('BAD_CHECKSUM', text, bytes - 8)
  report({code: 'BAD_CHECKSUM', severity: 'error', offset: bytes - 8, text})
}
