/**
 * The elements of values as records that sort: of a pair of keys, each element of one side comes to lie beside the same
 * of the other, however many there are and in whatever order they were shown.
 *
 *   key       <pair: u48be> <part: u8> <what tells the element from others of its part>
 *   payload   <side: u8> <what it says>
 *
 *   part      told apart by              says
 *   head      -                          type, expiry, use, elements, database, place in the source, key
 *   piece     side, index                bytes of a string
 *   item      side, index                an item of a list
 *   member    member                     -
 *   scored    member                     score
 *   field     name                       expiry, value
 *   entry     ID                         fields
 *   others    names, IDs, indexes        the same of streams, arrays and modules
 */
import type {Int64} from '../bytes/int64.js'
import {splitInt64} from '../bytes/int64.js'
import type {ByteSorter} from '../bytes/sorter.js'
import {ByteWriter} from '../bytes/writer.js'
import {STREAM_ID_BYTES, type StreamId} from '../encoding/stream-id.js'
import type {Side} from '../keyspace/difference.js'
import {IDEMPOTENCE_DEFAULT} from '../keyspace/digest.js'
import {type Entry, NEVER} from '../keyspace/entry.js'
import {VALUE_TYPES} from '../keyspace/selection.js'
import {
  type StreamConsumer,
  type StreamGroup,
  type StreamIdempotence,
  type StreamInfo,
  ValueVisitor,
} from '../keyspace/visitor.js'
import * as part from './diff-parts.js'

/** What an item of a module is. */
const NUMBER = 0
const BYTES = 1

/** An integer that is not told. */
const NOT_TOLD = 0
const TOLD = 1

export class SpreadVisitor extends ValueVisitor {
  override readonly depth = 'elements'
  #pair = 0
  #place = 0
  #db = 0
  #side: Side = 0
  #index = 0
  #out = new ByteWriter(0)
  readonly #piece = new ByteWriter(part.STRING_PIECE_BYTES)
  readonly #halves = {high: 0, low: 0}
  /** The present entry of a stream, with its fields so far. */
  readonly #entryId = new Uint8Array(STREAM_ID_BYTES)
  readonly #fields = new ByteWriter(1024)
  #inEntry = false
  #derived = false
  #group: Uint8Array = new Uint8Array(0)
  #consumer: Uint8Array = new Uint8Array(0)
  #producer: Uint8Array = new Uint8Array(0)
  #idempotence: StreamIdempotence | undefined

  constructor(readonly sorter: ByteSorter) {
    super()
  }

  /** The value that is shown next is that of a side of a pair, lies at a place, and counts as of a database. */
  prepare(side: Side, pair: number, place: number, db: number): this {
    this.#db = db
    this.#side = side
    this.#pair = pair
    this.#place = place
    return this
  }

  override begin(_entry: Entry, _count: number | undefined): void {
    this.#index = 0
    this.#piece.reset()
    this.#inEntry = false
    this.#idempotence = undefined
  }

