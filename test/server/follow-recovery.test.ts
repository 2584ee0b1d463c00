/**
 * What a followed folder is for: coming back to a moment, and not growing without end. And what it does where a master
 * cannot go on: another snapshot, and the old one put aside.
 */
import {cpSync, mkdtempSync, readdirSync, rmSync, utimesSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {basename, dirname, join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {afterEach, expect, it, vi} from 'vitest'
import {type FollowedLog, type FollowLogOptions, followLog} from '../../src/jobs/follow-log.js'
import type {SyncEvent} from '../../src/report/replica-log.js'
import {rdbtool} from '../start/run.js'
import * as oracle from './oracle.js'
import {type Server, startServer} from './server.js'

const MASTER = 'redis-7.0'
const ending: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
})

async function master(config: Record<string, string | number> = {}): Promise<Server> {
  const server = await startServer(MASTER, {config: {'repl-diskless-sync-delay': 0, ...config}})
  ending.push(() => server.stop())
  return server
}

function temporary(): string {
  const path = mkdtempSync(join(tmpdir(), 'rdbtool-recovery-'))
  ending.push(() => rmSync(path, {recursive: true, force: true}))
  return path
}

/** Follows until the master has no more; tells what happened. */
async function followed(
  server: Server,
  folder: string,
  options: FollowLogOptions = {},
): Promise<FollowedLog & {kinds: string[]}> {
  const info = String(await server.client.call('INFO', 'replication'))
  const kinds: string[] = []
  const onEvent = (event: SyncEvent): number => kinds.push(event.kind)
  const untilOffset = Number(/master_repl_offset:(\d+)/.exec(info)?.[1])
  const address = async () => ({host: '127.0.0.1', port: server.port})
  return {...(await followLog(folder, address, {...options, untilOffset, seconds: 20, onEvent})), kinds}
}

async function loaded(folder: string): Promise<oracle.Snapshot> {
  const copy = join(temporary(), 'appendonlydir')
  cpSync(folder, copy, {recursive: true})
  return await oracle.loaded(MASTER, copy)
}

const same = (a: oracle.Snapshot, b: oracle.Snapshot): string[] => oracle.compare(a, b, {idle: false, clocks: false})

it('a moment before FLUSHALL', async () => {
  const server = await master()
  const {client} = server
  const folder = join(temporary(), 'appendonlydir')
  const ended = new AbortController()
  const done = followLog(folder, async () => ({host: '127.0.0.1', port: server.port}), {signal: ended.signal})
  ending.push(() => {
    ended.abort()
    return done.catch(() => {})
  })
  await client.pipeline(Array.from({length: 500}, (_, i) => ['SET', `key:${i}`, i]))
  await client.call('RPUSH', 'list', 1, 2, 3)
  await vi.waitFor(async () => expect(await client.call('WAIT', 1, 1000)).toBe(1), {timeout: 10_000})
  const before = await oracle.snapshot(server)
  const moment = Math.floor(Date.now() / 1000)
  await sleep(1100)
  await client.call('FLUSHALL')
  await client.call('SET', 'after', 'x')
  await vi.waitFor(async () => expect(await client.call('WAIT', 1, 1000)).toBe(1), {timeout: 10_000})
  ended.abort()
  await done
  const out = join(temporary(), 'recovered')
  expect(await rdbtool(['aof-rewrite', folder, '--until', `@${moment}`, '--out', out])).toMatchObject({code: 0})
  expect(same(await loaded(out), before)).toEqual([])
  expect(await rdbtool(['aof-rewrite', folder, '--before-command', 'FLUSHALL', '--out', `${out}-2`])).toMatchObject({
    code: 0,
  })
  expect(same(await loaded(`${out}-2`), before)).toEqual([])
})

it('old commands are compacted, and new ones are not', async () => {
  const server = await master()
  const folder = join(temporary(), 'appendonlydir')
  await followed(server, folder)
  for (let round = 0; round < 3; round++) {
    await server.client.pipeline(
      Array.from({length: 200}, (_, i) => ['SET', `key:${i}`, `${round}:${'x'.repeat(500)}`]),
    )
    await followed(server, folder, {rotateBytes: 50_000})
  }
  const files = readdirSync(folder).filter(name => name.endsWith('.incr.aof'))
  expect(files.length).toBeGreaterThan(3)
  const before = await loaded(folder)
  // All but the last two were written long ago.
  const byNumber = files.sort((a, b) => Number(a.split('.')[2]) - Number(b.split('.')[2]))
  for (const name of byNumber.slice(0, -2)) utimesSync(join(folder, name), 1_700_000_000, 1_700_000_000)
  const {kinds} = await followed(server, folder, {keepMs: 86_400_000})
  expect(kinds).toContain('compacted')
  expect(readdirSync(folder).filter(name => name.endsWith('.incr.aof')).length).toBeLessThanOrEqual(3)
  expect(readdirSync(folder).filter(name => name.includes('.base.')).length).toBe(1)
  expect(same(await loaded(folder), before)).toEqual([])
  // And the stream goes on behind it.
  await server.client.call('SET', 'last', 'x')
  await followed(server, folder)
  expect(same(await loaded(folder), await oracle.snapshot(server))).toEqual([])
})

it('a master of another history gives another snapshot, and the old one is put aside until it is too old', async () => {
  const first = await master()
  const folder = join(temporary(), 'appendonlydir')
  await first.client.call('SET', 'of', 'the first')
  await followed(first, folder)
  const old = await oracle.snapshot(first)
  const second = await master()
  await second.client.call('SET', 'of', 'the second')
  const {fullResyncs, kinds} = await followed(second, folder)
  expect(fullResyncs).toBe(1)
  expect(kinds).toContain('superseded')
  expect(same(await loaded(folder), await oracle.snapshot(second))).toEqual([])
  const aside = readdirSync(dirname(folder)).find(name => name.startsWith(`${basename(folder)}.until-`))!
  expect(same(await loaded(join(dirname(folder), aside)), old)).toEqual([])
  await followed(second, folder, {keepMs: 0})
  expect(readdirSync(dirname(folder))).toEqual([basename(folder)])
})

it('a backlog that has gone by gives another snapshot', async () => {
  const server = await master({'repl-backlog-size': '16kb'})
  const folder = join(temporary(), 'appendonlydir')
  await followed(server, folder)
  await server.client.pipeline(Array.from({length: 100}, (_, i) => ['SET', `key:${i}`, 'x'.repeat(1000)]))
  const {fullResyncs} = await followed(server, folder)
  expect(fullResyncs).toBe(1)
  expect(same(await loaded(folder), await oracle.snapshot(server))).toEqual([])
})

it('WAITAOF hears what is on disk', async () => {
  const found = await startServer('redis-8.0', {config: {'repl-diskless-sync-delay': 0}})
  ending.push(() => found.stop())
  const ended = new AbortController()
  const folder = join(temporary(), 'appendonlydir')
  const done = followLog(folder, async () => ({host: '127.0.0.1', port: found.port}), {signal: ended.signal})
  ending.push(() => {
    ended.abort()
    return done.catch(() => {})
  })
  await vi.waitFor(
    async () => expect(String(await found.client.call('INFO', 'replication'))).toContain('state=online'),
    {timeout: 10_000},
  )
  await found.client.call('SET', 'k', 'v')
  expect(await found.client.call('WAITAOF', 0, 1, 10_000)).toEqual([0, 1])
})
