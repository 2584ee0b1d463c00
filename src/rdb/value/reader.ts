/**
 * What the reader of one value type must do, and the two shapes that most of
 * them share: a count of elements, and one packed blob.
 */
import type {ByteCursor} from '../../bytes/cursor.js'
import {LentBytes} from '../../bytes/lent.js'
import {LzfStream} from '../../bytes/lzf.js'
import {IntsetWalker} from '../../encoding/intset.js'
import {readCount, readLength, readPlainLength} from '../../encoding/length.js'
import {ListpackWalker} from '../../encoding/listpack.js'
import {COUNT_BYTES, type CountedKind, claimedCount, PackedCounter} from '../../encoding/packed-count.js'
import {readString, StringRun, skipBlob} from '../../encoding/string.js'
import {ZiplistWalker} from '../../encoding/ziplist.js'
import {FormatError} from '../../errors.js'
import type {Entry} from '../../keyspace/entry.js'
import type {NodeKind, ValueVisitor} from '../../keyspace/visitor.js'

/**
 * Reads values of one type. A value may outlast the window: `read` then throws
 * STARVED with everything delivered committed, and is called again. From any
 * commit on it may be called with a visitor of depth skip instead: the rest of
 * the value is passed over.
 */
export interface ValueReader {
  /** A new value begins; forgets whatever was left of the last. */
  begin(entry: Entry): void
  /** Reads on until the value ends. At depth skip the visitor is not called; raw is read as skip. */
  read(cursor: ByteCursor, visitor: ValueVisitor): void
}

/** <count> <element>*: elements are delivered and committed one at a time. */
export abstract class CountedReader implements ValueReader {
  protected entry!: Entry
  protected left = -1
  /** Of the element that is being passed over, the first string has been passed and committed. */
  protected halfway = false

  /** `bytesEach` is the least an element can take, `what` names elements in an error. */
  constructor(
    readonly bytesEach: number,
    readonly what: string,
  ) {}

  begin(entry: Entry): void {
    this.entry = entry
    this.left = -1
    this.halfway = false
  }

  read(cursor: ByteCursor, visitor: ValueVisitor): void {
    const skipping = visitor.depth === 'skip'
    if (this.left < 0) {
      this.head(cursor)
      const count = readCount(cursor, this.bytesEach, this.what)
      const elements = this.counted(count)
      if (!skipping) visitor.begin(this.entry, elements)
      this.left = count
      cursor.commit()
    }
    if (skipping) {
      this.skipElements(cursor)
      return
    }
    while (this.left > 0) {
      this.element(cursor, visitor)
      this.left--
      cursor.commit()
    }
  }

  /** What stands before the count. */
  protected head(_cursor: ByteCursor): void {}

  /** The stored count is known: returns how many elements that makes, or undefined where it does not say. */
  protected counted(count: number): number | undefined {
    this.entry.elements = count
    return count
  }

  protected abstract element(cursor: ByteCursor, visitor: ValueVisitor): void
  protected abstract skipElement(cursor: ByteCursor): void

  protected skipElements(cursor: ByteCursor): void {
    while (this.left > 0) {
      this.skipElement(cursor)
      this.left--
      this.halfway = false
      cursor.commit()
    }
  }

  /** The first string of an element may be huge: behind it the window lets go of it. */
  protected passedHalf(cursor: ByteCursor): void {
    this.halfway = true
    cursor.commit()
  }
}

/** <count> (<string>* <tail>)*: what is not wanted is passed over in one loop. */
export abstract class StringsReader extends CountedReader {
  readonly #run: StringRun
  #passing = false

  /** `stringsEach` strings make one element; each is followed by `tailBytes`. */
  constructor(
    readonly stringsEach: number,
    what: string,
    tailBytes = 0,
  ) {
    super(stringsEach * (1 + tailBytes), what)
    this.#run = new StringRun(tailBytes)
  }

  override begin(entry: Entry): void {
    super.begin(entry)
    this.#passing = false
  }

  protected override skipElements(cursor: ByteCursor): void {
    if (!this.#passing) {
      this.#passing = true
      this.#run.left = this.left * this.stringsEach
    }
    this.#run.skip(cursor)
  }

  protected skipElement(): void {}
}

/** Lends the entries of a packed blob, one at a time. */
export interface PackedWalker {
  open(bytes: Uint8Array, start: number, end: number, offset: number): void
  next(into: LentBytes): boolean
}

export type PackedKind = Exclude<NodeKind, 'zipmap' | 'plain'>

export function walkerOf(kind: PackedKind): PackedWalker {
  if (kind === 'listpack') return new ListpackWalker()
  return kind === 'ziplist' ? new ZiplistWalker() : new IntsetWalker()
}

