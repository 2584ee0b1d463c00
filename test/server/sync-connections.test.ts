/**
 * Every way to reach a real master: TLS with and without certificates, ACL users, a unix socket, IPv6; and what real masters
 * say when they cannot serve us.
 */
import {mkdtempSync, rmSync} from 'node:fs'
import {networkInterfaces, tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import type {WireError} from '../../src/errors.js'
import {type Sync, type SyncOptions, sync} from '../../src/jobs/sync.js'
import {parseAddress, type ServerAddress} from '../../src/resp/address.js'
import {run} from '../fixtures/recipes.js'
import {shell} from '../start/run.js'
import {type Certificates, hasOpenssl, makeCertificates} from './certificates.js'
import {findServer, freePort, type Server, startServer} from './server.js'

const folder = mkdtempSync(join(tmpdir(), 'rdbtool-connections-'))
afterAll(() => rmSync(folder, {recursive: true, force: true}))

const quiet = {'repl-diskless-sync-delay': 0, 'repl-ping-replica-period': 3600}
let outputs = 0
const output = (): string => join(folder, `snap-${++outputs}.rdb`)

const QUICK: SyncOptions = {retries: 0, patienceMs: 0, connectTimeoutMs: 2000, silenceMs: 10_000}

async function fetched(address: string | ServerAddress, options: SyncOptions = {}): Promise<Sync> {
  const where = typeof address === 'string' ? parseAddress(address) : address
  return await sync(where, output(), {...QUICK, ...options})
}

/** Why it failed. */
async function refused(address: string | ServerAddress, options: SyncOptions = {}): Promise<Partial<WireError>> {
  return await fetched(address, options).then(
    () => ({message: 'it did not fail'}),
    error => error,
  )
}

const hasIpv6 = Object.values(networkInterfaces()).some(list => list?.some(({address}) => address === '::1'))
const here = typeof findServer('redis-7.0') !== 'string'

describe.skipIf(!here)('a master', () => {
  let server: Server
  const socket = join(folder, 'redis.sock')
  beforeAll(async () => {
    const bind = hasIpv6 ? '127.0.0.1 ::1' : '127.0.0.1'
    server = await startServer('redis-7.0', {config: {...quiet, unixsocket: socket, bind}})
    await run(server, [
      ['MSET', 'key-a', 'a', 'key-b', 'b'],
      ['ACL', 'SETUSER', 'backup', 'on', '>hunter2', '+psync', '+replconf', '+ping'],
      ['ACL', 'SETUSER', 'reader', 'on', '>hunter3', '~*', '+@read', '+ping'],
    ])
  })
  afterAll(() => server?.stop())

  it('by a unix socket', async () => {
    expect((await fetched(`unix://${socket}`)).inventory.keys).toBe(2)
  })

  it.skipIf(!hasIpv6)('by IPv6', async () => {
    const {master, inventory} = await fetched(`[::1]:${server.port}`)
    expect({master, keys: inventory.keys}).toEqual({master: `[::1]:${server.port}`, keys: 2})
  })

  it('as a user with the three permissions that it takes, and no other', async () => {
    const {inventory, followed} = await fetched(`redis://backup:hunter2@127.0.0.1:${server.port}`, {
      follow: {seconds: 0.2},
    })
    expect({keys: inventory.keys, failure: followed?.failure}).toEqual({keys: 2, failure: undefined})
  })

  it('not as a user who may only read, nor with a wrong password', async () => {
    const denied = await refused(`redis://reader:hunter3@127.0.0.1:${server.port}`)
    expect(denied).toMatchObject({code: 'NO_PERMISSION', context: {user: 'reader'}})
    const wrong = await refused(`redis://backup:hunter3@127.0.0.1:${server.port}`)
    expect(wrong).toMatchObject({code: 'AUTH_FAILED', context: {user: 'backup'}})
    expect(`${denied.message}${wrong.message}`).not.toMatch(/hunter/)
  })

  it('whose default user wants a password', async () => {
    await server.client.call('CONFIG', 'SET', 'requirepass', 'hunter4')
    try {
      expect(await refused(`127.0.0.1:${server.port}`)).toMatchObject({code: 'AUTH_REQUIRED'})
      expect((await fetched(`redis://:hunter4@127.0.0.1:${server.port}`)).inventory.keys).toBe(2)
    } finally {
      await server.client.call('CONFIG', 'SET', 'requirepass', '')
    }
  })

  it('that lost its own master is no source until it has it again', async () => {
    const nobody = await freePort()
    await server.client.call('REPLICAOF', '127.0.0.1', nobody)
    try {
      expect(await refused(`127.0.0.1:${server.port}`)).toMatchObject({code: 'MASTER_NOT_READY'})
      const waiting = fetched(`127.0.0.1:${server.port}`, {patienceMs: 20_000, retryDelayMs: 100})
      setTimeout(() => void server.client.call('REPLICAOF', 'NO', 'ONE'), 300)
      const {attempts, inventory} = await waiting
      expect(attempts).toBeGreaterThan(1)
      expect(inventory.keys).toBe(2)
    } finally {
      await server.client.call('REPLICAOF', 'NO', 'ONE')
    }
  })

  it('that calls PSYNC by another name', async () => {
    const renamed = await startServer('redis-7.0', {config: {...quiet, 'rename-command': 'PSYNC moved'}})
    try {
      // SYNC has its name still; and a PSYNC that is renamed is taken for SYNC. The snapshot itself tells its place.
      for (const psyncCommand of [undefined, 'moved']) {
        const {replicationId, offset, inventory} = await fetched(`127.0.0.1:${renamed.port}`, {psyncCommand})
        expect({replicationId, offset, checksum: inventory.checksum}).toEqual({
          replicationId: inventory.aux.get('repl-id'),
          offset: Number(inventory.aux.get('repl-offset')),
          checksum: 'ok',
        })
      }
      const {followed, offset} = await fetched(`127.0.0.1:${renamed.port}`, {follow: {seconds: 0.3}})
      const info = String(await renamed.client.call('INFO', 'replication'))
      expect(followed?.failure).toBeUndefined()
      expect(followed?.offset).toBe(Number(/master_repl_offset:(\d+)/.exec(info)![1]))
      expect(followed?.offset).toBe(offset + followed!.bytes)
    } finally {
      await renamed.stop()
    }
  })

  it('of whom SYNC is called by another name, in the form without arguments', async () => {
    const config = {...quiet, 'rename-command': 'SYNC moved'}
    const renamed = await startServer('redis-7.0', {config})
    try {
      const {transfer, inventory} = await fetched(`127.0.0.1:${renamed.port}`, {psyncCommand: 'moved'})
      expect({transfer, checksum: inventory.checksum}).toMatchObject({checksum: 'ok'})
    } finally {
      await renamed.stop()
    }
  })

  it('that cannot save says so, and is asked again as often as told', async () => {
    // An unwritable folder: the child fails.
    await server.client.call('CONFIG', 'SET', 'repl-diskless-sync', 'no')
    const {dir} = server
    await run(server, [['CONFIG', 'SET', 'rdbcompression', 'yes']])
    const kept = String((await server.client.call('CONFIG', 'GET', 'dir'))[1])
    expect(kept).toBe(dir)
    rmSync(dir, {recursive: true})
    try {
      expect(await refused(`127.0.0.1:${server.port}`)).toMatchObject({
        code: expect.stringMatching(/SNAPSHOT_FAILED|CONNECTION_LOST/),
      })
    } finally {
      await server.client.call('CONFIG', 'SET', 'repl-diskless-sync', 'yes')
    }
  })
})

describe.skipIf(!hasOpenssl)('a master with TLS', () => {
  let certificates: Certificates
  let server: Server
  let port: number

  async function withTls(name: string, config: Record<string, string | number> = {}): Promise<[Server, number]> {
    const tlsPort = await freePort()
    const {ca, server: own} = certificates
    const tls = {'tls-port': tlsPort, 'tls-cert-file': own.cert, 'tls-key-file': own.key, 'tls-ca-cert-file': ca}
    const started = await startServer(name, {config: {...quiet, ...tls, 'tls-auth-clients': 'no', ...config}})
    await started.client.call('SET', 'key', 'value')
    return [started, tlsPort]
  }

  beforeAll(async () => {
    certificates = makeCertificates(folder)
    ;[server, port] = await withTls('redis-7.0')
  })
  afterAll(() => server?.stop())

  it('whose certificate an authority of ours has signed', async () => {
    const {inventory, followed} = await fetched(`rediss://localhost:${port}?ca=${certificates.ca}`, {
      follow: {seconds: 1.2},
    })
    expect({keys: inventory.keys, failure: followed?.failure}).toEqual({keys: 1, failure: undefined})
    expect((await fetched(`rediss://127.0.0.1:${port}?ca=${certificates.ca}`)).inventory.keys).toBe(1)
  })

  it.each(['redis-6.0', 'redis-8.0', 'valkey-9.1'])('of %s', async name => {
    if (typeof findServer(name) === 'string') return
    const [other, otherPort] = await withTls(name)
    try {
      expect((await fetched(`rediss://localhost:${otherPort}?ca=${certificates.ca}`)).inventory.keys).toBe(1)
    } finally {
      await other.stop()
    }
  })

  it('is not taken on trust: unless told so by name', async () => {
    const where = `rediss://localhost:${port}`
    expect(await refused(where)).toMatchObject({
      code: 'TLS_FAILED',
      context: {reason: expect.stringMatching(/UNABLE|SELF_SIGNED/)},
    })
    expect(await refused(`${where}?ca=${certificates.stranger.ca}`)).toMatchObject({code: 'TLS_FAILED'})
    expect((await fetched(`${where}?tls-insecure=yes`)).inventory.keys).toBe(1)
  })

  it('must be who it says: the name in its certificate counts, or the one that is asked for', async () => {
    const {cert, key} = certificates.elsewhere
    const [other, otherPort] = await withTls('redis-7.0', {'tls-cert-file': cert, 'tls-key-file': key})
    try {
      const where = `rediss://localhost:${otherPort}?ca=${certificates.ca}`
      expect(await refused(where)).toMatchObject({
        code: 'TLS_FAILED',
        context: {reason: 'ERR_TLS_CERT_ALTNAME_INVALID'},
      })
      expect((await fetched(`${where}&sni=elsewhere.example`)).inventory.keys).toBe(1)
    } finally {
      await other.stop()
    }
  })

  it('may want a certificate of ours', async () => {
    const [strict, strictPort] = await withTls('redis-7.0', {'tls-auth-clients': 'yes'})
    try {
      const where = `rediss://localhost:${strictPort}?ca=${certificates.ca}`
      expect(await refused(where)).toMatchObject({code: expect.stringMatching(/TLS_FAILED|CONNECTION_LOST/)})
      const {cert, key} = certificates.client
      expect((await fetched(`${where}&cert=${cert}&key=${key}`)).inventory.keys).toBe(1)
    } finally {
      await strict.stop()
    }
  })

  it('is not spoken to in plain, nor a plain one in TLS', async () => {
    expect(await refused(`127.0.0.1:${port}`)).toMatchObject({
      code: expect.stringMatching(/TLS_FAILED|CONNECTION_LOST/),
    })
    const mute = await refused(`rediss://localhost:${server.port}?ca=${certificates.ca}`, {connectTimeoutMs: 500})
    expect(mute).toMatchObject({code: expect.stringMatching(/CONNECT_TIMEOUT|TLS_FAILED/)})
  })

  it('is told by the command as well: flags, a user and the environment', async () => {
    await server.client.call('ACL', 'SETUSER', 'backup', 'on', '>hunter2', '+psync', '+replconf', '+ping')
    const env = {RDBTOOL_PASSWORD: 'hunter2', OUT: output(), CA: certificates.ca}
    const line = `rdbtool sync localhost:${port} --ca "$CA" --user backup --out "$OUT" --trace --json`
    const {code, stdout, stderr} = await shell(line, {env})
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({keys: 1, checksum: 'ok'})
    expect(stderr).toContain('AUTH backup (password)')
    expect(stdout + stderr).not.toContain('hunter2')
  })
})
