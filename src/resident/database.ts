/**
 * One database: its keys in the order of their making, each with its value,
 * its expiry, and what a snapshot said of its use.
 *
 * The bytes of a string are the payload of its key's record. Entries are named
 * by numbers, which stand until a key is made.
 *
 *   extra   <expires: 0 never, 1 in milliseconds, 2 beyond what a double holds: u32>
 *           <kind: 0 a string, 1 an object, else what one-block.ts numbers: u32> <expires: f64>
 *
 * Both stand in the record, which is in the processor's cache by then.
 */
import type {Int64} from '../bytes/int64.js'
import {NEVER, type ValueType} from '../keyspace/entry.js'
import {type Arena, placeOf} from './arena.js'
import {ByteTable, copyBytes, EXTRA, RecordPlace} from './byte-table.js'
import {hashOf} from './key-hash.js'
import {kindOf, moveBlock, type OneBlock, openBlock, typeOf} from './one-block.js'
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
/**
 * A string has no more: its length is a signed number of 32 bits, and stands with its key in one block. More than 512 MiB
 * (proto-max-bulk-len) no client gets; but a server that loads its log takes what it says (redis 7.0).
 */
export const STRING_BYTES_MAX = 2 ** 31 - 2 ** 16
const EXTRA_BYTES = 16
const EXPIRES = EXTRA >>> 2
const KIND = (EXTRA + 4) >>> 2
const EXPIRE_AT = EXTRA + 8
/** Kinds. */
const STRING = 0
const OBJECT = 1
/** Of the payload of a collection: there it is named, where it lies in one block. */
const OWNER_BYTES = 8
/** Behind what a table says. */
const EXPIRING_WORD = 5
const NOT = 0
const IN_MS = 1
const EXACTLY = 2

export class Database {
  /** Keys that expire. */
  expiring = 0
  readonly #table: ByteTable
  readonly #values = new Map<number, ResidentValue>()
  /** Objects that may lie in one block, made since `settle`. */
  readonly #unsettled = new Set<number>()
  /** Expiries that a double does not hold. */
  readonly #exact = new Map<number, Int64>()
  /** Few snapshots have any. */
  readonly #facts = new Map<number, KeyFacts>()
  readonly #place = new RecordPlace()

  constructor(readonly arena: Arena) {
    this.#table = new ByteTable(arena, (from, to) => this.#moved(from, to), EXTRA_BYTES)
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

  /** Asks for the memory of keys from a number on, so that it is near by when they are shown: nothing is waited for meanwhile. */
  askFor(from: number, keys: number): void {
    this.#table.askFor(from, keys)
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
    const kind = this.#word(entry, KIND)
    if (kind === STRING) return undefined
    if (kind !== OBJECT) this.#own(entry, this.#open(entry, kind))
    return this.#values.get(entry)
  }

  /** The same to be looked at only: an object that lies in one block is made for this. */
  seen(entry: number): ResidentValue | undefined {
    const kind = this.#word(entry, KIND)
    if (kind === STRING) return undefined
    return kind === OBJECT ? this.#values.get(entry) : this.#open(entry, kind)
  }

  #open(entry: number, kind: number): OneBlock {
    const place = this.#owner(entry)
    const view = this.arena.chunk(this.#table.ref(entry)).view
    return openBlock(this.arena, kind, view.getUint32(place, true), view.getUint32(place + 4, true))
  }

  /** Where in its chunk a record says which block a collection is. */
  #owner(entry: number): number {
    this.#table.place(entry, this.#place)
    return this.#place.end
  }

