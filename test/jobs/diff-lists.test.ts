/** diff of lists: what both begin with and end in is passed over, and where as many items are left, what is the same. */
import {describe, expect, it} from 'vitest'
import {differencesOf} from '../reading/differences.js'
import {temporaryFolder} from '../start/folder.js'

const folder = temporaryFolder()
let files = 0

describe('lists', () => {
  const of = (...value: string[]): string =>
    folder.write(`${files++}.jsonl`, `{"meta":{}}\n${JSON.stringify({db: 0, key: 'l', type: 'list', value})}\n`)
  const parts = async (before: string, after: string): Promise<unknown> =>
    (await differencesOf(before, after)).lines[0]?.differences

  it.each([
    ['put in front', ['b', 'c'], ['a', 'b', 'c'], {at: 0, after: ['a']}],
    ['put behind', ['a', 'b'], ['a', 'b', 'c'], {at: 2, after: ['c']}],
    ['taken from the middle', ['a', 'b', 'c'], ['a', 'c'], {at: 1, before: ['b']}],
    ['the same many times', ['a', 'a', 'a'], ['a', 'a'], {at: 2, before: ['a']}],
    ['changed in a row', ['a', 'b', 'c', 'd'], ['a', 'x', 'y', 'd'], {at: 1, before: ['b', 'c'], after: ['x', 'y']}],
    ['another in all', ['a', 'b'], ['x', 'y', 'z'], {at: 0, before: ['a', 'b'], after: ['x', 'y', 'z']}],
  ])('%s', async (_, before, after, part) => {
    expect(await parts(of(...before), of(...after))).toEqual([{what: 'items', ...part}])
  })

  it('changed in several places, those alone', async () => {
    const numbers = Array.from({length: 60_000}, (_, i) => `a long enough item, number ${i}`)
    const edits = [0, 1, 777, 40_000, 59_999]
    const changed = numbers.map((item, i) => (edits.includes(i) ? 'x' : item))
    const part = (at: number, count: number) => ({
      ...{what: 'items', at},
      ...{before: numbers.slice(at, at + count), after: changed.slice(at, at + count)},
    })
    expect(await parts(of(...numbers), of(...changed))).toEqual([
      part(0, 2),
      part(777, 1),
      part(40_000, 1),
      part(59_999, 1),
    ])
  })
})
