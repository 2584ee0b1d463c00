/**
 * When keys expire, how long they have not been used, and how often they are.
 * All of it merges exactly: the answers depend on what was counted, not on the
 * order, nor on how it was split.
 */
import type {Int64} from '../bytes/int64.js'
import {NEVER} from '../keyspace/entry.js'
import {type KeySum, KeySums, type KeySumsState} from './key-sums.js'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** The buckets of time left, in order; each ends where the next begins. */
export const TTL_BUCKETS = ['expired', '<1m', '<1h', '<1d', '<7d', '<30d', '<1y', '>=1y', 'none'] as const
export type TtlBucket = (typeof TTL_BUCKETS)[number]
const TTL_ENDS_MS = [0, MINUTE_MS, HOUR_MS, DAY_MS, 7 * DAY_MS, 30 * DAY_MS, 365 * DAY_MS]

const IDLE_ENDS_SECONDS = [60, 3600, 86_400, 7 * 86_400, 30 * 86_400, 365 * 86_400]
export const IDLE_BUCKETS = ['<1m', '<1h', '<1d', '<7d', '<30d', '<1y', '>=1y'] as const
export type IdleBucket = (typeof IDLE_BUCKETS)[number]

export interface BucketCount<Name extends string> extends KeySum {
  bucket: Name
}

/** Keys and their bytes by how much time they have left at a given moment. */
export class TtlHistogram {
  readonly sums = new KeySums(TTL_BUCKETS.length)

  constructor(readonly nowMs: number) {}

  /** `expireAtMs` is NEVER for a key without expiry. */
  add(expireAtMs: Int64, rdbBytes: number, memoryBytes: number): void {
    const expires = expireAtMs !== NEVER
    const at = expires ? bucketOf(Number(expireAtMs) - this.nowMs, TTL_ENDS_MS) : TTL_BUCKETS.length - 1
    this.sums.add(at, expires, rdbBytes, memoryBytes)
  }

  merge({sums}: {sums: KeySumsState}): void {
    this.sums.merge(sums)
  }

  result(): BucketCount<TtlBucket>[] {
    return TTL_BUCKETS.map((bucket, at) => ({bucket, ...this.sums.of(at)}))
  }
}

/** Keys and their bytes by the time since they were last used, where the file tells it. */
export class IdleHistogram {
  readonly sums = new KeySums(IDLE_BUCKETS.length)

  add(idleSeconds: number, expires: boolean, rdbBytes: number, memoryBytes: number): void {
    this.sums.add(bucketOf(idleSeconds, IDLE_ENDS_SECONDS), expires, rdbBytes, memoryBytes)
  }

  merge({sums}: {sums: KeySumsState}): void {
    this.sums.merge(sums)
  }

  get count(): number {
    return this.sums.keys
  }

  result(): BucketCount<IdleBucket>[] {
    return IDLE_BUCKETS.map((bucket, at) => ({bucket, ...this.sums.of(at)}))
  }
}

/** Keys by their logarithmic access counter, where the file tells it. */
export class FrequencyHistogram {
  /** By counter, 0 to 255. */
  readonly sums = new KeySums(256)

  add(frequency: number, expires: boolean, rdbBytes: number, memoryBytes: number): void {
    this.sums.add(frequency & 0xff, expires, rdbBytes, memoryBytes)
  }

  merge({sums}: {sums: KeySumsState}): void {
    this.sums.merge(sums)
  }

  get count(): number {
    return this.sums.keys
  }

  /** The counters that some key has, ascending. */
  result(): FrequencyCount[] {
    return [...this.sums.held()].map(({group, ...sum}) => ({frequency: group, ...sum}))
  }
}

export interface FrequencyCount extends KeySum {
  frequency: number
}

/** The index of the first end that a value lies before; the number of ends where it lies before none. */
function bucketOf(value: number, ends: readonly number[]): number {
  let at = ends.length
  while (at > 0 && value < ends[at - 1]!) at--
  return at
}

/** Widths that moments are counted in: minutes while few differ, then ever wider. */
const WIDTHS_MS = [MINUTE_MS, HOUR_MS, DAY_MS, 32 * DAY_MS, 1024 * DAY_MS, 2 ** 15 * DAY_MS, 2 ** 20 * DAY_MS]
/** Different moments remembered: more than the minutes of a month. */
const MOMENTS_MAX = 50_000
const SLOTS_MIN = 256
/** Moments that lie side by side, as a power of two: what fits into a line of the cache. */
const PAGE_BITS = 2
const EMPTY = -1

/** A span of time, and what expires within it. */
export interface ExpiryWindow {
  fromMs: number
  toMs: number
  keys: number
  /** Of all keys that were added. */
  share: number
}

/** What is counted; also what arrives when one is posted from another thread. */
export interface ExpiryMomentsState {
  readonly level: number
  readonly total: number
  readonly slots: Float64Array
}

