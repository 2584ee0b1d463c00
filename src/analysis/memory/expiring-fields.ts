/**
 * How the fields of a hash that expire by themselves are found when it is time: what that takes besides the fields.
 *
 *   redis 7.4 ebuckets.c   up to 16 in a list through the fields themselves; beyond, lists of at most 16, each with a
 *                          head, in a radix tree
 *   valkey 9.0 vset.c      up to 127 in a vector; beyond, a radix tree of windows of up to 8192 ms, with such a vector
 *                          each, none where there is one field, and a hash table where many expire in the same 16 ms
 */
import {allocated} from './jemalloc.js'
import type {MemoryLayout} from './layout.js'
import {RadixTree} from './radix-tree.js'
import {bucketBytes} from './tables.js'

const LISTED_MAX = 16
/** A list's head, its leaf in the tree, and the way there; lists are two thirds full, since full ones are halved. */
const BUCKET_BYTES = 46
const BUCKET_FIELDS = 11
const VECTOR_MAX = 127
const VECTOR_HEAD = 8
const POINTER = 8
const WINDOW_MS = 8192
/** No vector is parted within one. */
const MOMENT_MS = 16
const KEY_BYTES = 8
/** More expiries of one hash are not looked at one by one. */
const KEPT_MAX = 1 << 20

/** Of redis: what a table with so many expiring fields takes. MEMORY USAGE does not count it. */
export function bucketedBytes(expiring: number): number {
  return expiring <= LISTED_MAX ? 0 : (expiring * BUCKET_BYTES) / BUCKET_FIELDS
}

/** Of valkey, from the expiries themselves. */
export class ExpiryWindows {
  count = 0
  readonly #expiries: number[] = []
  readonly #tree = new RadixTree()
  readonly #key = new Uint8Array(KEY_BYTES)

  clear(): void {
    this.count = 0
    this.#expiries.length = 0
  }

  add(expireAtMs: number): void {
    this.count++
    if (this.#expiries.length < KEPT_MAX) this.#expiries.push(expireAtMs)
  }

  /** What all of it takes in this server. */
  bytes(layout: MemoryLayout): number {
    if (this.count <= VECTOR_MAX) return vectorBytes(this.count)
    const sorted = Float64Array.from(this.#expiries).sort()
    let bytes = 0
    this.#tree.clear()
    for (let i = 0; i < sorted.length; ) {
      const first = i
      const end = windowEnd(sorted[first]!, WINDOW_MS)
      while (i < sorted.length && sorted[i]! < end) i++
      bytes += this.#windowBytes(layout, sorted, first, i, end)
    }
    const share = this.count / sorted.length
    return Math.round(allocated(layout.rax) + share * (bytes + this.#tree.size().bytes))
  }

  /** A full vector is halved, as near to its middle as there are moments to part it at; without any it becomes a table. */
  #windowBytes(layout: MemoryLayout, sorted: Float64Array, start: number, end: number, endMs: number): number {
    const fields = end - start
    const middle = fields > VECTOR_MAX ? partingOf(sorted, start, end) : start
    if (middle === start) {
      this.#addKey(endMs)
      return fields > VECTOR_MAX ? allocated(layout.hashtable) + bucketBytes(fields) : vectorBytes(fields)
    }
    const left = this.#windowBytes(layout, sorted, start, middle, windowEnd(sorted[middle - 1]!, MOMENT_MS))
    return left + this.#windowBytes(layout, sorted, middle, end, endMs)
  }

  #addKey(ms: number): void {
    const key = this.#key
    let rest = ms
    for (let i = KEY_BYTES - 1; i >= 0; i--) {
      key[i] = rest % 256
      rest = Math.floor(rest / 256)
    }
    this.#tree.add(key, 0, KEY_BYTES)
  }
}

function windowEnd(ms: number, window: number): number {
  return (Math.floor(ms / window) + 1) * window
}

/** Where the vector of sorted[start, end) is parted; `start` where it cannot be. */
function partingOf(sorted: Float64Array, start: number, end: number): number {
  const middle = (start + end) >> 1
  const moment = (at: number): number => Math.floor(sorted[at]! / MOMENT_MS)
  for (let offset = 0; ; offset++) {
    const left = middle - offset
    const right = middle + offset
    if (left <= start && right >= end) return start
    if (left > start && moment(left - 1) < moment(left)) return left
    if (right < end && moment(right - 1) < moment(right)) return right
  }
}

function vectorBytes(fields: number): number {
  return fields < 2 ? 0 : allocated(VECTOR_HEAD + POINTER * fields)
}
