/**
 * Sets.
 *
 *   2  SET            <count> <string>*
 *   11 SET_INTSET     <string: intset>
 *   20 SET_LISTPACK   <string: listpack>
 */
import type {ByteCursor} from '../../bytes/cursor.js'
import {LentBytes} from '../../bytes/lent.js'
import {readString} from '../../encoding/string.js'
import type {ValueVisitor} from '../../keyspace/visitor.js'
import {PackedReader, StringsReader} from './reader.js'

export class SetReader extends StringsReader {
  readonly #member = new LentBytes(0)

  constructor() {
    super(1, 'set members')
  }

  protected element(cursor: ByteCursor, visitor: ValueVisitor): void {
    const member = this.#member
    readString(cursor, member)
    visitor.member(member.bytes, member.start, member.end)
  }
}

export class PackedSetReader extends PackedReader {
  readonly #member = new LentBytes(1)

  constructor(kind: 'intset' | 'listpack') {
    super(kind, 1)
  }

  protected elements(visitor: ValueVisitor): void {
    const member = this.#member
    while (this.walker.next(member)) visitor.member(member.bytes, member.start, member.end)
  }
}
