/**
 * Fixtures with bytes changed at random are written again, copied and stored anew, as files and as payloads: what is
 * wrong with them is said by an error of ours, and whatever is written reads back.
 *
 *   RDBTOOL_MUTANTS=10000   mutants of each fixture, instead of a few
 */
import {describe, expect, it} from 'vitest'
import {type Entry, MemorySource, PayloadWriter, RdbReader, readPayload, SKIP} from '../../src/index.js'
import {ownTarget, type Target, targetOf} from '../../src/rdb/targets.js'
import {mutantsOf} from '../jobs/mutants.js'
import {distinct, REFUSED} from '../reading/fixtures.js'
import {readGolden} from '../reading/golden.js'
import {byMeaning, rebuild} from '../reading/rebuild.js'
import {isReaderError} from '../reading/transcript.js'

const MUTANTS = Number(process.env['RDBTOOL_MUTANTS'] ?? 16)
const SEED = Number(process.env['RDBTOOL_SEED'] ?? 6)
const BYTES_MAX = 30_000

/** What work gave, or the error of ours that it ended with. */
async function attempted<T>(what: string, work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (!isReaderError(error)) expect.fail(`${what}: ${(error as Error).stack}`)
    return undefined
  }
}

async function payloads(bytes: Uint8Array, target: Target): Promise<Uint8Array[]> {
  const made: Uint8Array[] = []
  const take = (_: Entry, all: Uint8Array, start: number, end: number): void => {
    made.push(all.slice(start, end))
  }
  const writer = new PayloadWriter({target}, take)
  const reader = new RdbReader(new MemorySource(bytes), {ignoreChecksum: true})
  writer.sourceFamily = (await reader.origin()).family
  await reader.run({entry: entry => writer.entry(entry)}).finally(() => writer.dispose())
  return made
}

describe('mutants', () => {
  const small = distinct.filter(({name, bytes}) => name !== REFUSED && bytes.length <= BYTES_MAX)
  it.each(small.map(one => [one.name, one] as const))('%s', async (_, one) => {
    for (const {bytes, what} of mutantsOf(one, SEED, MUTANTS, 'zeroed')) {
      for (const target of [undefined, targetOf('valkey-9.1'), targetOf('redis-6.2')]) {
        const options = {reencode: true, templates: false, ...(target && {target})}
        const written = await attempted(what, rebuild(bytes, options))
        if (written === undefined) continue
        const {golden: before} = await readGolden(new MemorySource(bytes), 'elements')
        const {golden: after} = await readGolden(new MemorySource(written), 'elements')
        if (target === undefined) expect(byMeaning(after.entries), what).toEqual(byMeaning(before.entries))
      }
      await attempted(what, rebuild(bytes, {}))
      const reader = new RdbReader(new MemorySource(bytes))
      const origin = await attempted(what, reader.origin())
      const made = origin && (await attempted(what, payloads(bytes, ownTarget(origin))))
      for (const payload of made ?? []) await attempted(what, readPayload(payload, {entry: () => SKIP}))
    }
  })
})
