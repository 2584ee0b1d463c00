/**
 * Whether a snapshot says of itself that a log follows it (redis 4.0 to 6.2, `aof-preamble`): among the facts that
 * stand before anything else.
 *
 *   magic version (9 bytes)  (fa <string name> <string value>)*
 */

import {OPCODE_AUX} from '../rdb/opcodes.js'
import {hasMagic, MAGIC_BYTES} from '../rdb/versions.js'

/** The fact, its value an integer of one byte. */
const MARK = Buffer.from('aof-preamble\xc0\x01', 'latin1')
/** Bytes of strings that are integers: 8, 16 and 32 bits. */
const INTEGERS = [2, 3, 5]

/** Undefined where more must be seen than the beginning of the file that is given. */
export function isPreamble(head: Uint8Array): boolean | undefined {
  if (hasMagic(head) === false) return false
  if (head.length < MAGIC_BYTES) return undefined
  let at = MAGIC_BYTES
  while (at < head.length && head[at] === OPCODE_AUX) {
    const name = stringEnd(head, at + 1)
    const value = name === undefined ? undefined : stringEnd(head, name)
    if (value === undefined || value > head.length) return undefined
    if (Buffer.from(head.buffer, head.byteOffset + at + 2, value - at - 2).equals(MARK)) return true
    at = value
  }
  return at < head.length ? false : undefined
}

/** Where a string ends that begins at a place; undefined where its header is not there yet. What is no plain string ends at once. */
function stringEnd(bytes: Uint8Array, at: number): number | undefined {
  const first = bytes[at]
  if (first === undefined) return undefined
  if (first < 0x40) return at + 1 + first
  if (first < 0x80) return at + 1 < bytes.length ? at + 2 + (((first & 0x3f) << 8) | bytes[at + 1]!) : undefined
  return at + (first >= 0xc0 ? (INTEGERS[first & 0x3f] ?? 1) : 1)
}
