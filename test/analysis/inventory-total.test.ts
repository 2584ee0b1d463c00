/** The sum of several snapshots is what one snapshot of all their keys would give. */
import {describe, expect, it} from 'vitest'
import type {Inventory} from '../../src/analysis/inventory.js'
import {totalOf} from '../../src/analysis/inventory-total.js'
import {inspect} from '../../src/jobs/inspect.js'
import {fixturesOf} from '../jobs/golden-inventory.js'

const NOW_MS = Date.parse('2050-01-01T00:00:00Z')
const SOME = /^(databases-many|expiry|lru|lfu|module-vectorset|stream-groups|hash-)/

const inspected = await Promise.all(
  fixturesOf('rdb')
    .filter(({name}) => SOME.test(name))
    .map(async ({path}) => {
      const spread = {nowMs: NOW_MS, top: 20, prefixes: {}}
      const found = await inspect(path, {top: 100_000, nowMs: NOW_MS, spread})
      return {source: path, inventory: found.inventory!, spread: found.spread}
    }),
)
const all = inspected.map(({inventory}) => inventory)
const total = totalOf(inspected, 100_000)

function sum<Row>(rows: readonly Row[], of: (row: Row) => number): number {
  return rows.reduce((so, row) => so + of(row), 0)
}

describe('totalOf', () => {
  it('has many sources to add up', () => expect(inspected.length).toBeGreaterThan(50))

  it.each(['keys', 'expiring', 'expired', 'bytes'] as const)('sums %s', member => {
    expect(total[member]).toBe(sum(all, one => one[member]))
    if (member !== 'bytes') expect(sum(total.databases, one => one[member])).toBe(total[member])
  })

  it('has one row for each database, in their order', () => {
    const numbers = new Set(all.flatMap(({databases}) => databases.map(({db}) => db)))
    expect(total.databases.map(({db}) => db)).toEqual([...numbers].sort((a, b) => a - b))
    for (const {db, rdbBytes} of total.databases) {
      const of = ({databases}: Inventory): number => databases.find(one => one.db === db)?.rdbBytes ?? 0
      expect(rdbBytes).toBe(sum(all, of))
    }
  })

  it('has one row for each encoding of a type, and for each module', () => {
    const names = total.encodings.map(({type, encoding}) => `${type} ${encoding}`)
    expect(new Set(names).size).toBe(names.length)
    for (const member of ['keys', 'elements', 'rdbBytes'] as const) {
      expect(sum(total.encodings, one => one[member])).toBe(
        sum(all, ({encodings}) => sum(encodings, one => one[member])),
      )
    }
    const modules = all.flatMap(one => one.modules).filter(({name}) => name === 'vectorset')
    expect(total.modules.find(({name}) => name === 'vectorset')).toMatchObject({
      version: modules[0]!.version,
      keys: sum(modules, ({keys}) => keys),
    })
  })

  it('ranks the keys of all, and says where each is', () => {
    expect(total.biggest.length).toBe(total.keys)
    const bytes = total.biggest.map(({rdbBytes}) => rdbBytes)
    expect(bytes).toEqual(bytes.toSorted((a, b) => b - a))
    expect(new Set(total.biggest.map(({source}) => source)).size).toBe(inspected.length)
    expect(totalOf(inspected, 5).biggest).toEqual(total.biggest.slice(0, 5))
  })

  it('does not depend on the order of the sources', () => {
    const {encodings, modules, ...rest} = totalOf(inspected.toReversed(), 100_000)
    expect({...rest}).toEqual((({encodings: _, modules: __, ...of}) => of)(total))
    expect(new Set(encodings.map(one => JSON.stringify(one)))).toEqual(
      new Set(total.encodings.map(one => JSON.stringify(one))),
    )
    expect(modules.length).toBe(total.modules.length)
  })

  it('counts how keys are spread over all', () => {
    expect(sum(total.spread!.ttl, ({keys}) => keys)).toBe(total.keys)
    expect(total.spread!.idle.length).toBeGreaterThan(0)
    expect(total.spread!.frequency.length).toBeGreaterThan(0)
  })

  it('of nothing is nothing', () => {
    expect(totalOf([], 10)).toMatchObject({sources: 0, keys: 0, databases: [], biggest: [], spread: undefined})
  })
})
