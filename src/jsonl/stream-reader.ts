/**
 * A stream of JSON (value.ts has its shape). Entries are shown one at a time;
 * what follows them is read once all of it is there, since a row of pending
 * entries names a consumer that is told of only later.
 */
import type {Int64} from '../bytes/int64.js'
import {LentBytes} from '../bytes/lent.js'
import {StreamId} from '../encoding/stream-id.js'
import type {ValueVisitor} from '../keyspace/visitor.js'
import {JsonGroupReader} from './group-reader.js'
import {Members} from './members.js'
import {BRACE, CLOSE, COMMA, type JsonScanner, OPEN} from './scanner.js'
import {JsonSkipper} from './skipper.js'
import type {JsonTypeReader, ValueFacts} from './value-reader.js'

const NAMES = ['entries', 'lastId', 'length', 'firstId', 'maxDeletedId', 'entriesAdded', 'groups', 'idmp'] as const

type Step = 'begin' | 'entries' | 'rest'

export class JsonStreamReader implements JsonTypeReader {
  #step: Step = 'begin'
  #entries = 0
  readonly #firstId = new StreamId()
  readonly #members: Members<(typeof NAMES)[number]>
  readonly #groups: JsonGroupReader
  readonly #fields = new JsonSkipper()
  readonly #id = new StreamId()
  readonly #name = new LentBytes(0)
  readonly #value = new LentBytes(1)

  constructor(readonly scanner: JsonScanner) {
    this.#members = new Members(scanner, NAMES, 'a stream')
    this.#groups = new JsonGroupReader(scanner)
  }

  begin(): void {
    this.#step = 'begin'
    this.#entries = 0
    this.#firstId.set(new StreamId())
  }

  read({entry, whole}: ValueFacts, visitor: ValueVisitor): number {
    const {scanner} = this
    const members = this.#members
    if (this.#step === 'begin') {
      scanner.expect(BRACE, 'the value of a stream: {')
      if (whole) {
        members.locate(true)
        if (visitor.depth !== 'skip') visitor.begin(entry, undefined)
        if (members.goTo('entries')) this.#openEntries()
        while (members.has('entries') && scanner.more(this.#entries === 0, CLOSE)) this.#entry(visitor)
        this.#showRest(visitor)
        return this.#entries
      }
      scanner.member('entries')
      this.#openEntries()
      if (visitor.depth !== 'skip') visitor.begin(entry, undefined)
      this.#step = 'entries'
      scanner.cursor.commit()
    }
    if (this.#step === 'entries') {
      while (scanner.more(this.#entries === 0, CLOSE)) {
        this.#entry(visitor)
        scanner.cursor.commit()
      }
      this.#step = 'rest'
      scanner.cursor.commit()
    }
    members.locate(false)
    this.#showRest(visitor)
    return this.#entries
  }

  #openEntries(): void {
    this.scanner.expect(OPEN, '[[id, [field, value, ...]], ...]')
  }

  /** [id, [field, value, ...]], shown once all of it is there. */
  #entry(visitor: ValueVisitor): void {
    const {scanner} = this
    const {cursor} = scanner
    scanner.expect(OPEN, '[id, [field, value, ...]]')
    readId(scanner, this.#id)
    scanner.expect(COMMA, ',')
    if (scanner.next() !== OPEN) scanner.unexpected('[field, value, ...]')
    const start = cursor.pos
    const fields = this.#fields
    fields.pass(cursor, Number.POSITIVE_INFINITY)
    const strings = fields.filled ? fields.commas + 1 : 0
    if (strings % 2 !== 0) scanner.fail('a field has no value', 'BAD_JSON', start)
    scanner.expect(CLOSE, ']')
    const end = cursor.pos
    cursor.pos = start + 1
    if (this.#entries++ === 0) this.#firstId.set(this.#id)
    visitor.streamEntry(this.#id, strings / 2)
    for (let left = strings; left > 0; left -= 2) this.#field(visitor, left === 2)
    cursor.pos = end
  }

  #field(visitor: ValueVisitor, last: boolean): void {
    const {scanner} = this
    const name = this.#name
    const value = this.#value
    scanner.bytes(name, 'a field')
    scanner.expect(COMMA, ',')
    scanner.bytes(value, 'a value')
    if (!last) scanner.expect(COMMA, ',')
    visitor.streamField(name.bytes, name.start, name.end, value.bytes, value.start, value.end)
  }

  #showRest(visitor: ValueVisitor): void {
    const {scanner} = this
    const members = this.#members
    const {end} = members
    const id = (name: 'lastId' | 'firstId' | 'maxDeletedId'): StreamId | undefined =>
      members.goTo(name) ? readId(scanner, new StreamId()) : undefined
    const integer = (name: 'length' | 'entriesAdded'): Int64 | undefined =>
      members.goTo(name) ? scanner.integer(name) : undefined
    const lastId = id('lastId')
    if (lastId === undefined) throw scanner.error('a stream has no "lastId"', 'BAD_JSON', members.end - 1)
    const maxDeletedId = id('maxDeletedId')
    const known = maxDeletedId !== undefined
    visitor.streamInfo({
      length: integer('length') ?? this.#entries,
      lastId,
      firstId: id('firstId') ?? (known ? this.#firstId.copy() : undefined),
      maxDeletedId,
      entriesAdded: integer('entriesAdded'),
    })
    if (members.goTo('groups')) this.#showGroups(visitor)
    if (members.goTo('idmp')) this.#groups.idempotence(visitor)
    scanner.cursor.pos = end
  }

  #showGroups(visitor: ValueVisitor): void {
    const {scanner} = this
    scanner.expect(OPEN, 'the groups: [')
    for (let first = true; scanner.more(first, CLOSE); first = false) this.#groups.group(visitor)
  }
}

/** Reads an ID: "ms-seq". */
export function readId(scanner: JsonScanner, into: StreamId): StreamId {
  scanner.string('an ID such as "1700000000000-0"')
  const {start, end} = scanner
  if (into.parseBytes(scanner.cursor.bytes, start, end)) return into
  return scanner.fail('this is no ID: it should be like "1700000000000-0"', 'BAD_JSON', start)
}
