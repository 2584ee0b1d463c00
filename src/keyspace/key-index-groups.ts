/**
 * Which records have equal keys: found among those in memory.
 *
 *   records ──► groups by digit ──► small ones: a table of the cache's size ──► chains of equal keys ──► Gathering
 *                    │    ▲
 *                    └────┘ large ones, by the next digit; when there is none left, all are equal
 */
import {groupByDigit, KEY_BITS, LevelStarts, offsetAt, RECORD_WORDS, type Records} from './key-index-records.js'

/** The smallest of any number of offsets, ascending, and how many there were. */
class SmallestOffsets {
  count = 0
  readonly #offsets: Float64Array

  constructor(max: number) {
    this.#offsets = new Float64Array(max)
  }

  get kept(): number {
    return Math.min(this.count, this.#offsets.length)
  }

  at(i: number): number {
    return this.#offsets[i]!
  }

  add(offset: number): void {
    const offsets = this.#offsets
    let at = this.kept
    this.count++
    if (at === offsets.length) {
      at--
      if (offset >= offsets[at]!) return
    }
    for (; at > 0 && offsets[at - 1]! > offset; at--) offsets[at] = offsets[at - 1]!
    offsets[at] = offset
  }
}

/** Whether the payloads of two records say the same: words[at … at + count) and kept[0 … count). */
export type Alike = (words: Int32Array, at: number, kept: Int32Array) => boolean

/** How the records of a key are gathered. */
export interface GatheringRule {
  /** Offsets told of one group, of each source. */
  offsetsMax: number
  /** Where the offsets of a second source begin; Infinity: there is one, and a key that occurs twice is looked for. */
  boundary: number
  payloadWords: number
  /** Absent: they are equal word by word. */
  alike?: Alike | undefined
  /** They are digests: what each of two sources has equally often of one key is the same, as a Balance takes it. */
  balanced?: boolean | undefined
}

/** The records of one key. Payloads are compared with the first, not kept. */
export class Gathering {
  readonly first: SmallestOffsets
  readonly second: SmallestOffsets
  #alike = true
  /** Words of payloads of the first source, less those of the second: of a balanced index. */
  readonly #sums: Int32Array
  readonly #kept: Int32Array

  constructor(readonly rule: GatheringRule) {
    const {offsetsMax, boundary, payloadWords, balanced} = rule
    this.first = new SmallestOffsets(offsetsMax)
    this.second = new SmallestOffsets(boundary === Infinity ? 0 : offsetsMax)
    this.#kept = new Int32Array(payloadWords)
    this.#sums = new Int32Array(balanced === true ? payloadWords : 0)
  }

  get count(): number {
    return this.first.count + this.second.count
  }

  /** Whether singles may be wanted too. */
  get paired(): boolean {
    return this.rule.boundary !== Infinity
  }

  /**
   * Worth telling: a key twice in one source, or not once in each of two with the same payload. Where a Balance may have
   * passed over a key that stands in each more than once, with the same payloads equally often, it never is.
   */
  get wanted(): boolean {
    if (!this.paired) return this.first.count > 1
    if (this.first.count === 1 && this.second.count === 1) return !this.#alike
    return this.first.count !== this.second.count || this.#sums.length === 0 || this.#sums.some(sum => sum !== 0)
  }

  clear(): void {
    this.first.count = this.second.count = 0
    this.#alike = true
  }

