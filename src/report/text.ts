/**
 * Bytes on a screen and in JSON. Keys are bytes: they may hold anything, and
 * nothing they hold may drive the terminal.
 */
import {isUtf8} from 'node:buffer'

/** Control and format characters (those that turn the writing direction among them), line and paragraph separators. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\\]/gu

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

/** The same for text that is already decoded: a file name, an aux value. */
export function formatText(text: string): string {
  return text.replace(UNSAFE, character =>
    character === '\\' ? '\\\\' : Array.from(Buffer.from(character, 'utf8'), hex).join(''),
  )
}

/** At most `width` columns, cut in the middle. */
export function shorten(text: string, width: number): string {
  const characters = Array.from(text)
  if (characters.length <= width) return text
  const head = Math.ceil((width - 1) / 2)
  return [...characters.slice(0, head), '…', ...characters.slice(characters.length - (width - 1 - head))].join('')
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

function hex(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`
}
