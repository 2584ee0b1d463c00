/**
 * A sorted set in memory. A member's payload is its score. Few members stand in
 * their order; of many the order is made when the first command asks for it,
 * and kept from then on.
 *
 *   payload   <score: f64>
 */
import {compareBytes} from '../bytes/compare.js'
import type {ValueVisitor} from '../keyspace/visitor.js'
import type {Arena} from './arena.js'
import {RecordPlace} from './byte-table.js'
import {Members} from './members.js'
import type {OneBlock} from './one-block.js'
import {RankOrder} from './rank-order.js'

const SCORE_BYTES = 8
/** What a server packs, unless told otherwise. */
const PACKED_MEMBERS_MAX = 128
const PACKED_MEMBER_BYTES_MAX = 64
/** Of so many members none is told in an order: nobody packs them, and sorting takes longer than the rest. */
const SHOWN_UNORDERED_MIN = 10_000

// Of the array that a score was read from last: most stand in one chunk.
let viewedBytes: Uint8Array = new Uint8Array(SCORE_BYTES)
let view: DataView = new DataView(viewedBytes.buffer)

function viewOf(bytes: Uint8Array): DataView {
  if (bytes !== viewedBytes) {
    viewedBytes = bytes
    view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }
  return view
}

/** Takes a member, lent; false ends the walk. */
export type TakeScored = (bytes: Uint8Array, start: number, end: number, score: number) => unknown

export class SortedSetValue implements OneBlock {
  readonly type = 'zset'
  readonly #members: Members
  #order: RankOrder | undefined
  /** Of the members when the order was made: with another, handles are others. */
  #era = -1
  readonly #place = new RecordPlace()
  /** A server does not pack this, or did not once. */
  #unpacked: boolean

  /** One that a server makes of others it does not pack before it is complete: `settle` is called then. */
  constructor(
    readonly arena: Arena,
    isResult = false,
    block = 0,
  ) {
    this.#members = new Members(arena, block)
    this.#unpacked = isResult
  }

  static of(arena: Arena, block: number, flags: number): SortedSetValue {
    return new SortedSetValue(arena, flags !== 0, block)
  }

  toBlock(): number {
    return this.#members.block
  }

  get flags(): number {
    return this.#unpacked ? 1 : 0
  }

  /** A result is complete: a server packs it where it is small. */
  settle(): void {
    if (this.size > PACKED_MEMBERS_MAX) return
    const {at} = this.#members
    let small = true
    this.each((_bytes, start, end) => {
      small = end - start <= PACKED_MEMBER_BYTES_MAX
      return small
    })
    if (!small) return
    this.#unpacked = false
    this.each((_bytes, _start, _end, score) => {
      if (score === 0) this.#putScore(at, 0)
    })
  }

  get size(): number {
    return this.#members.size
  }

  /** The score of a member; undefined where it is not there. */
  score(bytes: Uint8Array, start: number, end: number): number | undefined {
    return this.#members.find(bytes, start, end) < 0 ? undefined : this.#scoreAt(this.#members.at)
  }

  /** Gives a member its score; true where it was not there. */
  set(bytes: Uint8Array, start: number, end: number, given: number): boolean {
    const members = this.#members
    const handle = members.find(bytes, start, end)
    if (handle < 0 && (end - start > PACKED_MEMBER_BYTES_MAX || this.size >= PACKED_MEMBERS_MAX)) this.#unpacked = true
    // Packed, minus zero is the integer zero (redis 7.0 and valkey 9.1 alike).
    const score = given === 0 && !this.#unpacked ? 0 : given
    if (handle < 0) {
      this.#add(bytes, start, end, score)
      return true
    }
    const before = this.#scoreAt(members.at)
    // Both zeros are one score: the one that is there stays.
    if (before === score) return false
    if (members.packed) {
      // It may be lent from what is about to move.
      const member = bytes.slice(start, end)
      members.remove(handle)
      this.#add(member, 0, member.length, score)
    } else {
      this.#reorder(handle, bytes, start, end, before, score)
    }
    return false
  }

  #reorder(handle: number, bytes: Uint8Array, start: number, end: number, before: number, score: number): void {
    const order = this.#kept()
    order?.remove(this.#comparing(before, bytes, start, end))
    this.#members.look(handle)
    this.#putScore(this.#members.at, score)
    order?.insert(handle, this.#comparing(score, bytes, start, end))
  }

  #add(bytes: Uint8Array, start: number, end: number, score: number): void {
    const members = this.#members
    const order = this.#kept()
    const handle = members.add(
      bytes,
      start,
      end,
      SCORE_BYTES,
      members.packed ? this.#placeOf(score, bytes, start, end) : -1,
    )
    this.#putScore(members.at, score)
    if (order === undefined) return
    if (members.era !== this.#era) {
      order.closeUp()
      this.#era = members.era
    }
    order.insert(handle, this.#comparing(score, bytes, start, end))
  }

  /** Where it stands among those that are packed: before which; -1 last. */
  #placeOf(score: number, bytes: Uint8Array, start: number, end: number): number {
    const members = this.#members
    const {at} = members
    for (let handle = members.first(); handle >= 0; handle = members.next(handle)) {
      const other = this.#scoreAt(at)
      if (other > score) return handle
      if (other === score && compareBytes(at.bytes, at.start, at.end, bytes, start, end) > 0) return handle
    }
    return -1
  }

