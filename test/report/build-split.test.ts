/** The table of the shards that were built. */
import {expect, it} from 'vitest'
import {formatShards} from '../../src/report/build-split.js'
import {PLAIN} from '../../src/report/table.js'

it.each([
  [100, 102, undefined],
  [101, 103, 'and 1 more: manifest.json has all of them'],
  [16_384, 103, 'and 16,284 more: manifest.json has all of them'],
])('of %d shards has %d lines', (count, lines, last) => {
  const shards = Array.from({length: count}, (_, slot) => ({
    ...{file: `shard-${slot}.rdb`, slots: [[slot, slot] as const], keys: 1, bytes: 100},
  }))
  const shown = formatShards(shards, PLAIN)
  expect(shown).toHaveLength(lines)
  if (last === undefined) expect(shown.at(-1)).toMatch(/^shard-/)
  else expect(shown.at(-1)).toBe(last)
})
