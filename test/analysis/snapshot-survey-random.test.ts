/**
 * Damaged snapshots of random keys: what is kept was there, and at each damage no more than one key is lost that it has not
 * touched.
 *
 *   RDBTOOL_MUTANTS=10000   damaged files, instead of a few
 *   RDBTOOL_SEED=7          others
 */
import {expect, it} from 'vitest'
import {type SnapshotSurvey, surveySnapshot} from '../../src/analysis/snapshot-survey.js'
import {MemoryRegion} from '../../src/bytes/region.js'
import {MemorySource} from '../../src/index.js'
import {checkSource} from '../../src/jobs/check.js'
import {Dice} from '../jobs/mutants.js'
import type {GoldenEntry} from '../reading/fixtures.js'
import {readGolden} from '../reading/golden.js'
import {type DamagedFile, damagedFile, fileOf, soundValues, type WrittenFile} from './damaged-snapshots.js'

const RUNS = Number(process.env['RDBTOOL_MUTANTS'] ?? 600)
const SEED = Number(process.env['RDBTOOL_SEED'] ?? 4)
/** Of one file. */
const DAMAGED_EACH = 25
const HEADER = {magic: 'REDIS', family: 'redis', rdbVersion: 14} as const
const HEADER_BYTES = 9

/** Entries of a file, each as text. */
async function entriesOf(bytes: Uint8Array): Promise<string[]> {
  const {golden} = await readGolden(new MemorySource(bytes), 'elements')
  return golden.entries.map(entry => JSON.stringify(entry))
}

/** What the pieces of a damaged file hold; of a key that is there twice the first. */
async function savedFrom(bytes: Uint8Array, {pieces}: SnapshotSurvey): Promise<string[]> {
  const first = new Map<string, string>()
  for (const {start, end, db} of pieces) {
    const head = Buffer.from([...Buffer.from('REDIS0014'), 0xfe, 0x80, 0, 0, 0, db])
    const piece = Buffer.concat([head, bytes.subarray(start, end), Buffer.from([0xff]), Buffer.alloc(8)])
    for (const text of await entriesOf(new Uint8Array(piece))) {
      const {db: of, key} = JSON.parse(text) as GoldenEntry
      const name = JSON.stringify([of, key])
      if (!first.has(name)) first.set(name, text)
    }
  }
  return [...first.values()]
}

/** Nothing but its checksum says that a file is damaged: nobody can tell where. */
async function isSilent(bytes: Uint8Array): Promise<boolean> {
  const {soundness} = await checkSource(new MemorySource(bytes), {ignoreChecksum: true})
  return soundness?.errors === 0
}

interface Outcome {
  /** Entries that were not there. */
  wrong: string[]
  /** Keys that are lost, beside those that were touched. */
  short: number
}

async function outcomeOf(file: WrittenFile, originals: readonly string[], damaged: DamagedFile): Promise<Outcome> {
  const {bytes, from, to} = damaged
  const survey = await surveySnapshot(new MemoryRegion(bytes), HEADER)
  const saved = await savedFrom(bytes, survey)
  const touched = file.records.filter(one => one.start < to && from < one.end)
  const keys = touched.filter(one => one.isKey).length
  // Where a SELECTDB is touched, or may be, a key may be told for another database.
  const isUncertain = survey.keysUncertain > 0 || touched.some(one => !one.isKey)
  const plain = (text: string): string => (isUncertain ? text.replace(/"db":\d+,/, '') : text)
  const left = new Set(originals.map(plain))
  const wrong = saved.filter(one => !left.has(plain(one)))
  return {wrong, short: originals.length - keys - (saved.length - wrong.length)}
}

it('of what is damaged no more is lost than must be, and nothing is found that was not there', async () => {
  const values = await soundValues(1000, SEED)
  const problems: string[] = []
  let silent = 0
  for (let i = 0; i * DAMAGED_EACH < RUNS; i++) {
    const dice = new Dice(SEED * 1_000_003 + i)
    const file = fileOf(dice, values, 10 + dice.below(120))
    const originals = await entriesOf(file.bytes)
    for (let j = 0; j < DAMAGED_EACH; j++) {
      const damaged = damagedFile(file, new Dice(SEED * 7919 + i * 1009 + j))
      const {what, bytes, from, to} = damaged
      // Whoever has the header guessed is not tested here.
      if (from < HEADER_BYTES || from >= to + 1) continue
      const {wrong, short} = await outcomeOf(file, originals, damaged)
      if (wrong.length === 0 && short <= 1) continue
      if (await isSilent(bytes)) silent++
      else
        problems.push(
          `${SEED} ${i}/${j}: ${what} [${from}, ${to}): ${short} keys short; ${wrong.join('; ').slice(0, 300)}`,
        )
    }
  }
  expect(problems.join('\n')).toBe('')
  // A test of files that nobody can tell from sound ones would show nothing.
  expect(silent).toBeLessThan(RUNS / 2)
}, 3_600_000)
