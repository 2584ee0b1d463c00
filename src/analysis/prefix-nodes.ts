/**
 * The nodes of a prefix tree, in typed arrays: no object, no string and no Map
 * entry per prefix. A child is found by hash of its parent and its name.
 *
 *   slots   (hash, node + 1)*            open addressing, 0 is empty
 *   names   bytes of all names           freed ones are dropped when they are half of it
 *
 * Every field is public and plain, so that nodes can be posted to another thread.
 */

export const NONE = -1
export const ROOT = 0
/** What is summed per prefix: keys, expiring keys, bytes in the file, bytes in memory, bytes of keys that never expire. */
export const SUMS = 5

/** Children have subtrees of their own. */
export const SPLIT = 0
/** Children are told apart, what lies below them is not. */
export const SHARED = 1
/** Children are not told apart. */
export const FOLDED = 2

const NODES_MIN = 64
const NAMES_MIN = 1024
const GARBAGE_MIN = 64 * 1024
const HASH_START = 0x811c_9dc5 | 0
const HASH_PRIME = 0x0100_0193

/** Of a name: four bytes at a time as in FNV-1a, the rest of them with the length. */
export function hashName(bytes: Uint8Array, start: number, end: number): number {
  let hash = HASH_START ^ (end - start)
  let p = start
  for (const last = end - 3; p < last; p += 4) {
    const word = bytes[p]! | (bytes[p + 1]! << 8) | (bytes[p + 2]! << 16) | (bytes[p + 3]! << 24)
    hash = Math.imul(hash ^ word, HASH_PRIME)
    hash ^= hash >>> 15
  }
  for (; p < end; p++) hash = Math.imul(hash ^ bytes[p]!, HASH_PRIME)
  return hash
}

export type PrefixNodesState = Omit<
  PrefixNodes,
  'create' | 'createApart' | 'find' | 'findLike' | 'move' | 'free' | 'freeApart' | 'addSums'
>

export class PrefixNodes {
  parent = new Int32Array(NODES_MIN)
  /** Of the name alone. */
  hash = new Int32Array(NODES_MIN)
  nameAt = new Uint32Array(NODES_MIN)
  nameBytes = new Uint16Array(NODES_MIN)
  depth = new Uint8Array(NODES_MIN)
  state = new Uint8Array(NODES_MIN)
  /** The one subtree of all children, where these are shared or folded. */
  union = new Int32Array(NODES_MIN)
  /** How many children are told apart. */
  children = new Int32Array(NODES_MIN)
  /** The sum of the children's weights, where they are split. */
  below = new Float64Array(NODES_MIN)
  firstChild = new Int32Array(NODES_MIN)
  /** Of the same parent; of a free node the next free one. */
  nextSibling = new Int32Array(NODES_MIN)
  sums = new Float64Array(NODES_MIN * SUMS)
  names = new Uint8Array(NAMES_MIN)
  namesEnd = 0
  garbage = 0
  slots = new Int32Array(NODES_MIN * 4)
  used = 0
  keyed = 0
  freeNode = NONE

  constructor() {
    this.createApart(NONE, 0)
  }

  /** A child of that name. */
  create(parent: number, hash: number, bytes: Uint8Array, start: number, end: number): number {
    const node = this.createApart(parent, this.depth[parent]! + 1)
    this.hash[node] = hash
    const length = end - start
    if (this.namesEnd + length > this.names.length) this.#growNames(length)
    for (let i = 0; i < length; i++) this.names[this.namesEnd + i] = bytes[start + i]!
    this.nameAt[node] = this.namesEnd
    this.nameBytes[node] = length
    this.namesEnd += length
    this.#link(node, parent)
    return node
  }

  /** A node that nobody finds by name: the root, or the union of its parent's children. */
  createApart(parent: number, depth: number): number {
    let node = this.freeNode
    if (node === NONE) {
      if (this.used === this.parent.length) this.#growNodes()
      node = this.used++
    } else {
      this.freeNode = this.nextSibling[node]!
    }
    this.parent[node] = parent
    this.depth[node] = depth
    this.state[node] = SPLIT
    this.union[node] = NONE
    this.children[node] = 0
    this.below[node] = 0
    this.firstChild[node] = NONE
    this.nextSibling[node] = NONE
    this.nameBytes[node] = 0
    this.sums.fill(0, node * SUMS, (node + 1) * SUMS)
    return node
  }

