/**
 * The rest of a collection that is damaged inside, read as what it is: elements.
 *
 *   HASH_METADATA  ... 00 <field> <value>  00 <field> <value>  ...
 *   a string key       00 <key>   <value>
 *
 * Byte for byte they are the same, so that where reading failed within a
 * collection, records that are found behind may be elements of it. They may be
 * as long as both readings agree on where the next one begins, and as the count
 * that the collection announces is not used up.
 */
import type {ByteRegion} from '../bytes/region.js'
import * as op from './opcodes.js'
import type {RdbHeader} from './versions.js'

type Part = 'string' | 'length' | 'time' | 'score'

/** What an element is stored as. */
interface Shape {
  parts: readonly Part[]
  /** Such elements for each that is counted. */
  times: number
  /** Before the count. */
  headBytes: number
}

const STRINGS: Shape = {parts: ['string'], times: 1, headBytes: 0}
const SHAPES: Readonly<Record<number, Shape>> = {
  [op.TYPE_LIST]: STRINGS,
  [op.TYPE_SET]: STRINGS,
  [op.TYPE_LIST_QUICKLIST]: STRINGS,
  [op.TYPE_HASH]: {...STRINGS, times: 2},
  [op.TYPE_ZSET]: {parts: ['string', 'score'], times: 1, headBytes: 0},
  [op.TYPE_ZSET_2]: {parts: ['string', 'time'], times: 1, headBytes: 0},
  [op.TYPE_LIST_QUICKLIST_2]: {parts: ['length', 'string'], times: 1, headBytes: 0},
  [op.TYPE_HASH_22]: {parts: ['length', 'string', 'string'], times: 1, headBytes: 0},
  [op.TYPE_HASH_METADATA]: {parts: ['length', 'string', 'string'], times: 1, headBytes: 8},
}
/** Valkey 9.0. */
const SHAPE_HASH_2: Shape = {parts: ['string', 'string', 'time'], times: 1, headBytes: 0}

const TIME_BYTES = 8
/** A length, or what a string begins with: a compressed one with two lengths. */
const HEAD_BYTES = 19
const SCORE_BYTES_MAX = 252
/** Elements that damage may have made out of one. */
const FORGED_MAX = 8

/** A place and what is read there. */
interface Place {
  at: number
  part: number
}

export class CollectionTail {
  /** How one may be read from a place on: beginning with any part of an element. */
  readonly phases: number
  /** What is left of the announced elements, at most. */
  left = 0
  #place: Place = {at: 0, part: 0}

  private constructor(
    readonly region: ByteRegion,
    readonly shape: Shape,
    /** Where the elements begin. */
    readonly offset: number,
    /** Elements that are announced. */
    readonly count: number,
  ) {
    this.phases = shape.parts.length
  }

  /** The collection whose value stands at an offset; undefined: its elements are no such, or not that many can be there. */
  static open(region: ByteRegion, header: RdbHeader, typeId: number, valueOffset: number): CollectionTail | undefined {
    const isHash2 = typeId === op.TYPE_HASH_22 && header.family === 'valkey'
    const shape = isHash2 ? SHAPE_HASH_2 : SHAPES[typeId]
    if (shape === undefined) return undefined
    const at = valueOffset + shape.headBytes
    const end = lengthEnd(region, at)
    if (end < 0) return undefined
    const count = lengthAt(region, at) * shape.times
    return new CollectionTail(region, shape, end, Math.min(count, region.inputBytes - end))
  }

  /** Of the elements, how many may stand from `at` on: those that can be read before have been, and what is lost held some. */
  leftAt(at: number): number {
    let read = 0
    let bytesMax = 1
    let place: Place | undefined = {at: this.offset, part: 0}
    let stop = this.offset
    while (read < this.count) {
      const from: number = place.at
      place = this.#element(place)
      if (place === undefined || place.at > at) break
      bytesMax = Math.max(bytesMax, place.at - from)
      stop = place.at
      read++
    }
    const lost = read === 0 ? 0 : Math.floor((at - stop) / bytesMax)
    const unread = this.count - read
    // One that is lost may be longer than all the others.
    return Math.min(this.count, Math.max(unread - lost, Math.min(unread, FORGED_MAX)) + FORGED_MAX)
  }

