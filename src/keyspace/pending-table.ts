/**
 * The pending entries of one consumer group, joined with their owners: a
 * snapshot tells first what is pending, then consumer by consumer whose it is.
 *
 *   row   id: 4 x u32 | delivered at: 2 x u32 | deliveries: 2 x u32 | owner: u32
 *
 * 36 bytes a row; a file stores at least 25 for each, so memory stays in proportion to it.
 */
import {type Halves, type Int64, signedInt64, splitInt64, unsignedInt64} from '../bytes/int64.js'
import {StreamId} from '../encoding/stream-id.js'

const ROW = 9
const AT = 4
const DELIVERIES = 6
const OWNER = 8
/** The owner of an entry that no consumer has claimed. */
export const NOBODY = 0xffff_ffff

export class PendingTable {
  count = 0
  #rows = new Uint32Array(ROW * 64)
  readonly #id = new StreamId()
  readonly #halves: Halves = {high: 0, low: 0}

  clear(): void {
    this.count = 0
  }

  add(id: StreamId, deliveredAtMs: Int64, deliveries: Int64, owner = NOBODY): void {
    const filled = this.count * ROW
    if (filled === this.#rows.length) {
      const grown = new Uint32Array(filled * 2)
      grown.set(this.#rows)
      this.#rows = grown
    }
    this.set(this.count++, id, deliveredAtMs, deliveries, owner)
  }

  /** Writes a row anew. */
  set(row: number, id: StreamId, deliveredAtMs: Int64, deliveries: Int64, owner: number): void {
    const at = row * ROW
    const rows = this.#rows
    rows[at] = id.msHigh
    rows[at + 1] = id.msLow
    rows[at + 2] = id.seqHigh
    rows[at + 3] = id.seqLow
    const halves = this.#halves
    splitInt64(deliveredAtMs, halves)
    rows[at + AT] = halves.high
    rows[at + AT + 1] = halves.low
    splitInt64(deliveries, halves)
    rows[at + DELIVERIES] = halves.high
    rows[at + DELIVERIES + 1] = halves.low
    rows[at + OWNER] = owner
  }

  /** The row of an ID, of rows in ascending order; -1 where there is none. */
  find(id: StreamId): number {
    let low = 0
    let high = this.count - 1
    while (low <= high) {
      const middle = (low + high) >> 1
      const order = this.id(middle).compare(id)
      if (order === 0) return middle
      if (order < 0) low = middle + 1
      else high = middle - 1
    }
    return -1
  }

  /** Lent: overwritten by the next call. */
  id(row: number): StreamId {
    const rows = this.#rows
    const at = row * ROW
    const id = this.#id
    id.msHigh = rows[at]!
    id.msLow = rows[at + 1]!
    id.seqHigh = rows[at + 2]!
    id.seqLow = rows[at + 3]!
    return id
  }

  deliveredAtMs(row: number): Int64 {
    const at = row * ROW + AT
    return signedInt64(this.#rows[at]! | 0, this.#rows[at + 1]!)
  }

  deliveries(row: number): Int64 {
    const at = row * ROW + DELIVERIES
    return unsignedInt64(this.#rows[at]!, this.#rows[at + 1]!)
  }

  owner(row: number): number {
    return this.#rows[row * ROW + OWNER]!
  }

  own(row: number, owner: number): void {
    this.#rows[row * ROW + OWNER] = owner
  }
}
