/** Growth against a plain comparison of what both snapshots hold. */
import {describe, expect, it} from 'vitest'
import {type Growth, growthOf} from '../../src/analysis/growth.js'
import {InventoryVisitor} from '../../src/analysis/inventory.js'
import type {PrefixOptions} from '../../src/analysis/prefixes.js'
import {RdbReader} from '../../src/rdb/reader.js'
import {list, RdbFile, text} from '../start/rdb.js'

interface Key {
  db?: number
  key: string
  value?: string
  items?: string[]
}

async function counted(keys: readonly Key[], prefixes: Partial<PrefixOptions>, detail = true) {
  const file = new RdbFile('REDIS', 9)
  for (const {db = 0, key, value = 'v', items} of keys) {
    file.db(db).key(items === undefined ? 0 : 1, key, items === undefined ? text(value) : list(items))
  }
  const reader = await RdbReader.open(file.end())
  const spread = detail ? {nowMs: 0, top: 5, prefixes} : undefined
  const visitor = new InventoryVisitor({top: 5, nowMs: 0, spread})
  await reader.run(visitor)
  return {inventory: visitor.result(reader.header!, reader.offset, reader.end), spread: visitor.spread}
}

async function growth(
  before: Key[],
  after: Key[],
  prefixes: Partial<PrefixOptions> = {},
  detail = true,
  top = 10,
): Promise<Growth> {
  return growthOf(await counted(before, prefixes, detail), await counted(after, prefixes, detail), top)
}

const keys = (...names: string[]): Key[] => names.map(key => ({key}))
const told = ({prefixes}: Growth): [string, number, number][] =>
  prefixes!.map(({prefix, before, after}) => [Buffer.from(prefix).toString(), before.keys, after.keys])

describe('growthOf', () => {
  const older: Key[] = [{key: 'a'}, {key: 'b', value: 'long'}, {db: 3, key: 'gone', items: ['x']}]
  const later: Key[] = [{key: 'a'}, {key: 'b', value: 'longer'}, {key: 'c'}, {db: 5, key: 'new', items: ['x', 'y']}]

  it('compares all, databases and types', async () => {
    const {all, databases, types} = await growth(older, later)
    expect(all).toMatchObject({before: {keys: 3}, after: {keys: 4}})
    expect(all.after.rdbBytes - all.before.rdbBytes).toBe(2 + 5 + 1)
    expect(databases.map(({db, before, after}) => [db, before.keys, after.keys])).toEqual([
      [0, 2, 3],
      [3, 1, 0],
      [5, 0, 1],
    ])
    expect(types.map(({type, before, after}) => [type, before.keys, after.keys])).toEqual([
      ['string', 2, 3],
      ['list', 1, 1],
    ])
  })

  it('of a snapshot against itself is nothing', async () => {
    const {all, databases, types, prefixes} = await growth(later, later)
    for (const {before, after} of [all, ...databases, ...types]) expect(before).toEqual(after)
    expect(prefixes).toEqual([])
  })

  it('knows no prefixes where nobody asked', async () => {
    expect((await growth(older, later, {}, false)).prefixes).toBeUndefined()
  })

  it('ranks prefixes by how much they changed, new and gone ones too', async () => {
    const before = keys('user:1', 'user:2', 'cart:1', 'old:1', 'same:1')
    const after = keys('user:1', 'user:2', 'user:3', 'user:4', 'cart:1', 'new:1', 'new:2', 'new:3', 'same:1')
    expect(told(await growth(before, after))).toEqual([
      ['new:', 0, 3],
      ['user:', 2, 4],
      ['old:', 1, 0],
    ])
    expect(told(await growth(before, after, {}, true, 1))).toEqual([['new:', 0, 3]])
    expect(told(await growth(after, before))[0]).toEqual(['new:', 3, 0])
  })

  it('says nothing of what one of both tells only together with others', async () => {
    const few = keys('user:1:x', 'user:2:x')
    const many = keys(...Array.from({length: 20}, (_, i) => `user:${i}:x`))
    expect(told(await growth(few, many, {fanout: 10}))).toEqual([['user:', 2, 20]])
    expect(told(await growth(many, few, {fanout: 10}))).toEqual([['user:', 20, 2]])
    expect(told(await growth(many, [...many, {key: 'user:99:x'}], {fanout: 10}))).toEqual([
      ['user:', 20, 21],
      ['user:*', 20, 21],
    ])
  })

  it('does not take a part called * for any part', async () => {
    expect(told(await growth(keys('*:a', 'b:a'), keys('*:a', '*:b', 'b:a', 'c:a')))).toEqual([
      ['*:', 1, 2],
      ['c:', 0, 1],
    ])
  })
})
