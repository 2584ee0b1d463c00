/**
 * How many entries a packed blob has, without holding it: what its first bytes
 * claim, as far as its size allows it; where they do not say, counted while the
 * blob passes, in pieces of any size.
 */
import {readUint32le} from '../bytes/int64.js'
import type {LentBytes} from '../bytes/lent.js'
import {intsetCount, intsetFills} from './intset.js'
import {backlenBytes, isBoundary, LISTPACK_BYTES_MIN, listpackCount} from './listpack.js'
import {integerWidth, ZIPLIST_BYTES_MIN, ziplistCount} from './ziplist.js'
import {ZIPMAP_BYTES_MIN, zipmapCount} from './zipmap.js'

export type CountedKind = 'listpack' | 'ziplist' | 'intset' | 'zipmap'

/** First bytes of any blob that say how many entries it has. */
export const COUNT_BYTES = 10

/** The least that an entry takes: a byte of encoding, and one that tells the length of it or of the one before. */
const ENTRY_BYTES_MIN = 2
/** Two lengths, and the count of free bytes. */
const PAIR_BYTES_MIN = 3

/**
 * Entries (of a zipmap, pairs) that a blob of `blobBytes` claims by its first bytes, of which `head` holds up to
 * COUNT_BYTES. -1 where they do not say; 0 where they lie: it is damaged, and whoever looks inside will be told.
 */
export function claimedCount(kind: CountedKind, {bytes, start, end}: LentBytes, blobBytes: number): number {
  if (kind === 'listpack') {
    if (blobBytes < LISTPACK_BYTES_MIN || end - start < 6 || readUint32le(bytes, start) !== blobBytes) return 0
    return possible(listpackCount(bytes, start, end), ENTRY_BYTES_MIN, blobBytes - LISTPACK_BYTES_MIN)
  }
  if (kind === 'ziplist') {
    if (blobBytes < ZIPLIST_BYTES_MIN || end - start < 10 || readUint32le(bytes, start) !== blobBytes) return 0
    return possible(ziplistCount(bytes, start, end), ENTRY_BYTES_MIN, blobBytes - ZIPLIST_BYTES_MIN)
  }
  if (kind === 'intset') return intsetFills(bytes, start, end, blobBytes) ? intsetCount(bytes, start, end) : 0
  if (blobBytes < ZIPMAP_BYTES_MIN || end === start) return 0
  return possible(zipmapCount(bytes, start, end), PAIR_BYTES_MIN, blobBytes - ZIPMAP_BYTES_MIN)
}

function possible(count: number, bytesEach: number, bytes: number): number {
  return count * bytesEach <= bytes ? count : 0
}

/** What the first bytes of an entry do not tell yet, and what cannot be one. */
const MORE = -1
const WRONG = -2

const END = 0xff
const WIDE = 0xfe
/** Longest head of an entry: a wide length of the one before, and a wide length of its own. */
const HEAD_BYTES_MAX = 10

/** Counts the entries of a blob that is pushed in pieces. Nothing but the lengths is looked at. */
export class PackedCounter {
  #kind: CountedKind = 'listpack'
  #entries = 0
  /** Bytes of the blob still to come. */
  #left = 0
  /** Of these, the next that are of no interest. */
  #passing = 0
  /** The end mark has been met, or something that is no entry. */
  #over = false
  #sound = false
  /** Width of the back length to come, where servers disagree about it: its first byte tells. */
  #disputed = 0
  /** A zipmap's field has been passed, its value has not. */
  #inPair = false
  readonly #head = new Uint8Array(HEAD_BYTES_MAX)
  #have = 0

  begin(kind: Exclude<CountedKind, 'intset'>, blobBytes: number): void {
    this.#kind = kind
    this.#entries = this.#disputed = this.#have = 0
    this.#left = blobBytes
    this.#passing = kind === 'listpack' ? 6 : kind === 'ziplist' ? 10 : 1
    this.#over = this.#sound = this.#inPair = false
  }

  /** Entries, or pairs, once all has been pushed; 0 where the chain does not end with the blob. */
  get entries(): number {
    return this.#sound && this.#left === 0 ? this.#entries : 0
  }

  push(bytes: Uint8Array, start: number, end: number): void {
    this.#left -= end - start
    for (let p = start; p < end && !this.#over; ) {
      if (this.#passing > 0) {
        const passed = Math.min(this.#passing, end - p)
        this.#passing -= passed
        p += passed
      } else {
        this.#take(bytes[p++]!, this.#left + end - p)
      }
    }
  }

  /** `behind`: how many bytes of the blob follow this one. */
  #take(byte: number, behind: number): void {
    if (this.#disputed > 0) {
      this.#passing = this.#disputed - (byte === 0 ? 1 : 2)
      this.#disputed = 0
      return
    }
    this.#head[this.#have++] = byte
    if (byte === END && this.#have === 1 && !this.#inPair) {
      this.#over = true
      this.#sound = behind === 0
      return
    }
    const passing = this.#entryBytes()
    if (passing === MORE) return
    this.#have = 0
    this.#over = passing === WRONG || passing >= behind
    this.#passing = passing
    if (!this.#inPair) this.#entries++
  }

  /** Bytes that follow the head of the present entry; MORE where the head goes on, WRONG where it is none. */
  #entryBytes(): number {
    if (this.#kind === 'listpack') return this.#listpackBytes()
    return this.#kind === 'ziplist' ? ziplistBytes(this.#head, this.#have) : this.#zipmapBytes()
  }

  #listpackBytes(): number {
    const head = this.#head
    const first = head[0]!
    if (first < 0x80) return 1
    if (first < 0xc0) return (first & 0x3f) + 1
    if (first < 0xe0) return 2
    if (first > 0xf0) return first > 0xf4 ? WRONG : first === 0xf4 ? 9 : first - 0xee
    const headBytes = first === 0xf0 ? 5 : 2
    if (this.#have < headBytes) return MORE
    const length = first === 0xf0 ? readUint32le(head, 1) : ((first & 0x0f) << 8) | head[1]!
    const size = headBytes + length
    if (!isBoundary(size)) return length + backlenBytes(size)
    this.#disputed = backlenBytes(size)
    return length
  }

  /** A field has one length, its value a length and the count of free bytes. */
  #zipmapBytes(): number {
    const head = this.#head
    const first = head[0]!
    const lengthBytes = first === WIDE ? 5 : 1
    if (first === END) return WRONG
    if (this.#have < lengthBytes + (this.#inPair ? 1 : 0)) return MORE
    const length = first === WIDE ? readUint32le(head, 1) : first
    const free = this.#inPair ? head[lengthBytes]! : 0
    this.#inPair = !this.#inPair
    return length + free
  }
}

function ziplistBytes(head: Uint8Array, have: number): number {
  const at = head[0] === WIDE ? 5 : 1
  if (have <= at) return MORE
  const first = head[at]!
  if (first >= 0xc0) {
    const width = integerWidth(first)
    return width < 0 ? WRONG : width
  }
  if (first < 0x40) return first
  if (first < 0x80) return have < at + 2 ? MORE : ((first & 0x3f) << 8) | head[at + 1]!
  if (have < at + 5) return MORE
  return ((head[at + 1]! << 24) | (head[at + 2]! << 16) | (head[at + 3]! << 8) | head[at + 4]!) >>> 0
}
