/** A log of our own making, passed on as it grows: to the byte, in whole units, from a snapshot that fits. */
import {appendFileSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {afterEach, describe, expect, it, vi} from 'vitest'
import {type ServeOptions, serve} from '../../src/jobs/serve.js'
import type {StagedSnapshot} from '../../src/jobs/serve-snapshots.js'
import type {ServeEvent} from '../../src/report/master-log.js'
import {ScriptedReplica} from '../replication/scripted-replica.js'
import {encodeCommand} from '../server/resp.js'
import {temporaryFolder} from '../start/folder.js'
import {fileOf} from '../start/rdb.js'

const folder = temporaryFolder()
process.env['TMPDIR'] = folder.path
const PATIENCE = {timeout: 5000, interval: 10}

const ending: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
})

const commands = (...all: (string | number)[][]): string => all.map(args => encodeCommand(args)).join('')
const GETACK = commands(['REPLCONF', 'GETACK', '*'])
const SELECT_0 = commands(['SELECT', 0])

class Log {
  static made = 0
  readonly path = join(folder.path, `log-${Log.made++}`)

  constructor(increment: string) {
    mkdirSync(this.path)
    writeFileSync(join(this.path, 'a.aof.1.base.rdb'), fileOf(['base']))
    writeFileSync(this.increment(1), increment)
    this.manifest('file a.aof.1.base.rdb seq 1 type b', 'file a.aof.1.incr.aof seq 1 type i')
  }

  increment(sequence: number): string {
    return join(this.path, `a.aof.${sequence}.incr.aof`)
  }

  manifest(...lines: string[]): void {
    writeFileSync(join(this.path, 'a.aof.manifest'), `${lines.join('\n')}\n`)
  }

  append(text: string, sequence = 1): void {
    appendFileSync(this.increment(sequence), text)
  }
}

interface Running {
  port: number
  events: ServeEvent<StagedSnapshot>[]
  done: ReturnType<typeof serve>
  replica: () => Promise<ScriptedReplica>
}

async function relaying(source: string, options: Partial<ServeOptions> = {}): Promise<Running> {
  const events: Running['events'] = []
  const ended = new AbortController()
  let port = 0
  const done = serve(source, {
    ...{port: 0, follow: true, pingIntervalMs: 3_600_000, signal: ended.signal},
    onListening: master => {
      port = master.port
    },
    onEvent: event => events.push(event),
    ...options,
  })
  done.catch(() => {})
  ending.push(() => {
    ended.abort()
    return done.catch(() => {})
  })
  await vi.waitFor(() => expect(port).toBeGreaterThan(0), PATIENCE)
  const replica = async (): Promise<ScriptedReplica> => {
    const one = await ScriptedReplica.connect(port)
    await one.ask(['REPLCONF', 'capa', 'psync2'])
    one.forget()
    await one.say('PSYNC', '?', -1)
    await one.hears(GETACK)
    return one
  }
  return {port, events, done, replica}
}

/** Keys of what a replica was given, and what stands behind it. */
function taken(one: ScriptedReplica): {offset: number; keys: string[]; stream: string} {
  const [, offset, bytes] = /^\n*\+FULLRESYNC \w+ (\d+)\r\n\$(\d+)\r\n/.exec(one.heard)!
  const start = one.heard.indexOf('\r\n$') + 3 + bytes!.length + 2
  const payload = one.heard.slice(start, start + Number(bytes))
  const keys = ['base', ...Array.from({length: 200}, (_, i) => `key-${i}`)].filter(key => payload.includes(key))
  return {offset: Number(offset), keys, stream: one.heard.slice(start + Number(bytes))}
}

const set = (i: number, value = 'v'): string => commands(['SET', `key-${i}`, value])

