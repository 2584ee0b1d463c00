/**
 * The bytes of memory that a key takes in a named server.
 *
 * A value is the sum of its parts: what the table, the quicklist or the radix
 * tree takes for itself, and an allocation for every string or node. `estimate` works
 * from what a reader knows that passes over values: how many elements, and their bytes in all. For parts
 * seen one by one see MemoryVisitor; both put them together here.
 */

import {
  NODE_BYTES_MAX as STREAM_NODE_BYTES_MAX,
  NODE_ENTRIES_MAX as STREAM_NODE_ENTRIES_MAX,
} from '../../encoding/stream-node.js'
import {type Entry, NEVER} from '../../keyspace/entry.js'
import {allocated, allocatedMean} from './jemalloc.js'
import type {MemoryLayout} from './layout.js'
import {bareEntryBytes, slotsOf, tableBytes} from './tables.js'

/**
 *   allocated   what the allocator gives away for the key and its value: add `databaseBytes` for the tables
 *   usage       what MEMORY USAGE answers with SAMPLES 0: it leaves out what rounding adds to structures
 */
export type MemoryMeasure = 'allocated' | 'usage'

/** quicklist (quicklist.h). */
const QUICKLIST = 40
/** list-max-listpack-size -2: a node ends before this. */
const LIST_NODE_BYTES_MAX = 8192
/** What an element of a listpack takes besides a short string. */
const LISTPACK_ITEM = 2
/** zset and zskiplist (server.h), and the header node of 32 levels (t_zset.c). */
const ZSET = 16
const SKIPLIST = 32
const SKIPLIST_HEADER = 24 + 32 * 16
/** A skiplist node without its levels, and a level: forward and span. */
const SKIPLIST_NODE = 24
const SKIPLIST_LEVEL = 16
/** The member is inside: no pointer (valkey 9.0). */
const SKIPLIST_NODE_EMBEDDED = 16
/** A node has one more level with this probability (ZSKIPLIST_P). */
const LEVEL_CHANCE = 0.25
const LEVELS_TOLD = 5
/** The longest string that lies within its object (object.c, OBJ_ENCODING_EMBSTR_SIZE_LIMIT). */
const EMBSTR_MAX = 44
/** From this length on a key's object has room for an expiry (valkey 8.1 object.c). */
const KEY_WITH_EXPIRY_MIN = 128
const EXPIRY = 8
const POINTER = 8
/** The longest hash entry in one piece with its value (valkey 9.0 entry.c, EMBED_VALUE_MAX_ALLOC_SIZE). */
const EMBEDDED_FIELD_MAX = 128
/** listpackEx (redis 7.4 t_hash.c): the listpack, its expiry metadata, the key. */
const LISTPACK_EX = 40
/** What an expiring field adds: its time, and its place among the others (redis 7.4 mstr.h and ebuckets.h). */
const FIELD_EXPIRY = 32
/** A ziplist's header and end, less those of a listpack. */
const ZIPLIST_EXTRA = 4
/** raxNode as MEMORY USAGE counts it, for head and 30 pointers; and per element (object.c). */
const RAX_NODE_COUNTED = 4 + 30 * 8
const RAX_ELEMENT_COUNTED = 16
/** As allocated: the tree, and an ID's compressed node, leaf and place in a branch (rax.c). */
const RAX = 48
const RAX_ELEMENT = 60
/** streamNACK: time, count, consumer (stream.h). */
const NACK = 24
/** Sizes of strings that are worked out once: millions of keys have the same. */
const SMALL_KEY_END = 96
const SMALL_STRING_END = 192
/** Encodings of one packed string; a list's are nodes of a quicklist. */
const PACKED: ReadonlySet<string> = new Set([
  'ziplist',
  'listpack',
  'intset',
  'zipmap',
  'listpackex',
  'listpackex-rc',
  'template-listpack',
  'template-listpack-ref',
])

export class MemoryModel {
  /** A node of a sorted set whose member is elsewhere: the mean of its heights. */
  readonly #scoredNode: number
  /** MEMORY USAGE is asked. */
  readonly #counts: boolean
  /** What small strings take, once it has been asked for: by kind, key and length. */
  readonly #small = new Uint16Array(4 * SMALL_KEY_END * SMALL_STRING_END)

