/**
 * A consumer group of a stream in memory.
 *
 *   pending   member   <ID: 16 bytes>
 *             payload  <delivered at, ms: 2 x u32> <deliveries: 2 x u32> <consumer: u32>       numbers with their low half first
 */
import {type Halves, type Int64, readUint32le, signedInt64, splitInt64, unsignedInt64} from '../bytes/int64.js'
import {STREAM_ID_BYTES, StreamId} from '../encoding/stream-id.js'
import type {ValueVisitor} from '../keyspace/visitor.js'
import type {Arena} from './arena.js'
import {Members} from './members.js'
import {bytesOf, textOf} from './name.js'

const DELIVERIES = 8
const OWNER = 16
const PAYLOAD_BYTES = 20
/** Of what is pending with no consumer (redis 8.8 XNACK). */
export const NOBODY = 0xffff_ffff
export const ENTRIES_READ_UNKNOWN = -1

const halves: Halves = {high: 0, low: 0}
const key = new Uint8Array(STREAM_ID_BYTES)

export interface Consumer {
  name: Uint8Array
  seenAtMs: Int64
  /** -1: never active; undefined where the log is of commands alone, which say nothing of it. */
  activeAtMs: Int64 | undefined
  /** The times are those of the replay. */
  derived: boolean
  pending: number
}

/** What is known of a pending entry. */
export interface Pending {
  deliveredAtMs: Int64
  deliveries: Int64
  /** Number of the consumer, or NOBODY. */
  owner: number
}

export class ResidentGroup {
  readonly lastId = new StreamId()
  entriesRead: Int64 = ENTRIES_READ_UNKNOWN
  readonly #pending: Members
  /** By number; a gap where one was deleted. */
  readonly #consumers: (Consumer | undefined)[] = []
  readonly #numbers = new Map<string, number>()
  /** Numbers of consumers that were deleted. */
  readonly #free: number[] = []
  /** What was released, by its ID, in the order in which it was. */
  readonly #released = new Set<string>()

  constructor(
    readonly arena: Arena,
    readonly name: Uint8Array,
  ) {
    this.#pending = new Members(arena)
  }

  /** The number of a consumer; -1 where there is none of that name, as text (name.ts). */
  find(name: string): number {
    return this.#numbers.get(name) ?? -1
  }

  /** The number of a consumer that is made as a snapshot has it. */
  make(name: Uint8Array, seenAtMs: Int64, activeAtMs?: Int64): number {
    return this.#make({name, seenAtMs, activeAtMs, derived: false, pending: 0})
  }

  /** The number of a consumer that a command names: it is made where there is none, as a server does that loads the log. */
  sees(name: Uint8Array, nowMs: Int64): number {
    const found = this.find(textOf(name))
    if (found < 0) return this.#make({name, seenAtMs: nowMs, activeAtMs: undefined, derived: true, pending: 0})
    Object.assign(this.consumer(found), {seenAtMs: nowMs, derived: true})
    return found
  }

