/**
 * What the keys of a file are like, learned from those that are certainly
 * there: bytes that only look like a record seldom look like one of this file.
 */
import {sequenceLength} from '../bytes/utf8.js'
import {type Entry, isCollection, NEVER} from '../keyspace/entry.js'
import {KeyOdds} from './key-odds.js'
import {TYPE_HASH_METADATA, TYPE_LIST_QUICKLIST_2} from './opcodes.js'

/** Fewer keys say nothing of the next. */
const KEYS_TELLING = 16
const KEYS_WELL_KNOWN = 64
/** Of a hundred keys so many at least are what all are said to be. */
const MOST = 0.95
/** What all keys have, their use and that they are text, shows soon. */
const KEYS_ALL = 4
/** How keys begin is told by so many, of which few are unlike all before. */
const KEYS_ALIKE = 48
const UNLIKE_MAX = 0.1
/** `user:1000`, `user.1000`, `user/1000`, `user-1000`, `user_1000` */
const SEPARATORS = [0x3a, 0x2e, 0x2f, 0x2d, 0x5f]
/** A key of so many characters is none by chance. */
const STRONG_BYTES_MIN = 4
/** A length that no profile forbids. */
const KEY_BYTES_FREE = 64
/** In a row, in a key: they are what damage leaves. */
const ZEROS_MAX = 64
const LONGER_MAX = 4
/** Of what no key of the file looks like, and of what chance does not make. */
const BITS_IMPLAUSIBLE = -10
export const BITS_STRONG = 18
/** No string is worth more. */
const FIELD_BITS = 60
/** In the year 2109: later ones are taken only from files that have such. */
const EXPIRY_FREE_MS = 2 ** 42

/**
 *   0   no key of this file looks like it
 *   1   nothing speaks against it
 *   2   chance does not make such a key
 */
export type Plausibility = 0 | 1 | 2

/** What stood before a key; an entry forgets it once its value has been read. */
export type KeyAttributes = Pick<Entry, 'expireAtMs' | 'idleSeconds' | 'frequency' | 'keyMeta' | 'dragonflyMask'>

/** A key that was walked over, or as far as it could be. */
export interface WalkedKey {
  readonly entry: Entry
  readonly attributes: KeyAttributes
}

export class KeyProfile {
  keys = 0
  /** Some are hashes that store fields as keys of strings are stored. */
  hasTimedHashes = false
  #texts = 0
  #bytesMax = 0
  /** Where all keys are of one length, as many times that. */
  #bytesAll = 0
  #expiring = 0
  #idle = 0
  #frequency = 0
  #meta = 0
  #masks = 0
  #latestMs = 0
  /** A bit for each pair of bytes that a key has begun with. */
  readonly #beginnings = new Uint8Array(8192)
  #unlike = 0
  /** Keys that have each of the characters that names are made of parts with. */
  readonly #separated = SEPARATORS.map(() => 0)
  /** A bit for each kind of character that a key has begun with. */
  #kinds = 0
  readonly #odds = new KeyOdds()