  /** Adds the record at a word. */
  add(words: Int32Array, at: number): void {
    const offset = offsetAt(words, at)
    if (this.#kept.length > 0) this.#compare(words, at + RECORD_WORDS, offset < this.rule.boundary ? 1 : -1)
    if (offset < this.rule.boundary) this.first.add(offset)
    else this.second.add(offset)
  }

  #compare(words: Int32Array, at: number, sign: number): void {
    const kept = this.#kept
    const sums = this.#sums
    if (this.count === 0) {
      for (let i = 0; i < kept.length; i++) kept[i] = words[at + i]!
      for (let i = 0; i < sums.length; i++) sums[i] = sign * words[at + i]!
      return
    }
    for (let i = 0; i < sums.length; i++) sums[i]! += sign * words[at + i]!
    const {alike} = this.rule
    this.#alike &&= alike === undefined ? equalWords(words, at, kept) : alike(words, at, kept)
  }
}

function equalWords(words: Int32Array, at: number, kept: Int32Array): boolean {
  for (let i = 0; i < kept.length; i++) if (kept[i] !== words[at + i]) return false
  return true
}

export class GroupFinder {
  /** Open addressing; a slot holds the number (from 1) of the first record with its key. */
  #slots = new Int32Array(0)
  /** By number: the next record with the same key, 0 at the end. */
  #next = new Int32Array(0)
  /** Numbers of the first records of keys to be looked at. */
  #heads = new Int32Array(0)
  readonly #starts: LevelStarts

  constructor(
    readonly digitBits: number,
    /** A power of two. */
    readonly tableRecordsMax: number,
    readonly gathering: Gathering,
    readonly put: (gathering: Gathering) => void,
  ) {
    this.#starts = new LevelStarts(digitBits)
  }

  /** Puts every group that is wanted of records whose keys agree in all digits before `level`. Changes their order. */
  find(records: Records, from: number, to: number, level: number): void {
    const {words, width} = records
    const count = (to - from) / width
    if (count < 2 && !this.gathering.paired) return
    if (count <= this.tableRecordsMax) {
      this.#findByTable(words, from, to, width)
    } else if (level * this.digitBits >= KEY_BITS) {
      this.gathering.clear()
      for (let at = from; at < to; at += width) this.gathering.add(words, at)
      this.finish(this.gathering)
    } else {
      const starts = this.#starts.of(level)
      groupByDigit(records, from, to, level, this.digitBits, starts)
      for (let digit = 0; digit + 1 < starts.length; digit++) {
        if (starts[digit + 1]! > starts[digit]!) this.find(records, starts[digit]!, starts[digit + 1]!, level + 1)
      }
    }
  }

  /** All records of the key have been gathered. */
  finish(gathering: Gathering): void {
    if (gathering.wanted) this.put(gathering)
  }

  #findByTable(words: Int32Array, from: number, to: number, width: number): void {
    const heads = this.#chain(words, from, to, width)
    const {gathering} = this
    const next = this.#next
    for (let i = 0; i < heads; i++) {
      gathering.clear()
      for (let number = this.#heads[i]!; number !== 0; number = next[number]!) {
        gathering.add(words, from + (number - 1) * width)
      }
      if (gathering.wanted) this.put(gathering)
    }
  }

  /** Chains the records of equal keys, and returns how many keys are worth a look. */
  #chain(words: Int32Array, from: number, to: number, width: number): number {
    const mask = this.#prepare((to - from) / width) - 1
    const slots = this.#slots
    const next = this.#next
    const heads = this.#heads
    const {paired} = this.gathering
    let headCount = 0
    for (let at = from, number = 1; at < to; at += width, number++) {
      const high = words[at]!
      const low = words[at + 1]!
      next[number] = 0
      for (let slot = low & mask; ; slot = (slot + 1) & mask) {
        const head = slots[slot]!
        if (head === 0) {
          slots[slot] = number
          if (paired) heads[headCount++] = number
          break
        }
        const headAt = from + (head - 1) * width
        if (words[headAt] !== high || words[headAt + 1] !== low) continue
        if (next[head] === 0 && !paired) heads[headCount++] = head
        next[number] = next[head]!
        next[head] = number
        break
      }
    }
    return headCount
  }

  /** Clears a table for a number of records, at most half full, and returns its size. */
  #prepare(count: number): number {
    const size = 2 ** (33 - Math.clz32(Math.max(count - 1, 1)))
    if (this.#slots.length < size) {
      this.#slots = new Int32Array(size)
      this.#next = new Int32Array(size / 2 + 1)
      this.#heads = new Int32Array(size / 2)
    } else {
      this.#slots.fill(0, 0, size)
    }
    return size
  }
}
