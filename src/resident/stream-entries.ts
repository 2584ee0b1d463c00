/**
 * The entries of a stream in memory, in the order of their IDs: nodes of packed
 * entries, each in a block of its own.
 *
 *   node    <end of the entries: u32> <entries: u32> <start of the entries: u32> <entries ever: u32> entry*
 *   entry   <ID: 16 bytes> <bytes of all behind this> (<bytes of the string> string)*      fields and values in turn
 *           (packed-length.ts)
 *
 * What is trimmed goes from the front: only `start` moves.
 */
import {StreamId as Id, STREAM_ID_BYTES, type StreamId} from '../encoding/stream-id.js'
import {HEAD_BYTES, placeOf} from './arena.js'
import {copyBytes} from './byte-table.js'
import {lengthBytes, lengthEnd, putLength, readLength} from './packed-length.js'
import {PackedNodes} from './packed-nodes.js'

const END = HEAD_BYTES
const COUNT = HEAD_BYTES + 4
const START = HEAD_BYTES + 8
const EVER = HEAD_BYTES + 12
const DATA = HEAD_BYTES + 16
const NODE_HEAD_BYTES = 16
/** As a server's own nodes (stream-node-max-entries, stream-node-max-bytes): entries that were deleted count. */
const NODE_ENTRIES_MAX = 100
const NODE_BYTES_MAX = 4096
const NODE_BYTES_MIN = 244

/** Where strings lie in some memory: a start and an end each. */
export interface Strings {
  bytes: Uint8Array
  bounds: Int32Array
  first: number
  end: number
}

/** An entry. Lent: valid until entries are added or removed. */
export class EntryPlace {
  readonly id = new Id()
  bytes: Uint8Array = new Uint8Array(0)
  /** The first string, with its length before it. */
  start = 0
  end = 0
}

export class StreamEntries extends PackedNodes {
  readonly at = new EntryPlace()
  readonly #id = new Id()

  /** The blocks of its nodes. */
  get refs(): readonly number[] {
    return this.nodes
  }

  /** Takes nodes over that have so many entries. */
  adopt(refs: number[], size: number): void {
    this.nodes = refs
    this.size = size
  }

  /** Adds an entry behind all others. */
  append(id: StreamId, {bytes, bounds, first, end}: Strings): void {
    let body = 0
    for (let i = first; i < end; i++) {
      const length = bounds[2 * i + 1]! - bounds[2 * i]!
      body += lengthBytes(length) + length
    }
    const chunk = this.#room(STREAM_ID_BYTES + lengthBytes(body) + body)
    let p = this.#cursor
    id.writeBE(chunk, p)
    p = putLength(chunk, p + STREAM_ID_BYTES, body)
    for (let i = first; i < end; i++) {
      const start = bounds[2 * i]!
      const stop = bounds[2 * i + 1]!
      p = putLength(chunk, p, stop - start)
      copyBytes(bytes, start, stop, chunk, p)
      p += stop - start
    }
    this.size++
  }

  #cursor = 0