/**
 * How many keys expire in each minute, to tell whether everything expires at
 * once. Where more than MOMENTS_MAX minutes differ all of it is counted by hours, and
 * so on: that depends only on the set of minutes.
 *
 *   slots   (moment, keys)*    open addressing; moments in widths since 1970, EMPTY where free
 *
 * Neighbours in time are neighbours in the table, a few of them: so what is
 * counted stays in the cache. Where they lie, no file can know.
 */
export class ExpiryMoments implements ExpiryMomentsState {
  /** Index of the width in use. */
  level = 0
  /** Keys added. */
  total = 0
  slots = new Float64Array(2 * SLOTS_MIN).fill(EMPTY)
  #used = 0
  #width = WIDTHS_MS[0]!
  readonly #seed = crypto.getRandomValues(new Int32Array(1))[0]! | 1
  /** The key before often expires in the same minute. */
  #last = 0

  constructor(readonly momentsMax = MOMENTS_MAX) {}

  /** Adds a key that expires then; a time before 1970 is taken as 1970. */
  add(expireAtMs: Int64): void {
    this.total++
    // By way of the minute: so the moment of a time is the same, at whatever width it was counted first.
    const minute = Math.max(0, Math.floor(Number(expireAtMs) / MINUTE_MS))
    const moment = this.level === 0 ? minute : Math.floor(minute / (this.#width / MINUTE_MS))
    if (this.slots[this.#last] !== moment) this.#last = this.#slotOf(moment)
    if (this.slots[this.#last] === moment) this.slots[this.#last + 1]!++
    else this.#begin(moment, 1)
  }

  merge(other: ExpiryMomentsState): void {
    while (this.level < other.level) this.#widen()
    const otherWidth = WIDTHS_MS[other.level]!
    for (const {moment, keys} of momentsIn(other.slots)) {
      // The width may grow on the way.
      const own = Math.floor(moment / (this.#width / otherWidth))
      const slot = this.#slotOf(own)
      if (this.slots[slot] === own) this.slots[slot + 1]! += keys
      else this.#begin(own, keys)
    }
    this.total += other.total
  }

  /**
   * The span of that length in which most keys expire; the earliest, where several do. It is as long as
   * moments are counted apart where that is longer. Undefined where nothing expires.
   */
  densest(spanMs: number): ExpiryWindow | undefined {
    const counts = [...momentsIn(this.slots)].sort((a, b) => a.moment - b.moment)
    const span = Math.max(1, Math.round(spanMs / this.#width))
    let best = -1
    let most = 0
    for (let first = 0, end = 0, keys = 0; first < counts.length; keys -= counts[first++]!.keys) {
      const until = counts[first]!.moment + span
      while (end < counts.length && counts[end]!.moment < until) keys += counts[end++]!.keys
      if (keys > most) {
        most = keys
        best = counts[first]!.moment
      }
    }
    if (best < 0) return undefined
    return {fromMs: best * this.#width, toMs: (best + span) * this.#width, keys: most, share: most / this.total}
  }

  /** A moment that is not there yet. */
  #begin(moment: number, keys: number): void {
    this.#insert(moment, keys)
    if (this.#used > this.momentsMax && this.level < WIDTHS_MS.length - 1) this.#widen()
  }

  /** Where a moment is, or belongs. */
  #slotOf(moment: number): number {
    const {slots} = this
    const mask = slots.length - 2
    const low = moment | 0
    const page = Math.imul(low >> PAGE_BITS, this.#seed)
    let slot = ((((page ^ (page >>> 15)) << PAGE_BITS) | (low & (2 ** PAGE_BITS - 1))) << 1) & mask
    while (slots[slot] !== EMPTY && slots[slot] !== moment) slot = (slot + 2) & mask
    return slot
  }

  #widen(): void {
    const before = this.#width
    this.#width = WIDTHS_MS[++this.level]!
    this.#rebuild(SLOTS_MIN, this.#width / before)
    if (this.#used > this.momentsMax && this.level < WIDTHS_MS.length - 1) this.#widen()
  }

  /** Begins a table of that many slots with what the present one has, each moment divided by `ratio`. */
  #rebuild(slots: number, ratio: number): void {
    const before = this.slots
    this.slots = new Float64Array(2 * slots).fill(EMPTY)
    this.#used = 0
    this.#last = 0
    for (const {moment, keys} of momentsIn(before)) this.#insert(Math.floor(moment / ratio), keys)
  }

  #insert(moment: number, keys: number): void {
    const slot = this.#slotOf(moment)
    if (this.slots[slot] === moment) {
      this.slots[slot + 1]! += keys
      return
    }
    this.slots[slot] = moment
    this.slots[slot + 1] = keys
    if (++this.#used * 4 > this.slots.length) this.#rebuild(this.slots.length, 1)
  }
}

function* momentsIn(slots: Float64Array): Generator<{moment: number; keys: number}> {
  for (let slot = 0; slot < slots.length; slot += 2) {
    if (slots[slot] !== EMPTY) yield {moment: slots[slot]!, keys: slots[slot + 1]!}
  }
}
