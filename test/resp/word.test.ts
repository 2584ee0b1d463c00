import {assert, property, stringMatching} from 'fast-check'
import {describe, expect, it} from 'vitest'
import {isWord, wordOf} from '../../src/resp/word.js'

const is = (text: string, word: string): boolean => {
  const bytes = Buffer.from(`<${text}>`)
  return isWord(bytes, 1, bytes.length - 1, wordOf(word))
}

describe('a word', () => {
  it('is the same in whatever case', () => {
    assert(
      property(stringMatching(/^[\w.-]{1,12}$/), word => {
        for (const text of [word, word.toUpperCase(), word.toLowerCase()]) expect(is(text, word)).toBe(true)
      }),
    )
  })

  it('is no other', () => {
    for (const text of ['', 'ge', 'gets', 'got', 'set']) expect(is(text, 'GET')).toBe(false)
  })

  it.each([
    // Each differs in the bit that tells large letters from small ones.
    ['@', '`'],
    ['[', '{'],
    ['_', '\x7f'],
    ['\r', '-'],
    ['\x10', '0'],
    ['É', 'é'],
  ])('has no case but that of ASCII letters: %j is not %j', (one, other) => {
    expect(is(one, one)).toBe(true)
    expect(is(one, other)).toBe(false)
    expect(is(other, one)).toBe(false)
  })
})
