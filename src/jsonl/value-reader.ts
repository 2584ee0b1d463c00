/**
 * Values of JSON, shown to a visitor as those of an RDB file are: value.ts has
 * the shapes. A value may outlast the window; `read` then throws STARVED with
 * everything shown committed, and is called again.
 */
import type {Int64} from '../bytes/int64.js'
import {LentBytes} from '../bytes/lent.js'
import {type Entry, NEVER} from '../keyspace/entry.js'
import type {ValueVisitor} from '../keyspace/visitor.js'
import {JsonCronReader} from './cron-reader.js'
import {JsonModuleReader} from './module-reader.js'
import {CLOSE, COMMA, type JsonScanner, OPEN} from './scanner.js'
import {JsonStreamReader} from './stream-reader.js'
import {JsonStringReader} from './string-reader.js'

/** What a value reader is told of the value beside its bytes. */
export interface ValueFacts {
  entry: Entry
  /** Elements, or bytes of a string, where that is known. */
  count: number | undefined
  insertIndex: Int64 | undefined
  /** All of the value is in the window. */
  whole: boolean
}

/** Reads the rest of a value and returns how many elements, or bytes, it has. */
export interface JsonTypeReader {
  begin(): void
  read(facts: ValueFacts, visitor: ValueVisitor): number
}

/** [element, ...] */
abstract class ArrayReader implements JsonTypeReader {
  #elements = -1
  protected readonly first = new LentBytes(0)
  protected readonly second = new LentBytes(1)

  constructor(readonly scanner: JsonScanner) {}

  begin(): void {
    this.#elements = -1
  }

  read({entry, count, insertIndex}: ValueFacts, visitor: ValueVisitor): number {
    const {scanner} = this
    if (this.#elements < 0) {
      scanner.expect(OPEN, `the value of a ${entry.type}: [`)
      visitor.begin(entry, count)
      if (insertIndex !== undefined) visitor.insertIndex(insertIndex)
      this.#elements = 0
      scanner.cursor.commit()
    }
    while (scanner.more(this.#elements === 0, CLOSE)) {
      this.element(visitor)
      this.#elements++
      scanner.cursor.commit()
    }
    return this.#elements
  }

  protected abstract element(visitor: ValueVisitor): void
}

class ListReader extends ArrayReader {
  protected element(visitor: ValueVisitor): void {
    const {first} = this
    this.scanner.bytes(first, 'an element')
    visitor.item(first.bytes, first.start, first.end)
  }
}

class SetReader extends ArrayReader {
  protected element(visitor: ValueVisitor): void {
    const {first} = this
    this.scanner.bytes(first, 'a member')
    visitor.member(first.bytes, first.start, first.end)
  }
}

class ZsetReader extends ArrayReader {
  protected element(visitor: ValueVisitor): void {
    const {scanner, first} = this
    scanner.expect(OPEN, '[member, score]')
    scanner.bytes(first, 'a member')
    scanner.expect(COMMA, ',')
    const score = scanner.double('a score: a number, "inf" or "-inf"')
    scanner.expect(CLOSE, ']')
    visitor.scored(first.bytes, first.start, first.end, score)
  }
}

class HashReader extends ArrayReader {
  protected element(visitor: ValueVisitor): void {
    const {scanner, first, second} = this
    scanner.expect(OPEN, '[field, value]')
    scanner.bytes(first, 'a field')
    scanner.expect(COMMA, ',')
    scanner.bytes(second, 'a value')
    const expireAtMs = scanner.takes(COMMA) ? scanner.integer('when the field expires') : NEVER
    scanner.expect(CLOSE, ']')
    visitor.field(first.bytes, first.start, first.end, second.bytes, second.start, second.end, expireAtMs)
  }
}

class IndexedReader extends ArrayReader {
  protected element(visitor: ValueVisitor): void {
    const {scanner, first} = this
    scanner.expect(OPEN, '[index, element]')
    const index = scanner.integer('an index')
    scanner.expect(COMMA, ',')
    scanner.bytes(first, 'an element')
    scanner.expect(CLOSE, ']')
    visitor.indexed(index, first.bytes, first.start, first.end)
  }
}

/** A reader of each type's values. They keep state: one value at a time. */
export function jsonReaders(scanner: JsonScanner): Readonly<Record<Entry['type'], JsonTypeReader>> {
  return {
    string: new JsonStringReader(scanner),
    list: new ListReader(scanner),
    set: new SetReader(scanner),
    zset: new ZsetReader(scanner),
    hash: new HashReader(scanner),
    array: new IndexedReader(scanner),
    stream: new JsonStreamReader(scanner),
    module: new JsonModuleReader(scanner),
    cron: new JsonCronReader(scanner),
  }
}
