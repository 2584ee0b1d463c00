/**
 * When the prefixes of a tree are no longer told apart.
 *
 * Three rules keep it small. All depend only on the set of keys, and none can
 * be undone by more keys: so the answer depends neither on the order of the keys nor on
 * how the file was split, and two trees merge exactly.
 *
 *   folded    A prefix with more than `fanout` different children does not tell
 *             them apart: all of them are `user:*`, and what lies below is
 *             counted together, as `user:*:name:`.
 *   shared    A prefix with too much below its children still tells these
 *             apart, but not what lies below: `user:a:`, `user:b:`, `user:*:name:`.
 *   tightened Where all that is told apart is too much, `fanout` is halved, for
 *             all but the first part, until it is not. Where the first part
 *             itself is folded, it is what would always suffice.
 *
 * "Too much" is measured by weights: of a node with split children, how many lie
 * below it; of any other, more than that can be. So a weight only grows with the keys.
 * Halving the fanout halves no weight by more than that, so what was shared stays so.
 */
import {FOLDED, NONE, PrefixNodes, type PrefixNodesState, ROOT, SHARED, SPLIT} from './prefix-nodes.js'

/** How many times more each level up may hold below its children than the one beneath it. */
const WEIGHT_STEP = 4

export interface FoldingOptions {
  /** Parts of the longest prefix. */
  depth: number
  /** Children that a prefix tells apart. */
  fanout: number
  /** Prefixes told apart at one depth, in all, roughly: one that is folded counts for what it could be. */
  depthPrefixesMax: number
}

/** Also what arrives when one is posted from another thread. */
export interface PrefixFoldingState {
  readonly nodes: PrefixNodesState
  readonly fanout: number
}

export class PrefixFolding implements PrefixFoldingState {
  readonly nodes = new PrefixNodes()
  /** Children that a prefix tells apart now; the first part always has what the options say. */
  fanout: number
  readonly #depth: number
  readonly #firstFanout: number
  /** The tightest: at this all that can be told apart is few enough. */
  readonly #lastFanout: number
  /** By depth: how much may lie below the children of a prefix. */
  readonly #belowMax: Float64Array
  /** What a prefix of one part weighs at most for the whole. */
  #firstWeightMax = 0

  constructor({depth, fanout, depthPrefixesMax}: FoldingOptions) {
    this.#depth = depth
    this.#firstFanout = fanout
    this.#belowMax = new Float64Array(depth + 1)
    this.#belowMax[0] = depthPrefixesMax * (depth - 1)
    this.fanout = fanout
    this.#limit()
    while (this.#firstFanout * this.#firstWeightMax > this.#belowMax[0]! && this.fanout >= 1) {
      this.fanout /= 2
      this.#limit()
    }
    this.#lastFanout = this.fanout
    this.fanout = fanout
    this.#limit()
  }

  /** Adds everything another tree of the same options has counted. */
  merge(other: PrefixFoldingState): void {
    const {nodes} = this
    const copy = nodes.createApart(NONE, 0)
    this.#copy(copy, other.nodes, ROOT)
    this.fanout = Math.min(this.fanout, other.fanout)
    this.#limit()
    this.#settleBelow(ROOT)
    this.#settleBelow(copy)
    nodes.addSums(ROOT, nodes, copy)
    this.#pour(ROOT, copy)
    nodes.freeApart(copy)
    this.#settleRoot()
  }

  /** Makes a child that is not there; the tree may look different then, above it too. */
  grow(node: number, hash: number, bytes: Uint8Array, start: number, end: number): void {
    const {nodes} = this
    const before = this.#weight(node)
    nodes.create(node, hash, bytes, start, end)
    if (node === ROOT) {
      this.#settleRoot()
      return
    }
    if (nodes.children[node]! > this.fanout) this.#raise(node, FOLDED)
    this.#tellAbove(node, before)
  }

  /** A node's weight was `before`: whatever it lies under weighs more now, and may have too much below it. */
  #tellAbove(changed: number, before: number): void {
    const {nodes} = this
    let node = changed
    let more = this.#weight(node) - before
    for (let above = nodes.parent[node]!; above !== NONE && more > 0; above = nodes.parent[node]!) {
      // A union weighs nothing: what it belongs to has the greatest weight already.
      if (nodes.state[above] !== SPLIT) return
      const weight = this.#weight(above)
      nodes.below[above]! += more
      if (above === ROOT) {
        this.#settleRoot()
        return
      }
      if (nodes.below[above]! > this.#belowMax[nodes.depth[above]!]!) this.#raise(above, SHARED)
      more = this.#weight(above) - weight
      node = above
    }
  }

  /** How much lies below a node; where it is not told apart, more than could be. */
  #weight(node: number): number {
    const {nodes} = this
    const depth = nodes.depth[node]!
    const weight =
      nodes.state[node] === SPLIT
        ? nodes.children[node]! + nodes.below[node]!
        : this.fanout + this.#belowMax[depth]! + 1
    return depth === 1 ? Math.min(weight, this.#firstWeightMax) : weight
  }

