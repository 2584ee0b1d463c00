/**
 * One database: its keys in the order of their making, each with its value,
 * its expiry, and what a snapshot said of its use.
 *
 * The bytes of a string are the payload of its key's record. Entries are named
 * by numbers, which stand until a key is made.
 */
import type {Int64} from '../bytes/int64.js'
import {NEVER, type ValueType} from '../keyspace/entry.js'
import type {Arena} from './arena.js'
import {ByteTable, copyBytes, hashOf, RecordPlace} from './byte-table.js'
import type {ResidentValue} from './value.js'

/** What a snapshot says of a key besides its value and its expiry. */
export interface KeyFacts {
  /** -1 where absent. */
  idleSeconds: number
  /** -1 where absent. */
  frequency: number
  keyMeta: Uint8Array | undefined
}

/** A value without its key, on its way to another. */
export interface DetachedValue {
  /** Of a string. */
  bytes: Uint8Array | undefined
  value: ResidentValue | undefined
  expireAtMs: Int64
  facts: KeyFacts | undefined
}

const NO_BYTES = new Uint8Array(0)

export class Database {
  /** Keys that expire. */
  expiring = 0
  readonly #table: ByteTable
  #values: (ResidentValue | undefined)[] = []
  /** Milliseconds since 1970; NaN where a double cannot say it, then `#exact` does. */
  #expiries = new Float64Array(16).fill(NEVER)
  readonly #exact = new Map<number, Int64>()
  /** Few snapshots have any. */
  readonly #facts = new Map<number, KeyFacts>()
  readonly #place = new RecordPlace()

  constructor(readonly arena: Arena) {
    this.#table = new ByteTable(arena, (from, to) => this.#moved(from, to))
  }

  /** Keys there are. */
  get size(): number {
    return this.#table.size
  }

  /** The number of a key; -1 where there is none. */
  find(bytes: Uint8Array, start: number, end: number): number {
    return this.#table.find(bytes, start, end)
  }

  /** The first key from a number on; -1 where there is none. */
  next(from: number): number {
    return this.#table.next(from)
  }

  /** Where the key lies, and behind it the bytes of its string. Lent. */
  place(entry: number, into: RecordPlace): void {
    this.#table.place(entry, into)
  }

  /** A copy of a key. */
  key(entry: number): Uint8Array {
    this.#table.place(entry, this.#place)
    return this.#place.bytes.slice(this.#place.start, this.#place.end)
  }

  /** Undefined: it is a string. */
  value(entry: number): ResidentValue | undefined {
    return this.#values[entry]
  }

  type(entry: number): ValueType {
    return this.#values[entry]?.type ?? 'string'
  }

  /** NEVER where there is none. */
  expireAtMs(entry: number): Int64 {
    const at = this.#expiries[entry]!
    return Number.isNaN(at) ? this.#exact.get(entry)! : at
  }

