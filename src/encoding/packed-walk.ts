/**
 * What walking a packed blob is, whatever its form: the checks at its opening,
 * the count at its end, and errors that say where. The walkers of a form know
 * its entries.
 *
 * Fields are plain, not private: the walkers work on them in their inner loops.
 */
import {formatInt64, parseInt64} from '../bytes/int64.js'
import type {LentBytes} from '../bytes/lent.js'
import {type FormatCode, FormatError} from '../errors.js'

/** Ends every form. */
export const PACKED_END = 0xff

export interface PackedForm {
  name: 'listpack' | 'ziplist' | 'zipmap'
  code: FormatCode
  /** What is counted, in words. */
  counted: string
  headerBytes: number
  /** Reads the size that the blob claims; absent where the form stores none. */
  total?: (bytes: Uint8Array, start: number) => number
  /** Reads the declared count; -1 where the blob does not say. */
  declared: (bytes: Uint8Array, start: number, end: number) => number
  /** Where in the blob the count stands. */
  countIndex: number
}

/** A FormatError's offset is the blob's own, or exact where `open` was told that the blob lies in the input as it is. */
export abstract class PackedWalk {
  /** Declared entries; -1 where the blob does not say. */
  count = 0
  /** Index in `bytes` of the next entry. */
  position = 0
  protected bytes: Uint8Array = new Uint8Array(0)
  protected start = 0
  /** Index of the end mark. */
  protected last = 0
  protected seen = 0
  #offset = 0
  #exact = false

  constructor(readonly form: PackedForm) {}

  /** Opens the blob that is exactly bytes[start, end). */
  open(bytes: Uint8Array, start: number, end: number, offset: number, exact = false): void {
    const {name, headerBytes, total, declared} = this.form
    this.bytes = bytes
    this.start = start
    this.last = end - 1
    this.seen = 0
    this.#offset = offset
    this.#exact = exact
    this.position = start + headerBytes
    const size = end - start
    if (size <= headerBytes) throw this.bad(`a ${name} has at least ${headerBytes + 1} bytes, this one ${size}`, start)
    const claimed = total === undefined ? size : total(bytes, start)
    if (claimed !== size) throw this.bad(`the ${name} claims ${claimed} bytes, but it is ${size} bytes long`, start)
    if (bytes[end - 1] !== PACKED_END) throw this.bad(`the ${name} has no end mark`, end - 1)
    this.count = declared(bytes, start, end)
  }

  /** No entry is left; the count has been checked only once the walk has said so. */
  get atEnd(): boolean {
    return this.position >= this.last
  }

  protected finishWalk(): false {
    if (this.count >= 0 && this.count !== this.seen) {
      const {name, counted, countIndex} = this.form
      const why = `the ${name} claims ${this.count} ${counted}, but holds ${this.seen}`
      throw this.bad(why, this.start + countIndex)
    }
    return false
  }

  protected early(p: number): FormatError {
    return this.bad('the end mark stands before the end', p)
  }

  protected overrun(p: number): FormatError {
    return this.bad(`an entry runs past the end of the ${this.form.name}`, p)
  }

  protected bad(why: string, p: number): FormatError {
    const index = p - this.start
    return new FormatError(this.form.code, `${why} (byte ${index} of it)`, this.#offset + (this.#exact ? index : 0))
  }
}

/** A walk over entries of which each is a string or an integer. */
export abstract class EntryWalk extends PackedWalk {
  /** The integer that nextInt64 read; `high` is signed, `low` unsigned. */
  high = 0
  low = 0
  /** Where the string that `pass` met begins; -1 where it met an integer. */
  protected dataStart = 0

  /** Steps over the entry at p with all checks, having set `dataStart`, or `high` and `low`; returns where its data end. */
  protected abstract pass(p: number): number

  /** Passes over the next entry with all checks; false at the end. */
  skipEntry(): boolean {
    const p = this.position
    if (p >= this.last) return this.finishWalk()
    this.pass(p)
    return true
  }

  /**
   * Reads the next entry, which must be an integer, into `high` and `low`. A
   * string that spells one counts, as it does to a server (lpGetInteger).
   */
  nextInt64(): void {
    const p = this.position
    if (p >= this.last) throw this.bad(`an integer belongs here, but the ${this.form.name} ends`, p)
    const end = this.pass(p)
    if (this.dataStart >= 0 && !parseInt64(this.bytes, this.dataStart, end, this)) {
      throw this.bad('an integer belongs here, not a string', p)
    }
  }

  /** Reads the next entry, which must be an integer that a double holds exactly. */
  nextInteger(): number {
    const p = this.position
    this.nextInt64()
    const value = this.high * 2 ** 32 + this.low
    if (!Number.isSafeInteger(value)) throw this.bad('the integer here is beyond 2^53', p)
    return value
  }

  /** Passes over the entry at p and lends it, an integer spelled out in `into.digits`. */
  protected lendEntry(p: number, into: LentBytes): true {
    const end = this.pass(p)
    if (this.dataStart >= 0) into.lend(this.bytes, this.dataStart, end)
    else into.lend(into.digits, 0, formatInt64(this.high, this.low, into.digits, 0))
    return true
  }
}
