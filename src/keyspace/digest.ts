/**
 * The digest of an entry by what it means: equal for equal data, however and by whom it was stored.
 *
 *   part of        digested                                          order
 *   string         its bytes, a number as its digits                 -
 *   list           items                                             counts
 *   set            each member                                       none
 *   zset           each member with its score, to its last bit       none
 *   hash           each field with its value and its expiry          none
 *   stream         entries with their fields                         counts
 *                  groups; pending, consumers and owners of each     none
 *   array, module  elements with their index; items                  counts
 *   entry          database, key, type, expiry, use                  -
 *
 * No part of the meaning: encodings, hash templates, key metadata, Dragonfly's flags. A fact that a source does not tell
 * (an older form of streams has fewer) is digested as not told: entries of other forms differ here, and who compares
 * them closely leaves out what only one of them tells.
 */
import {Digest, type DigestSeed} from '../bytes/digest.js'
import type {Int64} from '../bytes/int64.js'
import type {StreamId} from '../encoding/stream-id.js'
import {type Entry, isCollection, NEVER} from './entry.js'
import {VALUE_TYPES} from './selection.js'
import {
  type StreamConsumer,
  type StreamGroup,
  type StreamIdempotence,
  type StreamInfo,
  ValueVisitor,
} from './visitor.js'

/** What is left out. */
export interface MeaningOptions {
  /** Expiries of keys and of fields: all, but for those of keys, or none. */
  expiry: 'all' | 'fields' | 'none'
  idle: boolean
  frequency: boolean
  /** Consumers of groups: who is there, and when it was seen. Who owns a pending entry stays. */
  consumers: boolean
  /**
   * Of streams, only the facts that such a form of them stores: 1 (redis 5.0), 2 (7.0: counters, what was deleted and read), 3 (7.2:
   * when a consumer was active). Absent: all that is told.
   */
  streamFacts?: 1 | 2 | 3 | undefined
}

/** What redis 8.6 takes for both where nobody says otherwise. */
export const IDEMPOTENCE_DEFAULT = 100

const LIST = 1
const MEMBER = 2
const SCORED = 3
const FIELD = 4
const EXPIRING_FIELD = 5
const STREAM_ENTRIES = 6
const STREAM_INFO = 7
const GROUP = 8
const PENDING = 9
const OWNER = 10
const CONSUMER = 11
const NACKED = 12
const IDEMPOTENCE = 13
const PRODUCER = 14
const PRODUCER_ENTRY = 15
const PRODUCER_COUNTERS = 16
const INDEXED = 17
const INSERT_INDEX = 18
const MODULE = 19
const CRON = 20

const MODULE_SIGNED = 1
const MODULE_UNSIGNED = 2
const MODULE_FLOAT = 3
const MODULE_DOUBLE = 4
const MODULE_STRING = 5

const IDLE = 1
const FREQUENCY = 2
const TOLD = 1
const NOT_TOLD = 0

const TYPE_NUMBERS = new Map(VALUE_TYPES.map((type, i) => [type, i]))

export abstract class DigestVisitor extends ValueVisitor {
  override readonly depth = 'elements'
  readonly digest: Digest
  #group: Uint8Array = new Uint8Array(0)
  #consumer: Uint8Array = new Uint8Array(0)
  #producer: Uint8Array = new Uint8Array(0)
  /** One part is begun that takes all elements in their order. */
  #ordered = false
  #idempotence: StreamIdempotence | undefined
  /** Counters of the present stream were not stored, but counted by who replayed it. */
  #derived = false

  constructor(
    readonly meaning: MeaningOptions,
    seed?: DigestSeed,
  ) {
    super()
    this.digest = new Digest(seed)
  }

  /** The database that an entry counts in. */
  protected dbOf(entry: Entry): number {
    return entry.db
  }

  /** The digest of the entry is in `digest.out`. */
  protected abstract digested(entry: Entry): void
  /** The entry is a collection without elements, which servers take for no key. */
  protected abstract empty(entry: Entry): void

