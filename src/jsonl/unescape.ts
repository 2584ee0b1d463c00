/**
 * What stands between the quotes of a JSON string, to bytes: \n and its like,
 * \uXXXX as UTF-8, two of them where they make a pair.
 */
import type {JsonScanner} from './scanner.js'

const BACKSLASH = 0x5c
const SMALL_U = 0x75

const SHORT = new Uint8Array(256)
for (const [character, byte] of Object.entries({
  '"': 0x22,
  '\\': 0x5c,
  '/': 0x2f,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
})) {
  SHORT[character.charCodeAt(0)] = byte
}

const HEX = new Uint8Array(256).fill(0xff)
for (let digit = 0; digit < 16; digit++) {
  HEX[digit.toString(16).charCodeAt(0)] = digit
  HEX[digit.toString(16).toUpperCase().charCodeAt(0)] = digit
}

/**
 * Writes the bytes of the string in [start, end) of the scanner's window to the
 * beginning of `into`, which is no shorter; returns how many there are.
 */
export function unescapeText(scanner: JsonScanner, start: number, end: number, into: Uint8Array): number {
  const {bytes} = scanner.cursor
  let at = 0
  let p = start
  while (p < end) {
    const byte = bytes[p]!
    if (byte !== BACKSLASH) {
      into[at++] = byte
      p++
      continue
    }
    const letter = bytes[p + 1]!
    if (letter !== SMALL_U) {
      const meant = SHORT[letter]!
      if (meant === 0) scanner.fail(`\\${String.fromCharCode(letter)} is no escape`, 'BAD_JSON', p)
      into[at++] = meant
      p += 2
      continue
    }
    const unit = unitAt(scanner, p, end)
    p += 6
    if (unit < 0xd800 || unit > 0xdfff) {
      at = writePoint(unit, into, at)
      continue
    }
    const second = unit < 0xdc00 && bytes[p] === BACKSLASH && bytes[p + 1] === SMALL_U ? unitAt(scanner, p, end) : 0
    if (second < 0xdc00 || second > 0xdfff) {
      scanner.fail('this half of a pair stands for no character: bytes are {"base64": "..."}', 'BAD_JSON', p - 6)
    }
    p += 6
    at = writePoint(0x10000 + ((unit & 0x3ff) << 10) + (second & 0x3ff), into, at)
  }
  return at
}

function unitAt(scanner: JsonScanner, p: number, end: number): number {
  const {bytes} = scanner.cursor
  if (p + 6 > end) scanner.fail('\\u takes four digits', 'BAD_JSON', p)
  const [a, b, c, d] = [HEX[bytes[p + 2]!]!, HEX[bytes[p + 3]!]!, HEX[bytes[p + 4]!]!, HEX[bytes[p + 5]!]!]
  if ((a | b | c | d) > 15) scanner.fail('\\u takes four digits from 0 to f', 'BAD_JSON', p)
  return (a << 12) | (b << 8) | (c << 4) | d
}

function writePoint(point: number, into: Uint8Array, at: number): number {
  if (point < 0x80) {
    into[at] = point
    return at + 1
  }
  if (point < 0x800) {
    into[at] = 0xc0 | (point >> 6)
    into[at + 1] = 0x80 | (point & 63)
    return at + 2
  }
  if (point < 0x10000) {
    into[at] = 0xe0 | (point >> 12)
    into[at + 1] = 0x80 | ((point >> 6) & 63)
    into[at + 2] = 0x80 | (point & 63)
    return at + 3
  }
  into[at] = 0xf0 | (point >> 18)
  into[at + 1] = 0x80 | ((point >> 12) & 63)
  into[at + 2] = 0x80 | ((point >> 6) & 63)
  into[at + 3] = 0x80 | (point & 63)
  return at + 4
}