  constructor(
    readonly layout: MemoryLayout,
    readonly measure: MemoryMeasure = 'allocated',
  ) {
    this.#counts = measure === 'usage'
    this.#scoredNode = overLevels(SKIPLIST_NODE)
  }

  /**
   * Bytes of a key and its value. `valueBytes` is the sum of the uncompressed lengths of the value's strings (a
   * packed value is one), `nodes` how many nodes a list or stream has, -1 where nobody knows.
   */
  estimate(entry: Entry, valueBytes: number, nodes = -1): number {
    const keyBytes = entry.keyBytes.end - entry.keyBytes.start
    const expires = entry.expireAtMs !== NEVER
    if (entry.type === 'string') return this.string(keyBytes, expires, entry.elements, entry.encoding === 'int')
    return Math.round(this.shell(keyBytes, expires) + this.#value(entry, valueBytes, nodes))
  }

  /** What the tables of a database take besides: slots or buckets, and the entries of expiring keys. */
  databaseBytes(keys: number, expiring: number): number {
    const {layout} = this
    if (layout.buckets) return Math.round(tableBytes(layout, keys) + tableBytes(layout, expiring))
    const slots = (count: number): number => (count === 0 ? 0 : POINTER * slotsOf(count))
    return slots(keys) + slots(expiring) + expiring * allocated(layout.entry)
  }

  /** The object, its key, and its entry in the database: all but the value. */
  shell(keyBytes: number, expires: boolean): number {
    const {layout} = this
    if (layout.key === 'apart') {
      return this.#structure(layout.object) + stringBytes(keyBytes) + this.#structure(layout.entry)
    }
    const key = 1 + stringSize(keyBytes)
    if (layout.key === 'entry') return this.#structure(layout.object) + allocated(2 * POINTER + key)
    if (this.#counts && !layout.keyCounted) return layout.object
    return allocated(layout.object + key + (expires || keyBytes >= KEY_WITH_EXPIRY_MIN ? EXPIRY : 0))
  }

  /** A whole key that holds a string. */
  string(keyBytes: number, expires: boolean, length: number, integer: boolean): number {
    if (keyBytes >= SMALL_KEY_END || length >= SMALL_STRING_END) {
      return this.#wholeString(keyBytes, expires, length, integer)
    }
    const kind = (expires ? 1 : 0) + (integer ? 2 : 0)
    const at = (kind * SMALL_KEY_END + keyBytes) * SMALL_STRING_END + length
    const known = this.#small[at]!
    if (known > 0) return known
    const bytes = this.#wholeString(keyBytes, expires, length, integer)
    this.#small[at] = bytes
    return bytes
  }

  #wholeString(keyBytes: number, expires: boolean, length: number, integer: boolean): number {
    const {layout} = this
    const shell = this.shell(keyBytes, expires)
    if (integer) return shell
    if (layout.key === 'object') {
      const value = Math.max(layout.pointerless ? POINTER : 0, 3 + length + 1)
      const object = layout.object - (layout.pointerless ? POINTER : 0)
      const whole = object + 1 + stringSize(keyBytes) + (expires ? EXPIRY : 0) + value
      return whole <= layout.embeddedMax ? allocated(whole) : shell + stringBytes(length)
    }
    if (length > EMBSTR_MAX) return shell + stringBytes(length)
    const object = this.#counts && layout.countsLengths ? layout.object + length + 2 : allocated(16 + 3 + length + 1)
    return shell - this.#structure(layout.object) + object
  }

  /** A listpack, ziplist or intset. */
  packed(bytes: number): number {
    return this.#counts && this.layout.countsLengths ? bytes : allocated(bytes)
  }

  /** A list of so many nodes, which take `nodeBytes` together; `plain` where one of them is a single element. */
  list(nodes: number, nodeBytes: number, plain: boolean): number {
    if (this.layout.listpackLists && nodes === 1 && !plain) return nodeBytes
    return this.#structure(QUICKLIST) + nodes * this.#structure(this.layout.listNode) + nodeBytes
  }

  /** A list of strings, which whoever loads it packs. */
  packedList(itemBytes: number, elements: number): number {
    const bytes = itemBytes + LISTPACK_ITEM * elements
    return this.#nodes(bytes, elements, Math.max(1, Math.ceil(bytes / LIST_NODE_BYTES_MAX)))
  }

  /** A packed hash whose fields have expiries. */
  withFieldExpiries(packedBytes: number): number {
    return this.#structure(LISTPACK_EX) + packedBytes
  }

  /** A set in a table, whose members take `memberBytes` together. */
  set(count: number, memberBytes: number): number {
    const {layout} = this
    const bare = layout.bareMembers && (layout.bareMembersCounted || !this.#counts)
    const entry = layout.buckets ? 0 : bare ? bareEntryBytes(count) : this.#structure(layout.entry)
    return tableBytes(layout, count) + count * entry + memberBytes
  }

  /** A hash in a table; `expiring` fields have an expiry of their own. */
  hash(count: number, fieldBytes: number, expiring: number): number {
    const {layout} = this
    const entries = layout.buckets ? 0 : count * this.#structure(layout.entry)
    return tableBytes(layout, count) + entries + fieldBytes + expiring * (layout.buckets ? POINTER * 2 : FIELD_EXPIRY)
  }

  zset(count: number, memberBytes: number): number {
    const {layout} = this
    const entries = layout.buckets ? 0 : count * this.#structure(layout.entry)
    const list = this.#structure(ZSET) + this.#structure(SKIPLIST) + allocated(SKIPLIST_HEADER)
    return list + tableBytes(layout, count) + entries + memberBytes
  }

  /** A stream's own parts: its tree of `nodes` listpacks, which take `nodeBytes` together. */
  stream(nodes: number, nodeBytes: number): number {
    const own = this.#counts && this.layout.countsLengths ? 0 : this.#structure(this.layout.stream)
    return own + this.tree(nodes) + nodeBytes
  }

  /** A consumer group with so many pending entries, without its consumers. */
  group(pending: number): number {
    return this.#structure(this.layout.group) + this.tree(pending) + pending * this.#structure(NACK)
  }

  consumer(nameBytes: number, pending: number): number {
    const name = this.#counts ? nameBytes : stringBytes(nameBytes)
    return this.#structure(this.layout.consumer) + name + this.tree(pending)
  }

  /** A radix tree of so many IDs. */
  tree(count: number): number {
    if (this.#counts && !this.layout.raxCounted) {
      // Of many IDs each has a node of its own and a leaf; where they begin to differ there is a branch.
      const nodes = count === 0 ? 1 : count === 1 ? 2 : 2 * count + 2 + (count >> 3)
      return count * RAX_ELEMENT_COUNTED + nodes * RAX_NODE_COUNTED
    }
    return RAX + (count === 1 ? RAX_ELEMENT / 2 : count * RAX_ELEMENT)
  }

  /** A set member. */
  member(length: number): number {
    return stringBytes(length)
  }

  /** A sorted set's member and its node. */
  scored(length: number): number {
    if (this.layout.embeddedScored) return overLevels(SKIPLIST_NODE_EMBEDDED + 1 + stringSize(length))
    return stringBytes(length) + this.#scoredNode
  }

  /** A field of a hash and its value. */
  field(nameLength: number, valueLength: number, expires: boolean): number {
    if (!this.layout.embeddedFields) return stringBytes(nameLength) + stringBytes(valueLength)
    const expiry = expires ? EXPIRY : 0
    const name = stringSize(nameLength) + expiry
    const whole = name + 3 + valueLength + 1
    if (whole <= EMBEDDED_FIELD_MAX) return allocated(whole)
    return allocated(Math.max(name, nameLength + 4 + expiry) + POINTER) + stringBytes(valueLength)
  }

  #value(entry: Entry, valueBytes: number, nodes: number): number {
    const {elements, encoding, type} = entry
    if (PACKED.has(encoding)) return this.#packedValue(entry, valueBytes)
    const mean = elements > 0 ? valueBytes / elements : 0
    switch (type) {
      case 'list':
        return this.#list(entry, valueBytes, nodes)
      case 'set':
        return this.set(elements, elements * this.#string(mean))
      case 'zset':
        return this.zset(
          elements,
          elements * (this.layout.embeddedScored ? this.scored(mean) : this.#string(mean) + this.#scoredNode),
        )
      case 'hash':
        return this.hash(elements, elements * this.#field(mean), encoding.startsWith('metadata') ? elements : 0)
      case 'stream': {
        const count = nodes < 0 ? Math.ceil(valueBytes / STREAM_NODE_BYTES_MAX) : nodes
        const full = Math.min(STREAM_NODE_BYTES_MAX, (STREAM_NODE_ENTRIES_MAX * valueBytes) / Math.max(1, elements))
        return this.stream(count, this.#blobs(valueBytes, count, full))
      }
      default:
        return allocated(valueBytes)
    }
  }

  #packedValue({type, encoding}: Entry, valueBytes: number): number {
    const converted = encoding === 'ziplist' && !this.layout.ziplists ? valueBytes - ZIPLIST_EXTRA : valueBytes
    const blob = this.packed(converted)
    if (type === 'list') return this.list(1, blob, false)
    return encoding.startsWith('listpackex') ? this.withFieldExpiries(blob) : blob
  }

  #list({encoding, elements}: Entry, valueBytes: number, nodes: number): number {
    if (encoding === 'linkedlist') return this.packedList(valueBytes, elements)
    const count = nodes < 0 ? Math.max(1, Math.ceil(valueBytes / LIST_NODE_BYTES_MAX)) : nodes
    return this.#nodes(valueBytes, elements, count)
  }

  /** A list of `nodes` nodes with `bytes` in all: an element more would have been too much for any but the last. */
  #nodes(bytes: number, elements: number, nodes: number): number {
    if (nodes === 0) return this.list(0, 0, false)
    const full = LIST_NODE_BYTES_MAX - bytes / Math.max(1, elements) / 2
    return this.list(
      nodes,
      this.#blobs(bytes, nodes, full),
      nodes === 1 && elements === 1 && bytes > LIST_NODE_BYTES_MAX,
    )
  }

  /** Nodes that are full of `full` bytes at most, and a last one. */
  #blobs(bytes: number, nodes: number, full: number): number {
    if (nodes < 2) return this.packed(bytes)
    const each = bytes / nodes
    // Nodes of another size: so the server was configured, or each is one large element.
    const most = each > full || each * nodes < full * (nodes - 1) ? each : full
    const last = bytes - most * (nodes - 1)
    return (nodes - 1) * this.packed(Math.ceil(most)) + this.packed(Math.ceil(last))
  }

  /** A string whose length is a mean. */
  #string(mean: number): number {
    return Number.isInteger(mean) ? stringBytes(mean) : allocatedMean(stringSize(mean))
  }

