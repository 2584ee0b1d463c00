import {describe, expect, it} from 'vitest'
import {givesRows, isComplete, isSorted, statementsIn} from '../../src/query/statements.js'

describe('statements', () => {
  it.each([
    ['SELECT 1', ['SELECT 1']],
    ['SELECT 1;', ['SELECT 1']],
    [' SELECT 1 ;\n SELECT 2', ['SELECT 1', 'SELECT 2']],
    ["SELECT 'a;''b;'; SELECT \"c;d\"", ["SELECT 'a;''b;'", 'SELECT "c;d"']],
    ['SELECT 1 -- one; two\n; /* ; */ SELECT 2', ['SELECT 1 -- one; two', '/* ; */ SELECT 2']],
    ['SELECT $$ a;b $$; SELECT $x$ ; $$ ; $x$', ['SELECT $$ a;b $$', 'SELECT $x$ ; $$ ; $x$']],
    ['-- nothing;', []],
    [' ; ;', []],
    ["SELECT 'not ended; ", ["SELECT 'not ended;"]],
    ["SELECT E'it\\'s; x'; SELECT 2", ["SELECT E'it\\'s; x'", 'SELECT 2']],
  ] as const)('%j', (sql, expected) => {
    expect(statementsIn(sql)).toEqual([...expected])
  })
})

describe('a statement', () => {
  it.each([
    ['SELECT 1;', true],
    ['SELECT 1; -- why', true],
    ["SELECT 'a;", false],
    ['SELECT 1 -- ;', false],
    ['SELECT 1; SELECT', false],
  ] as const)('%j is complete: %s', (sql, complete) => {
    expect(isComplete(sql)).toBe(complete)
  })

  it.each([
    ['select 1', true],
    ['-- a\n(SELECT 1)', true],
    ['FROM keys', true],
    ['DESCRIBE keys', false],
    ['COPY keys TO 1', false],
  ] as const)('%j gives rows: %s', (sql, rows) => {
    expect(givesRows(sql)).toBe(rows)
  })

  it('may be sorted', () => {
    expect(isSorted('SELECT 1 order\nby 1')).toBe(true)
    expect(isSorted('SELECT 1')).toBe(false)
  })
})
