/** A stream in memory: its entries, and what is known of those that are gone. */
import {type Int64, sumInt64} from '../bytes/int64.js'
import {StreamId} from '../encoding/stream-id.js'
import type {ValueVisitor} from '../keyspace/visitor.js'
import type {Arena} from './arena.js'
import type {Idempotence} from './idempotence.js'
import {textOf} from './name.js'
import type {OneBlock} from './one-block.js'
import {putStream, readStream} from './stream-block.js'
import {type EntryPlace, eachString, StreamEntries, type Strings, stringsOf} from './stream-entries.js'
import {ENTRIES_READ_UNKNOWN, type ResidentGroup} from './stream-group.js'

export class StreamValue implements OneBlock {
  readonly type = 'stream'
  readonly flags = 0
  /** Where it was left, and may be left again: its own; 0 where there is none. */
  block = 0
  readonly entries: StreamEntries
  readonly lastId = new StreamId()
  readonly maxDeletedId = new StreamId()
  entriesAdded: Int64 = 0
  /** What was added, deleted and read is known by our own counting only. */
  derived = true
  readonly #groups = new Map<string, ResidentGroup>()
  /** Where a producer has said who it is, or a snapshot has told of it (redis 8.6). */
  idempotence: Idempotence | undefined

  constructor(readonly arena: Arena) {
    this.entries = new StreamEntries(arena)
  }

  static of(arena: Arena, block: number): StreamValue {
    const stream = new StreamValue(arena)
    readStream(stream, block)
    return stream
  }

  toBlock(): number {
    return putStream(this)
  }

  /** There are no groups, and no producers that are known. */
  get isPlain(): boolean {
    return this.#groups.size === 0 && this.idempotence === undefined
  }

  get size(): number {
    return this.entries.size
  }

  /** Of the first entry; 0-0 where there is none. Lent. */
  get firstId(): StreamId {
    if (this.entries.first()) return this.entries.at.id
    return NO_ID
  }

  /** Adds an entry with an ID above all others. */
  append(id: StreamId, strings: Strings): void {
    this.entries.append(id, strings)
    this.lastId.set(id)
    this.entriesAdded = sumInt64(this.entriesAdded, 0, 1)
  }

  /** Removes an entry; false where it is not there. */
  remove(id: StreamId): boolean {
    if (!this.entries.remove(id)) return false
    if (id.compare(this.maxDeletedId) > 0) this.maxDeletedId.set(id)
    return true
  }

  /** By its name as text (name.ts). */
  group(name: string): ResidentGroup | undefined {
    return this.#groups.get(name)
  }

  groups(): IterableIterator<ResidentGroup> {
    return this.#groups.values()
  }

  addGroup(group: ResidentGroup): void {
    this.#groups.set(textOf(group.name), group)
  }

  removeGroup(group: ResidentGroup): void {
    group.dispose()
    this.#groups.delete(textOf(group.name))
  }

  /** How many entries were ever added up to an ID; -1 where nobody can say (redis 7.0 streamEstimateDistanceFromFirstEverEntry). */
  readUpTo(id: StreamId): Int64 {
    if (this.entriesAdded === 0) return 0
    const order = id.compare(this.lastId)
    if (this.size === 0 && order <= 0) return this.entriesAdded
    if (order === 0) return this.entriesAdded
    if (order > 0) return ENTRIES_READ_UNKNOWN
    const {firstId} = this
    if (!this.maxDeletedId.isZero && this.maxDeletedId.compare(firstId) >= 0) return ENTRIES_READ_UNKNOWN
    const toFirst = id.compare(firstId)
    if (toFirst > 0) return ENTRIES_READ_UNKNOWN
    return sumInt64(this.entriesAdded, -this.size, toFirst === 0 ? 1 : 0)
  }

  /** Whether an entry was deleted from an ID on, as far as is known. */
  hasTombstonesFrom(id: StreamId): boolean {
    if (this.size === 0 || this.maxDeletedId.isZero) return false
    return this.firstId.compare(this.maxDeletedId) <= 0 && id.compare(this.maxDeletedId) <= 0
  }

  show(visitor: ValueVisitor): void {
    this.entries.each(undefined, entry => showEntry(entry, visitor))
    const {lastId, maxDeletedId, entriesAdded, derived} = this
    const firstId = this.firstId.copy()
    visitor.streamInfo({length: this.size, lastId, firstId, maxDeletedId, entriesAdded, derived})
    const groups = [...this.#groups.values()].sort((one, other) => Buffer.compare(one.name, other.name))
    for (const group of groups) group.show(visitor)
    this.idempotence?.show(visitor)
  }

  copy(): StreamValue {
    const copy = new StreamValue(this.arena)
    copy.entries.copyFrom(this.entries)
    copy.lastId.set(this.lastId)
    copy.maxDeletedId.set(this.maxDeletedId)
    copy.entriesAdded = this.entriesAdded
    copy.derived = this.derived
    for (const group of this.#groups.values()) copy.addGroup(group.copy())
    copy.idempotence = this.idempotence?.copy()
    return copy
  }

  move(): void {
    if (this.block !== 0) this.block = this.arena.move(this.block)
    this.entries.move()
    for (const group of this.#groups.values()) group.move()
  }

  dispose(): void {
    if (this.block !== 0) this.arena.free(this.block)
    this.block = 0
    this.entries.dispose()
    for (const group of this.#groups.values()) group.dispose()
  }
}

const NO_ID = new StreamId()

function showEntry(entry: EntryPlace, visitor: ValueVisitor): void {
  const {bytes} = entry
  visitor.streamEntry(entry.id, stringsOf(entry) / 2)
  let nameStart = -1
  let nameEnd = 0
  eachString(entry, (start, end) => {
    if (nameStart < 0) {
      nameStart = start
      nameEnd = end
    } else {
      visitor.streamField(bytes, nameStart, nameEnd, bytes, start, end)
      nameStart = -1
    }
  })
}