  /** The limits that follow from the fanout. Fractions are well: halves are exact. */
  #limit(): void {
    const depth = this.#depth
    for (let at = 1; at <= depth; at++) {
      this.#belowMax[at] = at < depth - 1 ? this.fanout * WEIGHT_STEP ** (depth - 1 - at) : 0
    }
    const most = this.fanout + (this.#belowMax[1] ?? 0) + 1
    // Whole numbers and halves add up exactly, thirds would not.
    this.#firstWeightMax = depth < 3 ? most : Math.ceil(most / (depth - 1))
  }

  /** Folds the first part, or tightens the others, where that is due. */
  #settleRoot(): void {
    const {nodes} = this
    const folds = nodes.state[ROOT] === FOLDED || nodes.children[ROOT]! > this.#firstFanout
    while (folds ? this.fanout > this.#lastFanout : nodes.below[ROOT]! > this.#belowMax[0]!) {
      if (this.fanout <= this.#lastFanout) break
      this.fanout /= 2
      this.#limit()
      this.#settleBelow(ROOT)
    }
    if (folds) this.#raise(ROOT, FOLDED)
  }

  /** Applies the limits to a node. */
  #settle(node: number): void {
    const {nodes} = this
    const depth = nodes.depth[node]!
    if (depth === 0) return
    if (nodes.children[node]! > this.fanout) this.#raise(node, FOLDED)
    else if (nodes.below[node]! > this.#belowMax[depth]!) this.#raise(node, SHARED)
  }

  /** Applies new limits to everything below a node, bottom up, and weighs it again. */
  #settleBelow(node: number): void {
    const {nodes} = this
    let below = 0
    for (let child = nodes.firstChild[node]!; child !== NONE; child = nodes.nextSibling[child]!) {
      this.#settleBelow(child)
      this.#settle(child)
      below += this.#weight(child)
    }
    if (nodes.state[node] === SPLIT) {
      nodes.below[node] = below
      return
    }
    this.#settleBelow(nodes.union[node]!)
    this.#settle(nodes.union[node]!)
  }

  /** Shares or folds the children of a node, unless they are already. */
  #raise(node: number, to: number): void {
    const {nodes} = this
    const from = nodes.state[node]!
    if (from >= to) return
    const union = from === SPLIT ? nodes.createApart(node, nodes.depth[node]! + 1) : nodes.union[node]!
    nodes.union[node] = union
    nodes.state[node] = to
    nodes.below[node] = 0
    let child = nodes.firstChild[node]!
    if (to === FOLDED) {
      nodes.firstChild[node] = NONE
      nodes.children[node] = 0
    }
    while (child !== NONE) {
      const next = nodes.nextSibling[child]!
      if (from === SPLIT) this.#pour(union, child)
      if (to === FOLDED) {
        nodes.addSums(union, nodes, child)
        nodes.free(child)
      }
      child = next
    }
  }

  /** Moves everything below `source` to below `target`, a node of the same depth; the sums of the two stay. */
  #pour(target: number, source: number): void {
    const {nodes} = this
    const state = Math.max(nodes.state[target]!, nodes.state[source]!)
    this.#raise(target, state)
    this.#raise(source, state)
    let child = nodes.firstChild[source]!
    nodes.firstChild[source] = NONE
    nodes.children[source] = 0
    nodes.below[source] = 0
    while (child !== NONE) {
      const next = nodes.nextSibling[child]!
      this.#pourChild(target, child)
      child = next
    }
    if (state !== SPLIT) {
      const from = nodes.union[source]!
      this.#pour(nodes.union[target]!, from)
      nodes.addSums(nodes.union[target]!, nodes, from)
      nodes.freeApart(from)
      nodes.union[source] = NONE
      nodes.state[source] = SPLIT
    }
    this.#settle(target)
  }

  /** Gives a child to a parent that may have one of that name. */
  #pourChild(parent: number, child: number): void {
    const {nodes} = this
    const same = nodes.findLike(parent, nodes, child)
    const before = same === NONE ? 0 : this.#weight(same)
    if (same === NONE) {
      nodes.move(child, parent)
    } else {
      this.#pour(same, child)
      nodes.addSums(same, nodes, child)
      nodes.free(child)
    }
    if (nodes.state[parent] === SPLIT) {
      nodes.below[parent]! += this.#weight(same === NONE ? child : same) - before
    }
  }

  /** Copies what another tree has at and below a node. */
  #copy(into: number, from: PrefixNodesState, node: number): void {
    const {nodes} = this
    nodes.addSums(into, from, node)
    nodes.state[into] = from.state[node]!
    nodes.below[into] = from.below[node]!
    for (let child = from.firstChild[node]!; child !== NONE; child = from.nextSibling[child]!) {
      const start = from.nameAt[child]!
      const end = start + from.nameBytes[child]!
      this.#copy(nodes.create(into, from.hash[child]!, from.names, start, end), from, child)
    }
    if (from.union[node] !== NONE) {
      const union = nodes.createApart(into, nodes.depth[into]! + 1)
      nodes.union[into] = union
      this.#copy(union, from, from.union[node]!)
    }
  }
}
