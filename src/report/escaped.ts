/**
 * Bytes on a screen as `formatBytes` shows them, written straight into an
 * output, and no further than so many columns. Arguments of a command are
 * written as redis-cli reads them back:
 *
 *   plain           printable ASCII without blanks, quotes and backslashes
 *   'any " text'    what has double quotes and nothing that needs a backslash: JSON, as a rule
 *   "any \" text"   everything else, the empty argument too
 */
import type {ByteOutput} from '../bytes/output.js'
import {sequenceLength} from '../bytes/utf8.js'
import {formatText, widthOf} from './text.js'

const QUOTE = 0x22
const SINGLE_QUOTE = 0x27
const BACKSLASH = 0x5c
const LETTER_X = 0x78
const HEX = Buffer.from('0123456789abcdef')
/** `\xNN` */
const HEX_COLUMNS = 4
const QUOTES_COLUMNS = 2
/** Of UTF-8. */
const CHARACTER_BYTES_MAX = 4

/** 1 for bytes that need no quotes. */
const IS_PLAIN = new Uint8Array(256)
for (let byte = 0x21; byte < 0x7f; byte++) IS_PLAIN[byte] = 1
for (const character of `"'\\`) IS_PLAIN[character.charCodeAt(0)] = 0

/** How a byte stands between quotes: as itself, behind a backslash, in digits; or it begins a character. */
const ITSELF = 0
const ESCAPED = 1
const DIGITS = 2
const WIDER = 3
const FORMS = Uint8Array.from({length: 256}, (_, byte) => {
  if (byte >= 0x80) return WIDER
  if (byte === QUOTE || byte === BACKSLASH) return ESCAPED
  return byte >= 0x20 && byte < 0x7f ? ITSELF : DIGITS
})

/** The same between single quotes. */
const SINGLE_FORMS = FORMS.slice()
SINGLE_FORMS[QUOTE] = ITSELF

/** By code point, once it was met: 1 plus its columns, or UNSAFE. */
let characters: Uint8Array | undefined
const UNSAFE = 0xff
const CODE_POINTS = 0x11_0000

function kindOf(point: number): number {
  characters ??= new Uint8Array(CODE_POINTS)
  const known = characters[point]!
  if (known !== 0) return known
  const character = String.fromCodePoint(point)
  const kind = formatText(character) === character ? 1 + widthOf(character) : UNSAFE
  characters[point] = kind
  return kind
}

export class EscapedWriter {
  /** Of what was written last. */
  columns = 0
  #forms = FORMS

  constructor(readonly out: ByteOutput) {}

  /** Writes an argument whole, if it takes at most so many columns. */
  argument(bytes: Uint8Array, start: number, end: number, columnsMax: number): boolean {
    if (end - start <= columnsMax && this.#plain(bytes, start, end)) return true
    if (columnsMax < QUOTES_COLUMNS) return false
    const bounded = columnsMax !== Number.POSITIVE_INFINITY
    if (bounded && end - start > CHARACTER_BYTES_MAX * columnsMax) return false
    const insideMax = columnsMax - QUOTES_COLUMNS
    this.#choose(bytes, start, end)
    if (bounded && this.#walk(bytes, start, end, insideMax, false) < end) return false
    this.#quoted(bytes, start, end, insideMax)
    return true
  }

  /** Writes as much of its beginning as so many columns hold. */
  beginning(bytes: Uint8Array, start: number, end: number, columnsMax: number): void {
    let plainEnd = start
    const last = Math.min(end, start + columnsMax)
    while (plainEnd < last && IS_PLAIN[bytes[plainEnd]!] === 1) plainEnd++
    if (plainEnd === last && last > start) {
      this.#plain(bytes, start, last)
      return
    }
    // Characters that take no column are not looked for without end.
    const seen = Math.min(end, start + CHARACTER_BYTES_MAX * columnsMax)
    this.#choose(bytes, start, seen)
    this.#quoted(bytes, start, seen, columnsMax - QUOTES_COLUMNS)
  }

  #plain(bytes: Uint8Array, start: number, end: number): boolean {
    if (end === start) return false
    for (let p = start; p < end; p++) if (IS_PLAIN[bytes[p]!] === 0) return false
    this.out.copy(bytes, start, end)
    this.columns = end - start
    return true
  }

  #quoted(bytes: Uint8Array, start: number, end: number, columnsMax: number): void {
    const quote = this.#forms === FORMS ? QUOTE : SINGLE_QUOTE
    this.out.u8(quote)
    this.#walk(bytes, start, end, columnsMax, true)
    this.out.u8(quote)
    this.columns += QUOTES_COLUMNS
  }

