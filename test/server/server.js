/**
 * Real servers for tests and scripts: each in its own folder, on a free port of 127.0.0.1, stopped by its own pid.
 * A test that ends early leaves none behind: they are killed when this process exits.
 */

import {spawn} from 'node:child_process'
import {randomInt} from 'node:crypto'
import {copyFileSync, mkdtempSync, rmSync} from 'node:fs'
import {createServer} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {CATALOG, findServer} from './catalog.js'
import {openClient} from './client.js'

export {findServer} from './catalog.js'
export {ReplyError} from './client.js'

/** What runs, and the folder to remove after it, if it is ours. @type {Map<import('node:child_process').ChildProcess, string>} */
const running = new Map()

function endAll() {
  for (const [child, folder] of running) {
    child.kill('SIGKILL')
    if (folder !== '') rmSync(folder, {recursive: true, force: true})
  }
  running.clear()
}

process.once('exit', endAll)
// A signal without a handler ends the process with no 'exit' event; now it ends it by the same signal, after that.
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.once(signal, () => {
    endAll()
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
  })
}

/** The server did not come up: its own last words are in the message, and whole in `log`. */
export class ServerFailed extends Error {
  name = 'ServerFailed'
  /**
   * @param {string} name
   * @param {string} log
   */
  constructor(name, log) {
    super(`${name} did not start:\n${log.trim().split('\n').slice(-6).join('\n')}`)
    this.log = log
  }
}

/**
 * The servers of this machine, oldest first, and in words why the others are not there.
 * @returns {{found: {name: string, product: string, version: string}[], missing: string[]}}
 */
export function availableServers() {
  const found = []
  const missing = []
  for (const {name} of CATALOG) {
    const server = findServer(name)
    if (typeof server === 'string') missing.push(server)
    else found.push({name, product: server.product, version: server.version})
  }
  return {found, missing}
}

/**
 * A port nobody listens on now; the caller tries again should somebody be faster. By chance, for several processes look at
 * once, and below the ports that systems give to outgoing connections, which come and go all the time. The cluster bus of
 * servers before 7.0 is at port + 10000.
 */
export async function freePort() {
  for (;;) {
    const port = randomInt(10_000, 22_000)
    const isFree = await new Promise(resolve => {
      const probe = createServer()
      probe.once('error', () => resolve(false))
      probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
    })
    if (isFree) return port
  }
}

/**
 * Settings the tests rely on. Nothing is saved unless asked, and the server looks often whether it shall end: SIGTERM ends it
 * in 10 ms. What changes the bytes of an RDB stays as users have it.
 * @param {string} name
 * @param {string} version
 */
function defaults(name, version) {
  /** @type {Record<string, string>} */
  const config = {bind: '127.0.0.1', save: '', appendonly: 'no', daemonize: 'no', loglevel: 'notice', hz: '100'}
  if (name !== 'redis-6.0' && Number.parseFloat(version) >= 7) {
    config['enable-debug-command'] = 'yes'
    config['enable-module-command'] = 'yes'
  }
  return config
}

/**
 * @typedef {object} Options
 * @property {Record<string, string | number>} [config] settings of the configuration file; they win over ours
 * @property {string} [rdb] a file to start from; the server loads a copy
 * @property {string} [dir] a folder to run in, kept at the end; else a temporary one, removed
 */

/**
 * A running server.
 * @typedef {object} Server
 * @property {string} name
 * @property {string} product
 * @property {string} version
 * @property {number} port
 * @property {number} pid
 * @property {string} dir
 * @property {import('./client.js').Client} client
 * @property {() => string} log
 * @property {() => Promise<string>} save writes the RDB and tells its path
 * @property {() => Promise<void>} stop
 */

/**
 * Starts a server and waits until it answers (and has loaded `rdb`). Throws ServerFailed when it exits instead.
 * @param {string} name a name of catalog.js
 * @param {Options} [options]
 * @returns {Promise<Server>}
 */
