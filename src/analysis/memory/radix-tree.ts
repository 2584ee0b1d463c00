/**
 * What a radix tree takes (redis 7.0 rax.c), from its keys in order: stream nodes, pending entries, groups and consumers
 * are kept in one.
 *
 *   node       4 bytes of flags, its characters, padding to 8, a pointer for each child, and one for its value
 *   branch     two children or more: a character for each
 *   chain      characters that no key leaves, all in one node with one child
 *   leaf       no characters: the end of a key
 *
 * Whatever the order of insertions was, a tree that nothing was removed from has the same nodes: a branch where keys
 * part, a node where one ends, and a chain between two of those that are more than a character apart.
 */
import {STREAM_ID_BYTES, type StreamId} from '../../encoding/stream-id.js'
import {allocated} from './jemalloc.js'

const HEAD = 4
const POINTER = 8
/** Above the root: what it leads to needs no character. */
const ABOVE = -1

export class RadixTree {
  /** Keys so far. */
  keys = 0
  /** Nodes that are finished, and their bytes as allocated. */
  #nodes = 0
  #bytes = 0
  /** The key before, and how many of its bytes there are. */
  #last: Uint8Array = new Uint8Array(STREAM_ID_BYTES)
  #length = 0
  /** The nodes on the way to the end of the last key: how deep each is, its children, whether a key ends there. */
  readonly #depths: number[] = []
  readonly #children: number[] = []
  readonly #ends: boolean[] = []
  #deepest = -1
  /** The ID before. */
  #msHigh = 0
  #msLow = 0
  #seqHigh = 0
  #seqLow = 0

  clear(): void {
    this.keys = this.#nodes = this.#bytes = this.#length = 0
    this.#deepest = -1
  }

  /** An ID, as its tree has it: two big-endian integers. IDs come in order; a tree has nothing but IDs, or none. */
  addId({msHigh, msLow, seqHigh, seqLow}: StreamId): void {
    let shared = 0
    if (msHigh !== this.#msHigh) shared = Math.clz32(msHigh ^ this.#msHigh) >> 3
    else if (msLow !== this.#msLow) shared = 4 + (Math.clz32(msLow ^ this.#msLow) >> 3)
    else if (seqHigh !== this.#seqHigh) shared = 8 + (Math.clz32(seqHigh ^ this.#seqHigh) >> 3)
    else shared = 12 + (Math.clz32(seqLow ^ this.#seqLow) >> 3)
    this.#msHigh = msHigh
    this.#msLow = msLow
    this.#seqHigh = seqHigh
    this.#seqLow = seqLow
    if (this.keys++ > 0) this.#part(shared)
    this.#push(STREAM_ID_BYTES, 0, true)
  }

  /** A key greater than those before. */
  add(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start
    const shared = this.#sharedWith(bytes, start, length)
    if (this.keys++ > 0) this.#part(shared)
    this.#push(length, 0, true)
    if (this.#last.length < length) this.#last = grown(this.#last, length)
    const last = this.#last
    // Names are short: a view of one costs more than a loop.
    for (let i = shared; i < length; i++) last[i] = bytes[start + i]!
    this.#length = length
  }

  /** All of it: how many nodes, and their bytes as allocated. The tree can go on growing. */
  size(): {nodes: number; bytes: number} {
    if (this.keys === 0) return {nodes: 1, bytes: allocated(nodeBytes(0, 0, false))}
    const [nodes, bytes] = [this.#nodes, this.#bytes]
    for (let i = this.#deepest; i >= 0; i--)
      this.#finish(i, i === 0 ? ABOVE : this.#depths[i - 1]!, this.#isBranch(i - 1))
    const whole = {nodes: this.#nodes, bytes: this.#bytes}
    this.#nodes = nodes
    this.#bytes = bytes
    return whole
  }

  /** How many characters the last key and this one begin with together. */
  #sharedWith(bytes: Uint8Array, start: number, length: number): number {
    const last = this.#last
    const most = Math.min(this.#length, length)
    let shared = 0
    while (shared < most && last[shared] === bytes[start + shared]) shared++
    return shared
  }

  /** The next key leaves the way of the last at this depth. */
  #part(depth: number): void {
    const depths = this.#depths
    let leaving = 0
    while (this.#deepest >= 0 && depths[this.#deepest]! > depth) {
      const above = this.#deepest - 1
      if (above >= 0 && depths[above]! >= depth) {
        const branch = depths[above] === depth || this.#isBranch(above)
        this.#finish(this.#deepest, depths[above]!, branch)
      } else {
        this.#finish(this.#deepest, depth, true)
        leaving = 1
      }
      this.#deepest--
    }
    if (leaving > 0) this.#push(depth, 1, false)
    this.#children[this.#deepest]!++
  }

  #push(depth: number, children: number, ends: boolean): void {
    const at = ++this.#deepest
    this.#depths[at] = depth
    this.#children[at] = children
    this.#ends[at] = ends
  }

  #isBranch(at: number): boolean {
    return at < 0 || this.#children[at]! > 1
  }

  /** A node that gets no more children, below one at depth `above`. */
  #finish(at: number, above: number, belowBranch: boolean): void {
    const depth = this.#depths[at]!
    const children = this.#children[at]!
    const ends = this.#ends[at]!
    // One child: its characters are those up to it, and it was counted with them.
    if (children !== 1) this.#count(children, children, ends)
    if (belowBranch) {
      if (depth > above + 1) this.#count(depth - above - 1, 1, false)
    } else {
      this.#count(depth - above, 1, true)
    }
  }

  #count(characters: number, children: number, value: boolean): void {
    this.#nodes++
    this.#bytes += allocated(nodeBytes(characters, children, value))
  }
}

function nodeBytes(characters: number, children: number, value: boolean): number {
  return ((HEAD + characters + 7) & ~7) + POINTER * (children + (value ? 1 : 0))
}

function grown(bytes: Uint8Array, length: number): Uint8Array {
  const larger = new Uint8Array(2 * length)
  larger.set(bytes)
  return larger
}