describe('what is appended', () => {
  it('goes on, whole commands and whole transactions, to the byte', async () => {
    const log = new Log(commands(['SELECT', 0]) + set(0))
    const {replica} = await relaying(log.path)
    const one = await replica()
    expect(taken(one)).toEqual({offset: 0, keys: ['base', 'key-0'], stream: SELECT_0 + GETACK})
    one.forget()
    const more = `#TS:1700000000\r\n${set(1)}`
    log.append(more.slice(0, 30))
    await sleep(600)
    expect(one.heard).toBe('')
    log.append(more.slice(30))
    expect(await one.hears(set(1))).toBe(set(1))
    one.forget()
    const transaction = commands(['MULTI'], ['INCR', 'n'], ['INCR', 'n'], ['EXEC'])
    log.append(transaction.slice(0, -20))
    await sleep(600)
    expect(one.heard).toBe('')
    log.append(transaction.slice(-20))
    expect(await one.hears(commands(['EXEC']))).toBe(transaction)
  })

  it('of a transaction that had begun before is in the snapshot, or whole in the stream', async () => {
    const log = new Log(SELECT_0 + commands(['MULTI']) + set(0))
    const {events, replica} = await relaying(log.path)
    await sleep(600)
    expect(events.some(({kind}) => kind === 'staged')).toBe(false)
    log.append(set(1) + commands(['EXEC']) + set(2))
    const one = await replica()
    expect(taken(one)).toEqual({offset: 0, keys: ['base', 'key-0', 'key-1', 'key-2'], stream: SELECT_0 + GETACK})
  })

  it('goes on in the next file, where a rewrite begins, and in its database', async () => {
    const log = new Log(commands(['SELECT', 7]) + set(0))
    const {replica, events} = await relaying(log.path)
    const one = await replica()
    expect(taken(one).stream).toBe(commands(['SELECT', 7]) + GETACK)
    one.forget()
    writeFileSync(log.increment(2), '')
    log.append(set(1))
    log.manifest(
      'file a.aof.1.base.rdb seq 1 type b',
      'file a.aof.1.incr.aof seq 1 type i',
      'file a.aof.2.incr.aof seq 2 type i',
    )
    log.append(set(2), 2)
    expect(await one.hears(set(2))).toBe(set(1) + SELECT_0 + set(2))
    expect(events.some(({kind}) => kind === 'restarted')).toBe(false)
  })

  it('behind other data begins another history', async () => {
    const log = new Log(SELECT_0 + set(0))
    const {replica, events} = await relaying(log.path)
    const one = await replica()
    const [before] = /\w{40}/.exec(one.heard)!
    writeFileSync(join(log.path, 'a.aof.2.base.rdb'), fileOf(['key-5']))
    writeFileSync(log.increment(2), SELECT_0 + set(6))
    log.manifest('file a.aof.2.base.rdb seq 2 type b', 'file a.aof.2.incr.aof seq 2 type i')
    await one.isClosed()
    await vi.waitFor(() => expect(events.some(({kind}) => kind === 'restarted')).toBe(true), PATIENCE)
    const again = await replica()
    expect(again.heard).not.toContain(before)
    const {keys} = taken(again)
    expect(keys.filter(key => key !== 'key-6')).toEqual(['key-5'])
    expect(again.heard).toContain('key-6')
  })
})

describe('the snapshot', () => {
  it('is one for all, as long as the stream behind it is kept; then it is made anew', async () => {
    const log = new Log(SELECT_0 + set(0))
    const {events, replica} = await relaying(log.path, {backlogBytes: 4000})
    const staged = (): number => events.filter(({kind}) => kind === 'staged').length
    const first = await replica()
    log.append(set(1))
    await vi.waitFor(() => expect(first.heard).toContain('key-1'), PATIENCE)
    const second = await replica()
    expect(taken(second)).toEqual({offset: 0, keys: ['base', 'key-0'], stream: SELECT_0 + GETACK + set(1) + GETACK})
    expect(staged()).toBe(1)
    for (let i = 2; i < 8; i++) {
      log.append(set(i, 'x'.repeat(500)))
      await vi.waitFor(() => expect(second.heard).toContain(`key-${i}`), PATIENCE)
    }
    const third = await replica()
    expect(staged()).toBe(2)
    const {offset, keys, stream} = taken(third)
    expect(keys).toEqual(['base', ...Array.from({length: 8}, (_, i) => `key-${i}`)])
    expect(offset).toBeGreaterThan(3000)
    expect(stream).toBe(SELECT_0 + GETACK)
  })

  it('made while a transaction selects a database stands in the one before it', async () => {
    const log = new Log(SELECT_0 + set(0))
    const {events, replica} = await relaying(log.path, {backlogBytes: 4000})
    const first = await replica()
    log.append(set(1, 'x'.repeat(3000)))
    await vi.waitFor(() => expect(first.heard).toContain('key-1'), PATIENCE)
    const transaction = commands(['MULTI'], ['SET', 'in0', 1], ['SELECT', 3], ['SET', 'in3', 1], ['EXEC'])
    log.append(transaction.slice(0, -commands(['EXEC']).length))
    await sleep(600)
    const second = await replica()
    expect(events.filter(({kind}) => kind === 'staged')).toHaveLength(2)
    expect(taken(second).stream).toBe(SELECT_0 + GETACK)
    second.forget()
    log.append(commands(['EXEC']) + set(2))
    expect(await second.hears(set(2))).toBe(transaction + set(2))
  })
})

describe('it ends', () => {
  it.each([
    ['of a file', () => folder.write('one.aof', set(0)), 'no folder of a log'],
    ['of a folder that is no log', () => folder.path, 'it has no manifest'],
  ])('%s', async (_, source, words) => {
    const {done} = await relaying(source())
    await expect(done).rejects.toThrow(words)
  })

  it('where the log was cut off', async () => {
    const log = new Log(SELECT_0 + set(0) + set(1))
    const {done, replica} = await relaying(log.path)
    await replica()
    writeFileSync(log.increment(1), readFileSync(log.increment(1)).subarray(0, 40))
    await expect(done).rejects.toMatchObject({code: 'TRUNCATED'})
  })

  it('where it is damaged', async () => {
    const log = new Log(SELECT_0 + set(0))
    const {done, replica} = await relaying(log.path)
    const one = await replica()
    log.append('garbage\r\n')
    await expect(done).rejects.toMatchObject({code: 'BAD_COMMAND'})
    await one.isClosed()
    expect(one.heard).not.toContain('garbage')
  })
})