  expire(entry: number, atMs: Int64): void {
    if (atMs === this.#expiries[entry]) return
    if (this.#expiries[entry] !== NEVER) this.expiring--
    if (atMs !== NEVER) this.expiring++
    const exact = atMs === NEVER || Number.isSafeInteger(atMs)
    this.#expiries[entry] = exact ? (atMs as number) : Number.NaN
    if (!exact) this.#exact.set(entry, atMs)
    else if (this.#exact.size > 0) this.#exact.delete(entry)
  }

  facts(entry: number): KeyFacts | undefined {
    return this.#facts.size === 0 ? undefined : this.#facts.get(entry)
  }

  note(entry: number, facts: KeyFacts): void {
    this.#facts.set(entry, facts)
  }

  /** A key is used, or has another value: what a snapshot said of its use is past. */
  touch(entry: number): void {
    if (this.#facts.size > 0) this.#facts.delete(entry)
  }

  /** Makes a key that is not there, with room for a string that the caller writes; returns its number. */
  makeString(bytes: Uint8Array, start: number, end: number, stringBytes: number): number {
    const entry = this.#table.add(hashOf(bytes, start, end), bytes, start, end, stringBytes)
    if (entry >= this.#expiries.length) this.#widen(entry)
    this.#expiries[entry] = NEVER
    this.#values[entry] = undefined
    return entry
  }

  /** Makes a key that is not there. */
  make(bytes: Uint8Array, start: number, end: number, value: ResidentValue): number {
    const entry = this.makeString(bytes, start, end, 0)
    this.#values[entry] = value
    return entry
  }

  /** Gives a string, or what was none before, another size; its beginning stays, what is new is not cleared. */
  resize(entry: number, stringBytes: number): void {
    const value = this.#values[entry]
    if (value !== undefined) {
      value.dispose()
      this.#values[entry] = undefined
    }
    this.#table.resize(entry, stringBytes)
  }

  /** The key is a string of these bytes from now on, whatever it was; returns its number. Its expiry stays. */
  setString(key: Uint8Array, keyStart: number, keyEnd: number, bytes: Uint8Array, start: number, end: number): number {
    const hash = hashOf(key, keyStart, keyEnd)
    let entry = this.#table.findHashed(hash, key, keyStart, keyEnd)
    if (entry < 0) {
      entry = this.makeString(key, keyStart, keyEnd, end - start)
    } else {
      this.resize(entry, end - start)
      this.touch(entry)
    }
    this.#table.place(entry, this.#place)
    copyBytes(bytes, start, end, this.#place.bytes, this.#place.end)
    return entry
  }

  /** The bytes of a string that is there become these. */
  replaceString(entry: number, bytes: Uint8Array, start: number, end: number): void {
    this.#table.resize(entry, end - start)
    this.#table.place(entry, this.#place)
    copyBytes(bytes, start, end, this.#place.bytes, this.#place.end)
  }

  remove(entry: number): void {
    this.#values[entry]?.dispose()
    this.#forget(entry)
  }

  #forget(entry: number): void {
    this.expire(entry, NEVER)
    this.touch(entry)
    this.#values[entry] = undefined
    this.#table.remove(entry)
  }

  /** Removes a key and hands out what it had. */
  detach(entry: number): DetachedValue {
    const value = this.#values[entry]
    const detached = this.#detached(entry, value)
    this.#forget(entry)
    return detached
  }

  /** What a key has, once more. */
  copy(entry: number): DetachedValue {
    return this.#detached(entry, this.#values[entry]?.copy())
  }

  #detached(entry: number, value: ResidentValue | undefined): DetachedValue {
    this.#table.place(entry, this.#place)
    const bytes = value === undefined ? this.#place.bytes.slice(this.#place.end, this.#place.payloadEnd) : undefined
    return {bytes, value, expireAtMs: this.expireAtMs(entry), facts: this.facts(entry)}
  }

  /** Gives a key what another had; what it had itself is gone. Returns its number. */
  attach(key: Uint8Array, start: number, end: number, {bytes, value, expireAtMs, facts}: DetachedValue): number {
    const there = this.find(key, start, end)
    if (there >= 0) this.remove(there)
    let entry: number
    if (value === undefined) {
      const string = bytes ?? NO_BYTES
      entry = this.setString(key, start, end, string, 0, string.length)
    } else {
      entry = this.make(key, start, end, value)
    }
    this.expire(entry, expireAtMs)
    if (facts !== undefined) this.note(entry, facts)
    return entry
  }

  /** While the arena moves its blocks: takes everything along. */
  move(): void {
    this.#table.move()
    for (const value of this.#values) value?.move()
  }

  /** Frees everything; it is not to be used any more. */
  dispose(): void {
    for (const value of this.#values) value?.dispose()
    this.#table.dispose()
  }

  #widen(entry: number): void {
    const wider = new Float64Array(Math.max(entry + 1, this.#expiries.length * 2))
    wider.set(this.#expiries)
    this.#expiries = wider
  }

  #moved(from: number, to: number): void {
    this.#values[to] = this.#values[from]
    this.#values[from] = undefined
    this.#expiries[to] = this.#expiries[from]!
    this.#expiries[from] = NEVER
    moveIn(this.#exact, from, to)
    moveIn(this.#facts, from, to)
  }
}

function moveIn<T>(map: Map<number, T>, from: number, to: number): void {
  if (map.size === 0) return
  const value = map.get(from)
  if (value === undefined) return
  map.delete(from)
  map.set(to, value)
}
