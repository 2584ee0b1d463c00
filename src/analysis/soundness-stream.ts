/**
 * Streams: nodes and entries ascending, the counters right, every pending entry
 * owned once, as servers take for granted or check when they load one.
 */

import {STREAM_ID_BYTES, StreamId} from '../encoding/stream-id.js'
import {StreamNodeWalker} from '../encoding/stream-node.js'
import {FormatError} from '../errors.js'
import type {Entry} from '../keyspace/entry.js'
import type {StreamConsumer, StreamGroup, StreamInfo} from '../keyspace/visitor.js'
import {PendingIds} from './soundness-pending.js'
import {ValueSoundness} from './soundness-value.js'

/** Names that are compared one by one. */
const FEW = 8

export class StreamSoundness extends ValueSoundness {
  /** Where what comes next begins. */
  #at = 0
  #nodes = 0
  #live = 0
  #entries = 0
  readonly #nodeId = new StreamId()
  readonly #lastId = new StreamId()
  readonly #firstLiveId = new StreamId()
  readonly #walker = new StreamNodeWalker()
  readonly #groups = new DistinctNames()
  readonly #consumers = new DistinctNames()
  readonly #producers = new DistinctNames()
  readonly #pending = new PendingIds()
  #group: Uint8Array = new Uint8Array(0)
  #groupOffset = 0
  /** The group's pending entries have all been shown. */
  #pendingComplete = true

  override begin(entry: Entry, count: number | undefined): void {
    super.begin(entry, count)
    this.#at = this.position()
    this.#nodes = this.#live = this.#entries = 0
    this.#groups.clear()
    this.#producers.clear()
    this.#pending.clear()
    this.#pendingComplete = true
  }

