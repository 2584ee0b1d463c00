/**
 * The records of a KeyIndex, side by side in one typed array, and how they are
 * grouped by a digit of their keys without a second array.
 *
 *   word 0        word 1        word 2         word 3         word 4 and more
 *   ┌─────────────┬─────────────┬──────────────┬──────────────┬─────────────────────┐
 *   │ key, bits   │ key, bits   │ offset,      │ offset,      │ payload             │
 *   │ 63 … 32     │ 31 … 0      │ upper 21     │ lower 32     │ (only if wanted)    │
 *   └─────────────┴─────────────┴──────────────┴──────────────┴─────────────────────┘
 *
 * Digits are counted from the top: digit 0 of eight bits is bits 63 … 56. So
 * whoever goes through the groups in order, and sorts each, has sorted the keys.
 */

/** Words of a record without a payload. */
export const RECORD_WORDS = 4

export const KEY_BITS = 64
/** Small arrays grow by this, so that what is left behind by growing is a seventh of what is in use. */
const GROWTH = 8
const RECORDS_AT_FIRST = 512
/** More words than this cannot be told by the 32-bit integers that positions are kept in. */
const WORDS_MAX = 2 ** 29

export class Records {
  words: Int32Array
  /** The same memory, for input and output. */
  bytes: Uint8Array
  /** Words in use, and words there are. */
  used = 0
  limit: number
  readonly limitMax: number

  constructor(
    /** Words of a record. */
    readonly width: number,
    recordsMax: number,
  ) {
    this.limitMax = Math.min(recordsMax, Math.floor(WORDS_MAX / width)) * width
    let limit = this.limitMax / width
    while (limit > RECORDS_AT_FIRST) limit = Math.ceil(limit / GROWTH)
    this.limit = limit * width
    this.words = new Int32Array(this.limit)
    this.bytes = new Uint8Array(this.words.buffer)
  }

  /** Makes room for more; false where there is as much as there may be. */
  grow(): boolean {
    if (this.limit === this.limitMax) return false
    this.limit = Math.min(this.limit * GROWTH, this.limitMax)
    const grown = new Int32Array(this.limit)
    grown.set(this.words)
    this.words = grown
    this.bytes = new Uint8Array(grown.buffer)
    return true
  }

  /** Lets go of the memory; nothing can be added any more. */
  free(): void {
    this.words = new Int32Array(0)
    this.bytes = new Uint8Array(0)
    this.used = this.limit = 0
  }
}

/** What takes records as a digest leaves them: an index, or what collects them for one. */
export interface RecordTaker {
  /** A key whose fingerprint is known, with its payload from a word on. */
  addPrint(high: number, low: number, offset: number, payload: Int32Array, at: number): void
  /**
   * The same of many of one source, by ascending offsets: `prints` has so many words of each, fingerprint, offset (to which
   * `shift` is added), one word of no concern, payload.
   */
  addPrints(prints: Int32Array, count: number, stride: number, shift: number): void
}

/** Writes a record at a word, but for its payload. */
export function writeRecord(words: Int32Array, at: number, high: number, low: number, offset: number): void {
  words[at] = high
  words[at + 1] = low
  words[at + 2] = offset / 2 ** 32
  words[at + 3] = offset
}

/** Writes records of words[from … to) from prints at a word, each of `stride` words (RecordTaker); returns the last offset. */
export function writePrints(
  words: Int32Array,
  from: number,
  to: number,
  width: number,
  prints: Int32Array,
  printsFrom: number,
  stride: number,
  shift: number,
): number {
  for (let at = from, print = printsFrom; at < to; at += width, print += stride) {
    const offset = prints[print + 2]! + shift
    words[at] = prints[print]!
    words[at + 1] = prints[print + 1]!
    words[at + 2] = offset / 2 ** 32
    words[at + 3] = offset
    for (let i = RECORD_WORDS; i < width; i++) words[at + i] = prints[print + i]!
  }
  return offsetAt(words, to - width)
}

