import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {TopN} from '../../src/analysis/top.js'

const descending = (a: number, b: number): boolean => a > b

describe('TopN', () => {
  it('keeps what a sort would put first', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({min: -20, max: 20})), fc.nat({max: 12}), (numbers, size) => {
        const top = new TopN<number>(size, descending)
        for (const number of numbers) top.add(number)
        expect(top.sorted()).toEqual(numbers.toSorted((a, b) => b - a).slice(0, size))
        expect(top.full).toBe(numbers.length >= size)
        expect(top.least).toBe(top.sorted().at(-1))
      }),
    )
  })

  it('gives the same answer in any order when ties are broken', () => {
    const rows = fc.array(fc.record({bytes: fc.nat({max: 3}), name: fc.string({maxLength: 2})}), {maxLength: 40})
    const ranks = (a: {bytes: number; name: string}, b: {bytes: number; name: string}): boolean =>
      a.bytes !== b.bytes ? a.bytes > b.bytes : a.name < b.name
    fc.assert(
      fc.property(
        rows.chain(all => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, {minLength: all.length}))),
        fc.nat({max: 8}),
        ([all, shuffled], size) => {
          const answers = [all, shuffled].map(order => {
            const top = new TopN(size, ranks)
            for (const row of order) top.add(row)
            return top.sorted()
          })
          expect(answers[1]).toEqual(answers[0])
        },
      ),
    )
  })

  it('says beforehand what it would keep', () => {
    const top = new TopN<number>(2, descending)
    expect(top.admits(1)).toBe(true)
    top.add(1)
    top.add(5)
    expect([top.admits(1), top.admits(2)]).toEqual([false, true])
    expect(new TopN<number>(0, descending).admits(1)).toBe(false)
  })
})
