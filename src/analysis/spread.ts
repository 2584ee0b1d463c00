/**
 * How the keys of a snapshot are spread: over sizes, element counts, times of
 * expiry and of last use, and prefixes. What an inventory tells beyond its sums,
 * for those who ask: it costs some ten to fifty nanoseconds a key.
 */
import {type Entry, NEVER} from '../keyspace/entry.js'
import {
  type BucketCount,
  ExpiryMoments,
  type ExpiryWindow,
  FrequencyHistogram,
  type IdleBucket,
  IdleHistogram,
  type TtlBucket,
  TtlHistogram,
} from './expiry.js'
import {Histogram} from './histogram.js'
import {type PrefixCount, type PrefixOptions, PrefixTree} from './prefixes.js'

const HOUR_MS = 3_600_000
/** The percentiles that are told. */
export const PERCENTS = [50, 90, 99, 99.9, 100] as const

export interface SpreadOptions {
  nowMs: number
  /** How many prefixes to tell. */
  top: number
  prefixes: Partial<PrefixOptions>
}

export interface Percentile {
  percent: number
  value: number
}

export interface Spread {
  /** Bytes of the keys' records in the file. */
  rdbBytes: Percentile[]
  /** Elements of whatever is not a string or a module. */
  elements: Percentile[]
  ttl: BucketCount<TtlBucket>[]
  /** The hour in which most keys expire; undefined where none does. */
  densestHour: ExpiryWindow | undefined
  /** Empty where the file tells no idle times (maxmemory-policy is not LRU). */
  idle: BucketCount<IdleBucket>[]
  /** Empty where the file tells no frequencies (maxmemory-policy is not LFU). */
  frequency: {frequency: number; keys: number}[]
  prefixes: PrefixCount[]
}

export class KeySpread {
  readonly #rdbBytes = new Histogram()
  readonly #elements = new Histogram()
  readonly #ttl: TtlHistogram
  readonly #moments = new ExpiryMoments()
  readonly #idle = new IdleHistogram()
  readonly #frequency = new FrequencyHistogram()
  readonly #prefixes: PrefixTree

  constructor(readonly options: SpreadOptions) {
    this.#ttl = new TtlHistogram(options.nowMs)
    this.#prefixes = new PrefixTree(options.prefixes)
  }

  /** Counts a key whose value has been read; `rdbBytes` are those of its record. */
  add(entry: Entry, rdbBytes: number): void {
    const expiring = entry.expireAtMs !== NEVER
    this.#rdbBytes.add(rdbBytes)
    if (entry.type !== 'string' && entry.type !== 'module') this.#elements.add(entry.elements)
    this.#ttl.add(entry.expireAtMs, rdbBytes)
    if (expiring) this.#moments.add(entry.expireAtMs)
    if (entry.idleSeconds >= 0) this.#idle.add(entry.idleSeconds, rdbBytes)
    if (entry.frequency >= 0) this.#frequency.add(entry.frequency)
    const {bytes, start, end} = entry.keyBytes
    this.#prefixes.add(bytes, start, end, expiring, rdbBytes, 0)
  }

  /** Adds everything another spread of the same options has counted. */
  merge(other: KeySpread): void {
    this.#rdbBytes.merge(other.#rdbBytes)
    this.#elements.merge(other.#elements)
    this.#ttl.merge(other.#ttl)
    this.#moments.merge(other.#moments)
    this.#idle.merge(other.#idle)
    this.#frequency.merge(other.#frequency)
    this.#prefixes.merge(other.#prefixes)
  }

  result(): Spread {
    return {
      rdbBytes: percentiles(this.#rdbBytes),
      elements: percentiles(this.#elements),
      ttl: this.#ttl.result(),
      densestHour: this.#moments.densest(HOUR_MS),
      idle: this.#idle.count > 0 ? this.#idle.result() : [],
      frequency: this.#frequency.count > 0 ? this.#frequency.result() : [],
      prefixes: this.#prefixes.top(this.options.top, 'rdbBytes'),
    }
  }
}

function percentiles(histogram: Histogram): Percentile[] {
  if (histogram.count === 0) return []
  return PERCENTS.map(percent => ({percent, value: histogram.percentile(percent)}))
}
