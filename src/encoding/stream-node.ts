/**
 * One node of a stream: a listpack whose entries are relative to the node's ID.
 *
 *   <live> <deleted> <n> <name>*n <0>                           master entry
 *   <flags 2> <ms> <seq> <value>*n <n + 3>                      same fields as the master
 *   <flags 0> <ms> <seq> <m> (<name> <value>)*m <2m + 4>        fields of its own
 *
 * Each <…> is a listpack entry, numbers among them integers. ms and seq are
 * signed differences to the node's ID (seq may be negative where ms is not 0).
 * Flag bit 0 marks a deleted entry, bit 1 the same fields. The last number of
 * an entry counts its listpack entries before that number, so that a server can
 * walk backwards; the master's 0 stops it.
 */
import {LentBytes} from '../bytes/lent.js'
import {ByteWriter} from '../bytes/writer.js'
import {FormatError, LimitError} from '../errors.js'
import {limits} from '../limits.js'
import {type BoundaryForm, ListpackBuilder, ListpackWalker} from './listpack.js'
import {StreamId} from './stream-id.js'

const DELETED = 1
const SAME_FIELDS = 2
/** The smallest listpack entry, and the smallest stream entry: flags, two differences, the count of them. */
const ITEM_BYTES_MIN = 2
const ENTRY_BYTES_MIN = 4 * ITEM_BYTES_MIN

/** Bounds after which a server begins a new node (stream-node-max-bytes, stream-node-max-entries). */
export const NODE_BYTES_MAX = 4096
export const NODE_ENTRIES_MAX = 100

/** Byte strings one after another in one buffer: no object per string. */
class StringRun {
  readonly out = new ByteWriter()
  count = 0
  /** Where each ends; those behind `count` are left from longer runs, since an array that is cut gives its memory back. */
  readonly ends: number[] = []

  reset(): void {
    this.out.reset()
    this.count = 0
  }

  push(bytes: Uint8Array, start: number, end: number): void {
    this.out.copy(bytes, start, end)
    this.ends[this.count++] = this.out.length
  }

  start(i: number): number {
    return i === 0 ? 0 : this.ends[i - 1]!
  }

  lend(i: number, into: LentBytes): void {
    into.lend(this.out.bytes, this.start(i), this.ends[i]!)
  }

  equals(i: number, other: StringRun, j: number): boolean {
    const size = this.ends[i]! - this.start(i)
    const start = other.start(j)
    if (other.ends[j]! - start !== size) return false
    const a = this.out.bytes
    const b = other.out.bytes
    for (let k = 0, p = this.start(i); k < size; k++) if (a[p + k] !== b[start + k]) return false
    return true
  }
}

/**
 * Walks the entries of one node, deleted ones too. Damage to the listpack is
 * BAD_LISTPACK, damage to what it says is BAD_STREAM; offsets are as the
 * ListpackWalker's.
 */
export class StreamNodeWalker {
  /** Live and deleted entries, as the master entry claims. */
  liveCount = 0
  deletedCount = 0
  /** The present entry's ID; the object is reused for the next. */
  readonly id = new StreamId()
  deleted = false
  fieldCount = 0
  readonly #walker = new ListpackWalker()
  readonly #masterId = new StreamId()
  readonly #names = new StringRun()
  readonly #skipped = new LentBytes(0)
  #sameFields = false
  /** Fields of the present entry that nobody has read; -1 before the first entry. */
  #fieldsLeft = -1
  #liveSeen = 0
  #deletedSeen = 0
  #start = 0
  #end = 0
  #offset = 0
  #exact = false