export async function startServer(name, options = {}) {
  const found = findServer(name)
  if (typeof found === 'string') throw new Error(found)
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'rdbtool-server-'))
  try {
    if (options.rdb !== undefined) copyFileSync(options.rdb, join(dir, 'dump.rdb'))
  } catch (error) {
    if (options.dir === undefined) rmSync(dir, {recursive: true, force: true})
    throw error
  }
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    const config = {...defaults(name, found.version), ...options.config, port, dir}
    const child = launch(found.server, config)
    const log = collect(child)
    running.set(child, options.dir === undefined ? dir : '')
    child.once('exit', () => running.delete(child))
    const client = await waitUntilReady(child, port)
    if (client) return asServer(found, child, {port, dir, keep: options.dir !== undefined, client, log})
    await ended(child)
    if (attempt < 5 && /Address already in use|Could not create server TCP/.test(log())) continue
    if (options.dir === undefined) rmSync(dir, {recursive: true, force: true})
    throw new ServerFailed(`${name} ${found.version}`, log())
  }
}

/**
 * @param {import('./catalog.js').Program} program
 * @param {Record<string, string | number>} config
 */
function launch({command, args}, config) {
  // The configuration goes through standard input: an argument "--save ''" is read differently from version to version.
  const text = Object.entries(config).map(([key, value]) => `${key} ${value === '' ? '""' : value}\n`)
  const child = spawn(command, [...args, '-'], {cwd: String(config['dir']), stdio: ['pipe', 'pipe', 'pipe']})
  child.stdin?.on('error', () => {})
  child.stdin?.end(text.join(''))
  return child
}

/**
 * Keeps the last words of a server, bounded.
 * @param {import('node:child_process').ChildProcess} child
 */
function collect(child) {
  let text = ''
  const add = (/** @type {Buffer | Error} */ chunk) => {
    text = (text + (chunk instanceof Error ? chunk.message : chunk.toString('latin1'))).slice(-64 * 1024)
  }
  child.stdout?.on('data', add)
  child.stderr?.on('data', add)
  child.once('error', add)
  return () => text
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {number} port
 * @returns {Promise<import('./client.js').Client | undefined>}
 */
async function waitUntilReady(child, port) {
  let gone = false
  child.once('exit', () => (gone = true))
  child.once('error', () => (gone = true))
  while (!gone) {
    try {
      const client = await openClient(port)
      for (;;) {
        const [pong] = await client.pipeline([['PING']])
        if (pong === 'PONG') {
          if (await isItself(client, child)) return client
          break
        }
        // LOADING: it listens already, and reads its file.
        if (gone || !String(pong?.message).startsWith('LOADING')) break
        await sleep(5)
      }
      client.close()
    } catch {
      // Not listening yet.
    }
    await sleep(5)
  }
  return undefined
}

/**
 * Whether our own child answers: a server of somebody else may have taken the port, and ours is about to say so and end.
 * @param {import('./client.js').Client} client
 * @param {import('node:child_process').ChildProcess} child
 */
async function isItself(client, child) {
  const [info] = await client.pipeline([['INFO', 'server']])
  return String(info).includes(`process_id:${child.pid}\r`)
}

/** @param {import('node:child_process').ChildProcess} child */
function ended(child) {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return Promise.resolve()
  return new Promise(resolve => child.once('exit', () => resolve(undefined)))
}

/**
 * @param {import('./catalog.js').Found} found
 * @param {import('node:child_process').ChildProcess} child
 * @param {{port: number, dir: string, keep: boolean, client: import('./client.js').Client, log: () => string}} parts
 * @returns {Server}
 */
function asServer(found, child, {port, dir, keep, client, log}) {
  const stop = async () => {
    client.close()
    child.kill('SIGTERM')
    const late = setTimeout(() => child.kill('SIGKILL'), 10_000)
    await ended(child)
    clearTimeout(late)
    if (!keep) rmSync(dir, {recursive: true, force: true})
  }
  const save = async () => {
    await client.call('SAVE')
    return join(dir, 'dump.rdb')
  }
  const {name, product, version} = found
  return {name, product, version, port, pid: Number(child.pid), dir, client, log, save, stop}
}
