/** Every warning at its threshold, and not one below it. */
import {describe, expect, it} from 'vitest'
import type {Spread} from '../../src/analysis/spread.js'
import {Extremes, type JudgedSums, THRESHOLDS, type Warning, warningsOf} from '../../src/analysis/warnings.js'
import {Entry, type ValueType} from '../../src/keyspace/entry.js'
import {warningText} from '../../src/report/inventory-warnings.js'

const NONE: JudgedSums = {
  keys: 0,
  expiring: 0,
  expired: 0,
  databases: [],
  otherDatabases: undefined,
  spread: undefined,
}

function extremeOf(type: ValueType, elements: number, rdbBytes: number, key = 'k'): Warning[] {
  const extremes = new Extremes()
  const entry = new Entry()
  Object.assign(entry, {type, elements})
  entry.keyBytes.lend(Buffer.from(key), 0, key.length)
  extremes.add(entry, rdbBytes)
  return warningsOf(NONE, extremes)
}

const codes = (warnings: readonly Warning[]): string[] => warnings.map(({code}) => code)
const judged = (sums: Partial<JudgedSums>): Warning[] => warningsOf({...NONE, ...sums}, new Extremes())
const database = (db: number) => ({db, keys: 5, expiring: 0, expired: 0, rdbBytes: 1, memoryBytes: 0})
const minute = (keys: number): Partial<Spread> => ({
  binaryKeys: 0,
  densestMinute: {fromMs: 1_800_000_000_000, toMs: 1_800_000_060_000, keys, share: 1},
})

describe('warnings', () => {
  it('of nothing are none', () => expect(judged({})).toEqual([]))

  it.each<[string, ValueType, number, number, string[]]>([
    ['big keys', 'hash', 5, THRESHOLDS.bigKeyBytes, ['BIG_KEYS']],
    ['no big keys', 'hash', 5, THRESHOLDS.bigKeyBytes - 1, []],
    ['huge collections', 'set', THRESHOLDS.hugeElements, 5, ['HUGE_COLLECTIONS']],
    ['no huge collections', 'set', THRESHOLDS.hugeElements - 1, 5, []],
    ['strings have no elements', 'string', THRESHOLDS.hugeElements, 5, []],
    ['modules have none that we know', 'module', THRESHOLDS.hugeElements, 5, []],
    ['long strings, compressed', 'string', THRESHOLDS.nearStringBytes, 5, ['STRING_NEAR_LIMIT']],
    ['no long strings', 'string', THRESHOLDS.nearStringBytes - 1, 5, []],
    ['crowded', 'zset', THRESHOLDS.nearElements, 5, ['ELEMENTS_NEAR_LIMIT', 'HUGE_COLLECTIONS']],
  ])('%s', (_, type, elements, rdbBytes, expected) => {
    expect(codes(extremeOf(type, elements, rdbBytes))).toEqual(expected)
  })

  it('name the key that stands out, and never drive a terminal', () => {
    const [warning] = extremeOf('set', 5_000_000, 5, '\u001b[2J')
    expect(warningText(warning!)).toBe(
      '1 collection has 1,000,000 elements or more, the largest 5,000,000 (\\x1b[2J in database 0): a command on all of them stalls a server',
    )
  })

  it('databases that servers do not have by default', () => {
    expect(judged({databases: [0, 15].map(database)})).toEqual([])
    expect(judged({databases: [0, 16, 99].map(database)})).toMatchObject([
      {code: 'HIGH_DATABASES', keys: 10, db: 99, severity: 'warning'},
    ])
  })

  it('everything expires at once', () => {
    const all = {keys: 50_000, expiring: 50_000}
    expect(codes(judged({...all, spread: minute(10_000) as Spread}))).toEqual(['EXPIRE_TOGETHER'])
    expect(codes(judged({...all, spread: minute(9999) as Spread}))).toEqual([])
    expect(codes(judged({...all, keys: 50_001, spread: minute(10_000) as Spread}))).toEqual([])
  })

  it('many have expired already', () => {
    expect(judged({keys: 40_000, expiring: 10_000, expired: 10_000})).toMatchObject([
      {code: 'MANY_EXPIRED', severity: 'notice', share: 0.25},
    ])
    expect(judged({keys: 40_001, expiring: 10_000, expired: 10_000})).toEqual([])
    expect(judged({keys: 9999, expiring: 9999, expired: 9999})).toEqual([])
  })

  it('some never expire though others do', () => {
    expect(codes(judged({keys: 40_000, expiring: 30_000}))).toEqual(['WITHOUT_EXPIRY'])
    expect(judged({keys: 40_000, expiring: 29_999})).toEqual([])
    expect(judged({keys: 39_999, expiring: 30_000})).toEqual([])
    expect(judged({keys: 1_000_000})).toEqual([])
  })

  it('keys that are no text', () => {
    const spread = {binaryKeys: 3} as Spread
    expect(judged({spread})).toMatchObject([{code: 'BINARY_KEYS', severity: 'notice', keys: 3}])
  })

  it('are all put into words', () => {
    const words = codes(judged({})).length
    expect(words).toBe(0)
    for (const code of [
      'EXPIRE_TOGETHER',
      'MANY_EXPIRED',
      'WITHOUT_EXPIRY',
      'HIGH_DATABASES',
      'BINARY_KEYS',
    ] as const) {
      expect(warningText({code, severity: 'notice', keys: 1, share: 0.5, fromMs: 0, db: 20})).toMatch(/^\S.*\S$/)
    }
  })
})
