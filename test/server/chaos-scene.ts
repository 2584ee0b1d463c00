/**
 * A folder that follows a master, and all that befalls the two: what follow-chaos.test.ts makes of it.
 */
import {type ChildProcess, spawn} from 'node:child_process'
import {cpSync, existsSync, mkdtempSync, readFileSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {createInterface} from 'node:readline'
import {expect, vi} from 'vitest'
import {parsePlace, type StreamPlace} from '../../src/aof/stream-place.js'
import {BIN, environment, rdbtool} from '../start/run.js'
import type {Certificates} from './certificates.js'
import {HostileProxy} from './hostile-proxy.js'
import * as oracle from './oracle.js'
import {freePort, type Server, startServer} from './server.js'

const QUIET_MS = 60_000
/** Keys that are not told apart by when exactly they expire: with old masters that is counted from when we hear of it. */
const EXPIRY_MS = 120_000
const CONFIG = {
  'repl-diskless-sync-delay': 0,
  'repl-ping-replica-period': 3600,
  'repl-backlog-size': '64mb',
  'repl-timeout': 5,
}

/** How the folder is followed. */
export interface Manner {
  name: string
  tls: boolean
  flags: readonly string[]
}

/** In turn: each is met within so many rounds. */
export const MANNERS: readonly Manner[] = [
  {name: 'plain', tls: false, flags: ['--rotate', '200kb']},
  {name: 'TLS, synced always', tls: true, flags: ['--rotate', '200kb', '--fsync', 'always']},
  {name: 'compacted', tls: false, flags: ['--rotate', '20kb', '--keep', '0s']},
  {name: 'a file each write', tls: false, flags: ['--rotate', '1b', '--fsync', 'no']},
  {name: 'all of it', tls: true, flags: ['--rotate', '50kb', '--fsync', 'always', '--keep', '100ms']},
]

const TROUBLES = [
  'cut',
  'stall',
  'kill',
  'restart',
  'failover',
  'cut and kill',
  'everything anew',
  'everything anew, and kill',
  'end and begin',
] as const
type Trouble = (typeof TROUBLES)[number]

/** A write of which it is known where in the stream it ends, at the latest. */
interface Mark {
  id: string
  offset: number
  count: number
}

/** The last place that the folder tells of, whatever it is in the middle of. */
function placeIn(folder: string): StreamPlace | undefined {
  const manifest = join(folder, 'appendonly.aof.manifest')
  if (!existsSync(manifest)) return undefined
  const last = [...readFileSync(manifest, 'utf8').matchAll(/^file (\S+) seq \d+ type i/gm)].at(-1)?.[1]
  if (last === undefined) return undefined
  const text = readFileSync(join(folder, last), 'latin1')
  const lines = [...text.matchAll(/^#RDBTOOL [^\n]*\n/gm)]
  const line = Buffer.from(lines.at(-1)?.[0] ?? '', 'latin1')
  return parsePlace(line, 0, line.length)
}

export interface SceneOptions {
  random: () => number
  /** Without them nothing is followed with TLS. */
  certificates: Certificates | undefined
  /** What is to be ended with the test. */
  ending: (() => unknown)[]
}

function tlsConfig(certificates: Certificates | undefined, port: number): Record<string, string | number> {
  if (certificates === undefined) return {}
  const {ca, server} = certificates
  const own = {'tls-cert-file': server.cert, 'tls-key-file': server.key, 'tls-ca-cert-file': ca}
  return {'tls-port': port, 'tls-auth-clients': 'no', ...own}
}

export class Scene {
  readonly #random: () => number
  readonly #dir: string
  readonly #folder: string
  readonly #marks: Mark[] = []
  readonly #tlsPorts = new Map<Server, number>()
  #master!: Server
  #proxy!: HostileProxy
  #manner: Manner = MANNERS[0]!
  #child: ChildProcess | undefined
  #said = ''
  #writes = 0

  constructor(
    readonly name: string,
    readonly options: SceneOptions,
  ) {
    this.#random = options.random
    this.#dir = this.#temporary()
    this.#folder = join(this.#dir, 'appendonlydir')
  }

  async begin(): Promise<void> {
    this.#master = await this.#start()
    this.#proxy = await HostileProxy.start({port: () => this.#portOf(this.#master), random: this.#random})
    this.options.ending.push(() => this.#proxy.stop())
    this.options.ending.push(() => this.#end('SIGKILL'))
    this.#follow()
  }

  /** Some trouble, with writes before, meanwhile and behind; then it must all come right. */
  async round(number: number): Promise<{manner: string; trouble: Trouble}> {
    const trouble = TROUBLES[Math.floor(this.#random() * TROUBLES.length)]!
    await this.#follows(MANNERS[(number - 1) % MANNERS.length]!)
    await this.#write()
    const writing = this.#write()
    await this.#make(trouble, writing)
    await this.#write()
    await this.#quiet()
    if (this.#manner.flags.includes('--keep')) await this.#isCompacted()
    return {manner: this.#manner.name, trouble}
  }

  async compare(): Promise<string[]> {
    const loader = this.name === 'redis-6.0' ? 'redis-7.0' : this.name
    const copy = join(mkdtempSync(join(tmpdir(), 'rdbtool-chaos-')), 'appendonlydir')
    try {
      // What is compacted meanwhile is gone once it has been listed.
      await vi.waitFor(() => cpSync(this.#folder, copy, {recursive: true}), {timeout: QUIET_MS, interval: 50})
      const expiryMs = this.name === 'redis-6.0' ? EXPIRY_MS : 0
      return await oracle.sameAfterLoading(loader, await this.#master.save(), copy, {
        ...{idle: false, clocks: false, expiryMs},
      })
    } finally {
      rmSync(join(copy, '..'), {recursive: true, force: true})
    }
  }

  async #make(trouble: Trouble, writing: Promise<void>): Promise<void> {
    if (trouble.startsWith('everything anew')) await this.#forget()
    if (trouble.startsWith('cut')) this.#proxy.cut()
    if (trouble === 'stall') this.#proxy.stall(Math.floor(this.#random() * 1500))
    if (trouble.endsWith('kill')) await this.#killAndLook()
    await writing
    if (trouble === 'restart') await this.#restart()
    if (trouble === 'failover') await this.#failOver()
    if (trouble === 'end and begin') {
      await this.#end('SIGTERM')
      this.#follow()
    }
  }

  #temporary(): string {
    const dir = mkdtempSync(join(tmpdir(), 'rdbtool-chaos-'))
    this.options.ending.push(() => rmSync(dir, {recursive: true, force: true}))
    return dir
  }

  async #start(dir?: string): Promise<Server> {
    const tlsPort = await freePort()
    const config = {...CONFIG, ...tlsConfig(this.options.certificates, tlsPort)}
    const server = await startServer(this.name, {config, ...(dir === undefined ? {} : {dir})})
    this.#tlsPorts.set(server, tlsPort)
    this.options.ending.push(() => server.stop())
    return server
  }

  #portOf(server: Server): number {
    return this.#isTls ? this.#tlsPorts.get(server)! : server.port
  }

  get #isTls(): boolean {
    return this.#manner.tls && this.options.certificates !== undefined
  }

  /** From now on in this manner; whoever follows in another ends, well or not. */
  async #follows(manner: Manner): Promise<void> {
    if (manner === this.#manner) return
    await this.#end(this.#random() < 0.5 ? 'SIGKILL' : 'SIGTERM')
    this.#manner = manner
    this.#follow()
  }

  #follow(): void {
    const {certificates} = this.options
    const tls = this.#isTls ? `?ca=${encodeURIComponent(certificates!.ca)}` : ''
    const args = ['sync', `${this.#isTls ? 'rediss' : 'redis'}://127.0.0.1:${this.#proxy.port}${tls}`]
    args.push('--follow', this.#folder, ...this.#manner.flags)
    args.push('--retry-delay', '0.05', '--retries', '100', '--timeout', '5', '--log')
    const child = spawn(process.execPath, [BIN, ...args], {env: environment(), stdio: ['ignore', 'pipe', 'pipe']})
    this.#said = ''
    createInterface(child.stderr).on('line', line => {
      if (!line.includes('Commands go to a new file')) this.#said = `${this.#said}${line}\n`.slice(-50_000)
    })
    this.#child = child
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null) return
    child.kill(signal)
    await new Promise(resolve => child.once('close', resolve))
  }

  async #killAndLook(): Promise<void> {
    // Somewhere in a snapshot, too, or between it and the manifest.
    await new Promise(resolve => setTimeout(resolve, this.#random() * 300))
    await this.#acknowledged()
    await this.#end('SIGKILL')
    const {id, acknowledged} = await this.#acknowledged()
    const place = placeIn(this.#folder)
    if (acknowledged >= 0 && place?.replicationId === id) {
      expect(place.offset).toBeGreaterThanOrEqual(acknowledged)
      const marks = this.#marks.filter(mark => mark.id === id && mark.offset <= place.offset)
      expect(await this.#countInFolder()).toBeGreaterThanOrEqual(marks.at(-1)?.count ?? 0)
    }
    this.#follow()
  }

  /** Of the marks, as whoever reads the folder finds it, torn or not. */
  async #countInFolder(): Promise<number> {
    const {stdout, stderr} = await rdbtool(['dump', this.#folder, '--match', 'mark'])
    const line = stdout.split('\n').find(one => one.includes('"key":"mark"'))
    if (line === undefined && !stdout.startsWith('{"meta"')) throw new Error(stderr)
    return line === undefined ? 0 : Number(JSON.parse(line).value)
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

  /** It does not go on without ever having been: whatever is older than is kept goes as soon as there is enough of it. */
  async #isCompacted(): Promise<void> {
    await vi.waitFor(
      async () => {
        if (this.#said.includes('The snapshot is now ')) return
        await this.#write()
        throw new Error(`nothing was compacted:\n${this.#said}`)
      },
      {timeout: QUIET_MS, interval: 100},
    )
    await this.#quiet()
  }

  /** Our history is none that it knows. */
  async #forget(): Promise<void> {
    await this.#master.client.call('DEBUG', 'CHANGE-REPL-ID')
    this.#proxy.cut()
  }

  /** With what it has saved; whoever followed it finds it behind the same door. */
  async #restart(): Promise<void> {
    const dir = this.#temporary()
    cpSync(await this.#master.save(), join(dir, 'dump.rdb'))
    await this.#master.stop()
    this.#master = await this.#start(dir)
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
      const commands = Array.from({length: 50}, () => this.#command()).flat()
      const replies = await client.pipeline([...commands, ['SELECT', 0], ['INCR', 'mark'], ['INFO', 'replication']])
      const info = String(replies.at(-1))
      this.#marks.push({
        id: /master_replid:(\w+)/.exec(info)![1]!,
        offset: Number(/master_repl_offset:(\d+)/.exec(info)![1]),
        count: Number(replies.at(-2)),
      })
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
