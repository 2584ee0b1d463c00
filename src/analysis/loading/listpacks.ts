/**
 * A listpack as servers look at it: only at its ends, or entry by entry, and
 * what becomes of them where they walk one that they have not looked at
 * (redis 7.0 listpack.c). Positions are indexes of `bytes`.
 */
import {formatInt64, parseInt64, readUint32le} from '../../bytes/int64.js'
import type {LentBytes} from '../../bytes/lent.js'
import type {Loader} from '../../rdb/loaders.js'

const HEADER_BYTES = 6
const END = 0xff
const COUNT_UNKNOWN = 0xffff

/** Behind the last entry. */
export const NO_ENTRY = -1
/** The server stops at an assertion. */
export const BROKEN = -2

export class ServerListpack {
  bytes: Uint8Array = new Uint8Array(0)
  start = 0
  end = 0
  /** The integer read last. */
  readonly integer = {high: 0, low: 0}
  readonly #shift: number

  constructor({backLengths}: Loader) {
    this.#shift = backLengths === 'valkey' ? 1 : 0
  }

  /** Looks at bytes[start, end); false where its ends are not a listpack's. */
  open({bytes, start, end}: LentBytes): boolean {
    this.bytes = bytes
    this.start = start
    this.end = end
    const size = end - start
    return size > HEADER_BYTES && readUint32le(bytes, start) === size && bytes[end - 1] === END
  }

  /** What the header says. */
  get claimed(): number {
    return this.bytes[this.start + 4]! | (this.bytes[this.start + 5]! << 8)
  }

  /** How many entries a server takes it to have; BROKEN where it has to count and cannot. */
  length(): number {
    const {claimed} = this
    if (claimed !== COUNT_UNKNOWN) return claimed
    let count = 0
    let p = this.first()
    for (; p >= 0; p = this.next(p)) count++
    return p === BROKEN ? BROKEN : count
  }

  first(): number {
    return this.#valid(this.start + HEADER_BYTES)
  }

  /** The entry behind the one at p, which is valid. */
  next(p: number): number {
    const size = this.#size(p)
    return this.#valid(p + size + this.#backBytes(size))
  }

  last(): number {
    return this.previous(this.end - 1)
  }

  previous(p: number): number {
    if (p === this.start + HEADER_BYTES) return NO_ENTRY
    const size = this.#backLength(p - 1)
    const at = p - size - this.#backBytes(size)
    return this.#step(at) < 0 ? BROKEN : at
  }

  /** The entry of that number, from the nearer end (redis 7.0 lpSeek). */
  seek(index: number): number {
    const {claimed} = this
    let p: number
    if (claimed !== COUNT_UNKNOWN) {
      if (index >= claimed) return NO_ENTRY
      if (index > Math.floor(claimed / 2)) {
        p = this.last()
        for (let i = claimed - 1; i > index && p >= 0; i--) p = this.previous(p)
        return p
      }
    }
    p = this.first()
    for (let i = 0; i < index && p >= 0; i++) p = this.next(p)
    return p
  }

  /** Whether every entry is sound, as many as the header says; `each` may say that one is not. */
  walked(each?: (p: number, index: number) => boolean): boolean {
    let p = this.start + HEADER_BYTES
    let count = 0
    while (this.bytes[p] !== END) {
      const after = this.#step(p)
      if (after < 0 || (each !== undefined && !each(p, count))) return false
      p = after
      count++
    }
    return p === this.end - 1 && (this.claimed === COUNT_UNKNOWN || this.claimed === count)
  }

  isInteger(p: number): boolean {
    const first = this.bytes[p]!
    return first < 0x80 || (first >= 0xc0 && first < 0xe0) || (first > 0xf0 && first < 0xf5)
  }

  /** Reads the integer at p, or that a string spells; false where it spells none. */
  readInteger(p: number): boolean {
    const {bytes, integer} = this
    const first = bytes[p]!
    if (!this.isInteger(p)) {
      const head = this.#headBytes(first)
      return parseInt64(bytes, p + head, p + this.#size(p), integer)
    }
    if (first < 0x80) this.#set(first)
    else if (first < 0xe0) this.#set(((((first & 0x1f) << 8) | bytes[p + 1]!) << 19) >> 19)
    else if (first === 0xf1) this.#set(((bytes[p + 1]! | (bytes[p + 2]! << 8)) << 16) >> 16)
    else if (first === 0xf2) this.#set(((bytes[p + 1]! | (bytes[p + 2]! << 8) | (bytes[p + 3]! << 16)) << 8) >> 8)
    else {
      const low = readUint32le(bytes, p + 1) | 0
      integer.low = low
      integer.high = first === 0xf3 ? low >> 31 : readUint32le(bytes, p + 5) | 0
    }
    return true
  }

  /** The integer read last, rounded where a double cannot hold it. */
  get number(): number {
    return this.integer.high * 2 ** 32 + (this.integer.low >>> 0)
  }

  /** Lends the entry at p as text. */
  text(p: number, into: LentBytes): void {
    const {bytes} = this
    if (this.isInteger(p)) {
      this.readInteger(p)
      into.lend(into.digits, 0, formatInt64(this.integer.high, this.integer.low >>> 0, into.digits, 0))
    } else {
      into.lend(bytes, p + this.#headBytes(bytes[p]!), p + this.#size(p))
    }
  }

  /** p itself, if an entry is there; NO_ENTRY at the end mark. */
  #valid(p: number): number {
    if (p < this.end && this.bytes[p] === END) return NO_ENTRY
    return this.#step(p) < 0 ? BROKEN : p
  }

  /** The position behind the entry at p; below 0 where that is none (redis 7.0 lpValidateNext). */
  #step(p: number): number {
    const last = this.end - 1
    if (p < this.start + HEADER_BYTES || p > last) return BROKEN
    const first = this.bytes[p]!
    // To assertions the end mark is fine.
    if (first === END) return p
    const head = this.#headBytes(first)
    if (head === 0 || p + head > last) return BROKEN
    const size = this.#size(p)
    const back = this.#backBytes(size)
    const after = p + size + back
    if (after > last || this.#backLength(after - 1) !== size) return BROKEN
    return after
  }

  /** Bytes that say how long the entry is, the first one included; 0 where no entry begins so. */
  #headBytes(first: number): number {
    if (first < 0xe0) return 1
    if (first < 0xf0) return 2
    if (first === 0xf0) return 5
    return first < 0xf5 ? 1 : 0
  }

  /** Bytes of encoding and data. */
  #size(p: number): number {
    const {bytes} = this
    const first = bytes[p]!
    if (first < 0x80) return 1
    if (first < 0xc0) return 1 + (first & 0x3f)
    if (first < 0xe0) return 2
    if (first < 0xf0) return 2 + (((first & 0x0f) << 8) | bytes[p + 1]!)
    if (first === 0xf0) return 5 + readUint32le(bytes, p + 1)
    return first === 0xf4 ? 9 : first - 0xee
  }

  #backBytes(size: number): number {
    if (size <= 127) return 1
    const shift = this.#shift
    if (size < 16_383 + shift) return 2
    if (size < 2_097_151 + shift) return 3
    return size < 268_435_455 + shift ? 4 : 5
  }

  /** Read backwards from p. */
  #backLength(p: number): number {
    let length = 0
    let unit = 1
    for (let i = 0; i < 5; i++, unit *= 128) {
      const byte = this.bytes[p - i] ?? 0
      length += (byte & 0x7f) * unit
      if (byte < 0x80) return length
    }
    return Number.POSITIVE_INFINITY
  }

  #set(value: number): void {
    this.integer.low = value
    this.integer.high = value >> 31
  }
}
