/**
 * Fixtures with bytes changed at random: whatever they become, check tells of it and ends soon; nothing escapes the checksum.
 * What it calls sound is loaded by servers in test/server/check-damage.test.ts.
 *
 *   RDBTOOL_MUTANTS=10000         mutants of each fixture, instead of a few
 *   RDBTOOL_MUTANT_BYTES=100000   fixtures of no more bytes get all of these, larger ones fewer
 *   RDBTOOL_SEED=7                other mutants
 */
import {describe, expect, it} from 'vitest'
import {MemorySource} from '../../src/index.js'
import {checkSource} from '../../src/jobs/check.js'
import type {Check} from '../../src/jobs/check-options.js'
import {type Fixture, fixtures, REFUSED} from '../reading/fixtures.js'
import {isReaderError} from '../reading/transcript.js'
import {mutantsOf} from './mutants.js'

const MUTANTS = Number(process.env['RDBTOOL_MUTANTS'] ?? 60)
const SEED = Number(process.env['RDBTOOL_SEED'] ?? 4)
/** A check of a few kilobytes; a hang would be without end. */
const CHECK_MS_MAX = 3000
/** Large fixtures show the same as small ones, only slower. */
const BYTES_WITH_ALL = Number(process.env['RDBTOOL_MUTANT_BYTES'] ?? 20_000)

async function checkMutant(bytes: Uint8Array, what: string): Promise<Check> {
  const startMs = performance.now()
  const result = await checkSource(new MemorySource(bytes), {memoryBytes: 64 * 1024})
  const tookMs = performance.now() - startMs
  if (tookMs >= CHECK_MS_MAX) expect.fail(`${what}: ${tookMs} ms`)
  const {soundness, failure} = result
  if (failure !== undefined && !isReaderError(failure)) throw failure
  if (soundness === undefined) expect.fail(`${what}: nothing is said`)
  // A call of expect for each would take longer than the check.
  for (const {offset, text, code} of soundness.problems) {
    const isThere = Number.isInteger(offset) && offset >= 0 && offset <= bytes.length
    if (!isThere) expect.fail(`${what}: ${code} at ${offset}`)
    if (/undefined|NaN|\[object/.test(text)) expect.fail(`${what}: ${text}`)
  }
  return result
}

const countFor = ({bytes}: Fixture): number =>
  Math.max(Math.floor(Math.min(MUTANTS, (MUTANTS * BYTES_WITH_ALL) / bytes.length)), 5)

const all = fixtures.filter(({name}) => name !== REFUSED).map(one => [one.name, one] as const)

describe('mutants are checked to their end', () => {
  it.each(all)(
    '%s',
    async (_, fixture) => {
      for (const {bytes, what} of mutantsOf(fixture, SEED, countFor(fixture), 'zeroed')) await checkMutant(bytes, what)
    },
    600_000,
  )
})

describe('nothing escapes the checksum', () => {
  const summed = all.filter(([name]) => !/checksum|-v[1-4]\.rdb/.test(name))
  it.each(summed)(
    '%s',
    async (_, fixture) => {
      for (const {bytes, what} of mutantsOf(fixture, SEED + 1, Math.ceil(countFor(fixture) / 4), 'kept')) {
        if (Buffer.compare(bytes, fixture.bytes) === 0) continue
        const {soundness, failure} = await checkMutant(bytes, what)
        // Where eight zeros come to stand behind an end mark, the file ends there without a checksum: warnings say so.
        expect(soundness!.problems.length > 0 || failure !== undefined, what).toBe(true)
      }
    },
    600_000,
  )
})
