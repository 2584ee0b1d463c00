/**
 * Numbers in an order that is given by how two of them compare: blocks of some
 * hundreds, so that putting one in moves few, and a rank is found by adding up
 * a few counts.
 */

/** A block that has more is parted. */
const BLOCK_MAX = 512
/** The first block is made for so many, as most sets have no more; it grows by doubling. */
const BLOCK_MIN = 128
/** Neighbours that have no more together become one. */
const JOINED_MAX = 128

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
      const count = Math.min(half, numbers.length - from)
      const block = {numbers: new Int32Array(count < BLOCK_MIN ? BLOCK_MIN : BLOCK_MAX), count}
      block.numbers.set(numbers.subarray(from, from + count))
      this.#blocks.push(block)
    }
  }

  insert(number: number, compare: CompareTo): void {
    this.size++
    if (this.#blocks.length === 0) this.#blocks.push({numbers: new Int32Array(BLOCK_MIN), count: 0})
    const at = Math.min(this.#blockOf(compare), this.#blocks.length - 1)
    const block = this.#blocks[at]!
    const place = placeIn(block, compare)
    if (block.count === block.numbers.length) widen(block)
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
    block.count--
    this.#join(at)
  }

  /** Removes all of ranks from … to, the last included, and tells each of them before. */
  removeRanks(from: number, to: number, tell: (number: number) => void): void {
    const first = this.#seek(from)
    let place = this.#place
    let at = first
    let left = to - from + 1
    this.size -= left
    while (left > 0) {
      const block = this.#blocks[at]!
      const taken = Math.min(left, block.count - place)
      for (let i = place; i < place + taken; i++) tell(block.numbers[i]!)
      block.numbers.copyWithin(place, place + taken, block.count)
      block.count -= taken
      left -= taken
      place = 0
      at++
    }
    this.#forgetEmpty(first, at)
  }

  /** Of blocks from … to, the last not included, those in the middle may be empty. */
  #forgetEmpty(from: number, to: number): void {
    const blocks = this.#blocks
    let start = from
    let end = to
    if (start < end && blocks[start]!.count > 0) start++
    if (start < end && blocks[end - 1]!.count > 0) end--
    if (start < end) blocks.splice(start, end - start)
    if (from < blocks.length) this.#join(from)
  }

  /** How many stand before what is looked for. */
  rank(compare: CompareTo): number {
    const at = this.#blockOf(compare)
    let rank = 0
    for (let i = 0; i < at; i++) rank += this.#blocks[i]!.count
    return at < this.#blocks.length ? rank + placeIn(this.#blocks[at]!, compare) : rank
  }

  /** Tells the numbers of ranks from … to, the last included, until one is answered with false. */
  range(from: number, to: number, take: (number: number) => unknown): void {
    let at = this.#seek(from)
    let place = this.#place
    for (let left = to - from + 1; left > 0; left--) {
      const block = this.#blocks[at]!
      if (take(block.numbers[place]!) === false) return
      if (++place === block.count) {
        at++
        place = 0
      }
    }
  }

  /** What the numbers name has closed up: each becomes how many there are below it. */
  closeUp(): void {
    let limit = 0
    for (const {numbers, count} of this.#blocks) {
      for (let i = 0; i < count; i++) if (numbers[i]! >= limit) limit = numbers[i]! + 1
    }
    const becomes = new Int32Array(limit)
    for (const {numbers, count} of this.#blocks) for (let i = 0; i < count; i++) becomes[numbers[i]!] = 1
    let below = 0
    for (let number = 0; number < limit; number++) {
      const there = becomes[number]!
      becomes[number] = below
      below += there
    }
    for (const {numbers, count} of this.#blocks) for (let i = 0; i < count; i++) numbers[i] = becomes[numbers[i]!]!
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

  /** Where in its block a rank is that was sought last. */
  #place = 0

  /** The block of a rank, from the nearer end. */
  #seek(rank: number): number {
    const blocks = this.#blocks
    let at: number
    let place: number
    if (rank < this.size >>> 1) {
      at = 0
      place = rank
      for (; at < blocks.length && place >= blocks[at]!.count; at++) place -= blocks[at]!.count
    } else {
      at = blocks.length
      place = rank - this.size
      while (place < 0) place += blocks[--at]!.count
    }
    this.#place = place
    return at
  }

  #part(at: number): void {
    const block = this.#blocks[at]!
    const half = block.count >>> 1
    const tail = {numbers: new Int32Array(BLOCK_MAX), count: block.count - half}
    tail.numbers.set(block.numbers.subarray(half, block.count))
    block.count = half
    this.#blocks.splice(at + 1, 0, tail)
  }

  /** After a removal: a block with few goes to the one before it or behind it. */
  #join(at: number): void {
    const blocks = this.#blocks
    const {count} = blocks[at]!
    if (count === 0) blocks.splice(at, 1)
    else if (count > JOINED_MAX / 2) return
    else if (at + 1 < blocks.length && count + blocks[at + 1]!.count <= JOINED_MAX) this.#joinNext(at)
    else if (at > 0 && count + blocks[at - 1]!.count <= JOINED_MAX) this.#joinNext(at - 1)
  }

  #joinNext(at: number): void {
    const block = this.#blocks[at]!
    const next = this.#blocks[at + 1]!
    // Every block has room for so many.
    block.numbers.set(next.numbers.subarray(0, next.count), block.count)
    block.count += next.count
    this.#blocks.splice(at + 1, 1)
  }
}

function widen(block: Block): void {
  const wider = new Int32Array(block.numbers.length * 2)
  wider.set(block.numbers)
  block.numbers = wider
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