  /** False where it is not there. */
  remove(bytes: Uint8Array, start: number, end: number): boolean {
    const handle = this.#members.find(bytes, start, end)
    if (handle < 0) return false
    this.#kept()?.remove(this.#comparing(this.#scoreAt(this.#members.at), bytes, start, end))
    this.#members.remove(handle)
    return true
  }

  /** Removes the members of ranks from … to, the last included. */
  removeRanks(from: number, to: number): void {
    if (from > to) return
    const members = this.#members
    if (!members.packed) {
      this.#ordered().removeRanks(from, to, handle => members.remove(handle))
      return
    }
    let handle = members.first()
    for (let rank = 0; rank < from; rank++) handle = members.next(handle)
    // What stands behind moves to the place of what is removed.
    for (let rank = from; rank <= to; rank++) members.remove(handle)
  }

  /** How many members have a lower score, or the same one too. */
  rankOfScore(score: number, inclusive: boolean): number {
    const {at} = this.#members
    return this.#rank(() => {
      const other = this.#scoreAt(at)
      return other < score || (inclusive && other === score) ? -1 : 1
    })
  }

  /** How many members are less as bytes, or equal: of members that all have one score. */
  rankOfBytes(bytes: Uint8Array, start: number, end: number, inclusive: boolean): number {
    const {at} = this.#members
    return this.#rank(() => {
      const order = compareBytes(at.bytes, at.start, at.end, bytes, start, end)
      return order < 0 || (inclusive && order === 0) ? -1 : 1
    })
  }

  /** How many stand before the place that a comparison of the member looked at finds. */
  #rank(compare: () => number): number {
    const members = this.#members
    if (!members.packed) {
      return this.#ordered().rank(handle => {
        members.look(handle)
        return compare()
      })
    }
    let rank = 0
    for (let handle = members.first(); handle >= 0 && compare() < 0; handle = members.next(handle)) rank++
    return rank
  }

  /** Members of ranks from … to, the last included, lent; nothing may be changed meanwhile. */
  range(from: number, to: number, take: TakeScored): void {
    const members = this.#members
    const {at} = members
    if (!members.packed) {
      this.#ordered().range(from, to, handle => {
        members.look(handle)
        return take(at.bytes, at.start, at.end, this.#scoreAt(at))
      })
      return
    }
    let rank = 0
    for (let handle = members.first(); handle >= 0 && rank <= to; handle = members.next(handle), rank++) {
      if (rank >= from && take(at.bytes, at.start, at.end, this.#scoreAt(at)) === false) return
    }
  }

  /** Every member, in no order that can be relied on, lent; nothing may be changed meanwhile. */
  each(take: TakeScored): void {
    const members = this.#members
    const {at} = members
    for (let handle = members.first(); handle >= 0; handle = members.next(handle)) {
      if (take(at.bytes, at.start, at.end, this.#scoreAt(at)) === false) return
    }
  }

  show(visitor: ValueVisitor): void {
    if (this.#members.packed || (this.#kept() === undefined && this.size > SHOWN_UNORDERED_MIN)) {
      this.each((bytes, start, end, score) => visitor.scored(bytes, start, end, score))
      return
    }
    this.range(0, this.size - 1, (bytes, start, end, score) => visitor.scored(bytes, start, end, score))
  }

  copy(): SortedSetValue {
    const copy = new SortedSetValue(this.arena)
    copy.#unpacked = this.#unpacked
    this.each((bytes, start, end, score) => {
      copy.set(bytes, start, end, score)
    })
    return copy
  }

  move(): void {
    this.#members.move()
  }

  dispose(): void {
    this.#members.clear()
    this.#order = undefined
  }

  /** The order, where one was made and still holds. */
  #kept(): RankOrder | undefined {
    if (this.#order !== undefined && this.#era !== this.#members.era) this.#order = undefined
    return this.#order
  }

  #ordered(): RankOrder {
    const kept = this.#kept()
    if (kept !== undefined) return kept
    const order = new RankOrder()
    order.fill(this.#sorted())
    this.#era = this.#members.era
    this.#order = order
    return order
  }

  #sorted(): Int32Array {
    const members = this.#members
    const handles = new Int32Array(this.size)
    const scores = new Float64Array(members.limit)
    let count = 0
    for (let handle = members.first(); handle >= 0; handle = members.next(handle)) {
      handles[count++] = handle
      scores[handle] = this.#scoreAt(members.at)
    }
    const {at} = members
    const other = this.#place
    return handles.sort((one, two) => {
      const difference = scores[one]! - scores[two]!
      // Of two infinities there is none.
      if (difference < 0 || difference > 0) return difference
      members.look(one)
      members.lookInto(two, other)
      return compareBytes(at.bytes, at.start, at.end, other.bytes, other.start, other.end)
    })
  }

  /** How a member stands to a score and bytes. */
  #comparing(score: number, bytes: Uint8Array, start: number, end: number): (handle: number) => number {
    const members = this.#members
    const place = this.#place
    return handle => {
      members.lookInto(handle, place)
      const own = this.#scoreAt(place)
      if (own !== score) return own < score ? -1 : 1
      return compareBytes(place.bytes, place.start, place.end, bytes, start, end)
    }
  }

  #scoreAt({bytes, end}: RecordPlace): number {
    return viewOf(bytes).getFloat64(end, true)
  }

  #putScore({bytes, end}: RecordPlace, score: number): void {
    viewOf(bytes).setFloat64(end, score, true)
  }
}
