/**
 * A log that is rewritten in its place, by a process that is killed at random moments: whatever it leaves, the server starts
 * from it, with all the data; and the next one goes on from there.
 */
import {spawn} from 'node:child_process'
import {mkdirSync, mkdtempSync, readdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {temporaryFolder} from '../start/folder.js'
import {at, frame} from '../start/log.js'
import {ROOT} from '../start/run.js'
import {describeEachServer} from './each-server.js'
import * as oracle from './oracle.js'
import {logIn} from './replay-random.js'
import {startServer} from './server.js'

/** Of each form of log: `npm run soak` kills more. */
const KILLS = Number(process.env['RDBTOOL_KILLS'] ?? 25)
const SEED = Number(process.env['RDBTOOL_SEED'] ?? 20_261_127)
const TIMEOUT_MS = 600_000

const folder = temporaryFolder()

/** Rewrites, and says when it begins and when it is done. */
const SCRIPT = `
const {rewriteLog} = await import(${JSON.stringify(join(ROOT, 'dist/jobs/rewrite-log.js'))})
process.stdout.write('begun')
await rewriteLog(process.argv[1], {inPlace: true})
process.stdout.write('done')
`

/** Ends it after a while; whether it was done by then, and how long it took. */
function rewriteKilled(path: string, afterMs: number): Promise<{done: boolean; ms: number}> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', SCRIPT, path])
    let said = ''
    let errors = ''
    let begunMs = 0
    let ms = 0
    child.stdout.on('data', chunk => {
      said += chunk
      if (begunMs === 0) {
        begunMs = performance.now()
        const timer = setTimeout(() => child.kill('SIGKILL'), afterMs)
        child.once('close', () => clearTimeout(timer))
      }
      if (said.endsWith('done')) ms = performance.now() - begunMs
    })
    child.stderr.on('data', chunk => {
      errors += chunk
    })
    child.once('close', () => (errors === '' ? resolve({done: said.endsWith('done'), ms}) : reject(new Error(errors))))
  })
}

/** A log of a few thousand commands: what it leaves is some keys of every type, and some that expire. */
function commands(): string {
  const all: string[] = [frame('SELECT', '0')]
  for (let i = 0; i < 2000; i++) {
    all.push(frame('SET', `string:${i % 17}`, String(i)), frame('RPUSH', `list:${i % 3}`, String(i)))
    all.push(
      frame('HSET', `hash:${i % 3}`, `field:${i % 300}`, 'v'.repeat(i % 90)),
      frame('ZADD', 'zset', String(i), `m${i}`),
    )
    if (i % 100 === 0) all.push(frame('XADD', 'stream', `${i + 1}-0`, 'f', 'v'), frame('SELECT', String(i % 3)))
  }
  return all.join('')
}

describeEachServer('a log killed while it is rewritten in its place,', name => {
  // One server that keeps its log in a folder, and one that keeps it in a file.
  it.runIf(['redis-7.0', 'redis-6.0'].includes(name))(
    `${KILLS} times, always starts with all the data`,
    {timeout: TIMEOUT_MS},
    async () => {
      const dir = mkdtempSync(join(folder.path, 'killed-'))
      const log = logIn(dir, name)
      if (name === 'redis-6.0') writeFileSync(log, commands())
      else {
        mkdirSync(log)
        writeFileSync(join(log, 'appendonly.aof.1.incr.aof'), at(1_700_000_000) + commands())
        writeFileSync(join(log, 'appendonly.aof.manifest'), 'file appendonly.aof.1.incr.aof seq 1 type i\n')
      }
      const expected = await oracle.loaded(name, log)
      let random = SEED
      let lastsMs = (await rewriteKilled(log, TIMEOUT_MS)).ms
      const seen = {done: 0, killed: 0, backups: 0, leftovers: 0}
      for (let i = 0; i < KILLS; i++) {
        random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0
        const afterMs = ((random >>> 8) / 2 ** 24) * lastsMs * 1.5
        const {done, ms} = await rewriteKilled(log, afterMs)
        if (done) lastsMs = (lastsMs + ms) / 2
        seen[done ? 'done' : 'killed']++
        const server = await startServer(name, {dir, config: {appendonly: 'yes'}})
        try {
          const found = oracle.compare(expected, await oracle.snapshot(server), {clocks: false, idle: false})
          expect(found, `seed ${SEED}, the ${i + 1}th, after ${afterMs} ms`).toEqual([])
        } finally {
          await server.stop()
        }
      }
      const names = readdirSync(dir, {recursive: true, encoding: 'utf8'})
      seen.backups = names.filter(one => /backup-[^/]*$/.test(one)).length
      seen.leftovers = names.filter(one => one.endsWith('.tmp')).length
      // Otherwise it was never killed at a moment that matters.
      expect(seen.killed).toBeGreaterThan(KILLS / 4)
      expect(seen.done).toBeGreaterThan(0)
      expect(seen.backups).toBeGreaterThanOrEqual(seen.done)
      expect(seen.leftovers).toBeGreaterThan(0)
    },
  )
})
