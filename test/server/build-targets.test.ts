/**
 * Each server loads what was built for it from random keyspaces, whatever their encodings were, and answers what the
 * keyspaces hold; and from the fixtures with the one length of an entry that servers store differently.
 */

import {readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import fc from 'fast-check'
import {expect, it} from 'vitest'
import {MemorySource, UnsupportedError} from '../../src/index.js'
import {targetOf} from '../../src/rdb/targets.js'
import {snapshot} from '../fixtures/snapshot.js'
import {fixture} from '../reading/fixtures.js'
import {readGolden} from '../reading/golden.js'
import {fileOf, type Key, key} from '../reading/random-samples.js'
import {rebuild} from '../reading/rebuild.js'
import {temporaryFolder} from '../start/folder.js'
import {describeEachServer} from './each-server.js'
import {comparable, type GoldenEntry} from './goldens.js'
import {startServer} from './server.js'

const KEYS = Number(process.env['RDBTOOL_PROPERTY_KEYS'] ?? 400)
const DATABASES = 16

const folder = temporaryFolder()

/** Servers refuse a key, a member or a field that is there twice, and entries of a stream out of order. */
function sound(keys: readonly Key[]): Key[] {
  const seen = new Set<string>()
  return keys.filter(({key: name, db, written}) => {
    const id = `${db} ${name.toString('hex')}`
    const {type, value} = written.value
    if (seen.has(id) || db >= DATABASES || type === 'stream') return false
    seen.add(id)
    if (!['set', 'hash', 'zset'].includes(type)) return true
    const members = (value as unknown[]).map(row => JSON.stringify(type === 'set' ? row : (row as unknown[])[0]))
    return new Set(members).size === members.length
  })
}

/** Of what is copied: servers end at packed values without an element, and trust the order of packed sorted sets. */
function soundAsStored({written: {rdbType, value}}: Key): boolean {
  return value.count !== 0 && ![12, 17, 23, 25].includes(rdbType)
}

/** Those of the keys that the target can hold, each built on its own first. */
async function heldBy(keys: readonly Key[], target: string): Promise<Key[]> {
  const held: Key[] = []
  for (const one of keys) {
    const refused = await rebuild(new Uint8Array(fileOf([one]).bytes), {
      target: targetOf(target),
      reencode: true,
    }).catch((error: unknown) => error)
    if (refused instanceof Uint8Array) held.push(one)
    else expect(refused).toBeInstanceOf(UnsupportedError)
  }
  return held
}

/** What a server says of the file, without the order of what has none. */
async function answers(name: string, bytes: Uint8Array): Promise<{held: GoldenEntry[]; now: number}> {
  const rdb = join(folder.path, `${name}.rdb`)
  writeFileSync(rdb, bytes)
  const server = await startServer(name, {rdb, config: {databases: DATABASES}})
  try {
    const now = Date.now()
    return {held: comparable((await snapshot(server)).entries as GoldenEntry[], now), now}
  } finally {
    await server.stop()
  }
}

const byKey = (entries: readonly GoldenEntry[]): Record<string, unknown> =>
  Object.fromEntries(
    entries.map(({db, key: name, type, value}) => {
      const loose = type === 'set' || type === 'hash' || type === 'zset'
      const rows = loose ? (value as unknown[]).map(row => JSON.stringify(row)).sort() : value
      return [`${db} ${JSON.stringify(name)} ${type}`, rows]
    }),
  )

describeEachServer('files built for', name => {
  it.each([true, false])('random keyspaces are loaded, all stored anew: %s', async reencode => {
    const all = sound(fc.sample(key, {numRuns: KEYS, seed: 6}))
    const keys = await heldBy(reencode ? all : all.filter(soundAsStored), name)
    expect(keys.length).toBeGreaterThan(KEYS / 5)
    const {bytes, entries} = fileOf(keys)
    const written = await rebuild(new Uint8Array(bytes), {target: targetOf(name), reencode, templates: false})
    const {held, now} = await answers(name, written)
    const wanted = comparable(entries as unknown as GoldenEntry[], now)
    expect(byKey(held)).toEqual(byKey(wanted))
  })

  it.each(['rdb-built/listpack-16383-long-v11.rdb', 'rdb-built/listpack-16383-short-v80.rdb'])(
    'the entry of 16383 bytes of %s is stored as this server walks it',
    async source => {
      const bytes = new Uint8Array(readFileSync(fixture(source).path))
      const written = await rebuild(bytes, {target: targetOf(name), templates: false}).catch((error: unknown) => error)
      if (!(written instanceof Uint8Array)) {
        // Streams know more of themselves from 7.0 and from 7.2 on.
        expect(written).toBeInstanceOf(UnsupportedError)
        return
      }
      const {held, now} = await answers(name, written)
      const {golden} = await readGolden(new MemorySource(bytes), 'elements')
      expect(byKey(held)).toEqual(byKey(comparable(golden.entries as unknown as GoldenEntry[], now)))
    },
  )
})
