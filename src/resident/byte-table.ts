/**
 * A table of byte strings, each with bytes that belong to it: the keys of a
 * database, the members of a large collection. Open addressing over dense
 * entries, so that walking them is in the order of their making.
 *
 *   cells   (<ref of the record, 0 free, -1 was used> <hash>) * slots
 *           <ref of the record, 0 gap> * entries                   one block of 32-bit words
 *   record  <bytes of the member: u32> <bytes of its payload: u32> <number of its entry: u32> [extra] member payload
 *
 * A slot leads to the record itself, since every step is a line of memory that the
 * processor waits for. An entry that is removed leaves a gap; where gaps are many the entries
 * close up (`onMoved` is told), and numbers of entries change: only then, and in `add`.
 */
import {type Arena, HEAD_BYTES, placeOf} from './arena.js'
import {hashOf} from './key-hash.js'

const MEMBER_BYTES = HEAD_BYTES
const PAYLOAD_BYTES = HEAD_BYTES + 4
const ENTRY = HEAD_BYTES + 8
/** Where extra bytes begin in a block, if there are any. */
export const EXTRA = HEAD_BYTES + 12
/** Of a record, before extra bytes and the member. */
const RECORD_HEAD_BYTES = 12
const ENTRIES_MIN = 8
/** A record that shrinks within this keeps its block. */
const SLACK_BYTES = 128
/** Of what the processor loads at once. */
const LINE_WORDS = 16
const FREE = 0
const USED = -1
const COPY_BY_LOOP_BYTES = 16
const COPY_BY_WORDS_BYTES = 80

/** Where a record lies. Lent: valid until anything is added or changed. */
export class RecordPlace {
  bytes: Uint8Array = new Uint8Array(0)
  /** The member. */
  start = 0
  /** End of the member, and start of the payload. */
  end = 0
  payloadEnd = 0
}

const own = new RecordPlace()

/** Tells that the entry `from` is the entry `to` from now on; always to < from, ascending. */
export type OnMoved = (from: number, to: number) => void

export class ByteTable {
  /** Entries there are. */
  size = 0
  /** Entries and gaps: entries are numbered below this. */
  length = 0
  /** Changes with every closing up of gaps: until then numbers of entries stand. */
  era = 0
  #cells: number
  /** Entries that there is room for; twice as many slots. */
  #capacity = ENTRIES_MIN
  /** Slots that are not free. */
  #used = 0
  /** What was found or added last. */
  #lastEntry = -1
  #lastRef = 0
  #lastSlot = 0
  readonly #data: number

  /** `extraBytes` of every record are its owner's, zero at first: a multiple of 4. */
  constructor(
    readonly arena: Arena,
    readonly onMoved?: OnMoved,
    readonly extraBytes = 0,
  ) {
    this.#data = HEAD_BYTES + RECORD_HEAD_BYTES + extraBytes
    this.#cells = this.#takeCells(ENTRIES_MIN)
  }

  /** The number of the entry; -1 where there is none. */
  find(bytes: Uint8Array, start: number, end: number): number {
    return this.findHashed(hashOf(bytes, start, end), bytes, start, end)
  }

