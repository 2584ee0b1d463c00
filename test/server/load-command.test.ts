/** load as it is typed, and every way to the server. */
import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {join} from 'node:path'
import {afterAll, beforeAll, beforeEach, describe, expect, it, vi} from 'vitest'
import {load} from '../../src/jobs/load.js'
import {parseAddress} from '../../src/resp/address.js'
import {temporaryFolder} from '../start/folder.js'
import {fileOf} from '../start/rdb.js'
import {BIN, environment, rdbtool} from '../start/run.js'
import {hasOpenssl, makeCertificates} from './certificates.js'
import {findServer, freePort, type Server, startServer} from './server.js'

const folder = temporaryFolder()
const here = (name: string): boolean => typeof findServer(name) !== 'string'
const KEYS = Array.from({length: 3000}, (_, i) => `key:${i}`)
const strings = folder.write('strings.rdb', fileOf(KEYS))

describe.skipIf(!here('redis-7.0') || !hasOpenssl)('a server is reached', () => {
  it('with TLS, by a unix socket, and by a user who may do what it takes and no more', async () => {
    const certificates = makeCertificates(folder.path)
    const [tlsPort, socket] = [await freePort(), join(folder.path, 'redis.sock')]
    const {ca, server: own} = certificates
    const tls = {'tls-port': tlsPort, 'tls-cert-file': own.cert, 'tls-key-file': own.key, 'tls-ca-cert-file': ca}
    const server = await startServer('redis-7.0', {config: {...tls, 'tls-auth-clients': 'no', unixsocket: socket}})
    try {
      const loader = [
        'on',
        '>secret',
        '~*',
        '+restore',
        '+info',
        '+select',
        '+function|load',
        '+exists',
        '+set',
        '+pexpireat',
        '+echo',
      ]
      await server.client.call('ACL', 'SETUSER', 'loader', ...loader)
      for (const url of [
        `rediss://localhost:${tlsPort}?ca=${ca}`,
        `unix://${socket}`,
        `redis://loader:secret@127.0.0.1:${server.port}`,
      ]) {
        await server.client.call('FLUSHALL')
        expect(await load(strings, parseAddress(url))).toMatchObject({loaded: 3000, failed: 0})
        expect(await server.client.call('DBSIZE')).toBe(3000)
      }
    } finally {
      await server.stop()
    }
  })
})

describe.skipIf(!here('redis-7.0'))('the command', () => {
  let server: Server
  beforeAll(async () => {
    server = await startServer('redis-7.0')
  })
  beforeEach(() => server.client.call('FLUSHALL'))
  afterAll(() => server?.stop())
  const target = (): string => `127.0.0.1:${server.port}`

  it('tells what it did, for people and as data', async () => {
    const {code, stdout, stderr} = await rdbtool(['load', strings, target()])
    expect({code, stderr}).toEqual({code: 0, stderr: ''})
    expect(stdout).toMatch(
      /^127\.0\.0\.1:\d+\nserver {4}redis 7\.0\.\d+\nkeys {6}3,000 of 3,000 loaded in \d+\.\d\d s, [\d,]+ a second\n$/,
    )
    await server.client.call('FLUSHALL')
    const json = JSON.parse((await rdbtool(['load', strings, `redis://${target()}`, '--json'])).stdout)
    expect(json).toMatchObject({
      source: strings,
      server: target(),
      keysIn: 3000,
      loaded: 3000,
      failed: 0,
      position: 3000,
    })
  })

  it('0: what was selected of a source that is built first is there', async () => {
    const lines = '{"db":0,"key":"a","type":"string","value":"v"}\n{"db":0,"key":"b","type":"string","value":"v"}\n'
    const source = folder.write('two.jsonl', lines)
    const {code, stderr} = await rdbtool(['load', source, target(), '--match', 'a'])
    expect({code, stderr}).toEqual({code: 0, stderr: ''})
  })

  it('2 and 5: a report that is there, or cannot be written, is told before anything is sent', async () => {
    const taken = folder.write('taken', '')
    expect((await rdbtool(['load', strings, target(), '--report', taken])).code).toBe(2)
    const {code, stderr} = await rdbtool(['load', strings, target(), '--report', join(folder.path, 'no', 'folder')])
    expect(code).toBe(5)
    expect(stderr).toContain('ENOENT')
    expect(await server.client.call('DBSIZE')).toBe(0)
  })

  it('1: a key is there already', async () => {
    await server.client.call('SET', KEYS[0]!, 'precious')
    const {code, stderr} = await rdbtool(['load', strings, target()])
    expect(code).toBe(1)
    expect(stderr).toContain(`the key "${KEYS[0]}" of database 0 is there already`)
    expect(stderr).toContain('--on-conflict skip or replace')
  })

  it('5: nobody listens, and no password is shown', async () => {
    const {code, stdout, stderr} = await rdbtool(['load', strings, 'redis://:secret@127.0.0.1:1', '--json'])
    expect(code).toBe(5)
    expect(stdout + stderr).not.toContain('secret')
    expect(JSON.parse(stdout)).toMatchObject({error: {code: 'CONNECT_FAILED'}})
  })

  it('ended by Ctrl-C says how far it came, and goes on from there', async () => {
    const many = Array.from({length: 200_000}, (_, i) => `key:${i}`)
    const [source, report] = [folder.write('many.rdb', fileOf(many)), join(folder.path, 'report')]
    const child = spawn(process.execPath, [BIN, 'load', source, target(), '--report', report], {
      env: environment(),
      stdio: 'pipe',
    })
    let stderr = ''
    child.stderr.on('data', piece => {
      stderr += piece
    })
    await vi.waitFor(async () => expect(Number(await server.client.call('DBSIZE'))).toBeGreaterThan(0), {
      timeout: 20_000,
      interval: 1,
    })
    child.kill('SIGINT')
    const [code] = await once(child, 'exit')
    const there = Number(await server.client.call('DBSIZE'))
    if (there < many.length) {
      expect(code).toBe(130)
      expect(stderr).toContain(`the load ended after ${there.toLocaleString('en')} of 200,000 keys`)
    }
    expect((await rdbtool(['load', source, target(), '--resume', report])).code).toBe(0)
    expect(await server.client.call('DBSIZE')).toBe(many.length)
  }, 60_000)
})
