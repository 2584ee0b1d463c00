/**
 * A folder that follows a master while the network cuts, stalls and splits, the master restarts and gives way to its
 * replica, and the follower is killed: what was acknowledged is in the folder each time, and once it is quiet a server that
 * starts from the folder holds what the master holds.
 */
import {type ChildProcess, spawn} from 'node:child_process'
import {cpSync, existsSync, mkdtempSync, readFileSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterEach, expect, it, vi} from 'vitest'
import {parsePlace, type StreamPlace} from '../../src/aof/stream-place.js'
import {BIN, environment} from '../start/run.js'
import {findServer} from './catalog.js'
import {describeEachServer} from './each-server.js'
import {HostileProxy} from './hostile-proxy.js'
import * as oracle from './oracle.js'
import {type Server, startServer} from './server.js'

/** Of each master; `npm run soak` has more. */
const ROUNDS = Number(process.env['RDBTOOL_CHAOS_ROUNDS'] ?? 5)
const SEED = Number(process.env['RDBTOOL_SEED'] ?? 20_261_127)
const MASTERS = ['redis-6.0', 'redis-7.0', 'redis-8.0', 'valkey-9.1']
const QUIET_MS = 60_000
const TIMEOUT_MS = 120_000 + ROUNDS * 60_000
/** Keys that are not told apart by when exactly they expire: with old masters that is counted from when we hear of it. */
const EXPIRY_MS = 120_000
const CONFIG = {
  'repl-diskless-sync-delay': 0,
  'repl-ping-replica-period': 3600,
  'repl-backlog-size': '64mb',
  'repl-timeout': 5,
}

const ending: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
})

