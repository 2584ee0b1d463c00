/** What a salvage saves of a damaged file, against what was there. */
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {FormatError, MemorySource} from '../../src/index.js'
import {checkSource} from '../../src/jobs/check.js'
import {salvageSnapshot} from '../../src/jobs/salvage-snapshot.js'
import {readGolden} from '../reading/golden.js'
import {temporaryFolder} from '../start/folder.js'
import type {DamagedFile, WrittenFile} from './damaged-snapshots.js'

const folder = temporaryFolder()

/** Entries of a file, each as text. */
export async function entriesOf(bytes: Uint8Array): Promise<string[]> {
  const {golden} = await readGolden(new MemorySource(bytes), 'elements')
  return golden.entries.map(entry => JSON.stringify(entry))
}

/** What is in the file that a salvage writes, and how many keys of it may be of another database. */
async function savedFrom(bytes: Uint8Array): Promise<{saved: string[]; keysUncertain: number}> {
  const path = folder.write('damaged.rdb', bytes)
  const out = join(folder.path, 'saved.rdb')
  try {
    const plain = {path, bytes: bytes.length, remove: () => {}}
    const {keys, keysUncertain} = await salvageSnapshot(plain, out, path, {force: true})
    const saved = await entriesOf(new Uint8Array(readFileSync(out)))
    if (saved.length !== keys) throw new Error(`${saved.length} keys were written, of ${keys} that are told`)
    return {saved, keysUncertain}
  } catch (error) {
    // Nothing can be saved.
    if (error instanceof FormatError && error.code === 'BAD_MAGIC') return {saved: [], keysUncertain: 0}
    throw error
  }
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
  const {saved, keysUncertain} = await savedFrom(bytes)
  const touched = file.records.filter(one => places.some(({from, to}) => one.start < to && from < one.end))
  const keys = touched.filter(one => one.isKey).length
  // Where a SELECTDB is touched, or may be, a key may be told for another database.
  const isUncertain = keysUncertain > 0 || touched.some(one => !one.isKey)
  const plain = (text: string): string => (isUncertain ? text.replace(/"db":\d+,/, '') : text)
  const left = new Set(originals.map(plain))
  const wrong = saved.filter(one => !left.has(plain(one)))
  return {wrong, short: originals.length - keys - (saved.length - wrong.length)}
}
