/**
 * How much more likely bytes are a key of this file than bytes by chance, in
 * bits: what keys are like is counted, and what chance makes is known.
 *
 *   type     8 bits of chance, against how many keys are of it
 *   length   as many, against how many keys are as long
 *   bytes    8 bits each, against how often keys have them
 *
 * Bits add up, from one record of a chain to the next: ten mean that of a
 * thousand places that are none, one looks so.
 */
import {type Entry, NEVER} from '../keyspace/entry.js'
import {EXPIRY_BYTES} from './common-strings.js'
import {isSealed} from './damage-edges.js'
import type {KeyAttributes} from './key-profile.js'
import * as op from './opcodes.js'

/** Keys that are looked at closely; of more one of some. */
const KEYS_CLOSE = 1024
const EVERY = 16
/** Of a key. */
const BYTES_MAX = 24
const LENGTHS = 80
const TYPES = 20
/** Zeros are everywhere. */
const TYPE_BITS_STRING = 5
/** What no key is like is made by damage sometimes, and by whoever names keys. */
const BITS_MIN = -12
const BITS_MAX = 60
/** A long text is like many keys, and no key. */
const NAME_BITS_MAX = 24
/** Fewer keys do not tell how long a key may be. */
const KEYS_TELLING = 4
const BITS_OF_NO_LENGTH = 16
/** An opcode, and of a time those bytes that are the same in all. */
const EXPIRY_BITS = 26
const USE_BITS = 8
/** Stored in four bytes, of which the first are zeros. */
const IDLE_LONG = 0x4000
const USE_BITS_LONG = 20
/** Values that say twice where they end. */
const SEALED_BITS = 14
/** Keys stored as integers begin with one of three bytes, and packed ones with another. */
const PACKED_BITS = 6

const INTEGER_BYTES_MAX = 5
const MINUS = 0x2d

/** As it is, as an integer, or compressed. */
type Form = 0 | 1 | 2

export class KeyOdds {
  #keys = 0
  #seen = 0
  readonly #types = new Uint32Array(256)
  readonly #lengths = new Uint32Array(LENGTHS + 2)
  readonly #forms = new Uint32Array(3)
  readonly #firsts = new Uint32Array(256)
  readonly #bytes = new Uint32Array(256)
  #bytesSeen = 0
  #firstsSeen = 0
  /** Keys whose bytes are like those of no other. */
  #random = 0
  #expiring = 0
  #idle = 0
  #frequency = 0