/** mulberry32 */
function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The last place that the folder tells of, whatever it is in the middle of. */
function placeIn(folder: string): StreamPlace | undefined {
  const manifest = join(folder, 'appendonly.aof.manifest')
  if (!existsSync(manifest)) return undefined
  const last = [...readFileSync(manifest, 'utf8').matchAll(/^file (\S+) seq \d+ type i/gm)].at(-1)![1]!
  const text = readFileSync(join(folder, last), 'latin1')
  const lines = [...text.matchAll(/^#RDBTOOL [^\n]*\n/gm)]
  const line = Buffer.from(lines.at(-1)?.[0] ?? '', 'latin1')
  return parsePlace(line, 0, line.length)
}

class Scene {
  readonly #random: () => number
  readonly #folder: string
  readonly #servers: Server[] = []
  #master!: Server
  #proxy!: HostileProxy
  #child: ChildProcess | undefined
  #said = ''
  #writes = 0

  constructor(
    readonly name: string,
    seed: number,
  ) {
    this.#random = randomOf(seed)
    const dir = mkdtempSync(join(tmpdir(), 'rdbtool-chaos-'))
    ending.push(() => rmSync(dir, {recursive: true, force: true}))
    this.#folder = join(dir, 'appendonlydir')
  }

  async begin(): Promise<void> {
    this.#master = await this.#start()
    this.#proxy = await HostileProxy.start({port: () => this.#master.port, random: this.#random})
    ending.push(() => this.#proxy.stop())
    ending.push(() => this.#kill())
    this.#follow()
  }

  /** Some trouble, with writes before, meanwhile and behind; then it must all come right. */
  async round(): Promise<string> {
    const troubles = ['cut', 'stall', 'kill', 'restart', 'failover', 'cut and kill'] as const
    const trouble = troubles[Math.floor(this.#random() * troubles.length)]!
    await this.#write()
    const writing = this.#write()
    if (trouble.includes('cut')) this.#proxy.cut()
    if (trouble === 'stall') this.#proxy.stall(Math.floor(this.#random() * 1500))
    if (trouble.includes('kill')) await this.#killAndLook()
    await writing
    if (trouble === 'restart') await this.#restart()
    if (trouble === 'failover') await this.#failOver()
    await this.#write()
    await this.#quiet()
    return trouble
  }

  async compare(): Promise<string[]> {
    const loader = this.name === 'redis-6.0' ? 'redis-7.0' : this.name
    const dir = mkdtempSync(join(tmpdir(), 'rdbtool-chaos-'))
    try {
      cpSync(this.#folder, join(dir, 'appendonlydir'), {recursive: true})
      const expiryMs = this.name === 'redis-6.0' ? EXPIRY_MS : 0
      return await oracle.sameAfterLoading(loader, await this.#master.save(), join(dir, 'appendonlydir'), {
        ...{idle: false, clocks: false, expiryMs},
      })
    } finally {
      rmSync(dir, {recursive: true, force: true})
    }
  }

  async #start(config: Record<string, string | number> = {}, dir?: string): Promise<Server> {
    const server = await startServer(this.name, {config: {...CONFIG, ...config}, ...(dir === undefined ? {} : {dir})})
    this.#servers.push(server)
    ending.push(() => server.stop())
    return server
  }

  #follow(): void {
    const args = ['sync', `127.0.0.1:${this.#proxy.port}`, '--follow', this.#folder]
    args.push('--rotate', '200kb', '--retry-delay', '0.05', '--retries', '100', '--timeout', '5', '--log')
    const child = spawn(process.execPath, [BIN, ...args], {env: environment(), stdio: ['ignore', 'pipe', 'pipe']})
    child.stderr.on('data', chunk => {
      this.#said = (this.#said + chunk).slice(-20_000)
    })
    this.#child = child
  }

  async #kill(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null) return
    child.kill('SIGKILL')
    await new Promise(resolve => child.once('close', resolve))
  }

  async #killAndLook(): Promise<void> {
    await this.#acknowledged()
    await this.#kill()
    const {id, acknowledged} = await this.#acknowledged()
    const place = placeIn(this.#folder)
    if (acknowledged >= 0 && place?.replicationId === id) expect(place.offset).toBeGreaterThanOrEqual(acknowledged)
    this.#follow()
  }

  /** As the master has heard it last; -1 where it knows no replica of ours. */
  async #acknowledged(): Promise<{id: string; acknowledged: number; offset: number}> {
    const info = String(await this.#master.client.call('INFO', 'replication'))
    const ours = /slave\d:ip=[^,]*,port=0,state=online,offset=(\d+)/.exec(info)?.[1]
    return {
      id: /master_replid:(\w+)/.exec(info)![1]!,
      acknowledged: Number(ours ?? -1),
      offset: Number(/master_repl_offset:(\d+)/.exec(info)![1]),
    }
  }

  async #quiet(): Promise<void> {
    await vi.waitFor(
      async () => {
        if (this.#child?.exitCode !== null) throw new Error(`the follower has ended:\n${this.#said}`)
        const {id, acknowledged, offset} = await this.#acknowledged()
        expect({acknowledged, place: placeIn(this.#folder)}).toMatchObject({
          acknowledged: offset,
          place: {replicationId: id, offset},
        })
      },
      {timeout: QUIET_MS, interval: 100},
    )
  }

  /** With what it has saved, under its old port, so that whoever followed it finds it again. */
  async #restart(): Promise<void> {
    const {port, dir} = this.#master
    await this.#master.save()
    const copy = mkdtempSync(join(tmpdir(), 'rdbtool-chaos-'))
    ending.push(() => rmSync(copy, {recursive: true, force: true}))
    cpSync(join(dir, 'dump.rdb'), join(copy, 'dump.rdb'))
    await this.#master.stop()
    this.#master = await this.#start({}, copy)
    void port
  }

  /** A replica takes over; what it had not heard yet is lost with the old master, as in real life. */
  async #failOver(): Promise<void> {
    const old = this.#master
    const next = await this.#start()
    await next.client.call('REPLICAOF', '127.0.0.1', String(old.port))
    await vi.waitFor(
      async () => {
        expect(String(await next.client.call('INFO', 'replication'))).toContain('master_link_status:up')
      },
      {timeout: QUIET_MS, interval: 50},
    )
    await this.#write()
    await next.client.call('REPLICAOF', 'NO', 'ONE')
    this.#master = next
    this.#proxy.cut()
    await old.stop()
  }

  async #write(): Promise<void> {
    const {client} = this.#master
    const batches = 1 + Math.floor(this.#random() * 6)
    for (let i = 0; i < batches; i++) {
      await client.pipeline(Array.from({length: 50}, () => this.#command()).flat())
    }
  }

  #command(): (string | number)[][] {
    const n = this.#writes++
    const key = `k${Math.floor(this.#random() * 40)}`
    const kinds: (() => (string | number)[][])[] = [
      () => [['SET', `s${key}`, n]],
      () => [['SET', `t${key}`, n, 'EX', 1_000_000]],
      () => [['INCR', 'count']],
      () => [['RPUSH', `l${key}`, n, `v${n}`]],
      () => [['LPOP', `l${key}`]],
      () => [['HSET', `h${key}`, n % 10, n]],
      () => [['ZADD', `z${key}`, n / 7, n % 20]],
      () => [['SADD', `x${key}`, n % 30]],
      () => [['SPOP', `x${key}`]],
      () => [['EXPIRE', `s${key}`, 2_000_000]],
      () => [['XADD', 'stream', '*', 'f', n]],
      () => [['DEL', `h${key}`]],
      () => [['SELECT', n % 3]],
      () => [['MULTI'], ['INCR', 'a'], ['INCR', 'b'], ['RPUSH', `m${key}`, n], ['EXEC']],
      () => [['SET', `large${n % 5}`, 'x'.repeat(Math.floor(this.#random() * 60_000))]],
      () => [['PUBLISH', 'channel', n]],
    ]
    return kinds[Math.floor(this.#random() * kinds.length)]!()
  }
}

describeEachServer('chaos around', name => {
  const wanted = MASTERS.includes(name) && typeof findServer('redis-7.0') !== 'string'
  it.runIf(wanted)(
    'nothing that was acknowledged is lost, and what is quiet is the same',
    async () => {
      const scene = new Scene(name, SEED)
      await scene.begin()
      for (let round = 1; round <= ROUNDS; round++) {
        const trouble = await scene.round()
        expect({round, trouble, seed: SEED, differs: await scene.compare()}).toMatchObject({differs: []})
      }
    },
    TIMEOUT_MS,
  )
})
