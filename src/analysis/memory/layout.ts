/**
 * How servers lay a keyspace out in memory: sizes of their structures, in bytes
 * on 64 bits, by version. `calibrated` ones were compared with a running server; what lies
 * between is derived from the structure.
 */
import {UsageError} from '../../errors.js'
import type {Product} from '../../rdb/producer.js'
import {isPaged} from './jemalloc.js'

export interface MemoryLayout {
  name: string
  calibrated: boolean
  /** A version that nobody has looked at is taken to be laid out as this one; absent of those that are known. */
  like?: string | undefined
  /** Large allocations take whole pages instead of a size class (jemalloc.ts). */
  paged: boolean
  /** robj (server.h): type, encoding, LRU clock, reference count, pointer. */
  object: number
  /** dictEntry (dict.h): key, value, next. */
  entry: number
  /** dict (dict.h) without its slots: two tables of 32 bytes up to 6.2, pointers and exponents from 7.0 on. */
  dict: number
  /** hashtable (valkey hashtable.c) without its buckets, of a value; 0: there are dicts instead. */
  hashtable: number
  /** What a hash adds to it: where its expiring fields are (valkey 9.0 server.c, hashHashtableTypeMetadataSize). */
  hashMetadata: number
  /** Where the key is: a string of its own, inside the dictEntry (valkey 8.0), or inside the object. */
  key: 'apart' | 'entry' | 'object'
  /** MEMORY USAGE counts the key within the object (valkey 9.0); 8.1 forgets it. */
  keyCounted: boolean
  /** The longest object in one piece with key and value: an embstr without a key's part up to 8.0. */
  embeddedMax: number
  /** The pointer of an object makes room for an embedded value (valkey 9.0 object.c). */
  pointerless: boolean
  /** A set's table holds members without an entry where nothing collides (redis 7.2 dict.c, no_value). */
  bareMembers: boolean
  /** MEMORY USAGE knows of it (valkey 8.0); before, it counts an entry for each. */
  bareMembersCounted: boolean
  /** Small sets of strings are listpacks (redis 7.2 t_set.c). */
  packedSets: boolean
  /** A hash entry is one piece with its value up to 128 bytes (valkey 8.1 t_hash.c, 9.0 entry.c). */
  embeddedFields: boolean
  /** How fields of a hash expire: redis 7.4 has them in a list within (listpackEx, ebuckets.h), valkey 9.0 in tables only (vset.c). */
  fieldExpiry: 'none' | 'redis' | 'valkey'
  /** A packed hash that becomes a table makes room for what it has (redis 7.0 t_hash.c). */
  presized: boolean
  /** A sorted set's member lies within its node (valkey 9.0 t_zset.c). */
  embeddedScored: boolean
  /** zskiplist and its first node of 32 levels are one piece (valkey 9.1 t_zset.c). */
  skiplistWhole: boolean
  /** Scores in listpacks are the shortest text that reads back (redis 7.2), not 17 digits. */
  shortScores: boolean
  /** quicklistNode (quicklist.h): its size grew from 32 to 64 bits in 7.0. */
  listNode: number
  /** A list of one node is a listpack without a quicklist (redis 7.2 t_list.c). */
  listpackLists: boolean
  /** Packed values are ziplists (up to 6.2). */
  ziplists: boolean
  /** MEMORY USAGE counts packed values and embstr as long as they are, not as allocated (up to 6.2). */
  countsLengths: boolean
  /** stream (stream.h): 7.0 added first ID, largest deleted ID and entries added. */
  stream: number
  /** streamCG and streamConsumer (stream.h). */
  group: number
  consumer: number
  /** rax (rax.h) without its nodes. */
  rax: number
  /** MEMORY USAGE counts a radix tree by what its nodes take (valkey 8.1), not by 244 bytes a node. */
  raxCounted: boolean
  /** kvstore (redis 7.4, valkey 8.0 kvstore.c): each database has two, one of keys and one of expiries. */
  store: number
  /** A table of them that is full is doubled without another key (redis 7.4 kvstore.c, kvstoreTryResizeDicts; valkey 8.0). */
  fullDoubled: boolean
  /** What a database other than the first is allocated when it is first used: redisDb and its stores (valkey 9.0 db.c). */
  database: number
  /** The table of keys in it, once there are some, and the table of expiries; without slots or buckets. */
  keyTable: number
  expiryTable: number
}

const REDIS_6_0: MemoryLayout = {
  name: 'redis-6.0',
  calibrated: true,
  paged: false,
  object: 16,
  entry: 24,
  dict: 96,
  hashtable: 0,
  hashMetadata: 0,
  key: 'apart',
  keyCounted: true,
  embeddedMax: 64,
  pointerless: false,
  bareMembers: false,
  bareMembersCounted: false,
  packedSets: false,
  embeddedFields: false,
  fieldExpiry: 'none',
  presized: false,
  embeddedScored: false,
  skiplistWhole: false,
  shortScores: false,
  listNode: 32,
  listpackLists: false,
  ziplists: true,
  countsLengths: true,
  stream: 40,
  group: 32,
  consumer: 24,
  rax: 24,
  raxCounted: false,
  store: 0,
  fullDoubled: false,
  database: 0,
  keyTable: 0,
  expiryTable: 0,
}

const REDIS_7_0: MemoryLayout = {
  ...REDIS_6_0,
  name: 'redis-7.0',
  dict: 56,
  listNode: 40,
  presized: true,
  ziplists: false,
  countsLengths: false,
  stream: 80,
  group: 40,
}

const REDIS_7_2: MemoryLayout = {
  ...REDIS_7_0,
  name: 'redis-7.2',
  listpackLists: true,
  bareMembers: true,
  packedSets: true,
  shortScores: true,
  consumer: 32,
}

