/**
 * Sorted sets.
 *
 *   3  ZSET            <count> (<string> <ASCII score>)*
 *   5  ZSET_2          <count> (<string> <binary64 LE>)*     highest score first
 *   12 ZSET_ZIPLIST    <string: ziplist of member, score>    lowest first
 *   17 ZSET_LISTPACK   <string: listpack of member, score>   lowest first
 *
 * ASCII score: one byte n and n digits; 255 is -inf, 254 +inf, 253 nan.
 */
import type {ByteCursor} from '../../bytes/cursor.js'
import {parseDouble} from '../../bytes/decimal.js'
import {LentBytes} from '../../bytes/lent.js'
import {asciiScoreBytes, BINARY_SCORE_BYTES, readAsciiScore, readBinaryScore} from '../../encoding/score.js'
import {readString, skipString} from '../../encoding/string.js'
import {FormatError} from '../../errors.js'
import type {ValueVisitor} from '../../keyspace/visitor.js'
import {CountedReader, PackedReader} from './reader.js'

export class ZsetReader extends CountedReader {
  readonly #member = new LentBytes(0)

  constructor(readonly score: 'ascii' | 'binary') {
    super(score === 'ascii' ? 2 : 1 + BINARY_SCORE_BYTES, 'sorted set members')
  }

  protected element(cursor: ByteCursor, visitor: ValueVisitor): void {
    const member = this.#member
    readString(cursor, member)
    const score = this.score === 'ascii' ? asciiScore(cursor) : binaryScore(cursor)
    visitor.scored(member.bytes, member.start, member.end, score)
  }

  protected skipElement(cursor: ByteCursor): void {
    skipString(cursor)
    cursor.skip(this.score === 'binary' ? BINARY_SCORE_BYTES : asciiScoreBytes(cursor.peek()))
  }
}

export class PackedZsetReader extends PackedReader {
  readonly #member = new LentBytes(1)
  readonly #score = new LentBytes(1)

  constructor(kind: 'ziplist' | 'listpack') {
    super(kind, 2)
  }

  protected elements(visitor: ValueVisitor): void {
    const member = this.#member
    const score = this.#score
    while (this.walker.next(member)) {
      if (!this.walker.next(score)) {
        throw new FormatError('BAD_COUNT', `the ${this.kind} holds a member without a score`, this.entry.valueOffset)
      }
      visitor.scored(member.bytes, member.start, member.end, this.#parse(score))
    }
  }

  #parse(score: LentBytes): number {
    const value = parseDouble(score.bytes, score.start, score.end)
    if (value !== undefined) return value
    throw new FormatError('BAD_SCORE', 'a score is not a number', this.entry.valueOffset)
  }
}

function asciiScore(cursor: ByteCursor): number {
  const bytes = asciiScoreBytes(cursor.peek())
  const offset = cursor.offset
  return readAsciiScore(cursor.bytes, cursor.take(bytes), offset)
}

function binaryScore(cursor: ByteCursor): number {
  const start = cursor.take(BINARY_SCORE_BYTES)
  return readBinaryScore(cursor.bytes, start)
}