  /** A field and its value whose lengths together are a mean: as if they were equal. */
  #field(mean: number): number {
    if (!this.layout.embeddedFields) return 2 * this.#string(mean / 2)
    const whole = stringSize(Math.min(mean, 20)) + 4 + Math.max(0, mean - 20)
    return whole <= EMBEDDED_FIELD_MAX ? allocatedMean(whole) : allocatedMean(mean / 2 + 12) + this.#string(mean / 2)
  }

  #structure(bytes: number): number {
    return this.#counts ? bytes : allocated(bytes)
  }
}

/** Header, bytes and end of a string (sds.h). */
export function stringSize(length: number): number {
  return length + (length < 32 ? 2 : length < 256 ? 4 : length < 65_536 ? 6 : 10)
}

/** A string of its own. */
export function stringBytes(length: number): number {
  return allocated(stringSize(length))
}

/** A node of `bytes` without its levels, averaged over how many it may have. */
function overLevels(bytes: number): number {
  let sum = 0
  let chance = 1
  for (let level = 1; level <= LEVELS_TOLD; level++) {
    const here = level === LEVELS_TOLD ? chance : chance * (1 - LEVEL_CHANCE)
    sum += here * allocated(bytes + level * SKIPLIST_LEVEL)
    chance *= LEVEL_CHANCE
  }
  return sum
}
