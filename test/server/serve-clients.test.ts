/** Programs of others that take a snapshot, passwords and certificates as real servers use them, and the recipe of the README. */
import {execFile, spawn} from 'node:child_process'
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {describe, expect, it, vi} from 'vitest'
import {differencesOf} from '../reading/differences.js'
import {fixture} from '../reading/fixtures.js'
import {shell} from '../start/run.js'
import {CATALOG, findServer, type Program} from './catalog.js'
import {hasOpenssl, makeCertificates} from './certificates.js'
import {ending, field, folder, follow, PATIENCE, serving, started} from './serving.js'

const path = (name: string): string => fixture(`rdb/${name}.rdb`).path
const NAME = 'redis-7.0'
const here = typeof findServer(NAME) !== 'string'

function cliOf(name: string): Program | undefined {
  const found = findServer(name)
  return typeof found === 'string' ? undefined : found.tool('cli')
}

const clients = CATALOG.map(({name}) => [name, cliOf(name)] as const).filter(([, cli]) => cli !== undefined)

describe.each(clients)('the cli of %s', (name, cli) => {
  const run = async (...args: string[]): Promise<string> => {
    const {stdout, stderr} = await promisify(execFile)(cli!.command, [...cli!.args, ...args])
    return stdout + stderr
  }

  it('asks, and takes the snapshot as the source is', async () => {
    const source = path('databases-v11')
    const master = await serving(source)
    const port = String(master.port)
    expect(await run('-p', port, 'PING')).toBe('PONG\n')
    expect(await run('-p', port, 'INFO', 'replication')).toContain('role:master')
    expect(await run('-p', port, 'GET', 'x')).toContain('rdbtool serve hands a snapshot to replicas')
    const out = join(folder(), 'taken.rdb')
    expect(await run('-p', port, '--rdb', out)).toMatch(/success/i)
    expect((await differencesOf(source, out)).lines).toEqual([])
    expect(readFileSync(out).toString('latin1', 0, 9)).toBe('REDIS0011')
  })

  it('takes the functions alone, where it knows them', async () => {
    if (name === 'redis-6.0') return
    const source = path('functions-v10')
    const master = await serving(source)
    const out = join(folder(), 'functions.rdb')
    await run('-p', String(master.port), '--functions-rdb', out)
    expect((await differencesOf(source, out)).lines.every(({library}) => library === undefined)).toBe(true)
    expect(master.requests).toContainEqual(['REPLCONF', 'rdb-filter-only', 'functions'])
  })

  it('--replica follows the stream', async () => {
    const master = await serving(path('databases-v11'))
    const child = spawn(cli!.command, [...cli!.args, '-p', String(master.port), '--replica'])
    ending.push(() => child.kill())
    // Of 6.0 the rest stays in its buffer, in a pipe.
    const followed = name === 'redis-6.0' ? /sync done/i : /sync done.*PING/is
    let heard = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', piece => {
        heard += piece
      })
    }
    await vi.waitFor(() => expect(heard).toMatch(followed), PATIENCE)
    expect(master.count('lost')).toBe(0)
  })
})

describe.skipIf(!here)('a replica', () => {
  it('with masterauth, and with masteruser', async () => {
    const master = await serving(path('databases-v10'), {password: 'hunter2'})
    const replica = await started(NAME, {masterauth: 'wrong'})
    await replica.client.call('REPLICAOF', '127.0.0.1', master.port)
    await vi.waitFor(() => expect(replica.log()).toMatch(/Unable to AUTH to MASTER: -WRONGPASS/), PATIENCE)
    await replica.client.call('CONFIG', 'SET', 'masterauth', 'hunter2')
    await follow(replica, master.port)
    await replica.client.call('REPLICAOF', 'NO', 'ONE')
    await replica.client.call('CONFIG', 'SET', 'masteruser', 'somebody')
    await follow(replica, master.port)
    expect(master.count('sent')).toBe(2)
  })

  it.skipIf(!hasOpenssl)('by TLS, with a certificate of its own', async () => {
    const {ca, server, client} = makeCertificates(folder())
    const [cert, key, authority] = [server.cert, server.key, ca].map(file => readFileSync(file))
    const tls = {cert: cert!, key: key!, ca: authority!, requestCert: true, rejectUnauthorized: true}
    const master = await serving(path('databases-v10'), {tls})
    const plain = await started(NAME)
    await plain.client.call('REPLICAOF', '127.0.0.1', master.port)
    const replica = await started(NAME, {
      'tls-replication': 'yes',
      'tls-ca-cert-file': ca,
      'tls-cert-file': client.cert,
      'tls-key-file': client.key,
    })
    await follow(replica, master.port)
    expect((await differencesOf(path('databases-v10'), await replica.save())).lines).toEqual([])
    expect(await field(plain, 'master_link_status')).toBe('down')
    expect(master.count('sent')).toBe(1)
  })

  it('as the README has it: the fastest way in', async () => {
    const replica = await started(NAME)
    const source = path('zset-skiplist-v10')
    const cli = cliOf(NAME)!
    const command = [cli.command, ...cli.args, '-p', String(replica.port)].join(' ')
    const port = replica.port - 1
    const {code, stdout, stderr} = await shell(
      `rdbtool serve ${source} --port ${port} --once & ${command} REPLICAOF 127.0.0.1 ${port}; wait $! && ${command} REPLICAOF NO ONE`,
    )
    expect({code, stderr}).toEqual({code: 0, stderr: ''})
    expect(stdout).toMatch(/^in sync {3}127\.0\.0\.1:\d+$/m)
    expect(await field(replica, 'role')).toBe('master')
    expect((await differencesOf(source, await replica.save())).lines).toEqual([])
  })
})