/**
 * Passes over packed blobs and says how many entries each has. A blob too large
 * for its 16-bit count is counted as it passes, window by window, and not held;
 * should it turn out damaged, it counts as empty: its framing is whole, and
 * nobody looks inside.
 */
export class PackedPasser {
  readonly #head = new LentBytes(0)
  readonly #counter = new PackedCounter()
  /** Stored bytes still to come of a blob that is being counted; -1 where none is. */
  #left = -1
  #packed = false
  #stream: LzfStream | undefined
  readonly #push = (bytes: Uint8Array, start: number, end: number): void => this.#counter.push(bytes, start, end)

  constructor(readonly kind: CountedKind) {}

  /** A blob is being counted: what stands before it has been read and committed. */
  get inside(): boolean {
    return this.#left >= 0
  }

  /** Forgets a blob that was given up. */
  reset(): void {
    this.#left = -1
  }

  /** Passes over the next blob, or the rest of the present one; returns its entries (pairs of a zipmap). */
  pass(cursor: ByteCursor): number {
    if (this.#left < 0) {
      const at = cursor.pos
      const blobBytes = skipBlob(cursor, COUNT_BYTES, this.#head)
      const claimed = claimedCount(this.kind, this.#head, blobBytes)
      if (claimed >= 0) return claimed
      cursor.pos = at
      this.#open(cursor, blobBytes)
    }
    this.#count(cursor)
    this.#left = -1
    return this.#counter.entries
  }

  #open(cursor: ByteCursor, blobBytes: number): void {
    const length = readLength(cursor)
    this.#packed = length < 0
    const left = this.#packed ? readPlainLength(cursor) : length
    if (this.#packed) {
      readPlainLength(cursor)
      this.#stream ??= new LzfStream()
      this.#stream.begin(left, blobBytes, cursor.offset)
    }
    this.#counter.begin(this.kind as Exclude<CountedKind, 'intset'>, blobBytes)
    this.#left = left
    cursor.commit()
  }

  #count(cursor: ByteCursor): void {
    while (this.#left > 0) {
      const bytes = cursor.some(this.#left)
      if (!this.#packed) this.#push(cursor.bytes, cursor.pos - bytes, cursor.pos)
      else if (!this.#unpack(cursor, bytes)) return
      this.#left -= bytes
      cursor.commit()
    }
  }

  /** False where the compressed bytes are damaged: then the rest is passed over. */
  #unpack(cursor: ByteCursor, bytes: number): boolean {
    try {
      this.#stream!.push(cursor.bytes, cursor.pos - bytes, cursor.pos, this.#push)
      return true
    } catch (error) {
      if (!(error instanceof FormatError)) throw error
      cursor.skip(this.#left - bytes)
      return false
    }
  }
}

function countPacked(walker: PackedWalker, blob: LentBytes, endOffset: number): number {
  walker.open(blob.bytes, blob.start, blob.end, endOffset - (blob.end - blob.start))
  const entry = new LentBytes(1)
  let count = 0
  while (walker.next(entry)) count++
  return count
}

/** One packed blob that holds the whole value. */
export abstract class PackedReader implements ValueReader {
  protected entry!: Entry
  protected readonly walker: PackedWalker
  readonly #passer: PackedPasser
  readonly #blob = new LentBytes(0)

  /** `entriesEach` is how many entries of the blob make one element of the value. */
  constructor(
    readonly kind: PackedKind,
    readonly entriesEach: number,
  ) {
    this.walker = walkerOf(kind)
    this.#passer = new PackedPasser(kind)
  }

  begin(entry: Entry): void {
    this.entry = entry
    this.#passer.reset()
  }

  read(cursor: ByteCursor, visitor: ValueVisitor): void {
    if (!this.#passer.inside) this.head(cursor)
    if (visitor.depth === 'skip') {
      this.entry.elements = Math.floor(this.#passer.pass(cursor) / this.entriesEach)
      return
    }
    const at = cursor.offset
    const blob = this.#blob
    readString(cursor, blob)
    let entries = claimedCount(this.kind, blob, blob.end - blob.start)
    if (entries < 0) entries = countPacked(this.walker, blob, cursor.offset)
    this.entry.elements = Math.floor(entries / this.entriesEach)
    visitor.begin(this.entry, this.entry.elements)
    if (visitor.depth === 'nodes') {
      visitor.node(this.kind, blob.bytes, blob.start, blob.end)
    } else {
      this.walker.open(blob.bytes, blob.start, blob.end, at)
      this.elements(visitor)
    }
  }

  /** What stands before the blob. */
  protected head(_cursor: ByteCursor): void {}

  /** Shows every element of the opened blob. */
  protected abstract elements(visitor: ValueVisitor): void
}
