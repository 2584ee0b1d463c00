/** Patterns: by a table, by a plain model of the rules, and by what servers answer to KEYS. */
import fc from 'fast-check'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {Glob} from '../../src/keyspace/glob.js'
import {formatBytes} from '../../src/report/text.js'
import {describeEachServer} from '../server/each-server.js'
import {type Server, startServer} from '../server/server.js'

const bytesOf = (latin1: string): Uint8Array => Buffer.from(latin1, 'latin1')
const matches = (glob: Glob, key: Uint8Array): boolean => glob.matches(key, 0, key.length)

/**
 * The rules as a recursion over the pattern, each star trying every place: slow, and nothing is compiled. `start` is
 * where the key begins that was given; a star meets at least one byte, or bytes have gone before.
 */
function model(pattern: Uint8Array, key: Uint8Array): boolean {
  if (pattern.length === 1 && pattern[0] === 0x2a) return true
  if (key.length === 0) return pattern.length === 0
  return modelFrom(pattern, 0, key, 0)
}

function modelFrom(pattern: Uint8Array, p: number, key: Uint8Array, k: number): boolean {
  if (p === pattern.length) return k === key.length
  const c = pattern[p]!
  if (c === 0x2a) return modelFrom(pattern, p + 1, key, k) || (k < key.length && modelFrom(pattern, p, key, k + 1))
  if (k === key.length) return false
  if (c === 0x3f) return modelFrom(pattern, p + 1, key, k + 1)
  if (c === 0x5b) {
    const {member, end} = modelClass(pattern, p + 1, key[k]!)
    return member && modelFrom(pattern, end, key, k + 1)
  }
  const at = c === 0x5c && p + 1 < pattern.length ? p + 1 : p
  return pattern[at] === key[k] && modelFrom(pattern, at + 1, key, k + 1)
}

function modelClass(pattern: Uint8Array, start: number, byte: number): {member: boolean; end: number} {
  const signed = (value: number): number => (value > 127 ? value - 256 : value)
  const negated = pattern[start] === 0x5e
  let p = negated ? start + 1 : start
  let found = false
  while (p < pattern.length && pattern[p] !== 0x5d) {
    const left = pattern.length - p
    if (pattern[p] === 0x5c && left >= 2) {
      found ||= pattern[p + 1] === byte
      p += 2
    } else if (left >= 3 && pattern[p + 1] === 0x2d) {
      const ends = [signed(pattern[p]!), signed(pattern[p + 2]!)].sort((a, b) => a - b)
      found ||= signed(byte) >= ends[0]! && signed(byte) <= ends[1]!
      p += 3
    } else {
      found ||= pattern[p] === byte
      p++
    }
  }
  return {member: found !== negated, end: Math.min(p + 1, pattern.length)}
}

const LETTERS = [...'aab'].map(letter => letter.charCodeAt(0))
const SPECIAL = [...'***??[[]]^--\\\\'].map(letter => letter.charCodeAt(0))
const HIGH = [0x00, 0x7f, 0x80, 0xc3, 0xff]
const sequence = (bytes: readonly number[], maxLength: number): fc.Arbitrary<Uint8Array> =>
  fc.array(fc.constantFrom(...bytes), {maxLength}).map(list => Uint8Array.from(list))
// A range between bytes of both halves is as the server's compiler has it: signed on x86-64, unsigned on others.
const anyPattern = sequence([...LETTERS, ...LETTERS, ...SPECIAL, ...(process.arch === 'x64' ? HIGH : [])], 12)
const anyKey = sequence([...LETTERS, ...LETTERS, ...SPECIAL, ...HIGH], 10)

const SINGLE = [...'abcd*-^[]\\\0']
const ALL = ['', ...SINGLE, 'ab', 'ba', 'aa', 'aba', 'é']

describe('a pattern of bytes', () => {
  it.each([
    ['', ['']],
    ['*', ALL],
    ['**', ALL.filter(key => key !== '')],
    ['?', SINGLE],
    ['a*', ['a', 'ab', 'aa', 'aba']],
    ['*a', ['a', 'ba', 'aa', 'aba']],
    ['a*a', ['aa', 'aba']],
    ['a?', ['ab', 'aa']],
    ['[ab]', ['a', 'b']],
    ['[a-c]', ['a', 'b', 'c']],
    ['[c-a]', ['a', 'b', 'c']],
    ['[^a-c]', SINGLE.filter(key => !'abc'.includes(key))],
    ['[a^]', ['a', '^']],
    ['[^^]', SINGLE.filter(key => key !== '^')],
    ['[]', []],
    ['[', []],
    ['[^', SINGLE],
    ['[^]', SINGLE],
    ['[]a]', []],
    ['[ab', ['a', 'b']],
    ['[a-', ['a', '-']],
    ['[-a]', ['a', '-']],
    ['[a-]', ['a', ']', '^']],
    ['[\\]a]', ['a', ']']],
    ['[\\a-c]', ['a', 'c', '-']],
    ['[\\', ['\\']],
    ['[a-\\]]', []],
    ['\\*', ['*']],
    ['\\a', ['a']],
    ['\\\\', ['\\']],
    ['\\', ['\\']],
    ['*\\', ['\\']],
    ['A', []],
    ['\\x41', []],
  ])('%s takes what a server takes', (pattern, expected) => {
    const glob = Glob.of(bytesOf(pattern))
    expect(ALL.filter(key => matches(glob, Buffer.from(key))).sort()).toEqual([...expected].sort())
  })

  it('sees bytes: a character of two takes two question marks', () => {
    const key = Buffer.from('é')
    expect(['?', '??', '???'].map(pattern => matches(Glob.of(bytesOf(pattern)), key))).toEqual([false, true, false])
  })

  it('is the recursion that tries every place', () => {
    fc.assert(
      fc.property(anyPattern, anyKey, (pattern, key) => {
        expect(matches(Glob.of(pattern), key)).toBe(model(pattern, key))
      }),
      {numRuns: 20_000},
    )
  })

  it('looks at nothing outside [start, end)', () => {
    fc.assert(
      fc.property(anyPattern, anyKey, anyKey, (pattern, key, around) => {
        const glob = Glob.of(pattern)
        const wide = Buffer.concat([around, key, around])
        expect(glob.matches(wide, around.length, around.length + key.length)).toBe(matches(glob, key))
      }),
      {numRuns: 2000},
    )
  })

  it.each([
    ['five stars', '*a*a*a*a*b'],
    ['five hundred stars', `${'*a'.repeat(500)}b`],
    ['a long run', '*aaaaaaaab*'],
    ['question marks', '*?a?*?a?*[^b]*b*'],
    ['classes', '*[a]*[b]'],
  ])('with %s takes no time on a megabyte of a', (_, pattern) => {
    const key = new Uint8Array(1 << 20).fill(0x61)
    const glob = Glob.of(bytesOf(pattern))
    const started = performance.now()
    expect(matches(glob, key)).toBe(false)
    expect(performance.now() - started).toBeLessThan(5000)
    key[key.length - 1] = 0x62
    expect(matches(glob, key)).toBe(true)
  })

  it('has more stars than a server follows', () => {
    const glob = Glob.of(bytesOf('*a'.repeat(2000)))
    expect(matches(glob, new Uint8Array(2000).fill(0x61))).toBe(true)
    expect(matches(glob, new Uint8Array(1999).fill(0x61))).toBe(false)
  })
})

