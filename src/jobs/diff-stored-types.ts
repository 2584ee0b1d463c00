/**
 * Which types two snapshots store alike, so that equal values have equal bytes: those are digested as they are stored, the
 * others by meaning. What is the same and stored otherwise all the same is only looked at more closely.
 *
 *   RDB version   hash      sorted set         list   set          stream
 *   10            4, 16     5, 17 (17 digits)  18     2, 11        19
 *   11, 12, 80    4, 16     5, 17 (shortest)   18     2, 11, 20    21
 *
 * Redis 7.2 and valkey print scores shorter, pack sets of strings, and know more of streams (rdb.c, t_zset.c).
 */
import type {MeaningOptions} from '../keyspace/digest.js'
import type {SourceOrigin} from '../keyspace/entry-source.js'

/** Every type: the versions are the same. */
export const ALL_TYPES = 0xffff_ffff
export const NO_TYPES = 0

const SINCE_10 = typesOf(0, 4, 5, 11, 16, 18)
const SINCE_11 = SINCE_10 | typesOf(2, 17, 20, 21)
const VERSIONS_SINCE_11: ReadonlySet<number> = new Set([11, 12, 80])

function typesOf(...types: readonly number[]): number {
  return types.reduce((bits, type) => bits | (1 << type), 0)
}

/** A bit for each type byte; nothing is known of where a side comes from: none. */
export function storedTypesOf(before: SourceOrigin | undefined, after: SourceOrigin | undefined): number {
  if (before === undefined || after === undefined) return NO_TYPES
  if (before.family === after.family && before.rdbVersion === after.rdbVersion) return ALL_TYPES
  const versions = [before.rdbVersion, after.rdbVersion]
  if (versions.every(version => VERSIONS_SINCE_11.has(version))) return SINCE_11
  return versions.every(version => version === 10 || VERSIONS_SINCE_11.has(version)) ? SINCE_10 : NO_TYPES
}

export function isStored(types: number, typeId: number): boolean {
  return types === ALL_TYPES || (typeId < 32 && ((types >>> typeId) & 1) === 1)
}

/** What streams tell in snapshots of both versions; undefined: nothing is known that one of them lacks. */
export function streamFactsOf(
  before: SourceOrigin | undefined,
  after: SourceOrigin | undefined,
): MeaningOptions['streamFacts'] {
  const oldest = Math.min(before?.rdbVersion ?? 99, after?.rdbVersion ?? 99)
  if (oldest >= 11) return undefined
  return oldest === 10 ? 2 : 1
}