  #own(entry: number, value: ResidentValue): void {
    this.#values.set(entry, value)
    this.#setWord(entry, KIND, OBJECT)
    if (this.arena.kernel !== undefined) this.#unsettled.add(entry)
  }

  /** Objects that lie in one block are none any more: the kernel finds the block. Nobody may have one of them. */
  settle(): void {
    if (this.#unsettled.size === 0) return
    for (const entry of this.#unsettled) {
      const value = this.#values.get(entry)
      const kind = value === undefined ? 0 : kindOf(value)
      const block = kind === 0 ? 0 : (value as OneBlock).toBlock()
      if (block === 0) continue
      const {flags} = value as OneBlock
      const place = this.#owner(entry)
      const {view} = this.arena.chunk(this.#table.ref(entry))
      view.setUint32(place, block, true)
      view.setUint32(place + 4, flags, true)
      this.#setWord(entry, KIND, kind)
      this.#values.delete(entry)
    }
    this.#unsettled.clear()
  }

  isString(entry: number): boolean {
    return this.#word(entry, KIND) === STRING
  }

  type(entry: number): ValueType {
    const kind = this.#word(entry, KIND)
    if (kind === STRING) return 'string'
    return kind === OBJECT ? this.#values.get(entry)!.type : typeOf(kind)
  }

  #word(entry: number, which: number): number {
    const ref = this.#table.ref(entry)
    return this.arena.chunk(ref).words[(placeOf(ref) >>> 2) + which]!
  }

  #setWord(entry: number, which: number, value: number): void {
    const ref = this.#table.ref(entry)
    this.arena.chunk(ref).words[(placeOf(ref) >>> 2) + which] = value
  }

  /** NEVER where there is none. */
  expireAtMs(entry: number): Int64 {
    const how = this.#word(entry, EXPIRES)
    if (how === NOT) return NEVER
    if (how === EXACTLY) return this.#exact.get(entry)!
    const ref = this.#table.ref(entry)
    return this.arena.chunk(ref).view.getFloat64(placeOf(ref) + EXPIRE_AT, true)
  }

  expire(entry: number, atMs: Int64): void {
    const before = this.#word(entry, EXPIRES)
    if (before === EXACTLY) this.#exact.delete(entry)
    if (atMs === NEVER) {
      if (before === NOT) return
      this.expiring--
      this.#setWord(entry, EXPIRES, NOT)
      return
    }
    if (before === NOT) this.expiring++
    if (!Number.isSafeInteger(atMs)) {
      this.#exact.set(entry, atMs)
      this.#setWord(entry, EXPIRES, EXACTLY)
      return
    }
    const ref = this.#table.ref(entry)
    const chunk = this.arena.chunk(ref)
    chunk.words[(placeOf(ref) >>> 2) + EXPIRES] = IN_MS
    chunk.view.setFloat64(placeOf(ref) + EXPIRE_AT, atMs as number, true)
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
    return this.#table.add(hashOf(bytes, start, end), bytes, start, end, stringBytes)
  }

  /** Makes a key that is not there. */
  make(bytes: Uint8Array, start: number, end: number, value: ResidentValue): number {
    const entry = this.makeString(bytes, start, end, OWNER_BYTES)
    this.#own(entry, value)
    return entry
  }

  /** Gives a string, or what was none before, another size; its beginning stays, what is new is not cleared. */
  resize(entry: number, stringBytes: number): void {
    const value = this.value(entry)
    if (value !== undefined) {
      value.dispose()
      this.#values.delete(entry)
      this.#setWord(entry, KIND, STRING)
    }
    this.#table.resize(entry, stringBytes)
  }

  /** The key is a string of these bytes from now on, whatever it was; returns its number. Its expiry stays. */
  setString(key: Uint8Array, keyStart: number, keyEnd: number, bytes: Uint8Array, start: number, end: number): number {
    const hash = hashOf(key, keyStart, keyEnd)
    let entry = this.#table.findHashed(hash, key, keyStart, keyEnd)
    if (entry < 0) {
      entry = this.#table.add(hash, key, keyStart, keyEnd, end - start)
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
    this.value(entry)?.dispose()
    this.#forget(entry)
  }

  #forget(entry: number): void {
    this.expire(entry, NEVER)
    this.touch(entry)
    if (!this.isString(entry)) this.#values.delete(entry)
    this.#table.remove(entry)
  }

  /** Removes a key and hands out what it had. */
  detach(entry: number): DetachedValue {
    const value = this.value(entry)
    const detached = this.#detached(entry, value)
    this.#forget(entry)
    return detached
  }

  /** What a key has, once more. */
  copy(entry: number): DetachedValue {
    return this.#detached(entry, this.value(entry)?.copy())
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
    for (const value of this.#values.values()) value.move()
    if (this.arena.kernel === undefined) return
    for (let entry = this.next(0); entry >= 0; entry = this.next(entry + 1)) {
      const kind = this.#word(entry, KIND)
      if (kind <= OBJECT) continue
      const place = this.#owner(entry)
      const {view} = this.arena.chunk(this.#table.ref(entry))
      view.setUint32(place, moveBlock(this.arena, kind, view.getUint32(place, true)), true)
    }
  }

  /** The replay kernel runs commands from here to `takeBack`; false where it cannot. */
  lend(words: Uint32Array, at: number): boolean {
    if (this.#facts.size > 0) return false
    this.settle()
    words[at + EXPIRING_WORD] = this.expiring
    return this.#table.lend(words, at)
  }

  takeBack(words: Uint32Array, at: number): void {
    this.expiring = words[at + EXPIRING_WORD]!
    this.#table.takeBack(words, at)
  }

  /** Frees everything; it is not to be used any more. */
  dispose(): void {
    for (let entry = this.next(0); entry >= 0; entry = this.next(entry + 1)) this.seen(entry)?.dispose()
    this.#table.dispose()
  }

  #moved(from: number, to: number): void {
    moveIn(this.#values, from, to)
    if (this.#unsettled.size > 0 && this.#unsettled.delete(from)) this.#unsettled.add(to)
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