  /** Which quotes: there are no escapes between single ones. */
  #choose(bytes: Uint8Array, start: number, end: number): void {
    this.#forms = FORMS
    let quotes = 0
    for (let p = start; p < end; ) {
      const byte = bytes[p]!
      const form = FORMS[byte]!
      if (byte === QUOTE) quotes++
      else if (form === ESCAPED || form === DIGITS || byte === SINGLE_QUOTE) return
      const length = form === WIDER ? sequenceLength(bytes, p, end) : 1
      if (form === WIDER && (length === 0 || kindOf(codePoint(bytes, p, length)) === UNSAFE)) return
      p += length
    }
    if (quotes > 0) this.#forms = SINGLE_FORMS
  }

  /** Goes on, writing or not, while there are columns; returns where it stopped. */
  #walk(bytes: Uint8Array, start: number, end: number, columnsMax: number, writes: boolean): number {
    const {out} = this
    const forms = this.#forms
    let left = columnsMax
    let p = start
    // Where no column is left, a mark that takes none still fits.
    while (p < end) {
      const form = forms[bytes[p]!]!
      if (form === ITSELF) {
        if (left === 0) break
        const runMax = Math.min(end, p + left)
        const runStart = p++
        while (p < runMax && forms[bytes[p]!] === ITSELF) p++
        left -= p - runStart
        if (writes) out.copy(bytes, runStart, p)
        continue
      }
      const length = form === WIDER ? Math.max(sequenceLength(bytes, p, end), 1) : 1
      const shown = form === WIDER && length > 1 ? kindOf(codePoint(bytes, p, length)) : UNSAFE
      const width = form === ESCAPED ? 2 : shown === UNSAFE ? HEX_COLUMNS * length : shown - 1
      if (width > left) break
      left -= width
      if (writes) {
        if (form === ESCAPED) out.u8(BACKSLASH)
        if (form === ESCAPED || shown !== UNSAFE) out.copy(bytes, p, p + length)
        else writeHex(out, bytes, p, length)
      }
      p += length
    }
    this.columns = columnsMax === Number.POSITIVE_INFINITY ? 0 : columnsMax - left
    return p
  }
}

function writeHex(out: ByteOutput, bytes: Uint8Array, start: number, length: number): void {
  out.room(HEX_COLUMNS * length)
  const into = out.bytes
  let {at} = out
  for (let p = start; p < start + length; p++) {
    into[at++] = BACKSLASH
    into[at++] = LETTER_X
    into[at++] = HEX[bytes[p]! >> 4]!
    into[at++] = HEX[bytes[p]! & 15]!
  }
  out.at = at
}

/** Of a sequence that is valid. */
function codePoint(bytes: Uint8Array, p: number, length: number): number {
  const second = bytes[p + 1]! & 0x3f
  if (length === 2) return ((bytes[p]! & 0x1f) << 6) | second
  const third = bytes[p + 2]! & 0x3f
  if (length === 3) return ((bytes[p]! & 0x0f) << 12) | (second << 6) | third
  return ((bytes[p]! & 0x07) << 18) | (second << 12) | (third << 6) | (bytes[p + 3]! & 0x3f)
}
