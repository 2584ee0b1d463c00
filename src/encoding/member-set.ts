/**
 * Which members of a packed node were met before, by value: an integer and the
 * string that spells it are one member. Nothing is copied and no string made.
 *
 *   slot = <tag> <where> <a> <b>      four 32-bit words; where = 0: free
 *
 *     tag      31 bits of a keyed hash, and whether the member is an integer
 *     where    1 + index of its entry in the node
 *     a, b     a string: where it begins and ends in the node; an integer: its halves
 *
 * The hash is HalfSipHash-1-3 under a key that every run draws anew, so that
 * nobody can prepare members that fall into one slot. The table is at most
 * 64 MB: more members are taken in several passes, each of one part of them.
 */
import {randomFillSync} from 'node:crypto'
import {type Halves, parseInt64} from '../bytes/int64.js'

const SLOT_WORDS = 4
const INTEGER = 1
/** Members of one pass. */
const PASS_MEMBERS_MAX = 2 ** 20
const SLOTS_MAX = 4 * PASS_MEMBERS_MAX
/** A larger table is given up when the next node needs less. */
const SLOTS_KEPT_MAX = 2 ** 16
const INT64_TEXT_MAX = 20

const key = randomFillSync(new Int32Array(2))

export class MemberSet {
  /** How often all members must be shown to `add`, with `pass` counting from 0. */
  passes = 1
  pass = 0
  #slots = new Int32Array(0)
  #mask = 0
  #bytes: Uint8Array = new Uint8Array(0)
  #start = 0
  readonly #parsed: Halves = {high: 0, low: 0}
  readonly #integer = new Uint8Array(8)

  /** Forgets what was there; strings shown from now on lie in `bytes`, at `start` or behind. */
  open(bytes: Uint8Array, start: number, members: number): void {
    this.#bytes = bytes
    this.#start = start
    this.passes = Math.max(1, Math.ceil(members / PASS_MEMBERS_MAX))
    let slots = 16
    while (slots < SLOTS_MAX && slots < 2 * members) slots *= 2
    if (this.passes > 1) slots = SLOTS_MAX
    const kept = this.#slots.length / SLOT_WORDS
    if (kept < slots || (kept > SLOTS_KEPT_MAX && slots <= SLOTS_KEPT_MAX)) {
      this.#slots = new Int32Array(SLOT_WORDS * slots)
    }
    this.#mask = slots - 1
  }

  beginPass(pass: number): void {
    this.pass = pass
    this.#slots.fill(0, 0, SLOT_WORDS * (this.#mask + 1))
  }

  /**
   * Adds the member that bytes[start, end) spell, whose entry is at `index` of the node. Returns the index of the entry
   * that has the same value; -1 where the member is new, or not of this pass.
   */
  add(bytes: Uint8Array, start: number, end: number, index: number): number {
    const parsed = this.#parsed
    if (end - start <= INT64_TEXT_MAX && parseInt64(bytes, start, end, parsed)) {
      const integer = this.#integer
      for (let i = 0; i < 4; i++) {
        integer[i] = parsed.low >>> (8 * i)
        integer[4 + i] = parsed.high >> (8 * i)
      }
      return this.#put(keyedHash(integer, 0, 8) | INTEGER, index, parsed.high, parsed.low | 0)
    }
    return this.#put(keyedHash(bytes, start, end) & ~INTEGER, index, start - this.#start, end - this.#start)
  }

  #put(tag: number, index: number, a: number, b: number): number {
    if (this.passes > 1 && Math.floor(((tag >>> 0) / 2 ** 32) * this.passes) !== this.pass) return -1
    const slots = this.#slots
    for (let slot = (tag >>> 1) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const at = SLOT_WORDS * slot
      if (slots[at + 1] === 0) {
        slots[at] = tag
        slots[at + 1] = index + 1
        slots[at + 2] = a
        slots[at + 3] = b
        return -1
      }
      if (slots[at] === tag && this.#equals(at, tag, a, b)) return slots[at + 1]! - 1
    }
  }

  #equals(at: number, tag: number, a: number, b: number): boolean {
    const otherA = this.#slots[at + 2]!
    const otherB = this.#slots[at + 3]!
    if ((tag & INTEGER) !== 0) return otherA === a && otherB === b
    if (otherB - otherA !== b - a) return false
    const bytes = this.#bytes
    const start = this.#start
    for (let p = start + a, q = start + otherA; p < start + b; p++, q++) if (bytes[p] !== bytes[q]) return false
    return true
  }
}

/**
 * HalfSipHash-1-3: a signed 32-bit number. keyspace/fingerprint.ts has the round too, for 64 bits and begun with a
 * database: in a function of its own it would give and take four numbers, which costs more than the round.
 */
function keyedHash(bytes: Uint8Array, start: number, end: number): number {
  let v0 = key[0]!
  let v1 = key[1]!
  let v2 = v0 ^ 0x6c796765
  let v3 = v1 ^ 0x74656462
  const words = (end - start) >> 2
  // One round a word, the last of which holds what is left and the length, and three rounds of nothing.
  for (let step = 0, p = start; step < words + 4; step++, p += 4) {
    let word = 0
    if (step < words) {
      word = bytes[p]! | (bytes[p + 1]! << 8) | (bytes[p + 2]! << 16) | (bytes[p + 3]! << 24)
    } else if (step === words) {
      word = (end - start) << 24
      for (let i = 0; p + i < end; i++) word |= bytes[p + i]! << (8 * i)
    } else if (step === words + 1) {
      v2 ^= 0xff
    }
    v3 ^= word
    v0 = (v0 + v1) | 0
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
    v0 = (v0 << 16) | (v0 >>> 16)
    v2 = (v2 + v3) | 0
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
    v0 = (v0 + v3) | 0
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
    v2 = (v2 + v1) | 0
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
    v2 = (v2 << 16) | (v2 >>> 16)
    v0 ^= word
  }
  return v1 ^ v3
}
