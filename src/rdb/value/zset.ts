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
import {CountedReader, PackedReader, StringsReader} from './reader.js'

export class AsciiZsetReader extends CountedReader {
  readonly #member = new LentBytes(0)

  constructor() {
    super(2, 'sorted set members')
  }

  protected element(cursor: ByteCursor, visitor: ValueVisitor): void {
    const member = this.#member
    readString(cursor, member)
    const bytes = asciiScoreBytes(cursor.peek())
    const offset = cursor.offset
    const score = readAsciiScore(cursor.bytes, cursor.take(bytes), offset)
    visitor.scored(member.bytes, member.start, member.end, score)
  }

  protected skipElement(cursor: ByteCursor): void {
    skipString(cursor)
    cursor.skip(asciiScoreBytes(cursor.peek()))
  }
}

export class ZsetReader extends StringsReader {
  readonly #member = new LentBytes(0)

  constructor() {
    super(1, 'sorted set members', BINARY_SCORE_BYTES)
  }

  protected element(cursor: ByteCursor, visitor: ValueVisitor): void {
    const member = this.#member
    readString(cursor, member)
    const start = cursor.take(BINARY_SCORE_BYTES)
    visitor.scored(member.bytes, member.start, member.end, readBinaryScore(cursor.bytes, start))
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
