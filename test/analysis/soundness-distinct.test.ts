/** Distinct elements, exactly: against a Set of strings, and against elements that were made to collide. */
import {describe, expect, it} from 'vitest'
import {DistinctElements} from '../../src/analysis/soundness-distinct.js'

const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1')

function offsetsOf(texts: readonly string[], distinct = new DistinctElements()): number[] {
  distinct.begin(texts.length)
  return texts.map((text, i) => {
    const bytes = bytesOf(`<${text}>`)
    expect(distinct.hasRoom(text.length)).toBe(true)
    return distinct.add(bytes, 1, bytes.length - 1, 100 + i)
  })
}

describe('distinct elements', () => {
  it.each([0, 1, 2, 3, 4, 5, 7, 8, 9, 63, 64, 65, 1000])('of %i bytes are told apart by each of their bytes', size => {
    const one = 'x'.repeat(size)
    const others = Array.from({length: size}, (_, i) => `${one.slice(0, i)}y${one.slice(i + 1)}`)
    const texts = [one, ...others, `${one}x`, `${one}\0`, one]
    expect(offsetsOf(texts)).toEqual([...texts.slice(0, -1).map(() => -1), 100])
  })

  it('are those of a Set', () => {
    const distinct = new DistinctElements()
    for (let round = 0, state = 1; round < 50; round++) {
      const texts = Array.from({length: 1 + 37 * round}, () => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
        return String((state >>> 8) % 1500).repeat(1 + (state % 3))
      })
      const first = new Map<string, number>()
      const expected = texts.map((text, i) => {
        const before = first.get(text) ?? -1
        if (before < 0) first.set(text, 100 + i)
        return before
      })
      expect(offsetsOf(texts, distinct)).toEqual(expected)
      expect(distinct.count).toBe(first.size)
    }
  })

  it('that collide under every seed cost no more than others', () => {
    // Bit 31 of a word comes out of the multiplication as it went in: the next word can undo it.
    const pair = ['\0\0\0\0\0\0\0\0', '\0\0\0\x80\0\0\x01\x80']
    const texts = Array.from({length: 8192}, (_, i) =>
      Array.from({length: 13}, (_, bit) => pair[(i >> bit) & 1]!).join(''),
    )
    // Of the processor: the clock also counts what others do.
    const started = process.cpuUsage()
    expect(offsetsOf(texts).every(found => found === -1)).toBe(true)
    expect(offsetsOf([...texts, texts[77]!]).at(-1)).toBe(177)
    expect(process.cpuUsage(started).user / 1000).toBeLessThan(2000)
  })

  it('have bounds, and can be shown when they are met', () => {
    const distinct = new DistinctElements()
    expect(distinct.takes(65_536)).toBe(true)
    expect(distinct.takes(65_537)).toBe(false)
    distinct.begin(10)
    const large = Buffer.alloc(3 * 1024 * 1024, 'a')
    expect(distinct.hasRoom(large.length)).toBe(true)
    distinct.add(large, 0, large.length, 5)
    expect(distinct.hasRoom(3)).toBe(true)
    distinct.add(bytesOf('abc'), 0, 3, 6)
    expect(distinct.hasRoom(large.length)).toBe(false)
    const shown: [number, string, number][] = []
    distinct.each((bytes, start, end, offset) => {
      shown.push([end - start, Buffer.from(bytes.subarray(start, Math.min(end, start + 4))).toString(), offset])
    })
    expect(shown).toEqual([
      [large.length, 'aaaa', 5],
      [3, 'abc', 6],
    ])
  })
})