  override end(entry: Entry): void {
    if (entry.type === 'string' && this.#piece.length > 0) this.#endPiece()
    const {keyBytes, type, expireAtMs, idleSeconds, frequency, elements} = entry
    this.#begin(part.HEAD)
    this.#payload()
    const out = this.#out
    out.u8(VALUE_TYPES.indexOf(type))
    this.#putExpiry(expireAtMs)
    for (const number of [idleSeconds, frequency, elements, this.#db, this.#place]) out.f64le(number)
    out.copy(keyBytes.bytes, keyBytes.start, keyBytes.end)
    this.sorter.end()
  }

  override chunk(bytes: Uint8Array, start: number, end: number): void {
    const piece = this.#piece
    for (let p = start; p < end; ) {
      const next = Math.min(end, p + part.STRING_PIECE_BYTES - piece.length)
      piece.copy(bytes, p, next)
      p = next
      if (piece.length === part.STRING_PIECE_BYTES) this.#endPiece()
    }
  }

  #endPiece(): void {
    this.#inOrder(part.PIECE)
    this.#out.copy(this.#piece.bytes, 0, this.#piece.length)
    this.sorter.end()
    this.#piece.reset()
  }

  override item(bytes: Uint8Array, start: number, end: number): void {
    this.#inOrder(part.ITEM)
    this.#out.copy(bytes, start, end)
    this.sorter.end()
  }

  override member(bytes: Uint8Array, start: number, end: number): void {
    this.#begin(part.MEMBER)
    this.#out.copy(bytes, start, end)
    this.#payload()
    this.sorter.end()
  }

  override scored(bytes: Uint8Array, start: number, end: number, score: number): void {
    this.#begin(part.SCORED)
    this.#out.copy(bytes, start, end)
    this.#payload()
    this.#out.f64le(score)
    this.sorter.end()
  }

  override field(
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    expireAtMs: Int64,
  ): void {
    this.#begin(part.FIELD)
    this.#out.copy(name, nameStart, nameEnd)
    this.#payload()
    this.#putExpiry(expireAtMs)
    this.#out.copy(value, valueStart, valueEnd)
    this.sorter.end()
  }

  override streamEntry(id: StreamId, _fieldCount: number): void {
    this.#endEntry()
    this.#inEntry = true
    id.writeBE(this.#entryId, 0)
  }

  override streamField(
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    const fields = this.#fields
    fields.u32le(nameEnd - nameStart)
    fields.copy(name, nameStart, nameEnd)
    fields.u32le(valueEnd - valueStart)
    fields.copy(value, valueStart, valueEnd)
  }

  #endEntry(): void {
    if (!this.#inEntry) return
    this.#inEntry = false
    this.#begin(part.ENTRY)
    this.#out.copy(this.#entryId, 0, STREAM_ID_BYTES)
    this.#payload()
    this.#out.copy(this.#fields.bytes, 0, this.#fields.length)
    this.#fields.reset()
    this.sorter.end()
  }

  override streamInfo({lastId, maxDeletedId, entriesAdded, derived}: StreamInfo): void {
    this.#endEntry()
    this.#derived = derived === true
    this.#begin(part.INFO)
    this.#payload()
    this.#putId(lastId)
    this.#out.u8(maxDeletedId === undefined || this.#derived ? NOT_TOLD : TOLD)
    this.#putId(maxDeletedId ?? lastId)
    this.#putTold(this.#derived ? undefined : entriesAdded)
    this.sorter.end()
  }

  override group({name, lastId, entriesRead}: StreamGroup): void {
    this.#group = name.slice()
    this.#begin(part.GROUP)
    this.#out.copy(name, 0, name.length)
    this.#payload()
    this.#putId(lastId)
    this.#putTold(this.#derived ? undefined : entriesRead)
    this.sorter.end()
  }

  override pending(id: StreamId, deliveredAtMs: Int64, deliveries: Int64): void {
    this.#beginPending(id, part.DELIVERED)
    this.#putInteger(deliveredAtMs)
    this.#putInteger(deliveries)
    this.sorter.end()
  }

  override consumer({name, seenAtMs, activeAtMs, derived}: StreamConsumer): void {
    this.#consumer = name.slice()
    this.#begin(part.CONSUMER)
    this.#putName(this.#group)
    this.#out.copy(name, 0, name.length)
    this.#payload()
    this.#putTold(derived === true ? undefined : seenAtMs)
    this.#putTold(derived === true ? undefined : activeAtMs)
    this.sorter.end()
  }

  override consumerPending(id: StreamId): void {
    this.#beginPending(id, part.OWNED)
    this.#out.copy(this.#consumer, 0, this.#consumer.length)
    this.sorter.end()
  }

  override nacked(id: StreamId): void {
    this.#beginPending(id, part.UNOWNED)
    this.sorter.end()
  }

  override idempotence(settings: StreamIdempotence): void {
    this.#idempotence = settings
  }

  override producer(name: Uint8Array, _count: number): void {
    this.#producer = name.slice()
    this.#begin(part.PRODUCER)
    this.#out.copy(name, 0, name.length)
    this.#payload()
    this.sorter.end()
  }

  override producerEntry(iid: Uint8Array, id: StreamId): void {
    this.#begin(part.PRODUCER_ENTRY)
    this.#putName(this.#producer)
    this.#out.copy(iid, 0, iid.length)
    this.#payload()
    this.#putId(id)
    this.sorter.end()
  }

  override idempotenceCounters(added: Int64, duplicates: Int64): void {
    const {durationSeconds, entriesMax} = this.#idempotence!
    // What a server sets where nobody says otherwise is nothing to tell.
    if (added !== 0 || duplicates !== 0) this.#integers(part.PRODUCER_COUNTERS, added, duplicates)
    const isDefault = durationSeconds === IDEMPOTENCE_DEFAULT && entriesMax === IDEMPOTENCE_DEFAULT
    if (!isDefault) this.#integers(part.IDEMPOTENCE, durationSeconds, entriesMax)
  }

  #integers(kind: number, first: Int64, second: Int64): void {
    this.#begin(kind)
    this.#payload()
    this.#putInteger(first)
    this.#putInteger(second)
    this.sorter.end()
  }

  override insertIndex(index: Int64): void {
    this.#begin(part.INSERT_INDEX)
    this.#payload()
    this.#putInteger(index)
    this.sorter.end()
  }

  override indexed(index: Int64, bytes: Uint8Array, start: number, end: number): void {
    this.#begin(part.INDEXED)
    splitInt64(index, this.#halves)
    this.#out.u32be(this.#halves.high)
    this.#out.u32be(this.#halves.low)
    this.#payload()
    this.#out.copy(bytes, start, end)
    this.sorter.end()
  }

  override moduleId(name: string, version: number): void {
    this.#opaque(name, version)
  }
  override moduleSigned(value: Int64): void {
    this.#opaque('signed', value)
  }
  override moduleUnsigned(value: Int64): void {
    this.#opaque('unsigned', value)
  }
  override moduleDouble(value: number, bits: 32 | 64): void {
    this.#opaque(`double ${bits}`, 0)
    this.#out.f64le(value)
    this.sorter.end()
  }

  #opaque(name: string, value: Int64): void {
    this.#begin(part.OPAQUE)
    this.#putIndex()
    this.#payload()
    this.#out.u8(NUMBER)
    this.#out.ascii(name)
    this.#putInteger(value)
    if (!name.startsWith('double')) this.sorter.end()
  }

  override moduleString(bytes: Uint8Array, start: number, end: number): void {
    this.#begin(part.OPAQUE)
    this.#putIndex()
    this.#payload()
    this.#out.u8(BYTES)
    this.#out.copy(bytes, start, end)
    this.sorter.end()
  }

  override cron(script: Uint8Array, startMs: Int64, intervalMs: Int64, keyCount: number): void {
    this.moduleString(script, 0, script.length)
    this.#opaque('start', startMs)
    this.#opaque('interval', intervalMs)
    this.#opaque('keys', keyCount)
  }

  /** Begins a record with what all keys begin with. */
  #begin(kind: number): void {
    const out = this.sorter.begin()
    const high = Math.floor(this.#pair / 2 ** 32)
    out.u8(high >>> 8)
    out.u8(high)
    out.u32be(this.#pair)
    out.u8(kind)
    this.#out = out
  }

  /** The key is complete. */
  #payload(): void {
    this.sorter.endKey()
    this.#out.u8(this.#side)
  }

  /** A record of a value whose elements have an order. */
  #inOrder(kind: number): void {
    this.#begin(kind)
    this.#out.u8(this.#side)
    this.#putIndex()
    this.#payload()
  }

  #beginPending(id: StreamId, what: number): void {
    this.#begin(part.PENDING)
    this.#putName(this.#group)
    this.#putId(id)
    this.#payload()
    this.#out.u8(what)
  }

  #putIndex(): void {
    this.#out.u32be(this.#index / 2 ** 32)
    this.#out.u32be(this.#index++)
  }

  /** A name that something follows. */
  #putName(name: Uint8Array): void {
    this.#out.u32be(name.length)
    this.#out.copy(name, 0, name.length)
  }

  #putId(id: StreamId): void {
    const at = this.#out.reserve(STREAM_ID_BYTES)
    id.writeBE(this.#out.bytes, at)
  }

  #putInteger(value: Int64): void {
    splitInt64(value, this.#halves)
    this.#out.i64le(this.#halves.high, this.#halves.low)
  }

  #putTold(value: Int64 | undefined): void {
    this.#out.u8(value === undefined ? NOT_TOLD : TOLD)
    this.#putInteger(value ?? 0)
  }

  #putExpiry(expireAtMs: Int64): void {
    this.#putTold(expireAtMs === NEVER ? undefined : expireAtMs)
  }
}
