/**
 * What the reader of one value type must do, and the two shapes that most of
 * them share: a count of elements, and one packed blob.
 */
import type {ByteCursor} from '../../bytes/cursor.js'
import {LentBytes} from '../../bytes/lent.js'
import {IntsetWalker, intsetCount} from '../../encoding/intset.js'
import {readCount} from '../../encoding/length.js'
import {ListpackWalker, listpackCount} from '../../encoding/listpack.js'
import {readString, StringRun, skipBlob, skipString} from '../../encoding/string.js'
import {ZiplistWalker, ziplistCount} from '../../encoding/ziplist.js'
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

  /** `bytesEach` is the least an element can take, `what` names elements in an error. */
  constructor(
    readonly bytesEach: number,
    readonly what: string,
  ) {}

  begin(entry: Entry): void {
    this.entry = entry
    this.left = -1
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
      cursor.commit()
    }
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

/** Bytes of a blob that say how many entries it has. */
const HEAD_BYTES = 10
/** Blobs shorter than this hold nothing, or damage. */
const HEAD_BYTES_MIN = 6

/** Entries that the first bytes of a blob claim; -1 where they do not say. */
export function claimedCount(kind: PackedKind, {bytes, start, end}: LentBytes): number {
  if (end - start < HEAD_BYTES_MIN) return -1
  if (kind === 'listpack') return listpackCount(bytes, start, end)
  return kind === 'intset' ? intsetCount(bytes, start, end) : ziplistCount(bytes, start, end)
}

/**
 * Passes over a packed blob and returns how many entries it has. Only a blob
 * too large for its 16-bit count is decompressed and walked; should it turn out
 * damaged, it counts as empty: its framing is whole, and nobody looks inside.
 */
export function skipPacked(cursor: ByteCursor, kind: PackedKind, walker: PackedWalker, blob: LentBytes): number {
  const at = cursor.pos
  skipBlob(cursor, HEAD_BYTES, blob)
  const claimed = claimedCount(kind, blob)
  if (claimed >= 0 || blob.end - blob.start < HEAD_BYTES_MIN) return Math.max(claimed, 0)
  cursor.pos = at
  try {
    readString(cursor, blob)
    return countPacked(walker, blob, cursor.offset)
  } catch (error) {
    if (!(error instanceof FormatError) || error.code === 'TRUNCATED') throw error
    cursor.pos = at
    skipString(cursor)
    return 0
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
  readonly #blob = new LentBytes(0)

  /** `entriesEach` is how many entries of the blob make one element of the value. */
  constructor(
    readonly kind: PackedKind,
    readonly entriesEach: number,
  ) {
    this.walker = walkerOf(kind)
  }

  begin(entry: Entry): void {
    this.entry = entry
  }

  read(cursor: ByteCursor, visitor: ValueVisitor): void {
    this.head(cursor)
    if (visitor.depth === 'skip') {
      const entries = skipPacked(cursor, this.kind, this.walker, this.#blob)
      this.entry.elements = Math.floor(entries / this.entriesEach)
      return
    }
    const at = cursor.offset
    const blob = this.#blob
    readString(cursor, blob)
    let entries = claimedCount(this.kind, blob)
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
