/** Records behind damage in a collection that may be the rest of its elements. */
import type {ByteRegion} from '../bytes/region.js'
import {NEVER} from '../keyspace/entry.js'
import {CollectionTail} from '../rdb/collection-tail.js'
import type {KeyProfile} from '../rdb/key-profile.js'
import {TYPE_STRING} from '../rdb/opcodes.js'
import type {RecordWalker} from '../rdb/record-walker.js'

/** In a row, where hashes store fields like string keys. */
const STRINGS_DOUBTFUL = 3

/** Records that may be elements. */
export interface Stretch {
  end: number
  keys: number
}

export class ElementStretch {
  #tail: CollectionTail | undefined
  #left = 0
  /** Up to where the last ones were walked over. */
  #end = -1

  /** `walker` is lent meanwhile. */
  constructor(
    readonly region: ByteRegion,
    readonly walker: RecordWalker,
    readonly profile: KeyProfile,
  ) {}

  /** The key at an offset, which has been walked over before, is damaged: what it holds may go on. */
  open(offset: number): boolean {
    const {entry} = this.walker
    const {db} = entry
    this.walker.readHead(offset)
    entry.db = db
    this.#tail = CollectionTail.open(this.region, this.walker.header, entry.typeId, entry.valueOffset)
    this.#left = -1
    this.#end = -1
    return this.#tail !== undefined
  }

  get isOpen(): boolean {
    return this.#tail !== undefined
  }

  /** No collection is known to be damaged. */
  close(): void {
    this.#tail = undefined
    this.#end = -1
  }

  /** Whether records end at `at`, right behind those that may be elements, of which more are announced. */
  goesOn(at: number): boolean {
    return this.#end === at && this.#left > 0
  }

  /** Walks over those records from `at` on that may be elements. */
  pass(at: number): Stretch {
    const tail = this.#tail
    if (tail === undefined) return this.#passStrings(at)
    let best: Stretch = {end: at, keys: 0}
    if (this.#left < 0) this.#left = tail.leftAt(at)
    let bestPhase = 0
    for (let phase = 0; phase < tail.phases; phase++) {
      tail.begin(at, phase, this.#left)
      const stretch = this.#agreeing(tail, at)
      if (stretch.end <= best.end) continue
      best = stretch
      bestPhase = phase
    }
    if (bestPhase !== tail.phases - 1) {
      tail.begin(at, bestPhase, this.#left)
      this.#agreeing(tail, at)
    }
    this.#left = tail.left
    this.#end = best.end
    return best
  }

  /** Keys without attributes that hold strings, of a collection whose beginning is lost. */
  #passStrings(at: number): Stretch {
    const {walker} = this
    let end = at
    let keys = 0
    const isTimed = this.profile.hasTimedHashes
    let isStrong = false
    while ((isTimed || keys === 0) && this.#isKey(end) && isString(walker)) {
      if (keys === 0) isStrong = this.profile.plausibility(walker) === 2
      end = walker.end
      keys++
    }
    // Names of this file, and but few: chance does not make them.
    return isStrong && keys < STRINGS_DOUBTFUL ? {end: at, keys: 0} : {end, keys}
  }

  #agreeing(tail: CollectionTail, from: number): Stretch {
    const {walker} = this
    let end = from
    let keys = 0
    while (tail.reaches(end) && this.#isKey(end)) {
      end = walker.end
      keys++
    }
    return {end, keys}
  }

  /** Whether a key is there, of a length that a key of this file may have: a damaged one seldom has. */
  #isKey(at: number): boolean {
    const {walker} = this
    if (!walker.walk(at) || walker.flaw !== undefined || walker.kind !== 'key') return false
    const {start, end} = walker.entry.keyBytes
    return this.profile.takesLength(end - start)
  }
}

function isString({entry, attributes}: RecordWalker): boolean {
  const {expireAtMs, idleSeconds, frequency} = attributes
  return entry.typeId === TYPE_STRING && expireAtMs === NEVER && idleSeconds < 0 && frequency < 0
}
