/**
 * What a value consists of, as plain objects that their owner may keep: one for
 * every call that a visitor of depth `elements` is shown, so that nothing is
 * lost on the way. Their order is that of the file.
 */
import type {Int64} from '../bytes/int64.js'
import {STREAM_ID_BYTES, type StreamId} from '../encoding/stream-id.js'
import type {StreamConsumer, StreamGroup, StreamIdempotence, StreamInfo} from '../keyspace/visitor.js'
import {Gathering} from './gathering.js'

/** One part of a value: `kind` says which, and which other members there are. */
export type RdbElement =
  /** Of a list; after `cron` its keys and arguments. */
  | {kind: 'item'; value: Uint8Array}
  /** Of a set. */
  | {kind: 'member'; member: Uint8Array}
  /** Of a sorted set. */
  | {kind: 'scored'; member: Uint8Array; score: number}
  /** Of a hash; `expireAtMs` is Infinity where the field has no expiry of its own. */
  | {kind: 'field'; field: Uint8Array; value: Uint8Array; expireAtMs: Int64}
  /** Of an array: first, where one is set, the index of the next insertion. */
  | {kind: 'insertIndex'; index: Int64}
  | {kind: 'indexed'; index: Int64; value: Uint8Array}
  | StreamElement
  | ModuleElement
  /** Of KeyDB: a script run at intervals; `keyCount` keys and the arguments follow as items. */
  | {kind: 'cron'; script: Uint8Array; startMs: Int64; intervalMs: Int64; keyCount: number}

/** Of a stream: its live entries, then what stands behind them. IDs are text, `ms-seq`. */
export type StreamElement =
  | {kind: 'streamEntry'; id: string; fields: [field: Uint8Array, value: Uint8Array][]}
  | {
      kind: 'streamInfo'
      length: Int64
      lastId: string
      /** The last three are undefined in the oldest form (type 15). */
      firstId: string | undefined
      maxDeletedId: string | undefined
      entriesAdded: Int64 | undefined
    }
  /** A consumer group: `pendingCount` pending entries follow, then its consumers. */
  | {kind: 'group'; name: Uint8Array; lastId: string; entriesRead: Int64 | undefined; pendingCount: number}
  | {kind: 'pending'; id: string; deliveredAtMs: Int64; deliveries: Int64}
  /** A consumer of the group before: the IDs it owns follow. */
  | {kind: 'consumer'; name: Uint8Array; seenAtMs: Int64; activeAtMs: Int64 | undefined; pendingCount: number}
  | {kind: 'consumerPending'; id: string}
  /** A pending entry of the group before that no consumer owns (redis 8.8). */
  | {kind: 'nacked'; id: string}
  /** Idempotent producers (redis 8.6): settings, each producer with the IDs it used, counters. */
  | {kind: 'idempotence'; durationSeconds: Int64; entriesMax: Int64; producerCount: number}
  | {kind: 'producer'; name: Uint8Array; count: number}
  | {kind: 'producerEntry'; iid: Uint8Array; id: string}
  | {kind: 'idempotenceCounters'; added: Int64; duplicates: Int64}

/** Of a module value: whose it is, then its items, which only that module understands. */
export type ModuleElement =
  | {kind: 'module'; module: string; version: number}
  | {kind: 'moduleSigned'; value: Int64}
  | {kind: 'moduleUnsigned'; value: Int64}
  | {kind: 'moduleDouble'; value: number; bits: 32 | 64}
  | {kind: 'moduleString'; value: Uint8Array}

/** What an element without strings counts for. */
const NUMBERS_BYTES = 16

/** Gathers every part of a value. */
export class ElementVisitor extends Gathering<RdbElement> {
  override readonly depth = 'elements'
  #fields: [Uint8Array, Uint8Array][] = []

  constructor(bytesMax = Number.POSITIVE_INFINITY) {
    super(bytesMax)
  }

