/**
 * A list in memory: nodes of packed elements, each in a block of its own.
 *
 *   node   <bytes: u32> <elements: u32> (<bytes of the element> element)*
 *          (packed-length.ts)
 */
import type {ValueVisitor} from '../keyspace/visitor.js'
import {type Arena, HEAD_BYTES, placeOf} from './arena.js'
import {copyBytes} from './byte-table.js'
import type {OneBlock} from './one-block.js'
import {LENGTH_MORE, lengthBytes, lengthEnd, putLength, readLength} from './packed-length.js'
import {PackedNodes} from './packed-nodes.js'

const USED = HEAD_BYTES
const COUNT = HEAD_BYTES + 4
const DATA = HEAD_BYTES + 8
const NODE_HEAD_BYTES = 8
/** A node of more takes no further element, unless it has none. */
const NODE_BYTES_MAX = 4096
const NODE_ELEMENTS_MAX = 128
const NODE_BYTES_MIN = 60

/** Where an element lies. Lent: valid until the list is changed. */
export class ElementPlace {
  bytes: Uint8Array = new Uint8Array(0)
  start = 0
  end = 0
}

export class ListValue extends PackedNodes implements OneBlock {
  readonly type = 'list'
  readonly flags = 0
  /** What `look` and the pops met last. */
  readonly at = new ElementPlace()
  /** Where `#seek` came to: a node, and a place within its elements. */
  #node = 0
  #place = 0

  /** Of one node. */
  static of(arena: Arena, block: number): ListValue {
    const list = new ListValue(arena)
    list.nodes = [block]
    list.size = list.word(block, COUNT)
    return list
  }

  toBlock(): number {
    return this.nodes.length === 1 ? this.nodes[0]! : 0
  }

