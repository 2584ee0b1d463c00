/**
 * What the keys' prefixes hold: a tree of the parts between separators, to some
 * depth, in bounded memory however many keys there are.
 *
 *   user:17:name      counts for  user:  and for  user:17:
 *
 * What is too much to be told apart is told together, as `user:*`: prefix-folding.ts
 * says when. The answer depends only on the set of keys, neither on their order nor on
 * how the file was split, and two trees merge exactly.
 */
import assert from 'node:assert/strict'
import {UsageError} from '../errors.js'
import {type FoldingOptions, PrefixFolding, type PrefixFoldingState} from './prefix-folding.js'
import {FOLDED, hashName, NONE, ROOT, SHARED, SUMS} from './prefix-nodes.js'
import {TopN} from './top.js'
import {WindowWords} from './window-words.js'

export const PREFIX_DEPTH_MAX = 16
/** A part longer than this is no name: the prefix ends before it. */
const PART_BYTES_MAX = 256
const WILDCARD = 0x2a

export interface PrefixOptions extends FoldingOptions {
  /** What stands between the parts of a key: one byte or more. */
  separator: Uint8Array
}

export const PREFIX_DEFAULTS: Readonly<PrefixOptions> = {
  separator: Uint8Array.of(0x3a),
  depth: 3,
  fanout: 1000,
  depthPrefixesMax: 100_000,
}

export interface PrefixCount {
  /** With its last separator; `*` stands for any one part, and ends the prefix without a separator. */
  prefix: Uint8Array
  /** The parts; undefined is any. */
  parts: (Uint8Array | undefined)[]
  keys: number
  expiring: number
  rdbBytes: number
  memoryBytes: number
  /** Of the keys that never expire: memory where it is estimated, else bytes in the file. */
  persistentBytes: number
}

export type PrefixMeasure = 'keys' | 'expiring' | 'persistent' | 'rdbBytes' | 'memoryBytes' | 'persistentBytes'

/** What a tree holds; also what arrives when one is posted from another thread. */
export interface PrefixTreeState {
  readonly options: Readonly<PrefixOptions>
  readonly folding: PrefixFoldingState
}

export class PrefixTree implements PrefixTreeState {
  readonly options: Readonly<PrefixOptions>
  readonly folding: PrefixFolding
  readonly #separator: Uint8Array
  /** Of the separator. */
  readonly #first: number
  readonly #width: number
  readonly #depth: number
  readonly #words = new WindowWords()
  readonly #path = new Int32Array(PREFIX_DEPTH_MAX + 1)

  constructor(options: Partial<PrefixOptions> = {}) {
    this.options = {...PREFIX_DEFAULTS, ...options}
    const {separator, depth, fanout} = this.options
    if (separator.length === 0) throw new UsageError('a separator has at least one byte')
    if (!(depth >= 1 && depth <= PREFIX_DEPTH_MAX && fanout >= 1)) {
      throw new UsageError(`prefixes have 1 to ${PREFIX_DEPTH_MAX} parts, and tell at least 1 child apart`)
    }
    this.#separator = separator
    this.#first = separator[0]!
    this.#width = separator.length
    this.#depth = depth
    this.folding = new PrefixFolding(this.options)
  }

  /** Children that a prefix tells apart now; the first part always has what the options say. */
  get fanout(): number {
    return Math.floor(this.folding.fanout)
  }

  /** Counts a key, which lies at bytes[start, end). */
  add(bytes: Uint8Array, start: number, end: number, expiring: boolean, rdbBytes: number, memoryBytes: number): void {
    const levels = this.#walk(bytes, start, end)
    const path = this.#path
    const {sums} = this.folding.nodes
    const expires = expiring ? 1 : 0
    const persistentBytes = expiring ? 0 : memoryBytes > 0 ? memoryBytes : rdbBytes
    for (let level = 0; level <= levels; level++) {
      const at = path[level]! * SUMS
      sums[at]!++
      sums[at + 1]! += expires
      sums[at + 2]! += rdbBytes
      sums[at + 3]! += memoryBytes
      sums[at + 4]! += persistentBytes
    }
  }

  /** Adds everything another tree of the same options has counted. */
  merge(other: PrefixTreeState): void {
    assert.deepEqual(other.options, this.options)
    this.folding.merge(other.folding)
  }

  /** All keys that were added, with and without a prefix. */
  total(): PrefixCount {
    return this.#count(ROOT, [])
  }

