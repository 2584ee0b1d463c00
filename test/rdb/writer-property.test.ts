/** Random keyspaces written for every target: what is read back is what was written, or the target is said not to hold it. */
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {MemorySource, UnsupportedError} from '../../src/index.js'
import {TARGETS, type Target} from '../../src/rdb/targets.js'
import type {GoldenEntry} from '../reading/fixtures.js'
import {readGolden} from '../reading/golden.js'
import {every, streamOf} from '../reading/pieces.js'
import {fileOf, type Key, key} from '../reading/random-samples.js'
import {byMeaning, rebuild} from '../reading/rebuild.js'

/** What a target of this version has no place for. */
function lacks(
  {family, rdbVersion, product}: Target,
  {type, value, expireAtMs}: GoldenEntry,
  rdbType: number,
): boolean {
  // Seconds of 32 bits.
  if (rdbVersion < 3 && expireAtMs !== undefined) return true
  const fieldsExpire = family === 'valkey' || (rdbVersion >= 12 && product !== 'redict')
  if (type === 'stream') {
    // Those of versions before the source's lose some of what stands around the entries.
    return rdbVersion < 14 || family === 'valkey' ? rdbType !== 15 || rdbVersion < 9 : false
  }
  return type === 'hash' && !fieldsExpire && (value as unknown[][]).some(row => row.length === 3)
}

interface Stream {
  maxDeletedId?: string
  entriesAdded?: number
  groups: {entriesRead?: number; consumers: {seenAtMs: number; activeAtMs?: number}[]}[]
}

const IDMP = {durationSeconds: 100, maxEntries: 100, producers: [], iidsAdded: 0, iidsDuplicates: 0}

/** A stream as a server of today has it that reads one of an older form. */
function asToday(entry: GoldenEntry): GoldenEntry {
  if (entry.type !== 'stream') return entry
  const stream = entry.value as Stream
  const groups = stream.groups.map(group => ({
    entriesRead: -1,
    nacked: [],
    ...group,
    consumers: group.consumers.map(consumer => ({...consumer, activeAtMs: consumer.activeAtMs ?? consumer.seenAtMs})),
  }))
  return {...entry, value: {maxDeletedId: '0-0', entriesAdded: entry.count, idmp: IDMP, ...stream, groups}}
}

/** Times that no server can have are another matter than encodings. */
const plain = fc.array(key, {maxLength: 8}).map(keys => keys.filter(({expireMs}) => (expireMs ?? 1) > 0))

async function roundTrip(keys: readonly Key[], target: Target, reencode: boolean): Promise<void> {
  for (const one of keys) {
    const {bytes, entries} = fileOf([one])
    const [entry] = entries
    let written: Uint8Array
    try {
      written = await rebuild(bytes, {target, reencode, templates: false})
    } catch (error) {
      expect(error).toBeInstanceOf(UnsupportedError)
      expect(lacks(target, entry!, one.written.rdbType), `${target.name}: ${String(error)}`).toBe(true)
      continue
    }
    const {golden, problems} = await readGolden(new MemorySource(written), 'elements')
    expect(problems.filter(code => code !== 'CHECKSUM_ABSENT')).toEqual([])
    for (const stored of golden.entries) expect(target.types.has(stored.rdbType)).toBe(true)
    const hints = target.rdbVersion < 9 ? {idleSeconds: undefined, frequency: undefined} : {}
    const known = (all: readonly GoldenEntry[]): string[] =>
      byMeaning(all.map(each => ({...asToday(each), ...hints}) as GoldenEntry))
    // A stream may be written as one that knows less of itself, where it does know less.
    expect(known(golden.entries)).toEqual(known(entries))
  }
}

describe('random keyspaces', () => {
  it.each(TARGETS.map(target => [target.name, target] as const))('written for %s hold the same', async (_, target) => {
    const property = fc.asyncProperty(plain, fc.boolean(), (keys, reencode) => roundTrip(keys, target, reencode))
    await fc.assert(property, {numRuns: 12})
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
    await fc.assert(property, {numRuns: 60})
  })
})