  /** The child of that name, or NONE. */
  find(parent: number, hash: number, bytes: Uint8Array, start: number, end: number): number {
    const {slots} = this
    const mask = slots.length - 2
    const mixed = mix(hash, parent)
    for (let slot = (mixed << 1) & mask; ; slot = (slot + 2) & mask) {
      const node = slots[slot + 1]! - 1
      if (node < 0) return NONE
      if (slots[slot] === mixed && this.parent[node] === parent && this.#isNamed(node, bytes, start, end)) return node
    }
  }

  /** The child of `parent` named as `like`, a node of these or of other nodes. */
  findLike(parent: number, nodes: PrefixNodesState, like: number): number {
    const start = nodes.nameAt[like]!
    return this.find(parent, nodes.hash[like]!, nodes.names, start, start + nodes.nameBytes[like]!)
  }

  /** Gives a node to another parent. The former parent's list is the caller's to mend. */
  move(node: number, parent: number): void {
    this.#unkey(node)
    this.#link(node, parent)
  }

  /** Forgets a child that has nothing below it. The parent's list is the caller's to mend. */
  free(node: number): void {
    this.#unkey(node)
    this.garbage += this.nameBytes[node]!
    this.freeApart(node)
  }

  /** The same of a node that has no name. */
  freeApart(node: number): void {
    this.nameBytes[node] = 0
    this.nextSibling[node] = this.freeNode
    this.freeNode = node
  }

  addSums(into: number, nodes: PrefixNodesState, node: number): void {
    for (let i = 0; i < SUMS; i++) this.sums[into * SUMS + i]! += nodes.sums[node * SUMS + i]!
  }

  #isNamed(node: number, bytes: Uint8Array, start: number, end: number): boolean {
    const length = end - start
    if (this.nameBytes[node] !== length) return false
    const {names} = this
    const at = this.nameAt[node]!
    for (let i = 0; i < length; i++) if (names[at + i] !== bytes[start + i]) return false
    return true
  }

  #link(node: number, parent: number): void {
    this.parent[node] = parent
    this.nextSibling[node] = this.firstChild[parent]!
    this.firstChild[parent] = node
    this.children[parent]!++
    this.keyed++
    if (this.keyed * 4 > this.slots.length) this.#growSlots()
    this.#key(node)
  }

  #key(node: number): void {
    const {slots} = this
    const mask = slots.length - 2
    const mixed = mix(this.hash[node]!, this.parent[node]!)
    let slot = (mixed << 1) & mask
    while (slots[slot + 1] !== 0) slot = (slot + 2) & mask
    slots[slot] = mixed
    slots[slot + 1] = node + 1
  }

  /** Empties a node's slot and moves up those behind it that had to give way. */
  #unkey(node: number): void {
    const {slots} = this
    const mask = slots.length - 2
    let hole = (mix(this.hash[node]!, this.parent[node]!) << 1) & mask
    while (slots[hole + 1] !== node + 1) hole = (hole + 2) & mask
    for (let slot = (hole + 2) & mask; slots[slot + 1] !== 0; slot = (slot + 2) & mask) {
      const home = (slots[slot]! << 1) & mask
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue
      slots[hole] = slots[slot]!
      slots[hole + 1] = slots[slot + 1]!
      hole = slot
    }
    slots[hole + 1] = 0
    this.keyed--
  }

  #growSlots(): void {
    const before = this.slots
    this.slots = new Int32Array(before.length * 2)
    for (let slot = 0; slot < before.length; slot += 2) if (before[slot + 1] !== 0) this.#key(before[slot + 1]! - 1)
  }

  #growNodes(): void {
    const grown = <T extends Int32Array | Uint32Array | Uint16Array | Uint8Array | Float64Array>(array: T): T => {
      const twice = new (array.constructor as new (length: number) => T)(array.length * 2)
      twice.set(array)
      return twice
    }
    this.parent = grown(this.parent)
    this.hash = grown(this.hash)
    this.nameAt = grown(this.nameAt)
    this.nameBytes = grown(this.nameBytes)
    this.depth = grown(this.depth)
    this.state = grown(this.state)
    this.union = grown(this.union)
    this.children = grown(this.children)
    this.below = grown(this.below)
    this.firstChild = grown(this.firstChild)
    this.nextSibling = grown(this.nextSibling)
    this.sums = grown(this.sums)
  }

  /** Makes room for a name, by dropping freed ones where they are many. */
  #growNames(length: number): void {
    const compacting = this.garbage > GARBAGE_MIN && this.garbage * 2 > this.namesEnd
    const needed = this.namesEnd - (compacting ? this.garbage : 0) + length
    const before = this.names
    this.names = new Uint8Array(Math.max(NAMES_MIN, 2 * needed))
    if (!compacting) {
      this.names.set(before.subarray(0, this.namesEnd))
      return
    }
    this.namesEnd = 0
    this.garbage = 0
    for (let node = 0; node < this.used; node++) {
      const at = this.nameAt[node]!
      const bytes = this.nameBytes[node]!
      this.names.set(before.subarray(at, at + bytes), this.namesEnd)
      this.nameAt[node] = this.namesEnd
      this.namesEnd += bytes
    }
  }
}

/** The slot's hash: of a name under that parent. */
function mix(hash: number, parent: number): number {
  const mixed = Math.imul(hash ^ Math.imul(parent + 1, 0x9e37_79b1), 0x85eb_ca6b)
  return mixed ^ (mixed >>> 15)
}
