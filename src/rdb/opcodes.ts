/**
 * The bytes that begin a record: opcodes and value types, by family.
 *
 * Numbers collide after RDB 11: 22 and 243 mean one thing in a file with magic
 * REDIS and another with magic VALKEY. The magic selects the table.
 */
import type {ValueType} from '../keyspace/entry.js'

export const OPCODE_EOF = 0xff
export const OPCODE_SELECTDB = 0xfe
/** Seconds; written up to redis 2.4. */
export const OPCODE_EXPIRETIME = 0xfd
export const OPCODE_EXPIRETIME_MS = 0xfc
export const OPCODE_RESIZEDB = 0xfb
export const OPCODE_AUX = 0xfa
export const OPCODE_FREQ = 0xf9
export const OPCODE_IDLE = 0xf8
export const OPCODE_MODULE_AUX = 0xf7
/** Written by 7.0 release candidates only. */
export const OPCODE_FUNCTION_PRE_GA = 0xf6
export const OPCODE_FUNCTION2 = 0xf5
export const OPCODE_SLOT_INFO = 0xf4
/** Redis 8.6 and later: KEY_META. Valkey 9.0 and later: SLOT_IMPORT. */
export const OPCODE_KEY_META_OR_SLOT_IMPORT = 0xf3
/** Redis 8.10. */
export const OPCODE_HASH_TEMPLATE = 0xf2
/** Dragonfly: flags of the key that follows. */
export const OPCODE_DRAGONFLY_MASK = 0xdc
/** Redis Enterprise: one length each, of no use outside it. */
export const OPCODE_ENTERPRISE_RAM_LRU = 0x6b
export const OPCODE_ENTERPRISE_SLOT = 0x79

export const TYPE_STRING = 0
export const TYPE_LIST = 1
export const TYPE_SET = 2
export const TYPE_ZSET = 3
export const TYPE_HASH = 4
export const TYPE_ZSET_2 = 5
export const TYPE_MODULE_PRE_GA = 6
export const TYPE_MODULE_2 = 7
export const TYPE_HASH_ZIPMAP = 9
export const TYPE_LIST_ZIPLIST = 10
export const TYPE_SET_INTSET = 11
export const TYPE_ZSET_ZIPLIST = 12
export const TYPE_HASH_ZIPLIST = 13
export const TYPE_LIST_QUICKLIST = 14
export const TYPE_STREAM_LISTPACKS = 15
export const TYPE_HASH_LISTPACK = 16
export const TYPE_ZSET_LISTPACK = 17
export const TYPE_LIST_QUICKLIST_2 = 18
export const TYPE_STREAM_LISTPACKS_2 = 19
export const TYPE_SET_LISTPACK = 20
export const TYPE_STREAM_LISTPACKS_3 = 21
/** Redis: HASH_METADATA of 7.4 release candidates. Valkey: HASH_2. */
export const TYPE_HASH_22 = 22
export const TYPE_HASH_LISTPACK_EX_PRE_GA = 23
export const TYPE_HASH_METADATA = 24
export const TYPE_HASH_LISTPACK_EX = 25
export const TYPE_STREAM_LISTPACKS_4 = 26
export const TYPE_STREAM_LISTPACKS_5 = 27
export const TYPE_ARRAY = 28
export const TYPE_HASH_TEMPLATE_LISTPACK = 29
export const TYPE_HASH_LISTPACK_REF = 30
export const TYPE_HASH_TEMPLATE_ARRAY = 31
export const TYPE_HASH_ARRAY_REF = 32
export const TYPE_BITMAP = 33
export const TYPE_KEYDB_CRON = 64

/** Which numbers a file uses. */
export type Family = 'redis' | 'valkey'

/** `[type, encoding]` of a type byte; a string's encoding stands in its value. */
type TypeName = readonly [type: ValueType, encoding: string]

