/** Records behind damage in a collection that may be the rest of its elements. */
import type {ByteRegion} from '../bytes/region.js'
import {NEVER} from '../keyspace/entry.js'
import {CollectionTail} from '../rdb/collection-tail.js'
import {BITS_STRONG, type KeyProfile} from '../rdb/key-profile.js'
import {TYPE_HASH_22, TYPE_HASH_METADATA, TYPE_LIST_QUICKLIST_2, TYPE_STRING} from '../rdb/opcodes.js'
import type {RecordWalker} from '../rdb/record-walker.js'

/** Collections whose elements are stored like records: a length that may be a type, and strings. */
const LIKE_RECORDS: ReadonlySet<number> = new Set([TYPE_HASH_METADATA, TYPE_HASH_22, TYPE_LIST_QUICKLIST_2])

/** Redis 7.4. */
const TIMED_HASHES_VERSION = 12
/** More in a row are no fields, or their count tells. */
const STRINGS_MAX = 4096

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
    if (!LIKE_RECORDS.has(entry.typeId)) {
      this.close()
      return false
    }
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
    // What is lost before them may be the beginning of another one.
    const strings = this.#passStrings(at)
    return strings.end > best.end ? strings : best
  }

  /** Keys without attributes that hold strings, where a hash whose beginning is lost may store its fields so. */
  #passStrings(at: number): Stretch {
    const {walker} = this
    let end = at
    let keys = 0
    const {family, rdbVersion} = walker.header
    if (family !== 'redis' || rdbVersion < TIMED_HASHES_VERSION) return {end, keys}
    while (keys < STRINGS_MAX && this.#isKey(end) && isString(walker)) {
      end = walker.end
      keys++
    }
    return {end, keys}
  }

  #agreeing(tail: CollectionTail, from: number): Stretch {
    const {walker} = this
    let end = from
    let keys = 0
    while (tail.reaches(end) && this.#isKey(end)) {
      const {entry, end: behind} = walker
      const {valueOffset} = entry
      const bits = this.profile.bits(walker, true)
      keys++
      if (!tail.isAt(behind)) {
        const goesOn = this.#goesOnAt(behind)
        // A key that is like others is one.
        if (goesOn && bits >= BITS_STRONG) return {end, keys: keys - 1}
        // Another leads astray: what it hides stands behind its name.
        return {end: goesOn ? behind : valueOffset, keys}
      }
      end = behind
    }
    return {end, keys}
  }

  /** Whether a record, or the end of the file, stands at a place. */
  #goesOnAt(at: number): boolean {
    const {entry} = this.walker
    const {db} = entry
    const goesOn = at >= this.region.inputBytes || this.walker.walk(at)
    entry.db = db
    return goesOn
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
