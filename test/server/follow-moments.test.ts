/**
 * A followed folder, brought back second by second: each time it holds what its master held then. Through files of commands
 * that are full, another snapshot, and a compaction, behind which nothing is left of what was before.
 */
import {cpSync, mkdtempSync, readdirSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {basename, dirname, join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {describe, expect, it, vi} from 'vitest'
import {UsageError} from '../../src/errors.js'
import {BuildError} from '../../src/jobs/build-sources.js'
import {type FollowLogOptions, followLog} from '../../src/jobs/follow-log.js'
import {rewriteLog} from '../../src/jobs/rewrite-log.js'
import * as oracle from './oracle.js'
import {findServer, type Server, startServer} from './server.js'

/** Seconds that are looked at, of each master; `npm run soak` has more. */
const MOMENTS = Number(process.env['RDBTOOL_MOMENTS'] ?? 6)
const MASTERS = ['redis-6.0', 'redis-7.0', 'redis-8.0', 'valkey-9.1']
const LOADER = 'redis-7.0'
const TIMEOUT_MS = 60_000 + MOMENTS * 20_000
const PATIENCE = {timeout: 20_000, interval: 20}
/** Masters before 7.0 stream expiries as seconds from now: they count from when we hear of them. */
const LAG_MS = 10_000

/** What a master had at the end of a second, in which it was written to for the last time. */
interface Moment {
  second: number
  rdb: string
}

class Scene {
  readonly moments: Moment[] = []
  readonly #dir = mkdtempSync(join(tmpdir(), 'rdbtool-moments-'))
  readonly folder = join(this.#dir, 'followed')
  #writes = 0

  private constructor(readonly master: Server) {}

  static async start(name: string): Promise<Scene> {
    const config = {'repl-diskless-sync-delay': 0, 'repl-ping-replica-period': 1}
    return new Scene(await startServer(name, {config}))
  }

  async end(): Promise<void> {
    await this.master.stop()
    rmSync(this.#dir, {recursive: true, force: true})
  }

  /** Follows while something is done. */
  async following(options: FollowLogOptions, meanwhile: (kinds: readonly string[]) => Promise<void>): Promise<void> {
    const ended = new AbortController()
    const kinds: string[] = []
    const done = followLog(this.folder, async () => ({host: '127.0.0.1', port: this.master.port}), {
      ...{retryDelayMs: 50, signal: ended.signal, ...options},
      onEvent: ({kind}) => kinds.push(kind),
    })
    try {
      await this.#isHeard()
      await meanwhile(kinds)
    } finally {
      ended.abort()
      await done
    }
  }

  /** Writes within one second, and remembers what is there then. A machine that is too slow for that gets another second. */
  async moment(): Promise<void> {
    for (;;) {
      await sleep(1000 - (Date.now() % 1000))
      const second = Math.floor(Date.now() / 1000)
      await this.#write()
      await this.#isHeard()
      if (Math.floor(Date.now() / 1000) !== second) continue
      const rdb = join(this.#dir, `${second}.rdb`)
      cpSync(await this.master.save(), rdb)
      this.moments.push({second, rdb})
      return
    }
  }

  /** Another history: the folder begins anew. */
  async forget(): Promise<void> {
    const {client} = this.master
    await client.call('DEBUG', 'CHANGE-REPL-ID')
    await client.call('CLIENT', 'KILL', 'TYPE', 'replica')
    await vi.waitFor(() => expect(this.aside).toBeDefined(), PATIENCE)
    await this.#isHeard()
  }

  /** What was followed before that. */
  get aside(): string | undefined {
    const name = readdirSync(dirname(this.folder)).find(one => one.startsWith(`${basename(this.folder)}.until-`))
    return name === undefined ? undefined : join(dirname(this.folder), name)
  }

  /** What differs between a moment as the log has it, and as the master had it. */
  async differences(log: string, {second, rdb}: Moment): Promise<string[]> {
    const out = mkdtempSync(join(this.#dir, 'back-'))
    const recovered = join(out, 'appendonlydir')
    await rewriteLog(log, {pointInTime: {untilMs: second * 1000}, out: recovered})
    const isOld = this.master.name === 'redis-6.0'
    const loader = isOld ? LOADER : this.master.name
    return await oracle.sameAfterLoading(loader, rdb, recovered, {
      ...{idle: false, clocks: false, expiryMs: isOld ? LAG_MS : 0},
    })
  }

  async #isHeard(): Promise<void> {
    await vi.waitFor(async () => {
      const info = String(await this.master.client.call('INFO', 'replication'))
      const offset = /master_repl_offset:(\d+)/.exec(info)![1]
      expect(info).toMatch(new RegExp(`port=0,state=online,offset=${offset},`))
    }, PATIENCE)
  }

  async #write(): Promise<void> {
    const commands = Array.from({length: 30}, () => {
      const n = this.#writes++
      const key = n % 17
      return [
        ['SELECT', n % 3],
        ['SET', `s${key}`, `${n}:${'x'.repeat(200)}`],
        ['SET', `t${key}`, n, 'EX', 1_000_000 + n],
        ['MULTI'],
        ['INCR', 'a'],
        ['INCR', 'b'],
        ['EXEC'],
        n % 4 === 0 ? ['DEL', `l${key}`] : ['RPUSH', `l${key}`, n],
        ['XADD', 'stream', 'MAXLEN', 20, '*', 'n', n],
        n % 60 === 59 ? ['FLUSHDB'] : ['HINCRBY', 'h', key, n],
      ]
    })
    await this.master.client.pipeline(commands.flat())
  }
}

/** Throws where a moment that must be there is not as it was; tells whether it is there. */
async function isThere(scene: Scene, log: string, moment: Moment, mayBeGone: boolean): Promise<boolean> {
  try {
    expect({second: moment.second, differs: await scene.differences(log, moment)}).toMatchObject({differs: []})
    return true
  } catch (error) {
    const cause = error instanceof BuildError ? error.cause : error
    if (mayBeGone && cause instanceof UsageError && cause.message.includes('does not go back so far')) return false
    throw error
  }
}

const there = [LOADER, ...MASTERS].filter(name => {
  const found = findServer(name)
  if (typeof found === 'string') process.stderr.write(`SKIPPED: seconds of ${name}: ${found}\n`)
  return typeof found !== 'string'
})

describe.skipIf(!there.includes(LOADER))('seconds of a master', () => {
  it.concurrent.each(MASTERS.filter(name => there.includes(name)))(
    'as %s had them',
    async name => {
      const scene = await Scene.start(name)
      try {
        const {moments} = scene
        const first = Math.ceil(MOMENTS / 3)
        await scene.following({rotateBytes: 10_000}, async () => {
          while (moments.length < first) await scene.moment()
          await scene.forget()
          while (moments.length < MOMENTS) await scene.moment()
        })
        for (const [i, moment] of moments.entries()) {
          await isThere(scene, i < first ? scene.aside! : scene.folder, moment, false)
        }

        // To what is older than is kept nobody comes back any more, to all the rest one does.
        const keepMs = Date.now() - moments[Math.floor((first + MOMENTS) / 2)]!.second * 1000
        let keptMs = 0
        await scene.following({rotateBytes: 10_000, keepMs}, async kinds => {
          await scene.moment()
          await vi.waitFor(() => expect(kinds).toContain('compacted'), PATIENCE)
          keptMs = Date.now() - keepMs
        })
        const isLeft: boolean[] = []
        for (const moment of moments.slice(first)) {
          isLeft.push(await isThere(scene, scene.folder, moment, moment.second * 1000 < keptMs))
        }
        expect([isLeft[0], isLeft.at(-1)]).toEqual([false, true])
      } finally {
        await scene.end()
      }
    },
    TIMEOUT_MS,
  )
})