  /** Keeps an element of so many bytes. */
  #keep(bytes: number, element: RdbElement): void {
    if (this.takes(bytes)) this.keep(element)
  }

  override item(bytes: Uint8Array, start: number, end: number): void {
    if (this.takes(end - start)) this.keep({kind: 'item', value: bytes.slice(start, end)})
  }

  override member(bytes: Uint8Array, start: number, end: number): void {
    if (this.takes(end - start)) this.keep({kind: 'member', member: bytes.slice(start, end)})
  }

  override scored(bytes: Uint8Array, start: number, end: number, score: number): void {
    if (this.takes(end - start)) this.keep({kind: 'scored', member: bytes.slice(start, end), score})
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
    if (!this.takes(nameEnd - nameStart + valueEnd - valueStart)) return
    const field = name.slice(nameStart, nameEnd)
    this.keep({kind: 'field', field, value: value.slice(valueStart, valueEnd), expireAtMs})
  }

  override insertIndex(index: Int64): void {
    this.#keep(NUMBERS_BYTES, {kind: 'insertIndex', index})
  }

  override indexed(index: Int64, bytes: Uint8Array, start: number, end: number): void {
    if (this.takes(end - start)) this.keep({kind: 'indexed', index, value: bytes.slice(start, end)})
  }

  override streamEntry(id: StreamId): void {
    this.#fields = []
    this.#keep(STREAM_ID_BYTES, {kind: 'streamEntry', id: id.toString(), fields: this.#fields})
  }

  override streamField(
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    if (!this.takes(nameEnd - nameStart + valueEnd - valueStart)) return
    this.#fields.push([name.slice(nameStart, nameEnd), value.slice(valueStart, valueEnd)])
  }

  override streamInfo({length, lastId, firstId, maxDeletedId, entriesAdded}: StreamInfo): void {
    const ids = {firstId: firstId?.toString(), maxDeletedId: maxDeletedId?.toString()}
    this.#keep(3 * STREAM_ID_BYTES, {kind: 'streamInfo', length, lastId: lastId.toString(), ...ids, entriesAdded})
  }

  override group({name, lastId, entriesRead, pendingCount}: StreamGroup): void {
    this.#keep(name.length, {kind: 'group', name: name.slice(), lastId: lastId.toString(), entriesRead, pendingCount})
  }

  override pending(id: StreamId, deliveredAtMs: Int64, deliveries: Int64): void {
    this.#keep(STREAM_ID_BYTES, {kind: 'pending', id: id.toString(), deliveredAtMs, deliveries})
  }

  override consumer({name, ...rest}: StreamConsumer): void {
    this.#keep(name.length, {kind: 'consumer', name: name.slice(), ...rest})
  }

  override consumerPending(id: StreamId): void {
    this.#keep(STREAM_ID_BYTES, {kind: 'consumerPending', id: id.toString()})
  }

  override nacked(id: StreamId): void {
    this.#keep(STREAM_ID_BYTES, {kind: 'nacked', id: id.toString()})
  }

  override idempotence(settings: StreamIdempotence): void {
    this.#keep(NUMBERS_BYTES, {kind: 'idempotence', ...settings})
  }

  override producer(name: Uint8Array, count: number): void {
    this.#keep(name.length, {kind: 'producer', name: name.slice(), count})
  }

  override producerEntry(iid: Uint8Array, id: StreamId): void {
    this.#keep(iid.length + STREAM_ID_BYTES, {kind: 'producerEntry', iid: iid.slice(), id: id.toString()})
  }

  override idempotenceCounters(added: Int64, duplicates: Int64): void {
    this.#keep(NUMBERS_BYTES, {kind: 'idempotenceCounters', added, duplicates})
  }

  override moduleId(module: string, version: number): void {
    this.#keep(NUMBERS_BYTES, {kind: 'module', module, version})
  }

  override moduleSigned(value: Int64): void {
    this.#keep(NUMBERS_BYTES, {kind: 'moduleSigned', value})
  }

  override moduleUnsigned(value: Int64): void {
    this.#keep(NUMBERS_BYTES, {kind: 'moduleUnsigned', value})
  }

  override moduleDouble(value: number, bits: 32 | 64): void {
    this.#keep(NUMBERS_BYTES, {kind: 'moduleDouble', value, bits})
  }

  override moduleString(bytes: Uint8Array, start: number, end: number): void {
    if (this.takes(end - start)) this.keep({kind: 'moduleString', value: bytes.slice(start, end)})
  }

  override cron(script: Uint8Array, startMs: Int64, intervalMs: Int64, keyCount: number): void {
    this.#keep(script.length, {kind: 'cron', script: script.slice(), startMs, intervalMs, keyCount})
  }
}
