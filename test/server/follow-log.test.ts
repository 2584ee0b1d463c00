/**
 * A folder that follows a real master: whenever it is quiet a server that starts from the folder holds what the master
 * holds, by both answers of the oracle.
 */
import {spawnSync} from 'node:child_process'
import {cpSync, mkdtempSync, readdirSync, readFileSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterEach, expect, it, vi} from 'vitest'
import {type FollowedLog, type FollowLogOptions, followLog} from '../../src/jobs/follow-log.js'
import type {SyncEvent} from '../../src/report/replica-log.js'
import {run} from '../fixtures/recipes.js'
import {describeEachServer} from './each-server.js'
import * as oracle from './oracle.js'
import {baseCommands} from './oracle-changes.js'
import {findServer, type Server, startServer} from './server.js'

const ending: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
})

const quiet = {'repl-diskless-sync-delay': 0}

async function master(name: string, config: Record<string, string | number> = {}): Promise<Server> {
  const server = await startServer(name, {config: {...quiet, ...config}})
  ending.push(() => server.stop())
  return server
}

function temporary(): string {
  const path = mkdtempSync(join(tmpdir(), 'rdbtool-follow-'))
  ending.push(() => rmSync(path, {recursive: true, force: true}))
  return path
}

interface Following {
  events: SyncEvent[]
  leave: () => Promise<FollowedLog>
}

async function follow(server: Server, folder: string, options: FollowLogOptions = {}): Promise<Following> {
  const ended = new AbortController()
  const events: SyncEvent[] = []
  let online = (): void => {}
  const isOnline = new Promise<void>(resolve => {
    online = resolve
  })
  const done = followLog(folder, async () => ({host: '127.0.0.1', port: server.port}), {
    ...options,
    signal: ended.signal,
    onEvent: event => {
      events.push(event)
      if (event.kind === 'online') online()
    },
  })
  const leave = async (): Promise<FollowedLog> => {
    ended.abort()
    return await done
  }
  ending.push(() => leave().catch(() => {}))
  await Promise.race([isOnline, done])
  return {events, leave}
}

/** Waits until the master has heard that we have all that it wrote. */
async function caughtUp(server: Server): Promise<void> {
  await vi.waitFor(
    async () => {
      const info = String(await server.client.call('INFO', 'replication'))
      const offset = Number(/slave0:.*state=online,offset=(\d+)/.exec(info)?.[1])
      expect(offset).toBe(Number(/master_repl_offset:(\d+)/.exec(info)?.[1]))
    },
    {timeout: 10_000, interval: 20},
  )
}

const writes = (line: number): (string | number)[][] => [
  ['SELECT', 5],
  ['SET', 'relative', 'x', 'EX', 100_000],
  ['SETEX', 'setex', 100_000, 'y'],
  ['PSETEX', 'psetex', 100_000_000, 'y'],
  ['SET', 'expired', 'v'],
  ['EXPIRE', 'expired', 100_000],
  ['MULTI'],
  ['INCR', 'counter'],
  ['SELECT', 2],
  ['RPUSH', 'list', 'a', 'b'],
  ['EXEC'],
  ['PUBLISH', 'channel', 'message'],
  ['SADD', 'set', 1, 2, 3, 'x'],
  ['SPOP', 'set', 2],
  ['SET', 'large', 'v'.repeat(300_000)],
  ['SET', 'text', '\r\n#RDBTOOL 0000000000000000000000000000000000000000 5 0\r\n'],
  ['EVAL', "redis.call('set', KEYS[1], 'script') redis.call('incr', KEYS[2])", 2, 'k1', 'k2'],
  ...(line < 6.2 ? [] : [['GETEX', 'text', 'EX', 100_000]]),
]

describeEachServer('a folder that follows', (name, version) => {
  const line = Number.parseFloat(version)
  // Folders are for servers from 7.0 on.
  const loader = line < 7 ? 'redis-7.0' : name

  async function sameAs(server: Server, folder: string): Promise<string[]> {
    const copy = join(temporary(), 'appendonlydir')
    cpSync(folder, copy, {recursive: true})
    return await oracle.sameAfterLoading(loader, await server.save(), copy, {
      ...{idle: false, clocks: false, expiryMs: line < 7 ? 1000 : 0},
    })
  }

  it('holds what the master holds, with its snapshot and behind it', async () => {
    const server = await master(name)
    await run(server, baseCommands(name, line))
    const folder = join(temporary(), 'appendonlydir')
    const {leave} = await follow(server, folder)
    await run(server, writes(line))
    await caughtUp(server)
    const {place, fullResyncs} = await leave()
    expect(fullResyncs).toBe(1)
    expect(place).toMatchObject({db: 2})
    expect(await sameAs(server, folder)).toEqual([])

    // It goes on where it was, in the database that the stream has selected.
    const again = await follow(server, folder, {rotateBytes: 100_000})
    expect(again.events.map(({kind}) => kind)).toContain('partial-resync')
    await server.client.call('SET', 'more', 'w'.repeat(150_000))
    await server.client.call('SET', 'most', 'w'.repeat(150_000))
    await caughtUp(server)
    await again.leave()
    expect(readdirSync(folder).filter(file => file.endsWith('.incr.aof')).length).toBeGreaterThan(1)
    expect(readFileSync(join(folder, 'appendonly.aof.manifest'), 'latin1')).not.toContain('startoffset')
    expect(await sameAs(server, folder)).toEqual([])
    expect(refusedByOwnTool(loader, folder)).toEqual([])
  })
})

/**
 * The files of commands in which the server's own tool finds something wrong. Not of the folder: valkey-check-aof 9.1.2 takes a base of
 * RDB version 80, as its server writes it, for commands.
 */
function refusedByOwnTool(name: string, folder: string): string[] {
  const found = findServer(name)
  if (typeof found === 'string') throw new Error(found)
  const {command, args} = found.tool('check-aof')!
  const files = readdirSync(folder).filter(file => file.endsWith('.incr.aof'))
  return files
    .map(file => spawnSync(command, [...args, join(folder, file)], {encoding: 'utf8'}).stdout)
    .filter(said => !said.includes(' is valid'))
}
