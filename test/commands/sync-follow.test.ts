/** sync --follow and --aof as they are typed: what they say, what they leave, and how they end. */
import {existsSync, mkdirSync, readdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it, vi} from 'vitest'
import * as oracle from '../server/oracle.js'
import {type Server, startServer} from '../server/server.js'
import {temporaryFolder} from '../start/folder.js'
import {rdbtool, start} from '../start/run.js'

const folder = temporaryFolder()
let server: Server
let address: string

beforeAll(async () => {
  server = await startServer('redis-7.0', {config: {'repl-diskless-sync-delay': 0}})
  address = `127.0.0.1:${server.port}`
  await server.client.pipeline([
    ['SET', 'a', '1'],
    ['RPUSH', 'list', '1', '2'],
  ])
})
afterAll(() => server.stop())

const named = (name: string): string => join(folder.path, name)

async function masterOffset(): Promise<number> {
  const info = String(await server.client.call('INFO', 'replication'))
  return Number(/master_repl_offset:(\d+)/.exec(info)?.[1])
}

describe('--follow', () => {
  it('is ended by Ctrl-C, with a report, and goes on later', async () => {
    const path = named('followed')
    const {child, finished} = start(['sync', address, '--follow', path])
    await vi.waitFor(async () => expect(await server.client.call('WAIT', 1, 100)).toBe(1), {timeout: 20_000})
    await server.client.call('SET', 'b', '2')
    await vi.waitFor(async () => expect(await server.client.call('WAIT', 1, 1000)).toBe(1), {timeout: 20_000})
    child.kill('SIGINT')
    const {code, stdout} = await finished
    expect(code).toBe(130)
    expect(stdout).toMatch(
      /^.*followed\nmaster {4}127\.0\.0\.1:\d+\nplace {5}ID \w{40}, offset [\d,]+\nresyncs {3}1 full, 0 partial\nstream/,
    )

    const again = await rdbtool([
      'sync',
      address,
      '--follow',
      path,
      '--until-offset',
      String(await masterOffset()),
      '--json',
    ])
    expect(again).toMatchObject({code: 0, stderr: ''})
    const report = JSON.parse(again.stdout)
    expect(report).toMatchObject({master: address, folder: path, fullResyncs: 0, partialResyncs: 1, db: 0})
    expect(report.offset).toBe(await masterOffset())
    expect((await rdbtool(['check', path])).code).toBe(0)
  })

  it('of a new folder also gives the snapshot as a file, and as a log', async () => {
    const [path, out, aof] = [named('one'), named('two.rdb'), named('three')]
    const args = ['sync', address, '--follow', path, '--out', out, '--aof', aof, '--for', '1']
    expect(await rdbtool(args)).toMatchObject({code: 0})
    expect(await oracle.sameAfterLoading('redis-7.0', await server.save(), out)).toEqual([])
    expect(readdirSync(aof)).toContain('appendonly.aof.manifest')
    const again = await rdbtool([...args, '--force'])
    expect(again.code).toBe(2)
    expect(again.stderr).toContain('goes on where it was')
  })

  it('--log tells in the lines of a replica', async () => {
    const path = named('logged')
    const first = await rdbtool(['sync', address, '--follow', path, '--log', '--for', '0.5'])
    expect(first.stderr).toContain('DB saved on disk as ')
    const second = await rdbtool(['sync', address, '--follow', path, '--log', '--for', '0.5'])
    expect(second.stderr).toMatch(/The log goes on behind \w{40}:\d+, in DB 0/)
    expect(second.stderr).toContain('Successful partial resynchronization with master.')
  })

  it('waits for a master that is gone, and ends when it is told to', async () => {
    const path = named('waiting')
    const other = await startServer('redis-7.0', {config: {'repl-diskless-sync-delay': 0}})
    const args = ['sync', `127.0.0.1:${other.port}`, '--follow', path, '--retry-delay', '0.1', '--log']
    const {child, finished} = start(args)
    await vi.waitFor(async () => expect(await other.client.call('WAIT', 1, 100)).toBe(1), {timeout: 20_000})
    let said = ''
    child.stderr!.on('data', chunk => {
      said += chunk
    })
    await other.stop()
    await vi.waitFor(() => expect(said.split('trying again').length).toBeGreaterThan(3), {timeout: 20_000})
    child.kill('SIGTERM')
    expect((await finished).code).toBe(143)
  })

  it('tells of a link that is lost, and back, without --log too', async () => {
    const dir = named('gone-dir')
    mkdirSync(dir)
    const first = await startServer('redis-7.0', {dir, config: {'repl-diskless-sync-delay': 0}})
    const {port} = first
    const {child, finished} = start(['sync', `127.0.0.1:${port}`, '--follow', named('gone'), '--retry-delay', '0.05'])
    await vi.waitFor(async () => expect(await first.client.call('WAIT', 1, 100)).toBe(1), {timeout: 20_000})
    let said = ''
    child.stderr!.on('data', chunk => {
      said += chunk
    })
    await first.client.call('CLIENT', 'KILL', 'TYPE', 'replica')
    await vi.waitFor(() => expect(said).toContain('following again, from offset'), {timeout: 20_000})
    expect(said).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z {2}127\.0\.0\.1:\d+ closed the connection.*; trying again\n/)
    await first.stop()
    child.kill('SIGINT')
    await finished
  })

  it('that never reaches its master does not end well', async () => {
    const path = named('never')
    await rdbtool(['sync', address, '--follow', path, '--for', '0.5'])
    const {code, stderr, stdout} = await rdbtool(['sync', '127.0.0.1:1', '--follow', path, '--for', '0.5', '--json'])
    expect(code).toBe(5)
    expect(stderr).toContain('nobody listens there')
    expect(JSON.parse(stdout)).toMatchObject({error: {code: 'CONNECT_FAILED'}})
  })

  it('of nobody at all fails at once', async () => {
    const {code, stderr} = await rdbtool(['sync', '127.0.0.1:1', '--follow', named('nobody')])
    expect(code).toBe(5)
    expect(stderr).toContain('nobody listens there')
  })

  it('refuses a folder with something else in it, and one that is followed already', async () => {
    const path = named('taken')
    mkdirSync(path)
    writeFileSync(join(path, 'letter'), 'x')
    expect((await rdbtool(['sync', address, '--follow', path])).code).toBe(2)
    const twice = named('twice')
    const {child, finished} = start(['sync', address, '--follow', twice])
    await vi.waitFor(() => expect(existsSync(join(twice, 'appendonly.aof.manifest'))).toBe(true), {timeout: 20_000})
    const {code, stderr} = await rdbtool(['sync', address, '--follow', twice])
    expect({code, isTold: stderr.includes('is open in the process')}).toEqual({code: 2, isTold: true})
    child.kill('SIGINT')
    await finished
  })
})

