/**
 * The quick lane: string entries with a short key and a short value, passed
 * over on locals. They are most of what many files hold, and a call per field
 * of such a record costs more than the record.
 *
 *   [fc <int64 ms below 2^48>] 00 <6-bit length> key <value>
 *   value   <6- or 14-bit length> bytes
 *           c0, c1, c2 integer
 *           c3 <6- or 14-bit length> <6- or 14-bit length> bytes
 *
 * Whatever is not of this form is left to the careful way, which reads it from
 * its first byte.
 */
import type {ByteCursor} from '../bytes/cursor.js'
import {canMake} from '../bytes/lzf.js'
import {encodedIntegerDigits, isIntegerText} from '../encoding/string.js'
import {type Entry, NEVER} from '../keyspace/entry.js'
import type {EntryVisitor, ValueVisitor} from '../keyspace/visitor.js'
import {OPCODE_EXPIRETIME_MS, TYPE_STRING} from './opcodes.js'

/** An expiry in milliseconds with its opcode. */
export const EXPIRY_BYTES = 9
/** Expiry, type and the length of a short key. */
export const SHORT_HEADER_BYTES = EXPIRY_BYTES + 1 + 2
/** What decides how long a short value is: two bytes, an integer, or two lengths of two bytes. */
const VALUE_HEADER_BYTES = 5
/** Begins a compressed value. */
const STRING_PACKED = 0xc3

/** Beyond any window: an integer, since a double here would make doubles of every place in the loop. */
const BEYOND = 2 ** 31 - 1

/**
 * Passes over entries as long as they are of the common form and their visitor
 * answers with depth skip, or wants no strings. Returns undefined, committed, before what is not of
 * that form; or the visitor of a key whose value is still to be read, with the
 * cursor behind the key.
 */
export function passCommonStrings(cursor: ByteCursor, entry: Entry, visitor: EntryVisitor): ValueVisitor | undefined {
  const {bytes, base, end} = cursor
  let start = cursor.pos
  while (start + SHORT_HEADER_BYTES <= end) {
    let at = start
    const expiring = bytes[at] === OPCODE_EXPIRETIME_MS
    if (expiring) {
      if (bytes[at + 7] !== 0 || bytes[at + 8] !== 0) break
      // By hand: past a certain size of this loop the compiler calls readUint32le instead of unfolding it.
      const low = (bytes[at + 1]! | (bytes[at + 2]! << 8) | (bytes[at + 3]! << 16) | (bytes[at + 4]! << 24)) >>> 0
      entry.expireAtMs = (bytes[at + 5]! | (bytes[at + 6]! << 8)) * 2 ** 32 + low
      at += EXPIRY_BYTES
    }
    const keyStart = at + 2
    const keyLength = bytes[at + 1]!
    if (bytes[at] !== TYPE_STRING || keyLength >= 0x40) break
    at = keyStart + keyLength
    if (at + VALUE_HEADER_BYTES > end) break
    if (entry.typeId !== TYPE_STRING) becomeString(entry)
    entry.keyBytes.lend(bytes, keyStart, at)
    entry.encoding = 'raw'
    entry.elements = -1
    entry.offset = base + start
    entry.valueOffset = base + at
    const value = visitor.entry(entry)
    // Whoever wants strings verified, not shown, has nothing to verify in one that is not compressed.
    const skipping = value.depth === 'skip'
    const opaque = !skipping && value.depth !== 'raw' && value.opaqueStrings && bytes[at] !== STRING_PACKED
    const valueEnd = skipping || opaque ? passValue(bytes, at, entry) : BEYOND
    if (valueEnd > end) {
      cursor.pos = at
      return value
    }
    if (opaque) value.begin(entry, entry.elements)
    entry.endOffset = base + valueEnd
    value.end(entry)
    if (expiring) entry.expireAtMs = NEVER
    start = valueEnd
  }
  cursor.pos = start
  cursor.commit()
  return undefined
}

function becomeString(entry: Entry): void {
  entry.type = 'string'
  entry.typeId = TYPE_STRING
  entry.module = ''
}

/** Where the value at `at` ends; its size and encoding go to the entry. BEYOND where it is not a short one. */
function passValue(bytes: Uint8Array, at: number, entry: Entry): number {
  const first = bytes[at]!
  if (first < 0x80) {
    entry.encoding = 'raw'
    if (first < 0x40) {
      entry.elements = first
      entry.integer = isIntegerText(bytes, at + 1, at + 1 + first)
      return at + 1 + first
    }
    const length = ((first & 0x3f) << 8) | bytes[at + 1]!
    entry.elements = length
    entry.integer = false
    return at + 2 + length
  }
  entry.integer = false
  if (first === STRING_PACKED) return passPacked(bytes, at, entry)
  if (first < 0xc0 || first > 0xc3) return BEYOND
  entry.encoding = 'int'
  entry.elements = encodedIntegerDigits(bytes, at)
  return at + 1 + (1 << (first & 3))
}

/** The same for a compressed string whose two lengths take at most two bytes each. */
function passPacked(bytes: Uint8Array, at: number, entry: Entry): number {
  let next = at + 1
  let packed = bytes[next++]!
  if (packed >= 0x40) {
    if (packed >= 0x80) return BEYOND
    packed = ((packed & 0x3f) << 8) | bytes[next++]!
  }
  let length = bytes[next++]!
  if (length >= 0x40) {
    if (length >= 0x80) return BEYOND
    length = ((length & 0x3f) << 8) | bytes[next++]!
  }
  entry.encoding = 'lzf'
  entry.elements = canMake(packed, length) ? length : 0
  return next + packed
}
