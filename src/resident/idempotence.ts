/** What a stream knows of its producers: which entries they have made, so that none is made twice (redis 8.6). */
import {type Int64, sumInt64} from '../bytes/int64.js'
import type {StreamId} from '../encoding/stream-id.js'
import type {ValueVisitor} from '../keyspace/visitor.js'
import {bytesOf} from './name.js'

/** Of a server that is not told otherwise (stream-idmp-duration, stream-idmp-maxsize). */
const DURATION_SECONDS = 100
const ENTRIES_MAX = 100

/** Entries of a producer by the IDs that it gave them, the oldest first. Names and IDs are text (name.ts). */
type Made = Map<string, StreamId>

export class Idempotence {
  durationSeconds: Int64 = DURATION_SECONDS
  /** Of each producer. */
  entriesMax: Int64 = ENTRIES_MAX
  /** Of all times. */
  added: Int64 = 0
  duplicates: Int64 = 0
  readonly #producers = new Map<string, Made>()

  /** The entry that a producer has made under an ID. */
  find(producer: string, iid: string): StreamId | undefined {
    return this.#producers.get(producer)?.get(iid)
  }

  /** What a producer has made; made where there is no such producer. */
  producer(name: string): Made {
    let made = this.#producers.get(name)
    if (made === undefined) {
      made = new Map()
      this.#producers.set(name, made)
    }
    return made
  }

  /** A producer has made an entry: the oldest that it made are forgotten. */
  record(producer: string, iid: string, id: StreamId): void {
    const made = this.producer(producer)
    made.delete(iid)
    made.set(iid, id.copy())
    for (const oldest of made.keys()) {
      if (made.size <= this.entriesMax) break
      made.delete(oldest)
    }
  }

  /** Settings that change forget all that was made. */
  configure(durationSeconds: Int64, entriesMax: Int64): void {
    if (durationSeconds === this.durationSeconds && entriesMax === this.entriesMax) return
    this.durationSeconds = durationSeconds
    this.entriesMax = entriesMax
    this.#producers.clear()
  }

  countAdded(): void {
    this.added = sumInt64(this.added, 0, 1)
  }

  countDuplicate(): void {
    this.duplicates = sumInt64(this.duplicates, 0, 1)
  }

  show(visitor: ValueVisitor): void {
    const {durationSeconds, entriesMax, added, duplicates} = this
    visitor.idempotence({durationSeconds, entriesMax, producerCount: this.#producers.size})
    for (const [name, made] of [...this.#producers].sort(([one], [other]) => (one < other ? -1 : 1))) {
      visitor.producer(bytesOf(name), made.size)
      for (const [iid, id] of made) visitor.producerEntry(bytesOf(iid), id)
    }
    visitor.idempotenceCounters(added, duplicates)
  }

  copy(): Idempotence {
    const copy = new Idempotence()
    const {durationSeconds, entriesMax, added, duplicates} = this
    Object.assign(copy, {durationSeconds, entriesMax, added, duplicates})
    // IDs are never changed once they are in.
    for (const [name, made] of this.#producers) copy.#producers.set(name, new Map(made))
    return copy
  }
}
