import {stripVTControlCharacters} from 'node:util'
import {describe, expect, it} from 'vitest'
import {
  COLOUR,
  type Column,
  formatFacts,
  formatFitted,
  formatTable,
  PLAIN,
  widthBefore,
} from '../../src/report/table.js'

const COLUMNS: Column[] = [
  {title: 'keys', align: 'right'},
  {title: 'type', align: 'left'},
  {title: 'name', align: 'left'},
]

describe('formatTable', () => {
  it('puts numbers to the right, text to the left, and no blanks at the end', () => {
    const rows = [
      ['1', 'string', 'a'],
      ['12,345', 'set', 'a longer name'],
    ]
    expect(formatTable(COLUMNS, rows, PLAIN)).toEqual([
      '  keys  type    name',
      '     1  string  a',
      '12,345  set     a longer name',
    ])
  })

  it('counts columns of the terminal, not characters', () => {
    const rows = [
      ['1', '漢字', 'a'],
      ['2', 'e\u0301', 'b'],
      ['3', '😀', 'c'],
    ]
    expect(formatTable(COLUMNS, rows, PLAIN)).toEqual([
      'keys  type  name',
      '   1  漢字  a',
      '   2  e\u0301     b',
      '   3  😀    c',
    ])
  })

  it('has a header without rows', () => {
    expect(formatTable(COLUMNS, [], PLAIN)).toEqual(['keys  type  name'])
  })

  it('dresses the header and changes nothing else', () => {
    const rows = [['1', 'string', 'a']]
    const coloured = formatTable(COLUMNS, rows, COLOUR)
    expect(coloured[0]).toBe('\u001b[1mkeys  type    name\u001b[0m')
    expect(coloured.map(stripVTControlCharacters)).toEqual(formatTable(COLUMNS, rows, PLAIN))
  })

  it('takes as many rows as there may be', () => {
    const rows = Array.from({length: 200_000}, (_, at) => [String(at), 'set', 'x'])
    expect(formatTable(COLUMNS, rows, PLAIN)).toHaveLength(200_001)
  })
})

describe('formatFitted', () => {
  const columns: Column[] = [
    {title: 'byte', align: 'right'},
    {title: 'key', align: 'left', fit: 'shorten'},
    {title: 'kind', align: 'left', fit: 'wrap'},
    {title: 'text', align: 'left'},
  ]
  const rows = [
    ['1', 'a-key-of-24-columns-wide', 'short', 'what is said of it takes more than thirty-two columns'],
    ['12,345', 'b', 'a kind of which much is to be said', 'and nothing else'],
  ]
  const at = (width: number): string[] => formatFitted(columns, rows, {style: PLAIN, columns: width})

  it('changes nothing where there is room', () => {
    expect(at(Number.POSITIVE_INFINITY)).toEqual(formatTable(columns, rows, PLAIN))
    expect(at(200)).toEqual(formatTable(columns, rows, PLAIN))
  })

  it('wraps the last column as long as that has room', () => {
    expect(at(105)).toEqual([
      '  byte  key                       kind                                text',
      '     1  a-key-of-24-columns-wide  short                               what is said of it takes more than',
      '                                                                      thirty-two columns',
      '12,345  b                         a kind of which much is to be said  and nothing else',
    ])
  })

  it('shortens first, then wraps others, until the last one has room', () => {
    expect(at(88)).toEqual([
      '  byte  key         kind                                text',
      '     1  a-key…wide  short                               what is said of it takes more',
      '                                                        than thirty-two columns',
      '12,345  b           a kind of which much is to be said  and nothing else',
    ])
    expect(at(80)).toEqual([
      '  byte  key       kind                           text',
      '     1  a-ke…ide  short                          what is said of it takes more',
      '                                                 than thirty-two columns',
      '12,345  b         a kind of which much is to be  and nothing else',
      '                  said',
    ])
  })

  it('keeps to the width of the terminal, as far as that goes', () => {
    for (let width = 65; width < 140; width++) {
      for (const line of at(width)) expect(line.length).toBeLessThanOrEqual(width)
      expect(at(width).join(' ')).toContain('thirty-two')
    }
  })
})

it('widthBefore is where the last column begins', () => {
  const rows = [['12,345', '漢字漢字', 'a name']]
  expect(widthBefore(COLUMNS, rows)).toBe('12,345  ........  '.length)
  expect(formatTable(COLUMNS, [['12,345', 'abcdefgh', 'X']], PLAIN)[1]!.indexOf('X')).toBe(18)
})

describe('facts', () => {
  const facts = [
    ['keys', 'one two three four'],
    ['size', '1 B'],
  ] as const

  it('stand under each other, and go on under their text', () => {
    expect(formatFacts(facts, 6, 20, PLAIN)).toEqual(['keys  one two three', '      four', 'size  1 B'])
    expect(formatFacts(facts, 6, Number.POSITIVE_INFINITY, PLAIN)).toEqual(['keys  one two three four', 'size  1 B'])
  })

  it('have names that are dressed, blanks included', () => {
    expect(formatFacts(facts, 6, 20, COLOUR)[0]).toBe('\u001b[2mkeys  \u001b[0mone two three')
  })
})
