/**
 * The bytes of memory that a key takes in a named server.
 *
 * A value is the sum of its parts: what the table, the quicklist or the radix
 * tree takes for itself, and an allocation for every string or node. `estimate` works
 * from what a reader knows that passes over values: how many elements, and their bytes in all. For parts
 * seen one by one see MemoryVisitor; both put them together here.
 */

import {type Entry, NEVER} from '../../keyspace/entry.js'
import {bucketedBytes} from './expiring-fields.js'
import {allocated} from './jemalloc.js'
import type {MemoryLayout} from './layout.js'
import type {RadixTree} from './radix-tree.js'
import {EMBEDDED_FIELD_MAX, valueFromSums} from './sums.js'
import {
  bareEntryBytes,
  bucketBytes,
  convertedTableBytes,
  databaseSlotsOf,
  expiringTableBytes,
  tableBytes,
  tableRounding,
} from './tables.js'

/**
 *   allocated   what the allocator gives away for the key and its value: add `databaseBytes` for the tables. Their sum is
 *               what INFO calls used_memory, less that of an empty server
 *   usage       what MEMORY USAGE answers with SAMPLES 0: it leaves out what rounding adds to structures, the integers
 *               that all keys share, what finds expiring fields in redis; and counts 244 bytes for each node of a radix tree
 */
export type MemoryMeasure = 'allocated' | 'usage'

/** What the tables of a database take. */
export interface DatabaseOverhead {
  /** overhead.hashtable.main of MEMORY STATS: slots, entries and objects of its keys. */
  main: number
  /** overhead.hashtable.expires. */
  expires: number
  /** What is allocated besides that which is counted with each key. */
  bytes: number
}

/** quicklist (quicklist.h). */
const QUICKLIST = 40
/** zset and zskiplist (server.h), and the header node of 32 levels (t_zset.c). */
const ZSET = 16
const SKIPLIST = 32
const SKIPLIST_HEADER = 24 + 32 * 16
/** Both in one piece (valkey 9.1 t_zset.c, zslGetAllocSize). */
const SKIPLIST_WHOLE = 32 + 31 * 16
/** A skiplist node without its levels, and a level: forward and span. */
const SKIPLIST_NODE = 24
const SKIPLIST_LEVEL = 16
/** The member is inside: no pointer (valkey 9.0). */
const SKIPLIST_NODE_EMBEDDED = 16
/** A node has one more level with this probability (ZSKIPLIST_P). */
const LEVEL_CHANCE = 0.25
const LEVELS_TOLD = 5
/** Non-negative integers of fewer digits are objects that all keys share (server.h, OBJ_SHARED_INTEGERS). */
const SHARED_DIGITS_MAX = 4
/** The longest string that lies within its object (object.c, OBJ_ENCODING_EMBSTR_SIZE_LIMIT). */
const EMBSTR_MAX = 44
/** From this length on a key's object has room for an expiry (valkey 8.1 object.c). */
const KEY_WITH_EXPIRY_MIN = 128
const EXPIRY = 8
const POINTER = 8
/** listpackEx (redis 7.4 server.h): the listpack, its expiry metadata, the key; and what a table has instead (dictExpireMetadata). */
const LISTPACK_EX = 32
const DICT_EXPIRE_METADATA = 32
/** ExpireMeta and flags before an expiring field's name (redis 7.4 ebuckets.h, mstr.h). */
const FIELD_EXPIRY = 18
/** raxNode as MEMORY USAGE counts it, for head and 30 pointers; and per element (object.c). */
const RAX_NODE_COUNTED = 4 + 30 * 8
const RAX_ELEMENT_COUNTED = 16
/** As allocated, of many IDs: a chain, a leaf and a place in a branch (rax.c). */
const RAX_ELEMENT = 60
/** streamNACK: time, count, consumer (stream.h). */
const NACK = 24
/** Sizes of strings that are worked out once: millions of keys have the same. */
const SMALL_KEY_END = 96
const SMALL_STRING_END = 192
export class MemoryModel {
  /** A node of a sorted set whose member is elsewhere: the mean of its heights. */
  readonly #scoredNode: number
  /** A field and its value are two strings. */
  readonly #plainFields: boolean
  /** MEMORY USAGE is asked. */
  readonly #counts: boolean
  /** What small strings take, once it has been asked for: by kind, key and length. */
  readonly #small = new Uint16Array(4 * SMALL_KEY_END * SMALL_STRING_END)

  constructor(
    readonly layout: MemoryLayout,
    readonly measure: MemoryMeasure = 'allocated',
  ) {
    this.#counts = measure === 'usage'
    this.#plainFields = layout.fieldExpiry !== 'redis' && !layout.embeddedFields
    this.#scoredNode = overLevels(SKIPLIST_NODE)
  }