const SHARED_TYPES: Readonly<Record<number, TypeName>> = {
  [TYPE_STRING]: ['string', 'raw'],
  [TYPE_LIST]: ['list', 'linkedlist'],
  [TYPE_SET]: ['set', 'hashtable'],
  [TYPE_ZSET]: ['zset', 'skiplist-ascii'],
  [TYPE_HASH]: ['hash', 'hashtable'],
  [TYPE_ZSET_2]: ['zset', 'skiplist'],
  [TYPE_MODULE_2]: ['module', 'module2'],
  [TYPE_HASH_ZIPMAP]: ['hash', 'zipmap'],
  [TYPE_LIST_ZIPLIST]: ['list', 'ziplist'],
  [TYPE_SET_INTSET]: ['set', 'intset'],
  [TYPE_ZSET_ZIPLIST]: ['zset', 'ziplist'],
  [TYPE_HASH_ZIPLIST]: ['hash', 'ziplist'],
  [TYPE_LIST_QUICKLIST]: ['list', 'quicklist'],
  [TYPE_STREAM_LISTPACKS]: ['stream', 'listpacks'],
  [TYPE_HASH_LISTPACK]: ['hash', 'listpack'],
  [TYPE_ZSET_LISTPACK]: ['zset', 'listpack'],
  [TYPE_LIST_QUICKLIST_2]: ['list', 'quicklist2'],
  [TYPE_STREAM_LISTPACKS_2]: ['stream', 'listpacks2'],
  [TYPE_SET_LISTPACK]: ['set', 'listpack'],
  [TYPE_STREAM_LISTPACKS_3]: ['stream', 'listpacks3'],
}

const REDIS_TYPES: Readonly<Record<number, TypeName>> = {
  ...SHARED_TYPES,
  [TYPE_HASH_22]: ['hash', 'metadata-rc'],
  [TYPE_HASH_LISTPACK_EX_PRE_GA]: ['hash', 'listpackex-rc'],
  [TYPE_HASH_METADATA]: ['hash', 'metadata'],
  [TYPE_HASH_LISTPACK_EX]: ['hash', 'listpackex'],
  [TYPE_STREAM_LISTPACKS_4]: ['stream', 'listpacks4'],
  [TYPE_STREAM_LISTPACKS_5]: ['stream', 'listpacks5'],
  [TYPE_ARRAY]: ['array', 'array'],
  [TYPE_HASH_TEMPLATE_LISTPACK]: ['hash', 'template-listpack'],
  [TYPE_HASH_LISTPACK_REF]: ['hash', 'template-listpack-ref'],
  [TYPE_HASH_TEMPLATE_ARRAY]: ['hash', 'template-array'],
  [TYPE_HASH_ARRAY_REF]: ['hash', 'template-array-ref'],
  [TYPE_BITMAP]: ['string', 'roaring'],
  [TYPE_KEYDB_CRON]: ['cron', 'cron'],
}

const VALKEY_TYPES: Readonly<Record<number, TypeName>> = {
  ...SHARED_TYPES,
  [TYPE_HASH_22]: ['hash', 'hashtable2'],
}

/** The types a family's reader knows, by type byte. */
export function typesOf(family: Family): Readonly<Record<number, TypeName>> {
  return family === 'valkey' ? VALKEY_TYPES : REDIS_TYPES
}

/** What is known of bytes that no reader can pass, since nothing says how long they are. */
export const REFUSED: Readonly<Record<number, string>> = {
  [TYPE_MODULE_PRE_GA]: 'a module value of a 4.0 release candidate, which has no framing',
  30: 'a JSON value of Dragonfly',
  31: 'a Dragonfly hash whose fields expire',
  32: 'a Dragonfly set whose members expire',
  33: 'a Dragonfly Bloom filter',
  101: 'GCAS, an early Redis Enterprise opcode whose layout is not published',
  102: 'GFLAGS, an early Redis Enterprise opcode whose layout is not published',
  200: 'a Dragonfly end-of-full-sync mark',
  201: 'a Dragonfly block of zstd-compressed records',
  202: 'a Dragonfly block of LZ4-compressed records',
  203: 'the end of a Dragonfly compressed block',
  210: 'a Dragonfly journal block',
  211: 'a Dragonfly journal offset',
}
