/** load where things break half way: the connection, the server, and ourselves. In the end everything is there, and once. */
import {spawn} from 'node:child_process'
import {randomBytes} from 'node:crypto'
import {once} from 'node:events'
import {readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, it} from 'vitest'
import type {WireError} from '../../src/index.js'
import {type LoadOptions, load} from '../../src/jobs/load.js'
import {temporaryFolder} from '../start/folder.js'
import {fileOf} from '../start/rdb.js'
import {BIN, environment, rdbtool} from '../start/run.js'
import {HostileProxy} from './hostile-proxy.js'
import * as oracle from './oracle.js'
import {findServer, type Server, startServer} from './server.js'

const folder = temporaryFolder()
let names = 0
const newPath = (): string => join(folder.path, `file-${names++}`)
const at = (port: number, options: LoadOptions = {}) =>
  [
    {host: '127.0.0.1', port},
    {connectTimeoutMs: 5000, silenceMs: 10_000, ...options},
  ] as const
const KEYS = 40_000
const LIBRARY = "#!lua name=lib\nredis.register_function('f', function() return 1 end)"

/** Values of every type, of which a list would be seen to be there twice. */
async function fill({client}: Server): Promise<void> {
  for (let i = 0; i < KEYS; i += 5000) {
    const commands: (string | number)[][] = []
    for (let n = i; n < i + 5000; n++) {
      if (n % 5 === 0) commands.push(['RPUSH', `list:${n}`, n, 'b', n])
      else if (n % 5 === 1) commands.push(['HSET', `hash:${n}`, 'field', n])
      else if (n % 5 === 2) commands.push(['XADD', `stream:${n}`, '1-1', 'f', n])
      else commands.push(['SET', `string:${n}`, `value ${n}`])
    }
    await client.pipeline(commands)
  }
  await client.pipeline(
    Array.from({length: 200}, (_, i) => [
      ['SELECT', 3],
      ['SADD', `set:${i}`, i, 'member'],
      ['PEXPIREAT', `set:${i}`, 4e12],
      ['SELECT', 0],
    ]).flat(),
  )
  await client.call('FUNCTION', 'LOAD', LIBRARY)
}