  pushTail(bytes: Uint8Array, start: number, end: number): void {
    const last = this.nodes.length - 1
    if (last < 0 || !this.#takes(this.nodes[last]!, end - start)) {
      this.nodes.push(this.#newNode(end - start))
      this.#put(last + 1, 0, bytes, start, end)
    } else {
      this.#put(last, this.word(this.nodes[last]!, USED), bytes, start, end)
    }
  }

  pushHead(bytes: Uint8Array, start: number, end: number): void {
    if (this.nodes.length === 0 || !this.#takes(this.nodes[0]!, end - start)) {
      this.nodes.unshift(this.#newNode(end - start))
    }
    this.#put(0, 0, bytes, start, end)
  }

  /** Sees where an element lies, counted from the head; false where there is none. */
  look(index: number): boolean {
    if (index < 0 || index >= this.size) return false
    this.#seek(index)
    this.#read(this.nodes[this.#node]!, this.#place)
    return true
  }

  set(index: number, bytes: Uint8Array, start: number, end: number): void {
    this.insert(index, bytes, start, end)
    this.remove(index + 1)
  }

  /** Puts an element before the one of an index, or last. */
  insert(index: number, bytes: Uint8Array, start: number, end: number): void {
    if (index >= this.size) this.pushTail(bytes, start, end)
    else if (index === 0) this.pushHead(bytes, start, end)
    else {
      this.#seek(index)
      if (!this.#takes(this.nodes[this.#node]!, end - start)) this.#split()
      this.#put(this.#node, this.#place, bytes, start, end)
    }
  }

  remove(index: number): void {
    this.#seek(index)
    const node = this.nodes[this.#node]!
    const next = this.#read(node, this.#place)
    const {bytes, words} = this.arena.chunk(node)
    const block = placeOf(node)
    const used = words[(block + USED) >>> 2]!
    const place = this.#place
    if (next < used) bytes.copyWithin(block + DATA + place, block + DATA + next, block + DATA + used)
    words[(block + USED) >>> 2] = used - (next - place)
    words[(block + COUNT) >>> 2]!--
    this.size--
    if (words[(block + COUNT) >>> 2] === 0) this.dropNodes(this.#node, 1)
  }

  /** Removes so many elements from the head. */
  dropHead(count: number): void {
    let left = Math.min(count, this.size)
    this.size -= left
    let whole = 0
    while (whole < this.nodes.length && left >= this.word(this.nodes[whole]!, COUNT)) {
      left -= this.word(this.nodes[whole++]!, COUNT)
    }
    if (whole > 0) this.dropNodes(0, whole)
    if (left === 0) return
    const node = this.nodes[0]!
    let place = 0
    for (let i = 0; i < left; i++) place = this.#read(node, place)
    const {bytes, words} = this.arena.chunk(node)
    const block = placeOf(node)
    const used = words[(block + USED) >>> 2]!
    bytes.copyWithin(block + DATA, block + DATA + place, block + DATA + used)
    words[(block + USED) >>> 2] = used - place
    words[(block + COUNT) >>> 2]! -= left
  }

  /** Removes so many elements from the tail. */
  dropTail(count: number): void {
    let left = Math.min(count, this.size)
    this.size -= left
    let kept = this.nodes.length
    while (kept > 0 && left >= this.word(this.nodes[kept - 1]!, COUNT)) left -= this.word(this.nodes[--kept]!, COUNT)
    if (kept < this.nodes.length) this.dropNodes(kept, this.nodes.length - kept)
    if (left === 0) return
    const node = this.nodes[kept - 1]!
    const elements = this.word(node, COUNT) - left
    let place = 0
    for (let i = 0; i < elements; i++) place = this.#read(node, place)
    const {words} = this.arena.chunk(node)
    words[(placeOf(node) + USED) >>> 2] = place
    words[(placeOf(node) + COUNT) >>> 2] = elements
  }

  /** Every element from the head on, lent, until `take` answers with false; nothing may be changed meanwhile. */
  each(take: (bytes: Uint8Array, start: number, end: number) => unknown): void {
    const {at} = this
    for (const node of this.nodes) {
      const used = this.word(node, USED)
      for (let place = 0; place < used; ) {
        place = this.#read(node, place)
        if (take(at.bytes, at.start, at.end) === false) return
      }
    }
  }

  /** Takes over what another has, which is not to be used any more. */
  become(other: ListValue): void {
    this.dispose()
    this.nodes = other.nodes
    this.size = other.size
  }

  show(visitor: ValueVisitor): void {
    this.each((bytes, start, end) => visitor.item(bytes, start, end))
  }

  copy(): ListValue {
    const copy = new ListValue(this.arena)
    this.each((bytes, start, end) => copy.pushTail(bytes, start, end))
    return copy
  }

  #takes(node: number, bytes: number): boolean {
    return this.word(node, USED) + bytes <= NODE_BYTES_MAX && this.word(node, COUNT) < NODE_ELEMENTS_MAX
  }

  #newNode(elementBytes: number): number {
    const size = NODE_HEAD_BYTES + lengthBytes(elementBytes) + elementBytes
    const node = this.arena.take(Math.max(size, NODE_BYTES_MIN))
    const {words} = this.arena.chunk(node)
    words[(placeOf(node) + USED) >>> 2] = 0
    words[(placeOf(node) + COUNT) >>> 2] = 0
    return node
  }

  /** Puts an element at a place of a node. */
  #put(nodeNumber: number, place: number, bytes: Uint8Array, start: number, end: number): void {
    const {arena} = this
    let node = this.nodes[nodeNumber]!
    const used = this.word(node, USED)
    const size = lengthBytes(end - start) + end - start
    const needed = NODE_HEAD_BYTES + used + size
    if (needed > arena.room(node)) {
      node = arena.grow(node, needed + (needed >>> 1), NODE_HEAD_BYTES + used)
      this.nodes[nodeNumber] = node
    }
    const chunk = arena.chunk(node)
    const block = placeOf(node)
    const at = block + DATA + place
    if (place < used) chunk.bytes.copyWithin(at + size, at, block + DATA + used)
    copyBytes(bytes, start, end, chunk.bytes, putLength(chunk.bytes, at, end - start))
    chunk.words[(block + USED) >>> 2] = used + size
    chunk.words[(block + COUNT) >>> 2]!++
    this.size++
  }

  /** Finds the node and the place of an index, from the nearer end. */
  #seek(index: number): void {
    let number: number
    let left = index
    if (index <= this.size >>> 1) {
      number = 0
      for (; left >= this.word(this.nodes[number]!, COUNT); number++) left -= this.word(this.nodes[number]!, COUNT)
    } else {
      number = this.nodes.length - 1
      let behind = this.size - index
      for (; behind > this.word(this.nodes[number]!, COUNT); number--) behind -= this.word(this.nodes[number]!, COUNT)
      left = this.word(this.nodes[number]!, COUNT) - behind
    }
    let place = 0
    for (let i = 0; i < left; i++) place = this.#read(this.nodes[number]!, place)
    this.#node = number
    this.#place = place
  }

  /** Sees where the element at a place of a node lies, and returns the place of the next. */
  #read(node: number, place: number): number {
    const {bytes} = this.arena.chunk(node)
    const data = placeOf(node) + DATA
    let p = data + place
    let length = bytes[p++]!
    if (length >= LENGTH_MORE) {
      length = readLength(bytes, p - 1)
      p = lengthEnd()
    }
    const {at} = this
    at.bytes = bytes
    at.start = p
    at.end = p + length
    return p + length - data
  }

  /** Parts a full node before an element; `#node` and `#place` are where one can be put then. */
  #split(): void {
    const node = this.nodes[this.#node]!
    const block = placeOf(node)
    const used = this.word(node, USED)
    const rest = used - this.#place
    const tail = this.#newNode(rest)
    const {bytes, words} = this.arena.chunk(node)
    const to = this.arena.chunk(tail)
    to.bytes.set(bytes.subarray(block + DATA + this.#place, block + DATA + used), placeOf(tail) + DATA)
    let before = 0
    for (let place = 0; place < this.#place; before++) place = this.#read(node, place)
    to.words[(placeOf(tail) + USED) >>> 2] = rest
    to.words[(placeOf(tail) + COUNT) >>> 2] = words[(block + COUNT) >>> 2]! - before
    words[(block + USED) >>> 2] = this.#place
    words[(block + COUNT) >>> 2] = before
    this.nodes.splice(this.#node + 1, 0, tail)
  }
}
