/**
 * Where a record may begin: a look at a few bytes, which rules out most places
 * of a file without reading anything.
 *
 * What is ruled out need not be impossible: a key without a name, an opcode of
 * one vendor. It is only no place to begin anew at.
 */
import {readUint32le} from '../bytes/int64.js'
import type {ByteRegion} from '../bytes/region.js'
import {isText, type KeyProfile} from './key-profile.js'
import * as op from './opcodes.js'
import {TARGETS} from './targets.js'
import {CHECKSUM_VERSION_MIN, type RdbHeader} from './versions.js'

/** Looked at, where there are so many. */
const HEAD_BYTES = 80
/** Of a key, where all of it cannot be looked at. */
const KEY_LOOKED_AT = 64
/** With its opcode. */
const EXPIRY_BYTES = 9
/** Of a key, as much as says that it is one. */
const KEY_BEGINS_BYTES = 4
/** In a row, they are no record: a key without a name would be there twice. */
export const ZEROS_MIN = 5
/** Bytes looked through at once. */
const PORTION_BYTES = 64 * 1024
const TYPE = 1
const OPCODE = 2
/** Redis 8.10. */
const TEMPLATE_VERSION = 15
/** RESIZEDB stands behind SELECTDB from here on. */
const RESIZE_VERSION = 7
/** Times in milliseconds have zeros in their two highest bytes. */
const TIME_BYTES = 6
/** `#!lua name=...` */
const LIBRARY_BEGINS = 0x23
const LENGTH_32 = 0x80
/** How the ID of a module begins. */
const LENGTH_64 = 0x81
const DATABASE_MAX = 1 << 20

export class RecordHeads {
  /** By first byte: 0 is none. */
  readonly #first = new Uint8Array(256)
  readonly #endAt: number

  constructor(
    readonly region: ByteRegion,
    readonly header: RdbHeader,
    readonly profile: KeyProfile,
  ) {
    const {family, rdbVersion} = header
    // Types that the file's version has; where no server of it is known, all.
    const target = TARGETS.find(one => one.family === family && one.rdbVersion === rdbVersion)
    for (const type of target?.types ?? Object.keys(op.typesOf(family)).map(Number)) this.#first[type] = TYPE
    const opcodes = [
      op.OPCODE_EOF,
      op.OPCODE_SELECTDB,
      op.OPCODE_EXPIRETIME,
      op.OPCODE_EXPIRETIME_MS,
      op.OPCODE_AUX,
      op.OPCODE_FREQ,
      op.OPCODE_IDLE,
      op.OPCODE_MODULE_AUX,
      op.OPCODE_FUNCTION2,
      op.OPCODE_KEY_META_OR_SLOT_IMPORT,
      op.OPCODE_DRAGONFLY_MASK,
    ]
    if (family === 'redis' && rdbVersion >= TEMPLATE_VERSION) opcodes.push(op.OPCODE_HASH_TEMPLATE)
    for (const opcode of opcodes) this.#first[opcode] = OPCODE
    this.#endAt = region.inputBytes - 1 - (rdbVersion < CHECKSUM_VERSION_MIN ? 0 : 8)
  }

