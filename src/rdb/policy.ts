/**
 * How a target itself would store a value: which packed form, up to which
 * size. The bounds are the defaults of its configuration (redis.conf of each
 * line); whatever they are at the reader, it takes any form and converts.
 */
import {NODE_BYTES_MAX, NODE_ENTRIES_MAX} from '../encoding/stream-node.js'
import type {ValueType} from '../keyspace/entry.js'
import type {LossKind} from '../keyspace/loss-report.js'
import {LOST} from './loss-kinds.js'
import type {Target} from './targets.js'

/** A packed form holds at most so many elements, none of them larger than that. */
export interface PackedBounds {
  entriesMax: number
  valueBytesMax: number
}

export interface Policy {
  /** Strings are compressed where that pays. */
  compress: boolean
  /** The form of packed values. */
  packed: 'listpack' | 'ziplist' | 'none'
  /** Ziplists with the integers of redis 2.4 only. */
  legacyIntegers: boolean
  /** What to do about entries whose back length servers disagree about. */
  boundaryForm: 'long' | 'short'
  hash: PackedBounds
  zset: PackedBounds
  /** Sets of strings, packed; 0 entries where there are none. */
  set: PackedBounds
  intsetEntriesMax: number
  /** Lists as one packed value, before there were quicklists. */
  list: PackedBounds
  quicklist: 'none' | 'ziplists' | 'listpacks'
  listNodeBytesMax: number
  /** Elements above are nodes of their own. */
  plainBytesMin: number
  binaryScores: boolean
  /** 0: streams cannot be written. */
  streamVersion: 0 | 1 | 2 | 3 | 4 | 5
  streamNodeBytesMax: number
  streamNodeEntriesMax: number
  fieldExpiry: 'none' | 'redis' | 'valkey'
  moduleValues: boolean
  /** Lengths of 4 GiB and more. */
  longLengths: boolean
  arrays: boolean
}

const GIBIBYTE = 2 ** 30
const NONE: PackedBounds = {entriesMax: 0, valueBytesMax: 0}

/** What `target` would choose. */
export function policyOf(target: Target, compress = true): Policy {
  const version = target.family === 'valkey' ? 11 : Math.min(target.rdbVersion, target.product === 'redict' ? 11 : 99)
  const plainNodes = target.rdbVersion >= 12 || (target.product === 'valkey' && target.name !== 'valkey-7.2')
  return {
    compress,
    packed: version >= 10 ? 'listpack' : version >= 2 ? 'ziplist' : 'none',
    legacyIntegers: version < 4,
    boundaryForm: target.family === 'valkey' ? 'short' : 'long',
    hash: version >= 4 ? {entriesMax: 512, valueBytesMax: 64} : NONE,
    zset: version >= 2 ? {entriesMax: 128, valueBytesMax: 64} : NONE,
    set: version >= 11 ? {entriesMax: 128, valueBytesMax: 64} : NONE,
    intsetEntriesMax: version >= 2 ? 512 : 0,
    list: version >= 2 && version < 7 ? {entriesMax: 512, valueBytesMax: 64} : NONE,
    quicklist: version >= 10 ? 'listpacks' : version >= 7 ? 'ziplists' : 'none',
    listNodeBytesMax: 8192,
    plainBytesMin: plainNodes ? 8193 : GIBIBYTE,
    binaryScores: version >= 8,
    streamVersion: streamVersionOf(version),
    streamNodeBytesMax: NODE_BYTES_MAX,
    streamNodeEntriesMax: NODE_ENTRIES_MAX,
    fieldExpiry: target.family === 'valkey' ? 'valkey' : version >= 12 ? 'redis' : 'none',
    moduleValues: version >= 8,
    longLengths: version >= 8,
    arrays: version >= 14,
  }
}

function streamVersionOf(version: number): Policy['streamVersion'] {
  if (version < 9) return 0
  if (version < 10) return 1
  if (version < 11) return 2
  if (version < 13) return 3
  return version < 14 ? 4 : 5
}

/** As what a value is lost that cannot be stored anew, whatever is in it; undefined where it can. */
export function lostWhole(type: ValueType, {streamVersion, arrays}: Policy): LossKind | undefined {
  if (type === 'stream' && streamVersion === 0) return LOST.streams
  if (type === 'array' && !arrays) return LOST.arrays
  return type === 'cron' ? LOST.crons : undefined
}