  /** How many prefixes there are. */
  count(): number {
    let count = 0
    for (const _ of this.#rows(ROOT, [])) count++
    return count
  }

  /** Every prefix, in no particular order. */
  *prefixes(): Generator<PrefixCount> {
    for (const {node, parts} of this.#rows(ROOT, [])) yield this.#count(node, parts)
  }

  /** The `size` prefixes that have most, ties in the order of their bytes; of one depth only, where that is given. */
  top(size: number, by: PrefixMeasure, depth?: number): PrefixCount[] {
    const top = new TopN<PrefixCount>(size, (a, b) => ranks(a, b, by))
    for (const {node, parts} of this.#rows(ROOT, [])) {
      if (depth !== undefined && parts.length !== depth) continue
      // Most are too small: they are not even made.
      if (size > 0 && top.full && this.#measure(node, by) < measureOf(top.least!, by)) continue
      top.add(this.#count(node, parts))
    }
    return top.sorted()
  }

  /** Finds the prefixes of a key, or makes them: fills in the path and returns how many there are. */
  #walk(bytes: Uint8Array, start: number, end: number): number {
    const {folding} = this
    const {nodes} = folding
    const path = this.#path
    const depth = this.#depth
    const first = this.#first
    const width = this.#width
    const words = this.#words.of(bytes)
    const pattern = Math.imul(first, 0x0101_0101)
    let node = ROOT
    let levels = 0
    let at = start
    path[0] = ROOT
    while (levels < depth) {
      const limit = end - at > PART_BYTES_MAX ? at + PART_BYTES_MAX + 1 : end
      let p = at
      if (width > 1 || limit + 4 > bytes.length) {
        p = this.#separatorAt(bytes, at, limit, end)
      } else {
        // Four bytes at a time, up to three of them behind the key. The separator becomes a zero, and of
        // the bits that are left the lowest is the first one's (Mycroft's trick).
        for (; p < limit; p += 4) {
          const word = words.getInt32(p, true) ^ pattern
          const zeros = (word - 0x0101_0101) & ~word & 0x8080_8080
          if (zeros === 0) continue
          p += (31 - Math.clz32(zeros & -zeros)) >> 3
          break
        }
      }
      if (p >= limit) break
      const state = nodes.state[node]!
      if (state === FOLDED) {
        node = nodes.union[node]!
        path[++levels] = node
      } else {
        const hash = hashName(bytes, at, p)
        const child = nodes.find(node, hash, bytes, at, p)
        if (child === NONE) {
          // The tree may have been folded above: begin again.
          folding.grow(node, hash, bytes, at, p)
          node = ROOT
          levels = 0
          at = start
          continue
        }
        path[++levels] = child
        node = state === SHARED ? nodes.union[node]! : child
      }
      at = p + width
    }
    return levels
  }

  /** Where a separator of several bytes begins, before `limit`. */
  #separatorAt(bytes: Uint8Array, start: number, limit: number, end: number): number {
    let at = start
    while (at < limit && (bytes[at] !== this.#first || !this.#separates(bytes, at, end))) at++
    return at
  }

  #separates(bytes: Uint8Array, at: number, end: number): boolean {
    const separator = this.#separator
    if (at + separator.length > end) return false
    for (let i = 1; i < separator.length; i++) if (bytes[at + i] !== separator[i]) return false
    return true
  }

  *#rows(node: number, above: (Uint8Array | undefined)[]): Generator<{node: number; parts: typeof above}> {
    const {nodes} = this.folding
    for (let child = nodes.firstChild[node]!; child !== NONE; child = nodes.nextSibling[child]!) {
      const start = nodes.nameAt[child]!
      const parts = [...above, nodes.names.subarray(start, start + nodes.nameBytes[child]!)]
      yield {node: child, parts}
      yield* this.#rows(child, parts)
    }
    const union = nodes.union[node]!
    if (union === NONE) return
    const parts = [...above, undefined]
    // Shared, the union is the sum of the children, which are told.
    if (nodes.state[node] === FOLDED) yield {node: union, parts}
    yield* this.#rows(union, parts)
  }

  #count(node: number, parts: (Uint8Array | undefined)[]): PrefixCount {
    const [keys = 0, expiring = 0, rdbBytes = 0, memoryBytes = 0, persistentBytes = 0] =
      this.folding.nodes.sums.subarray(node * SUMS)
    const copies = parts.map(part => part?.slice())
    const prefix = joined(copies, this.#separator)
    return {prefix, parts: copies, keys, expiring, rdbBytes, memoryBytes, persistentBytes}
  }

  #measure(node: number, by: PrefixMeasure): number {
    const at = node * SUMS
    const {sums} = this.folding.nodes
    if (by === 'keys') return sums[at]!
    if (by === 'expiring') return sums[at + 1]!
    if (by === 'persistent') return sums[at]! - sums[at + 1]!
    if (by === 'persistentBytes') return sums[at + 4]!
    return sums[at + (by === 'rdbBytes' ? 2 : 3)]!
  }
}

function joined(parts: readonly (Uint8Array | undefined)[], separator: Uint8Array): Uint8Array {
  const pieces = parts.flatMap(part => [part ?? Uint8Array.of(WILDCARD), separator])
  if (parts.at(-1) === undefined) pieces.pop()
  return new Uint8Array(Buffer.concat(pieces))
}

function measureOf(count: PrefixCount, by: PrefixMeasure): number {
  return by === 'persistent' ? count.keys - count.expiring : count[by]
}

/** By the measure, then by bytes; where a part is really called `*`, it goes before the one that stands for any. */
function ranks(a: PrefixCount, b: PrefixCount, by: PrefixMeasure): boolean {
  const more = measureOf(a, by) - measureOf(b, by)
  if (more !== 0) return more > 0
  const order = Buffer.compare(a.prefix, b.prefix)
  if (order !== 0) return order < 0
  const wild = (count: PrefixCount): string => count.parts.map(part => (part === undefined ? 1 : 0)).join('')
  return wild(a) < wild(b)
}
