/**
 * How sizes, counts and times are spread: a fixed logarithmic histogram. Its
 * buckets are the same in every instance, so that sums of two are exact, in
 * whatever order and however split the values came.
 *
 *   0 … 127             a bucket each: exact
 *   128 … 2^53 - 1      64 buckets to every power of two
 *
 * A bucket is answered by its middle: at most 1/128 from any value in it.
 */

const EXACT_END = 128
/** Buckets to a power of two, as a shift. */
const STEP_BITS = 6
const BUCKETS = EXACT_END + (53 - 7) * 64
/** What lies above 31 bits is divided by this first: shifts work on 32 bits. */
const WIDE_BITS = 24
const VALUE_MAX = Number.MAX_SAFE_INTEGER

/** What a histogram holds; also what arrives when one is posted from another thread. */
export interface HistogramState {
  readonly counts: Float64Array
  readonly min: number
  readonly max: number
}

export interface HistogramBucket {
  /** The least and the greatest integer that fall into it. */
  from: number
  to: number
  count: number
}

export class Histogram implements HistogramState {
  readonly counts = new Float64Array(BUCKETS)
  /** Exact; Infinity where nothing was added. */
  min = Number.POSITIVE_INFINITY
  /** Exact; -Infinity where nothing was added. */
  max = Number.NEGATIVE_INFINITY

  /** Adds a whole number of 0 and more; what exceeds 2^53 - 1 is counted as that. */
  add(value: number): void {
    const bounded = value < 0 ? 0 : Math.min(value, VALUE_MAX)
    this.counts[bounded < EXACT_END ? bounded | 0 : bucketOf(bounded)]!++
    if (bounded < this.min) this.min = bounded
    if (bounded > this.max) this.max = bounded
  }

  /** Adds everything another has counted. */
  merge(other: HistogramState): void {
    for (let i = 0; i < BUCKETS; i++) this.counts[i]! += other.counts[i]!
    this.min = Math.min(this.min, other.min)
    this.max = Math.max(this.max, other.max)
  }

  /** Values added. */
  get count(): number {
    return this.counts.reduce((sum, count) => sum + count, 0)
  }

  /**
   * The value that `percent` of all values do not exceed (nearest rank), within
   * 1 %; 0 and 100 are the least and the greatest, exactly. 0 where nothing was added.
   */
  percentile(percent: number): number {
    const {count} = this
    if (count === 0) return 0
    if (percent <= 0) return this.min
    if (percent >= 100) return this.max
    let left = Math.max(1, Math.ceil((percent / 100) * count))
    let bucket = 0
    for (; bucket < BUCKETS - 1; bucket++) {
      left -= this.counts[bucket]!
      if (left <= 0) break
    }
    const middle = Math.floor((bucketFrom(bucket) + bucketFrom(bucket + 1) - 1) / 2)
    return Math.min(Math.max(middle, this.min), this.max)
  }

  /** The buckets that hold something, ascending. */
  *buckets(): Generator<HistogramBucket> {
    for (let i = 0; i < BUCKETS; i++) {
      const count = this.counts[i]!
      if (count > 0) yield {from: bucketFrom(i), to: bucketFrom(i + 1) - 1, count}
    }
  }
}

/** The bucket of a value of EXACT_END and more. */
function bucketOf(value: number): number {
  if (value < 2 ** 31) {
    const shift = 31 - STEP_BITS - Math.clz32(value)
    return (shift << STEP_BITS) + (value >>> shift)
  }
  const high = Math.floor(value / 2 ** WIDE_BITS)
  const shift = 31 - STEP_BITS - Math.clz32(high)
  return ((shift + WIDE_BITS) << STEP_BITS) + (high >>> shift)
}

/** The least value of a bucket. */
function bucketFrom(bucket: number): number {
  if (bucket < EXACT_END) return bucket
  const shift = (bucket >> STEP_BITS) - 1
  return (bucket - (shift << STEP_BITS)) * 2 ** shift
}
