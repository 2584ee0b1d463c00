/**
 * Bytes on a screen and in JSON. Keys are bytes: they may hold anything, and
 * nothing they hold may drive the terminal.
 */
import {isUtf8} from 'node:buffer'

/**
 * Control and format characters (those that turn the writing direction among
 * them), line and paragraph separators, and what is reserved for more of them.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u2065\u{e0000}-\u{e007f}\\]/gu

/** Of `rdbtool: `, `warning: `, `  where  ` and `  next   `. */
const LABEL_COLUMNS = 9

/** Text whose characters all take one column. */
const NARROW = /^[\x20-\x7e]*$/
const MARK = /\p{M}/u
/** Hangul, CJK, kana, full-width forms, pictures (Unicode's East Asian Width W and F, by block). */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u

/** UTF-8 with every unsafe or invalid byte as \xNN, and a backslash doubled: reversible. */
export function formatBytes(bytes: Uint8Array): string {
  if (isUtf8(bytes)) return formatText(Buffer.from(bytes).toString('utf8'))
  let shown = ''
  for (let at = 0; at < bytes.length; ) {
    const length = validLength(bytes, at)
    if (length === 0) shown += hex(bytes[at]!)
    else shown += formatText(Buffer.from(bytes.subarray(at, at + length)).toString('utf8'))
    at += Math.max(length, 1)
  }
  return shown
}

/** A key as `formatBytes`; one that was cut says so, and how long it is. */
export function formatKey({key, keyBytes}: {key: Uint8Array; keyBytes?: number | undefined}): string {
  return formatBytes(key) + (keyBytes === undefined ? '' : `… (${keyBytes} bytes)`)
}

/** A key in JSON, under the names `key` and, where it was cut, `keyBytes`. */
export function jsonKey(kept: {key: Uint8Array; keyBytes?: number | undefined}): Record<string, unknown> {
  const {key, keyBytes} = kept
  return keyBytes === undefined ? {key: jsonBytes(key)} : {key: jsonBytes(key), keyBytes}
}

/** `formatBytes` of text that is already decoded: a file name, an aux value. */
export function formatText(text: string): string {
  return text.replace(UNSAFE, character => (character === '\\' ? '\\\\' : hexOf(character)))
}

/** A message with every unsafe character but the newline as \xNN: not reversible, it may quote anything. */
export function formatMessage(text: string): string {
  return text.replace(UNSAFE, character => (character === '\\' || character === '\n' ? character : hexOf(character)))
}

/** Columns that a text takes on a terminal: two for East Asian characters and pictures, none for combining marks. */
export function widthOf(text: string): number {
  if (NARROW.test(text)) return text.length
  let width = 0
  for (const character of text) width += MARK.test(character) ? 0 : WIDE.test(character) ? 2 : 1
  return width
}

/** At most `width` columns, cut in the middle. */
export function shorten(text: string, width: number): string {
  if (width === Number.POSITIVE_INFINITY) return text
  // Of a text of megabytes only the ends can be seen: the middle is not even looked at.
  const ends = 4 * width
  const long = text.length > 2 * ends
  if (!long && widthOf(text) <= width) return text
  const characters = Array.from(long ? text.slice(0, ends) + text.slice(-ends) : text)
  const head = fitting(characters, Math.ceil((width - 1) / 2))
  const tail = fitting(characters.reverse(), width - 1 - widthOf(head.join('')))
  return [...head, '…', ...tail.reverse()].join('')
}

/** At most `width` columns, cut at the end. */
export function shortenEnd(text: string, width: number): string {
  if (text.length <= width && widthOf(text) <= width) return text
  return [...fitting(Array.from(text.slice(0, 4 * width)), width - 1), '…'].join('')
}

/** Lines of at most `columns`, broken at blanks; all but the first stand under the text of the first, which has a label. */
export function hang(labelled: string, columns: number, labelColumns = LABEL_COLUMNS): string[] {
  const label = labelled.slice(0, labelColumns)
  const blank = ' '.repeat(labelColumns)
  return wrapped(labelled.slice(labelColumns), columns - labelColumns).map(
    (line, at) => (at === 0 ? label : blank) + line,
  )
}

/** Lines of at most `columns`, broken at blanks; a word that is wider has a line of its own. */
export function wrapped(text: string, columns: number): string[] {
  const lines: string[] = []
  let line: string | undefined
  for (const word of text.split(' ')) {
    const longer: string = line === undefined ? word : `${line} ${word}`
    if (line === undefined || widthOf(longer) <= columns) {
      line = longer
      continue
    }
    lines.push(line)
    line = word
  }
  return [...lines, line ?? '']
}

/** As many of the first characters as `width` columns hold. */
function fitting(characters: readonly string[], width: number): string[] {
  let used = 0
  const end = characters.findIndex(character => {
    used += widthOf(character)
    return used > width
  })
  return characters.slice(0, end < 0 ? undefined : end)
}

/** JSON for people and programs, in one line where `indent` is 0; what could drive a terminal stands as \uNNNN. */
export function formatJson(value: unknown, indent = 2): string {
  const units = (character: string): string =>
    Array.from({length: character.length}, (_, at) => `\\u${hexDigits(character.charCodeAt(at), 4)}`).join('')
  return JSON.stringify(value, undefined, indent).replace(UNSAFE, character =>
    character === '\\' || character === '\n' ? character : units(character),
  )
}

/** Bytes in JSON: a string where they are UTF-8, base64 where they are not. */
export function jsonBytes(bytes: Uint8Array): string | {base64: string} {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  return isUtf8(bytes) ? buffer.toString('utf8') : {base64: buffer.toString('base64')}
}

/** An exact integer in JSON: digits in a string where a double would round it. */
export function jsonInteger(value: number | bigint): number | string {
  return typeof value === 'number' ? value : value.toString()
}

/** Length of the valid UTF-8 sequence at `at`; 0 where there is none. */
function validLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!
  const length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2
  const sequence = bytes.subarray(at, at + length)
  return sequence.length === length && isUtf8(sequence) ? length : 0
}

/** The UTF-8 bytes of a character as \xNN. */
function hexOf(character: string): string {
  return Array.from(Buffer.from(character, 'utf8'), hex).join('')
}

function hex(byte: number): string {
  return `\\x${hexDigits(byte, 2)}`
}

function hexDigits(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}
