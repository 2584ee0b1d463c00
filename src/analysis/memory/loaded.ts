/**
 * What a server makes of elements that it reads one by one, from a snapshot or from commands: small collections are packed,
 * whatever they were when they were saved (rdb.c, rdbLoadObject; redis.conf, hash-max-listpack-entries and others).
 */
import {format17Digits, formatShortest} from '../../bytes/decimal.js'
import {type Halves, parseInt64} from '../../bytes/int64.js'
import {listpackEntryBytes} from '../../encoding/listpack.js'
import type {ValueType} from '../../keyspace/entry.js'
import type {MemoryLayout} from './layout.js'

/** The defaults of all versions. */
export const HASH_FIELDS_MAX = 512
export const SCORED_MAX = 128
export const MEMBERS_MAX = 128
const INTEGERS_MAX = 512
export const ELEMENT_BYTES_MAX = 64
/** A listpack besides its elements; an intset before its members. */
export const LISTPACK_BYTES = 7
/** A ziplist's header and end, less those of a listpack. */
export const ZIPLIST_EXTRA = 4
/** What an element of a listpack takes besides a short string. */
export const LISTPACK_ITEM = 2
const INTSET_HEAD = 8
/** An expiry as an element of a listpack, and that there is none (redis 7.4 t_hash.c, HASH_LP_NO_TTL). */
const EXPIRY_ITEM = 10
const NO_EXPIRY_ITEM = 2

const halves: Halves = {high: 0, low: 0}
const text = new Uint8Array(32)

export class LoadedElements {
  /** So far they fit into one packed string. */
  packing = false
  /** Fields of a hash that had been packed when the first long one came: -1 where none were. */
  packedBefore = -1
  elements = 0
  #bytes = 0
  #layout!: MemoryLayout
  #type: ValueType = 'hash'
  #expiring = false
  /** Of a set: there are no others, and the widest. */
  #integers = true
  #integerBytes = 2

  /** `count` is how many there will be, as far as it is known. */
  begin(layout: MemoryLayout, type: ValueType, count: number | undefined): void {
    this.#layout = layout
    this.#type = type
    this.packing = (count ?? 0) <= maxOf(type)
    this.packedBefore = -1
    this.elements = this.#bytes = 0
    this.#expiring = false
    this.#integers = true
    this.#integerBytes = 2
  }

  member(bytes: Uint8Array, start: number, end: number): void {
    this.elements++
    if (this.#integers && parseInt64(bytes, start, end, halves)) {
      this.#integerBytes = Math.max(this.#integerBytes, widthOf(halves))
    } else {
      this.#integers = false
    }
    this.#add(bytes, start, end)
    const most = this.#integers ? INTEGERS_MAX : this.#layout.packedSets ? MEMBERS_MAX : 0
    if (this.elements > most) this.packing = false
  }

  scored(bytes: Uint8Array, start: number, end: number, score: number): void {
    this.elements++
    this.#add(bytes, start, end)
    const spelled = this.#layout.shortScores ? formatShortest(score) : format17Digits(score)
    for (let i = 0; i < spelled.length; i++) text[i] = spelled.charCodeAt(i)
    this.#bytes += itemBytes(text, 0, spelled.length)
    if (this.elements > SCORED_MAX) this.packing = false
  }

  field(
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    expires: boolean,
  ): void {
    this.#add(name, nameStart, nameEnd)
    this.#add(value, valueStart, valueEnd)
    if (expires) this.#expires()
    else if (this.#expiring) this.#bytes += NO_EXPIRY_ITEM
    if (!this.packing && this.packedBefore < 0) this.packedBefore = this.elements
    this.elements++
    if (this.elements > HASH_FIELDS_MAX) this.packing = false
  }

  /** Bytes of the packed string, where it is one. */
  get packedBytes(): number {
    if (this.#type === 'set' && this.#integers) return INTSET_HEAD + this.#integerBytes * this.elements
    return LISTPACK_BYTES + (this.#layout.ziplists ? ZIPLIST_EXTRA : 0) + this.#bytes
  }

  #add(bytes: Uint8Array, start: number, end: number): void {
    if (end - start > ELEMENT_BYTES_MAX) this.packing = false
    else this.#bytes += itemBytes(bytes, start, end)
  }

  #expires(): void {
    const {fieldExpiry} = this.#layout
    if (fieldExpiry === 'valkey') {
      this.packing = false
    } else if (fieldExpiry === 'redis') {
      if (!this.#expiring) this.#bytes += this.elements * NO_EXPIRY_ITEM
      this.#expiring = true
      this.#bytes += EXPIRY_ITEM
    }
  }
}

function maxOf(type: ValueType): number {
  if (type === 'hash') return HASH_FIELDS_MAX
  if (type === 'set') return INTEGERS_MAX
  return type === 'zset' ? SCORED_MAX : 0
}

function itemBytes(bytes: Uint8Array, start: number, end: number): number {
  return Math.max(0, listpackEntryBytes(bytes, start, end))
}

/** Bytes of an intset's members that holds this one. */
function widthOf({high, low}: Halves): number {
  const narrow = low | 0
  if ((high | 0) !== narrow >> 31) return 8
  return narrow >= -0x8000 && narrow <= 0x7fff ? 2 : 4
}
