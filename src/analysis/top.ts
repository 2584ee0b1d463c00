/**
 * The N largest of any number of things, in memory for N: a heap whose root is
 * the smallest kept. Ties are broken by the caller's order, so that the answer
 * does not depend on the order in which things are seen.
 */
export class TopN<T> {
  readonly #heap: T[] = []

  /** `ranks(a, b)` is true where a belongs before b. */
  constructor(
    readonly size: number,
    readonly ranks: (a: T, b: T) => boolean,
  ) {}

  /** Whether a thing would be kept: ask before making it. */
  admits(candidate: T): boolean {
    if (this.size === 0) return false
    return this.#heap.length < this.size || this.ranks(candidate, this.#heap[0]!)
  }

  get full(): boolean {
    return this.#heap.length === this.size
  }

  /** The one that would go next. */
  get least(): T | undefined {
    return this.#heap[0]
  }

  add(candidate: T): void {
    if (!this.admits(candidate)) return
    if (this.#heap.length < this.size) {
      this.#heap.push(candidate)
      this.#rise(this.#heap.length - 1)
    } else {
      this.#heap[0] = candidate
      this.#sink(0)
    }
  }

  /** What is kept, first rank first. */
  sorted(): T[] {
    return [...this.#heap].sort((a, b) => (this.ranks(a, b) ? -1 : this.ranks(b, a) ? 1 : 0))
  }

  #rise(from: number): void {
    const heap = this.#heap
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >> 1
      if (!this.ranks(heap[parent]!, heap[at]!)) return
      this.#swap(at, parent)
      at = parent
    }
  }

  #sink(from: number): void {
    const heap = this.#heap
    for (let at = from; ; ) {
      let lowest = at
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < heap.length && this.ranks(heap[lowest]!, heap[child]!)) lowest = child
      }
      if (lowest === at) return
      this.#swap(at, lowest)
      at = lowest
    }
  }

  #swap(a: number, b: number): void {
    const heap = this.#heap
    const held = heap[a]!
    heap[a] = heap[b]!
    heap[b] = held
  }
}
