/**
 * Commands out of a window (RESP2): arrays of bulk strings, and lines that
 * begin with # between them, which say when (aof-timestamp-enabled, redis 7.0).
 */
import type {ByteCursor} from '../bytes/cursor.js'
import {FormatError} from '../errors.js'

const CR = 0x0d
const LF = 0x0a
const STAR = 0x2a
const DOLLAR = 0x24
const HASH = 0x23
/** Digits of a length or a count, with what stands around them. */
const HEAD_BYTES_MAX = 24
/** What a server takes (redis 7.0 networking.c). */
const ARGUMENTS_MAX = 1024 * 1024
const ANNOTATION_BYTES_MAX = 1024

export class CommandReader {
  /** Where each argument of the present command lies in the window: its start, then its end. */
  readonly bounds: number[] = []

  constructor(readonly cursor: ByteCursor) {}

  get argc(): number {
    return this.bounds.length >> 1
  }

  start(arg: number): number {
    return this.bounds[2 * arg]!
  }

  end(arg: number): number {
    return this.bounds[2 * arg + 1]!
  }

  /** Reads the head of the next command: how many arguments follow; -1 at the end of the input. */
  head(): number {
    const {cursor} = this
    this.bounds.length = 0
    for (;;) {
      if (cursor.pos >= cursor.end && (cursor.ended || cursor.base + cursor.end >= cursor.inputBytes)) return -1
      if (cursor.peek() !== HASH) break
      this.#annotation()
      cursor.commit()
    }
    const offset = cursor.offset
    const argc = this.#number(STAR, 'a command begins with * and how many arguments it has')
    if (argc >= 1 && argc <= ARGUMENTS_MAX) return argc
    throw new FormatError('BAD_COUNT', `a command of ${argc} arguments cannot be`, offset)
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
    this.bounds.push(start, start + bytes)
  }

  argumentEnd(): void {
    const {cursor} = this
    const p = cursor.take(2)
    if (cursor.bytes[p] === CR && cursor.bytes[p + 1] === LF) return
    throw new FormatError('BAD_COMMAND', 'an argument ends in CR LF, at the length that it began with', cursor.base + p)
  }

  #annotation(): void {
    const {cursor} = this
    for (let bytes = 1; cursor.u8() !== LF; bytes++) {
      if (bytes > ANNOTATION_BYTES_MAX) {
        throw new FormatError('BAD_COMMAND', 'a line that begins with # does not end', cursor.offset - bytes)
      }
    }
  }

  #number(mark: number, what: string): number {
    const {cursor} = this
    const offset = cursor.offset
    if (cursor.u8() !== mark) throw new FormatError('BAD_COMMAND', `${what}: here it does not`, offset)
    let value = 0
    let digits = 0
    for (;;) {
      const byte = cursor.u8()
      if (byte === CR) break
      const digit = byte - 0x30
      if (digit < 0 || digit > 9 || ++digits > HEAD_BYTES_MAX) {
        throw new FormatError('BAD_COMMAND', `${what}: this is no number`, offset)
      }
      value = value * 10 + digit
    }
    if (digits === 0 || cursor.u8() !== LF) throw new FormatError('BAD_COMMAND', `${what}: this is no number`, offset)
    return value
  }
}
