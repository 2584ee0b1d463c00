/** Random choices that are the same for the same seed, on every machine. */

export class Draw {
  #state: number

  constructor(readonly seed: number) {
    this.#state = seed | 0
  }

  /** An integer below n. */
  below(n: number): number {
    // mulberry32: enough for choosing, and short.
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % n
  }

  between(low: number, high: number): number {
    return low + this.below(high - low + 1)
  }

  /** True in so many of a hundred cases. */
  percent(n: number): boolean {
    return this.below(100) < n
  }

  pick<T>(all: readonly T[]): T {
    return all[this.below(all.length)]!
  }

  /** Each with its own chance. */
  some<T>(all: readonly T[], percent: number): T[] {
    return all.filter(() => this.percent(percent))
  }

  times<T>(low: number, high: number, make: () => T): T[] {
    return Array.from({length: this.between(low, high)}, make)
  }
}