  findHashed(hash: number, bytes: Uint8Array, start: number, end: number): number {
    const {words} = this.arena.chunk(this.#cells)
    const first = wordOf(this.#cells)
    const mask = 2 * this.#capacity - 1
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const ref = words[first + 2 * slot]!
      if (ref === FREE) return -1
      if (words[first + 2 * slot + 1] !== hash || ref === USED) continue
      const entry = this.#entryIf(ref >>> 0, bytes, start, end)
      if (entry < 0) continue
      this.#lastEntry = entry
      this.#lastRef = ref >>> 0
      this.#lastSlot = slot
      return entry
    }
  }

  /** The number of the entry of a record; -1 where that is of another member. */
  #entryIf(ref: number, bytes: Uint8Array, start: number, end: number): number {
    const chunk = this.arena.chunk(ref)
    const at = placeOf(ref)
    if (chunk.words[(at + MEMBER_BYTES) >>> 2] !== end - start) return -1
    const stored = chunk.bytes
    for (let i = start, j = at + this.#data; i < end; i++, j++) if (bytes[i] !== stored[j]) return -1
    return chunk.words[(at + ENTRY) >>> 2]!
  }

  /** Adds a member that is not there, with room for a payload that the caller writes (`place`); returns its number. */
  add(hash: number, bytes: Uint8Array, start: number, end: number, payloadBytes: number): number {
    if (this.length === this.#capacity || this.#used === 2 * this.#capacity - this.#capacity / 2) this.#remake()
    const entry = this.length++
    const ref = this.#record(entry, bytes, start, end, payloadBytes)
    const {words} = this.arena.chunk(this.#cells)
    const first = wordOf(this.#cells)
    words[first + 4 * this.#capacity + entry] = ref
    this.#lastSlot = this.#enter(words, first, hash, ref)
    this.#lastEntry = entry
    this.#lastRef = ref
    this.size++
    return entry
  }

  #record(entry: number, bytes: Uint8Array, start: number, end: number, payloadBytes: number): number {
    const ref = this.arena.take(RECORD_HEAD_BYTES + this.extraBytes + end - start + payloadBytes)
    const chunk = this.arena.chunk(ref)
    const at = placeOf(ref)
    const word = at >>> 2
    chunk.words[word + (MEMBER_BYTES >>> 2)] = end - start
    chunk.words[word + (PAYLOAD_BYTES >>> 2)] = payloadBytes
    chunk.words[word + (ENTRY >>> 2)] = entry
    for (let i = 0; i < this.extraBytes; i += 4) chunk.words[word + ((EXTRA + i) >>> 2)] = 0
    copyBytes(bytes, start, end, chunk.bytes, at + this.#data)
    return ref
  }

  #enter(words: Int32Array, first: number, hash: number, ref: number): number {
    const mask = 2 * this.#capacity - 1
    let slot = hash & mask
    for (;;) {
      const cell = words[first + 2 * slot]!
      if (cell === FREE || cell === USED) break
      slot = (slot + 1) & mask
    }
    if (words[first + 2 * slot] === FREE) this.#used++
    words[first + 2 * slot] = ref
    words[first + 2 * slot + 1] = hash
    return slot
  }

  remove(entry: number): void {
    const ref = this.ref(entry)
    const slot = this.#slotOf(entry, ref)
    const {words} = this.arena.chunk(this.#cells)
    const first = wordOf(this.#cells)
    const mask = 2 * this.#capacity - 1
    // Whoever probes goes on behind a slot that was used; before a free one nobody has to.
    const free = words[first + 2 * ((slot + 1) & mask)] === FREE
    words[first + 2 * slot] = free ? FREE : USED
    if (free) this.#used--
    this.arena.free(ref)
    words[first + 4 * this.#capacity + entry] = 0
    this.size--
    this.#lastEntry = -1
    if (entry === this.length - 1) this.length--
  }

  #slotOf(entry: number, ref: number): number {
    if (entry === this.#lastEntry) return this.#lastSlot
    const {words} = this.arena.chunk(this.#cells)
    const first = wordOf(this.#cells)
    const mask = 2 * this.#capacity - 1
    this.place(entry, own)
    let slot = hashOf(own.bytes, own.start, own.end) & mask
    while (words[first + 2 * slot]! >>> 0 !== ref) slot = (slot + 1) & mask
    return slot
  }

  /** Whether there is an entry of this number, and no gap. */
  has(entry: number): boolean {
    return this.ref(entry) !== 0
  }

  /** The next entry from this number on; -1 where there is none. */
  next(from: number): number {
    for (let entry = from; entry < this.length; entry++) if (this.ref(entry) !== 0) return entry
    return -1
  }

  /** Where the record of an entry lies. */
  place(entry: number, into: RecordPlace): void {
    const ref = this.ref(entry)
    const chunk = this.arena.chunk(ref)
    const at = placeOf(ref)
    into.bytes = chunk.bytes
    into.start = at + this.#data
    into.end = into.start + chunk.words[(at + MEMBER_BYTES) >>> 2]!
    into.payloadEnd = into.end + chunk.words[(at + PAYLOAD_BYTES) >>> 2]!
  }

  /** Loads the beginnings of records from an entry on, one beside the other: a hint to the processor. Returns nothing of use. */
  askFor(from: number, entries: number): number {
    let sum = 0
    const end = Math.min(from + entries, this.length)
    for (let entry = Math.max(from, 0); entry < end; entry++) {
      const ref = this.ref(entry)
      if (ref === 0) continue
      const {words} = this.arena.chunk(ref)
      sum ^= words[placeOf(ref) >>> 2]! ^ words[(placeOf(ref) >>> 2) + LINE_WORDS]!
    }
    return sum
  }

  /** Gives the payload another size: of what was there, the beginning stays, as far as there is room; the rest is not cleared. */
  resize(entry: number, payloadBytes: number): void {
    const ref = this.ref(entry)
    const at = placeOf(ref)
    const chunk = this.arena.chunk(ref)
    const head = RECORD_HEAD_BYTES + this.extraBytes + chunk.words[(at + MEMBER_BYTES) >>> 2]!
    const before = chunk.words[(at + PAYLOAD_BYTES) >>> 2]!
    const bytes = head + payloadBytes
    const room = this.arena.room(ref)
    if (bytes <= room && (bytes >= room >>> 1 || room <= SLACK_BYTES)) {
      chunk.words[(at + PAYLOAD_BYTES) >>> 2] = payloadBytes
      return
    }
    const slot = this.#slotOf(entry, ref)
    // What grows once grows again: an eighth more, so that appending does not copy everything every time.
    const wanted = payloadBytes > before && before > 0 && bytes > 128 ? bytes + (bytes >>> 3) : bytes
    const grown = this.arena.grow(ref, wanted, head + Math.min(before, payloadBytes))
    this.arena.chunk(grown).words[(placeOf(grown) + PAYLOAD_BYTES) >>> 2] = payloadBytes
    const {words} = this.arena.chunk(this.#cells)
    const first = wordOf(this.#cells)
    words[first + 4 * this.#capacity + entry] = grown
    words[first + 2 * slot] = grown
    if (entry === this.#lastEntry) this.#lastRef = grown
  }

  /** The block of an entry's record; 0 of a gap. */
  ref(entry: number): number {
    if (entry === this.#lastEntry) return this.#lastRef
    return this.arena.chunk(this.#cells).words[wordOf(this.#cells) + 4 * this.#capacity + entry]! >>> 0
  }

  /** Frees everything; the table is not to be used any more. */
  dispose(): void {
    for (let entry = this.next(0); entry >= 0; entry = this.next(entry + 1)) this.arena.free(this.ref(entry))
    this.arena.free(this.#cells)
    this.size = this.length = 0
    this.#lastEntry = -1
  }

  /** The replay kernel adds and removes from here to `takeBack`: what it has to know. False where the cells lie elsewhere. */
  lend(words: Uint32Array, at: number): boolean {
    const address = this.arena.addressOf(this.#cells)
    if (address < 0) return false
    words[at] = address + HEAD_BYTES
    words[at + 1] = this.#capacity
    words[at + 2] = this.size
    words[at + 3] = this.length
    words[at + 4] = this.#used
    return true
  }

  takeBack(words: Uint32Array, at: number): void {
    this.size = words[at + 2]!
    this.length = words[at + 3]!
    this.#used = words[at + 4]!
    this.#lastEntry = -1
  }

  /** While the arena moves its blocks: takes everything along. */
  move(): void {
    this.#lastEntry = -1
    this.#cells = this.arena.move(this.#cells)
    const first = wordOf(this.#cells)
    for (let slot = 0; slot < 2 * this.#capacity; slot++) {
      const ref = this.arena.chunk(this.#cells).words[first + 2 * slot]!
      if (ref === FREE || ref === USED) continue
      const moved = this.arena.move(ref >>> 0)
      const entry = this.arena.chunk(moved).words[(placeOf(moved) + ENTRY) >>> 2]!
      const {words} = this.arena.chunk(this.#cells)
      words[first + 2 * slot] = moved
      words[first + 4 * this.#capacity + entry] = moved
    }
  }

  /** Makes room: closes up, and doubles where few gaps are closed by that. */
  #remake(): void {
    const old = this.#cells
    const capacity = this.#capacity
    const {length} = this
    this.#capacity = this.size > (capacity * 3) >>> 2 ? capacity * 2 : capacity
    this.#cells = this.#takeCells(this.#capacity)
    const from = this.arena.chunk(old).words
    const slots = wordOf(old)
    const {words} = this.arena.chunk(this.#cells)
    const first = wordOf(this.#cells)
    let to = 0
    for (let entry = 0; entry < length; entry++) {
      const ref = from[slots + 4 * capacity + entry]! >>> 0
      if (ref === 0) continue
      words[first + 4 * this.#capacity + to] = ref
      if (to !== entry) {
        this.arena.chunk(ref).words[(placeOf(ref) + ENTRY) >>> 2] = to
        this.onMoved?.(entry, to)
      }
      to++
    }
    this.#used = 0
    for (let slot = 0; slot < 2 * capacity; slot++) {
      const ref = from[slots + 2 * slot]!
      if (ref !== FREE && ref !== USED) this.#enter(words, first, from[slots + 2 * slot + 1]!, ref)
    }
    if (to !== length) this.era++
    this.length = to
    this.#lastEntry = -1
    this.arena.free(old)
  }

  #takeCells(capacity: number): number {
    const ref = this.arena.take(capacity * 20)
    const first = wordOf(ref)
    this.arena.chunk(ref).words.fill(FREE, first, first + 4 * capacity)
    return ref
  }
}

/** The word of a chunk where the cells of a block begin. */
function wordOf(ref: number): number {
  return (placeOf(ref) + HEAD_BYTES) >>> 2
}

// Of the arrays that were copied between last: making a view of every copy would take longer than the copy.
let fromBytes: Uint8Array = new Uint8Array(0)
let fromView: DataView = new DataView(fromBytes.buffer)
let toBytes: Uint8Array = fromBytes
let toView: DataView = fromView

/** Copies bytes that do not overlap: byte by byte, by words, or in one call, as their number asks for (measured). */
export function copyBytes(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): void {
  const n = end - start
  if (n > COPY_BY_WORDS_BYTES) {
    to.set(from.subarray(start, end), at)
    return
  }
  let i = start
  let j = at
  if (n > COPY_BY_LOOP_BYTES) {
    if (from !== fromBytes) {
      fromBytes = from
      fromView = new DataView(from.buffer, from.byteOffset, from.length)
    }
    if (to !== toBytes) {
      toBytes = to
      toView = new DataView(to.buffer, to.byteOffset, to.length)
    }
    for (const last = end - 3; i < last; i += 4, j += 4) toView.setInt32(j, fromView.getInt32(i, true), true)
  }
  for (; i < end; i++, j++) to[j] = from[i]!
}
