/** Problems on a screen: one line each where there is room, the text below where there is not. */
import {describe, expect, it} from 'vitest'
import type {Soundness} from '../../src/analysis/soundness.js'
import type {Problem} from '../../src/index.js'
import {formatProblems, verdictOf, worst} from '../../src/report/problems.js'
import {COLOUR, PLAIN, type Style} from '../../src/report/table.js'
import {widthOf} from '../../src/report/text.js'

const warning: Problem = {code: 'EMPTY_NODE', severity: 'warning', offset: 12, text: 'a node is empty'}
const error: Problem = {
  code: 'BAD_LISTPACK',
  severity: 'error',
  offset: 1_234_567,
  text: 'an entry runs past the end of the listpack (byte 17 of it)',
  db: 0,
  key: new Uint8Array([0x6b, 0xff, 0x1b]),
  type: 'hash',
  bytesLost: 1,
}

function soundness(problems: Problem[], more: Partial<Soundness> = {}): Soundness {
  const errors = problems.filter(one => one.severity === 'error').length
  return {
    format: 'rdb',
    header: {magic: 'REDIS', family: 'redis', rdbVersion: 10},
    rdbVersion: 10,
    checksum: 'ok',
    keys: 1234,
    bytes: 1_300_000,
    inputBytes: 1_300_000,
    errors,
    warnings: problems.length - errors,
    problems,
    counts: [],
    duplicatesChecked: true,
    collectionsUnchecked: 0,
    ...more,
  }
}

const shown = (one: Soundness, columns: number, style: Style = PLAIN): string =>
  formatProblems('dump.rdb', one, {style, columns, problemsMax: 100}).join('\n')

describe('the problems of a file', () => {
  it('stand in one line each where there is room', () => {
    expect(shown(soundness([warning, error]), 200)).toBe(`dump.rdb: NOT OK: 1 error, 1 warning
format      RDB version 10 (REDIS)
verified    1.24 MiB (1,300,000 bytes)
checksum    ok
keys        1,234

severity  code               byte  db  key        type  problem
warning   EMPTY_NODE           12   -  -          -     a node is empty
error     BAD_LISTPACK  1,234,567   0  k\\xff\\x1b  hash  an entry runs past the end of the listpack (byte 17 of it) (1 byte lost)`)
  })

  it('stand above their text where there is not', () => {
    const text = shown(soundness([warning, error]), 60)
    expect(text.slice(text.indexOf('\n\n') + 2)).toBe(`severity  code               byte  db  key        type
warning   EMPTY_NODE           12   -  -          -
         a node is empty
error     BAD_LISTPACK  1,234,567   0  k\\xff\\x1b  hash
         an entry runs past the end of the listpack (byte 17
         of it) (1 byte lost)`)
    for (const columns of [60, 80, 100]) {
      const widest = Math.max(
        ...shown(soundness([warning, error]), columns)
          .split('\n')
          .map(line => line.length),
      )
      expect(widest).toBeLessThanOrEqual(columns)
    }
  })

  const long: Problem[] = [
    {...error, code: 'DUPLICATE_ELEMENT_SUSPECTED', key: new Uint8Array(Buffer.from('漢'.repeat(60)))},
    {
      ...warning,
      text: 'words '.repeat(30).trim(),
      key: new Uint8Array(Buffer.from('k'.repeat(300))),
      type: 'stream',
      db: 15,
    },
  ]

  it.each([70, 80, 100, 120, 160, 200])('are within %i columns, however long keys and texts are', columns => {
    const lines = shown(soundness([...long, error]), columns).split('\n')
    expect(lines.filter(line => widthOf(line) > columns)).toEqual([])
    expect(lines.some(line => line.includes('…'))).toBe(true)
  })

  it('have texts of several lines beside the place where they are too long for one', () => {
    const text = shown(soundness([{...warning, text: 'words '.repeat(30).trim()}, warning]), 120)
    expect(text.slice(text.indexOf('\n\n') + 2)).toBe(`severity  code        byte  db  key  type  problem
warning   EMPTY_NODE    12   -  -    -     ${'words '.repeat(13).trim()}
                                           ${'words '.repeat(13).trim()}
                                           ${'words '.repeat(4).trim()}
warning   EMPTY_NODE    12   -  -    -     a node is empty`)
  })

  it('name whole keys where there is no edge', () => {
    const lines = shown(soundness(long), Number.POSITIVE_INFINITY).split('\n')
    expect(lines.some(line => line.includes('k'.repeat(300)))).toBe(true)
    expect(lines).toHaveLength(9)
  })

  it('say how far the reading came', () => {
    const cut = shown(soundness([error], {checksum: undefined, bytes: 325_000}), 80)
    expect(cut).toContain('verified    317 KiB (325,000 bytes) of 1.24 MiB, 25.0 %\nchecksum    not reached\n')
    const piped = shown(soundness([error], {checksum: undefined, inputBytes: Number.POSITIVE_INFINITY, bytes: 3}), 80)
    expect(piped).toContain('verified    3 bytes, not to the end\n')
  })

  it('say what was not looked for', () => {
    const without = {duplicatesChecked: false, collectionsUnchecked: 1}
    expect(shown(soundness([], without), 80)).toContain('not looked for among keys, nor elements in 1 huge collection')
  })

  it('are coloured on a terminal: the verdict, when it is bad', () => {
    expect(shown(soundness([error]), 80, COLOUR).split('\n')[0]).toContain('\u001b[33mNOT OK')
    expect(shown(soundness([]), 80, COLOUR).split('\n')[0]).not.toContain('\u001b[33m')
  })
})

it('the verdict is a word', () => {
  expect(verdictOf(soundness([]))).toBe('OK')
  expect(verdictOf(soundness([warning]))).toBe('OK, with 1 warning')
  expect(verdictOf(soundness([error, error]))).toBe('NOT OK: 2 errors')
})

it('of too many, errors are shown before warnings, by offset', () => {
  const at = (one: Problem, offset: number): Problem => ({...one, offset})
  const all = [at(warning, 1), at(warning, 2), at(error, 3), at(warning, 4), at(error, 5)]
  expect(worst(all, 3).map(one => one.offset)).toEqual([1, 3, 5])
  expect(worst(all, 1).map(one => one.offset)).toEqual([3])
  expect(worst(all, 9)).toEqual(all)
})
