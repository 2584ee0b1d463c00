/**
 * Whether the elements of one collection are distinct, exactly: their bytes lie
 * one after another in an arena, found by a hash nobody outside can predict.
 *
 *   slots    hash ──► index + 1, 0 where free; the next slot where it is taken
 *   elements index ──► hash, where its bytes end in the arena, offset in the file
 *
 * Within bounds: a collection with more elements or bytes goes on to an index of
 * fingerprints (HugeCollections), those already here included.
 */
import {Fingerprinter} from '../keyspace/fingerprint.js'

const ELEMENTS_MAX = 65_536
const ARENA_BYTES_MAX = 4 * 1024 * 1024
const ARENA_BYTES_FIRST = 64 * 1024
/** Shorter elements are copied and compared byte by byte: a call costs more. */
const SHORT_BYTES = 32

export class DistinctElements {
  readonly #print = new Fingerprinter()
  readonly #slots = new Int32Array(2 * ELEMENTS_MAX)
  readonly #hashes = new Int32Array(ELEMENTS_MAX)
  readonly #ends = new Int32Array(ELEMENTS_MAX)
  readonly #offsets = new Float64Array(ELEMENTS_MAX)
  #arena = new Uint8Array(ARENA_BYTES_FIRST)
  #mask = 0
  /** Elements so far. */
  count = 0

  /** Whether a collection of so many elements can be looked into here. */
  takes(count: number): boolean {
    return count <= ELEMENTS_MAX
  }

  /** Begins a collection of at most `count` elements. */
  begin(count: number): void {
    const size = 2 ** (32 - Math.clz32(Math.max(2 * count - 1, 1)))
    this.#slots.fill(0, 0, size)
    this.#mask = size - 1
    this.count = 0
  }

  /** Whether the next element's bytes fit. */
  hasRoom(bytes: number): boolean {
    return this.#used + bytes <= ARENA_BYTES_MAX && this.count < ELEMENTS_MAX
  }

  /** Adds an element. Returns the offset of the one that is the same, or -1. */
  add(bytes: Uint8Array, start: number, end: number, offset: number): number {
    const print = this.#print
    print.take(0, bytes, start, end)
    const hash = print.low
    const slots = this.#slots
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const found = slots[slot]!
      if (found === 0) {
        slots[slot] = this.count + 1
        this.#keep(bytes, start, end, hash, offset)
        return -1
      }
      if (this.#hashes[found - 1] === hash && this.#equals(found - 1, bytes, start, end)) {
        return this.#offsets[found - 1]!
      }
    }
  }

  /** Shows all elements: those of a collection that turned out too large. */
  each(show: (bytes: Uint8Array, start: number, end: number, offset: number) => void): void {
    for (let i = 0; i < this.count; i++) show(this.#arena, this.#start(i), this.#ends[i]!, this.#offsets[i]!)
  }

  get #used(): number {
    return this.#start(this.count)
  }

  #start(i: number): number {
    return i === 0 ? 0 : this.#ends[i - 1]!
  }

  #keep(bytes: Uint8Array, start: number, end: number, hash: number, offset: number): void {
    const at = this.#used
    const size = end - start
    if (at + size > this.#arena.length) this.#grow(at + size)
    const arena = this.#arena
    if (size < SHORT_BYTES) for (let i = 0; i < size; i++) arena[at + i] = bytes[start + i]!
    else arena.set(bytes.subarray(start, end), at)
    this.#hashes[this.count] = hash
    this.#ends[this.count] = at + size
    this.#offsets[this.count] = offset
    this.count++
  }

  #grow(need: number): void {
    const grown = new Uint8Array(Math.min(Math.max(need, 2 * this.#arena.length), ARENA_BYTES_MAX))
    grown.set(this.#arena)
    this.#arena = grown
  }

  #equals(i: number, bytes: Uint8Array, start: number, end: number): boolean {
    const at = this.#start(i)
    const size = this.#ends[i]! - at
    if (end - start !== size) return false
    const arena = this.#arena
    for (let k = 0; k < size; k++) if (arena[at + k] !== bytes[start + k]) return false
    return true
  }
}
