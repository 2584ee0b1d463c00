/**
 * Finds where a value ends without looking at what it says, in one pass
 * however many windows that takes.
 */
import type {ByteCursor} from '../bytes/cursor.js'
import {BACKSLASH, CLOSE, COMMA, OPEN, QUOTE} from './scanner.js'

/** Brackets open with bit 5 of 0x5b or 0x7b, and close two further. */
const isOpen = (byte: number): boolean => (byte | 0x20) === (OPEN | 0x20)
const isClose = (byte: number): boolean => (byte | 0x20) === (CLOSE | 0x20)

export class JsonSkipper {
  /** Commas between the elements of the value itself. */
  commas = 0
  /** Whether the value has anything within its brackets. */
  filled = false
  #startOffset = -1
  /** Absolute offset of what has not been looked at. */
  #offset = 0
  #depth = 0
  #inString = false
  #discarding = false

  /**
   * Moves the cursor, which stands at the first byte of a value, behind it. False where that is further than
   * `bytesMax`. Throws STARVED in between, with the value kept; called again from the same place, it goes on.
   */
  pass(cursor: ByteCursor, bytesMax: number): boolean {
    if (cursor.offset !== this.#startOffset) this.#start(cursor)
    for (;;) {
      const until = Math.min(cursor.end, this.#startOffset + bytesMax - cursor.base)
      if (this.#scan(cursor, until)) {
        this.#startOffset = -1
        return true
      }
      if (until < cursor.end) return false
      cursor.pos = cursor.end
      cursor.peek()
    }
  }

  /** The same of a value that nobody will read: what has been passed over is let go. Called again from wherever that ended. */
  discard(cursor: ByteCursor): void {
    if (!this.#discarding) this.#start(cursor)
    this.#discarding = true
    while (!this.#scan(cursor, cursor.end)) {
      cursor.pos = cursor.end
      cursor.commit()
      cursor.peek()
    }
    this.#discarding = false
    this.#startOffset = -1
  }

  #start(cursor: ByteCursor): void {
    this.#startOffset = this.#offset = cursor.offset
    this.#depth = this.commas = 0
    this.#inString = this.filled = this.#discarding = false
  }

  /** True with the cursor behind the value. */
  #scan(cursor: ByteCursor, until: number): boolean {
    const {bytes} = cursor
    let p = this.#offset - cursor.base
    let depth = this.#depth
    let inString = this.#inString
    while (p < until) {
      if (inString) {
        while (p < until && bytes[p] !== QUOTE && bytes[p] !== BACKSLASH) p++
        if (p >= until) break
        if (bytes[p] === BACKSLASH) {
          // Its second byte may lie in the next window: what is not there yet is passed over all the same.
          p += 2
          continue
        }
        inString = false
        p++
        if (depth === 0) return this.#ended(cursor, p)
        continue
      }
      const byte = bytes[p]!
      if (byte === QUOTE) {
        inString = true
        if (depth === 1) this.filled = true
      } else if (isOpen(byte)) {
        if (depth === 1) this.filled = true
        depth++
      } else if (isClose(byte)) {
        // A bare value ends before what closes around it.
        if (depth === 0) return this.#ended(cursor, p)
        if (--depth === 0) return this.#ended(cursor, p + 1)
      } else if (byte === COMMA) {
        if (depth === 0) return this.#ended(cursor, p)
        if (depth === 1) this.commas++
      } else if (depth === 1 && byte > 0x20) {
        this.filled = true
      }
      p++
    }
    this.#offset = cursor.base + p
    this.#depth = depth
    this.#inString = inString
    return false
  }

  #ended(cursor: ByteCursor, p: number): boolean {
    cursor.pos = p
    return true
  }
}
