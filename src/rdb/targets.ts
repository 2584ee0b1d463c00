/**
 * The servers a file can be written for, by name: which version of the format
 * each reads, and which types and opcodes of it.
 *
 *   redis    2.4  2.6 2.8 3.0  3.2  4.0  5.0 6.0 6.2  7.0  7.2  7.4 8.0 8.2 8.4  8.6  8.8  8.10  8.12
 *   version   2        6        7    8        9        10   11         12         13   14    15    16
 *
 *   valkey   7.2 8.0 8.1 -> 11      9.0 9.1 -> 80 (of its own numbers)
 *   redict   7.3 -> 12, of which it knows the types of 11
 */
import {UsageError} from '../errors.js'
import type {SourceOrigin} from '../keyspace/entry-source.js'
import * as op from './opcodes.js'

export interface Target {
  /** As it is asked for: `redis-7.2`. */
  readonly name: string
  readonly product: 'redis' | 'valkey' | 'redict'
  /** The server's own version, as it would stand in the file. */
  readonly serverVersion: string
  readonly family: op.Family
  readonly rdbVersion: number
  /** The source's own version, asked for by nobody: whatever the source holds can be there again. */
  readonly own: boolean
  /** Type bytes that its loader takes. */
  readonly types: ReadonlySet<number>
}

/** The first version in which each type can stand; below, all are of version 1. */
const TYPES_SINCE: readonly [version: number, ...types: number[]][] = [
  [1, op.TYPE_STRING, op.TYPE_LIST, op.TYPE_SET, op.TYPE_ZSET, op.TYPE_HASH],
  [2, op.TYPE_HASH_ZIPMAP, op.TYPE_LIST_ZIPLIST, op.TYPE_SET_INTSET, op.TYPE_ZSET_ZIPLIST],
  [4, op.TYPE_HASH_ZIPLIST],
  [7, op.TYPE_LIST_QUICKLIST],
  [8, op.TYPE_ZSET_2, op.TYPE_MODULE_2],
  [9, op.TYPE_STREAM_LISTPACKS],
  [10, op.TYPE_HASH_LISTPACK, op.TYPE_ZSET_LISTPACK, op.TYPE_LIST_QUICKLIST_2, op.TYPE_STREAM_LISTPACKS_2],
  [11, op.TYPE_SET_LISTPACK, op.TYPE_STREAM_LISTPACKS_3],
]

const REDIS_TYPES_SINCE: typeof TYPES_SINCE = [
  [12, op.TYPE_HASH_22, op.TYPE_HASH_LISTPACK_EX_PRE_GA, op.TYPE_HASH_METADATA, op.TYPE_HASH_LISTPACK_EX],
  [13, op.TYPE_STREAM_LISTPACKS_4],
  [14, op.TYPE_STREAM_LISTPACKS_5, op.TYPE_ARRAY],
  [15, op.TYPE_HASH_TEMPLATE_LISTPACK, op.TYPE_HASH_LISTPACK_REF, op.TYPE_HASH_TEMPLATE_ARRAY, op.TYPE_HASH_ARRAY_REF],
  [16, op.TYPE_BITMAP],
]

const VALKEY_TYPES_SINCE: typeof TYPES_SINCE = [[80, op.TYPE_HASH_22]]

function typesOf(family: op.Family, rdbVersion: number): Set<number> {
  const own = family === 'valkey' ? VALKEY_TYPES_SINCE : REDIS_TYPES_SINCE
  const known = [...TYPES_SINCE, ...own].filter(([since]) => since <= rdbVersion)
  return new Set(known.flatMap(([, ...types]) => types))
}

/** Lines of a product that read one version of the format. */
const REDIS_LINES: readonly [rdbVersion: number, lines: string][] = [
  [2, '2.4'],
  [6, '2.6 2.8 3.0'],
  [7, '3.2'],
  [8, '4.0'],
  [9, '5.0 6.0 6.2'],
  [10, '7.0'],
  [11, '7.2'],
  [12, '7.4 8.0 8.2 8.4'],
  [13, '8.6'],
  [14, '8.8'],
  [15, '8.10'],
  [16, '8.12'],
]
const VALKEY_LINES: typeof REDIS_LINES = [
  [11, '7.2 8.0 8.1'],
  [80, '9.0 9.1'],
]
/** Redict counts as 12 what is 11 elsewhere. */
const REDICT_VERSION = 12
const REDICT_TYPES_VERSION = 11

function targetsOf(product: 'redis' | 'valkey', lines: typeof REDIS_LINES): Target[] {
  return lines.flatMap(([rdbVersion, all]) =>
    all.split(' ').map(line => {
      const family = rdbVersion >= 80 ? 'valkey' : 'redis'
      const types = typesOf(family, rdbVersion)
      return {name: `${product}-${line}`, product, serverVersion: `${line}.0`, family, rdbVersion, own: false, types}
    }),
  )
}

/** Every target that can be named, oldest first. */
export const TARGETS: readonly Target[] = [
  ...targetsOf('redis', REDIS_LINES),
  ...targetsOf('valkey', VALKEY_LINES),
  {
    name: 'redict-7.3',
    product: 'redict',
    serverVersion: '7.3.0',
    family: 'redis',
    rdbVersion: REDICT_VERSION,
    own: false,
    types: typesOf('redis', REDICT_TYPES_VERSION),
  },
]

/** What is written where no source says what it was: the newest version that Redis and Valkey both load. */
const COMMON_VERSION = 11

/** The target of a name; UsageError that lists them all for any other. */
export function targetOf(name: string): Target {
  const target = TARGETS.find(one => one.name === name.toLowerCase())
  if (target !== undefined) return target
  const names = TARGETS.map(one => one.name).join(', ')
  throw new UsageError(`no target is called ${JSON.stringify(name)}: give one of ${names}`)
}

/** The version that the source itself has, where nobody asked for another. */
export function ownTarget(origin: SourceOrigin | undefined): Target {
  const {family, rdbVersion} = origin ?? {family: 'redis', rdbVersion: COMMON_VERSION}
  const name = `${family === 'valkey' ? 'Valkey' : 'Redis'} RDB version ${rdbVersion}`
  const types = new Set(Object.keys(op.typesOf(family)).map(Number))
  // A source that is no RDB file brings no types along.
  const taken = origin === undefined ? typesOf(family, rdbVersion) : types
  return {name, product: family, serverVersion: '', family, rdbVersion, own: true, types: taken}
}
