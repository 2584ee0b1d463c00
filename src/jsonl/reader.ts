/**
 * Reads what writer.ts wrote, and what people write in the same shapes: objects
 * with blanks of any kind between them, or all in one array.
 *
 * A line may be longer than any string of JavaScript. Members may stand in any
 * order; a value of more than limits.jsonLookaheadBytes is read as it comes, and what a
 * key has besides must stand before it.
 */
import {ByteCursor, STARVED} from '../bytes/cursor.js'
import {LentBytes} from '../bytes/lent.js'
import type {ByteSource} from '../bytes/source.js'
import {FormatError, LimitError, UsageError} from '../errors.js'
import {Entry} from '../keyspace/entry.js'
import type {EntrySource, SourceEnd, SourceOrigin} from '../keyspace/entry-source.js'
import {nextWindow} from '../keyspace/next-window.js'
import {type EntryVisitor, SKIP, type ValueVisitor} from '../keyspace/visitor.js'
import {limits} from '../limits.js'
import {JsonHead} from './head.js'
import {readOther} from './others.js'
import {BRACE, CLOSE, COLON, JsonScanner, OPEN, UNBRACE} from './scanner.js'
import {JsonSkipper} from './skipper.js'
import {type JsonTypeReader, jsonReaders, type ValueFacts} from './value-reader.js'

/** U+FEFF. */
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf]

export class JsonReader implements EntrySource {
  readonly format = 'jsonl'
  readonly #cursor: ByteCursor
  readonly #scanner: JsonScanner
  readonly #entry = new Entry()
  readonly #head: JsonHead
  readonly #skipper = new JsonSkipper()
  readonly #readers: ReturnType<typeof jsonReaders>
  readonly #lent = new LentBytes(0)
  /** What was read to learn the origin, to be shown in turn. */
  #before: ((visitor: EntryVisitor) => void) | undefined
  #origin: SourceOrigin | undefined
  #begun = false
  #objects = 0
  #inArray = false
  #inside = false
  #ended = false
  #db = -1
  // The value that is being read as it comes.
  #reader: JsonTypeReader | undefined
  #visitor: ValueVisitor = SKIP
  /** Elements of it, once its end has been reached; -1 before. */
  #elements = -1
  readonly #facts: ValueFacts

  constructor(readonly source: ByteSource) {
    this.#cursor = new ByteCursor(source.inputBytes)
    this.#scanner = new JsonScanner(this.#cursor)
    this.#head = new JsonHead(this.#scanner, this.#entry)
    this.#readers = jsonReaders(this.#scanner)
    this.#facts = {entry: this.#entry, count: undefined, insertIndex: undefined, whole: true}
  }

  get offset(): number {
    return this.#cursor.offset
  }

