/**
 * A string value of JSON, in as many pieces as it takes: text with escapes, or
 * {"base64": "..."}.
 */
import {LentBytes} from '../bytes/lent.js'
import type {ValueVisitor} from '../keyspace/visitor.js'
import {decodeBase64, decodeQuads} from './base64.js'
import {BACKSLASH, BRACE, type JsonScanner, QUOTE, UNBRACE} from './scanner.js'
import {unescapeText} from './unescape.js'
import type {JsonTypeReader, ValueFacts} from './value-reader.js'

/** Of the text or the base64 decoded in one go. */
const PIECE_BYTES = 64 * 1024
/** Longest sequence that must not be cut: a pair of \uXXXX. */
const SEQUENCE_BYTES_MAX = 12

type Form = 'none' | 'text' | 'base64'

export class JsonStringReader implements JsonTypeReader {
  #form: Form = 'none'
  #bytes = 0
  readonly #lent = new LentBytes(0)
  #piece = new Uint8Array(0)

  constructor(readonly scanner: JsonScanner) {}

  begin(): void {
    this.#form = 'none'
    this.#bytes = 0
  }

  read({entry, count, whole}: ValueFacts, visitor: ValueVisitor): number {
    const {scanner} = this
    if (whole) {
      const lent = this.#lent
      scanner.bytes(lent, 'the value of a string: text, or {"base64": "..."}')
      const length = lent.end - lent.start
      entry.elements = length
      visitor.begin(entry, length)
      if (!visitor.opaqueStrings) visitor.chunk(lent.bytes, lent.start, lent.end, true)
      return length
    }
    if (this.#form === 'none') {
      const form = this.#open()
      visitor.begin(entry, count)
      this.#form = form
      if (this.#piece.length === 0) this.#piece = new Uint8Array(PIECE_BYTES)
      scanner.cursor.commit()
    }
    if (this.#form === 'text') this.#text(visitor)
    else this.#base64(visitor)
    return this.#bytes
  }

  #open(): Form {
    const {scanner} = this
    if (scanner.takes(QUOTE)) return 'text'
    scanner.expect(BRACE, 'the value of a string: text, or {"base64": "..."}')
    scanner.member('base64')
    scanner.expect(QUOTE, 'a string of base64')
    return 'base64'
  }

  #show(visitor: ValueVisitor, length: number, last: boolean): void {
    this.#bytes += length
    if (!visitor.opaqueStrings) visitor.chunk(this.#piece, 0, length, last)
    this.scanner.cursor.commit()
  }

  #text(visitor: ValueVisitor): void {
    const {cursor} = this.scanner
    for (;;) {
      const start = cursor.pos
      // To a place between two characters: the checks of a string are those of any other.
      const end = this.#textEnd(start, Math.min(cursor.end, start + PIECE_BYTES))
      const last = end < cursor.end && cursor.bytes[end] === QUOTE
      const length = unescapeText(this.scanner, start, end, this.#piece)
      cursor.pos = last ? end + 1 : end
      if (length > 0 || last) this.#show(visitor, length, last)
      if (last) return
      if (end === start) {
        cursor.pos = cursor.end
        cursor.peek()
      }
    }
  }

  /** Where a piece of text from `start` on ends: at its closing quote, or before a sequence that might be cut. */
  #textEnd(start: number, until: number): number {
    const {scanner} = this
    const {bytes} = scanner.cursor
    let p = start
    while (p < until) {
      const byte = bytes[p]!
      if (byte === QUOTE) return p
      const room = scanner.inLastWindow ? until : until - SEQUENCE_BYTES_MAX
      if (byte === BACKSLASH || byte >= 0x80) {
        if (p > room) return p
        p = scanner.passCharacter(p, until)
      } else if (byte < 0x20) {
        scanner.fail('a control character stands in a string: it must be escaped', 'BAD_JSON', p)
      } else {
        p++
      }
    }
    return p
  }

  #base64(visitor: ValueVisitor): void {
    const {scanner} = this
    const {cursor} = scanner
    for (;;) {
      const start = cursor.pos
      const until = Math.min(cursor.end, start + PIECE_BYTES)
      const quote = cursor.bytes.subarray(start, until).indexOf(QUOTE)
      const last = quote >= 0
      // The last four characters wait for the quote: they may be padded.
      const end = last ? start + quote : start + Math.max(0, Math.floor((until - start - 1) / 4) * 4)
      const decode = last ? decodeBase64 : decodeQuads
      const length = decode(cursor.bytes, start, end, this.#piece)
      if (length < 0) scanner.fail('this is no base64', 'BAD_JSON', start)
      if (last) {
        cursor.pos = end + 1
        scanner.expect(UNBRACE, '}')
        this.#show(visitor, length, true)
        return
      }
      cursor.pos = end
      if (length > 0) this.#show(visitor, length, false)
      if (end === start) {
        cursor.pos = cursor.end
        cursor.peek()
      }
    }
  }
}
