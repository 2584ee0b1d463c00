/**
 * Whether `sync --follow` keeps up: a master that redis-benchmark writes to as fast as it can, followed by nobody, then by
 * a server with a log of its own, then by us.
 *
 *   npm run bench:follow -- [--seconds 20] [--pipeline 16]
 *
 * Told of each: writes a second, how far behind the follower was when the writing ended, how long it took to have all, and
 * its resident memory along the way.
 */

import {spawn} from 'node:child_process'
import {mkdtempSync, readFileSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {fileURLToPath} from 'node:url'
import {parseArgs} from 'node:util'
import {findServer} from '../server/catalog.js'
import {startServer} from '../server/server.js'

const SERVER = 'redis-7.0'
const RUN_JS = fileURLToPath(new URL('../../bin/run.js', import.meta.url))
const SAMPLES = 5

const {values} = parseArgs({
  options: {seconds: {type: 'string', default: '20'}, pipeline: {type: 'string', default: '16'}},
})
const seconds = Number(values.seconds)
const found = findServer(SERVER)
if (typeof found === 'string') throw new Error(found)
const benchmark = found.tool('benchmark')
if (benchmark === undefined) throw new Error('redis-benchmark is not on this machine')

/** @typedef {{pid: number, stop: () => Promise<void>}} Follower */

/**
 * Writes for some seconds; tells how many commands that were a second.
 * @param {number} port
 */
async function write(port) {
  const {command, args} = /** @type {import('../server/catalog.js').Program} */ (benchmark)
  const own = ['-p', String(port), '-t', 'set', '-r', '1000000', '-d', '100', '-P', values.pipeline]
  const child = spawn(command, [...args, ...own, '-n', '1000000000', '-q'], {stdio: 'ignore'})
  await sleep(seconds * 1000)
  child.kill('SIGKILL')
  await new Promise(resolve => child.once('close', resolve))
}

/** @param {number} pid */
function residentMegabytes(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}

/** @param {import('../server/server.js').Server} master */
async function progress(master) {
  const info = String(await master.client.call('INFO', 'replication'))
  const offset = Number(/master_repl_offset:(\d+)/.exec(info)?.[1])
  return {offset, heard: Number(/slave0:.*offset=(\d+)/.exec(info)?.[1] ?? offset)}
}

/**
 * @param {string} name
 * @param {(port: number, dir: string) => Promise<Follower | undefined>} follow
 */
async function measure(name, follow) {
  const dir = mkdtempSync(join(tmpdir(), 'rdbtool-follow-'))
  const limits = {'client-output-buffer-limit': 'replica 4gb 4gb 60', 'repl-backlog-size': '16mb'}
  const master = await startServer(SERVER, {config: {'repl-diskless-sync-delay': 0, ...limits}})
  const follower = await follow(master.port, dir)
  try {
    if (follower !== undefined) {
      while (!String(await master.client.call('INFO', 'replication')).includes('state=online')) await sleep(50)
    }
    const [before] = String(await master.client.call('INFO', 'commandstats')).match(/cmdstat_set:calls=\d+/) ?? ['=0']
    /** @type {number[]} */
    const memory = []
    const sampling = setInterval(
      () => {
        if (follower !== undefined) memory.push(residentMegabytes(follower.pid))
      },
      (seconds * 1000) / SAMPLES,
    )
    await write(master.port)
    clearInterval(sampling)
    const [after] = String(await master.client.call('INFO', 'commandstats')).match(/cmdstat_set:calls=\d+/) ?? ['=0']
    const {offset, heard} = await progress(master)
    const ended = performance.now()
    while (follower !== undefined && (await progress(master)).heard < offset) await sleep(20)
    const count = (/** @type {string} */ text) => Number(text.split('=')[1])
    const row = {
      follower: name,
      'writes/s': Math.round((count(after) - count(before)) / seconds),
      'MB behind': ((offset - heard) / 1e6).toFixed(1),
      'all after ms': follower === undefined ? 0 : Math.round(performance.now() - ended),
      'RSS MB': memory.map(one => Math.round(one)).join(' '),
    }
    return row
  } finally {
    await follower?.stop()
    await master.stop()
    rmSync(dir, {recursive: true, force: true})
  }
}

const rows = [
  await measure('nobody', async () => undefined),
  await measure('redis-server with a log', async (port, dir) => {
    const server = await startServer(SERVER, {dir, config: {appendonly: 'yes', replicaof: `127.0.0.1 ${port}`}})
    return {pid: server.pid, stop: () => server.stop()}
  }),
  await measure('rdbtool sync --follow', async (port, dir) => {
    const args = [RUN_JS, 'sync', `127.0.0.1:${port}`, '--follow', join(dir, 'followed'), '--quiet']
    const child = spawn(process.execPath, args, {stdio: 'ignore'})
    const stop = async () => {
      child.kill('SIGINT')
      await new Promise(resolve => child.once('close', resolve))
    }
    return {pid: /** @type {number} */ (child.pid), stop}
  }),
]
console.table(rows)
