/**
 * Takes everything that a snapshot shows into a data set: the snapshot that a
 * log begins with, or the value of a RESTORE.
 *
 * As servers do it: keys that have expired are kept, collections without
 * elements are none (redis 7.0; 6.0 keeps them).
 */
import type {Int64} from '../bytes/int64.js'
import {FormatError, LimitError} from '../errors.js'
import {type Entry, isCollection, NEVER, type ValueType} from '../keyspace/entry.js'
import {libraryName} from '../keyspace/library-name.js'
import {type EntryVisitor, type ModuleAux, type Problem, ValueVisitor} from '../keyspace/visitor.js'
import type {RdbHeader} from '../rdb/versions.js'
import type {Arena} from './arena.js'
import {RecordPlace} from './byte-table.js'
import {type Database, STRING_BYTES_MAX} from './database.js'
import {HashValue} from './hash.js'
import type {Keyspace} from './keyspace.js'
import {ListValue} from './list.js'
import {SetValue} from './set.js'
import {SortedSetValue} from './sorted-set.js'
import {StoredValue} from './stored.js'
import {StreamLoader} from './stream-loader.js'
import type {ResidentValue} from './value.js'

export interface LoadingOptions {
  /** Of the snapshot, once it has been read. */
  header(): RdbHeader
  /** What the snapshot says of itself; its name is exact where it is UTF-8. */
  onAux?: EntryVisitor['aux'] | undefined
  onProblem?: ((problem: Problem) => void) | undefined
}

/** Who takes the value of each type. */
interface Takers {
  string: StringTaker
  list: ListTaker
  set: SetTaker
  zset: SortedSetTaker
  hash: HashTaker
  stream: StreamTaker
}

export class LoadingVisitor implements EntryVisitor {
  readonly #takers: Takers = {
    string: new StringTaker(this),
    list: new ListTaker(this),
    set: new SetTaker(this),
    zset: new SortedSetTaker(this),
    hash: new HashTaker(this),
    stream: new StreamTaker(this),
  }
  readonly #stored = new StoredTaker(this)

  constructor(
    readonly keyspace: Keyspace,
    readonly options: LoadingOptions,
  ) {}

  aux(name: string, value: Uint8Array, nameBytes?: Uint8Array): void {
    this.options.onAux?.(name, value, nameBytes)
  }

  function(source: Uint8Array): void {
    this.keyspace.functions.set(libraryName(source), source.slice())
  }

  moduleAux(aux: ModuleAux): void {
    this.keyspace.moduleAux.push({...aux, payload: aux.payload.slice()})
  }

  problem(problem: Problem): void {
    this.options.onProblem?.(problem)
  }

  entry(entry: Entry): ValueVisitor {
    const {keyBytes} = entry
    const db = this.keyspace.database(entry.db)
    const there = db.find(keyBytes.bytes, keyBytes.start, keyBytes.end)
    if (there >= 0) {
      const text = 'this key is there twice: servers refuse such a snapshot, here the later value stays'
      this.problemOf(entry, 'DUPLICATE_KEY', text)
      db.remove(there)
    }
    const taker = (this.#takers as Partial<Record<ValueType, Taker | StreamTaker>>)[entry.type] ?? this.#stored
    taker.db = db
    return taker
  }

  /** Of an entry that servers refuse. */
  problemOf(entry: Entry, code: string, text: string): void {
    const {db, type, offset} = entry
    this.problem({code, severity: 'error', offset, text, db, type, ...entry.keptKey(1000)})
  }

  /** The value that is being read, and is nobody's yet. */
  unfinished: ResidentValue | undefined

  /** Nothing more will be read: frees what is not complete. */
  abandon(): void {
    this.unfinished?.dispose()
    this.unfinished = undefined
  }

  /** A value is complete: gives its key what else is known of it. Returns its number. */
  finish(db: Database, number: number, entry: Entry): void {
    this.unfinished = undefined
    const {expireAtMs, idleSeconds, frequency, keyMeta} = entry
    if (expireAtMs !== NEVER) db.expire(number, expireAtMs)
    if (idleSeconds >= 0 || frequency >= 0 || keyMeta !== undefined) {
      db.note(number, {idleSeconds, frequency, keyMeta: keyMeta?.slice()})
    }
  }
}

abstract class Taker extends ValueVisitor {
  override readonly depth: 'elements' | 'raw' = 'elements'
  db!: Database

  constructor(readonly loading: LoadingVisitor) {
    super()
  }
}

class StringTaker extends Taker {
  #number = -1
  #filled = 0
  #offset = 0
  readonly #place = new RecordPlace()