  /** Room for an entry at the end, which is counted: memory, and where in it (`#cursor`). */
  #room(size: number): Uint8Array {
    const {arena} = this
    const last = this.nodes.length - 1
    let node = last < 0 ? 0 : this.nodes[last]!
    const used = last < 0 ? 0 : this.word(node, END)
    const full = last < 0 || used + size > NODE_BYTES_MAX || this.word(node, EVER) >= NODE_ENTRIES_MAX
    if (full) {
      node = arena.take(Math.max(NODE_HEAD_BYTES + size, NODE_BYTES_MIN))
      this.nodes.push(node)
      for (const word of [END, COUNT, START, EVER]) this.setWord(node, word, 0)
    } else if (NODE_HEAD_BYTES + used + size > arena.room(node)) {
      const wanted = Math.min(NODE_HEAD_BYTES + (used + size) * 2, NODE_HEAD_BYTES + NODE_BYTES_MAX)
      node = arena.grow(node, wanted, NODE_HEAD_BYTES + used)
      this.nodes[last] = node
    }
    const at = this.word(node, END)
    this.setWord(node, END, at + size)
    this.setWord(node, COUNT, this.word(node, COUNT) + 1)
    this.setWord(node, EVER, this.word(node, EVER) + 1)
    this.#cursor = placeOf(node) + DATA + at
    return arena.chunk(node).bytes
  }

  /** Sees the first entry; false where there is none. */
  first(): boolean {
    if (this.size === 0) return false
    this.#read(this.nodes[0]!, this.word(this.nodes[0]!, START))
    return true
  }

  /** Sees the last entry; false where there is none. */
  last(): boolean {
    if (this.size === 0) return false
    const node = this.nodes.at(-1)!
    const end = this.word(node, END)
    for (let place = this.word(node, START); place < end; ) place = this.#read(node, place)
    return true
  }

  /** Sees an entry; false where it is not there. */
  find(id: StreamId): boolean {
    const number = this.#nodeOf(id)
    return number >= 0 && this.#findIn(this.nodes[number]!, id) >= 0
  }

  /** The place of an entry in a node; -1 where it is not there. */
  #findIn(node: number, id: StreamId): number {
    const end = this.word(node, END)
    for (let place = this.word(node, START); place < end; ) {
      const next = this.#read(node, place)
      const order = this.at.id.compare(id)
      if (order === 0) return place
      if (order > 0) return -1
      place = next
    }
    return -1
  }

  /** The last node that begins at or before an ID; -1 where none does. */
  #nodeOf(id: StreamId): number {
    let low = 0
    let high = this.nodes.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const node = this.nodes[middle]!
      this.#id.readBE(this.arena.chunk(node).bytes, placeOf(node) + DATA + this.word(node, START))
      if (this.#id.compare(id) <= 0) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  /** False where it is not there. */
  remove(id: StreamId): boolean {
    const number = this.#nodeOf(id)
    if (number < 0) return false
    const node = this.nodes[number]!
    const place = this.#findIn(node, id)
    if (place < 0) return false
    const next = this.#read(node, place)
    const end = this.word(node, END)
    const {bytes} = this.arena.chunk(node)
    const data = placeOf(node) + DATA
    bytes.copyWithin(data + place, data + next, data + end)
    this.setWord(node, END, end - (next - place))
    this.#dropped(number, 1)
    return true
  }

  /** So many entries of a node are gone: where it has none left, it goes too. */
  #dropped(number: number, entries: number): void {
    const node = this.nodes[number]!
    const left = this.word(node, COUNT) - entries
    this.size -= entries
    this.setWord(node, COUNT, left)
    if (left > 0) return
    this.arena.free(node)
    this.nodes.splice(number, 1)
  }

  /** Removes so many entries from the front; whole nodes only, where that is wanted. */
  dropFirst(entries: number, whole = false): void {
    let left = Math.min(entries, this.size)
    let nodes = 0
    while (nodes < this.nodes.length && left >= this.word(this.nodes[nodes]!, COUNT)) {
      const count = this.word(this.nodes[nodes]!, COUNT)
      left -= count
      this.size -= count
      this.arena.free(this.nodes[nodes++]!)
    }
    if (nodes > 0) this.nodes.splice(0, nodes)
    if (left === 0 || whole) return
    const node = this.nodes[0]!
    let place = this.word(node, START)
    for (let i = 0; i < left; i++) place = this.#skip(node, place)
    this.setWord(node, START, place)
    this.#dropped(0, left)
  }

  /** How many entries stand before an ID. */
  before(id: StreamId): number {
    let count = 0
    for (const node of this.nodes) {
      const end = this.word(node, END)
      for (let place = this.word(node, START); place < end; count++) {
        place = this.#read(node, place)
        if (this.at.id.compare(id) >= 0) return count
      }
    }
    return count
  }

  /** Every entry from an ID on, lent, until `take` answers with false; nothing may be changed meanwhile. */
  each(from: StreamId | undefined, take: (entry: EntryPlace) => unknown): void {
    const first = from === undefined ? 0 : Math.max(this.#nodeOf(from), 0)
    for (let number = first; number < this.nodes.length; number++) {
      const node = this.nodes[number]!
      const end = this.word(node, END)
      for (let place = this.word(node, START); place < end; ) {
        place = this.#read(node, place)
        if (from !== undefined && this.at.id.compare(from) < 0) continue
        if (take(this.at) === false) return
      }
    }
  }

  /** Takes over every entry of another, in nodes as they are there: what is trimmed goes by them. */
  copyFrom(other: StreamEntries): void {
    const {arena} = this
    for (const node of other.nodes) {
      const start = other.word(node, START)
      const bytes = other.word(node, END) - start
      const copy = arena.take(Math.max(NODE_HEAD_BYTES + bytes, NODE_BYTES_MIN))
      const from = placeOf(node) + DATA + start
      copyBytes(arena.chunk(node).bytes, from, from + bytes, arena.chunk(copy).bytes, placeOf(copy) + DATA)
      this.nodes.push(copy)
      this.setWord(copy, END, bytes)
      this.setWord(copy, START, 0)
      for (const word of [COUNT, EVER]) this.setWord(copy, word, other.word(node, word))
    }
    this.size += other.size
  }

  /** Sees the entry at a place of a node, and returns the place of the next. */
  #read(node: number, place: number): number {
    const {bytes} = this.arena.chunk(node)
    const data = placeOf(node) + DATA
    const {at} = this
    at.id.readBE(bytes, data + place)
    const body = readLength(bytes, data + place + STREAM_ID_BYTES)
    at.bytes = bytes
    at.start = lengthEnd()
    at.end = lengthEnd() + body
    return at.end - data
  }

  #skip(node: number, place: number): number {
    const data = placeOf(node) + DATA
    const body = readLength(this.arena.chunk(node).bytes, data + place + STREAM_ID_BYTES)
    return lengthEnd() + body - data
  }
}

/** Takes each string of an entry, where it starts and ends. */
export function eachString({bytes, start, end}: EntryPlace, take: (start: number, end: number) => void): void {
  for (let p = start; p < end; ) {
    const length = readLength(bytes, p)
    const from = lengthEnd()
    p = from + length
    take(from, p)
  }
}

/** How many strings an entry has. */
export function stringsOf({bytes, start, end}: EntryPlace): number {
  let count = 0
  for (let p = start; p < end; count++) {
    const length = readLength(bytes, p)
    p = lengthEnd() + length
  }
  return count
}
