/**
 * The patterns of KEYS and SCAN, on bytes, with the answers of the server
 * (redis 7.0 util.c stringmatchlen; valkey the same).
 *
 *   *        any bytes, also none
 *   ?        one byte (not one character: `é` is two)
 *   [abc]    one of these bytes
 *   [a-z]    one of a range; reversed is the same
 *   [^a-z]   one byte that is none of these
 *   \c       the byte c itself, in and out of brackets
 *   c        itself: case matters
 *
 * Less known, and kept:
 *   - `]` ends a class even as its first byte: `[]` matches nothing, `[^]` any byte;
 *   - a class without its `]` ends with the pattern: `[ab` is `[ab]`;
 *   - a range takes the byte after `-` as it is, be it `]` or `\`; an escaped byte begins none;
 *   - a lone `\` at the end is itself;
 *   - bytes of a range are compared as the signed char of x86-64: `[a-\xff]` is 80..ff up to ff, then 00..61;
 *   - no pattern but `*` and the empty one matches the empty key: `**` does not.
 * Not kept: servers that are secured against abusive patterns give up at the
 * thousandth `*`; here there is nothing to give up.
 *
 * In a pattern written as text (`Glob.parse`) a further escape stands for any
 * one byte, since keys are bytes and text is not:
 *
 *   \xHH     the byte HH, two hexadecimal digits: always itself, never special
 *            (`\x2a` is an asterisk), but a range may begin or end with it
 *
 * This is how reports print bytes that are no text, and like them it is read
 * from left to right: `\\x41` is a backslash and `x41`. So a printed key is a
 * pattern of itself, once a `[` in it is given a backslash (and `*` and `?` are,
 * lest they match more). A server reads `\xHH` as `x` and HH; to say that, leave
 * out the backslash.
 *
 * A pattern is cut at its stars into segments. Each step of a segment takes one
 * byte, so its length is known: the first segment stands at the start of a
 * key, the last at its end, and each between them at its first place after the
 * one before. That first place is never wrong, as it leaves the most to what
 * follows; so nothing is tried twice and nothing is exponential.
 */

/** Marks a byte that is itself whatever it is. */
const LITERAL = 0x100
const STAR = 0x2a
const QUESTION = 0x3f
const OPEN = 0x5b
const CLOSE = 0x5d
const BACKSLASH = 0x5c
const CARET = 0x5e
const DASH = 0x2d

/** Steps: a byte below 256, any byte, or ANY plus the number of a class. */
const ANY = 256

/** A compiled pattern. Matching allocates nothing. */
export class Glob {
  /** The steps of all segments, one after the other. */
  readonly #steps: Uint32Array
  /** Whether a byte belongs to class n is at (n - 1) * 256 + byte. */
  readonly #classes: Uint8Array
  /** Where each segment begins in the steps, and where the last ends. */
  readonly #bounds: Uint32Array
  readonly #everything: boolean

  private constructor(codes: ArrayLike<number>) {
    const {segments, classes} = compile(codes)
    this.#steps = Uint32Array.from(segments.flat())
    this.#classes = new Uint8Array(classes.length * 256)
    for (const [i, members] of classes.entries()) this.#classes.set(members, i * 256)
    this.#bounds = new Uint32Array(segments.length + 1)
    for (const [i, steps] of segments.entries()) this.#bounds[i + 1] = this.#bounds[i]! + steps.length
    this.#everything = codes.length === 1 && codes[0] === STAR
  }

  /** A pattern as a server is given it. */
  static of(pattern: Uint8Array): Glob {
    return new Glob(pattern)
  }

  /** A pattern as it is written on a command line: UTF-8, with \xHH for any byte. */
  static parse(text: string): Glob {
    return new Glob(codesOf(text))
  }

