/**
 * Which libraries of functions are among what is lost of a snapshot: by the line that each begins with.
 *
 *   f5 <length> #!lua name=NAME\n...      as it is
 *   f5 c3 <length> <length> <n> #!lua name=NAME...      compressed: n + 1 bytes as they are, then others
 */
import type {ByteRegion} from '../bytes/region.js'
import {OPCODE_FUNCTION2} from '../rdb/opcodes.js'

export interface LostLibrary {
  /** Of its record. Absolute, in bytes. */
  offset: number
  /** Undefined: it is lost as well, or only its beginning is there. */
  name: string | undefined
}

export interface LostLibraries {
  /** The first ones. */
  libraries: LostLibrary[]
  /** All of them. */
  count: number
}

/** Where they are looked for: bytes from an offset on. */
interface Stretch {
  offset: number
  bytes: number
}

const LIBRARIES_MAX = 1000
const WINDOW_BYTES = 1024 * 1024
/** The longest that stands before the first line: an opcode, an encoding, two lengths, and what the compression begins with. */
const HEAD_BYTES_MAX = 13
/** Of libraries that are not compressed: an opcode, and a length of one byte, two or five. */
const PLAIN_HEAD_BYTES = [2, 3, 6]
/** Names are short; of a longer one the beginning says nothing. */
const LINE_BYTES_MAX = 512
const SHEBANG = Buffer.from('#!')
const NAME = /^#!\w+[ \t]+name=(\w+)\s/i
const COMPRESSED = 0xc3
/** Of lengths, by their first two bits or their first byte. */
const LENGTH_BYTES = [1, 2]
const LONG_LENGTH_BYTES: Readonly<Record<number, number>> = {128: 5, 129: 9}

/** Looks for them in what is lost. Of those whose beginning is lost nobody knows. */
export function lostLibraries(region: ByteRegion, lost: readonly Stretch[]): LostLibraries {
  const found: LostLibraries = {libraries: [], count: 0}
  for (const {offset, bytes} of lost) if (bytes > 0) lookWithin(region, offset, offset + bytes, found)
  return found
}

function lookWithin(region: ByteRegion, start: number, end: number, found: LostLibraries): void {
  const {bytes, start: at} = region.lend(start, 1)
  // A record began here, whatever has become of its length, and of its first line.
  const isBegun = bytes[at] === OPCODE_FUNCTION2
  const begun: LostLibrary = {offset: start, name: undefined}
  if (isBegun) add(found, begun)
  for (let at = start; at < end; at += WINDOW_BYTES) {
    const from = Math.max(at - HEAD_BYTES_MAX, start)
    const until = Math.min(at + WINDOW_BYTES, end)
    const lent = region.lend(from, Math.min(until + LINE_BYTES_MAX, end) - from)
    const last = Math.min(lent.end, lent.start + Math.min(until + LINE_BYTES_MAX, end) - from)
    const window = Buffer.from(lent.bytes.buffer, lent.bytes.byteOffset + lent.start, last - lent.start)
    for (let line = window.indexOf(SHEBANG); line >= 0; line = window.indexOf(SHEBANG, line + 1)) {
      const offset = from + line
      if (offset < at || offset >= until) continue
      const name = NAME.exec(window.toString('latin1', line, line + LINE_BYTES_MAX))?.[1]
      if (isBegun && offset - start <= HEAD_BYTES_MAX) begun.name ??= name
      else if (headBefore(window, line) >= 0) add(found, {offset: from + headBefore(window, line), name})
    }
  }
}

/** Where the record begins whose first line stands at a place; -1: that line is of something else. */
function headBefore(bytes: Uint8Array, line: number): number {
  for (let at = Math.max(line - HEAD_BYTES_MAX, 0); at < line; at++) {
    if (bytes[at] === OPCODE_FUNCTION2 && textAt(bytes, at + 1) === line) return at
  }
  // Its length is damaged. No text has such a byte.
  const before = PLAIN_HEAD_BYTES.find(head => bytes[line - head] === OPCODE_FUNCTION2)
  return before === undefined ? -1 : line - before
}

/** Where the text begins of a string that stands at a place. */
function textAt(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== COMPRESSED) return behindLength(bytes, at)
  return behindLength(bytes, behindLength(bytes, at + 1)) + 1
}

function behindLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0
  return at + (LENGTH_BYTES[first >> 6] ?? LONG_LENGTH_BYTES[first] ?? 1)
}

function add(found: LostLibraries, library: LostLibrary): void {
  found.count++
  if (found.libraries.length < LIBRARIES_MAX) found.libraries.push(library)
}
