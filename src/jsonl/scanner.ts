/**
 * Tokens of JSON over a window (RFC 8259). Strings are bytes: what they stand
 * for is lent, from the window where nothing is escaped, else from scratch.
 *
 * An error names line and column; a column counts bytes, from 1.
 */
import {type ByteCursor, STARVED} from '../bytes/cursor.js'
import {parseDouble} from '../bytes/decimal.js'
import {type Halves, type Int64, parseInt64, parseUint64, signedInt64, unsignedInt64} from '../bytes/int64.js'
import type {LentBytes} from '../bytes/lent.js'
import {sequenceLength} from '../bytes/utf8.js'
import {FormatError} from '../errors.js'
import {decodeBase64} from './base64.js'
import {unescapeText} from './unescape.js'

export const QUOTE = 0x22
export const COMMA = 0x2c
export const COLON = 0x3a
export const OPEN = 0x5b
export const CLOSE = 0x5d
export const BRACE = 0x7b
export const UNBRACE = 0x7d
export const BACKSLASH = 0x5c
const MINUS = 0x2d
const NEWLINE = 0x0a
const BLANK = 0x20

/** Bytes that need no look within a string. */
const PLAIN = new Uint8Array(256)
PLAIN.fill(1, 0x20, 0x80)
PLAIN[QUOTE] = PLAIN[BACKSLASH] = 0

/** Bytes of which numbers and literals are made. */
const BARE = new Uint8Array(256)
for (const character of '+-.0123456789Eefalnrstu') BARE[character.charCodeAt(0)] = 1

/** Of one character. */
const SEQUENCE_BYTES_MAX = 4
/** Bytes of a name that an error quotes. */
const NAME_SHOWN_MAX = 30
const NOT_UTF8 = 'the string is not UTF-8: bytes that are none are {"base64": "..."}'

type JsonCode = 'BAD_JSON' | 'TRUNCATED' | 'BAD_COUNT'

export class JsonScanner {
  /** Lines that end before `#counted`, an absolute offset, and where the line at it begins. */
  #lines = 0
  #lineOffset = 0
  #counted = 0
  /** Bounds of the last string or number token, within the window. */
  start = 0
  end = 0
  /** Whether the last string has escapes. */
  #escaped = false
  readonly #halves: Halves = {high: 0, low: 0}
  readonly #scratch: [Uint8Array, Uint8Array] = [new Uint8Array(256), new Uint8Array(256)]

  constructor(readonly cursor: ByteCursor) {}

  /** Whether the input ends where the window does. */
  get inLastWindow(): boolean {
    const {cursor} = this
    return cursor.ended || cursor.base + cursor.end >= cursor.inputBytes
  }

  /** Before a refill: counts the lines of what will be gone. */
  countLines(untilOffset = this.cursor.base + Math.min(this.cursor.safe, this.cursor.end)): void {
    const {bytes, base} = this.cursor
    for (;;) {
      const at = this.#counted < untilOffset ? bytes.indexOf(NEWLINE, this.#counted - base) : -1
      if (at < 0 || base + at >= untilOffset) break
      this.#lines++
      this.#lineOffset = this.#counted = base + at + 1
    }
    this.#counted = Math.max(this.#counted, untilOffset)
  }

  /** The next byte that is no blank, without taking it; -1 at the end of the input. */
  next(): number {
    const {cursor} = this
    for (;;) {
      const {bytes, end} = cursor
      let p = cursor.pos
      while (p < end) {
        const byte = bytes[p]!
        if (byte > BLANK) {
          cursor.pos = p
          return byte
        }
        if (byte !== NEWLINE && byte !== BLANK && byte !== 0x09 && byte !== 0x0d) {
          cursor.pos = p
          this.fail('a control character stands between the values')
        }
        p++
      }
      cursor.pos = p
      if (this.inLastWindow) return -1
      cursor.peek()
    }
  }

  /** Takes a byte that must come next. */
  expect(byte: number, what: string): void {
    if (this.next() !== byte) this.unexpected(what)
    this.cursor.pos++
  }

  /** Takes a byte if it comes next. */
  takes(byte: number): boolean {
    if (this.next() !== byte) return false
    this.cursor.pos++
    return true
  }