  /** Opens the node that is exactly bytes[start, end). */
  open(bytes: Uint8Array, start: number, end: number, offset: number, masterId: StreamId, exact = false): void {
    const walker = this.#walker
    walker.open(bytes, start, end, offset, exact)
    this.#masterId.set(masterId)
    this.#start = start
    this.#end = end
    this.#offset = offset
    this.#exact = exact
    this.#fieldsLeft = -1
    this.#liveSeen = this.#deletedSeen = 0
    this.liveCount = this.#count('live entries', ENTRY_BYTES_MIN)
    this.deletedCount = this.#count('deleted entries', ENTRY_BYTES_MIN)
    const names = this.#names
    names.reset()
    for (let left = this.#count('fields', ITEM_BYTES_MIN); left > 0; left--) {
      if (!walker.next(this.#skipped)) throw this.#bad('the node ends among its field names')
      names.push(this.#skipped.bytes, this.#skipped.start, this.#skipped.end)
    }
    if (walker.nextInteger() !== 0) throw this.#bad('no 0 ends the master entry')
  }

  /** Goes to the next entry, past whatever fields of the last were not read; false at the end. */
  nextEntry(): boolean {
    if (this.#fieldsLeft >= 0) this.#endEntry()
    const walker = this.#walker
    if (walker.atEnd) return this.#finishWalk()
    const flags = walker.nextInteger()
    if (flags < 0 || flags > (DELETED | SAME_FIELDS)) throw this.#bad(`an entry has the unknown flags ${flags}`)
    this.deleted = (flags & DELETED) !== 0
    this.#sameFields = (flags & SAME_FIELDS) !== 0
    walker.nextInt64()
    const msHigh = walker.high
    const msLow = walker.low
    walker.nextInt64()
    this.id.set(this.#masterId)
    this.id.add(msHigh, msLow, walker.high, walker.low)
    this.fieldCount = this.#sameFields ? this.#names.count : this.#count('fields', 2 * ITEM_BYTES_MIN)
    this.#fieldsLeft = this.fieldCount
    if (this.deleted) this.#deletedSeen++
    else this.#liveSeen++
    return true
  }

  /** Lends the next field of the present entry; at most `fieldCount` of them. */
  nextField(name: LentBytes, value: LentBytes): void {
    const i = this.fieldCount - this.#fieldsLeft
    if (this.#sameFields) this.#names.lend(i, name)
    else if (!this.#walker.next(name)) throw this.#cut()
    if (!this.#walker.next(value)) throw this.#cut()
    this.#fieldsLeft--
  }

  #endEntry(): void {
    const walker = this.#walker
    for (let left = this.#sameFields ? this.#fieldsLeft : 2 * this.#fieldsLeft; left > 0; left--) {
      if (!walker.skipEntry()) throw this.#cut()
    }
    const expected = this.#sameFields ? this.fieldCount + 3 : 2 * this.fieldCount + 4
    const count = walker.nextInteger()
    if (count !== expected) throw this.#bad(`an entry of ${expected} items says it has ${count}`)
    this.#fieldsLeft = -1
  }

  #finishWalk(): false {
    this.#walker.next(this.#skipped)
    if (this.liveCount !== this.#liveSeen || this.deletedCount !== this.#deletedSeen) {
      const claimed = `${this.liveCount} live and ${this.deletedCount} deleted entries`
      throw this.#bad(`the node claims ${claimed}, but holds ${this.#liveSeen} and ${this.#deletedSeen}`)
    }
    return false
  }

  /** Reads a count of things of at least `bytesEach` bytes; one that the rest of the node cannot hold is refused at once. */
  #count(what: string, bytesEach: number): number {
    const count = this.#walker.nextInteger()
    const bytesLeft = this.#end - this.#walker.position
    if (count < 0 || count * bytesEach > bytesLeft) {
      throw this.#bad(`${count} ${what} are claimed, and ${bytesLeft} bytes are left`)
    }
    return count
  }

  #cut(): FormatError {
    return this.#bad('the node ends within an entry')
  }

  #bad(why: string): FormatError {
    const index = this.#walker.position - this.#start
    const offset = this.#offset + (this.#exact ? index : 0)
    return new FormatError('BAD_STREAM', `${why} (before byte ${index} of the node)`, offset)
  }
}

/**
 * Builds one node after another, as a server does that is given the entries by
 * XADD: the first entry's fields become the master's.
 *
 *   builder.beginEntry(id, 2)
 *   builder.field(…); builder.field(…)
 *   if (!builder.endEntry()) {
 *     <write builder.finish() under builder.masterId>
 *     builder.reset()
 *     builder.endEntry()
 *   }
 */
export class StreamNodeBuilder {
  /** ID of the node: its first entry's. */
  readonly masterId = new StreamId()
  liveCount = 0
  deletedCount = 0
  readonly #body: ListpackBuilder
  readonly #whole: ListpackBuilder
  readonly #masterNames = new StringRun()
  readonly #id = new StreamId()
  readonly #difference = new StreamId()
  readonly #names = new StringRun()
  readonly #values = new StringRun()
  #deleted = false

  /** `boundaryForm`: a stream has no other encoding to fall back to, so the target's form is chosen here. */
  constructor(
    readonly nodeBytesMax = NODE_BYTES_MAX,
    readonly nodeEntriesMax = NODE_ENTRIES_MAX,
    boundaryForm: Exclude<BoundaryForm, 'refuse'> = 'long',
  ) {
    this.#body = new ListpackBuilder(boundaryForm)
    this.#whole = new ListpackBuilder(boundaryForm)
  }

  get isEmpty(): boolean {
    return this.liveCount + this.deletedCount === 0
  }

  /** Starts the next node. An entry that `endEntry` refused is still there. */
  reset(): void {
    this.liveCount = this.deletedCount = 0
    this.#body.reset()
    this.#masterNames.reset()
  }

  /** Starts an entry; its fields follow, then `endEntry`. */
  beginEntry(id: StreamId, deleted = false): void {
    this.#id.set(id)
    this.#deleted = deleted
    this.#names.reset()
    this.#values.reset()
  }

  field(
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    this.#names.push(name, nameStart, nameEnd)
    this.#values.push(value, valueStart, valueEnd)
  }

  /** Puts the entry into the node; false where the node is full, and then it belongs into the next. */
  endEntry(): boolean {
    if (this.isEmpty) this.#beginNode()
    else if (this.#isFull()) return false
    const body = this.#body
    const same = this.#hasMasterNames()
    const count = this.#names.count
    body.appendInteger((same ? SAME_FIELDS : 0) | (this.#deleted ? DELETED : 0))
    const difference = this.#difference
    difference.subtract(this.#id, this.masterId)
    body.appendInt64(difference.msHigh | 0, difference.msLow)
    body.appendInt64(difference.seqHigh | 0, difference.seqLow)
    if (!same) body.appendInteger(count)
    for (let i = 0; i < count; i++) {
      if (!same) appendFrom(body, this.#names, i)
      appendFrom(body, this.#values, i)
    }
    body.appendInteger(same ? count + 3 : 2 * count + 4)
    if (this.#deleted) this.deletedCount++
    else this.liveCount++
    return true
  }

  /** Ends the node and lends its listpack: valid until the next `finish`. */
  finish(): Uint8Array {
    const whole = this.#whole
    whole.reset()
    whole.appendInteger(this.liveCount)
    whole.appendInteger(this.deletedCount)
    const names = this.#masterNames
    whole.appendInteger(names.count)
    for (let i = 0; i < names.count; i++) appendFrom(whole, names, i)
    whole.appendInteger(0)
    const entries = this.#body.entries()
    whole.appendEntries(entries, 0, entries.length, this.#body.count)
    return whole.finish()
  }

  #beginNode(): void {
    this.masterId.set(this.#id)
    const master = this.#masterNames
    const names = this.#names
    for (let i = 0; i < names.count; i++) master.push(names.out.bytes, names.start(i), names.ends[i]!)
  }

  /** As streamAppendItem of t_stream.c decides it: by the bytes the entry adds, names and values alone. */
  #isFull(): boolean {
    if (this.liveCount + this.deletedCount >= this.nodeEntriesMax) return true
    const added = this.#names.out.length + this.#values.out.length
    return this.#body.blobBytes + this.#masterNames.out.length + added >= this.nodeBytesMax
  }

  #hasMasterNames(): boolean {
    const count = this.#names.count
    if (count !== this.#masterNames.count) return false
    for (let i = 0; i < count; i++) if (!this.#names.equals(i, this.#masterNames, i)) return false
    return true
  }
}

/** A node beyond the largest listpack is one that no server could have made. */
function appendFrom(builder: ListpackBuilder, run: StringRun, i: number): void {
  if (builder.append(run.out.bytes, run.start(i), run.ends[i]!)) return
  const wanted = builder.blobBytes + run.ends[i]! - run.start(i)
  throw new LimitError('elementBytesMax', limits.elementBytesMax, wanted, 0)
}
