/**
 * What is salvaged of damaged snapshots that servers wrote is loaded by them, and holds nothing but what was there.
 *
 *   RDBTOOL_MUTANTS_LOADED=50   damaged files of each server
 *   RDBTOOL_SEED=7              others
 */
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {check} from '../../src/jobs/check.js'
import {checkAndSalvage} from '../../src/jobs/check-salvage.js'
import {damagedFile} from '../analysis/damaged-snapshots.js'
import {snapshot} from '../fixtures/snapshot.js'
import {Dice} from '../jobs/mutants.js'
import {temporaryFolder} from '../start/folder.js'
import {describeEachServer} from './each-server.js'
import {comparable, type GoldenEntry} from './goldens.js'
import {type Server, startServer} from './server.js'

const LOADED = Number(process.env['RDBTOOL_MUTANTS_LOADED'] ?? 6)
const SEED = Number(process.env['RDBTOOL_SEED'] ?? 6)
const KEYS = 60
/** Whole seconds: below 7.0 servers tell no others. */
const YEAR_2100 = 4_102_444_800
const folder = temporaryFolder()

/** Keys of all types in two databases, one in four of which expires. */
async function fill({client}: Server): Promise<void> {
  for (const db of [0, 5]) {
    await client.call('SELECT', db)
    for (let i = 0; i < KEYS; i++) {
      const key = `${['user', 'cart', 'feed'][i % 3]}:${1000 + i}`
      const many = Array.from({length: i % 7 === 0 ? 200 : 5}, (_, at) => `member ${i} ${at}`)
      if (i % 6 === 0) await client.call('SET', key, `value of ${i} `.repeat(1 + (i % 9)))
      if (i % 6 === 1) await client.call('HSET', key, ...many.flatMap(one => [one, `${i}`]))
      if (i % 6 === 2) await client.call('RPUSH', key, ...many)
      if (i % 6 === 3) await client.call('SADD', key, ...(i % 2 === 0 ? many : ['1', '22', '333']))
      if (i % 6 === 4) await client.call('ZADD', key, ...many.flatMap((one, at) => [`${at}.5`, one]))
      if (i % 6 === 5) for (const one of many) await client.call('XADD', key, '*', 'field', one)
      if (i % 4 === 0) await client.call('EXPIREAT', key, YEAR_2100 + i)
    }
  }
}

const textOf = (entry: GoldenEntry): string =>
  JSON.stringify(entry, (_, one: unknown) => (typeof one === 'bigint' ? `${one}` : one))

async function heldBy(server: Server): Promise<string[]> {
  const {entries} = await snapshot(server)
  return comparable(entries as GoldenEntry[], Date.now()).map(textOf)
}

async function sizeOf({client}: Server): Promise<number> {
  const text = String(await client.call('INFO', 'keyspace'))
  return [...text.matchAll(/keys=(\d+)/g)].reduce((sum, [, keys]) => sum + Number(keys), 0)
}

/** A database that is uncertain is not compared. */
const withoutDb = (text: string): string => text.replace(/"db":\d+,/, '')

async function tryDamage(name: string, bytes: Uint8Array, originals: ReadonlySet<string>, seed: number): Promise<void> {
  const damaged = damagedFile({bytes, records: []}, new Dice(seed))
  const path = folder.write(`${name}-${seed}.rdb`, damaged.bytes)
  const out = join(folder.path, `${name}-${seed}-saved.rdb`)
  const {salvagedSnapshot: saved, salvageFailure} = await checkAndSalvage(path, {out})
  if (saved === undefined) {
    // Bytes were put in behind the end, or next to nothing is left.
    expect(salvageFailure, damaged.what).toMatchObject({code: 'BAD_MAGIC'})
    return
  }
  expect(saved.check, damaged.what).toMatchObject({errors: 0})
  const server = await startServer(name, {rdb: out})
  try {
    expect(await sizeOf(server), damaged.what).toBe(saved.keys)
    const {soundness} = await check(path, {ignoreChecksum: true})
    // Where nothing but the checksum is wrong, nobody can tell what has changed.
    if (soundness?.errors === 0) return
    const plain = saved.keysUncertain > 0 ? withoutDb : (text: string): string => text
    const known = new Set([...originals].map(plain))
    expect(
      (await heldBy(server)).filter(one => !known.has(plain(one))),
      damaged.what,
    ).toEqual([])
  } finally {
    await server.stop()
  }
}

describeEachServer('what is salvaged for', name => {
  it('is loaded, and holds what was there', async () => {
    const server = await startServer(name, {})
    let bytes: Uint8Array
    let originals: ReadonlySet<string>
    try {
      await fill(server)
      originals = new Set(await heldBy(server))
      await server.client.call('SAVE')
      bytes = new Uint8Array(readFileSync(join(server.dir, 'dump.rdb')))
    } finally {
      await server.stop()
    }
    expect(originals.size).toBe(2 * KEYS)
    for (let i = 0; i < LOADED; i++) await tryDamage(name, bytes, originals, SEED * 1009 + i)
  }, 3_600_000)
})