  /** Whether the pattern matches bytes[start, end) as a whole. */
  matches(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#everything) return true
    const bounds = this.#bounds
    const last = bounds.length - 2
    const stepCount = bounds[last + 1]!
    const bytesLeft = end - start
    // A server looks at no star of a pattern once there are no bytes, and there are none in the empty key.
    if (last === 0 || bytesLeft === 0) return last === 0 && bytesLeft === stepCount && this.#at(0, bytes, start)
    if (bytesLeft < stepCount || !this.#at(0, bytes, start)) return false
    const tail = end - (stepCount - bounds[last]!)
    if (!this.#at(last, bytes, tail)) return false
    let at = start + bounds[1]!
    for (let segment = 1; segment < last; segment++) {
      const length = bounds[segment + 1]! - bounds[segment]!
      while (at + length <= tail && !this.#at(segment, bytes, at)) at++
      at += length
      if (at > tail) return false
    }
    return true
  }

  /** Whether a segment matches the bytes at `at`; there are as many as it has steps. */
  #at(segment: number, bytes: Uint8Array, at: number): boolean {
    const steps = this.#steps
    const end = this.#bounds[segment + 1]!
    for (let i = this.#bounds[segment]!, p = at; i < end; i++, p++) {
      const step = steps[i]!
      if (step < ANY) {
        if (bytes[p] !== step) return false
      } else if (step > ANY && this.#classes[(step - ANY - 1) * 256 + bytes[p]!] === 0) {
        return false
      }
    }
    return true
  }
}

/** Any escape: that after an escaped backslash is none. */
const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|.)/gsu

/** UTF-8 bytes, those of \xHH marked as literal; any other escape is left to `compile`. */
function codesOf(text: string): number[] {
  const codes: number[] = []
  const append = (part: string): void => {
    for (const byte of Buffer.from(part, 'utf8')) codes.push(byte)
  }
  let from = 0
  for (const {0: written, 1: digits, index} of text.matchAll(ESCAPE)) {
    if (digits === undefined) continue
    append(text.slice(from, index))
    codes.push(LITERAL | Number.parseInt(digits, 16))
    from = index + written.length
  }
  append(text.slice(from))
  return codes
}

function compile(codes: ArrayLike<number>): {segments: number[][]; classes: Uint8Array[]} {
  let steps: number[] = []
  const segments = [steps]
  const classes: Uint8Array[] = []
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at]!
    if (code === STAR) {
      // A run of stars is one.
      if (segments.length > 1 && steps.length === 0) continue
      steps = []
      segments.push(steps)
    } else if (code === QUESTION) {
      steps.push(ANY)
    } else if (code === OPEN) {
      const members = new Uint8Array(256)
      at = compileClass(codes, at + 1, members)
      classes.push(members)
      steps.push(ANY + classes.length)
    } else {
      if (code === BACKSLASH && at + 1 < codes.length) at++
      steps.push(codes[at]! & 0xff)
    }
  }
  return {segments, classes}
}

/** Fills in the members of the class whose first byte after `[` is at `start`; returns where its last byte is. */
function compileClass(codes: ArrayLike<number>, start: number, members: Uint8Array): number {
  const {length} = codes
  const negated = codes[start] === CARET
  let at = negated ? start + 1 : start
  for (; at < length && codes[at] !== CLOSE; at++) {
    if (codes[at] === BACKSLASH && at + 1 < length) {
      at++
      members[codes[at]! & 0xff] = 1
    } else if (at + 2 < length && codes[at + 1] === DASH) {
      addRange(codes[at]!, codes[at + 2]!, members)
      at += 2
    } else {
      members[codes[at]! & 0xff] = 1
    }
  }
  if (negated) for (let byte = 0; byte < 256; byte++) members[byte]! ^= 1
  return at
}

function addRange(from: number, to: number, members: Uint8Array): void {
  const a = signed(from)
  const b = signed(to)
  for (let value = Math.min(a, b); value <= Math.max(a, b); value++) members[value & 0xff] = 1
}

function signed(code: number): number {
  return (code << 24) >> 24
}