  override streamNode(masterId: StreamId, bytes: Uint8Array, start: number, end: number): void {
    const at = this.#at
    this.#at = this.position()
    if (this.#nodes++ > 0 && masterId.compare(this.#nodeId) <= 0) {
      this.error('STREAM_ORDER', at, `node ${masterId} follows node ${this.#nodeId}`)
    }
    this.#nodeId.set(masterId)
    const liveBefore = this.#live
    try {
      this.#walk(masterId, bytes, start, end, at)
    } catch (error) {
      if (!(error instanceof FormatError)) throw error
      this.damaged(error.code, at, error.message)
      return
    }
    if (this.#live === liveBefore) this.warning('EMPTY_NODE', at, `node ${masterId} has no live entry`)
  }

  /** Of a stream that is shown by entry: it has no nodes, and none that were deleted. */
  override streamEntry(id: StreamId): void {
    if (this.#entries++ > 0 && id.compare(this.#lastId) <= 0) {
      this.error('STREAM_ORDER', this.#at, `entry ${id} follows entry ${this.#lastId}`)
    }
    this.#at = this.position()
    this.#lastId.set(id)
    if (this.#live++ === 0) this.#firstLiveId.set(id)
  }

  #walk(masterId: StreamId, bytes: Uint8Array, start: number, end: number, at: number): void {
    const walker = this.#walker
    walker.open(bytes, start, end, at, masterId)
    while (walker.nextEntry()) {
      const {id} = walker
      if (this.#entries++ > 0 && id.compare(this.#lastId) <= 0) {
        this.error('STREAM_ORDER', at, `entry ${id} follows entry ${this.#lastId}`)
      }
      this.#lastId.set(id)
      if (!walker.deleted && this.#live++ === 0) this.#firstLiveId.set(id)
    }
  }

  override streamInfo(info: StreamInfo): void {
    const at = this.#at
    this.#at = this.position()
    if (this.broken) return
    const {lastId, firstId, maxDeletedId, entriesAdded} = info
    if (Number(info.length) !== this.#live) {
      this.error('STREAM_LENGTH', at, `the stream claims ${info.length} entries, but holds ${this.#live}`)
    }
    if (this.#entries > 0 && lastId.compare(this.#lastId) < 0) {
      this.error('STREAM_LAST_ID', at, `the last ID is ${lastId}, but there is an entry ${this.#lastId}`)
    }
    if (firstId !== undefined && firstId.compare(this.#firstId()) !== 0) {
      this.warning('STREAM_FIRST_ID', at, `the first ID is ${firstId}, but the first entry is ${this.#firstId()}`)
    }
    if (maxDeletedId !== undefined && maxDeletedId.compare(lastId) > 0) {
      this.warning('STREAM_DELETED_ID', at, `${maxDeletedId} was deleted, but the last ID is ${lastId}`)
    }
    if (entriesAdded !== undefined && entriesAdded < this.#live) {
      this.warning('STREAM_ADDED', at, `${entriesAdded} entries were ever added, but there are ${this.#live}`)
    }
  }

  /** 0-0 where there is no entry. */
  #firstId(): StreamId {
    return this.#live > 0 ? this.#firstLiveId : new StreamId()
  }

  override group(group: StreamGroup): void {
    this.#endGroup()
    this.#groupOffset = this.#at
    this.#at = this.position()
    this.#group = group.name
    if (!this.#groups.add(group.name)) {
      this.error('DUPLICATE_GROUP', this.#groupOffset, `there are two groups ${quoted(group.name)}`)
    }
    const {entriesRead} = group
    if (entriesRead !== undefined && entriesRead < -1) {
      this.warning('STREAM_READ', this.#groupOffset, `group ${quoted(group.name)} has read ${entriesRead} entries`)
    }
    this.#consumers.clear()
    this.#pending.clear()
    this.#pendingComplete = false
  }

  override pending(id: StreamId): void {
    this.#pending.add(id)
  }

  override consumer(consumer: StreamConsumer): void {
    this.#completePending()
    const {name} = consumer
    if (this.#consumers.add(name)) return
    const group = quoted(this.#group)
    this.error('DUPLICATE_CONSUMER', this.position(), `group ${group} has two consumers ${quoted(name)}`)
  }

  override consumerPending(id: StreamId): void {
    this.#own(id, 'a consumer has')
  }

  override nacked(id: StreamId): void {
    this.#completePending()
    this.#own(id, 'the list of refused entries has')
  }

  #own(id: StreamId, who: string): void {
    const answer = this.#pending.own(id)
    if (answer === 'once') return
    const at = this.position() - STREAM_ID_BYTES
    const group = quoted(this.#group)
    if (answer === 'unknown') {
      this.error('PENDING_UNKNOWN', at, `${who} ${id}, which group ${group} has no pending entry for`)
    } else {
      this.error('PENDING_TWICE', at, `${who} ${id}, which somebody else in group ${group} has as well`)
    }
  }

  #completePending(): void {
    if (this.#pendingComplete) return
    this.#pendingComplete = true
    const pending = this.#pending
    const twice = pending.complete()
    if (pending.sorted && !pending.tooMany) return
    const group = quoted(this.#group)
    if (twice > 0) this.error('DUPLICATE_PENDING', this.#groupOffset, `group ${group} lists ${twice} pending IDs twice`)
    else if (!pending.sorted)
      this.warning('PENDING_ORDER', this.#groupOffset, `pending IDs of group ${group} do not ascend`)
    if (pending.tooMany) {
      const text = `group ${group} has ${pending.count} pending entries: their number is checked, not each owner`
      this.warning('PENDING_MANY', this.#groupOffset, text)
    }
  }

  /** All consumers of a group have been shown. */
  #endGroup(): void {
    if (this.#groups.count === 0) return
    this.#completePending()
    const unowned = this.#pending.unowned()
    if (unowned > 0) {
      const text = `${unowned} pending entries of group ${quoted(this.#group)} belong to no consumer`
      this.error('PENDING_UNOWNED', this.#groupOffset, text)
    }
    this.#pending.clear()
  }

  override producer(name: Uint8Array): void {
    if (this.#producers.add(name)) return
    this.error('DUPLICATE_PRODUCER', this.position(), `there are two producers ${quoted(name)}`)
  }

  protected override whole(): void {
    this.#endGroup()
  }
}

/** Lent no longer: names that may be kept. Most groups have few consumers, most streams few groups. */
class DistinctNames {
  readonly #few: Uint8Array[] = []
  readonly #many = new Set<string>()

  get count(): number {
    return this.#few.length
  }

  clear(): void {
    this.#few.length = 0
    if (this.#many.size > 0) this.#many.clear()
  }

  /** False where the name is there already. */
  add(name: Uint8Array): boolean {
    for (const one of this.#few) if (Buffer.compare(one, name) === 0) return false
    if (this.#few.length < FEW) {
      this.#few.push(name)
      return true
    }
    const {size} = this.#many
    this.#many.add(Buffer.from(name.buffer, name.byteOffset, name.length).toString('latin1'))
    return this.#many.size > size
  }
}

function quoted(name: Uint8Array): string {
  return JSON.stringify(Buffer.from(name).toString('utf8'))
}