  /** Whether another element follows in an array or object that `close` ends. */
  more(first: boolean, close: number): boolean {
    const byte = this.next()
    if (byte === close) {
      this.cursor.pos++
      return false
    }
    if (first) return true
    if (byte !== COMMA) this.unexpected(close === CLOSE ? ', or ]' : ', or }')
    this.cursor.pos++
    return true
  }

  /** Finds the end of a string: `start` and `end` are left around what stands between the quotes. */
  string(what: string): void {
    this.expect(QUOTE, what)
    const {cursor} = this
    const {bytes, end} = cursor
    let p = cursor.pos
    this.start = p
    this.#escaped = false
    for (;;) {
      while (p < end && PLAIN[bytes[p]!] === 1) p++
      if (p >= end) this.#starve(p)
      const byte = bytes[p]!
      if (byte === QUOTE) break
      if (byte === BACKSLASH) {
        this.#escaped = true
        if (p + 1 >= end) this.#starve(p + 1)
        p += 2
      } else if (byte < 0x80) {
        cursor.pos = p
        this.fail('a control character stands in a string: it must be escaped')
      } else {
        const length = sequenceLength(bytes, p, end)
        if (length === 0) {
          if (end - p < SEQUENCE_BYTES_MAX && !this.inLastWindow) this.#starve(end)
          cursor.pos = p
          this.fail(NOT_UTF8)
        }
        p += length
      }
    }
    this.end = p
    cursor.pos = p + 1
  }

  /** Where the character or escape at p ends, which must do so before `until`; a pair of \\u is one. */
  passCharacter(p: number, until: number): number {
    const {bytes} = this.cursor
    if (bytes[p] !== BACKSLASH) {
      const length = sequenceLength(bytes, p, until)
      if (length === 0) this.fail(NOT_UTF8, 'BAD_JSON', p)
      return p + length
    }
    if (bytes[p + 1] !== 0x75) return p + 2
    // The second half of a pair belongs to the first.
    const high = (bytes[p + 2]! | 0x20) === 0x64 && /[89ab]/i.test(String.fromCharCode(bytes[p + 3]!))
    return high ? p + 12 : p + 6
  }

  /** Lends what the last string stands for. */
  lendString(into: LentBytes): void {
    const {bytes} = this.cursor
    if (!this.#escaped) {
      into.lend(bytes, this.start, this.end)
      return
    }
    const scratch = this.#scratchOf(into.slot, this.end - this.start)
    into.lend(scratch, 0, unescapeText(this, this.start, this.end, scratch))
  }

  /** Bytes: a string, or {"base64": "..."}. */
  bytes(into: LentBytes, what: string): void {
    const byte = this.next()
    if (byte === QUOTE) {
      this.string(what)
      this.lendString(into)
      return
    }
    if (byte !== BRACE) this.unexpected(what)
    this.cursor.pos++
    this.member('base64')
    this.base64(into)
    this.expect(UNBRACE, '}')
  }

  /** Lends what a string of base64 stands for. */
  base64(into: LentBytes): void {
    this.string('a string of base64')
    const scratch = this.#scratchOf(into.slot, this.end - this.start)
    const length = decodeBase64(this.cursor.bytes, this.start, this.end, scratch)
    if (length < 0) {
      this.cursor.pos = this.start
      this.fail('this is no base64')
    }
    into.lend(scratch, 0, length)
  }

  /** The name of a member and its colon, which must be this. */
  member(name: string): void {
    this.string(`"${name}"`)
    if (!this.is(name)) {
      this.cursor.pos = this.start - 1
      this.unexpected(`"${name}"`)
    }
    this.expect(COLON, ':')
  }

