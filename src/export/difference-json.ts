/**
 * Differences as JSON, one object a line, complete; README.md has the shapes.
 *
 *   {"change": "removed" | "added", "db", "key": V, "type", ..., "value"}        an entry as dump writes it
 *   {"change": "changed", "db", "key": V, "type", "differences": [D, ...]}
 *   {"change": "removed" | "added" | "changed", "library", "before"?: V, "after"?: V}
 *
 *   D   {"what", what tells it from others, "before"?, "after"?}                 absent: it is not there on that side
 */
import type {Int64} from '../bytes/int64.js'
import {readUint32le} from '../bytes/int64.js'
import {LentBytes} from '../bytes/lent.js'
import type {ByteOutput} from '../bytes/output.js'
import {StreamId} from '../encoding/stream-id.js'
import {JsonString} from '../jsonl/string.js'
import {writeJsonBytes, writeJsonInteger, writeJsonScore} from '../jsonl/text.js'
import {JsonWriter} from '../jsonl/writer.js'
import {
  BEFORE,
  type ChangedKey,
  DifferenceSink,
  type FieldValue,
  type LibraryChange,
  type Run,
  type Side,
  type StreamFacts,
  type StreamPart,
} from '../keyspace/difference.js'
import {type Entry, NEVER} from '../keyspace/entry.js'
import type {ValueVisitor} from '../keyspace/visitor.js'

const LINE_END = 0x0a
const COMMA = 0x2c

export class JsonDifferences extends DifferenceSink {
  /** Who writes the entries of one side, while they come. */
  #entries: JsonWriter | undefined
  #key!: ChangedKey
  #first = true
  readonly #string: JsonString
  readonly #lent = new LentBytes(0)

  constructor(readonly out: ByteOutput) {
    super()
    this.#string = new JsonString(out)
  }

  override removed(entry: Entry): ValueVisitor {
    return this.#written('removed', entry)
  }

  override added(entry: Entry): ValueVisitor {
    return this.#written('added', entry)
  }

