/**
 * Logs of real servers whose snapshot is damaged: what can be saved of it, and the commands behind it, are what the server starts from.
 */
import {cpSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {checkAndSalvage} from '../../src/jobs/check-salvage.js'
import {temporaryFolder} from '../start/folder.js'
import {describeEachServer} from './each-server.js'
import {type Server, startServer} from './server.js'

const folder = temporaryFolder()
const KEYS = 300
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
    const isFolder = readdirSync(copy).includes('appendonlydir')
    const log = join(copy, isFolder ? 'appendonlydir' : 'appendonly.aof')
    const base = isFolder ? join(log, readdirSync(log).find(one => one.endsWith('base.rdb'))!) : log
    const bytes = readFileSync(base)
    bytes.fill(0, Math.floor(bytes.length / 2) - 30, Math.floor(bytes.length / 2) + 30)
    writeFileSync(base, bytes)
    const dir = mkdtempSync(join(folder.path, 'saved-'))
    const out = join(dir, isFolder ? 'appendonlydir' : 'appendonly.aof')
    const {salvaged, salvageFailure} = await checkAndSalvage(log, {out})
    expect(salvageFailure).toBeUndefined()
    expect(salvaged!.snapshot!.losses).toBeGreaterThan(0)
    expect(salvaged!.check).toMatchObject({errors: 0, log: {outcome: 'starts'}})
    expect(statSync(out).isDirectory()).toBe(isFolder)
    const again = await startServer(server, {dir, config: {...CONFIG, 'aof-load-truncated': 'no'}})
    try {
      const held = await keysOf(again)
      expect(held.get('later')).toBe('yes')
      expect(held.get('other')).toBe('yes')
      expect(held.get(name(7))).toBe('changed')
      expect(held.size).toBeGreaterThan(KEYS - 20)
      for (let i = 0; i < KEYS; i++) {
        if (i !== 7 && held.has(name(i))) expect(held.get(name(i))).toBe(`value of ${i}`)
      }
    } finally {
      await again.stop()
    }
  }, 120_000)
})
