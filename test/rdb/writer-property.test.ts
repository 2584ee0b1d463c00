/** Random keyspaces written for every target: what is read back is what the target can hold of it, and the rest is told. */
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {MemorySource, UnsupportedError} from '../../src/index.js'
import {LossReport} from '../../src/keyspace/loss-report.js'
import {TARGETS, type Target} from '../../src/rdb/targets.js'
import {asToday, type Held, heldBy} from '../reading/downgraded.js'
import type {GoldenEntry} from '../reading/fixtures.js'
import {readGolden} from '../reading/golden.js'
import {every, streamOf} from '../reading/pieces.js'
import {fileOf, type Key, key} from '../reading/random-samples.js'
import {byMeaning, rebuild} from '../reading/rebuild.js'

const RUNS = Number(process.env['RDBTOOL_PROPERTY_RUNS'] ?? 12)
const NOW = Date.UTC(2026, 10, 27)

/** Times that no server can have are another matter than encodings. */
const plain = fc.array(key, {maxLength: 8}).map(keys => keys.filter(({expireMs}) => (expireMs ?? 1) > 0))

const known = (all: readonly GoldenEntry[]): string[] => byMeaning(all.map(asToday))

async function roundTrip(keys: readonly Key[], target: Target, reencode: boolean): Promise<void> {
  for (const one of keys) {
    const {bytes, entries} = fileOf([one])
    const held = heldBy(entries[0]!, target, NOW)
    const losses = new LossReport()
    const written = await rebuild(bytes, {target, reencode, templates: false, losses, nowMs: NOW})
    const {golden, problems} = await readGolden(new MemorySource(written), 'elements')
    expect(problems.filter(code => code !== 'CHECKSUM_ABSENT')).toEqual([])
    for (const stored of golden.entries) expect(target.types.has(stored.rdbType)).toBe(true)
    expect(known(golden.entries)).toEqual(known(held.entry === undefined ? [] : [held.entry]))
    // An empty collection is no key, whatever stands before it, unless it is copied.
    const isKey = byMeaning(entries).length > 0 || golden.entries.length > 0
    const told = losses.list().map(({what, keys: count}) => [what, count])
    const {lost, hints} = isKey ? held : ({lost: [], hints: []} as Pick<Held, 'lost' | 'hints'>)
    expect(told.sort()).toEqual([...lost, ...hints].map(what => [what, 1]).sort())
    const strict = await rebuild(bytes, {target, reencode, templates: false}).catch((error: unknown) => error)
    // Who is not told the time takes no field for one that has expired.
    const refuses = lost.length > 0 || hints.includes('hash fields that have expired')
    expect(strict).toBeInstanceOf(refuses ? UnsupportedError : Uint8Array)
  }
}

describe('random keyspaces', () => {
  it.each(TARGETS.map(target => [target.name, target] as const))('written for %s hold the same', async (_, target) => {
    const property = fc.asyncProperty(plain, fc.boolean(), (keys, reencode) => roundTrip(keys, target, reencode))
    await fc.assert(property, {numRuns: RUNS})
  })

  it('are written the same, in whatever windows they come', async () => {
    const property = fc.asyncProperty(
      plain,
      fc.integer({min: 1, max: 4000}),
      fc.boolean(),
      async (keys, window, reencode) => {
        const {bytes} = fileOf(keys)
        const expected = await rebuild(bytes, {reencode})
        const small = await rebuild(new MemorySource(bytes, window), {reencode})
        const piped = await rebuild(streamOf(bytes, every(window, bytes.length)), {reencode})
        expect(Buffer.compare(small, expected)).toBe(0)
        expect(Buffer.compare(piped, expected)).toBe(0)
      },
    )
    await fc.assert(property, {numRuns: 5 * RUNS})
  })
})