describe.skipIf(typeof findServer('redis-7.0') === 'string')('what breaks half way', () => {
  let original: Server
  let server: Server
  let source: string
  let expected: oracle.Snapshot
  const ending: (() => unknown)[] = []
  beforeAll(async () => {
    original = await startServer('redis-7.0')
    await fill(original)
    source = await original.save()
    expected = await oracle.snapshot(original)
  })
  beforeEach(async () => {
    server = await startServer('redis-7.0')
  })
  afterEach(async () => {
    for (const end of ending.splice(0)) await end()
    await server.stop()
  })
  afterAll(() => original?.stop())
  const whole = async (): Promise<string[]> => oracle.compare(expected, await oracle.snapshot(server), {idle: false})
  const proxied = async (): Promise<HostileProxy> => {
    const proxy = await HostileProxy.start({port: () => server.port, random: Math.random})
    ending.push(() => proxy.stop())
    return proxy
  }
  const until = async (keys: number): Promise<void> => {
    while (Number(await server.client.call('DBSIZE')) < keys) await sleep(1)
  }
  const started = (args: readonly string[]) => {
    const child = spawn(process.execPath, [BIN, 'load', source, ...args], {env: environment(), stdio: 'pipe'})
    ending.push(() => child.kill('SIGKILL'))
    return child
  }

  it.each(['error', 'skip', 'replace'] as const)(
    'a connection that is cut again and again is made anew: %s',
    async onExisting => {
      const proxy = await proxied()
      let cuts = 0
      const cutting = (async () => {
        for (const keys of [1, 8000, 16_000, 24_000, 32_000]) {
          await until(keys)
          proxy.cut()
          cuts++
        }
      })()
      const result = await load(source, ...at(proxy.port, {onExisting}))
      await cutting
      expect(cuts).toBe(5)
      expect(result).toMatchObject({failed: 0, failure: undefined, position: KEYS + 200, libraries: 1})
      expect(result.loaded + result.kept).toBe(KEYS + 200)
      if (onExisting !== 'skip') expect(result.kept).toBe(0)
      expect(await whole()).toEqual([])
    },
    60_000,
  )

  it('ours is killed: what is there is told from what was there before', async () => {
    const report = newPath()
    const child = started([`127.0.0.1:${server.port}`, '--report', report])
    await until(10_000)
    child.kill('SIGKILL')
    await once(child, 'exit')
    const {code, stdout, stderr} = await rdbtool(['load', source, `127.0.0.1:${server.port}`, '--resume', report])
    expect({code, stderr}).toEqual({code: 0, stderr: ''})
    expect(stdout).not.toContain('refused')
    expect(await whole()).toEqual([])
  }, 60_000)

  it('a key of somebody else ends the load as ever, where it might be ours', async () => {
    const report = newPath()
    await load(source, ...at(server.port, {report}))
    writeFileSync(report, readFileSync(report, 'utf8').replace(/\{"position".*\n/g, '{"position":0,"sent":200000}\n'))
    expect(await load(source, ...at(server.port, {resume: report}))).toMatchObject({failed: 0, loaded: KEYS + 200})
    writeFileSync(report, readFileSync(report, 'utf8').replace(/\{"position".*\n/g, '{"position":0,"sent":200000}\n'))
    await server.client.call('RPUSH', 'list:500', 'precious')
    const result = await load(source, ...at(server.port, {resume: report}))
    expect(result.failures.map(({key}) => Buffer.from(key).toString())).toEqual(['list:500'])
    expect(await server.client.call('LLEN', 'list:500')).toBe(4)
    writeFileSync(report, readFileSync(report, 'utf8').replace(/\{"position".*\n/g, '{"position":0,"sent":200000}\n'))
    await server.client.call('FUNCTION', 'LOAD', 'REPLACE', LIBRARY.replace('return 1', 'return 2'))
    const other = await load(source, ...at(server.port, {resume: report}))
    expect(other.libraryThere).toMatch(/already exists/)
    expect(String(await server.client.call('FUNCTION', 'LIST', 'WITHCODE'))).toContain('return 2')
  }, 60_000)

  it('a user who may not ask what is there is told so', async () => {
    const report = newPath()
    await load(source, ...at(server.port, {report}))
    writeFileSync(report, readFileSync(report, 'utf8').replace(/\{"position".*\n/g, '{"position":0,"sent":200000}\n'))
    await server.client.call('ACL', 'SETUSER', 'weak', 'on', '>secret', '~*', '+@all', '-dump')
    const [address, options] = at(server.port, {resume: report})
    const {failure} = await load(source, {...address, user: 'weak', password: 'secret'}, options)
    expect((failure as WireError).message).toMatch(/DUMP of a key that this load may have made: NOPERM/)
  }, 60_000)

  it('a server that is started anew may have lost what it took: the load ends, and looks at every key again', async () => {
    const [proxy, report] = [await proxied(), newPath()]
    const loading = load(source, ...at(proxy.port, {report}))
    await until(20_000)
    process.kill(server.pid, 'SIGKILL')
    server = await startServer('redis-7.0')
    const result = await loading
    expect((result.failure as WireError).code).toBe('SERVER_RESTARTED')
    expect(await load(source, ...at(proxy.port, {resume: report}))).toMatchObject({failed: 0, failure: undefined})
    expect(await whole()).toEqual([])
    // And one that was started anew between two runs.
    process.kill(server.pid, 'SIGKILL')
    server = await startServer('redis-7.0')
    expect(await load(source, ...at(proxy.port, {resume: report}))).toMatchObject({before: 0, loaded: KEYS + 200})
    expect(await whole()).toEqual([])
  }, 90_000)

  it('a server that stays away is waited for as long as is told', async () => {
    const child = started([`127.0.0.1:${server.port}`, '--wait', '1'])
    let stderr = ''
    child.stderr.on('data', piece => {
      stderr += piece
    })
    await until(1000)
    process.kill(server.pid, 'SIGKILL')
    const [code] = await once(child, 'close')
    expect(code).toBe(5)
    expect(stderr).toContain('(CONNECTION_LOST)')
    server = await startServer('redis-7.0')
  }, 60_000)

  it('one command at which the connection breaks each time ends the load', async () => {
    const proxy = await HostileProxy.start({port: () => server.port, random: () => 1})
    ending.push(() => proxy.stop())
    await server.client.call('CLIENT', 'PAUSE', 60_000, 'WRITE')
    const cutting = setInterval(() => proxy.cut(), 200)
    const {failure} = await load(source, ...at(proxy.port)).finally(() => clearInterval(cutting))
    await server.client.call('CLIENT', 'UNPAUSE')
    expect((failure as WireError).message).toContain('each time at one place')
  }, 60_000)

  it('large keys are whole, or are none, whatever breaks', async () => {
    const [large, report, proxy] = [await startServer('redis-7.0'), newPath(), await proxied()]
    ending.push(() => large.stop())
    // What compresses is not large.
    for (let i = 0; i < 60; i++) await large.client.call('RPUSH', 'list', randomBytes(1_000_000))
    await large.client.call('SET', 'small', 'v')
    const file = await large.save()
    const count = async (): Promise<number> => Number(await server.client.call('LLEN', 'list'))
    const half = async (): Promise<void> => {
      while ((await count()) < 10) await sleep(1)
    }
    // A cut connection.
    const cut = load(file, ...at(proxy.port))
    await half()
    proxy.cut()
    expect(await cut).toMatchObject({loaded: 2, failed: 0, failure: undefined})
    expect(await count()).toBe(60)
    // A run that is killed: its half is known for its own, under every rule.
    for (const rule of ['error', 'skip', 'replace']) {
      await server.client.call('FLUSHALL')
      const path = `${report}-${rule}`
      const args = [BIN, 'load', file, `127.0.0.1:${server.port}`, '--report', path]
      const child = spawn(process.execPath, args, {env: environment(), stdio: 'ignore'})
      await half()
      child.kill('SIGKILL')
      await once(child, 'exit')
      const onExisting = rule as LoadOptions['onExisting']
      expect(await load(file, ...at(server.port, {resume: path, onExisting, changes: {}}))).toMatchObject({
        ...{loaded: 1, kept: 0, failed: 0, failure: undefined},
      })
      expect(await count()).toBe(60)
    }
  }, 90_000)

  it('another file of the same name is not taken for the one that was begun', async () => {
    const [path, report] = [folder.write('changed.rdb', fileOf(['a', 'b', 'c'])), newPath()]
    await server.client.call('SET', 'b', 'precious')
    await load(path, ...at(server.port, {report}))
    folder.write('changed.rdb', fileOf(['x', 'y', 'z']))
    await expect(load(path, ...at(server.port, {resume: report}))).rejects.toThrow(/another one, or has changed/)
    // What is built anew of the same source is the same.
    const [lines, other] = [folder.write('lines.jsonl', '{"db":0,"key":"k","type":"string","value":"v"}\n'), newPath()]
    await load(lines, ...at(server.port, {report: other, nowMs: 1e12}))
    expect(await load(lines, ...at(server.port, {resume: other, nowMs: 2e12}))).toMatchObject({before: 1, loaded: 0})
  })
})
