/**
 * A stream in the making: its entries are held with all other elements, what
 * its commands say of groups stands here.
 *
 *   entry   <element: "ms-seq"> <element: fields as text> (<element: field> <element: value>)*
 */
import type {Int64} from '../bytes/int64.js'
import {StreamId} from '../encoding/stream-id.js'
import {PendingTable} from '../keyspace/pending-table.js'
import type {ValueVisitor} from '../keyspace/visitor.js'
import type {Elements} from './created-key.js'

interface Consumer {
  name: Uint8Array
  /** When it was last given something; 0 where it has nothing. */
  activeAtMs: Int64
}

interface Group {
  name: Uint8Array
  lastId: StreamId
  entriesRead: Int64 | undefined
  readonly table: PendingTable
  readonly consumers: Consumer[]
  /** The row of each ID: a later claim takes an entry over. */
  readonly rows: Map<string, number>
}

export class CreatedStream {
  #lastId = new StreamId()
  #maxDeletedId: StreamId | undefined
  #entriesAdded: Int64 | undefined
  #groups: Group[] = []

  begin(): void {
    this.#lastId = new StreamId()
    this.#maxDeletedId = undefined
    this.#entriesAdded = undefined
    this.#groups = []
  }

  added(id: StreamId): boolean {
    if (id.compare(this.#lastId) <= 0) return false
    this.#lastId = id
    return true
  }

  setId(lastId: StreamId, entriesAdded: Int64 | undefined, maxDeletedId: StreamId | undefined): void {
    this.#lastId = lastId
    this.#entriesAdded = entriesAdded
    this.#maxDeletedId = maxDeletedId
  }

  get lastId(): StreamId {
    return this.#lastId.copy()
  }

  /** False where there is one of that name. */
  createGroup(name: Uint8Array, lastId: StreamId, entriesRead: Int64 | undefined): boolean {
    if (this.#group(name) !== undefined) return false
    this.#groups.push({name, lastId, entriesRead, table: new PendingTable(), consumers: [], rows: new Map()})
    return true
  }

  /** The number of a consumer, who is made where there is none; -1 where there is no such group. */
  consumer(group: Uint8Array, name: Uint8Array): number {
    const consumers = this.#group(group)?.consumers
    if (consumers === undefined) return -1
    const at = consumers.findIndex(one => Buffer.compare(one.name, name) === 0)
    return at >= 0 ? at : consumers.push({name, activeAtMs: 0}) - 1
  }

  claim(group: Uint8Array, consumer: number, id: StreamId, deliveredAtMs: Int64, deliveries: Int64): void {
    const {table, consumers, rows} = this.#group(group)!
    const text = id.toString()
    const row = rows.get(text)
    if (row === undefined) {
      rows.set(text, table.count)
      table.add(id, deliveredAtMs, deliveries, consumer)
    } else {
      table.set(row, id, deliveredAtMs, deliveries, consumer)
    }
    const owner = consumers[consumer]!
    if (deliveredAtMs > owner.activeAtMs) owner.activeAtMs = deliveredAtMs
  }

  #group(name: Uint8Array): Group | undefined {
    return this.#groups.find(one => Buffer.compare(one.name, name) === 0)
  }

  /** Shows everything; returns how many entries there are. */
  show(visitor: ValueVisitor, entries: () => Iterable<Elements>): number {
    const id = new StreamId()
    let count = 0
    const firstId = new StreamId()
    for (const at of entries()) {
      at.next()
      id.parseBytes(at.bytes, at.start, at.end)
      if (count++ === 0) firstId.set(id)
      at.next()
      const fields = Number(Buffer.from(at.bytes.subarray(at.start, at.end)).toString('latin1'))
      visitor.streamEntry(id, fields)
      for (let i = 0; i < fields; i++) {
        at.next()
        const {start, end} = at
        at.next()
        visitor.streamField(at.bytes, start, end, at.bytes, at.start, at.end)
      }
    }
    visitor.streamInfo({
      length: count,
      lastId: this.#lastId,
      // Logs of servers that do not know these (before redis 7.0) say nothing of them.
      firstId: this.#maxDeletedId === undefined ? undefined : firstId,
      maxDeletedId: this.#maxDeletedId,
      entriesAdded: this.#entriesAdded,
    })
    for (const group of this.#groups) showGroup(visitor, group)
    return count
  }
}

/** Claims come consumer by consumer, a group's pending entries in the order of their IDs. */
function showGroup(visitor: ValueVisitor, {name, lastId, entriesRead, table, consumers}: Group): void {
  const rows = Array.from({length: table.count}, (_, row) => row)
  const ids = rows.map(row => table.id(row).copy())
  rows.sort((a, b) => ids[a]!.compare(ids[b]!))
  visitor.group({name, lastId, entriesRead, pendingCount: table.count})
  for (const row of rows) visitor.pending(ids[row]!, table.deliveredAtMs(row), table.deliveries(row))
  const ownedBy: number[][] = consumers.map(() => [])
  for (const row of rows) ownedBy[table.owner(row)]!.push(row)
  for (const [i, {name: own, activeAtMs}] of consumers.entries()) {
    const owned = ownedBy[i]!
    const known = activeAtMs === 0 ? -1 : activeAtMs
    const times = {seenAtMs: activeAtMs, activeAtMs: known, derived: true}
    visitor.consumer({name: own, ...times, pendingCount: owned.length})
    for (const row of owned) visitor.consumerPending(ids[row]!)
  }
}