  /**
   * Bytes of a key and its value. `valueBytes` is the sum of the uncompressed lengths of the value's strings (a
   * packed value is one), `nodes` how many nodes a list or stream has, -1 where nobody knows.
   */
  estimate(entry: Entry, valueBytes: number, nodes = -1): number {
    const keyBytes = entry.keyBytes.end - entry.keyBytes.start
    const expires = entry.expireAtMs !== NEVER
    if (entry.type === 'string') return this.string(keyBytes, expires, entry.elements, isInteger(entry))
    return Math.round(this.shell(keyBytes, expires) + valueFromSums(this, entry, valueBytes, nodes))
  }

  /** What the tables of a database take that has so many keys, `expiring` of which expire. */
  overhead(keys: number, expiring: number): DatabaseOverhead {
    const {layout} = this
    const {object, entry, store, keyTable, expiryTable} = layout
    const isBucketed = layout.hashtable > 0
    const slots = (count: number): number =>
      count === 0 ? 0 : isBucketed ? Math.round(bucketBytes(count)) : POINTER * databaseSlotsOf(count, layout)
    const each = isBucketed ? 0 : entry
    const heads = (keys > 0 ? allocated(keyTable) : 0) + (expiring > 0 ? allocated(expiryTable) : 0)
    return {
      main: store + keyTable + slots(keys) + keys * (object + each),
      expires: store + (expiring > 0 ? expiryTable : 0) + slots(expiring) + expiring * each,
      bytes: heads + slots(keys) + slots(expiring) + expiring * allocated(each),
    }
  }

  /**
   * What a database takes besides its keys: slots or buckets, the entries of expiring keys, and itself where it is not there
   * before it is used.
   */
  databaseBytes(keys: number, expiring: number, db = 0): number {
    return this.overhead(keys, expiring).bytes + (db > 0 && keys > 0 ? this.layout.database : 0)
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
    if (integer) {
      const shared = layout.key !== 'object' && length <= SHARED_DIGITS_MAX && !this.#counts
      return shared ? shell - this.#structure(layout.object) : shell
    }
    if (layout.key === 'object') {
      const value = Math.max(layout.pointerless ? POINTER : 0, 3 + length + 1)
      const object = layout.object - (layout.pointerless ? POINTER : 0)
      const whole = object + 1 + stringSize(keyBytes) + (expires ? EXPIRY : 0) + value
      // 8.1 takes every key for a short one when it asks how long it would be (object.c, createStringObjectWithKeyAndExpire).
      const asked = layout.pointerless ? whole : whole - stringSize(keyBytes) + keyBytes + 2
      // The expiry comes later: where there happens to be room, nobody asks.
      const spare = expires && asked - EXPIRY <= layout.embeddedMax && allocated(whole - EXPIRY) >= whole
      return asked <= layout.embeddedMax || spare ? allocated(whole) : shell + this.member(length)
    }
    if (length > EMBSTR_MAX) return shell + this.member(length)
    const object = this.#counts && layout.countsLengths ? layout.object + length + 2 : allocated(16 + 3 + length + 1)
    return shell - this.#structure(layout.object) + object
  }

  /** A listpack, ziplist or intset. */
  packed(bytes: number): number {
    return this.#counts && this.layout.countsLengths ? bytes : this.blob(bytes)
  }

  /** A list of so many nodes, which take `nodeBytes` together; `plain` where one of them is a single element. */
  list(nodes: number, nodeBytes: number, plain: boolean): number {
    if (this.layout.listpackLists && nodes === 1 && !plain) return nodeBytes
    return this.#structure(QUICKLIST) + nodes * this.#structure(this.layout.listNode) + nodeBytes
  }

  /** A packed hash whose fields have expiries. */
  withFieldExpiries(packedBytes: number): number {
    return this.#structure(LISTPACK_EX) + packedBytes
  }

  /** A set in a table, whose members take `memberBytes` together. */
  set(count: number, memberBytes: number): number {
    const {layout} = this
    const bare = layout.bareMembers && (layout.bareMembersCounted || !this.#counts)
    const entry = layout.hashtable > 0 ? 0 : bare ? bareEntryBytes(count) : this.#structure(layout.entry)
    return this.#table(count) + count * entry + memberBytes
  }

  /**
   * A hash in a table, `expiring` of whose fields have an expiry of their own: to find them takes `windows` bytes in valkey.
   * `packed` is how many fields came before the first that made it a table, -1 where it was one from the start.
   */
  hash(count: number, fieldBytes: number, expiring: number, windows = 0, packed = -1): number {
    const {layout} = this
    const {fieldExpiry, hashMetadata} = layout
    const entries = layout.hashtable > 0 ? 0 : count * this.#structure(layout.entry)
    const own = entries + fieldBytes + this.#fieldExpiries(expiring, windows)
    if (expiring > 0 && fieldExpiry === 'redis') return own + expiringTableBytes(layout, count, packed)
    const table =
      packed < 0 || (expiring > 0 && fieldExpiry === 'valkey')
        ? tableBytes(layout, count)
        : convertedTableBytes(layout, count, packed)
    return own + hashMetadata + table + this.#rounding(hashMetadata)
  }

  #fieldExpiries(expiring: number, windows: number): number {
    const {fieldExpiry} = this.layout
    if (fieldExpiry === 'valkey') return windows
    if (fieldExpiry === 'none' || this.#counts || expiring === 0) return 0
    const {dict} = this.layout
    return allocated(dict + DICT_EXPIRE_METADATA) - dict + bucketedBytes(expiring)
  }

  zset(count: number, memberBytes: number): number {
    const {layout} = this
    const entries = layout.hashtable > 0 ? 0 : count * this.#structure(layout.entry)
    const list = layout.skiplistWhole
      ? this.#structure(SKIPLIST_WHOLE)
      : this.#structure(SKIPLIST) + allocated(SKIPLIST_HEADER)
    return this.#structure(ZSET) + list + this.#table(count) + entries + memberBytes
  }

  #table(count: number): number {
    return tableBytes(this.layout, count) + this.#rounding(0)
  }