describe('a pattern of text', () => {
  it.each([
    ['caf\u00e9*', 'caf\u00e9:1', true],
    ['\\xff*', '\xff\xfe', true, 'latin1'],
    ['\\xFF', '\xff', true, 'latin1'],
    ['\\x2a', '*', true],
    ['\\x2a', 'a', false],
    ['\\x3f', 'a', false],
    ['\\x5bab]', '[ab]', true],
    ['\\x5c*', '\\a', true],
    // An escaped backslash, then text.
    ['\\\\x41', '\\x41', true],
    ['\\\\x41', 'A', false],
    ['\\\\\\x41', '\\A', true],
    // No two digits: x itself, as a server reads it.
    ['\\x4', 'x4', true],
    ['\\xg1', 'xg1', true],
    ['\\X41', 'X41', true],
    ['[\\x00-\\x1f]', '\n', true],
    ['[\\x00-\\x1f]', 'x', false],
    ['[\\x5d-\\x5f]', '^', true],
    ['[\\x5d-\\x5f]', '-', false],
    ['[\\x5ea]', '^', true],
    ['[\\x5ea]', 'b', false],
    ['[a\\x2dz]', 'b', false],
    ['[a\\x2dz]', '-', true],
    ['[^\\x00]', '\0', false],
    ['[^\\x00]', 'a', true],
  ] as [string, string, boolean, BufferEncoding?][])('%s on %j: %s', (pattern, key, expected, encoding = 'utf8') => {
    expect(matches(Glob.parse(pattern), Buffer.from(key, encoding))).toBe(expected)
  })

  it('is that of its bytes where it has no \\xHH', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[ab*?[\]^\\é-]*$/), anyKey, (pattern, key) => {
        expect(matches(Glob.parse(pattern), key)).toBe(matches(Glob.of(Buffer.from(pattern)), key))
      }),
      {numRuns: 5000},
    )
  })

  it('takes a key as reports print it, its special bytes escaped, and no other key', () => {
    const printed = (key: Uint8Array): string => formatBytes(key).replace(/[[*?]/g, '\\$&')
    const key = fc.oneof(
      fc.uint8Array({maxLength: 12}),
      fc.string({unit: 'binary'}).map(text => Buffer.from(text)),
      anyKey,
    )
    fc.assert(
      fc.property(key, key, (one, other) => {
        const glob = Glob.parse(printed(one))
        expect(matches(glob, one)).toBe(true)
        expect(matches(glob, other)).toBe(Buffer.compare(one, other) === 0)
      }),
      {numRuns: 5000},
    )
  })

  it('escapes every byte', () => {
    for (let byte = 0; byte < 256; byte++) {
      const glob = Glob.parse(`\\x${byte.toString(16).padStart(2, '0')}`)
      const taken = Array.from({length: 256}, (_, other) => other).filter(other => matches(glob, Uint8Array.of(other)))
      expect(taken).toEqual([byte])
    }
  })
})

describeEachServer('KEYS of', name => {
  const KEYS = 400
  const PATTERNS = 4000
  let server: Server
  beforeAll(async () => {
    server = await startServer(name)
  })
  afterAll(() => server?.stop())

  it('random keys and patterns', async () => {
    const keys = [new Uint8Array(0), ...fc.sample(anyKey, KEYS)]
    await server.client.call('MSET', ...keys.flatMap(key => [key, '']))
    const distinct = [...new Set(keys.map(text))].sort()
    const patterns = fc.sample(anyPattern, PATTERNS)
    const answers: Uint8Array[][] = await server.client.pipeline(patterns.map(pattern => ['KEYS', pattern]))
    let taken = 0
    for (const [i, pattern] of patterns.entries()) {
      const glob = Glob.of(pattern)
      const ours = distinct.filter(key => matches(glob, bytesOf(key)))
      taken += ours.length
      expect(ours, `KEYS ${JSON.stringify(text(pattern))}`).toEqual(answers[i]!.map(text).sort())
    }
    expect(taken).toBeGreaterThan(PATTERNS)
  })
})

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}
