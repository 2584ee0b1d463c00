/**
 * Keys that make up a large share of too many records: a hostile file repeats
 * one key a hundred million times, and no further digit would ever divide
 * them. They are found by sampling, gathered as they pass by, and not moved
 * again. Which keys these are is only a matter of speed: any others are
 * divided further, until they fit or are heavy among those that are left.
 */
import {Gathering, type GatheringRule} from './key-index-groups.js'
import type {Records} from './key-index-records.js'

/** Records looked at; a key seen `SEEN_MIN` times among them is heavy, so there are at most sixteen. */
export const SAMPLE_RECORDS = 64
const SEEN_MIN = 4

export class HeavyKeys {
  readonly #highs: number[] = []
  readonly #lows: number[] = []
  readonly gatherings: Gathering[] = []

  constructor(sample: Int32Array, width: number, rule: GatheringRule) {
    for (let at = 0; at < sample.length; at += width) {
      const high = sample[at]!
      const low = sample[at + 1]!
      if (this.#find(high, low) >= 0) continue
      let seen = 0
      for (let other = at; other < sample.length; other += width) {
        if (sample[other] === high && sample[other + 1] === low) seen++
      }
      if (seen < SEEN_MIN) continue
      this.#highs.push(high)
      this.#lows.push(low)
      this.gatherings.push(new Gathering(rule))
    }
  }

  /** Gathers the records of heavy keys and closes the gaps they leave. */
  takeFrom(records: Records): void {
    if (this.gatherings.length === 0) return
    const {words, used, width} = records
    let kept = 0
    for (let at = 0; at < used; at += width) {
      const heavy = this.#find(words[at]!, words[at + 1]!)
      if (heavy >= 0) {
        this.gatherings[heavy]!.add(words, at)
      } else {
        for (let i = 0; i < width; i++) words[kept + i] = words[at + i]!
        kept += width
      }
    }
    records.used = kept
  }

  #find(high: number, low: number): number {
    const lows = this.#lows
    for (let i = 0; i < lows.length; i++) {
      if (lows[i] === low && this.#highs[i] === high) return i
    }
    return -1
  }
}
