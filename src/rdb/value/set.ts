/**
 * Sets.
 *
 *   2  SET            <count> <string>*
 *   11 SET_INTSET     <string: intset>
 *   20 SET_LISTPACK   <string: listpack>
 */
import type {ByteCursor} from '../../bytes/cursor.js'
import {LentBytes} from '../../bytes/lent.js'
import {readString, writeString} from '../../encoding/string.js'
import type {Entry} from '../../keyspace/entry.js'
import type {ValueVisitor} from '../../keyspace/visitor.js'
import {TYPE_SET, TYPE_SET_INTSET, TYPE_SET_LISTPACK} from '../opcodes.js'
import type {Policy} from '../policy.js'
import {PackedReader, StringsReader} from './reader.js'
import {StringsWriter, wrongCount} from './strings-writer.js'
import {IntegerBlob, type ValueSink} from './writer.js'

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

/** Integers as long as there are no others; then packed while it is small, or a count and strings. */
export class SetWriter extends StringsWriter {
  readonly #integers = new IntegerBlob()
  #onlyIntegers = false
  readonly #member = new LentBytes()
  #entry!: Entry
  #count: number | undefined

  constructor(sink: ValueSink, policy: Policy) {
    super(sink, policy, policy.set, 1, TYPE_SET, TYPE_SET_LISTPACK)
  }

  override begin(entry: Entry, count: number | undefined): void {
    this.#entry = entry
    this.#count = count
    this.#onlyIntegers = (count ?? 0) <= this.policy.intsetEntriesMax && this.policy.intsetEntriesMax > 0
    if (this.#onlyIntegers) this.#integers.builder.reset()
    else super.begin(entry, count)
  }

  override member(bytes: Uint8Array, start: number, end: number): void {
    if (this.#onlyIntegers) {
      const {builder} = this.#integers
      if (builder.count < this.policy.intsetEntriesMax && builder.append(bytes, start, end)) return
      this.#leaveIntegers()
    }
    this.put(bytes, start, end)
  }

  override end(entry: Entry): void {
    if (!this.#onlyIntegers) {
      super.end(entry)
      return
    }
    const {builder} = this.#integers
    if (this.#count !== undefined && this.#count !== builder.count) throw wrongCount(entry, this.#count, builder.count)
    if (builder.count === 0) {
      this.sink.passEmpty()
      return
    }
    this.sink.open(TYPE_SET_INTSET)
    const blob = builder.finish()
    writeString(this.sink.out, blob, 0, blob.length, this.policy.compress)
    this.sink.close()
  }

  #leaveIntegers(): void {
    this.#onlyIntegers = false
    super.begin(this.#entry, this.#count)
    const member = this.#member
    this.#integers.reopen()
    while (this.#integers.next(member)) this.put(member.bytes, member.start, member.end)
  }
}