  /** Elements are read from `at` on, of which the first begins with one of its parts. */
  begin(at: number, phase: number, left: number): void {
    this.#place = {at, part: phase}
    this.left = left
  }

  /** Whether one part of an element ends at `at`, and another that is still announced may begin there. */
  reaches(at: number): boolean {
    while (this.#place.at < at) if (!this.#advance()) return false
    return this.#place.at === at && this.left > 0 && this.#next(this.#place) !== undefined
  }

  /** Where the element ends of which a part is read next; -1: it is none. */
  get elementEnd(): number {
    return this.#element(this.#place)?.at ?? -1
  }

  /** Whether one part of an element ends at `at`, whatever follows. */
  isAt(at: number): boolean {
    while (this.#place.at < at) if (!this.#advance()) return false
    return this.#place.at === at
  }

  #advance(): boolean {
    if (this.left <= 0) return false
    const next = this.#next(this.#place)
    if (next === undefined) return false
    this.#place = next
    if (next.part === 0) this.left--
    return true
  }

  /** Behind all parts of the element at a place. */
  #element(from: Place): Place | undefined {
    let place: Place | undefined = from
    do place = this.#next(place)
    while (place !== undefined && place.part !== 0)
    return place
  }

  #next({at, part}: Place): Place | undefined {
    const {parts} = this.shape
    const end = partEnd(this.region, at, parts[part]!)
    if (end < 0 || end > this.region.inputBytes) return undefined
    return {at: end, part: (part + 1) % parts.length}
  }
}

/** -1: it is none. */
function partEnd(region: ByteRegion, at: number, part: Part): number {
  switch (part) {
    case 'time':
      return at + TIME_BYTES
    case 'length':
      return lengthEnd(region, at)
    case 'score':
      return scoreEnd(region, at)
    default:
      return stringEnd(region, at)
  }
}

function scoreEnd(region: ByteRegion, at: number): number {
  if (at >= region.inputBytes) return -1
  const {bytes, start} = region.lend(at, 1)
  const digits = bytes[start]!
  return at + 1 + (digits > SCORE_BYTES_MAX ? 0 : digits)
}

function stringEnd(region: ByteRegion, at: number): number {
  if (at >= region.inputBytes) return -1
  const {bytes, start} = region.lend(at, HEAD_BYTES)
  const first = bytes[start]!
  if (first < 0xc0) {
    const end = lengthEnd(region, at)
    return end < 0 ? -1 : end + lengthAt(region, at)
  }
  // Integers of one, two and four bytes.
  if (first <= 0xc2) return at + 1 + 2 ** (first & 3)
  if (first !== 0xc3) return -1
  const packedEnd = lengthEnd(region, at + 1)
  const end = packedEnd < 0 ? -1 : lengthEnd(region, packedEnd)
  return end < 0 ? -1 : end + lengthAt(region, at + 1)
}

/** -1: no length stands there. */
function lengthEnd(region: ByteRegion, at: number): number {
  if (at >= region.inputBytes) return -1
  const {bytes, start} = region.lend(at, 1)
  const first = bytes[start]!
  if (first < 0x40) return at + 1
  if (first < 0x80) return at + 2
  if (first === 0x80) return at + 5
  return first === 0x81 ? at + 9 : -1
}

/** Of a length that is there. */
function lengthAt(region: ByteRegion, at: number): number {
  const {bytes, start} = region.lend(at, 9)
  const first = bytes[start]!
  if (first < 0x40) return first
  if (first < 0x80) return ((first & 0x3f) << 8) | bytes[start + 1]!
  let length = 0
  for (let i = 1; i < (first === 0x80 ? 5 : 9); i++) length = length * 256 + (bytes[start + i] ?? 0xff)
  return length
}
