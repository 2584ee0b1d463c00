/**
 * Groups of offsets put in the order of their first offsets, whatever their
 * number: the same records and runs again, with the first offset for a key.
 *
 *   words 0, 1                              words 2, 3
 *   ┌─────────────────────┬─────────────────┬──────────────────────────────────────────┐
 *   │ first offset of the │ number of the   │ an offset; or COUNT + the group's count, │
 *   │ group, from bit 63  │ group, modulo   │ last of its group, where not all of its  │
 *   │ down, in as many    │ what the bits   │ offsets are told                         │
 *   │ bits as the largest │ that are left   │                                          │
 *   │ offset needs        │ hold            │                                          │
 *   └─────────────────────┴─────────────────┴──────────────────────────────────────────┘
 *
 * The number keeps groups apart whose keys share their offset, as the elements
 * of a compressed node do; there are bits for 2^30 groups in a file of 16 GiB.
 */
import {SpillFile} from '../bytes/spill.js'
import type {Gathering} from './key-index-groups.js'
import {
  digitBitsFor,
  groupByDigit,
  KEY_BITS,
  LevelStarts,
  offsetAt,
  RECORD_WORDS,
  Records,
} from './key-index-records.js'
import {RecordRuns} from './key-index-runs.js'

/** Where a fingerprint occurs. */
export interface KeyGroup {
  /** How many times; more than there are offsets when it is very many. */
  count: number
  /** Ascending; the smallest ones. */
  offsets: number[]
}

/** Marks a count: above every offset. */
const COUNT = 0x4000_0000
/** Fewer than these are sorted by insertion. */
const INSERTION_RECORDS = 32
const OFFSET_BITS = 53
/** Bits of a key that a double does not hold. */
const LOW_BITS = 11
const LOW_VALUES = 2 ** LOW_BITS
/** Bits of such a key in its second word. */
const LOW_PART = 2 ** (32 - LOW_BITS)
/** Of a place with its number, and what growing leaves behind. */
const PLACE_BYTES = 19
const PLACES_MIN = 64

/** Records in the order of their keys, of 64 bits, and values of 53. */
class RecordOrder {
  readonly #records: Records
  readonly #digitBits: number
  readonly #starts: LevelStarts
  #runs: RecordRuns | undefined

  constructor(
    recordsMax: number,
    readonly file: SpillFile,
  ) {
    this.#records = new Records(RECORD_WORDS, recordsMax)
    this.#digitBits = digitBitsFor(recordsMax)
    this.#starts = new LevelStarts(this.#digitBits)
  }

  add(keyHigh: number, keyLow: number, high: number, low: number): void {
    const records = this.#records
    if (records.used === records.limit && !records.grow()) {
      this.#runs ??= new RecordRuns(this.file, this.#digitBits, 0)
      this.#runs.append(records)
    }
    const {words, used} = records
    words[used] = keyHigh
    words[used + 1] = keyLow
    words[used + 2] = high
    words[used + 3] = low
    records.used = used + RECORD_WORDS
  }

  /** Gives control back each time that records are in memory which are the next in order. Once. */
  *sorted(): Generator<Records> {
    if (this.#runs === undefined) {
      this.#sort(0, this.#records.used, 0)
      yield this.#records
    } else {
      this.#runs.append(this.#records)
      yield* this.#fromRuns(this.#runs)
    }
  }

  close(): void {
    this.#records.free()
    this.file.close()
  }

  *#fromRuns(runs: RecordRuns): Generator<Records> {
    const records = this.#records
    for (let digit = 0; digit < runs.digits; digit++) {
      if (runs.wordsOf(digit) <= records.limit) {
        for (const _ of runs.parts(digit, records)) {
          this.#sort(0, records.used, runs.level + 1)
          yield records
        }
      } else {
        const deeper = new RecordRuns(this.file, this.#digitBits, runs.level + 1)
        for (const _ of runs.parts(digit, records)) deeper.append(records)
        yield* this.#fromRuns(deeper)
        deeper.release()
      }
    }
  }

  #sort(from: number, to: number, level: number): void {
    if (to - from <= RECORD_WORDS * INSERTION_RECORDS || level * this.#digitBits >= KEY_BITS) {
      sortByInsertion(this.#records.words, from, to)
      return
    }
    const starts = this.#starts.of(level)
    groupByDigit(this.#records, from, to, level, this.#digitBits, starts)
    for (let digit = 0; digit + 1 < starts.length; digit++) {
      if (starts[digit + 1]! > starts[digit]! + RECORD_WORDS) this.#sort(starts[digit]!, starts[digit + 1]!, level + 1)
    }
  }
}

export class GroupOrder {
  readonly #order: RecordOrder
  /** One step of the offset, in units of bit 11. */
  readonly #scale: number
  #groups = 0

