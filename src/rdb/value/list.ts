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
import {SpillBuffer} from '../../bytes/spill-buffer.js'
import {readPlainLength, writeLength} from '../../encoding/length.js'
import {claimedCount} from '../../encoding/packed-count.js'
import {readString, skipString, writeString} from '../../encoding/string.js'
import {FormatError} from '../../errors.js'
import type {Entry} from '../../keyspace/entry.js'
import type {ValueVisitor} from '../../keyspace/visitor.js'
import {LOST} from '../loss-kinds.js'
import {TYPE_LIST, TYPE_LIST_QUICKLIST, TYPE_LIST_QUICKLIST_2, TYPE_LIST_ZIPLIST} from '../opcodes.js'
import type {Policy} from '../policy.js'
import {
  CountedReader,
  type PackedKind,
  PackedPasser,
  PackedReader,
  type PackedWalker,
  StringsReader,
  walkerOf,
} from './reader.js'
import {StringsWriter, wrongCount} from './strings-writer.js'
import {PackedBlob, takeAll, type ValueSink, ValueWriter} from './writer.js'

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
  readonly #passer: PackedPasser
  readonly #node = new LentBytes(0)
  readonly #item = new LentBytes(1)

  constructor(readonly version: 1 | 2) {
    super(version, 'quicklist nodes')
    this.#kind = version === 1 ? 'ziplist' : 'listpack'
    this.#walker = walkerOf(this.#kind)
    this.#passer = new PackedPasser(this.#kind)
  }

  override begin(entry: Entry): void {
    super.begin(entry)
    this.#passer.reset()
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
    const claimed = nodes ? claimedCount(this.#kind, node, node.end - node.start) : -1
    if (claimed >= 0) {
      this.entry.elements += claimed
      return
    }
    this.#walker.open(node.bytes, node.start, node.end, at)
    const items = nodes ? countItems(this.#walker, this.#item) : showItems(this.#walker, this.#item, visitor)
    this.entry.elements += items
  }

  protected skipElement(cursor: ByteCursor): void {
    if (!this.#passer.inside && this.#isPlain(cursor)) {
      skipString(cursor)
      this.entry.elements++
    } else {
      this.entry.elements += this.#passer.pass(cursor)
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

/** Lists of servers before 3.2: one packed blob, or a count and strings. */
export class OldListWriter extends StringsWriter {
  constructor(sink: ValueSink, policy: Policy) {
    super(sink, policy, policy.list, 1, TYPE_LIST, TYPE_LIST_ZIPLIST)
  }

  override item(bytes: Uint8Array, start: number, end: number): void {
    this.put(bytes, start, end)
  }
}

/** What a server reckons for an element besides its bytes (quicklist.c SIZE_ESTIMATE_OVERHEAD). */
const LISTPACK_OVERHEAD = 8

/** Quicklists. How many nodes there are stands before them: they are gathered first. */
export class QuicklistWriter extends ValueWriter {
  readonly #listpacks: boolean
  readonly #blob: PackedBlob
  readonly #nodes = new SpillBuffer()
  readonly #block = new LentBytes()
  #nodeCount = 0
  #items = 0
  #announced: number | undefined
  /** It has an element too large for a node. */
  #isLost = false

  constructor(sink: ValueSink, policy: Policy) {
    super(sink, policy)
    this.#listpacks = policy.quicklist === 'listpacks'
    this.#blob = new PackedBlob(policy)
  }

  override begin(_entry: Entry, count: number | undefined): void {
    this.#announced = count
    this.#nodeCount = this.#items = 0
    this.#isLost = false
    this.#nodes.reset()
    this.#blob.builder.reset()
  }

  override item(bytes: Uint8Array, start: number, end: number): void {
    const {builder} = this.#blob
    const size = end - start
    this.#items++
    if (this.#listpacks && size >= this.policy.plainBytesMin) {
      this.#plainNode(bytes, start, end)
      return
    }
    const overhead = this.#listpacks ? LISTPACK_OVERHEAD : ziplistOverhead(size)
    if (builder.blobBytes + size + overhead > this.policy.listNodeBytesMax) this.#packedNode()
    if (builder.append(bytes, start, end)) return
    // Servers disagree about how an entry of this length is stored in a listpack.
    if (this.#listpacks) this.#plainNode(bytes, start, end)
    else this.#isLost = true
  }

  override end(entry: Entry): void {
    const {sink} = this
    this.#packedNode()
    if (this.#announced !== undefined && this.#announced !== this.#items) {
      throw wrongCount(entry, this.#announced, this.#items)
    }
    if (this.#isLost) {
      sink.lose(LOST.largeElements)
      return
    }
    if (this.#nodeCount === 0) {
      sink.passEmpty()
      return
    }
    sink.open(this.#listpacks ? TYPE_LIST_QUICKLIST_2 : TYPE_LIST_QUICKLIST)
    writeLength(sink.out, this.#nodeCount)
    takeAll(this.#nodes, sink, this.#block)
    sink.close()
  }

  override dispose(): void {
    this.#nodes.close()
  }

  /** Ends the node that is being packed, if it holds anything. */
  #packedNode(): void {
    const {builder} = this.#blob
    if (builder.count === 0) return
    const blob = builder.finish()
    if (this.#listpacks) writeLength(this.#nodes.out, CONTAINER_PACKED)
    this.#node(blob, 0, blob.length)
    builder.reset()
  }

  #plainNode(bytes: Uint8Array, start: number, end: number): void {
    this.#packedNode()
    writeLength(this.#nodes.out, CONTAINER_PLAIN)
    this.#node(bytes, start, end)
  }

  #node(bytes: Uint8Array, start: number, end: number): void {
    writeString(this.#nodes.out, bytes, start, end, this.policy.compress)
    this.#nodes.settle()
    this.#nodeCount++
  }
}

/** As _quicklistNodeAllowInsert of redis 6.2 reckons it. */
function ziplistOverhead(size: number): number {
  return (size < 254 ? 1 : 5) + (size < 64 ? 1 : size < 16_384 ? 2 : 5)
}
