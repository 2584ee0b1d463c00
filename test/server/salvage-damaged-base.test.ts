/**
 * Logs of real servers whose snapshot is damaged: what can be saved of it, and the commands behind it, are what the server starts from.
 *
 *   RDBTOOL_MUTANTS_LOADED=50   damaged logs of each server
 *   RDBTOOL_SEED=7              other ones
 */
import {cpSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {check} from '../../src/jobs/check.js'
import {checkAndSalvage} from '../../src/jobs/check-salvage.js'
import {damagedFile} from '../analysis/damaged-snapshots.js'
import {Dice} from '../jobs/mutants.js'
import {temporaryFolder} from '../start/folder.js'
import {describeEachServer} from './each-server.js'
import {type Server, startServer} from './server.js'

const folder = temporaryFolder()
const KEYS = 300
/** Of random damage to at most 128 bytes. */
const LOST_MAX = 40
const LOADED = Number(process.env['RDBTOOL_MUTANTS_LOADED'] ?? 2)
const SEED = Number(process.env['RDBTOOL_SEED'] ?? 6)
/** Kinds of damage that can be seen: of a bit that is flipped in a string nobody can tell. */
const KINDS = ['zero bytes', 'bytes left out']
const ZERO = '\0'
const CONFIG = {appendonly: 'yes', 'aof-use-rdb-preamble': 'yes', appendfsync: 'always'}
const name = (i: number): string => `user:${1000 + i}`

async function keysOf({client}: Server): Promise<Map<string, string>> {
  const held = new Map<string, string>()
  for (let i = 0; i < KEYS; i++) {
    const value = await client.call('GET', name(i))
    if (value !== null) held.set(name(i), String(value))
  }
  for (const key of ['later', 'other']) held.set(key, String(await client.call('GET', key)))
  return held
}

async function rewritten({client}: Server): Promise<void> {
  await client.call('BGREWRITEAOF')
  for (let i = 0; i < 200; i++) {
    const info = String(await client.call('INFO', 'persistence'))
    if (/aof_rewrite_in_progress:0/.test(info) && /aof_rewrite_scheduled:0/.test(info)) return
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  throw new Error('the log is not rewritten')
}

type Damage = (bytes: Buffer, snapshotBytes: number) => Buffer

/** Damages the snapshot of a copy of the log, and starts a server from what is salvaged. */
async function trySalvage(server: string, original: string, damage: Damage): Promise<void> {
  const copy = mkdtempSync(join(folder.path, 'copy-'))
  cpSync(original, copy, {recursive: true})
  const isFolder = readdirSync(copy).includes('appendonlydir')
  const log = join(copy, isFolder ? 'appendonlydir' : 'appendonly.aof')
  const base = isFolder ? join(log, readdirSync(log).find(one => one.endsWith('base.rdb'))!) : log
  const [file] = (await check(log)).soundness!.log!.files
  writeFileSync(base, damage(readFileSync(base), file!.preambleBytes))
  const dir = mkdtempSync(join(folder.path, 'saved-'))
  const out = join(dir, isFolder ? 'appendonlydir' : 'appendonly.aof')
  const {salvaged, salvageFailure} = await checkAndSalvage(log, {out})
  expect(salvageFailure).toBeUndefined()
  expect(salvaged!.snapshot!.losses).toBeGreaterThanOrEqual(0)
  expect(salvaged!.check).toMatchObject({errors: 0, log: {outcome: 'starts'}})
  expect(statSync(out).isDirectory()).toBe(isFolder)
  const again = await startServer(server, {dir, config: {...CONFIG, 'aof-load-truncated': 'no'}})
  try {
    const held = await keysOf(again)
    expect(held.get('later')).toBe('yes')
    expect(held.get('other')).toBe('yes')
    expect(held.get(name(7))).toBe('changed')
    expect(held.size).toBeGreaterThan(KEYS - LOST_MAX)
    for (let i = 0; i < KEYS; i++) {
      const value = held.get(name(i)) ?? ZERO
      if (i !== 7 && !value.includes(ZERO)) expect(value).toBe(`value of ${i}`)
    }
  } finally {
    await again.stop()
  }
}

describeEachServer('a damaged snapshot in a log of', server => {
  it('is salvaged, with the commands behind it', async () => {
    const first = await startServer(server, {config: CONFIG})
    const copy = mkdtempSync(join(folder.path, 'log-'))
    try {
      for (let i = 0; i < KEYS; i++) await first.client.call('SET', name(i), `value of ${i}`)
      await rewritten(first)
      await first.client.call('SET', 'later', 'yes')
      await first.client.call('SET', name(7), 'changed')
      await first.client.call('SET', 'other', 'yes')
      cpSync(first.dir, copy, {recursive: true})
    } finally {
      await first.stop()
    }
    await trySalvage(server, copy, (bytes, end) => {
      bytes.fill(0, Math.floor(end / 2) - 30, Math.floor(end / 2) + 30)
      return bytes
    })
    for (let i = 0; i < LOADED; i++) {
      await trySalvage(server, copy, (bytes, end) => {
        const {bytes: damaged} = damagedFile(
          {bytes: bytes.subarray(0, end), records: []},
          new Dice(SEED * 1009 + i),
          KINDS,
          8,
        )
        return Buffer.concat([damaged, bytes.subarray(end)])
      })
    }
  }, 3_600_000)
})