describe('--aof', () => {
  it('makes a log of the snapshot that a server starts from', async () => {
    mkdirSync(named('log'))
    const path = join(named('log'), 'appendonlydir')
    const {code, stdout} = await rdbtool(['sync', address, '--aof', path])
    expect(code).toBe(0)
    expect(stdout).toMatch(/log {7}.*: [\d,]+ keys, .*for a server to start from/)
    expect(await oracle.sameAfterLoading('redis-7.0', await server.save(), path, {idle: false})).toEqual([])
    expect(readdirSync(folder.path).filter(name => name.endsWith('.tmp'))).toEqual([])
    expect((await rdbtool(['sync', address, '--aof', path])).code).toBe(2)
    const {stdout: json} = await rdbtool(['sync', address, '--aof', path, '--force', '--json'])
    expect(JSON.parse(json)).toMatchObject({out: null, aof: {out: path}})
  })
})

it.each([
  [['sync', 'x'], 'say where it goes'],
  [['sync', 'x', '--out', 'f', '--keep', '7d'], 'belong to --follow'],
  [['sync', '--cluster', 'x', '--follow', 'f'], 'with --cluster it goes to --out FOLDER'],
  [['sync', 'x', '--follow', 'f', '--keep', 'long'], 'is no span of time'],
  [['sync', 'x', '--follow', 'f', '--fsync', 'never'], 'always, everysec, no'],
])('%j is refused', async (args, said) => {
  const {code, stderr} = await rdbtool(args)
  expect(code).toBe(2)
  expect(stderr).toContain(said)
})
