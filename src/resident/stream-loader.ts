/** Fills a stream with what a snapshot shows of one. */
import type {Int64} from '../bytes/int64.js'
import {ByteWriter} from '../bytes/writer.js'
import {StreamId} from '../encoding/stream-id.js'
import {FormatError} from '../errors.js'
import type {Entry} from '../keyspace/entry.js'
import {
  type StreamConsumer,
  type StreamGroup,
  type StreamIdempotence,
  type StreamInfo,
  ValueVisitor,
} from '../keyspace/visitor.js'
import type {Arena} from './arena.js'
import {Idempotence} from './idempotence.js'
import {textOf} from './name.js'
import {StreamValue} from './stream.js'
import {NOBODY, ResidentGroup} from './stream-group.js'

export abstract class StreamLoader extends ValueVisitor {
  override readonly depth = 'elements'
  protected stream!: StreamValue
  /** The entry that is being shown. */
  readonly #id = new StreamId()
  readonly #strings = new ByteWriter()
  #bounds = new Int32Array(64)
  #count = -1
  #group!: ResidentGroup
  #idempotence!: Idempotence
  /** By the producer that is being shown. */
  #made!: Map<string, StreamId>
  #consumer = -1
  #offset = 0

  /** Where the stream is to lie. */
  protected abstract get arena(): Arena

  /** Told where a stream contradicts itself: servers of today refuse such a snapshot. */
  protected abstract contradiction(code: string, text: string): void

  override begin({valueOffset}: Entry): void {
    this.#offset = valueOffset
    this.stream = new StreamValue(this.arena)
    this.#count = -1
  }

  override streamEntry(id: StreamId): void {
    this.#finishEntry()
    this.#id.set(id)
    this.#strings.reset()
    this.#count = 0
  }

  override streamField(
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    this.#add(name, nameStart, nameEnd)
    this.#add(value, valueStart, valueEnd)
  }

  #add(bytes: Uint8Array, start: number, end: number): void {
    const at = 2 * this.#count++
    if (at + 2 > this.#bounds.length) {
      const wider = new Int32Array(this.#bounds.length * 2)
      wider.set(this.#bounds)
      this.#bounds = wider
    }
    this.#bounds[at] = this.#strings.length
    this.#strings.copy(bytes, start, end)
    this.#bounds[at + 1] = this.#strings.length
  }

  #finishEntry(): void {
    if (this.#count < 0) return
    const {bytes} = this.#strings
    this.stream.append(this.#id, {bytes, bounds: this.#bounds, first: 0, end: this.#count})
    this.#count = -1
  }

  override streamInfo({lastId, maxDeletedId, entriesAdded}: StreamInfo): void {
    this.#finishEntry()
    const {stream} = this
    stream.lastId.set(lastId)
    if (maxDeletedId !== undefined) stream.maxDeletedId.set(maxDeletedId)
    stream.derived = entriesAdded === undefined
    // The oldest form does not say: a server of today takes the entries that are there.
    stream.entriesAdded = entriesAdded ?? stream.size
  }

  override group({name, lastId, entriesRead}: StreamGroup): void {
    if (this.stream.group(textOf(name)) !== undefined) throw this.#twice('a group')
    const group = new ResidentGroup(this.arena, name.slice())
    group.lastId.set(lastId)
    group.entriesRead = entriesRead ?? this.stream.readUpTo(lastId)
    this.stream.addGroup(group)
    this.#group = group
  }

  #twice(what: string): FormatError {
    return new FormatError('BAD_STREAM', `${what} of this stream is there twice, which servers refuse`, this.#offset)
  }

  override pending(id: StreamId, deliveredAtMs: Int64, deliveries: Int64): void {
    this.#group.put(id, {deliveredAtMs, deliveries, owner: NOBODY})
  }

  override consumer({name, seenAtMs, activeAtMs}: StreamConsumer): void {
    if (this.#group.find(textOf(name)) >= 0) throw this.#twice('a consumer')
    this.#consumer = this.#group.make(name.slice(), seenAtMs, activeAtMs)
  }

  override consumerPending(id: StreamId): void {
    const pending = this.#group.pending(id)
    if (pending === undefined) {
      this.contradiction('PENDING_UNKNOWN', `a consumer has ${id}, which its group has no pending entry for: left out`)
      return
    }
    if (pending.owner !== NOBODY) {
      this.contradiction('PENDING_TWICE', `two consumers have ${id}: it is the last one's, as for older servers`)
    }
    this.#group.put(id, {...pending, owner: this.#consumer})
  }

  override nacked(id: StreamId): void {
    this.#group.released(id)
  }

  override idempotence({durationSeconds, entriesMax}: StreamIdempotence): void {
    this.#idempotence = new Idempotence()
    this.#idempotence.configure(durationSeconds, entriesMax)
    this.stream.idempotence = this.#idempotence
  }

  override producer(name: Uint8Array): void {
    this.#made = this.#idempotence.producer(textOf(name))
  }

  override producerEntry(iid: Uint8Array, id: StreamId): void {
    this.#made.set(textOf(iid), id.copy())
  }

  override idempotenceCounters(added: Int64, duplicates: Int64): void {
    Object.assign(this.#idempotence, {added, duplicates})
  }

  override end(_entry: Entry): void {
    this.#finishEntry()
  }
}
