/** Records behind damage in a collection that may be the rest of its elements. */
import type {ByteRegion} from '../bytes/region.js'
import {NEVER} from '../keyspace/entry.js'
import {CollectionTail} from '../rdb/collection-tail.js'
import {BITS_STRONG, type KeyProfile} from '../rdb/key-profile.js'
import {
  TYPE_HASH_22,
  TYPE_HASH_METADATA,
  TYPE_LIST,
  TYPE_LIST_QUICKLIST_2,
  TYPE_SET,
  TYPE_STRING,
  TYPE_ZSET_2,
} from '../rdb/opcodes.js'
import type {RecordWalker} from '../rdb/record-walker.js'

/** Collections whose elements are stored like records: a length that may be a type, and strings. */
const LIKE_RECORDS: ReadonlySet<number> = new Set([TYPE_HASH_METADATA, TYPE_HASH_22, TYPE_LIST_QUICKLIST_2])

/** Redis 7.4. */
const TIMED_HASHES_VERSION = 12
/** More in a row are no fields, or their count tells. */
const STRINGS_MAX = 4096

/** Of elements that lead astray, the beginnings are times that differ by so many milliseconds: types up to here. */
const ASTRAY_MAX = TYPE_ZSET_2
/** A key that is less like this file than that is no key right behind damage. */
export const BITS_LIKE = 4

/** In a row, they are what damage has left, and what follows them is as it was. */
const ZEROS_LEFT = 64
/** Of a hash whose fields are so long on average, one is no longer than so many of them. */
const FIELDS_LONG = 8
/** Nor than that, where they are short. */
const FIELD_BYTES_FREE = 128
/** Looked at before a place. */
const BEFORE_BYTES = 16 * 1024

/** Of a hash, fields that tell what others are like. */
const FIELDS_LOOKED_AT = 4

/** Records that may be elements. */
export interface Stretch {
  end: number
  keys: number
  /** Where each of them ends. */
  ends: number[]
  /** Of these, the first ones, up to the last that is not like other keys. */
  unlike: number
  /** They, or the first of them, may be of the collection that is known to be damaged. */
  isOfKnown: boolean
}

export class ElementStretch {
  #tail: CollectionTail | undefined
  #typeId = -1
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
    this.#typeId = entry.typeId
    this.#tail = CollectionTail.open(this.region, this.walker.header, entry.typeId, entry.valueOffset)
    this.#left = -1
    this.#end = -1
    return this.#tail !== undefined
  }

  /** Whether fields of the hash at an offset, which has been walked over before, are like keys. */
  hasKeyFields(offset: number): boolean {
    const {walker, region} = this
    const {entry} = walker
    const {db} = entry
    walker.readHead(offset)
    entry.db = db
    const tail = CollectionTail.open(region, walker.header, entry.typeId, entry.valueOffset)
    if (tail === undefined) return false
    let like = 0
    let fields = 0
    let at = tail.offset
    for (let i = 0; i < FIELDS_LOOKED_AT && at >= 0; i++) {
      tail.begin(at, 0, 1)
      if (walker.walk(at) && walker.kind === 'key' && isString(walker)) {
        fields++
        if (this.profile.bits(walker, true) >= BITS_LIKE) like++
      }
      entry.db = db
      at = tail.elementEnd
    }
    return 2 * like > fields
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
    let best: Stretch = {end: at, keys: 0, ends: [], unlike: 0, isOfKnown: false}
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
    return strings.end > best.end ? {...strings, isOfKnown: best.keys > 0} : best
  }

  /** Keys without attributes that hold strings, where a hash whose beginning is lost may store its fields so. */
  #passStrings(at: number): Stretch {
    const stretch: Stretch = {end: at, keys: 0, ends: [], unlike: 0, isOfKnown: false}
    const {family, rdbVersion} = this.walker.header
    if (family !== 'redis' || rdbVersion < TIMED_HASHES_VERSION) return stretch
    while (stretch.keys < STRINGS_MAX && this.#isKey(stretch.end) && isString(this.walker)) {
      this.#add(stretch, this.walker.end)
    }
    if (stretch.keys === 0 || this.#mayFollowFields(at, (stretch.end - at) / stretch.keys)) return stretch
    return {end: at, keys: 0, ends: [], unlike: 0, isOfKnown: false}
  }

  /**
   * Whether fields of a hash may stand before a place, of so many bytes each: not where zeros do that damage has left, and behind
   * these more than one field takes. That would have been read as fields are that follow.
   */
  #mayFollowFields(at: number, fieldBytes: number): boolean {
    const from = Math.max(at - BEFORE_BYTES, 0)
    const {bytes, start} = this.region.lend(from, at - from)
    const end = start + at - from
    let zeros = 0
    for (let i = end - 1; i >= start && zeros < ZEROS_LEFT; i--) {
      zeros = bytes[i] === 0 ? zeros + 1 : 0
      if (zeros === ZEROS_LEFT) return end - (i + zeros) <= FIELD_BYTES_FREE + FIELDS_LONG * fieldBytes
    }
    return true
  }

  /** The record that was walked over last is one, up to `end`. */
  #add(stretch: Stretch, end: number): void {
    stretch.end = end
    stretch.keys++
    stretch.ends.push(end)
    if (this.profile.bits(this.walker, true) < BITS_LIKE) stretch.unlike = stretch.keys
  }

  #agreeing(tail: CollectionTail, from: number): Stretch {
    const {walker} = this
    const stretch: Stretch = {end: from, keys: 0, ends: [], unlike: 0, isOfKnown: true}
    while (tail.reaches(stretch.end) && this.#isKey(stretch.end)) {
      const {end: behind} = walker
      const {valueOffset, typeId} = walker.entry
      const bits = this.profile.bits(walker, true)
      const {elementEnd, left} = tail
      if (tail.isAt(behind)) {
        if (!this.#mayBeElement()) return stretch
        this.#add(stretch, behind)
        continue
      }
      const goesOn = this.#goesOnAt(behind)
      // An element whose time is one of a type leads astray, into whatever stands behind it.
      const isAstray = typeId <= ASTRAY_MAX && this.#isSoundAt(elementEnd, Math.min(bits, BITS_STRONG))
      if (goesOn && !isAstray) return stretch
      walker.walk(stretch.end)
      this.#add(stretch, isAstray ? elementEnd : goesOn ? behind : valueOffset)
      if (!isAstray) return stretch
      tail.begin(elementEnd, 0, left - 1)
    }
    return stretch
  }

  /** Whether the record that was walked over last is what an element looks like. */
  #mayBeElement(): boolean {
    const {walker} = this
    if (this.#typeId !== TYPE_LIST_QUICKLIST_2) return isString(walker)
    return walker.entry.typeId === TYPE_LIST || walker.entry.typeId === TYPE_SET
  }

  /** Whether a record stands at a place that is so much like others, or another element that is stored like one. */
  #isSoundAt(at: number, bits: number): boolean {
    if (at < 0 || at >= this.region.inputBytes) return false
    const {walker} = this
    const {db} = walker.entry
    const isSound = walker.walk(at) && walker.flaw === undefined
    walker.entry.db = db
    return isSound && (walker.kind !== 'key' || this.profile.bits(walker, true) >= Math.max(bits, BITS_LIKE))
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