  /** What the first line says of the snapshot that the others were taken from. */
  async origin(): Promise<SourceOrigin | undefined> {
    if (this.#begun) return this.#origin
    this.#begun = true
    await this.#drive({entry: () => SKIP}, () => this.#first())
    return this.#origin
  }

  async run(visitor: EntryVisitor): Promise<SourceEnd> {
    if (this.#ended) throw new UsageError('a reader reads its source once: open another')
    await this.origin()
    this.#ended = true
    this.#before?.(visitor)
    await this.#drive(visitor, () => this.#all(visitor))
    await this.source.readRest?.()
    return {checksum: 'absent'}
  }

  async close(): Promise<void> {
    await this.source.close()
  }

  async #drive(visitor: EntryVisitor, step: () => void): Promise<void> {
    for (;;) {
      try {
        step()
        return
      } catch (error) {
        if (error !== STARVED) throw this.#placed(error)
      }
      this.#cursor.rewind()
      this.#scanner.countLines()
      await nextWindow(this.#cursor, this.source, visitor)
    }
  }

  #placed(error: unknown): unknown {
    if (!(error instanceof FormatError || error instanceof LimitError)) return error
    const {type, offset, db} = this.#entry
    if (this.#inside && this.#head.has('key')) error.place = {db, key: this.#entry.key(), type, recordOffset: offset}
    if (!(error instanceof FormatError) || error.code !== 'TRUNCATED' || error.message.includes('(line')) return error
    const placed = new FormatError('TRUNCATED', `${error.message} (${this.#scanner.place(error.offset)})`, error.offset)
    placed.place = error.place
    return placed
  }

  /** Reads the first object where it tells the origin. */
  #first(): void {
    this.#passByteOrderMark()
    const scanner = this.#scanner
    if (!this.#nextObject() || !this.#isMeta()) {
      // To be read again with all others.
      this.#cursor.rewind()
      return
    }
    const {show, origin} = readOther(scanner, this.#lent)!
    this.#origin = origin
    this.#before = show
    this.#objectEnd()
  }

  /** Some editors put one in front. */
  #passByteOrderMark(): void {
    const cursor = this.#cursor
    if (cursor.offset > 0 || this.#scanner.next() !== BYTE_ORDER_MARK[0]) return
    const start = cursor.take(BYTE_ORDER_MARK.length)
    if (BYTE_ORDER_MARK.every((byte, i) => cursor.bytes[start + i] === byte)) cursor.commit()
    else cursor.rewind()
  }

  #isMeta(): boolean {
    const scanner = this.#scanner
    if (!scanner.more(true, UNBRACE)) return false
    scanner.string('the name of a member')
    return scanner.is('meta')
  }

  #all(visitor: EntryVisitor): void {
    for (;;) {
      if (this.#reader !== undefined) this.#readOn()
      else if (!this.#nextObject()) return
      else this.#object(visitor)
    }
  }

  /** Moves into the next object; false at the end. */
  #nextObject(): boolean {
    const scanner = this.#scanner
    const cursor = this.#cursor
    if (scanner.next() === OPEN && this.#objects === 0 && !this.#inArray) {
      this.#inArray = true
      cursor.pos++
      cursor.commit()
    }
    if (this.#inArray) {
      if (!scanner.more(this.#objects === 0, CLOSE)) {
        if (scanner.next() !== -1) scanner.fail('nothing may follow the array')
        return false
      }
    }
    if (scanner.next() === -1) return false
    this.#entry.offset = cursor.offset
    scanner.expect(BRACE, 'an object: {')
    this.#inside = true
    this.#head.begin()
    return true
  }

  /** The object is complete, and has been shown. */
  #objectEnd(): void {
    this.#objects++
    this.#inside = false
    this.#cursor.commit()
  }

  /** Reads an object from behind its opening brace; of one with a long value only up to that. */
  #object(visitor: EntryVisitor): void {
    const scanner = this.#scanner
    const head = this.#head
    for (let first = true; scanner.more(first, UNBRACE); first = false) {
      scanner.string('the name of a member')
      const name = head.name()
      if (name === undefined) {
        const other = first ? readOther(scanner, this.#lent) : undefined
        if (other === undefined) throw scanner.errorAtName('is no member of a line')
        other.show(visitor)
        this.#objectEnd()
        return
      }
      scanner.expect(COLON, ':')
      if (name !== 'value') {
        head.read(name)
      } else if (!this.#passValue()) {
        this.#begin(visitor)
        return
      }
    }
    if (!head.has('value')) scanner.fail('this object has no "value"', 'BAD_JSON', this.#cursor.pos - 1)
    this.#show(visitor)
  }

  #valueStart = 0

  /** Passes over the value, to be read once all else is known; false where it is too long for that. */
  #passValue(): boolean {
    const scanner = this.#scanner
    const cursor = this.#cursor
    scanner.next()
    this.#valueStart = cursor.pos
    this.#entry.valueOffset = cursor.offset
    return this.#skipper.pass(cursor, limits.jsonLookaheadBytes)
  }

  /** Shows an entry all of which is in the window; the cursor stands behind it. */
  #show(visitor: EntryVisitor): void {
    const cursor = this.#cursor
    const entry = this.#entry
    const head = this.#head
    const end = cursor.pos
    this.#check()
    const facts = this.#facts
    facts.whole = true
    facts.insertIndex = head.insertIndex
    const skipper = this.#skipper
    facts.count = skipper.filled ? skipper.commas + 1 : 0
    const value = this.#enter(visitor)
    cursor.pos = this.#valueStart
    const reader = this.#readers[entry.type]
    reader.begin()
    const elements = value.depth === 'skip' ? this.#skipped(reader) : reader.read(facts, value)
    if (head.count !== undefined && head.count !== elements && entry.type !== 'stream') this.#miscounted(elements)
    this.#entryEnd(value, elements, cursor.base + end)
    cursor.pos = end
    this.#objectEnd()
  }

