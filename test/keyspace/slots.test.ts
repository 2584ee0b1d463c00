/** How slots are divided, told, and counted. */
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {UsageError} from '../../src/errors.js'
import {countSlots, coverage, evenSlots, formatSlots, rangesWhere, uncoveredText} from '../../src/keyspace/slots.js'

describe('even parts', () => {
  it.each([
    [1, '0-16383'],
    // As `redis-cli --cluster create` prints them.
    [3, '0-5460, 5461-10922, 10923-16383'],
    [5, '0-3276, 3277-6553, 6554-9829, 9830-13106, 13107-16383'],
    [6, '0-2730, 2731-5460, 5461-8191, 8192-10922, 10923-13652, 13653-16383'],
  ])('of %i', (shards, ranges) => {
    expect(formatSlots(evenSlots(shards))).toBe(ranges)
  })

  it('cover every slot once, in order, whatever their number', () => {
    fc.assert(
      fc.property(fc.integer({min: 1, max: 16_384}), shards => {
        const ranges = evenSlots(shards)
        expect(ranges).toHaveLength(shards)
        expect(ranges[0]![0]).toBe(0)
        for (const [at, [first, last]] of ranges.entries()) {
          expect(last).toBeGreaterThanOrEqual(first)
          expect(ranges[at + 1]?.[0] ?? 16_384).toBe(last + 1)
        }
        expect(countSlots(ranges)).toBe(16_384)
      }),
      {numRuns: 60, examples: [[1], [2], [7542], [16_383], [16_384]]},
    )
  })

  it.each([0, -1, 1.5, 16_385, Number.NaN])('are not made of %d', shards => {
    expect(() => evenSlots(shards)).toThrow(UsageError)
  })
})

it('any division is told from one that has gaps or is double', () => {
  const slots = fc.uniqueArray(fc.integer({min: 0, max: 16_383}), {maxLength: 40})
  fc.assert(
    fc.property(slots, slots, (lacking, double) => {
      const both = double.filter(slot => !lacking.includes(slot))
      const held = rangesWhere(slot => !lacking.includes(slot))
      const other = rangesWhere(slot => both.includes(slot))
      const found = coverage([{slots: held}, {slots: other}])
      expect(countSlots(found.missing)).toBe(lacking.length)
      expect(countSlots(found.twice)).toBe(both.length)
      expect(uncoveredText(found) === undefined).toBe(lacking.length + both.length === 0)
      for (const [first, last] of found.missing) {
        for (let slot = first; slot <= last; slot++) expect(lacking).toContain(slot)
      }
    }),
    {numRuns: 50},
  )
})