  override begin(entry: Entry, _count: number | undefined): void {
    const {digest} = this
    const {bytes, start, end} = entry.keyBytes
    digest.key(this.dbOf(entry), bytes, start, end)
    const {type} = entry
    if (type === 'string') digest.beginString()
    else if (type === 'list') digest.begin(LIST)
    else if (type === 'stream') digest.begin(STREAM_ENTRIES)
    else if (type === 'module') digest.begin(MODULE)
    else if (type === 'cron') digest.begin(CRON)
    this.#ordered = type === 'list' || type === 'stream' || type === 'module' || type === 'cron'
    this.#idempotence = undefined
  }

  override end(entry: Entry): void {
    if (entry.elements === 0 && isCollection(entry.type) && entry.type !== 'stream') {
      this.empty(entry)
      return
    }
    const {digest} = this
    if (entry.type === 'string') digest.endString()
    else if (this.#ordered) digest.add()
    digest.endValue(TYPE_NUMBERS.get(entry.type)!)
    this.seal(entry)
  }

  /** The value has been digested: takes what stands beside it, and tells. */
  protected seal(entry: Entry): void {
    const {digest, meaning} = this
    if (meaning.expiry === 'all') this.#expiry(entry.expireAtMs)
    if (meaning.idle && entry.idleSeconds >= 0) this.#use(IDLE, entry.idleSeconds)
    if (meaning.frequency && entry.frequency >= 0) this.#use(FREQUENCY, entry.frequency)
    digest.end()
    this.digested(entry)
  }

  #expiry(expireAtMs: Int64): void {
    if (expireAtMs === NEVER) {
      this.digest.word(0)
      return
    }
    this.digest.word(TOLD)
    this.digest.integer(expireAtMs)
  }

