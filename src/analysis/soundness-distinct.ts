/**
 * Whether the elements of one collection are distinct, exactly: their bytes lie
 * one after another in an arena, found by a hash.
 *
 *   slots      hash ──► index + 1, 0 where free; the next slot where it is taken
 *   elements   index ──► hash, place in the arena, offset in the file
 *   arena      <bytes> <word>*, 32 bits each, the last one filled up with zeros
 *
 * The hash is a quick one under a seed that every run draws anew. Elements can
 * be made that collide under any seed: where they crowd, all are hashed again
 * by a function that nobody outside can predict (fingerprint.ts), which costs
 * several times as much.
 *
 * Within bounds: a collection with more elements or bytes goes on to an index of
 * fingerprints (HugeCollections), those already here included.
 */
import {Fingerprinter} from '../keyspace/fingerprint.js'

const ELEMENTS_MAX = 65_536
const ARENA_WORDS_MAX = 1024 * 1024
const ARENA_WORDS_FIRST = 16 * 1024
/** Slots looked at for one element, by chance never so many in a table that is half empty. */
const PROBES_MAX = 100
/** Multipliers of xxHash and murmur3: odd, with bits everywhere. */
const MIX = 0x9e3779b1
const FINISH = 0x85ebca6b

export class DistinctElements {
  readonly #seed = crypto.getRandomValues(new Int32Array(1))[0]!
  readonly #print = new Fingerprinter()
  readonly #slots = new Int32Array(2 * ELEMENTS_MAX)
  readonly #hashes = new Int32Array(ELEMENTS_MAX)
  readonly #places = new Int32Array(ELEMENTS_MAX)
  readonly #offsets = new Float64Array(ELEMENTS_MAX)
  #arena = new Int32Array(ARENA_WORDS_FIRST)
  #used = 0
  #mask = 0
  #keyed = false
  /** Elements so far. */
  count = 0

  /** Whether a collection of so many elements can be looked into here. */
  takes(count: number): boolean {
    return count <= ELEMENTS_MAX
  }

  /** Begins a collection of `count` elements, as far as anybody knows. */
  begin(count: number): void {
    const size = 2 ** (32 - Math.clz32(Math.max(2 * count - 1, 1)))
    this.#slots.fill(0, 0, size)
    this.#mask = size - 1
    this.#used = this.count = 0
    this.#keyed = false
  }

  /** Whether the next element's bytes fit. */
  hasRoom(bytes: number): boolean {
    const need = this.#used + 1 + ((bytes + 3) >> 2)
    if (need <= this.#arena.length) return this.count < ELEMENTS_MAX
    if (need > ARENA_WORDS_MAX) return false
    this.#grow(need)
    return this.count < ELEMENTS_MAX
  }

  /** Adds an element for which there is room. Returns the offset of the one that is the same, or -1. */
  add(bytes: Uint8Array, start: number, end: number, offset: number): number {
    if (2 * this.count > this.#mask) this.#enlarge()
    const arena = this.#arena
    const size = end - start
    let w = this.#used
    let hash = this.#seed ^ size
    arena[w++] = size
    let p = start
    for (const last = end - 3; p < last; p += 4) {
      const word = bytes[p]! | (bytes[p + 1]! << 8) | (bytes[p + 2]! << 16) | (bytes[p + 3]! << 24)
      arena[w++] = word
      hash = Math.imul(hash ^ word, MIX)
      hash ^= hash >>> 15
    }
    if (p < end) {
      let word = bytes[p]!
      if (p + 1 < end) word |= bytes[p + 1]! << 8
      if (p + 2 < end) word |= bytes[p + 2]! << 16
      arena[w++] = word
      hash = Math.imul(hash ^ word, MIX)
      hash ^= hash >>> 15
    }
    hash = Math.imul(hash ^ (hash >>> 16), FINISH)
    hash ^= hash >>> 13
    if (this.#keyed) hash = this.#keyedHash(bytes, start, end)
    return this.#put(hash, w, offset)
  }

  /** Shows all elements: those of a collection that turned out too large. */
  each(show: (bytes: Uint8Array, start: number, end: number, offset: number) => void): void {
    const bytes = new Uint8Array(this.#arena.buffer)
    for (let i = 0; i < this.count; i++) {
      const start = 4 * (this.#places[i]! + 1)
      show(bytes, start, start + this.#arena[this.#places[i]!]!, this.#offsets[i]!)
    }
  }

  /** Takes the element that lies at the end of the arena, before `end`, unless it is there already. */
  #put(hash: number, end: number, offset: number): number {
    const slots = this.#slots
    const mask = this.#mask
    let slot = hash & mask
    for (let probes = 0; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const found = slots[slot]! - 1
      if (this.#hashes[found] === hash && this.#equals(this.#places[found]!, end)) return this.#offsets[found]!
      if (++probes > PROBES_MAX && !this.#keyed) return this.#rehash(end, offset)
    }
    const i = this.count++
    slots[slot] = i + 1
    this.#hashes[i] = hash
    this.#places[i] = this.#used
    this.#offsets[i] = offset
    this.#used = end
    return -1
  }

  #equals(place: number, end: number): boolean {
    const arena = this.#arena
    for (let a = this.#used, b = place; a < end; a++, b++) if (arena[a] !== arena[b]) return false
    return true
  }

  /** Somebody has made elements that collide, or bad luck has. */
  #rehash(end: number, offset: number): number {
    this.#keyed = true
    const slots = this.#slots
    const mask = this.#mask
    slots.fill(0, 0, mask + 1)
    const bytes = new Uint8Array(this.#arena.buffer)
    const hashAt = (place: number): number => {
      const start = 4 * (place + 1)
      return this.#keyedHash(bytes, start, start + this.#arena[place]!)
    }
    for (let i = 0; i < this.count; i++) {
      const hash = hashAt(this.#places[i]!)
      let slot = hash & mask
      while (slots[slot] !== 0) slot = (slot + 1) & mask
      slots[slot] = i + 1
      this.#hashes[i] = hash
    }
    return this.#put(hashAt(this.#used), end, offset)
  }

  /** There are more elements than were announced. */
  #enlarge(): void {
    const mask = 2 * this.#mask + 1
    const slots = this.#slots
    slots.fill(0, 0, mask + 1)
    for (let i = 0; i < this.count; i++) {
      let slot = this.#hashes[i]! & mask
      while (slots[slot] !== 0) slot = (slot + 1) & mask
      slots[slot] = i + 1
    }
    this.#mask = mask
  }

  #keyedHash(bytes: Uint8Array, start: number, end: number): number {
    this.#print.take(0, bytes, start, end)
    return this.#print.low
  }

  #grow(need: number): void {
    const grown = new Int32Array(Math.min(Math.max(need, 2 * this.#arena.length), ARENA_WORDS_MAX))
    grown.set(this.#arena)
    this.#arena = grown
  }
}
