/**
 * What in a snapshot is worth waking someone for. Only numbers are told here,
 * with a code; report/ makes sentences of them. The thresholds stand together, each
 * with its reason: what an ordinary data set does must not reach one.
 */
import {type Entry, isCollection, type KeptKey, type ValueType} from '../keyspace/entry.js'
import type {DatabaseCount, DatabaseSums} from './inventory-tallies.js'
import type {Spread} from './spread.js'

const MIB = 1024 * 1024

export const THRESHOLDS = {
  // The soft limit of a replica's output buffer (redis.conf, client-output-buffer-limit): one such key can cut it off.
  bigKeyBytes: 64 * MIB,
  // A command on a million elements, DEL among them, holds everyone else up for some hundred milliseconds.
  hugeElements: 1_000_000,
  // Half of what a string can be by default (redis.conf, proto-max-bulk-len: 512 MB).
  nearStringBytes: 256 * MIB,
  // Half of 2^32, where the counts of encodings and replies end.
  nearElements: 2 ** 31,
  // What a server expires in one minute without effort is far more; what must then be made anew is not.
  togetherKeys: 10_000,
  togetherShare: 0.2,
  // Below, it is what expired between two rounds of the server.
  expiredKeys: 10_000,
  expiredShare: 0.25,
  // Where nearly all keys expire, those that never will were most likely forgotten.
  persistentKeys: 10_000,
  expiringShare: 0.75,
  // `databases` of a server that was not told otherwise: it refuses a file with more.
  databases: 16,
} as const

export type WarningCode =
  | 'BIG_KEYS'
  | 'HUGE_COLLECTIONS'
  | 'STRING_NEAR_LIMIT'
  | 'ELEMENTS_NEAR_LIMIT'
  | 'EXPIRE_TOGETHER'
  | 'MANY_EXPIRED'
  | 'WITHOUT_EXPIRY'
  | 'HIGH_DATABASES'
  | 'BINARY_KEYS'

export interface Warning {
  code: WarningCode
  /** notice: good to know; warning: somebody should look. */
  severity: 'notice' | 'warning'
  /** How many keys it is about; of HIGH_DATABASES too. */
  keys: number
  /** The key that stands out most, or one of them. */
  example?: NotableKey | undefined
  /** Of all keys. */
  share?: number | undefined
  /** EXPIRE_TOGETHER: when. */
  fromMs?: number | undefined
  /** HIGH_DATABASES: the highest that is told apart. */
  db?: number | undefined
}

export interface NotableKey extends KeptKey {
  db: number
  type: ValueType
  elements: number
  rdbBytes: number
}

/** Keys beyond a threshold, and the one furthest beyond. */
class Extreme {
  keys = 0
  #most = 0
  #key: NotableKey | undefined

  add(entry: Entry, rdbBytes: number, measure: number): void {
    this.keys++
    if (measure <= this.#most) return
    this.#most = measure
    const {db, type, elements} = entry
    this.#key = {db, ...entry.keptKey(1), type, elements, rdbBytes}
  }

  warning(code: WarningCode): Warning[] {
    return this.keys === 0 ? [] : [{code, severity: 'warning', keys: this.keys, example: this.#key}]
  }
}

/** Keys so large that they are worth a warning; the first of equals in the file stands for them. */
export class Extremes {
  readonly #bigKeys = new Extreme()
  readonly #huge = new Extreme()
  readonly #longStrings = new Extreme()
  readonly #crowded = new Extreme()

  add(entry: Entry, rdbBytes: number): void {
    const {type, elements} = entry
    if (rdbBytes >= THRESHOLDS.bigKeyBytes) this.#bigKeys.add(entry, rdbBytes, rdbBytes)
    if (type === 'string' && elements >= THRESHOLDS.nearStringBytes) this.#longStrings.add(entry, rdbBytes, elements)
    if (!isCollection(type)) return
    if (elements >= THRESHOLDS.hugeElements) this.#huge.add(entry, rdbBytes, elements)
    if (elements >= THRESHOLDS.nearElements) this.#crowded.add(entry, rdbBytes, elements)
  }

  warnings(): Warning[] {
    return [
      ...this.#longStrings.warning('STRING_NEAR_LIMIT'),
      ...this.#crowded.warning('ELEMENTS_NEAR_LIMIT'),
      ...this.#bigKeys.warning('BIG_KEYS'),
      ...this.#huge.warning('HUGE_COLLECTIONS'),
    ]
  }
}

/** What sums are judged by. */
export interface JudgedSums {
  keys: number
  expiring: number
  expired: number
  databases: readonly DatabaseCount[]
  otherDatabases: DatabaseSums | undefined
  /** Undefined where nobody asked: then nothing is told of what it counts. */
  spread: Spread | undefined
}

export function warningsOf(sums: JudgedSums, extremes: Extremes): Warning[] {
  return [...extremes.warnings(), ...databaseWarnings(sums), ...expiryWarnings(sums), ...keyWarnings(sums)]
}

function databaseWarnings({databases, otherDatabases}: JudgedSums): Warning[] {
  const high = databases.filter(({db}) => db >= THRESHOLDS.databases)
  if (high.length === 0) return []
  const keys = high.reduce((sum, one) => sum + one.keys, otherDatabases?.keys ?? 0)
  return [{code: 'HIGH_DATABASES', severity: 'warning', keys, db: high.at(-1)!.db}]
}

function expiryWarnings({keys, expiring, expired, spread}: JudgedSums): Warning[] {
  const found: Warning[] = []
  const minute = spread?.densestMinute
  if (
    minute !== undefined &&
    minute.keys >= THRESHOLDS.togetherKeys &&
    minute.keys >= THRESHOLDS.togetherShare * keys
  ) {
    const share = minute.keys / keys
    found.push({code: 'EXPIRE_TOGETHER', severity: 'warning', keys: minute.keys, share, fromMs: minute.fromMs})
  }
  if (expired >= THRESHOLDS.expiredKeys && expired >= THRESHOLDS.expiredShare * keys) {
    found.push({code: 'MANY_EXPIRED', severity: 'notice', keys: expired, share: expired / keys})
  }
  const persistent = keys - expiring
  if (persistent >= THRESHOLDS.persistentKeys && expiring >= THRESHOLDS.expiringShare * keys) {
    found.push({code: 'WITHOUT_EXPIRY', severity: 'notice', keys: persistent, share: persistent / keys})
  }
  return found
}

function keyWarnings({spread}: JudgedSums): Warning[] {
  const binary = spread?.binaryKeys ?? 0
  return binary === 0 ? [] : [{code: 'BINARY_KEYS', severity: 'notice', keys: binary}]
}
