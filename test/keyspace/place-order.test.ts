import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {PlaceOrder} from '../../src/keyspace/key-index-order.js'

const integers = fc.oneof(fc.nat(300), fc.nat(), fc.maxSafeNat())

describe('places with their numbers', () => {
  it('come in the order of the places, in memory and beyond it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(integers, integers), {maxLength: 2000}),
        fc.constantFrom(0, 1 << 20),
        (all, memory) => {
          const order = new PlaceOrder(memory, Math.max(0, ...all.map(([place]) => place)))
          for (const [place, value] of all) order.put(place, value)
          const told: [number, number][] = []
          for (const {place, value} of order.places()) told.push([place, value])
          order.close()
          expect(told).toEqual(all.toSorted(([a, b], [c, d]) => a - c || b - d))
        },
      ),
      {numRuns: 100},
    )
  })
})
