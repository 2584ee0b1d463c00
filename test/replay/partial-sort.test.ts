/** Sorting a part: what is right whichever of equals are kept. Which those are, lists and places prove beside servers. */
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {sortPart} from '../../src/replay/partial-sort.js'

const ascending = (one: number, other: number): number => one - other
const numbers = fc.oneof(
  fc.array(fc.nat(5), {maxLength: 150, size: 'max'}),
  fc.array(fc.nat(), {maxLength: 150, size: 'max'}),
)

describe('sorting a part', () => {
  it('puts there what sorting all would, and loses nothing', () => {
    fc.assert(
      fc.property(numbers, fc.nat(150), fc.nat(150), (all, first, count) => {
        const sorted = [...all].sort(ascending)
        const partly = [...all]
        sortPart(partly, ascending, first, first + count)
        expect(partly.slice(first, first + count)).toEqual(sorted.slice(first, first + count))
        expect(partly.sort(ascending)).toEqual(sorted)
      }),
      {numRuns: 1000},
    )
  })

  it('leaves the rest alone', () => {
    const all = Array.from({length: 1000}, (_, i) => (i * 7919) % 1000)
    let comparisons = 0
    sortPart(
      all,
      (one, other) => {
        comparisons++
        return one - other
      },
      0,
      10,
    )
    expect(all.slice(0, 10)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(all).not.toEqual([...all].sort(ascending))
    expect(comparisons).toBeLessThan(5000)
  })

  it('keeps those of equals that servers keep', () => {
    // As redis 7.0: SORT l BY w_* ALPHA LIMIT 3 9 of 0 to 44, whose weights are their numbers modulo 4.
    const all = Array.from({length: 45}, (_, i) => i)
    sortPart(all, (one, other) => (one % 4) - (other % 4), 3, 12)
    expect(all.slice(3, 12)).toEqual([8, 32, 44, 40, 12, 4, 16, 36, 20])
  })

  it('ends where nothing is in an order', () => {
    const all = Array.from({length: 500}, (_, i) => i)
    sortPart(all, () => -1, 0, 500)
    expect(all.sort(ascending)).toEqual(Array.from({length: 500}, (_, i) => i))
  })
})
