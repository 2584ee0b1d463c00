/** Our master and real servers that attach to it, for one test. */
import {copyFileSync, mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterEach, expect, vi} from 'vitest'
import {type Served, type ServeOptions, serve} from '../../src/jobs/serve.js'
import type {StagedSnapshot} from '../../src/jobs/serve-snapshots.js'
import type {MasterMessage} from '../../src/replication/master-events.js'
import type {ServeEvent} from '../../src/report/master-log.js'
import {run} from '../fixtures/recipes.js'
import {baseCommands} from './oracle-changes.js'
import {type Server, startServer} from './server.js'

export const PATIENCE = {timeout: 20_000, interval: 50}

/** What ends with the test. */
export const ending: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
})

export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'rdbtool-serve-test-'))
  ending.push(() => rmSync(path, {recursive: true, force: true}))
  return path
}

export async function started(name: string, config: Record<string, string | number> = {}): Promise<Server> {
  const server = await startServer(name, {config})
  ending.push(() => server.stop())
  return server
}

/** A file with something of every kind that this server knows, as it saves it. */
export async function original(name: string, version: string): Promise<string> {
  const server = await startServer(name)
  const path = join(folder(), 'original.rdb')
  try {
    await run(server, baseCommands(name, Number.parseFloat(version)))
    copyFileSync(await server.save(), path)
  } finally {
    await server.stop()
  }
  return path
}

export interface Master {
  port: number
  events: ServeEvent<StagedSnapshot>[]
  requests: string[][]
  count: (kind: ServeEvent['kind']) => number
  done: Promise<Served>
  leave: () => Promise<Served>
}

export async function serving(source: string, options: Partial<ServeOptions> = {}): Promise<Master> {
  const ended = new AbortController()
  const events: Master['events'] = []
  const requests: string[][] = []
  let listening: (port: number) => void = () => {}
  const port = new Promise<number>(resolve => {
    listening = resolve
  })
  const done = serve(source, {
    port: 0,
    pingIntervalMs: 300,
    signal: ended.signal,
    onListening: master => listening(master.port),
    onEvent: event => events.push(event),
    onMessage: (message: MasterMessage) => {
      if (message.kind === 'request') requests.push([...message.args])
    },
    ...options,
  })
  let failure: unknown
  done.catch(error => {
    failure = error
  })
  const leave = (): Promise<Served> => {
    ended.abort()
    return done
  }
  ending.push(() => leave().catch(() => {}))
  const count = (kind: ServeEvent['kind']): number => events.filter(event => event.kind === kind).length
  await vi.waitFor(
    () => expect({staged: count('staged') > 0, failure}).toEqual({staged: true, failure: undefined}),
    PATIENCE,
  )
  return {port: await port, events, requests, count, done, leave}
}

export async function field(server: Server, name: string): Promise<string | undefined> {
  const info = String(await server.client.call('INFO', 'replication'))
  return new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(info)?.[1]
}

export async function follow(server: Server, port: number): Promise<void> {
  await server.client.call('REPLICAOF', '127.0.0.1', port)
  await linked(server)
}

export async function linked(server: Server): Promise<void> {
  await vi.waitFor(async () => expect(await field(server, 'master_link_status')).toBe('up'), PATIENCE)
}