  override begin({keyBytes, valueOffset}: Entry, count: number | undefined): void {
    // A length that is only claimed takes no more: the bytes that come make room for themselves.
    const claimed = Math.min(count ?? 0, CLAIM_BYTES_MAX)
    this.#number = this.db.makeString(keyBytes.bytes, keyBytes.start, keyBytes.end, claimed)
    this.#filled = 0
    this.#offset = valueOffset
  }

  override chunk(bytes: Uint8Array, start: number, end: number): void {
    const place = this.#place
    const wanted = this.#filled + end - start
    if (wanted > STRING_BYTES_MAX) throw new LimitError('string', STRING_BYTES_MAX, wanted, this.#offset)
    this.db.place(this.#number, place)
    if (wanted > place.payloadEnd - place.end) {
      this.db.resize(this.#number, wanted)
      this.db.place(this.#number, place)
    }
    place.bytes.set(bytes.subarray(start, end), place.end + this.#filled)
    this.#filled = wanted
  }

  override end(entry: Entry): void {
    this.db.resize(this.#number, this.#filled)
    this.loading.finish(this.db, this.#number, entry)
  }
}

/** A string that is larger at once than so many bytes grows as they arrive. */
const CLAIM_BYTES_MAX = 1024 * 1024

/** A collection is a key once it is complete, and has elements. */
abstract class CollectionTaker<T extends ResidentValue> extends Taker {
  protected value!: T
  protected offset = 0

  protected abstract make(): T

  override begin({valueOffset}: Entry): void {
    this.offset = valueOffset
    this.value = this.make()
    this.loading.unfinished = this.value
  }

  override end(entry: Entry): void {
    const {value, db} = this
    if (value.size === 0 && isCollection(entry.type) && entry.type !== 'stream') {
      this.loading.abandon()
      return
    }
    const {bytes, start, end} = entry.keyBytes
    this.loading.finish(db, db.make(bytes, start, end, value), entry)
  }
}

class ListTaker extends CollectionTaker<ListValue> {
  protected make(): ListValue {
    return new ListValue(this.db.arena)
  }

  override item(bytes: Uint8Array, start: number, end: number): void {
    this.value.pushTail(bytes, start, end)
  }
}

class SetTaker extends CollectionTaker<SetValue> {
  protected make(): SetValue {
    return new SetValue(this.db.arena)
  }

  override member(bytes: Uint8Array, start: number, end: number): void {
    this.value.add(bytes, start, end)
  }
}

class SortedSetTaker extends CollectionTaker<SortedSetValue> {
  protected make(): SortedSetValue {
    return new SortedSetValue(this.db.arena)
  }

  override scored(bytes: Uint8Array, start: number, end: number, score: number): void {
    // Nothing has an order with it: servers refuse it too (redis 7.0 rdb.c).
    if (Number.isNaN(score)) throw new FormatError('BAD_SCORE', 'the score of a member is no number', this.offset)
    this.value.set(bytes, start, end, score)
  }
}

class HashTaker extends CollectionTaker<HashValue> {
  protected make(): HashValue {
    return new HashValue(this.db.arena)
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
    this.value.set(name, nameStart, nameEnd, value, valueStart, valueEnd)
    if (expireAtMs !== NEVER) this.value.expire(name, nameStart, nameEnd, expireAtMs)
  }
}

class StreamTaker extends StreamLoader {
  db!: Database
  #entry!: Entry

  constructor(readonly loading: LoadingVisitor) {
    super()
  }

  protected override get arena(): Arena {
    return this.db.arena
  }

  override begin(entry: Entry): void {
    super.begin(entry)
    this.#entry = entry
    this.loading.unfinished = this.stream
  }

  protected override contradiction(code: string, text: string): void {
    this.loading.problemOf(this.#entry, code, text)
  }

  override end(entry: Entry): void {
    super.end(entry)
    const {bytes, start, end} = entry.keyBytes
    this.loading.finish(this.db, this.db.make(bytes, start, end, this.stream), entry)
  }
}

class StoredTaker extends Taker {
  override readonly depth = 'raw'
  #chunks: Uint8Array[] = []

  override begin(): void {
    this.#chunks = []
  }

  override chunk(bytes: Uint8Array, start: number, end: number): void {
    if (end > start) this.#chunks.push(bytes.slice(start, end))
  }

  override end(entry: Entry): void {
    const {loading, db} = this
    const {bytes, start, end} = entry.keyBytes
    const value = new StoredValue(entry.type, entry.typeId, loading.options.header(), Buffer.concat(this.#chunks))
    this.#chunks = []
    loading.finish(db, db.make(bytes, start, end, value), entry)
  }
}