  #use(what: number, value: number): void {
    this.digest.word(what)
    this.digest.integer(value)
  }

  override chunk(bytes: Uint8Array, start: number, end: number): void {
    this.digest.piece(bytes, start, end)
  }

  override item(bytes: Uint8Array, start: number, end: number): void {
    this.digest.text(bytes, start, end)
  }

  override member(bytes: Uint8Array, start: number, end: number): void {
    const {digest} = this
    digest.begin(MEMBER)
    digest.text(bytes, start, end)
    digest.add()
  }

  override scored(bytes: Uint8Array, start: number, end: number, score: number): void {
    const {digest} = this
    digest.begin(SCORED)
    // Both zeros are one score, and servers do not keep them apart; any number that is none is like any other.
    digest.double(Number.isNaN(score) ? Number.NaN : score === 0 ? 0 : score)
    digest.text(bytes, start, end)
    digest.add()
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
    const {digest} = this
    const expires = expireAtMs !== NEVER && this.meaning.expiry !== 'none'
    digest.begin(expires ? EXPIRING_FIELD : FIELD)
    if (expires) digest.integer(expireAtMs)
    digest.text(name, nameStart, nameEnd)
    digest.text(value, valueStart, valueEnd)
    digest.add()
  }

  // Streams: entries are one part, ended by what stands behind them.

  override streamEntry(id: StreamId, fieldCount: number): void {
    this.#id(id)
    this.digest.word(fieldCount)
  }

  override streamField(
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    this.digest.text(name, nameStart, nameEnd)
    this.digest.text(value, valueStart, valueEnd)
  }

  override streamInfo({lastId, maxDeletedId, entriesAdded, derived}: StreamInfo): void {
    const {digest} = this
    digest.add()
    this.#ordered = false
    this.#derived = derived === true
    digest.begin(STREAM_INFO)
    this.#id(lastId)
    const stored = !this.#derived && this.meaning.streamFacts !== 1
    const deletedTold = stored && maxDeletedId !== undefined
    digest.word(deletedTold ? TOLD : NOT_TOLD)
    if (deletedTold) this.#id(maxDeletedId)
    this.#toldInteger(stored ? entriesAdded : undefined)
    digest.add()
  }

  override group({name, lastId, entriesRead}: StreamGroup): void {
    this.#group = name.slice()
    this.#begin(GROUP)
    this.#id(lastId)
    this.#toldInteger(this.#derived || this.meaning.streamFacts === 1 ? undefined : entriesRead)
    this.digest.add()
  }

  override pending(id: StreamId, deliveredAtMs: Int64, deliveries: Int64): void {
    this.#begin(PENDING)
    this.#id(id)
    this.digest.integer(deliveredAtMs)
    this.digest.integer(deliveries)
    this.digest.add()
  }

  override consumer({name, seenAtMs, activeAtMs, derived}: StreamConsumer): void {
    this.#consumer = name.slice()
    if (!this.meaning.consumers) return
    this.#begin(CONSUMER)
    this.digest.text(name, 0, name.length)
    if (derived !== true) this.digest.integer(seenAtMs)
    this.#toldInteger(derived === true || (this.meaning.streamFacts ?? 3) < 3 ? undefined : activeAtMs)
    this.digest.add()
  }

  override consumerPending(id: StreamId): void {
    this.#begin(OWNER)
    this.digest.text(this.#consumer, 0, this.#consumer.length)
    this.#id(id)
    this.digest.add()
  }

  override nacked(id: StreamId): void {
    this.#begin(NACKED)
    this.#id(id)
    this.digest.add()
  }

  override idempotence(settings: StreamIdempotence): void {
    this.#idempotence = settings
  }

  override producer(name: Uint8Array, _count: number): void {
    this.#producer = name.slice()
    this.digest.begin(PRODUCER)
    this.digest.text(name, 0, name.length)
    this.digest.add()
  }

  override producerEntry(iid: Uint8Array, id: StreamId): void {
    const {digest} = this
    digest.begin(PRODUCER_ENTRY)
    digest.text(this.#producer, 0, this.#producer.length)
    digest.text(iid, 0, iid.length)
    this.#id(id)
    digest.add()
  }

  override idempotenceCounters(added: Int64, duplicates: Int64): void {
    const {digest} = this
    if (added !== 0 || duplicates !== 0) {
      digest.begin(PRODUCER_COUNTERS)
      digest.integer(added)
      digest.integer(duplicates)
      digest.add()
    }
    const {durationSeconds, entriesMax} = this.#idempotence!
    if (durationSeconds === IDEMPOTENCE_DEFAULT && entriesMax === IDEMPOTENCE_DEFAULT) return
    digest.begin(IDEMPOTENCE)
    digest.integer(durationSeconds)
    digest.integer(entriesMax)
    digest.add()
  }

  override insertIndex(index: Int64): void {
    this.digest.begin(INSERT_INDEX)
    this.digest.integer(index)
    this.digest.add()
  }

  override indexed(index: Int64, bytes: Uint8Array, start: number, end: number): void {
    const {digest} = this
    digest.begin(INDEXED)
    digest.integer(index)
    digest.text(bytes, start, end)
    digest.add()
  }

  override moduleId(name: string, version: number): void {
    const text = Buffer.from(name, 'latin1')
    this.digest.text(text, 0, text.length)
    this.digest.word(version)
  }

  override moduleSigned(value: Int64): void {
    this.digest.word(MODULE_SIGNED)
    this.digest.integer(value)
  }

  override moduleUnsigned(value: Int64): void {
    this.digest.word(MODULE_UNSIGNED)
    this.digest.integer(value)
  }

  override moduleDouble(value: number, bits: 32 | 64): void {
    this.digest.word(bits === 32 ? MODULE_FLOAT : MODULE_DOUBLE)
    this.digest.double(value)
  }

  override moduleString(bytes: Uint8Array, start: number, end: number): void {
    this.digest.word(MODULE_STRING)
    this.digest.text(bytes, start, end)
  }

  override cron(script: Uint8Array, startMs: Int64, intervalMs: Int64, keyCount: number): void {
    const {digest} = this
    digest.text(script, 0, script.length)
    digest.integer(startMs)
    digest.integer(intervalMs)
    digest.word(keyCount)
  }

  /** A part that belongs to the present group. */
  #begin(tag: number): void {
    this.digest.begin(tag)
    this.digest.text(this.#group, 0, this.#group.length)
  }

  #id({msHigh, msLow, seqHigh, seqLow}: StreamId): void {
    this.digest.word(msLow, msHigh)
    this.digest.word(seqLow, seqHigh)
  }

  #toldInteger(value: Int64 | undefined): void {
    this.digest.word(value === undefined ? NOT_TOLD : TOLD)
    if (value !== undefined) this.digest.integer(value)
  }
}
