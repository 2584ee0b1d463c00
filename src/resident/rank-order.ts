/**
 * Numbers in an order that is given by how two of them compare: blocks of some
 * hundreds, so that putting one in moves few, and a rank is found by adding up
 * a few counts.
 */

/** A block that has more is parted. */
const BLOCK_MAX = 512

interface Block {
  numbers: Int32Array
  count: number
}

/** Below zero where the number stands before what is looked for, above where behind it. */
export type CompareTo = (number: number) => number

export class RankOrder {
  size = 0
  #blocks: Block[] = []

  /** Takes numbers that are in their order. */
  fill(numbers: Int32Array): void {
    const half = BLOCK_MAX / 2
    this.#blocks = []
    this.size = numbers.length
    for (let from = 0; from < numbers.length; from += half) {
      const block = {numbers: new Int32Array(BLOCK_MAX), count: Math.min(half, numbers.length - from)}
      block.numbers.set(numbers.subarray(from, from + block.count))
      this.#blocks.push(block)
    }
  }

  insert(number: number, compare: CompareTo): void {
    this.size++
    if (this.#blocks.length === 0) this.#blocks.push({numbers: new Int32Array(BLOCK_MAX), count: 0})
    const at = Math.min(this.#blockOf(compare), this.#blocks.length - 1)
    const block = this.#blocks[at]!
    const place = placeIn(block, compare)
    block.numbers.copyWithin(place + 1, place, block.count)
    block.numbers[place] = number
    if (++block.count === BLOCK_MAX) this.#part(at)
  }

  /** Removes the number that compares as equal. */
  remove(compare: CompareTo): void {
    const at = this.#blockOf(compare)
    const block = this.#blocks[at]!
    const place = placeIn(block, compare)
    this.size--
    block.numbers.copyWithin(place, place + 1, block.count)
    if (--block.count === 0) this.#blocks.splice(at, 1)
  }

  /** Removes all of ranks from … to, the last included. */
  removeRanks(from: number, to: number): void {
    let left = to - from + 1
    this.size -= left
    let [at, place] = this.#seek(from)
    while (left > 0) {
      const block = this.#blocks[at]!
      const taken = Math.min(left, block.count - place)
      block.numbers.copyWithin(place, place + taken, block.count)
      block.count -= taken
      left -= taken
      if (block.count === 0) this.#blocks.splice(at, 1)
      else at++
      place = 0
    }
  }

  /** How many stand before what is looked for. */
  rank(compare: CompareTo): number {
    const at = this.#blockOf(compare)
    let rank = 0
    for (let i = 0; i < at; i++) rank += this.#blocks[i]!.count
    return at < this.#blocks.length ? rank + placeIn(this.#blocks[at]!, compare) : rank
  }

  /** Numbers of ranks from … to, the last included. */
  *range(from: number, to: number): Generator<number> {
    let [at, place] = this.#seek(from)
    for (let left = to - from + 1; left > 0; left--) {
      const block = this.#blocks[at]!
      yield block.numbers[place]!
      if (++place === block.count) {
        at++
        place = 0
      }
    }
  }

  /** The first block whose last number does not stand before what is looked for; how many blocks there are, where none. */
  #blockOf(compare: CompareTo): number {
    let low = 0
    let high = this.#blocks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const {numbers, count} = this.#blocks[middle]!
      if (compare(numbers[count - 1]!) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  #seek(rank: number): [block: number, place: number] {
    let at = 0
    let left = rank
    for (; at < this.#blocks.length && left >= this.#blocks[at]!.count; at++) left -= this.#blocks[at]!.count
    return [at, left]
  }

  #part(at: number): void {
    const block = this.#blocks[at]!
    const half = block.count >>> 1
    const tail = {numbers: new Int32Array(BLOCK_MAX), count: block.count - half}
    tail.numbers.set(block.numbers.subarray(half, block.count))
    block.count = half
    this.#blocks.splice(at + 1, 0, tail)
  }
}

/** Where in a block what is looked for stands, or would. */
function placeIn({numbers, count}: Block, compare: CompareTo): number {
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compare(numbers[middle]!) < 0) low = middle + 1
    else high = middle
  }
  return low
}
