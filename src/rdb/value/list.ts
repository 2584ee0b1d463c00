/**
 * Lists.
 *
 *   1  LIST               <count> <string>*
 *   10 LIST_ZIPLIST       <string: ziplist>
 *   14 LIST_QUICKLIST     <nodes> <string: ziplist>*
 *   18 LIST_QUICKLIST_2   <nodes> (<container> <string>)*
 *                         container 1: the string is one element (PLAIN)
 *                         container 2: it is a listpack (PACKED)
 */
import type {ByteCursor} from '../../bytes/cursor.js'
import {LentBytes} from '../../bytes/lent.js'
import {readPlainLength} from '../../encoding/length.js'
import {readString, skipString} from '../../encoding/string.js'
import {FormatError} from '../../errors.js'
import type {ValueVisitor} from '../../keyspace/visitor.js'
import {
  CountedReader,
  claimedCount,
  type PackedKind,
  PackedReader,
  type PackedWalker,
  StringsReader,
  skipPacked,
  walkerOf,
} from './reader.js'

const CONTAINER_PLAIN = 1
const CONTAINER_PACKED = 2

export class ListReader extends StringsReader {
  readonly #item = new LentBytes(0)

  constructor() {
    super(1, 'list elements')
  }

  protected element(cursor: ByteCursor, visitor: ValueVisitor): void {
    const item = this.#item
    readString(cursor, item)
    visitor.item(item.bytes, item.start, item.end)
  }
}

export class ListZiplistReader extends PackedReader {
  readonly #item = new LentBytes(1)

  constructor() {
    super('ziplist', 1)
  }

  protected elements(visitor: ValueVisitor): void {
    showItems(this.walker, this.#item, visitor)
  }
}

/** Both quicklists. How many elements there are is known only at the end. */
export class QuicklistReader extends CountedReader {
  readonly #kind: PackedKind
  readonly #walker: PackedWalker
  readonly #node = new LentBytes(0)
  readonly #item = new LentBytes(1)

  constructor(readonly version: 1 | 2) {
    super(version, 'quicklist nodes')
    this.#kind = version === 1 ? 'ziplist' : 'listpack'
    this.#walker = walkerOf(this.#kind)
  }

  protected override counted(): undefined {
    this.entry.elements = 0
    return undefined
  }

  protected element(cursor: ByteCursor, visitor: ValueVisitor): void {
    const node = this.#node
    const plain = this.#isPlain(cursor)
    const at = cursor.offset
    readString(cursor, node)
    const nodes = visitor.depth === 'nodes'
    if (nodes) visitor.node(plain ? 'plain' : this.#kind, node.bytes, node.start, node.end)
    if (plain) {
      if (!nodes) visitor.item(node.bytes, node.start, node.end)
      this.entry.elements++
      return
    }
    // Whoever wants whole nodes walks them: what one claims to hold is enough here, where it says so.
    const claimed = nodes ? claimedCount(this.#kind, node) : -1
    if (claimed >= 0) {
      this.entry.elements += claimed
      return
    }
    this.#walker.open(node.bytes, node.start, node.end, at)
    const items = nodes ? countItems(this.#walker, this.#item) : showItems(this.#walker, this.#item, visitor)
    this.entry.elements += items
  }

  protected skipElement(cursor: ByteCursor): void {
    if (this.#isPlain(cursor)) {
      skipString(cursor)
      this.entry.elements++
    } else {
      this.entry.elements += skipPacked(cursor, this.#kind, this.#walker, this.#node)
    }
  }

  #isPlain(cursor: ByteCursor): boolean {
    if (this.version === 1) return false
    const container = readPlainLength(cursor)
    if (container === CONTAINER_PACKED) return false
    if (container === CONTAINER_PLAIN) return true
    throw new FormatError('BAD_LISTPACK', `quicklist container ${container} is neither 1 nor 2`, cursor.offset - 1)
  }
}

function showItems(walker: PackedWalker, item: LentBytes, visitor: ValueVisitor): number {
  let items = 0
  for (; walker.next(item); items++) visitor.item(item.bytes, item.start, item.end)
  return items
}

function countItems(walker: PackedWalker, item: LentBytes): number {
  let items = 0
  while (walker.next(item)) items++
  return items
}
