/** What a salvage saves of a damaged file, against what was there. */
import {giveUpCleared} from '../../src/analysis/announced-keys.js'
import type {SnapshotSurvey} from '../../src/analysis/snapshot-losses.js'
import {surveySnapshot} from '../../src/analysis/snapshot-survey.js'
import {MemoryRegion} from '../../src/bytes/region.js'
import {MemorySource} from '../../src/index.js'
import {checkSource} from '../../src/jobs/check.js'
import type {GoldenEntry} from '../reading/fixtures.js'
import {readGolden} from '../reading/golden.js'
import type {DamagedFile, WrittenFile} from './damaged-snapshots.js'

const HEADER = {magic: 'REDIS', family: 'redis', rdbVersion: 14} as const

/** Entries of a file, each as text. */
export async function entriesOf(bytes: Uint8Array): Promise<string[]> {
  const {golden} = await readGolden(new MemorySource(bytes), 'elements')
  return golden.entries.map(entry => JSON.stringify(entry))
}

/** What the pieces of a damaged file hold. */
async function heldBy(bytes: Uint8Array, {pieces}: SnapshotSurvey): Promise<string[]> {
  const held: string[] = []
  for (const {start, end, db} of pieces) {
    const head = Buffer.from([...Buffer.from('REDIS0014'), 0xfe, 0x80, 0, 0, 0, db])
    const piece = Buffer.concat([head, bytes.subarray(start, end), Buffer.from([0xff]), Buffer.alloc(8)])
    held.push(...(await entriesOf(new Uint8Array(piece))))
  }
  return held
}

/** The first of each key, as a salvage leaves them. */
async function savedFrom(bytes: Uint8Array, survey: SnapshotSurvey): Promise<string[]> {
  const firsts = (all: readonly string[]): Map<string, string> =>
    new Map(
      all.toReversed().map(text => {
        const {db, key} = JSON.parse(text) as GoldenEntry
        return [JSON.stringify([db, key]), text]
      }),
    )
  const held = await heldBy(bytes, survey)
  const first = firsts(held)
  if (first.size === held.length) return held
  giveUpCleared(survey)
  return [...firsts(await heldBy(bytes, survey)).values()]
}

/** Nothing but its checksum says that a file is damaged: nobody can tell where. */
export async function isSilent(bytes: Uint8Array): Promise<boolean> {
  const {soundness} = await checkSource(new MemorySource(bytes), {ignoreChecksum: true})
  return soundness?.errors === 0
}

export interface Outcome {
  /** Entries that were not there. */
  wrong: string[]
  /** Keys that are lost, beside those that were touched. */
  short: number
}

export async function outcomeOf(
  file: WrittenFile,
  originals: readonly string[],
  bytes: Uint8Array,
  places: readonly Pick<DamagedFile, 'from' | 'to'>[],
): Promise<Outcome> {
  const survey = await surveySnapshot(new MemoryRegion(bytes), HEADER)
  const saved = await savedFrom(bytes, survey)
  const touched = file.records.filter(one => places.some(({from, to}) => one.start < to && from < one.end))
  const keys = touched.filter(one => one.isKey).length
  // Where a SELECTDB is touched, or may be, a key may be told for another database.
  const isUncertain = survey.keysUncertain > 0 || touched.some(one => !one.isKey)
  const plain = (text: string): string => (isUncertain ? text.replace(/"db":\d+,/, '') : text)
  const left = new Set(originals.map(plain))
  const wrong = saved.filter(one => !left.has(plain(one)))
  return {wrong, short: originals.length - keys - (saved.length - wrong.length)}
}
