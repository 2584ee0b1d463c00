/**
 * A key in the making: what its commands have said so far, held until they are
 * over, since its expiry comes last. Elements are held in a buffer that spills.
 *
 *   element   <bytes: u32le> bytes
 */

import type {Int64} from '../bytes/int64.js'
import {LentBytes} from '../bytes/lent.js'
import {SpillBuffer} from '../bytes/spill-buffer.js'
import {Entry, NEVER, NO_TYPE_ID, type ValueType} from '../keyspace/entry.js'
import type {EntryVisitor, ValueVisitor} from '../keyspace/visitor.js'
import {CreatedStream} from './created-stream.js'

const LENGTH_BYTES = 4

export class CreatedKey {
  readonly entry = new Entry()
  /** A key is in the making. */
  open = false
  readonly stream = new CreatedStream()
  readonly #elements = new SpillBuffer()
  readonly #block = new LentBytes()
  #key = new Uint8Array(256)
  #count = 0
  /** Expiries of fields, by field, one character a byte. */
  readonly #fieldExpiries = new Map<string, Int64>()

  /** Something has been said of what it holds. */
  get created(): boolean {
    return this.#count > 0
  }

  /** Whether the command at hand goes on with this key. */
  is(db: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (!this.open || this.entry.db !== db) return false
    const key = this.entry.keyBytes
    if (key.end !== end - start) return false
    for (let i = 0; i < key.end; i++) if (key.bytes[i] !== bytes[start + i]) return false
    return true
  }

  begin(db: number, bytes: Uint8Array, start: number, end: number, offset: number): void {
    const {entry} = this
    const length = end - start
    if (length > this.#key.length) this.#key = new Uint8Array(length * 2)
    this.#key.set(bytes.subarray(start, end))
    entry.keyBytes.lend(this.#key, 0, length)
    entry.clearAttributes()
    entry.db = db
    entry.typeId = NO_TYPE_ID
    entry.encoding = ''
    entry.elements = -1
    entry.module = ''
    entry.offset = offset
    entry.valueOffset = offset
    this.open = true
    this.#clear()
  }

  #clear(): void {
    this.#elements.reset()
    this.#count = 0
    this.#fieldExpiries.clear()
  }

  /** The key has this type; a string that is set anew forgets what it was. */
  become(type: ValueType): boolean {
    const {entry} = this
    if (this.#count > 0 && type === 'string') this.#clear()
    if (this.#count > 0 && entry.type !== type) return false
    if (entry.type !== type || this.#count === 0) entry.type = type
    if (type === 'stream' && this.#count === 0) this.stream.begin()
    this.#count++
    return true
  }

  add(bytes: Uint8Array, start: number, end: number): void {
    const {out} = this.#elements
    out.u32le(end - start)
    out.copy(bytes, start, end)
  }

  /** Where an element ends: what was added may go to disk. */
  settle(): void {
    this.#elements.settle()
  }

  addScore(score: number): void {
    this.#elements.out.f64le(score)
  }

  /** A piece of a string; no length stands before it. */
  addPiece(bytes: Uint8Array, start: number, end: number): void {
    this.#elements.out.copy(bytes, start, end)
    this.#elements.settle()
  }

  expireField(bytes: Uint8Array, start: number, end: number, expireAtMs: Int64): void {
    this.#fieldExpiries.set(textOf(bytes, start, end), expireAtMs)
  }

  /** All of the key's commands have been read. */
  show(visitor: EntryVisitor, endOffset: number): void {
    const {entry} = this
    this.open = false
    if (entry.type === 'string') entry.encoding = 'raw'
    const value = visitor.entry(entry)
    entry.elements = this.#show(value)
    entry.endOffset = endOffset
    value.end(entry)
    entry.clearAttributes()
  }

  #show(value: ValueVisitor): number {
    const {entry} = this
    switch (entry.type) {
      case 'string':
        return this.#showString(value)
      case 'stream':
        if (value.depth !== 'skip') value.begin(entry, undefined)
        return this.stream.show(value, () => this.#readAll())
      default: {
        if (value.depth !== 'skip') value.begin(entry, undefined)
        let count = 0
        for (const cursor of this.#readAll()) {
          this.#element(value, cursor)
          count++
        }
        return count
      }
    }
  }

  #showString(value: ValueVisitor): number {
    const elements = this.#elements
    const bytes = elements.bytes
    this.entry.elements = bytes
    if (value.depth === 'skip') return bytes
    value.begin(this.entry, bytes)
    for (let i = 0; i < elements.blocks && !value.opaqueStrings; i++) {
      elements.readBlock(i, this.#block)
      value.chunk(this.#block.bytes, this.#block.start, this.#block.end, i === elements.blocks - 1)
    }
    return bytes
  }

  #element(value: ValueVisitor, at: Elements): void {
    const {type} = this.entry
    if (type === 'zset') {
      const score = at.score()
      at.next()
      value.scored(at.bytes, at.start, at.end, score)
      return
    }
    at.next()
    const {bytes, start, end} = at
    if (type === 'list') value.item(bytes, start, end)
    else if (type === 'set') value.member(bytes, start, end)
    else {
      at.next()
      const expiries = this.#fieldExpiries
      const expireAtMs = expiries.size === 0 ? NEVER : (expiries.get(textOf(bytes, start, end)) ?? NEVER)
      value.field(bytes, start, end, at.bytes, at.start, at.end, expireAtMs)
    }
  }

  /** One stop for each element; whoever stands there reads what belongs to it. */
  *#readAll(): Generator<Elements> {
    const elements = this.#elements
    for (let i = 0; i < elements.blocks; i++) {
      elements.readBlock(i, this.#block)
      const at = new Elements(this.#block.bytes, this.#block.start, this.#block.end)
      while (!at.atEnd) yield at
    }
  }

  dispose(): void {
    this.#elements.close()
  }
}

/** A place within the elements held. */
export class Elements {
  start = 0
  end: number

  constructor(
    readonly bytes: Uint8Array,
    start: number,
    readonly blockEnd: number,
  ) {
    this.end = start
  }

  get atEnd(): boolean {
    return this.end >= this.blockEnd
  }

  next(): void {
    const {bytes, end} = this
    const length = (bytes[end]! | (bytes[end + 1]! << 8) | (bytes[end + 2]! << 16) | (bytes[end + 3]! << 24)) >>> 0
    this.start = end + LENGTH_BYTES
    this.end = this.start + length
  }

  score(): number {
    const value = new DataView(this.bytes.buffer, this.bytes.byteOffset + this.end, 8).getFloat64(0, true)
    this.end += 8
    return value
  }
}

function textOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1')
}