  learn(entry: Entry, attributes: KeyAttributes): void {
    if (this.#seen++ > KEYS_CLOSE && this.#seen % EVERY !== 0) return
    const form = formOf(entry, attributes)
    const {bytes, start, end} = entry.keyBytes
    this.#keys++
    this.#types[entry.typeId]!++
    this.#forms[form]!++
    if (attributes.expireAtMs !== NEVER) this.#expiring++
    if (attributes.idleSeconds >= 0) this.#idle++
    if (attributes.frequency >= 0) this.#frequency++
    if (form === 1) return
    if (this.#bytesBits(entry) < 0) this.#random++
    this.#lengths[Math.min(end - start, LENGTHS)]!++
    if (end === start) return
    this.#firsts[bytes[start]!]!++
    this.#firstsSeen++
    const until = Math.min(end, start + BYTES_MAX)
    for (let i = start + 1; i < until; i++) this.#bytes[bytes[i]!]!++
    this.#bytesSeen += until - start - 1
  }

  /** Of a key and what stands before it; of its value only what that says of itself, where it is `sound`. */
  bits(entry: Entry, attributes: KeyAttributes, sound: boolean): number {
    const {typeId} = entry
    const chance = typeId === op.TYPE_STRING ? TYPE_BITS_STRING : 8
    let bits = chance + Math.log2((this.#types[typeId]! + 0.5) / (this.#keys + 0.5 * TYPES))
    const form = formOf(entry, attributes)
    bits += Math.log2((this.#forms[form]! + 0.1) / (this.#keys + 0.3))
    if (form !== 0) bits += PACKED_BITS
    if (form !== 1) {
      const ofLength = this.#lengthBits(entry.keyBytes.end - entry.keyBytes.start)
      // Of a key that is as long as none, little is proved by what it is made of.
      bits += ofLength + Math.min(this.#nameBits(entry), ofLength < 0 ? NAME_BITS_MAX / 3 : NAME_BITS_MAX)
    }
    if (sound && isEvident(typeId)) bits += SEALED_BITS
    const before = this.#bitsBefore(attributes)
    // What stands before a key adds to the most that it can be worth: without, it is the same key, and less of it.
    return Math.max(Math.min(bits + Math.min(before, 0), BITS_MAX) + Math.max(before, 0), BITS_MIN)
  }

  /** Of what stands before a key. */
  #bitsBefore({expireAtMs, idleSeconds, frequency}: KeyAttributes): number {
    const idleBits = idleSeconds >= IDLE_LONG ? USE_BITS_LONG : USE_BITS
    return (
      this.#presence(expireAtMs !== NEVER, this.#expiring, EXPIRY_BITS) +
      this.#presence(idleSeconds >= 0, this.#idle, idleBits) +
      this.#presence(frequency >= 0, this.#frequency, USE_BITS)
    )
  }

  #presence(is: boolean, count: number, bits: number): number {
    const there = (count + 0.25) / (this.#keys + 0.5)
    return is ? bits + Math.log2(there) : Math.log2(1 - there)
  }

  #lengthBits(length: number): number {
    const at = Math.min(length, LENGTHS)
    const near = this.#near(at)
    if (near === 0 && this.#keys >= KEYS_TELLING) return -Math.min(this.#keys, BITS_OF_NO_LENGTH)
    return 7 + Math.log2(((this.#lengths[at]! + near) / 2 + 0.05) / (this.#keys + 3))
  }

  /** How many keys are about as long, of each length. */
  #near(length: number): number {
    const width = 1 + (length >> 2)
    const from = Math.max(length - width, 0)
    const until = Math.min(length + width, LENGTHS)
    let keys = 0
    for (let i = from; i <= until; i++) keys += this.#lengths[i]!
    return keys / (until - from + 1)
  }

  /** Either keys have such bytes, or as many keys as have others are of this kind. */
  #nameBits(entry: Entry): number {
    const random = (this.#random + 0.5) / (this.#keys + 1)
    return Math.log2(random + (1 - random) * 2 ** this.#bytesBits(entry))
  }

  #bytesBits({keyBytes: {bytes, start, end}}: Entry): number {
    if (end === start) return 0
    let bits = Math.log2(((this.#firsts[bytes[start]!]! + 0.1) / (this.#firstsSeen + 25.6)) * 256)
    const until = Math.min(end, start + BYTES_MAX)
    for (let i = start + 1; i < until; i++) {
      bits += Math.log2(((this.#bytes[bytes[i]!]! + 0.1) / (this.#bytesSeen + 25.6)) * 256)
    }
    return bits
  }
}

function isEvident(typeId: number): boolean {
  return isSealed(typeId) || typeId === op.TYPE_SET_INTSET
}

/** How a key is stored: the bytes between what stands before it and its value say so. */
function formOf({keyBytes: {bytes, start, end}, offset, valueOffset}: Entry, attributes: KeyAttributes): Form {
  const length = end - start
  const stored = valueOffset - offset - 1 - attributeBytes(attributes)
  if (stored === lengthBytes(length) + length) return 0
  return stored <= INTEGER_BYTES_MAX && isDecimal(bytes, start, end) ? 1 : 2
}

function attributeBytes({expireAtMs, idleSeconds, frequency}: KeyAttributes): number {
  const expiry = expireAtMs === NEVER ? 0 : EXPIRY_BYTES
  return expiry + (idleSeconds < 0 ? 0 : 1 + lengthBytes(idleSeconds)) + (frequency < 0 ? 0 : 2)
}

function lengthBytes(length: number): number {
  if (length < 0x40) return 1
  return length < 0x4000 ? 2 : 5
}

function isDecimal(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = bytes[start] === MINUS ? start + 1 : start; i < end; i++) {
    if (bytes[i]! < 0x30 || bytes[i]! > 0x39) return false
  }
  return true
}
