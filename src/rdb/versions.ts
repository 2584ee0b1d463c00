/**
 * Magic and version: nine bytes that say which table of numbers a file uses.
 *
 *   "REDIS"  + 4 digits      every Redis, KeyDB, Dragonfly; Valkey up to 8.1
 *   "VALKEY" + 3 digits      Valkey 9.0 and later, versions above 79
 *
 * Versions 12 to 79 are Redis's own; Valkey never writes them (valkey 9.0 rdb.h).
 */
import {FormatError, UnsupportedError} from '../errors.js'
import type {Family} from './opcodes.js'

export const MAGIC_BYTES = 9

/** The newest versions whose tables this reader holds. */
export const REDIS_VERSION_KNOWN = 16
export const VALKEY_VERSION_KNOWN = 80

const VALKEY_VERSION_MIN = 80
/** Of early Redis Enterprise, where several numbers mean other opcodes whose layout is not published. */
const GARANTIA_VERSION = 1002

/** First version that ends in a checksum. */
export const CHECKSUM_VERSION_MIN = 5

export interface RdbHeader {
  /** The magic word. */
  magic: 'REDIS' | 'VALKEY'
  /** Whose numbers types and opcodes follow. */
  family: Family
  rdbVersion: number
}

/** Whether a file begins with a magic word; undefined where what is there of it may be the beginning of one. */
export function hasMagic(head: Uint8Array, start = 0, end = head.length): boolean | undefined {
  const text = String.fromCharCode(...head.subarray(start, Math.min(end, start + MAGIC_BYTES)))
  if (/^(REDIS|VALKEY)/.test(text)) return true
  return 'REDIS'.startsWith(text) || 'VALKEY'.startsWith(text) ? undefined : false
}

/** The nine bytes. */
export function magicText({magic, rdbVersion}: Pick<RdbHeader, 'magic' | 'rdbVersion'>): string {
  return magic + String(rdbVersion).padStart(MAGIC_BYTES - magic.length, '0')
}

/** Parses the nine bytes at `start`; `offset` is their place in the input. */
export function parseMagic(bytes: Uint8Array, start: number, offset: number): RdbHeader {
  const text = String.fromCharCode(...bytes.subarray(start, start + MAGIC_BYTES))
  const match = /^(?:(REDIS)(\d{4})|(VALKEY)(\d{3}))$/.exec(text)
  if (match === null) {
    if (hasMagic(bytes, start, start + MAGIC_BYTES) === true) {
      const digits = text.startsWith('REDIS') ? text.slice(5) : text.slice(6)
      const shown = JSON.stringify(digits)
      throw new FormatError('BAD_VERSION', `the magic is right, but the version is ${shown}, not a number`, offset)
    }
    throw new FormatError('BAD_MAGIC', 'an RDB file begins with REDIS or VALKEY and a version; this does not', offset)
  }
  const magic = match[1] !== undefined ? 'REDIS' : 'VALKEY'
  const rdbVersion = Number(match[2] ?? match[4])
  if (rdbVersion === 0 || (magic === 'VALKEY' && rdbVersion < VALKEY_VERSION_MIN)) {
    throw new FormatError('BAD_VERSION', `${magic} files have no version ${rdbVersion}`, offset)
  }
  if (rdbVersion === GARANTIA_VERSION) {
    const text = 'version 1002 is of early Redis Enterprise, which gave opcodes other meanings'
    throw new UnsupportedError('UNKNOWN_CONTAINER', text, offset)
  }
  const family = magic === 'VALKEY' || rdbVersion >= VALKEY_VERSION_MIN ? 'valkey' : 'redis'
  return {magic, family, rdbVersion}
}

/** Whether the version is newer than the tables here: read on, but warn. */
export function isNewer({magic, rdbVersion}: RdbHeader): boolean {
  return rdbVersion > (magic === 'VALKEY' ? VALKEY_VERSION_KNOWN : REDIS_VERSION_KNOWN)
}