  /** The first place from `at` on and before `end` where a record may begin; -1: none. */
  next(at: number, end: number): number {
    const {region} = this
    const first = this.#first
    while (at < end) {
      const {bytes, start, end: lentEnd} = region.lend(at, PORTION_BYTES)
      const isLast = at + (lentEnd - start) >= region.inputBytes
      const until = Math.min(lentEnd - (isLast ? 0 : HEAD_BYTES), start + (end - at))
      const base = at - start
      let i = start
      for (; i < until; i++) {
        const kind = first[bytes[i]!]!
        if (kind === 0) continue
        if (bytes[i] === 0 && bytes[i + 1] === 0) {
          // No key has no name; of a run of zeros only the last can begin something.
          while (i + 2 < lentEnd && bytes[i + 2] === 0) i++
          continue
        }
        if (kind === TYPE ? this.#mayBeKey(bytes, i, lentEnd) : this.#mayBeOpcode(bytes, i, lentEnd, base + i))
          return base + i
      }
      at = base + i
      if (isLast) break
    }
    return -1
  }

  /** Whether a server of the file's version writes a type. */
  isType(typeId: number): boolean {
    return this.#first[typeId] === TYPE
  }

  /** Whether a server of the file's family writes an opcode. */
  isOpcode(byte: number): boolean {
    return this.#first[byte] === OPCODE || byte === op.OPCODE_RESIZEDB
  }

  /** Whether nothing but zeros stands at a place. */
  isZeros(at: number): boolean {
    if (this.region.inputBytes - at < ZEROS_MIN) return false
    const {bytes, start} = this.region.lend(at, ZEROS_MIN)
    for (let i = 0; i < ZEROS_MIN; i++) if (bytes[start + i] !== 0) return false
    return true
  }

  /** Whether the bytes before a key may be the end of a time whose beginning is damaged: `01 00 00` until 2039, or zeros. */
  mayFollowExpiry(at: number): boolean {
    const {bytes, start} = this.region.lend(at - ZEROS_MIN, ZEROS_MIN)
    const end = start + ZEROS_MIN
    if (bytes[end - 1] !== 0 || bytes[end - 2] !== 0) return false
    return bytes[end - 3] === 1 || this.isZeros(at - ZEROS_MIN)
  }

  /** Whether what a record begins with is as it was: chance does not make it, and damage has not come so far. */
  isIntact(at: number): boolean {
    const {bytes, start, end} = this.region.lend(at, HEAD_BYTES)
    const {profile} = this
    let i = start
    if (bytes[i] === op.OPCODE_EXPIRETIME_MS && end - i > EXPIRY_BYTES) {
      return profile.takesExpiry(readUint32le(bytes, i + 5) * 2 ** 32 + readUint32le(bytes, i + 1))
    }
    // A day or more, in four bytes of which the first is zero.
    if (bytes[i] === op.OPCODE_IDLE && bytes[i + 1] === LENGTH_32 && bytes[i + 2] === 0) return profile.hasIdle
    if (bytes[i] === op.OPCODE_FREQ && profile.hasFrequency) i += 2
    if (this.#first[bytes[i] ?? 0] !== TYPE || bytes[i + 1]! >= 0x40) return false
    const key = i + 2
    return profile.beginsKey(bytes, key, Math.min(key + bytes[i + 1]!, key + KEY_BEGINS_BYTES, end))
  }

  /** A type, and a key that may be one of this file. */
  #mayBeKey(bytes: Uint8Array, at: number, end: number): boolean {
    const first = bytes[at + 1]
    if (first === undefined || at + 2 >= end) return false
    if (first >= 0xc0) return first <= 0xc3
    if (first >= 0x80) return first === LENGTH_32 && this.profile.takesLength(lengthAt(bytes, at + 2))
    const isShort = first < 0x40
    const length = isShort ? first : ((first & 0x3f) << 8) | bytes[at + 2]!
    const {profile} = this
    if (!profile.takesLength(length)) return false
    const key = at + (isShort ? 2 : 3)
    if (!profile.isText || key + length > end) return true
    return length > KEY_LOOKED_AT || isText(bytes, key, key + length)
  }

  #mayBeOpcode(bytes: Uint8Array, at: number, end: number, offset: number): boolean {
    const {profile} = this
    switch (bytes[at]) {
      case op.OPCODE_EOF:
        return offset === this.#endAt
      case op.OPCODE_SELECTDB:
        return this.#maySelect(bytes, at)
      case op.OPCODE_EXPIRETIME_MS:
        return profile.hasExpiries && end - at > 8 && bytes[at + 7] === 0 && bytes[at + TIME_BYTES + 2] === 0
      case op.OPCODE_EXPIRETIME:
        return profile.hasExpiries && this.header.rdbVersion < 3
      case op.OPCODE_IDLE:
        return profile.hasIdle
      case op.OPCODE_FREQ:
        return profile.hasFrequency
      case op.OPCODE_DRAGONFLY_MASK:
        return profile.hasMasks
      case op.OPCODE_KEY_META_OR_SLOT_IMPORT:
        return profile.hasMeta
      case op.OPCODE_AUX:
        return mayBeString(bytes[at + 1]!) && (bytes[at + 1]! >= 0x40 || isText(bytes, at + 2, at + 2 + bytes[at + 1]!))
      case op.OPCODE_FUNCTION2:
        return mayBeString(bytes[at + 1]!) && (bytes[at + 1]! >= 0x40 || bytes[at + 2] === LIBRARY_BEGINS)
      case op.OPCODE_MODULE_AUX:
        return bytes[at + 1] === LENGTH_64
      default:
        return true
    }
  }

  #maySelect(bytes: Uint8Array, at: number): boolean {
    const first = bytes[at + 1]!
    if (first >= 0x80) return first === LENGTH_32 && bytes[at + 2] === 0 && (bytes[at + 3]! << 16) >>> 0 < DATABASE_MAX
    if (this.header.rdbVersion < RESIZE_VERSION) return true
    return bytes[at + (first < 0x40 ? 2 : 3)] === op.OPCODE_RESIZEDB
  }
}

/** What a string of some length begins with: its length, or that it is compressed. */
function mayBeString(first: number): boolean {
  return (first > 0 && first <= 0x80) || first === 0xc3
}

/** Four bytes, highest first. */
function lengthAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}
