/**
 * What a server does when it starts from a file: nothing but its own start tells. It listens nowhere but in its folder, and
 * is killed once it has said what it loaded.
 */
import {type ChildProcess, spawn} from 'node:child_process'
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {connect} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {findServer} from './catalog.js'

export interface Start {
  /** `hangs`: neither starts nor ends. */
  verdict: 'loads' | 'refuses' | 'crashes' | 'hangs'
  /** Keys that it has then; -1 where it does not load. */
  keys: number
  expired: number
  empty: number
  log: string
}

const LATE_MS = 20_000
const DONE =
  /Done loading RDB, keys loaded: (\d+), keys expired: (\d+)(?:, empty keys skipped: (\d+))?(?:, all fields expired hashes: (\d+))?/
const READY = /eady to accept connections/

const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts servers of one name, each from its own file, in a folder of its own. */
export class Starter {
  readonly #folder = mkdtempSync(join(tmpdir(), 'rdbtool-start-'))
  #count = 0

  /** `lateMs`: what has neither started nor ended by then hangs. */
  constructor(
    readonly name: string,
    readonly lateMs = LATE_MS,
  ) {}

  /** The file as the server's snapshot. `prepare` may put other files into the folder, and name settings. */
  async start(rdb: Uint8Array | undefined, prepare?: (dir: string) => Record<string, string>): Promise<Start> {
    const dir = join(this.#folder, String(this.#count++))
    mkdirSync(dir)
    try {
      if (rdb !== undefined) writeFileSync(join(dir, 'dump.rdb'), rdb)
      return await this.#run(dir, prepare?.(dir) ?? {})
    } finally {
      rmSync(dir, {recursive: true, force: true})
    }
  }

  close(): void {
    rmSync(this.#folder, {recursive: true, force: true})
  }

  async #run(dir: string, own: Record<string, string>): Promise<Start> {
    const found = findServer(this.name)
    if (typeof found === 'string') throw new Error(found)
    const {command, args} = found.server
    const config = {port: '0', unixsocket: join(dir, 's'), dir, save: '""', loglevel: 'notice', daemonize: 'no', ...own}
    const child = spawn(command, [...args, '-'], {cwd: dir, stdio: ['pipe', 'pipe', 'pipe']})
    running.add(child)
    child.stdin.on('error', () => {})
    child.stdin.end(
      Object.entries(config)
        .map(([key, value]) => `${key} ${value}\n`)
        .join(''),
    )
    let log = ''
    const ended = new Promise<'refuses' | 'crashes'>(resolve =>
      child.once('close', (_, signal) => resolve(signal === null ? 'refuses' : 'crashes')),
    )
    const ready = new Promise<'loads'>(resolve => {
      const add = (chunk: Buffer): void => {
        log = (log + chunk.toString('latin1')).slice(-256 * 1024)
        if (READY.test(log)) resolve('loads')
      }
      child.stdout.on('data', add)
      child.stderr.on('data', add)
    })
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<'hangs'>(resolve => {
      timer = setTimeout(() => resolve('hangs'), this.lateMs)
    })
    try {
      const verdict = await Promise.race([ended, ready, late])
      if (verdict !== 'loads') return {verdict, keys: -1, expired: 0, empty: 0, log}
      const told = DONE.exec(log)
      const keys = told === null ? await countKeys(join(dir, 's')) : Number(told[1])
      const expired = told === null ? -1 : Number(told[2]) + Number(told[4] ?? 0)
      return {verdict, keys, expired, empty: Number(told?.[3] ?? 0), log}
    } finally {
      clearTimeout(timer)
      child.kill('SIGKILL')
      await ended
      running.delete(child)
    }
  }
}

/** Servers before 7.0 do not say what they have loaded. */
async function countKeys(socket: string): Promise<number> {
  const text = await new Promise<string>((resolve, reject) => {
    const client = connect(socket)
    let reply = ''
    client.once('error', reject)
    client.on('data', chunk => {
      reply += chunk.toString('latin1')
      if (reply.endsWith('+PONG\r\n')) {
        client.destroy()
        resolve(reply)
      }
    })
    client.write('INFO keyspace\r\nPING\r\n')
  })
  return [...text.matchAll(/keys=(\d+)/g)].reduce((sum, [, keys]) => sum + Number(keys), 0)
}