  /** Takes the key that was read for one of this file. */
  learn({entry, attributes}: WalkedKey): void {
    this.#odds.learn(entry, attributes)
    if (entry.typeId === TYPE_HASH_METADATA) this.hasTimedHashes = true
    const {keyBytes} = entry
    const {expireAtMs, idleSeconds, frequency, keyMeta, dragonflyMask} = attributes
    this.keys++
    this.#bytesMax = Math.max(this.#bytesMax, keyBytes.end - keyBytes.start)
    this.#bytesAll += keyBytes.end - keyBytes.start
    if (isText(keyBytes.bytes, keyBytes.start, keyBytes.end)) this.#texts++
    if (this.isTelling && !this.#isMet(pairOf(entry))) this.#unlike++
    for (let i = 0; i < SEPARATORS.length; i++) if (hasByte(entry, SEPARATORS[i]!)) this.#separated[i]!++
    this.#kinds |= kindAt(keyBytes.bytes, keyBytes.start)
    const pair = pairOf(entry)
    this.#beginnings[pair >> 3]! |= 1 << (pair & 7)
    if (expireAtMs !== NEVER) {
      this.#expiring++
      this.#latestMs = Math.max(this.#latestMs, Number(expireAtMs))
    }
    if (idleSeconds >= 0) this.#idle++
    if (frequency >= 0) this.#frequency++
    if (keyMeta !== undefined) this.#meta++
    if (dragonflyMask >= 0) this.#masks++
  }

  /** All that there is to learn has been learned. */
  isWhole = false

  /** More keys would say little more. */
  get isWellKnown(): boolean {
    return this.isWhole || this.keys >= KEYS_WELL_KNOWN
  }

  get isTelling(): boolean {
    return this.keys >= KEYS_TELLING
  }

  /** The keys of this file are text. */
  get isText(): boolean {
    return this.keys >= KEYS_ALL && this.#texts >= MOST * this.keys
  }

  /** Some keys have attributes: one without may have lost its own. */
  get hasAttributes(): boolean {
    return this.#expiring + this.#idle + this.#frequency + this.#meta + this.#masks > 0
  }

  get hasIdle(): boolean {
    return !this.isTelling || this.#idle > 0
  }

  get hasFrequency(): boolean {
    return !this.isTelling || this.#frequency > 0
  }

  get hasExpiries(): boolean {
    return !this.isTelling || this.#expiring > 0
  }

  get hasMeta(): boolean {
    return !this.isTelling || this.#meta > 0
  }

  get hasMasks(): boolean {
    return this.#masks > 0
  }

  /** Whether a key may have so many bytes. */
  takesLength(keyBytes: number): boolean {
    if (keyBytes === 0) return false
    return keyBytes <= KEY_BYTES_FREE || !this.isTelling || keyBytes <= LONGER_MAX * this.#bytesMax
  }

  takesExpiry(atMs: number): boolean {
    return atMs >= 0 && atMs <= Math.max(this.#latestMs, EXPIRY_FREE_MS)
  }

  /** How much more likely it is a key of this file than bytes by chance. `sound`: its value has been looked into. */
  bits(walked: WalkedKey, sound: boolean): number {
    const {entry, attributes} = walked
    let bits = this.#odds.bits(entry, attributes, sound)
    if (sound) bits += this.fieldBits(entry)
    const plausibility = this.plausibility(walked)
    if (plausibility === 0) return Math.min(bits, BITS_IMPLAUSIBLE)
    if (plausibility < 2 || this.keys >= KEYS_ALL) return bits
    // Without what stands before it, it is the same key, and less of it.
    return Math.max(bits, BITS_STRONG + (hasAttributes(attributes) ? 1 : 0))
  }

  /**
   * What the fields of a sound hash count for, where they are stored like keys: each of them would be one else. So would two nodes
   * of a list be.
   */
  fieldBits({typeId, elements}: Entry): number {
    if (typeId === TYPE_LIST_QUICKLIST_2) return (FIELD_BITS / 2) * Math.max(elements, 0)
    return typeId === TYPE_HASH_METADATA ? FIELD_BITS * Math.max(elements, 0) : 0
  }

  plausibility({entry, attributes}: WalkedKey): Plausibility {
    const {bytes, start, end} = entry.keyBytes
    if (!this.takesLength(end - start) || !this.#takesAttributes(attributes)) return 0
    if (this.#isOddLength(end - start) || hasZeros(bytes, start, end)) return 0
    // No server keeps a collection that holds nothing.
    if (entry.elements === 0 && isCollection(entry.type) && entry.type !== 'stream') return 0
    const text = isText(bytes, start, end)
    if (this.isText && (!text || this.#isUnlike(entry))) return 0
    return text && (this.isText || this.keys < KEYS_ALL) && end - start >= STRONG_BYTES_MIN ? 2 : 1
  }

  /** Keys begin with what others have begun with. */
  get #beginsAlike(): boolean {
    return this.keys >= KEYS_ALIKE && this.#unlike <= UNLIKE_MAX * (this.keys - KEYS_TELLING)
  }

  /** Whether a key begins with these bytes, which chance does not make. */
  beginsKey(bytes: Uint8Array, start: number, end: number): boolean {
    if (!this.isText || end - start < STRONG_BYTES_MIN || !isText(bytes, start, end)) return false
    return !this.#beginsAlike || this.#isMet(pairAt(bytes, start, end))
  }

  /** All other keys are binary, and of one length. */
  #isOddLength(keyBytes: number): boolean {
    return (
      this.isTelling && !this.isText && this.#bytesAll === this.keys * this.#bytesMax && keyBytes !== this.#bytesMax
    )
  }

  /** Chance makes few keys that begin like those that are there. */
  #isUnlike(entry: Entry): boolean {
    const {bytes, start} = entry.keyBytes
    // A few keys may all begin with digits, and the next with a letter.
    if (!this.isTelling) return false
    if (this.#lacksSeparator(entry)) return true
    return (this.#kinds & kindAt(bytes, start)) === 0 || (this.#beginsAlike && !this.#isMet(pairOf(entry)))
  }

  /** All other keys have a character that this one has not. */
  #lacksSeparator(entry: Entry): boolean {
    return this.#separated.some((keys, i) => keys >= MOST * this.keys && !hasByte(entry, SEPARATORS[i]!))
  }

  #isMet(pair: number): boolean {
    return ((this.#beginnings[pair >> 3]! >> (pair & 7)) & 1) === 1
  }

  #takesAttributes({expireAtMs, idleSeconds, frequency, keyMeta, dragonflyMask}: KeyAttributes): boolean {
    if (expireAtMs !== NEVER) {
      if (!this.hasExpiries || !this.takesExpiry(Number(expireAtMs))) return false
    }
    if (idleSeconds >= 0 ? !this.hasIdle : this.keys >= KEYS_ALL && this.#idle >= MOST * this.keys) return false
    if (frequency >= 0 ? !this.hasFrequency : this.keys >= KEYS_ALL && this.#frequency >= MOST * this.keys) return false
    if (dragonflyMask >= 0 && !this.hasMasks) return false
    // A server keeps one or the other.
    if (idleSeconds >= 0 && frequency >= 0) return false
    return keyMeta === undefined || this.hasMeta
  }
}

function hasAttributes({expireAtMs, idleSeconds, frequency}: KeyAttributes): boolean {
  return expireAtMs !== NEVER || idleSeconds >= 0 || frequency >= 0
}

function hasByte({keyBytes: {bytes, start, end}}: Entry, byte: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] === byte) return true
  return false
}

/** Whether so many zeros stand in a row that no key has them. */
function hasZeros(bytes: Uint8Array, start: number, end: number): boolean {
  // One of every so many is looked at first: none is far from a row.
  for (let at = start + ZEROS_MAX - 1; at < end; at += ZEROS_MAX) {
    if (bytes[at] !== 0) continue
    let from = at
    while (from > start && bytes[from - 1] === 0) from--
    let until = at + 1
    while (until < end && bytes[until] === 0) until++
    if (until - from >= ZEROS_MAX) return true
  }
  return false
}

/** A bit for the kind of a character: a digit, a letter, another of ASCII, any of another script. */
function kindAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at] ?? 0
  if (byte >= 0x80) return 1
  if (byte >= 0x30 && byte <= 0x39) return 2
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x7a ? 4 : 8
}

/** The first two bytes of a key; of a shorter one a zero for each that it has not. */
function pairOf({keyBytes: {bytes, start, end}}: Entry): number {
  return pairAt(bytes, start, end)
}

function pairAt(bytes: Uint8Array, start: number, end: number): number {
  if (end === start) return 0
  return (bytes[start]! << 8) | (end - start < 2 ? 0 : bytes[start + 1]!)
}

/** Whether bytes are UTF-8 without control characters. */
export function isText(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; ) {
    const byte = bytes[at]!
    if (byte < 0x20 || byte === 0x7f) return false
    const length = byte < 0x80 ? 1 : sequenceLength(bytes, at, end)
    if (length === 0) return false
    at += length
  }
  return true
}
