/** Which types snapshots of two versions store alike, and what their streams tell. */
import {readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {build} from '../../src/jobs/build.js'
import {diff} from '../../src/jobs/diff.js'
import {ALL_TYPES, isStored, NO_TYPES, storedTypesOf, streamFactsOf} from '../../src/jobs/diff-stored-types.js'
import {DifferenceSink} from '../../src/keyspace/difference.js'
import type {SourceOrigin} from '../../src/keyspace/entry-source.js'
import {temporaryFolder} from '../start/folder.js'

const folder = temporaryFolder()
const origin = (rdbVersion: number): SourceOrigin =>
  ({family: rdbVersion === 80 ? 'valkey' : 'redis', rdbVersion}) as SourceOrigin
const types = (a: number, b: number): number[] => {
  const stored = storedTypesOf(origin(a), origin(b))
  return Array.from({length: 32}, (_, type) => type).filter(type => isStored(stored, type))
}

it('all, of one version; of two, those that both store alike; none of what is older', () => {
  expect(storedTypesOf(origin(9), origin(9))).toBe(ALL_TYPES)
  expect(types(11, 12)).toEqual([0, 2, 4, 5, 11, 16, 17, 18, 20, 21])
  expect(types(80, 11)).toEqual(types(11, 12))
  expect(types(10, 12)).toEqual([0, 4, 5, 11, 16, 18])
  expect(types(12, 10)).toEqual(types(10, 12))
  expect(types(9, 10)).toEqual([])
  expect(types(13, 12)).toEqual([])
  expect(storedTypesOf(undefined, origin(11))).toBe(NO_TYPES)
  expect(isStored(storedTypesOf(origin(10), origin(12)), 64)).toBe(false)
  expect(isStored(ALL_TYPES, 64)).toBe(true)
})

it('of streams what the older version tells', () => {
  expect(streamFactsOf(origin(11), origin(12))).toBeUndefined()
  expect(streamFactsOf(origin(10), origin(12))).toBe(2)
  expect(streamFactsOf(origin(12), origin(6))).toBe(1)
  expect(streamFactsOf(undefined, undefined)).toBeUndefined()
})

it('a file that tells more than its version does is believed', async () => {
  const [before, after] = [100, 200].map(activeAtMs => {
    const group = {
      name: 'g',
      lastId: '1-1',
      entriesRead: 1,
      pending: [],
      consumers: [{name: 'c', seenAtMs: 5, activeAtMs}],
    }
    const value = {entries: [['1-1', ['f', 'v']]], lastId: '1-1', maxDeletedId: '0-0', entriesAdded: 1, groups: [group]}
    return `${JSON.stringify({meta: {product: 'redis', rdbVersion: 12, aux: {}}})}\n${JSON.stringify({db: 0, key: 'k', type: 'stream', count: 1, value})}\n`
  })
  const names = ['before', 'after'].map(name => join(folder.path, name))
  for (const [i, lines] of [before!, after!].entries()) {
    writeFileSync(`${names[i]}.jsonl`, lines)
    await build([`${names[i]}.jsonl`], {out: `${names[i]}.rdb`})
  }
  // As if redis 7.0 had written it, which knows no such form; a checksum of zeros is none.
  const bytes = readFileSync(`${names[0]}.rdb`)
  bytes.write('0010', 5, 'latin1')
  bytes.fill(0, bytes.length - 8)
  writeFileSync(`${names[0]}.rdb`, bytes)
  const {equal, rows} = await diff(`${names[0]}.rdb`, `${names[1]}.rdb`, {
    sink: new (class extends DifferenceSink {})(),
  })
  expect({equal, changed: rows.map(({changed}) => changed)}).toEqual({equal: false, changed: [1]})
})
