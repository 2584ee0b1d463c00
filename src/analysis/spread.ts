/**
 * How the keys of a snapshot are spread: over sizes, element counts, times of
 * expiry and of last use, and prefixes. What an inventory tells beyond its sums,
 * for those who ask: it costs some ten to fifty nanoseconds a key.
 */
import {isUtf8} from 'node:buffer'
import {SLOT_COUNT, slotOf} from '../bytes/crc16.js'
import type {LentBytes} from '../bytes/lent.js'
import {type Entry, isCollection, NEVER} from '../keyspace/entry.js'
import {
  type BucketCount,
  ExpiryMoments,
  type ExpiryWindow,
  type FrequencyCount,
  FrequencyHistogram,
  type IdleBucket,
  IdleHistogram,
  type TtlBucket,
  TtlHistogram,
} from './expiry.js'
import {Histogram} from './histogram.js'
import {type KeySum, KeySums} from './key-sums.js'
import {type PrefixCount, type PrefixOptions, PrefixTree} from './prefixes.js'
import {type SizeClass, SizeClasses} from './size-classes.js'
import {WindowWords} from './window-words.js'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
/** The percentiles that are told. */
export const PERCENTS = [50, 90, 99, 99.9, 100] as const

export interface SpreadOptions {
  nowMs: number
  /** How many prefixes to tell. */
  top: number
  /** Count by slot of a cluster too. */
  slots?: boolean | undefined
  prefixes: Partial<PrefixOptions>
}

export interface Percentile {
  percent: number
  value: number
}

export interface Spread {
  /** Bytes of the keys' records in the file. */
  rdbBytes: Percentile[]
  /** Of the estimated memory; empty where nobody asked. */
  memoryBytes: Percentile[]
  /** Elements of whatever is not a string or a module. */
  elements: Percentile[]
  ttl: BucketCount<TtlBucket>[]
  /** The hour in which most keys expire; undefined where none does. */
  densestHour: ExpiryWindow | undefined
  /** The minute; undefined too where expiries differ so much that minutes are not counted apart. */
  densestMinute: ExpiryWindow | undefined
  /** Empty where the file tells no idle times (maxmemory-policy is not LRU). */
  idle: BucketCount<IdleBucket>[]
  /** Empty where the file tells no frequencies (maxmemory-policy is not LFU). */
  frequency: FrequencyCount[]
  sizes: SizeClass[]
  prefixes: PrefixCount[]
  /** Those whose keys without an expiry take most, most first. */
  persistentPrefixes: PrefixCount[]
  /** Those that have keys, ascending; undefined where nobody asked. */
  slots: SlotSum[] | undefined
  /** Keys that are not UTF-8. */
  binaryKeys: number
}

export interface SlotSum extends KeySum {
  slot: number
}

export class KeySpread {
  readonly #rdbBytes = new Histogram()
  readonly #memoryBytes = new Histogram()
  readonly #elements = new Histogram()
  readonly #ttl: TtlHistogram
  readonly #moments = new ExpiryMoments()
  readonly #idle = new IdleHistogram()
  readonly #frequency = new FrequencyHistogram()
  readonly #sizes = new SizeClasses()
  readonly #prefixes: PrefixTree
  readonly #slots: KeySums | undefined
  readonly #words = new WindowWords()
  #binaryKeys = 0

  constructor(readonly options: SpreadOptions) {
    this.#ttl = new TtlHistogram(options.nowMs)
    this.#prefixes = new PrefixTree(options.prefixes)
    if (options.slots === true) this.#slots = new KeySums(SLOT_COUNT)
  }