  #make(consumer: Consumer): number {
    const number = this.#free.pop() ?? this.#consumers.length
    this.#consumers[number] = consumer
    this.#numbers.set(textOf(consumer.name), number)
    return number
  }

  /** A consumer has been given something. */
  wakes(number: number, nowMs: Int64): void {
    const consumer = this.consumer(number)
    if (consumer.activeAtMs !== undefined) consumer.activeAtMs = nowMs
  }

  consumer(number: number): Consumer {
    return this.#consumers[number]!
  }

  /** Deletes a consumer with all that is pending with it. */
  delete(number: number): void {
    const ids: StreamId[] = []
    this.#each((id, {owner}) => {
      if (owner === number) ids.push(id.copy())
    })
    for (const id of ids) this.acknowledge(id)
    this.#numbers.delete(textOf(this.#consumers[number]!.name))
    this.#consumers[number] = undefined
    this.#free.push(number)
  }

  /** Undefined where the entry is not pending. */
  pending(id: StreamId): Pending | undefined {
    id.writeBE(key, 0)
    return this.#pending.find(key, 0, STREAM_ID_BYTES) < 0 ? undefined : this.#read()
  }

  /** An entry is pending with a consumer, whoever had it before. */
  put(id: StreamId, {deliveredAtMs, deliveries, owner}: Pending): void {
    id.writeBE(key, 0)
    const members = this.#pending
    if (members.find(key, 0, STREAM_ID_BYTES) < 0) members.add(key, 0, STREAM_ID_BYTES, PAYLOAD_BYTES)
    else this.#disown(this.#read().owner)
    const {bytes, end} = members.at
    splitInt64(deliveredAtMs, halves)
    putHalves(bytes, end)
    splitInt64(deliveries, halves)
    putHalves(bytes, end + DELIVERIES)
    putWord(bytes, end + OWNER, owner)
    if (owner !== NOBODY) this.#consumers[owner]!.pending++
  }

  /** An entry is not pending any more; false where it was not. */
  acknowledge(id: StreamId): boolean {
    id.writeBE(key, 0)
    const handle = this.#pending.find(key, 0, STREAM_ID_BYTES)
    if (handle < 0) return false
    this.#disown(this.#read().owner)
    this.#pending.remove(handle)
    return true
  }

  /** An entry is pending with nobody from now on (redis 8.8). */
  release(id: StreamId, deliveries: Int64): void {
    this.put(id, {deliveredAtMs: 0, deliveries, owner: NOBODY})
    this.released(id)
  }

  /** The entry is the last of those that were released. */
  released(id: StreamId): void {
    id.writeBE(key, 0)
    this.#released.add(textOf(key))
  }

  /** The entry of `key` leaves its owner. */
  #disown(owner: number): void {
    if (owner !== NOBODY) this.#consumers[owner]!.pending--
    else if (this.#released.size > 0) this.#released.delete(textOf(key))
  }

  #read(): Pending {
    const {bytes, end} = this.#pending.at
    return {
      deliveredAtMs: signedInt64(readUint32le(bytes, end + 4) | 0, readUint32le(bytes, end)),
      deliveries: unsignedInt64(readUint32le(bytes, end + DELIVERIES + 4), readUint32le(bytes, end + DELIVERIES)),
      owner: readUint32le(bytes, end + OWNER),
    }
  }

  #each(take: (id: StreamId, pending: Pending) => void): void {
    const members = this.#pending
    const id = new StreamId()
    for (let handle = members.first(); handle >= 0; handle = members.next(handle)) {
      id.readBE(members.at.bytes, members.at.start)
      take(id, this.#read())
    }
  }

  /** IDs of all that is pending, ascending, from one on. */
  ids(from?: StreamId): StreamId[] {
    const found: StreamId[] = []
    this.#each(id => {
      if (from === undefined || id.compare(from) >= 0) found.push(id.copy())
    })
    return found.sort((one, other) => one.compare(other))
  }

  show(visitor: ValueVisitor): void {
    const {name, lastId, entriesRead} = this
    const ids = this.ids()
    visitor.group({name, lastId, entriesRead, pendingCount: ids.length})
    const owned = new Map<number, StreamId[]>()
    for (const id of ids) {
      const {deliveredAtMs, deliveries, owner} = this.pending(id)!
      visitor.pending(id, deliveredAtMs, deliveries)
      const own = owned.get(owner)
      if (own === undefined) owned.set(owner, [id])
      else own.push(id)
    }
    const numbers = [...this.#numbers.values()].sort((one, other) =>
      Buffer.compare(this.consumer(one).name, this.consumer(other).name),
    )
    for (const number of numbers) {
      const {pending, ...consumer} = this.consumer(number)
      visitor.consumer({...consumer, pendingCount: pending})
      for (const id of owned.get(number) ?? []) visitor.consumerPending(id)
    }
    for (const text of this.#released) visitor.nacked(idOf(text))
  }

  copy(): ResidentGroup {
    const copy = new ResidentGroup(this.arena, this.name)
    copy.lastId.set(this.lastId)
    copy.entriesRead = this.entriesRead
    const numbers = new Map<number, number>([[NOBODY, NOBODY]])
    for (const number of this.#numbers.values()) {
      numbers.set(number, copy.#make({...this.consumer(number), pending: 0}))
    }
    this.#each((id, pending) => copy.put(id, {...pending, owner: numbers.get(pending.owner)!}))
    for (const text of this.#released) copy.released(idOf(text))
    return copy
  }

  move(): void {
    this.#pending.move()
  }

  dispose(): void {
    this.#pending.clear()
  }
}

function idOf(text: string): StreamId {
  const id = new StreamId()
  id.readBE(bytesOf(text), 0)
  return id
}

function putWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word
  bytes[at + 1] = word >>> 8
  bytes[at + 2] = word >>> 16
  bytes[at + 3] = word >>> 24
}

function putHalves(bytes: Uint8Array, at: number): void {
  putWord(bytes, at, halves.low)
  putWord(bytes, at + 4, halves.high)
}
