/**
 * Shows streams to another visitor with groups and consumers in the order of
 * their names, and pending entries in the order of their IDs. Entries have
 * their order already and are passed on as they come. Names are held, IDs are
 * kept where many of them go to a temporary file.
 *
 *   pending of a group      <ID: 16 bytes> <delivered: i64le> <deliveries: i64le>
 *   pending of a consumer   <ID: 16 bytes>
 */
import {compareBytes} from '../bytes/compare.js'
import {type Int64, readUint32le, signedInt64, splitInt64, unsignedInt64} from '../bytes/int64.js'
import {SpillBytes} from '../bytes/spill-bytes.js'
import {STREAM_ID_BYTES, StreamId} from '../encoding/stream-id.js'
import type {Entry} from './entry.js'
import {
  type StreamConsumer,
  type StreamGroup,
  type StreamIdempotence,
  type StreamInfo,
  ValueVisitor,
} from './visitor.js'

const PENDING_BYTES = STREAM_ID_BYTES + 16
/** IDs read back at a time. */
const WINDOW_IDS = 1024

/** IDs of one owner, one after another in the bytes kept. */
interface IdRun {
  start: number
  count: number
  ascending: boolean
}

interface OrderedConsumer {
  consumer: StreamConsumer
  pending: IdRun
}

interface OrderedGroup {
  group: StreamGroup
  pending: IdRun
  consumers: OrderedConsumer[]
  nacked: IdRun
}

export class OrderedStreamVisitor extends ValueVisitor {
  override readonly depth = 'elements'
  #groups: OrderedGroup[] = []
  #shown = false
  #inner!: ValueVisitor
  readonly #kept = new SpillBytes()
  readonly #last = new StreamId()
  readonly #halves = {high: 0, low: 0}
  readonly #id = new StreamId()
  #window = new Uint8Array(WINDOW_IDS * PENDING_BYTES)

  /** The visitor that the next stream is shown to. */
  showTo(inner: ValueVisitor): this {
    this.#inner = inner
    return this
  }

  override begin(entry: Entry, count: number | undefined): void {
    this.#groups = []
    this.#kept.reset()
    this.#shown = false
    this.#inner.begin(entry, count)
  }
  override streamEntry(id: StreamId, fieldCount: number): void {
    this.#inner.streamEntry(id, fieldCount)
  }
  override streamField(n: Uint8Array, ns: number, ne: number, v: Uint8Array, vs: number, ve: number): void {
    this.#inner.streamField(n, ns, ne, v, vs, ve)
  }
  override streamInfo(info: StreamInfo): void {
    this.#inner.streamInfo(info)
  }

  override group(group: StreamGroup): void {
    const [pending, nacked] = [this.#run(), this.#run()]
    this.#groups.push({group: {...group, name: group.name.slice()}, pending, consumers: [], nacked})
  }

  override pending(id: StreamId, deliveredAtMs: Int64, deliveries: Int64): void {
    this.#keep(this.#groups.at(-1)!.pending, id)
    for (const value of [deliveredAtMs, deliveries]) {
      splitInt64(value, this.#halves)
      this.#kept.out.i64le(this.#halves.high, this.#halves.low)
    }
    this.#kept.settle()
  }

  override consumer(consumer: StreamConsumer): void {
    const group = this.#groups.at(-1)!
    group.consumers.push({consumer: {...consumer, name: consumer.name.slice()}, pending: this.#run()})
  }

  override consumerPending(id: StreamId): void {
    this.#keep(this.#groups.at(-1)!.consumers.at(-1)!.pending, id)
    this.#kept.settle()
  }

  override nacked(id: StreamId): void {
    const run = this.#groups.at(-1)!.nacked
    if (run.count === 0) run.start = this.#kept.position
    this.#keep(run, id)
    this.#kept.settle()
  }

  override idempotence(settings: StreamIdempotence): void {
    this.#showGroups()
    this.#inner.idempotence(settings)
  }
  override producer(name: Uint8Array, count: number): void {
    this.#inner.producer(name, count)
  }
  override producerEntry(iid: Uint8Array, id: StreamId): void {
    this.#inner.producerEntry(iid, id)
  }
  override idempotenceCounters(added: Int64, duplicates: Int64): void {
    this.#inner.idempotenceCounters(added, duplicates)
  }

  override end(entry: Entry): void {
    this.#showGroups()
    this.#inner.end(entry)
  }

  /** Removes temporary files. */
  close(): void {
    this.#kept.close()
  }

  #run(): IdRun {
    return {start: this.#kept.position, count: 0, ascending: true}
  }

  #keep(run: IdRun, id: StreamId): void {
    if (run.count > 0 && this.#last.compare(id) > 0) run.ascending = false
    this.#last.set(id)
    run.count++
    const at = this.#kept.out.reserve(STREAM_ID_BYTES)
    id.writeBE(this.#kept.out.bytes, at)
  }

  #showGroups(): void {
    if (this.#shown) return
    this.#shown = true
    const inner = this.#inner
    const id = this.#id
    for (const {group, pending, consumers, nacked} of this.#groups.sort((a, b) => byName(a.group, b.group))) {
      inner.group(group)
      this.#each(pending, PENDING_BYTES, (bytes, at) => {
        id.readBE(bytes, at)
        const deliveredAtMs = signedInt64(readUint32le(bytes, at + 20) | 0, readUint32le(bytes, at + 16))
        inner.pending(id, deliveredAtMs, unsignedInt64(readUint32le(bytes, at + 28), readUint32le(bytes, at + 24)))
      })
      for (const {consumer, pending: owned} of consumers.sort((a, b) => byName(a.consumer, b.consumer))) {
        inner.consumer(consumer)
        this.#each(owned, STREAM_ID_BYTES, (bytes, at) => {
          id.readBE(bytes, at)
          inner.consumerPending(id)
        })
      }
      this.#each(nacked, STREAM_ID_BYTES, (bytes, at) => {
        id.readBE(bytes, at)
        inner.nacked(id)
      })
    }
    this.#groups = []
  }

  /** Shows each record of a run; one that is out of order, which no server writes, is read and sorted whole. */
  #each({start, count, ascending}: IdRun, bytesEach: number, show: (bytes: Uint8Array, at: number) => void): void {
    const perWindow = ascending ? WINDOW_IDS : count
    if (this.#window.length < perWindow * bytesEach) this.#window = new Uint8Array(perWindow * bytesEach)
    const bytes = this.#window
    for (let done = 0; done < count; done += perWindow) {
      const records = Math.min(perWindow, count - done)
      this.#kept.read(start + done * bytesEach, bytes, records * bytesEach)
      const places = Array.from({length: records}, (_, i) => i * bytesEach)
      if (!ascending) {
        places.sort((a, b) => compareBytes(bytes, a, a + STREAM_ID_BYTES, bytes, b, b + STREAM_ID_BYTES))
      }
      for (const at of places) show(bytes, at)
    }
  }
}

function byName({name: a}: {name: Uint8Array}, {name: b}: {name: Uint8Array}): number {
  return compareBytes(a, 0, a.length, b, 0, b.length)
}
