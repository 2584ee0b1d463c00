/**
 * What a key is, before its value has been read.
 */

import type {Int64} from '../bytes/int64.js'
import {LentBytes} from '../bytes/lent.js'
import {limits} from '../limits.js'

export type ValueType = 'string' | 'list' | 'set' | 'zset' | 'hash' | 'stream' | 'array' | 'module' | 'cron'

/** Whether values of a type have elements: of a string they are bytes, and nobody but its module knows those of a module. */
export function isCollection(type: ValueType): boolean {
  return type !== 'string' && type !== 'module' && type !== 'cron'
}

/** The type byte of an entry whose source stores none: only an RDB file does. */
export const NO_TYPE_ID = -1

/** A key in a report. */
export interface KeptKey {
  key: Uint8Array
  /** Bytes of the key, where `key` holds only the first of them. */
  keyBytes?: number | undefined
}

/** So much of every key is kept, however many there are. */
const KEPT_BYTES_MIN = 256

/** A copy of a key as one of `keys` in a list of a report: of a long one its first bytes, and how many it has in all. */
export function keptKey(bytes: Uint8Array, start: number, end: number, keys: number): KeptKey {
  const max = Math.min(limits.keyBytesKept, Math.max(KEPT_BYTES_MIN, Math.floor(limits.keysBytesKept / keys)))
  if (end - start <= max) return {key: bytes.slice(start, end)}
  let cut = start + max
  // Not within a character of UTF-8.
  while (cut > start + max - 4 && (bytes[cut]! & 0xc0) === 0x80) cut--
  return {key: bytes.slice(start, cut), keyBytes: end - start}
}

/** The expiry of a key or a field that has none. */
export const NEVER = Number.POSITIVE_INFINITY

/** What stands before a value. An Entry has all of it. */
export interface RecordHead {
  db: number
  keyBytes: LentBytes
  expireAtMs: Int64
  idleSeconds: number
  frequency: number
  keyMeta: Uint8Array | undefined
}

/**
 * One key. The reader keeps a single Entry and fills it anew for every key: a
 * visitor that wants to keep something copies it (`key()` is a copy).
 */
export class Entry {
  db = 0
  /** The key's bytes, lent: valid until the visitor is called for the next key. */
  readonly keyBytes = new LentBytes(0)
  type: ValueType = 'string'
  /** The type byte as stored; NO_TYPE_ID where the source is no RDB file. */
  typeId = 0
  /** How the value is stored, such as `listpack`; of a string known only once its value is reached. */
  encoding = ''
  /** Absolute expiry in milliseconds since 1970, NEVER where there is none; may lie in the past. */
  expireAtMs: Int64 = NEVER
  /** Seconds since the last access, as written under an LRU policy; -1 where absent. */
  idleSeconds = -1
  /** Logarithmic access counter 0..255, as written under an LFU policy; -1 where absent. */
  frequency = -1
  /** Elements of the value (bytes of a string), once it has been read; -1 where nobody knows yet. */
  elements = -1
  /** A string as it is stored, whose text is an integer of 64 bits: servers hold it as one. RDB files have such texts from ten digits on. */
  integer = false
  /** Name of the module that owns the value, once it has been read; empty for all other types. */
  module = ''
  /** Encoding version of the module's value. */
  moduleVersion = 0
  /** The raw KEY_META record (redis 8.6), or nothing. */
  keyMeta: Uint8Array | undefined
  /** Dragonfly's per-key flags, -1 where absent. */
  dragonflyMask = -1
  /** Where the record begins: its first attribute, or its type byte. */
  offset = 0
  /** Where the value begins. */
  valueOffset = 0
  /** Where the record ends, once the value has been read. */
  endOffset = 0

  /** A copy of the key. */
  key(): Uint8Array {
    return this.keyBytes.copy()
  }

  /** The key as one of `keys` in a list of a report. */
  keptKey(keys: number): KeptKey {
    const {bytes, start, end} = this.keyBytes
    return keptKey(bytes, start, end, keys)
  }

  /** Bytes of the whole record in the file, once the value has been read. */
  get recordBytes(): number {
    return this.endOffset - this.offset
  }

  /** Attributes belong to one key only: they are cleared before the next. */
  clearAttributes(): void {
    this.expireAtMs = NEVER
    this.idleSeconds = -1
    this.frequency = -1
    this.keyMeta = undefined
    this.dragonflyMask = -1
  }
}