  constructor(recordsMax: number, offsetMax: number, file: SpillFile) {
    this.#order = new RecordOrder(recordsMax, file)
    this.#scale = scaleOf(offsetMax)
  }

  put(group: Gathering): void {
    const {first, second} = group
    const order = this.#order
    const number = this.#groups++
    const key = (first.count > 0 ? first.at(0) : second.at(0)) * this.#scale + (number % this.#scale)
    const high = key / LOW_PART
    const low = (key % LOW_PART) * LOW_VALUES + (Math.floor(number / this.#scale) % LOW_VALUES)
    for (let i = 0; i < first.kept; i++) order.add(high, low, Math.floor(first.at(i) / 2 ** 32), first.at(i))
    for (let i = 0; i < second.kept; i++) order.add(high, low, Math.floor(second.at(i) / 2 ** 32), second.at(i))
    if (first.kept + second.kept < group.count) order.add(high, low, COUNT | (group.count / 2 ** 32), group.count)
  }

  /** All groups, in order. Once. */
  *groups(): Generator<KeyGroup> {
    for (const {words, used} of this.#order.sorted()) {
      for (let at = 0; at < used; ) {
        const high = words[at]
        const low = words[at + 1]
        const group: KeyGroup = {count: 0, offsets: []}
        for (; at < used && words[at] === high && words[at + 1] === low; at += RECORD_WORDS) {
          if (words[at + 2]! < COUNT) group.offsets.push(offsetAt(words, at))
          else group.count = (words[at + 2]! - COUNT) * 2 ** 32 + (words[at + 3]! >>> 0)
        }
        if (group.count === 0) group.count = group.offsets.length
        yield group
      }
    }
  }

  close(): void {
    this.#order.close()
  }
}

/** Places in a source, each with a number: put in any order, told in that of the places. */
export class PlaceOrder {
  readonly #order: RecordOrder
  readonly #scale: number

  constructor(memoryBytes: number, placeMax: number, folder?: string) {
    this.#order = new RecordOrder(Math.max(Math.floor(memoryBytes / PLACE_BYTES), PLACES_MIN), new SpillFile(folder))
    this.#scale = scaleOf(placeMax)
  }

  /** A place up to the largest that was announced; the number is at most 2^53 - 1. */
  put(place: number, value: number): void {
    const key = place * this.#scale
    this.#order.add(key / LOW_PART, (key % LOW_PART) * LOW_VALUES, value / 2 ** 32, value)
  }

  /** Each place with its number, lent until the next is asked for; of one place, by number. Once. */
  *places(): Generator<{readonly place: number; readonly value: number}> {
    const told = {place: 0, value: 0}
    for (const {words, used} of this.#order.sorted()) {
      for (let at = 0; at < used; at += RECORD_WORDS) {
        told.place = ((words[at]! >>> 0) * LOW_PART + (words[at + 1]! >>> LOW_BITS)) / this.#scale
        told.value = offsetAt(words, at)
        yield told
      }
    }
  }

  /** Removes the temporary file. */
  close(): void {
    this.#order.close()
  }
}

/** How far apart two offsets lie as keys: an offset is in the upper bits that the largest one needs. */
function scaleOf(offsetMax: number): number {
  const high = Math.floor(offsetMax / 2 ** 32)
  const bits = high > 0 ? 64 - Math.clz32(high) : 32 - Math.clz32(offsetMax)
  return 2 ** (OFFSET_BITS - bits)
}

function sortByInsertion(words: Int32Array, from: number, to: number): void {
  for (let next = from + 4; next < to; next += 4) {
    const a = words[next]!
    const b = words[next + 1]!
    const c = words[next + 2]!
    const d = words[next + 3]!
    let at = next
    for (; at > from && precedes(a, b, c, d, words, at - 4); at -= 4) {
      // Four assignments: a call for so few words costs more.
      words[at] = words[at - 4]!
      words[at + 1] = words[at - 3]!
      words[at + 2] = words[at - 2]!
      words[at + 3] = words[at - 1]!
    }
    words[at] = a
    words[at + 1] = b
    words[at + 2] = c
    words[at + 3] = d
  }
}

/** Whether a record belongs before the one at a word; all words but the third are unsigned. */
function precedes(a: number, b: number, c: number, d: number, words: Int32Array, at: number): boolean {
  if (a !== words[at]) return a >>> 0 < words[at]! >>> 0
  if (b !== words[at + 1]) return b >>> 0 < words[at + 1]! >>> 0
  if (c !== words[at + 2]) return c < words[at + 2]!
  return d >>> 0 < words[at + 3]! >>> 0
}
