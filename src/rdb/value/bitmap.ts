/**
 * A native bitmap (type 33, redis 8.12): by meaning a string.
 *
 *   <length: bytes of the string> <string: roaring bitmap, 64-bit portable form>
 *
 * Bit k of the roaring set is bit 7 - k mod 8 of byte k / 8. The string is
 * expanded piece by piece, up to the size that a server takes as one string.
 */
import type {ByteCursor} from '../../bytes/cursor.js'
import {LentBytes} from '../../bytes/lent.js'
import {readPlainLength} from '../../encoding/length.js'
import {RoaringReader} from '../../encoding/roaring.js'
import {readString, skipString} from '../../encoding/string.js'
import {LimitError} from '../../errors.js'
import type {Entry} from '../../keyspace/entry.js'
import type {ValueVisitor} from '../../keyspace/visitor.js'
import {limits} from '../../limits.js'
import type {ValueReader} from './reader.js'

const PIECE_BYTES = 64 * 1024

export class BitmapReader implements ValueReader {
  #entry!: Entry
  readonly #blob = new LentBytes(0)

  begin(entry: Entry): void {
    this.#entry = entry
  }

  read(cursor: ByteCursor, visitor: ValueVisitor): void {
    const logicalBytes = readPlainLength(cursor)
    this.#entry.elements = logicalBytes
    if (visitor.depth === 'skip') {
      skipString(cursor)
      return
    }
    // No bytes stand behind the length: an empty bitmap may claim petabytes of zeros.
    if (logicalBytes > limits.elementBytesMax) {
      throw new LimitError('elementBytesMax', limits.elementBytesMax, logicalBytes, cursor.offset)
    }
    const blob = this.#blob
    const offset = cursor.offset
    readString(cursor, blob)
    const bitmap = new RoaringReader(blob.bytes, blob.start, blob.end, offset, logicalBytes)
    visitor.begin(this.#entry, logicalBytes)
    if (logicalBytes === 0) visitor.chunk(blob.bytes, 0, 0, true)
    const piece = new Uint8Array(Math.min(PIECE_BYTES, logicalBytes))
    for (let from = 0; from < logicalBytes; from += piece.length) {
      const to = Math.min(from + piece.length, logicalBytes)
      bitmap.expand(from, to, piece)
      visitor.chunk(piece, 0, to - from, to === logicalBytes)
    }
  }
}