  #rounding(metadata: number): number {
    return this.#counts ? 0 : tableRounding(this.layout, metadata)
  }

  /** A stream's own parts: its listpacks take `nodeBytes` together, the tree of them `treeBytes`. */
  stream(treeBytes: number, nodeBytes: number): number {
    const own = this.#counts && this.layout.countsLengths ? 0 : this.#structure(this.layout.stream)
    return own + treeBytes + nodeBytes
  }

  /** A consumer group with so many pending entries, in a tree of its own, without its consumers. */
  group(pending: number, treeBytes: number): number {
    return this.#structure(this.layout.group) + treeBytes + pending * this.#structure(NACK)
  }

  /** A consumer, whose pending entries are those of its group, in another tree. */
  consumer(nameBytes: number, treeBytes: number): number {
    const name = this.#counts ? nameBytes : stringBytes(nameBytes)
    return this.#structure(this.layout.consumer) + name + treeBytes
  }

  /** A radix tree. */
  tree(tree: RadixTree): number {
    const {nodes, bytes} = tree.size()
    if (this.#counts && !this.layout.raxCounted) return tree.keys * RAX_ELEMENT_COUNTED + nodes * RAX_NODE_COUNTED
    return allocated(this.layout.rax) + bytes
  }

  /** A tree of names, which MEMORY USAGE does not count. */
  uncountedTree(tree: RadixTree): number {
    return this.#counts ? 0 : allocated(this.layout.rax) + tree.size().bytes
  }

  /** A radix tree of so many IDs that nobody has seen. */
  unseenTree(count: number): number {
    if (this.#counts && !this.layout.raxCounted) {
      // Of many IDs each has a node of its own and a leaf; where they begin to differ there is a branch.
      const nodes = count === 0 ? 1 : count === 1 ? 2 : 2 * count + 2 + (count >> 3)
      return count * RAX_ELEMENT_COUNTED + nodes * RAX_NODE_COUNTED
    }
    return allocated(this.layout.rax) + (count === 1 ? RAX_ELEMENT / 2 : count * RAX_ELEMENT)
  }

  /** A string of its own, such as a set's member. */
  member(length: number): number {
    return length < SHORT_STRING_END ? SHORT_STRINGS[length]! : this.blob(stringSize(length))
  }

  /** A sorted set's member and its node. */
  scored(length: number, memberBytes?: number): number {
    if (this.layout.embeddedScored) return overLevels(SKIPLIST_NODE_EMBEDDED + 1 + stringSize(length))
    return (memberBytes ?? this.member(length)) + this.#scoredNode
  }

  /** A field of a hash and its value. */
  field(nameLength: number, valueLength: number, expires: boolean): number {
    if (this.#plainFields) return this.member(nameLength) + this.member(valueLength)
    const {layout} = this
    if (layout.fieldExpiry === 'redis') {
      return allocated(nameSize(nameLength) + (expires ? FIELD_EXPIRY : 0)) + this.member(valueLength)
    }
    const expiry = expires && layout.fieldExpiry !== 'none' ? EXPIRY : 0
    const name = (expiry > 0 ? Math.max(stringSize(nameLength), nameLength + 4) : stringSize(nameLength)) + expiry
    const whole = name + 3 + valueLength + 1
    if (whole <= EMBEDDED_FIELD_MAX) return allocated(whole)
    return this.blob(Math.max(name, nameLength + 4 + expiry) + POINTER) + this.member(valueLength)
  }

  /** Bytes in one piece. */
  blob(bytes: number): number {
    return allocated(bytes, this.layout.paged)
  }

  #structure(bytes: number): number {
    return this.#counts ? bytes : allocated(bytes)
  }
}

/** Whether a server holds a string as an integer, whatever form it is stored in. */
export function isInteger({encoding, integer}: Entry): boolean {
  return integer || encoding === 'int'
}

/** Header, bytes and end of a field's name (redis 7.4 mstr.h). */
function nameSize(length: number): number {
  return length + 1 + (length < 32 ? 1 : length < 65_536 ? 3 : 9)
}

/** Strings shorter than this are looked up. */
const SHORT_STRING_END = 512
const SHORT_STRINGS = Uint16Array.from({length: SHORT_STRING_END}, (_, length) => allocated(stringSize(length)))

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
