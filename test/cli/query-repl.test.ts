import {describe, expect, it} from 'vitest'
import {completions} from '../../src/cli/query-repl.js'

describe('what is typed is completed', () => {
  it.each([
    ['SELECT mem', ['memory_bytes', 'member', 'member_bytes'], 'mem'],
    ['SELECT count(*) FROM ke', ['keys'], 'ke'],
    ['SELECT 1 FROM keys JOIN ', ['keys', 'elements'], ''],
    ['sel', ['SELECT'], 'sel'],
    ['.ta', ['.tables'], '.ta'],
    ['SELECT ', [], ''],
    ['SELECT nothing_like_it', [], 'nothing_like_it'],
  ] as const)('%j', (line, hits, typed) => {
    const [found, word] = completions(line)
    expect(word).toBe(typed)
    expect([...found].sort()).toEqual([...hits].sort())
  })
})