  /** Of a value that nobody wants, no more than its count. */
  #skipped(reader: JsonTypeReader): number {
    const {type} = this.#entry
    if (type === 'module' || type === 'cron') return 0
    // Their elements are not those of the JSON value.
    if (type === 'string' || type === 'stream') return reader.read(this.#facts, SKIP)
    return this.#facts.count!
  }

  /** Begins a value that is read as it comes. */
  #begin(visitor: EntryVisitor): void {
    const entry = this.#entry
    const head = this.#head
    this.#cursor.pos = this.#valueStart
    this.#check()
    const facts = this.#facts
    facts.whole = false
    facts.insertIndex = head.insertIndex
    facts.count = head.count
    this.#visitor = this.#enter(visitor)
    this.#reader = this.#readers[entry.type]
    this.#reader.begin()
    this.#elements = -1
    this.#cursor.commit()
  }

  #readOn(): void {
    const scanner = this.#scanner
    const cursor = this.#cursor
    const value = this.#visitor
    if (this.#elements < 0) {
      const {type} = this.#entry
      if (value.depth === 'skip' && type !== 'stream' && type !== 'string') {
        this.#skipper.discard(cursor)
        this.#elements = this.#skipper.filled ? this.#skipper.commas + 1 : 0
      } else {
        this.#elements = this.#reader!.read(this.#facts, value)
      }
      cursor.commit()
    }
    const {count} = this.#head
    if (count !== undefined && count !== this.#elements && this.#entry.type !== 'stream')
      this.#miscounted(this.#elements)
    if (scanner.more(false, UNBRACE)) {
      const bytes = limits.jsonLookaheadBytes
      scanner.fail(`behind a value of more than ${bytes} bytes nothing may follow: put it before "value"`)
    }
    this.#reader = undefined
    this.#entryEnd(value, this.#elements, cursor.offset)
    this.#objectEnd()
  }

  #entryEnd(value: ValueVisitor, elements: number, endOffset: number): void {
    const entry = this.#entry
    entry.elements = elements
    entry.endOffset = endOffset
    value.end(entry)
  }

  /** Tells the visitor of a key. */
  #enter(visitor: EntryVisitor): ValueVisitor {
    const entry = this.#entry
    if (entry.db !== this.#db) {
      this.#db = entry.db
      visitor.selectDb?.(entry.db)
    }
    if (entry.type === 'string' && entry.encoding === '') entry.encoding = 'raw'
    return visitor.entry(entry)
  }

  #check(): void {
    const head = this.#head
    for (const name of ['key', 'type'] as const) {
      if (head.has(name)) continue
      const message = `this object has no "${name}"${this.#facts.whole ? '' : ' before its "value"'}`
      this.#scanner.fail(message, 'BAD_JSON', this.#cursor.pos - 1)
    }
  }

  #miscounted(elements: number): never {
    const {count} = this.#head
    const what = this.#entry.type === 'string' ? 'bytes' : 'elements'
    const message = `"count" says ${count}, but the value has ${elements} ${what}`
    return this.#scanner.fail(message, 'BAD_COUNT', this.#entry.valueOffset - this.#cursor.base)
  }
}
