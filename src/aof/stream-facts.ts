/**
 * What decides whether commands carry a stream whole.
 */
import type {Int64} from '../bytes/int64.js'
import type {StreamId} from '../encoding/stream-id.js'
import type {Losses} from '../keyspace/entry-sink.js'
import {PendingTable} from '../keyspace/pending-table.js'
import {type StreamGroup, type StreamIdempotence, type StreamInfo, ValueVisitor} from '../keyspace/visitor.js'

/** Seconds and entries that a server sets where nobody says otherwise (redis 8.6). */
const IDEMPOTENCE_DEFAULT = 100

export class StreamFacts extends ValueVisitor {
  // Entries are not looked at: that is for those streams whose pending entries ask for it.
  override readonly depth = 'nodes'
  pendingCount = 0
  #version: 1 | 2 | 3 | 4 | 5 = 1
  /** The first of them are of the present stream; the others wait for a next. */
  readonly #tables: PendingTable[] = []
  #groups = 0
  #nodes = 0
  #nacked = 0
  #idempotent = false
  #ordered = true

  /** Another stream comes: what is known of the last is over. */
  prepare(version: 1 | 2 | 3 | 4 | 5): void {
    this.#version = version
    this.pendingCount = this.#groups = this.#nodes = this.#nacked = 0
    this.#idempotent = false
    this.#ordered = true
  }

  /** What is pending, group by group; lent until the next stream. */
  get groups(): readonly PendingTable[] {
    return this.#tables.slice(0, this.#groups)
  }

  /** But for what is pending and deleted. */
  get commandsCarry(): boolean {
    // The oldest form leaves to the server that loads it what commands would have to say.
    const untold = this.#version === 1 && (this.#nodes === 0 || this.#groups > 0)
    return this.#nacked === 0 && !this.#idempotent && this.#ordered && !untold
  }

  /** Counts what commands leave out. */
  tell(losses: Losses): void {
    if (this.#nacked > 0) losses.add('pending entries that no consumer owns', this.#nacked)
    if (this.#idempotent) losses.add('tables of idempotent producers')
  }

  override streamNode(): void {
    this.#nodes++
  }

  override streamInfo({lastId, maxDeletedId, length, entriesAdded}: StreamInfo): void {
    // XSETID refuses what no server would have written itself.
    const deletedLater = maxDeletedId !== undefined && maxDeletedId.compare(lastId) > 0
    this.#ordered = !deletedLater && (entriesAdded === undefined || entriesAdded >= length)
  }

  override group(_group: StreamGroup): void {
    const table = this.#tables[this.#groups] ?? new PendingTable()
    this.#tables[this.#groups++] = table
    table.clear()
  }

  override pending(id: StreamId): void {
    this.pendingCount++
    this.#tables[this.#groups - 1]!.add(id, 0, 0)
  }

  override nacked(): void {
    this.#nacked++
  }

  override idempotence({durationSeconds, entriesMax, producerCount}: StreamIdempotence): void {
    const set = durationSeconds !== IDEMPOTENCE_DEFAULT || entriesMax !== IDEMPOTENCE_DEFAULT
    if (set || producerCount > 0) this.#idempotent = true
  }

  override idempotenceCounters(added: Int64, duplicates: Int64): void {
    if (added !== 0 || duplicates !== 0) this.#idempotent = true
  }
}

/** Looks for the entries that are pending, and leaves marked those that are not there any more. */
export class PendingOfDeleted extends ValueVisitor {
  override readonly depth = 'elements'
  /** Of each group, the first row whose entry has not been passed. */
  readonly #next: number[]

  constructor(readonly groups: readonly PendingTable[]) {
    super()
    this.#next = groups.map(() => 0)
  }

  override streamEntry(id: StreamId): void {
    for (const [i, table] of this.groups.entries()) {
      let row = this.#next[i]!
      while (row < table.count) {
        const order = table.id(row).compare(id)
        if (order > 0) break
        if (order === 0) table.own(row, ENTRY_THERE)
        row++
      }
      this.#next[i] = row
    }
  }

  /** Pending entries of deleted messages. */
  count(): number {
    let count = 0
    for (const table of this.groups) for (let row = 0; row < table.count; row++) if (isDeleted(table, row)) count++
    return count
  }
}

/** The owner of a row whose entry was met. */
const ENTRY_THERE = 0

/** Whether the entry of a row was not met. */
export function isDeleted(table: PendingTable, row: number): boolean {
  return table.owner(row) !== ENTRY_THERE
}
