/**
 * The pending entries of one consumer group: each ID once, each owned once.
 *
 *   words   4 per ID: ms high, ms low, seq high, seq low; ascending as servers write them
 *   owned   1 per ID
 *
 * A group with more of them than are kept is checked by their number alone.
 */
import {compareHalves} from '../bytes/int64.js'
import type {StreamId} from '../encoding/stream-id.js'
import {limits} from '../limits.js'

const IDS_FIRST = 256
const WORDS = 4

export class PendingIds {
  /** IDs of the group, those that are not kept included. */
  count = 0
  /** How often an ID of the group was said to be somebody's. */
  owners = 0
  /** Every ID came after the one before it. */
  sorted = true
  #words = new Uint32Array(WORDS * IDS_FIRST)
  #owned = new Uint8Array(IDS_FIRST)

  /** More IDs than are kept. */
  get tooMany(): boolean {
    return this.count > limits.pendingMax
  }

  clear(): void {
    this.count = this.owners = 0
    this.sorted = true
    if (this.#owned.length > IDS_FIRST) {
      this.#words = new Uint32Array(WORDS * IDS_FIRST)
      this.#owned = new Uint8Array(IDS_FIRST)
    } else {
      this.#owned.fill(0)
    }
  }

  add(id: StreamId): void {
    const i = this.count++
    if (this.tooMany) return
    if (i === this.#owned.length) this.#grow()
    const words = this.#words
    words[WORDS * i] = id.msHigh
    words[WORDS * i + 1] = id.msLow
    words[WORDS * i + 2] = id.seqHigh
    words[WORDS * i + 3] = id.seqLow
    if (i > 0 && this.#compare(i - 1, id) >= 0) this.sorted = false
  }

  /** All IDs are here: sorts them where they were not. Returns how many stand there twice. */
  complete(): number {
    if (this.sorted || this.tooMany) return 0
    const {count} = this
    const order = Array.from({length: count}, (_, i) => i).sort((a, b) => this.#compareTwo(a, b))
    const words = new Uint32Array(WORDS * Math.max(count, IDS_FIRST))
    let twice = 0
    for (const [to, from] of order.entries()) {
      words.set(this.#words.subarray(WORDS * from, WORDS * (from + 1)), WORDS * to)
      if (to > 0 && this.#compareTwo(order[to - 1]!, from) === 0) twice++
    }
    this.#words = words
    this.#owned = new Uint8Array(Math.max(count, IDS_FIRST))
    return twice
  }

  /** Somebody owns the ID. */
  own(id: StreamId): 'once' | 'again' | 'unknown' {
    this.owners++
    if (this.tooMany) return 'once'
    const i = this.#find(id)
    if (i < 0) return 'unknown'
    if (this.#owned[i] === 1) return 'again'
    this.#owned[i] = 1
    return 'once'
  }

  /** IDs that nobody owns; of too many, the difference of the numbers. */
  unowned(): number {
    if (this.tooMany) return Math.max(this.count - this.owners, 0)
    let unowned = 0
    for (let i = 0; i < this.count; i++) if (this.#owned[i] === 0) unowned++
    return unowned
  }

  #find(id: StreamId): number {
    let low = 0
    let high = this.count - 1
    while (low <= high) {
      const middle = (low + high) >> 1
      const order = this.#compare(middle, id)
      if (order === 0) return middle
      if (order < 0) low = middle + 1
      else high = middle - 1
    }
    return -1
  }

  #compare(i: number, id: StreamId): number {
    const words = this.#words
    const at = WORDS * i
    const order = compareHalves(words[at]!, words[at + 1]!, id.msHigh, id.msLow)
    return order !== 0 ? order : compareHalves(words[at + 2]!, words[at + 3]!, id.seqHigh, id.seqLow)
  }

  #compareTwo(a: number, b: number): number {
    for (let k = 0; k < WORDS; k++) {
      const order = this.#words[WORDS * a + k]! - this.#words[WORDS * b + k]!
      if (order !== 0) return order
    }
    return 0
  }

  #grow(): void {
    const words = new Uint32Array(2 * this.#words.length)
    words.set(this.#words)
    this.#words = words
    const owned = new Uint8Array(2 * this.#owned.length)
    owned.set(this.#owned)
    this.#owned = owned
  }
}
