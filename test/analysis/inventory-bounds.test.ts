/** What a hostile file repeats costs neither memory nor rows, and what is told of the rest does not depend on its order. */
import {describe, expect, it} from 'vitest'
import {InventoryFacts} from '../../src/analysis/inventory-facts.js'
import {Tallies} from '../../src/analysis/inventory-tallies.js'
import {MemorySource, RdbReader, SKIP} from '../../src/index.js'
import {Entry} from '../../src/keyspace/entry.js'
import {limits} from '../../src/limits.js'
import {hex, str} from '../fixtures/builder.js'
import {withLimits} from '../reading/pieces.js'
import {fileOf} from '../reading/samples.js'

function tallied(databases: Iterable<number>, max: number): Tallies {
  const tallies = new Tallies(max)
  const entry = new Entry()
  entry.encoding = 'raw'
  for (const db of databases) {
    entry.db = db
    const tally = tallies.of(entry)
    tally.keys++
    tally.rdbBytes += 10
  }
  return tallies
}

describe('Tallies', () => {
  const COUNT = 1000
  const ascending = Array.from({length: COUNT}, (_, db) => db)
  const mixed = ascending.map(db => (db * 7919) % COUNT)

  it.each([
    ['ascending', ascending],
    ['descending', ascending.toReversed()],
    ['mixed', mixed],
    ['twice', [...mixed, ...ascending]],
  ])('tell the lowest databases apart, and all others together: %s', (_, order) => {
    const tallies = tallied(order, 30)
    const times = order.length / COUNT
    const databases = tallies.databases()
    expect(databases.map(({db}) => db)).toEqual(ascending.slice(0, 30))
    for (const {keys, rdbBytes} of databases) expect({keys, rdbBytes}).toEqual({keys: times, rdbBytes: 10 * times})
    expect(tallies.others()).toMatchObject({keys: 970 * times, rdbBytes: 9700 * times})
    expect(tallies.encodings()).toMatchObject([{encoding: 'raw', keys: COUNT * times}])
  })

  it('have no others where there are few', () => {
    expect(tallied([3, 1, 3], 30).others()).toBeUndefined()
    expect(tallied([3, 1, 3], 30).databases()).toMatchObject([
      {db: 1, keys: 1},
      {db: 3, keys: 2},
    ])
  })

  it('hold no more than twice as many, at a million databases', () => {
    const tallies = tallied(
      (function* () {
        for (let db = 1_000_000; db > 0; db--) yield db
      })(),
      limits.databasesMax,
    )
    expect(tallies.databases().length).toBe(limits.databasesMax)
    expect(tallies.others()!.keys).toBe(1_000_000 - limits.databasesMax)
  })
})

describe('InventoryFacts', () => {
  it('keeps the bytes of values that are not UTF-8', () => {
    const facts = new InventoryFacts()
    facts.addAux('text', Buffer.from('plain'))
    facts.addAux('bytes', Uint8Array.of(0xff, 0x00))
    expect([...facts.auxBytes]).toEqual([['bytes', Uint8Array.of(0xff, 0x00)]])
    expect([...facts.aux.keys()]).toEqual(['text', 'bytes'])
  })

  it('tells names that are not UTF-8 apart, and loses none of them', async () => {
    const names = [Uint8Array.of(0xff), Uint8Array.of(0xfe), Buffer.from('größe'), Uint8Array.of(0xff)]
    const records = names.map((name, i) => hex(0xfa, str(Buffer.from(name)), str(`v${i}`)))
    const facts = new InventoryFacts()
    const seen: unknown[] = []
    const aux = (name: string, value: Uint8Array, nameBytes?: Uint8Array): void => {
      seen.push(name)
      facts.addAux(name, value, nameBytes)
    }
    await new RdbReader(new MemorySource(fileOf(9, records), 3)).run({entry: () => SKIP, aux})
    expect(seen[2]).toBe('größe')
    expect([...facts.aux]).toEqual([['größe', 'v2']])
    expect(facts.otherAux.map(({name, value}) => [[...name], Buffer.from(value).toString()])).toEqual([
      [[0xff], 'v0'],
      [[0xfe], 'v1'],
    ])
  })

  it('keeps no more aux fields than bytes for them', async () => {
    await withLimits({auxBytesMax: 100}, async () => {
      const facts = new InventoryFacts()
      for (let i = 0; i < 100; i++) facts.addAux(`aux-${i}`, Buffer.alloc(20, 'x'))
      expect(facts.aux.size).toBe(4)
    })
  })

  it('counts slots that exist, each once', () => {
    const facts = new InventoryFacts()
    for (const slot of ['7,1,2', '7', '16383', '16384', '-1', 'none']) facts.addAux('slot-info', Buffer.from(slot))
    facts.addSlot(70_000)
    expect(facts.slots).toBe(2)
  })

  it('reads the head of a library only', () => {
    const facts = new InventoryFacts()
    facts.addFunction(Buffer.concat([Buffer.from('#!lua name=x'), Buffer.alloc(10_000, 'y')]))
    expect(facts.functions[0]!.name.length).toBeLessThan(5000)
    expect(facts.functions[0]!.bytes).toBe(10_012)
  })
})