  #written(change: 'removed' | 'added', entry: Entry): ValueVisitor {
    this.#entries ??= new JsonWriter(this.out, 'jsonl', undefined, `"change":"${change}",`)
    return this.#entries.entry(entry)
  }

  override endPass(): void {
    if (this.#entries !== undefined) this.out.u8(LINE_END)
    this.#entries = undefined
  }

  override begin(key: ChangedKey): void {
    const {out} = this
    const {db, keyBytes, after} = key
    this.#key = key
    this.#first = true
    out.ascii(`{"change":"changed","db":${db},"key":`)
    writeJsonBytes(out, keyBytes.bytes, keyBytes.start, keyBytes.end)
    out.ascii(`,"type":"${after.type}","differences":[`)
  }

  override end(): void {
    this.out.ascii(']}\n')
  }

  override type(): void {
    const {before, after} = this.#key
    this.#begin('type')
    this.out.ascii(`,"before":"${before.type}","after":"${after.type}"}`)
  }

  override expiry(before: Int64, after: Int64): void {
    this.#expiries('expiry', before, after)
    this.out.ascii('}')
  }

  override use(what: 'idleSeconds' | 'frequency', before: number, after: number): void {
    this.#begin(what)
    this.out.ascii(`,"before":${before},"after":${after}}`)
  }

  override string(before: Run, after: Run): void {
    this.#begin('value')
    this.#text('before', before, this.#key.before.elements)
    this.#text('after', after, this.#key.after.elements)
    this.out.ascii('}')
  }

  #text(name: string, {log, count}: Run, bytes: number): void {
    const lent = this.#lent
    this.out.ascii(`,"${name}":`)
    this.#string.begin(bytes >= 0 ? bytes : undefined)
    log.rewind()
    for (let i = 0; i < count && log.next(lent); i++) {
      this.#string.chunk(lent.bytes, lent.start, lent.end, i === count - 1)
    }
    if (count === 0) this.#string.chunk(lent.bytes, 0, 0, true)
  }

  override items(at: number, before: Run, after: Run): void {
    this.#begin('items')
    this.out.ascii(`,"at":${at}`)
    this.#list('before', before)
    this.#list('after', after)
    this.out.ascii('}')
  }

  #list(name: string, {log, from, count}: Run): void {
    if (count === 0) return
    const lent = this.#lent
    this.out.ascii(`,"${name}":[`)
    log.goTo(from)
    for (let i = 0; i < count && log.next(lent); i++) {
      if (i > 0) this.out.u8(COMMA)
      writeJsonBytes(this.out, lent.bytes, lent.start, lent.end)
    }
    this.out.ascii(']')
  }

  override member(bytes: Uint8Array, start: number, end: number, side: Side): void {
    this.#begin('member')
    this.out.ascii(side === BEFORE ? ',"before":' : ',"after":')
    writeJsonBytes(this.out, bytes, start, end)
    this.out.ascii('}')
  }

  override scored(
    bytes: Uint8Array,
    start: number,
    end: number,
    before: number | undefined,
    after: number | undefined,
  ): void {
    const {out} = this
    this.#begin('score')
    out.ascii(',"member":')
    writeJsonBytes(out, bytes, start, end)
    if (before !== undefined) {
      out.ascii(',"before":')
      writeJsonScore(out, before)
    }
    if (after !== undefined) {
      out.ascii(',"after":')
      writeJsonScore(out, after)
    }
    out.ascii('}')
  }

  override field(
    name: LentBytes,
    before: FieldValue | undefined,
    after: FieldValue | undefined,
    sameValue: boolean,
  ): void {
    if (!sameValue) {
      this.#begin('field')
      this.#lentName('field', name)
      if (before !== undefined) this.#lentName('before', before.value)
      if (after !== undefined) this.#lentName('after', after.value)
      this.out.ascii('}')
    }
    const [one, other] = [before?.expireAtMs ?? NEVER, after?.expireAtMs ?? NEVER]
    if (one === other) return
    this.#expiries('fieldExpiry', one, other)
    this.#lentName('field', name)
    this.out.ascii('}')
  }

  override streamEntry(id: StreamId, before: LentBytes | undefined, after: LentBytes | undefined): void {
    this.#begin('entry')
    this.out.ascii(`,"id":"${id}"`)
    if (before !== undefined) this.#fields('before', before)
    if (after !== undefined) this.#fields('after', after)
    this.out.ascii('}')
  }

  #fields(name: string, {bytes, start, end}: LentBytes): void {
    this.out.ascii(`,"${name}":[`)
    for (let at = start; at < end; ) {
      const next = at + 4 + readUint32le(bytes, at)
      if (at > start) this.out.u8(COMMA)
      writeJsonBytes(this.out, bytes, at + 4, next)
      at = next
    }
    this.out.ascii(']')
  }

  override streamPart({what, group, name, iid, id, before, after}: StreamPart): void {
    const {out} = this
    this.#begin(what)
    if (group !== undefined) this.#name('group', group)
    if (name !== undefined) this.#name(what === 'consumer' ? 'consumer' : 'producer', name)
    if (iid !== undefined) this.#name('iid', iid)
    if (id !== undefined) out.ascii(`,"id":"${id}"`)
    const single = what === 'lastId' || what === 'maxDeletedId' || what === 'entriesAdded'
    for (const [side, facts] of [
      ['before', before],
      ['after', after],
    ] as const) {
      if (facts === undefined) continue
      out.ascii(`,"${side}":`)
      if (single) this.#fact(facts[what])
      else this.#facts(facts)
    }
    out.ascii('}')
  }

  #facts(facts: StreamFacts): void {
    const told = Object.entries(facts).filter(([, value]) => value !== undefined)
    for (const [i, [name, value]] of told.entries()) {
      this.out.ascii(`${i === 0 ? '{' : ','}"${name}":`)
      this.#fact(value)
    }
    this.out.ascii(told.length === 0 ? '{}' : '}')
  }

  #fact(value: StreamFacts[string]): void {
    if (value instanceof StreamId) this.out.ascii(`"${value}"`)
    else if (value instanceof Uint8Array) writeJsonBytes(this.out, value, 0, value.length)
    else if (typeof value === 'boolean') this.out.ascii(String(value))
    else if (value !== undefined) writeJsonInteger(this.out, value)
  }

  override indexed(index: Int64, before: LentBytes | undefined, after: LentBytes | undefined): void {
    this.#begin('element')
    this.out.ascii(',"index":')
    writeJsonInteger(this.out, index)
    if (before !== undefined) this.#lentName('before', before)
    if (after !== undefined) this.#lentName('after', after)
    this.out.ascii('}')
  }

  override insertIndex(before: Int64 | undefined, after: Int64 | undefined): void {
    this.#begin('insertIndex')
    this.#integer('before', before)
    this.#integer('after', after)
    this.out.ascii('}')
  }

  override opaque(): void {
    this.#begin('value')
    this.out.ascii('}')
  }

  override libraries(changes: readonly LibraryChange[]): void {
    for (const one of changes) this.#library(one)
  }

  #library({name, before, after}: LibraryChange): void {
    const change = before === undefined ? 'added' : after === undefined ? 'removed' : 'changed'
    this.out.ascii(`{"change":"${change}"`)
    this.#name('library', Buffer.from(name, 'latin1'))
    if (before !== undefined) this.#name('before', before)
    if (after !== undefined) this.#name('after', after)
    this.out.ascii('}\n')
  }

  /** The last line: whoever reads it knows that nothing is missing. */
  summary(facts: object): void {
    const line = Buffer.from(`${JSON.stringify({summary: facts})}\n`)
    this.out.copy(line, 0, line.length)
  }

  override drain(): Promise<void> | undefined {
    return this.out.drain()
  }

  /** Begins the next difference of the present key. */
  #begin(what: string): void {
    this.out.ascii(`${this.#first ? '' : ','}{"what":"${what}"`)
    this.#first = false
  }

  #expiries(what: string, before: Int64, after: Int64): void {
    this.#begin(what)
    this.#integer('before', before === NEVER ? undefined : before)
    this.#integer('after', after === NEVER ? undefined : after)
  }

  #integer(name: string, value: Int64 | undefined): void {
    if (value === undefined) return
    this.out.ascii(`,"${name}":`)
    writeJsonInteger(this.out, value)
  }

  #name(name: string, bytes: Uint8Array): void {
    this.out.ascii(`,"${name}":`)
    writeJsonBytes(this.out, bytes, 0, bytes.length)
  }

  #lentName(name: string, {bytes, start, end}: LentBytes): void {
    this.out.ascii(`,"${name}":`)
    writeJsonBytes(this.out, bytes, start, end)
  }
}