  /** Whether the last string is this one; of ASCII. */
  is(text: string): boolean {
    const {start} = this
    if (this.end - start !== text.length) return false
    const {bytes} = this.cursor
    for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text.charCodeAt(i)) return false
    return true
  }

  /** An integer of 64 bits, of either sign: a number, or a string of digits. */
  integer(what: string): Int64 {
    this.#number(what)
    const {bytes} = this.cursor
    const {start, end} = this
    const halves = this.#halves
    if (end - start < 16 && bytes[start] !== MINUS) {
      let value = 0
      let p = start
      for (; p < end; p++) {
        const digit = bytes[p]! - 0x30
        if (digit < 0 || digit > 9) break
        value = value * 10 + digit
      }
      if (p === end && end > start) return value
    } else if (bytes[start] === MINUS) {
      if (parseInt64(bytes, start, end, halves)) return signedInt64(halves.high, halves.low)
    } else if (parseUint64(bytes, start, end, halves)) {
      return unsignedInt64(halves.high >>> 0, halves.low)
    }
    this.cursor.pos = start
    return this.unexpected(`${what}: an integer of 64 bits`)
  }

  /** An integer from 0 up that a double holds. */
  count(what: string): number {
    const value = this.integer(what)
    if (typeof value === 'number' && value >= 0) return value
    this.cursor.pos = this.start
    return this.unexpected(`${what}: an integer from 0 to 2^53 - 1`)
  }

  /** A double: a number, or a string such as "inf". */
  double(what: string): number {
    this.#number(what)
    const value = parseDouble(this.cursor.bytes, this.start, this.end)
    if (value !== undefined) return value
    this.cursor.pos = this.start
    return this.unexpected(what)
  }

  /** Takes null if it comes next. */
  takesNull(): boolean {
    if (this.next() !== 0x6e) return false
    this.#bare()
    if (this.is('null')) return true
    this.cursor.pos = this.start
    return this.unexpected('null')
  }

  /** The last string as text. */
  text(into: LentBytes): string {
    this.lendString(into)
    return Buffer.from(into.bytes.buffer, into.bytes.byteOffset + into.start, into.end - into.start).toString('utf8')
  }

  #number(what: string): void {
    const byte = this.next()
    if (byte === QUOTE) this.string(what)
    else if (byte === MINUS || (byte >= 0x30 && byte <= 0x39)) this.#bare()
    else this.unexpected(what)
  }

  #bare(): void {
    const {cursor} = this
    const {bytes, end} = cursor
    this.start = cursor.pos
    let p = cursor.pos
    while (p < end && BARE[bytes[p]!] === 1) p++
    // It may go on in the next window.
    if (p >= end && !this.inLastWindow) this.#starve(p)
    this.end = cursor.pos = p
  }

  #scratchOf(slot: 0 | 1, bytes: number): Uint8Array {
    if (this.#scratch[slot].length < bytes) this.#scratch[slot] = new Uint8Array(bytes * 2)
    return this.#scratch[slot]
  }

  /** The window ends before what is being read does. */
  #starve(p: number): never {
    this.cursor.pos = p
    this.cursor.peek()
    throw STARVED
  }

  /** Says what stands at the position instead of what should. */
  unexpected(wanted: string): never {
    const {cursor} = this
    if (cursor.pos >= cursor.end) return this.fail(`the input ends where ${wanted} should stand`, 'TRUNCATED')
    const byte = cursor.bytes[cursor.pos]!
    const shown =
      byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `byte 0x${byte.toString(16).padStart(2, '0')}`
    return this.fail(`${wanted} should stand here, not ${shown}`)
  }

  /** An error about the name that was read last. */
  errorAtName(message: string): FormatError {
    const shown = this.cursor.bytes.subarray(this.start, Math.min(this.end, this.start + NAME_SHOWN_MAX))
    return this.error(`"${Buffer.from(shown).toString('utf8')}" ${message}`, 'BAD_JSON', this.start - 1)
  }

  /** Fails at the position, or at another one of the window. */
  fail(message: string, code: JsonCode = 'BAD_JSON', pos = this.cursor.pos): never {
    throw this.error(message, code, pos)
  }

  error(message: string, code: JsonCode = 'BAD_JSON', pos = this.cursor.pos): FormatError {
    const offset = this.cursor.base + pos
    return new FormatError(code, `${message} (${this.place(offset)})`, offset)
  }

  place(offset: number): string {
    this.countLines(offset)
    return `line ${this.#lines + 1}, column ${offset - this.#lineOffset + 1}`
  }
}
