/** Random keyspaces in any encoding: what is read is what was written. */
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {MemorySource} from '../../src/index.js'
import type {GoldenEntry} from '../reading/fixtures.js'
import {readGolden} from '../reading/golden.js'
import {every, streamOf} from '../reading/pieces.js'
import {fileOf, key} from '../reading/random-samples.js'

/** Text that is the same for equal values, whatever the order of their names. */
function canonical(one: unknown): string {
  return JSON.stringify(one, (_, part: unknown) => {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}

/** In an order of their own: keys may come twice, and sets and hashes have equal members. */
const sorted = (entries: readonly GoldenEntry[]): string[] =>
  entries
    .map(({value: held, ...rest}) => {
      const loose = rest.type === 'set' || rest.type === 'hash'
      return canonical({...rest, value: loose ? (held as unknown[]).map(canonical).sort() : held})
    })
    .sort()

describe('random keyspaces', () => {
  it('are read as they were written, at any depth and in any window', async () => {
    const keyspace = fc.array(key, {maxLength: 12})
    const property = fc.asyncProperty(keyspace, fc.integer({min: 1, max: 3000}), async (keys, window) => {
      const {bytes, entries} = fileOf(keys)
      const expected = sorted(entries)
      const readings = [
        await readGolden(new MemorySource(bytes), 'elements'),
        await readGolden(new MemorySource(bytes), 'nodes'),
        await readGolden(new MemorySource(bytes, window), 'elements'),
        await readGolden(streamOf(bytes, every(window, bytes.length)), 'nodes'),
      ]
      for (const {golden, checksum} of readings) {
        expect(checksum).toBe('ok')
        expect(sorted(golden.entries)).toEqual(expected)
      }
    })
    await fc.assert(property, {numRuns: 300})
  })
})