const REDIS_7_4: MemoryLayout = {
  ...REDIS_7_2,
  name: 'redis-7.4',
  fieldExpiry: 'redis',
  store: 192,
  fullDoubled: true,
  keyTable: 64,
  expiryTable: 64,
}

/** With each table of keys comes a histogram of their sizes. */
const REDIS_8_0: MemoryLayout = {...REDIS_7_4, name: 'redis-8.0', store: 232, keyTable: 2464}

const VALKEY_8_0: MemoryLayout = {
  ...REDIS_7_2,
  name: 'valkey-8.0',
  key: 'entry',
  bareMembersCounted: true,
  store: 104,
  fullDoubled: true,
  keyTable: 72,
  expiryTable: 72,
}

const VALKEY_8_1: MemoryLayout = {
  ...VALKEY_8_0,
  name: 'valkey-8.1',
  hashtable: 72,
  key: 'object',
  keyCounted: false,
  embeddedFields: true,
  rax: 32,
  raxCounted: true,
  store: 96,
  fullDoubled: false,
  keyTable: 88,
  expiryTable: 88,
}

const VALKEY_9_0: MemoryLayout = {
  ...VALKEY_8_1,
  name: 'valkey-9.0',
  hashMetadata: 8,
  keyCounted: true,
  embeddedMax: 128,
  pointerless: true,
  fieldExpiry: 'valkey',
  embeddedScored: true,
  database: 1080,
}

const VALKEY_9_1: MemoryLayout = {
  ...VALKEY_9_0,
  name: 'valkey-9.1',
  hashtable: 80,
  skiplistWhole: true,
  store: 112,
  keyTable: 96,
  expiryTable: 96,
}

/** By product, oldest first: a version is laid out as the newest one here that is not newer than it. */
const LAYOUTS: Readonly<Record<string, readonly [version: number, layout: MemoryLayout][]>> = {
  redis: [
    [0, {...REDIS_6_0, calibrated: false}],
    [6.0, REDIS_6_0],
    [6.2, {...REDIS_6_0, name: 'redis-6.2', calibrated: false}],
    [7.0, REDIS_7_0],
    [7.2, {...REDIS_7_2, calibrated: false}],
    [7.4, {...REDIS_7_4, calibrated: false}],
    [8.0, REDIS_8_0],
    // Its objects hold their keys; what else changed has not been measured.
    [8.2, {...REDIS_8_0, name: 'redis-8.2', calibrated: false, key: 'object'}],
  ],
  redict: [[0, {...REDIS_7_2, name: 'redict-7.3', store: 192, fullDoubled: true, keyTable: 64, expiryTable: 64}]],
  keydb: [[0, {...REDIS_6_0, name: 'redis-6.2', calibrated: false}]],
  valkey: [
    [0, {...REDIS_7_2, name: 'valkey-7.2', calibrated: false}],
    [8.0, VALKEY_8_0],
    [8.1, VALKEY_8_1],
    [9.0, {...VALKEY_9_0, calibrated: false}],
    [9.1, VALKEY_9_1],
  ],
}

/**
 * The layout of a server named as PRODUCT-MAJOR.MINOR, with the allocator that comes with it unless INFO memory of a
 * running one says another (mem_allocator). A version that is not known keeps its name, and is not calibrated.
 */
export function layoutOf(server: string, allocator?: string): MemoryLayout {
  const match = /^([a-z]+)-(\d+)(?:\.(\d+))?(?:\.\d+)*(?:-.+)?$/.exec(server)
  const layouts = LAYOUTS[match?.[1] ?? '']
  if (match === null || layouts === undefined) {
    throw new UsageError(`no server is called ${server}: name it as redis-7.0 or valkey-8.1`)
  }
  const [product, major, minor] = [match[1]!, Number(match[2]), Number(match[3] ?? 0)]
  const later = (version: number): boolean =>
    Math.floor(version) > major || (Math.floor(version) === major && Math.round((version % 1) * 10) > minor)
  const known = layouts.findLast(([version]) => !later(version))![1]
  const name = `${product}-${major}.${minor}`
  const layout = name === known.name ? known : {...known, name, calibrated: false, like: known.name}
  return allocator === undefined ? layout : {...layout, paged: isPaged(allocator)}
}

/** The oldest server that writes RDB files of a version (rdb.h, RDB_VERSION): the first at or above it. */
const WRITERS: readonly [rdbVersion: number, server: string][] = [
  [9, 'redis-6.0'],
  [10, 'redis-7.0'],
  [11, 'redis-7.2'],
  [12, 'redis-7.4'],
]

/**
 * The layout of the server that wrote a file, as far as the file tells. Where it tells no version: the oldest of those that
 * write RDB files of its version, and redis 7.0 of what is no RDB file.
 */
export function layoutOfProducer(
  product: Product,
  serverVersion: string | undefined,
  rdbVersion: number = Number.POSITIVE_INFINITY,
): MemoryLayout {
  const version = /^\d+\.\d+/.exec(serverVersion ?? '')?.[0]
  if (version !== undefined && LAYOUTS[product] !== undefined) return layoutOf(`${product}-${version}`)
  // Which of them it was is a guess.
  return {...layoutOf(writerOf(product, rdbVersion)), calibrated: false}
}

function writerOf(product: Product, rdbVersion: number): string {
  if (product === 'valkey') return rdbVersion === 11 ? 'valkey-8.0' : 'valkey-9.0'
  if (product === 'dragonfly') return 'redis-7.0'
  return (
    WRITERS.find(([version]) => rdbVersion <= version)?.[1] ?? (Number.isFinite(rdbVersion) ? 'redis-8.2' : 'redis-7.0')
  )
}
