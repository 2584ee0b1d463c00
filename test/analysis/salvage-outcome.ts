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

/** An entry, and how many others of it lie between it and damage that comes before. */
interface Held {
  text: string
  behind: number
}

/** What the pieces of a damaged file hold. */
async function heldBy(bytes: Uint8Array, {pieces}: SnapshotSurvey): Promise<Held[]> {
  const held: Held[] = []
  let behind = Number.POSITIVE_INFINITY
  for (const [i, {start, end, db}] of pieces.entries()) {
    if (i > 0 && pieces[i - 1]!.end !== start) behind = 0
    const head = Buffer.from([...Buffer.from('REDIS0014'), 0xfe, 0x80, 0, 0, 0, db])
    const piece = Buffer.concat([head, bytes.subarray(start, end), Buffer.from([0xff]), Buffer.alloc(8)])
    for (const text of await entriesOf(new Uint8Array(piece))) held.push({text, behind: behind++})
  }
  return held
}

/** Of each key one, as a salvage leaves them: that which is furthest behind damage. */
async function savedFrom(bytes: Uint8Array, survey: SnapshotSurvey): Promise<string[]> {
  const single = (all: readonly Held[]): string[] => {
    const kept = new Map<string, Held>()
    for (const one of all) {
      const {db, key} = JSON.parse(one.text) as GoldenEntry
      const name = JSON.stringify([db, key])
      const other = kept.get(name)
      if (other === undefined || one.behind > other.behind) kept.set(name, one)
    }
    return [...kept.values()].map(({text}) => text)
  }
  const held = await heldBy(bytes, survey)
  const saved = single(held)
  if (saved.length === held.length) return saved
  giveUpCleared(survey)
  return single(await heldBy(bytes, survey))
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
