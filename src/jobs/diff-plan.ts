/**
 * What the second pass is to look at: of each side the places of entries that are on it alone, and of those that have
 * a counterpart which may differ.
 */
import type {KeyIndex} from '../keyspace/key-index.js'
import {PlaceOrder} from '../keyspace/key-index-order.js'
import {DIGEST_WORDS, SECOND_SIDE, type SideFacts, UNCHOSEN} from './diff-digests.js'

/** What becomes of an entry; with its pair it makes one number. */
export const ONLY = 0
export const PAIRED = 1
/** It cannot be compared. */
export const LOST = 2
/** Added to it: it is looked at for its counterpart only, and has not been counted. */
const NOT_COUNTED = 4
const FATES = 8

export interface PlannedEntry {
  place: number
  fate: number
  pair: number
  /** It is looked at only since its counterpart is chosen: it has not been counted. */
  unchosen: boolean
}

export interface SideState {
  facts: SideFacts
  /** The source was not read to its end: keys may be missing. */
  incomplete: boolean
}

/**
 * Entries whose fingerprints are shared by more than one of each side; few, unless a source holds a key twice. Places are
 * marked as the index has them.
 */
export interface Knot {
  before: number[]
  after: number[]
  /** There are more of them than are known by their places. */
  more: boolean
}

const KNOTS_MAX = 100_000

export class DiffPlan {
  readonly sides: readonly [SidePlan, SidePlan]
  readonly knots: Knot[] = []
  /** Entries that are not known by their places, and so are not compared. */
  unplaced = 0
  #pairs = 0

  constructor(
    readonly states: readonly [SideState, SideState],
    memoryBytes: number,
    folder?: string,
  ) {
    const [before, after] = states.map(({facts}) => new SidePlan(memoryBytes / 2, facts.placeMax, folder))
    this.sides = [before!, after!]
  }

  /** Entries to be looked at. */
  get entries(): number {
    return this.sides[0].entries + this.sides[1].entries
  }

  /** Leaves off where there are more than `entriesMax`. */
  async fill(index: KeyIndex, toleranceMs: number, entriesMax = Number.POSITIVE_INFINITY): Promise<void> {
    const alike = (words: Int32Array, at: number, kept: Int32Array): boolean => isAlike(words, at, kept, toleranceMs)
    for await (const {count, offsets} of index.differing(SECOND_SIDE, toleranceMs > 0 ? alike : undefined)) {
      const before = offsets.filter(offset => offset < SECOND_SIDE)
      const after = offsets.slice(before.length).map(offset => offset - SECOND_SIDE)
      if (before.length <= 1 && after.length <= 1) this.put(before[0], after[0])
      else this.#knot({before, after, more: count > offsets.length}, count)
      if (this.entries > entriesMax) return
    }
  }

  /** Plans a key that is at these places, marked as the index has them. */
  put(before: number | undefined, after: number | undefined): void {
    const [first, second] = this.states
    if (!isChosen(before) && !isChosen(after)) return
    const damaged =
      (before !== undefined && first.facts.damaged.has(placeOf(before))) ||
      (after !== undefined && second.facts.damaged.has(placeOf(after)))
    if (damaged) {
      this.lose(before === undefined ? [] : [before], after === undefined ? [] : [after])
    } else if (before !== undefined && after !== undefined) {
      const pair = this.#pairs++
      this.sides[0].put(before, PAIRED, pair)
      this.sides[1].put(after, PAIRED, pair)
    } else if (before !== undefined) {
      this.sides[0].put(before, second.incomplete ? LOST : ONLY, 0)
    } else if (after !== undefined) {
      this.sides[1].put(after, first.incomplete ? LOST : ONLY, 0)
    }
  }

  /** What cannot be compared; false where none of it is chosen. */
  lose(before: readonly number[], after: readonly number[]): boolean {
    if (![...before, ...after].some(isChosen)) return false
    for (const place of before) this.sides[0].put(place, LOST, 0)
    for (const place of after) this.sides[1].put(place, LOST, 0)
    return true
  }

  close(): void {
    for (const side of this.sides) side.close()
  }

  #knot(knot: Knot, count: number): void {
    this.unplaced += count - knot.before.length - knot.after.length
    if (knot.more || this.knots.length >= KNOTS_MAX) this.lose(knot.before, knot.after)
    else this.knots.push(knot)
  }
}

/** The planned entries of one side, in the order of their places. */
class SidePlan {
  entries = 0
  readonly #order: PlaceOrder

  constructor(memoryBytes: number, placeMax: number, folder: string | undefined) {
    this.#order = new PlaceOrder(memoryBytes, placeMax, folder)
  }

  put(marked: number, fate: number, pair: number): void {
    this.entries++
    this.#order.put(placeOf(marked), pair * FATES + (isChosen(marked) ? fate : fate + NOT_COUNTED))
  }

  /** Each, lent until the next is asked for. Once. */
  *planned(): Generator<PlannedEntry> {
    const planned = {place: 0, fate: 0, pair: 0, unchosen: false}
    for (const {place, value} of this.#order.places()) {
      planned.place = place
      planned.fate = value % NOT_COUNTED
      planned.unchosen = value % FATES >= NOT_COUNTED
      planned.pair = Math.floor(value / FATES)
      yield planned
    }
  }

  close(): void {
    this.#order.close()
  }
}

/** Of a place as the index has it. */
function isChosen(marked: number | undefined): boolean {
  return marked !== undefined && marked < UNCHOSEN
}

export function placeOf(marked: number): number {
  return marked % UNCHOSEN
}

/** Whether digests are equal and expiries near to each other. */
function isAlike(words: Int32Array, at: number, kept: Int32Array, toleranceMs: number): boolean {
  for (let i = 0; i < DIGEST_WORDS; i++) if (words[at + i] !== kept[i]) return false
  const one = expiryOf(words, at + DIGEST_WORDS)
  const other = expiryOf(kept, DIGEST_WORDS)
  if (words[at + DIGEST_WORDS] === kept[DIGEST_WORDS] && words[at + DIGEST_WORDS + 1] === kept[DIGEST_WORDS + 1])
    return true
  // Beyond what a double holds, as what stands for no expiry is, nothing is near.
  if (!Number.isSafeInteger(one) || !Number.isSafeInteger(other)) return false
  return Math.abs(one - other) <= toleranceMs
}

function expiryOf(words: Int32Array, at: number): number {
  return words[at]! * 2 ** 32 + (words[at + 1]! >>> 0)
}