  /** Counts a key whose value has been read; `rdbBytes` are those of its record, `memoryBytes` 0 where nobody asked. */
  add(entry: Entry, rdbBytes: number, memoryBytes: number): void {
    const expiring = entry.expireAtMs !== NEVER
    this.#rdbBytes.add(rdbBytes)
    if (memoryBytes > 0) this.#memoryBytes.add(memoryBytes)
    if (isCollection(entry.type)) this.#elements.add(entry.elements)
    this.#ttl.add(entry.expireAtMs, rdbBytes, memoryBytes)
    this.#sizes.add(expiring, rdbBytes, memoryBytes)
    if (expiring) this.#moments.add(entry.expireAtMs)
    if (entry.idleSeconds >= 0) this.#idle.add(entry.idleSeconds, expiring, rdbBytes, memoryBytes)
    if (entry.frequency >= 0) this.#frequency.add(entry.frequency, expiring, rdbBytes, memoryBytes)
    if (isBinary(entry.keyBytes, this.#words)) this.#binaryKeys++
    const {bytes, start, end} = entry.keyBytes
    this.#prefixes.add(bytes, start, end, expiring, rdbBytes, memoryBytes)
    if (this.#slots !== undefined) this.#slots.add(slotOf(bytes, start, end), expiring, rdbBytes, memoryBytes)
  }

  /** Every prefix, in no particular order. */
  prefixes(): Iterable<PrefixCount> {
    return this.#prefixes.prefixes()
  }

  /** The so many prefixes that take most; and how many there are in all. */
  largestPrefixes(size: number): {prefixes: PrefixCount[]; inAll: number} {
    return {prefixes: this.#prefixes.top(size, this.#measure), inAll: this.#prefixes.count()}
  }

  get separator(): Uint8Array {
    return this.#prefixes.options.separator
  }

  /** What prefixes are ranked by. */
  get #measure(): 'memoryBytes' | 'rdbBytes' {
    return this.#memoryBytes.count > 0 ? 'memoryBytes' : 'rdbBytes'
  }

  /** Adds everything another spread of the same options has counted. */
  merge(other: KeySpread): void {
    this.#rdbBytes.merge(other.#rdbBytes)
    this.#memoryBytes.merge(other.#memoryBytes)
    this.#elements.merge(other.#elements)
    this.#ttl.merge(other.#ttl)
    this.#moments.merge(other.#moments)
    this.#idle.merge(other.#idle)
    this.#frequency.merge(other.#frequency)
    this.#sizes.merge(other.#sizes)
    this.#prefixes.merge(other.#prefixes)
    if (this.#slots !== undefined && other.#slots !== undefined) this.#slots.merge(other.#slots)
    this.#binaryKeys += other.#binaryKeys
  }

  result(): Spread {
    const {top} = this.options
    return {
      rdbBytes: percentiles(this.#rdbBytes),
      memoryBytes: percentiles(this.#memoryBytes),
      elements: percentiles(this.#elements),
      ttl: this.#ttl.result(),
      densestHour: this.#moments.densest(HOUR_MS),
      densestMinute: this.#densestMinute(),
      idle: this.#idle.count > 0 ? this.#idle.result() : [],
      frequency: this.#frequency.count > 0 ? this.#frequency.result() : [],
      sizes: this.#sizes.result(),
      prefixes: this.#prefixes.top(top, this.#measure),
      persistentPrefixes: this.#prefixes.top(top, 'persistentBytes').filter(({keys, expiring}) => keys > expiring),
      slots: this.#slots === undefined ? undefined : [...this.#slots.held()].map(slotSum),
      binaryKeys: this.#binaryKeys,
    }
  }

  #densestMinute(): ExpiryWindow | undefined {
    const minute = this.#moments.densest(MINUTE_MS)
    return minute !== undefined && minute.toMs - minute.fromMs === MINUTE_MS ? minute : undefined
  }
}

function slotSum({group, ...sum}: KeySum & {group: number}): SlotSum {
  return {slot: group, ...sum}
}

function percentiles(histogram: Histogram): Percentile[] {
  if (histogram.count === 0) return []
  return PERCENTS.map(percent => ({percent, value: histogram.percentile(percent)}))
}

/** Most keys are ASCII: only the others are looked at twice. */
function isBinary({bytes, start, end}: LentBytes, words: WindowWords): boolean {
  const view = words.of(bytes)
  let high = 0
  let at = start
  for (const last = end - 4; at <= last; at += 4) high |= view.getInt32(at, true)
  for (; at < end; at++) high |= bytes[at]!
  return (high & 0x8080_8080) !== 0 && !isUtf8(bytes.subarray(start, end))
}
