/**
 * Looks at the parts of a value once for everybody who wants to know what they
 * take: the model of the server that is asked for, those of others that it is compared with,
 * and the list of the biggest elements.
 */
import type {Int64} from '../bytes/int64.js'
import type {StreamId} from '../encoding/stream-id.js'
import {type Entry, isCollection, NEVER} from '../keyspace/entry.js'
import {
  type NodeKind,
  type StreamConsumer,
  type StreamGroup,
  type StreamIdempotence,
  type StreamInfo,
  ValueVisitor,
} from '../keyspace/visitor.js'
import type {BiggestElements} from './biggest-elements.js'
import {isInteger, type MemoryModel} from './memory/model.js'
import {MemoryVisitor} from './memory/visitor.js'

export class MeasuringVisitor extends ValueVisitor {
  override readonly depth = 'nodes'
  /** Not all of the value was shown: it takes at least what its stored bytes would. */
  partly = false
  readonly #each: readonly MemoryVisitor[]
  /** The same: some leave out what they need not know. */
  readonly #shown: readonly ValueVisitor[]
  readonly #sums: Float64Array

  /** `done` is told of each key whose parts have been seen; `bytes` then holds what it takes. */
  constructor(
    readonly models: readonly [MemoryModel, ...MemoryModel[]],
    readonly elements: BiggestElements | undefined,
    readonly done: (entry: Entry) => void,
  ) {
    super()
    this.#each = models.map(model => new MemoryVisitor(model))
    this.#shown = this.#each
    this.#sums = new Float64Array(models.length)
  }

  /** What the present key takes by the first model. */
  get bytes(): number {
    return this.#each[0]!.bytes
  }

  /** Adds the present key to what each model has summed up. */
  count(): void {
    for (let at = 1; at < this.#each.length; at++) this.#sums[at]! += this.#each[at]!.bytes
  }

  /** Keys counted so far, as the model of that number has them; without the tables of databases. */
  sum(at: number): number {
    return this.#sums[at]!
  }

  /** Measures what needs no look: a string, or what nobody but its module knows. */
  measure(entry: Entry): number {
    if (entry.type === 'string') {
      const {start, end} = entry.keyBytes
      const [keyBytes, expires, integer] = [end - start, entry.expireAtMs !== NEVER, isInteger(entry)]
      for (const one of this.#each) one.bytes = one.model.string(keyBytes, expires, entry.elements, integer)
    } else if (!isCollection(entry.type)) {
      for (const one of this.#each) one.end(entry)
    }
    return this.bytes
  }

  override begin(entry: Entry, count: number | undefined): void {
    for (const one of this.#shown) one.begin(entry, count)
    this.elements?.begin(entry)
  }

  override node(kind: NodeKind, bytes: Uint8Array, start: number, end: number): void {
    for (const one of this.#shown) one.node(kind, bytes, start, end)
    this.elements?.node(kind, bytes, start, end)
  }

  override streamNode(masterId: StreamId, bytes: Uint8Array, start: number, end: number): void {
    for (const one of this.#shown) one.streamNode(masterId, bytes, start, end)
    this.elements?.streamNode(masterId, bytes, start, end)
  }

  override item(bytes: Uint8Array, start: number, end: number): void {
    for (const one of this.#shown) one.item(bytes, start, end)
    this.elements?.add(end - start, bytes, start, start)
  }

  override member(bytes: Uint8Array, start: number, end: number): void {
    for (const one of this.#shown) one.member(bytes, start, end)
    this.elements?.add(end - start, bytes, start, end)
  }

  override scored(bytes: Uint8Array, start: number, end: number, score: number): void {
    for (const one of this.#shown) one.scored(bytes, start, end, score)
    this.elements?.add(end - start, bytes, start, end)
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
    for (const one of this.#shown) one.field(name, nameStart, nameEnd, value, valueStart, valueEnd, expireAtMs)
    this.elements?.add(nameEnd - nameStart + valueEnd - valueStart, name, nameStart, nameEnd)
  }

  override streamEntry(id: StreamId, fieldCount: number): void {
    for (const one of this.#shown) one.streamEntry(id, fieldCount)
  }

  override streamField(
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    for (const one of this.#shown) one.streamField(name, nameStart, nameEnd, value, valueStart, valueEnd)
    this.elements?.add(nameEnd - nameStart + valueEnd - valueStart, name, nameStart, nameEnd)
  }

  override streamInfo(info: StreamInfo): void {
    for (const one of this.#shown) one.streamInfo(info)
  }

  override group(group: StreamGroup): void {
    for (const one of this.#shown) one.group(group)
  }

  override consumer(consumer: StreamConsumer): void {
    for (const one of this.#shown) one.consumer(consumer)
  }

  override indexed(index: Int64, bytes: Uint8Array, start: number, end: number): void {
    for (const one of this.#shown) one.indexed(index, bytes, start, end)
    this.elements?.add(end - start, bytes, start, start)
  }

  override pending(id: StreamId, deliveredAtMs: Int64, deliveries: Int64): void {
    for (const one of this.#shown) one.pending(id, deliveredAtMs, deliveries)
  }

  override consumerPending(id: StreamId): void {
    for (const one of this.#shown) one.consumerPending(id)
  }

  override nacked(id: StreamId): void {
    for (const one of this.#shown) one.nacked(id)
  }

  override idempotence(settings: StreamIdempotence): void {
    for (const one of this.#shown) one.idempotence(settings)
  }

  override producer(name: Uint8Array, count: number): void {
    for (const one of this.#shown) one.producer(name, count)
  }

  override producerEntry(iid: Uint8Array, id: StreamId): void {
    for (const one of this.#shown) one.producerEntry(iid, id)
  }

  override insertIndex(index: Int64): void {
    for (const one of this.#shown) one.insertIndex(index)
  }

  override end(entry: Entry): void {
    // Damaged before it said how many.
    if (entry.elements < 0) entry.elements = 0
    for (const one of this.#each) {
      one.end(entry)
      if (this.partly) one.bytes = Math.max(one.bytes, one.model.estimate(entry, entry.endOffset - entry.valueOffset))
    }
    this.partly = false
    this.done(entry)
  }
}