/** The offset of the record at a word. */
export function offsetAt(words: Int32Array, at: number): number {
  return words[at + 2]! * 2 ** 32 + (words[at + 3]! >>> 0)
}

/** Bits of one digit. Fewer for few records, so that a digit's share of them is worth a read of its own. */
export function digitBitsFor(recordsMax: number): number {
  return recordsMax >= 65_536 ? 8 : recordsMax >= 1024 ? 4 : 2
}

/** Where the groups of each level begin: one array for each that is in use, made when it is reached. */
export class LevelStarts {
  readonly #levels: Uint32Array[] = []

  constructor(readonly digitBits: number) {}

  of(level: number): Uint32Array {
    while (this.#levels.length <= level) this.#levels.push(new Uint32Array((1 << this.digitBits) + 1))
    return this.#levels[level]!
  }
}

const heads = new Uint32Array(256)

/**
 * Groups records by a digit of their keys, in place (American flag sort:
 * McIlroy, Bostic and McIlroy, 1993). Those of digit d end up in
 * words[starts[d] … starts[d + 1]).
 */
export function groupByDigit(
  records: Records,
  from: number,
  to: number,
  level: number,
  digitBits: number,
  starts: Uint32Array,
): void {
  const {words, width} = records
  const word = (level * digitBits) >> 5
  const shift = 32 - digitBits - ((level * digitBits) & 31)
  const count = 1 << digitBits
  const mask = count - 1
  starts.fill(0)
  for (let at = from + word; at < to; at += width) starts[((words[at]! >>> shift) & mask) + 1]! += width
  starts[0] = from
  for (let digit = 0; digit < count; digit++) {
    heads[digit] = starts[digit]!
    starts[digit + 1]! += starts[digit]!
  }
  if (width === RECORD_WORDS) settle4(words, word, shift, mask, starts)
  else settleWide(words, width, word, shift, mask, starts)
}

/** Carries each record to its group, taking along whichever lay there, until one comes back to where the first was. */
function settle4(words: Int32Array, word: number, shift: number, mask: number, starts: Uint32Array): void {
  for (let group = 0; group <= mask; group++) {
    const end = starts[group + 1]!
    for (let hole = heads[group]!; hole < end; hole += 4) {
      let digit = (words[hole + word]! >>> shift) & mask
      if (digit === group) continue
      let a = words[hole]!
      let b = words[hole + 1]!
      let c = words[hole + 2]!
      let d = words[hole + 3]!
      do {
        const to = heads[digit]!
        heads[digit] = to + 4
        const nextA = words[to]!
        const nextB = words[to + 1]!
        const nextC = words[to + 2]!
        const nextD = words[to + 3]!
        words[to] = a
        words[to + 1] = b
        words[to + 2] = c
        words[to + 3] = d
        a = nextA
        b = nextB
        c = nextC
        d = nextD
        digit = ((word === 0 ? a : b) >>> shift) & mask
      } while (digit !== group)
      words[hole] = a
      words[hole + 1] = b
      words[hole + 2] = c
      words[hole + 3] = d
    }
  }
}

/** The same with a payload. */
function settleWide(
  words: Int32Array,
  width: number,
  word: number,
  shift: number,
  mask: number,
  starts: Uint32Array,
): void {
  const held = new Int32Array(width)
  for (let group = 0; group <= mask; group++) {
    const end = starts[group + 1]!
    for (let hole = heads[group]!; hole < end; hole += width) {
      let digit = (words[hole + word]! >>> shift) & mask
      if (digit === group) continue
      for (let i = 0; i < width; i++) held[i] = words[hole + i]!
      do {
        const to = heads[digit]!
        heads[digit] = to + width
        for (let i = 0; i < width; i++) {
          const next = words[to + i]!
          words[to + i] = held[i]!
          held[i] = next
        }
        digit = (held[word]! >>> shift) & mask
      } while (digit !== group)
      for (let i = 0; i < width; i++) words[hole + i] = held[i]!
    }
  }
}
