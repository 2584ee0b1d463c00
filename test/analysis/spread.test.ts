import {describe, expect, it} from 'vitest'
import {KeySpread, type SpreadOptions} from '../../src/analysis/spread.js'
import {Entry, NEVER, type ValueType} from '../../src/keyspace/entry.js'

const NOW_MS = 1_800_000_000_000
const OPTIONS: SpreadOptions = {nowMs: NOW_MS, top: 10, prefixes: {}}

interface Key {
  key: string
  type?: ValueType
  elements?: number
  rdbBytes: number
  expireAtMs?: number
  idleSeconds?: number
  frequency?: number
}

function spreadOf(keys: readonly Key[], options = OPTIONS): KeySpread {
  const spread = new KeySpread(options)
  const entry = new Entry()
  for (const {key, type = 'string', elements = 1, rdbBytes, expireAtMs, idleSeconds = -1, frequency = -1} of keys) {
    const window = Buffer.from(`:${key}:`)
    entry.keyBytes.lend(window, 1, window.length - 1)
    Object.assign(entry, {type, elements, idleSeconds, frequency, expireAtMs: expireAtMs ?? NEVER})
    spread.add(entry, rdbBytes, 0)
  }
  return spread
}

/** Keys of every kind, in an order without pattern. */
const KEYS: Key[] = Array.from({length: 3000}, (_, i) => {
  const n = (i * 7919) % 3000
  return {
    key: `${['user', 'order', 'cart'][n % 3]}:${n % 50}:${n}`,
    type: (['string', 'hash', 'set', 'module'] as const)[n % 4]!,
    elements: n,
    rdbBytes: 10 + n,
    ...(n % 2 === 0 ? {expireAtMs: NOW_MS + (n - 1000) * 60_000} : {}),
    ...(n % 5 === 0 ? {idleSeconds: n * 100} : {}),
    ...(n % 7 === 0 ? {frequency: n % 256} : {}),
  }
})

describe('KeySpread', () => {
  it('of nothing is empty', () => {
    expect(new KeySpread(OPTIONS).result()).toMatchObject({
      rdbBytes: [],
      elements: [],
      densestHour: undefined,
      idle: [],
      frequency: [],
      prefixes: [],
    })
  })

  it('counts elements of collections only, and the maximum exactly', () => {
    const {elements, rdbBytes} = spreadOf(KEYS).result()
    const most = Math.max(...KEYS.filter(({type}) => type === 'hash' || type === 'set').map(one => one.elements!))
    expect(elements.at(-1)).toEqual({percent: 100, value: most})
    expect(rdbBytes.at(-1)).toEqual({percent: 100, value: 3009})
    expect(rdbBytes[0]!.percent).toBe(50)
    expect(Math.abs(rdbBytes[0]!.value - 1509) / 1509).toBeLessThan(0.01)
  })

  it('agrees with a re-count', () => {
    const result = spreadOf(KEYS).result()
    const sum = (of: readonly {keys: number}[]): number => of.reduce((total, {keys}) => total + keys, 0)
    const count = (takes: (key: Key) => boolean): number => KEYS.filter(takes).length
    expect(sum(result.ttl)).toBe(KEYS.length)
    expect(result.ttl.find(({bucket}) => bucket === 'none')!.keys).toBe(count(one => one.expireAtMs === undefined))
    expect(result.ttl.find(({bucket}) => bucket === 'expired')!.keys).toBe(count(one => one.expireAtMs! < NOW_MS))
    expect(sum(result.idle)).toBe(count(one => one.idleSeconds !== undefined))
    expect(sum(result.frequency)).toBe(count(one => one.frequency !== undefined))
    const users = result.prefixes.find(({prefix}) => Buffer.from(prefix).toString() === 'user:')!
    expect(users.keys).toBe(count(({key}) => key.startsWith('user:')))
    expect(users.rdbBytes).toBe(
      KEYS.filter(({key}) => key.startsWith('user:')).reduce((total, {rdbBytes}) => total + rdbBytes, 0),
    )
  })

  it('merges exactly, however the keys were split', () => {
    const whole = spreadOf(KEYS).result()
    for (const cut of [0, 1, 1234, 3000]) {
      const merged = new KeySpread(OPTIONS)
      merged.merge(spreadOf(KEYS.slice(cut)))
      merged.merge(spreadOf(KEYS.slice(0, cut)))
      expect(merged.result()).toEqual(whole)
    }
  })
})
