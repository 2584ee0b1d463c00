/**
 * A hash in memory. A field's payload is its value; once a field has an expiry
 * of its own (redis 7.4, valkey 9.0), eight bytes before every value say when.
 *
 *   payload   [<expires: i64le, -1 never>] value
 */
import {type Halves, type Int64, readUint32le, signedInt64, splitInt64} from '../bytes/int64.js'
import {NEVER} from '../keyspace/entry.js'
import type {ValueVisitor} from '../keyspace/visitor.js'
import type {Arena} from './arena.js'
import {copyBytes, type RecordPlace} from './byte-table.js'
import {Members} from './members.js'
import type {OneBlock} from './one-block.js'

const EXPIRY_BYTES = 8

const halves: Halves = {high: 0, low: 0}

export class HashValue implements OneBlock {
  readonly type = 'hash'
  readonly flags = 0
  #fields: Members
  /** Of payloads, before the value: 0 or EXPIRY_BYTES. */
  #ahead = 0

  constructor(
    readonly arena: Arena,
    block = 0,
  ) {
    this.#fields = new Members(arena, block)
  }

  static of(arena: Arena, block: number): HashValue {
    return new HashValue(arena, block)
  }

  /** Where fields expire, the block alone does not say everything. */
  toBlock(): number {
    return this.#ahead === 0 ? this.#fields.block : 0
  }

  get size(): number {
    return this.#fields.size
  }

  /** The field that was found last: `start` to `end` its name, `valueStart` to `payloadEnd` its value. Lent. */
  get at(): RecordPlace {
    return this.#fields.at
  }

  get valueStart(): number {
    return this.#fields.at.end + this.#ahead
  }

  /** The handle of a field, good until fields are changed; -1 where there is none. `at` is where it lies. */
  find(bytes: Uint8Array, start: number, end: number): number {
    return this.#fields.find(bytes, start, end)
  }

  /** Sets a field; its own expiry is gone, unless it is kept. True where it was not there. */
  set(
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    keepExpiry = false,
  ): boolean {
    const fields = this.#fields
    const payloadBytes = this.#ahead + valueEnd - valueStart
    const handle = fields.find(name, nameStart, nameEnd)
    if (handle < 0) {
      fields.add(name, nameStart, nameEnd, payloadBytes)
      this.#putExpiry(NEVER)
    } else {
      const expireAtMs = keepExpiry ? this.expiry() : NEVER
      if (fields.at.payloadEnd - fields.at.end !== payloadBytes) fields.resize(handle, payloadBytes)
      this.#putExpiry(expireAtMs)
    }
    copyBytes(value, valueStart, valueEnd, fields.at.bytes, this.valueStart)
    return handle < 0
  }

  /** Gives the field that was found last, whose handle this is, another value; its own expiry stays. */
  replace(handle: number, value: Uint8Array, valueStart: number, valueEnd: number): void {
    const fields = this.#fields
    const payloadBytes = this.#ahead + valueEnd - valueStart
    if (fields.at.payloadEnd - fields.at.end !== payloadBytes) {
      const expireAtMs = this.expiry()
      fields.resize(handle, payloadBytes)
      this.#putExpiry(expireAtMs)
    }
    copyBytes(value, valueStart, valueEnd, fields.at.bytes, this.valueStart)
  }

  /** When the field that was found last expires; NEVER where it does not. */
  expiry(): Int64 {
    if (this.#ahead === 0) return NEVER
    const {bytes, end} = this.#fields.at
    const low = readUint32le(bytes, end)
    const high = readUint32le(bytes, end + 4) | 0
    return high === -1 && low === 0xffff_ffff ? NEVER : signedInt64(high, low)
  }

  #putExpiry(atMs: Int64): void {
    if (this.#ahead > 0) putExpiry(this.#fields.at, atMs)
  }

  /** Gives a field that is there an expiry in milliseconds since 1970, or none: NEVER. */
  expire(bytes: Uint8Array, start: number, end: number, atMs: Int64): void {
    if (this.#ahead === 0) {
      if (atMs === NEVER) return
      this.#makeRoom()
    }
    if (this.#fields.find(bytes, start, end) >= 0) this.#putExpiry(atMs)
  }

  /** From here on every payload begins with an expiry. */
  #makeRoom(): void {
    const old = this.#fields
    const fields = new Members(this.arena)
    const {at} = old
    for (let handle = old.first(); handle >= 0; handle = old.next(handle)) {
      fields.add(at.bytes, at.start, at.end, EXPIRY_BYTES + at.payloadEnd - at.end)
      copyBytes(at.bytes, at.end, at.payloadEnd, fields.at.bytes, fields.at.end + EXPIRY_BYTES)
      putExpiry(fields.at, NEVER)
    }
    old.clear()
    this.#fields = fields
    this.#ahead = EXPIRY_BYTES
  }

  /** False where it is not there. */
  remove(bytes: Uint8Array, start: number, end: number): boolean {
    const handle = this.#fields.find(bytes, start, end)
    if (handle < 0) return false
    this.#fields.remove(handle)
    return true
  }

  /** Every field, lent in `at`; nothing may be changed meanwhile. */
  each(take: () => void): void {
    const fields = this.#fields
    for (let handle = fields.first(); handle >= 0; handle = fields.next(handle)) take()
  }

  show(visitor: ValueVisitor): void {
    const {at} = this.#fields
    this.each(() => visitor.field(at.bytes, at.start, at.end, at.bytes, this.valueStart, at.payloadEnd, this.expiry()))
  }

  copy(): HashValue {
    const copy = new HashValue(this.arena)
    const {at} = this.#fields
    this.each(() => {
      copy.set(at.bytes, at.start, at.end, at.bytes, this.valueStart, at.payloadEnd)
      const expireAtMs = this.expiry()
      if (expireAtMs !== NEVER) copy.expire(at.bytes, at.start, at.end, expireAtMs)
    })
    return copy
  }

  move(): void {
    this.#fields.move()
  }

  dispose(): void {
    this.#fields.clear()
  }
}

/** Writes the beginning of a payload. */
function putExpiry({bytes, end}: RecordPlace, atMs: Int64): void {
  if (atMs === NEVER) halves.high = halves.low = -1
  else splitInt64(atMs, halves)
  for (let i = 0; i < 4; i++) {
    bytes[end + i] = halves.low >>> (8 * i)
    bytes[end + 4 + i] = halves.high >>> (8 * i)
  }
}
