import {describe, expect, it} from 'vitest'
import {statementsIn} from '../../src/query/statements.js'

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
    ["SELECT 'not ended; ", ["SELECT 'not ended", '']],
  ] as const)('%j', (sql, expected) => {
    expect(statementsIn(sql)).toEqual(expected.filter(one => one !== ''))
  })
})
