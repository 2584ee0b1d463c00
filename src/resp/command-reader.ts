/**
 * Commands out of a window (RESP2): arrays of bulk strings, and lines that
 * begin with # between them, which say when (aof-timestamp-enabled, redis 7.0).
 *
 *   *<argc>\r\n ($<bytes>\r\n <argument> \r\n)*
 *   # ... \n
 *
 * A server that loads its log reads a header up to its LF, and does not look at
 * the two bytes behind an argument (redis 7.0 aof.c): so does this reader where
 * `onLoose` is told; elsewhere only CR LF will do.
 */
import type {ByteCursor} from '../bytes/cursor.js'
import {FormatError} from '../errors.js'

const CR = 0x0d
const LF = 0x0a
const STAR = 0x2a
const DOLLAR = 0x24
const HASH = 0x23
const ZERO = 0x30
/** Digits of a length or a count, with what stands around them. */
const HEAD_BYTES_MAX = 24
/** What a server takes (redis 7.0 networking.c). */
const ARGUMENTS_MAX = 1024 * 1024
const ANNOTATION_BYTES_MAX = 1024
/** A length of so many digits needs no care for its size. */
const DIGITS_MAX = 9

/** Told of framing that servers take, and redis-check-aof does not. */
export type OnLoose = (offset: number, text: string) => void
/** A line that begins with #, with its end, lent. */
export type OnAnnotation = (bytes: Uint8Array, start: number, end: number, offset: number) => void

export class CommandReader {
  /** Where each argument of the present command lies in the window: its start, then its end. */
  bounds = new Int32Array(64)
  /** Arguments of the present command so far. */
  argc = 0
  /** Where the present command begins. */
  offset = 0
  onLoose: OnLoose | undefined
  onAnnotation: OnAnnotation | undefined

  constructor(readonly cursor: ByteCursor) {}

  start(arg: number): number {
    return this.bounds[2 * arg]!
  }

  end(arg: number): number {
    return this.bounds[2 * arg + 1]!
  }

  /** Reads a whole command; false at the end of the input. */
  next(): boolean {
    const argc = this.#shortHead()
    if (argc === 0) return this.#nextSlowly()
    const {cursor, bounds} = this
    const {bytes, end} = cursor
    let at = cursor.pos
    for (let i = 0; i < 2 * argc; i += 2) {
      // The commonest header, on locals: $, digits, CR LF, all in the window.
      if (at + DIGITS_MAX + 3 > end || bytes[at] !== DOLLAR) return this.#rest(argc, i >> 1, at)
      let length = bytes[at + 1]! - ZERO
      if (length < 0 || length > 9) return this.#rest(argc, i >> 1, at)
      let p = at + 2
      let digit = bytes[p]! - ZERO
      while (digit >= 0 && digit <= 9 && p < at + DIGITS_MAX) {
        length = length * 10 + digit
        digit = bytes[++p]! - ZERO
      }
      const start = p + 2
      const stop = start + length
      if (bytes[p] !== CR || bytes[p + 1] !== LF || stop + 2 > end) return this.#rest(argc, i >> 1, at)
      if (bytes[stop] !== CR || bytes[stop + 1] !== LF) return this.#rest(argc, i >> 1, at)
      bounds[i] = start
      bounds[i + 1] = stop
      at = stop + 2
    }
    cursor.pos = at
    this.argc = argc
    return true
  }

  /** The head of a command of 1 to 9 arguments that lies in the window; 0, and nothing read, of anything else. */
  #shortHead(): number {
    const {cursor} = this
    const {bytes, pos} = cursor
    if (pos + 4 > cursor.end || bytes[pos] !== STAR || bytes[pos + 2] !== CR || bytes[pos + 3] !== LF) return 0
    const argc = bytes[pos + 1]! - ZERO
    if (argc < 1 || argc > 9) return 0
    this.offset = cursor.base + pos
    cursor.pos = pos + 4
    return argc
  }

  #nextSlowly(): boolean {
    const argc = this.head()
    if (argc < 0) return false
    return this.#rest(argc, 0, this.cursor.pos)
  }

  /** Reads the arguments from one on that begins at a place. */
  #rest(argc: number, from: number, at: number): true {
    this.cursor.pos = at
    this.argc = from
    for (let i = from; i < argc; i++) this.argument()
    return true
  }

  /** Reads the head of the next command: how many arguments follow; -1 at the end of the input. */
  head(): number {
    const {cursor} = this
    this.argc = 0
    for (;;) {
      if (cursor.pos >= cursor.end && (cursor.ended || cursor.base + cursor.end >= cursor.inputBytes)) return -1
      if (cursor.peek() !== HASH) break
      this.#annotation()
      cursor.commit()
    }
    this.offset = cursor.offset
    const argc = this.#number(STAR, 'a command begins with * and how many arguments it has')
    if (argc >= 1 && argc <= ARGUMENTS_MAX) return argc
    throw new FormatError('BAD_COUNT', `a command of ${argc} arguments cannot be`, this.offset)
  }

  /** Reads the head of an argument: its bytes. */
  argumentHead(): number {
    return this.#number(DOLLAR, 'an argument begins with $ and its length')
  }

  /** Reads an argument whole. */
  argument(): void {
    const bytes = this.argumentHead()
    const start = this.cursor.take(bytes)
    this.argumentEnd()
    const at = 2 * this.argc++
    if (at + 2 > this.bounds.length) this.#widen()
    this.bounds[at] = start
    this.bounds[at + 1] = start + bytes
  }

  #widen(): void {
    const wider = new Int32Array(this.bounds.length * 2)
    wider.set(this.bounds)
    this.bounds = wider
  }

  argumentEnd(): void {
    const {cursor} = this
    const p = cursor.take(2)
    if (cursor.bytes[p] === CR && cursor.bytes[p + 1] === LF) return
    this.#loose(cursor.base + p, 'an argument ends in CR LF, at the length that it began with')
  }

  #loose(offset: number, text: string): void {
    if (this.onLoose === undefined) throw new FormatError('BAD_COMMAND', text, offset)
    this.onLoose(offset, text)
  }

  #annotation(): void {
    const {cursor} = this
    const {offset} = cursor
    for (let bytes = 1; cursor.u8() !== LF; bytes++) {
      if (bytes > ANNOTATION_BYTES_MAX) {
        throw new FormatError('BAD_COMMAND', 'a line that begins with # does not end', offset)
      }
    }
    this.onAnnotation?.(cursor.bytes, offset - cursor.base, cursor.pos, offset)
  }

  #number(mark: number, what: string): number {
    const {cursor} = this
    const offset = cursor.offset
    if (cursor.u8() !== mark) throw new FormatError('BAD_COMMAND', `${what}: here it does not`, offset)
    let value = 0
    let digits = 0
    let byte = cursor.u8()
    for (; byte !== CR && byte !== LF; byte = cursor.u8()) {
      const digit = byte - ZERO
      if (digit < 0 || digit > 9 || ++digits > HEAD_BYTES_MAX) {
        throw new FormatError('BAD_COMMAND', `${what}: this is no number`, offset)
      }
      value = value * 10 + digit
    }
    if (digits === 0) throw new FormatError('BAD_COMMAND', `${what}: this is no number`, offset)
    if (byte === LF) this.#loose(offset, `${what}, and then CR LF: here it is LF alone`)
    else if (cursor.u8() !== LF) throw new FormatError('BAD_COMMAND', `${what}: this is no number`, offset)
    return value
  }
}
