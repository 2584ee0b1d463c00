/**
 * The servers that prove us: their names here, where their packages come from, and what was found on this machine.
 * `redis-7.0` is the release's own package (install.sh); fetch.js unpacks the others into a cache folder outside the
 * tree. Versions move: ask the binary, do not assume.
 */

import {execFileSync} from 'node:child_process'
import {accessSync, constants, existsSync, readFileSync} from 'node:fs'
import {homedir} from 'node:os'
import {delimiter, join} from 'node:path'

/**
 * @typedef {{name: string, product: 'redis'|'valkey'|'redict', line: string, suites: string[], packages: string[]}} Entry
 * line: the MAJOR.MINOR that the binary must report; suites: Debian suites that carry it, in order of preference;
 * packages: the server's, then the one with its tools, whose libraries are fetched too.
 */

/** @type {Entry[]} */
export const CATALOG = [
  {name: 'redis-6.0', product: 'redis', line: '6.0', suites: ['bullseye'], packages: ['redis-server', 'redis-tools']},
  {name: 'redis-7.0', product: 'redis', line: '7.0', suites: ['bookworm'], packages: ['redis-server', 'redis-tools']},
  {
    name: 'redis-8.0',
    product: 'redis',
    line: '8.0',
    suites: ['trixie', 'sid'],
    packages: ['redis-server', 'redis-tools'],
  },
  {
    name: 'redict-7.3',
    product: 'redict',
    line: '7.3',
    suites: ['bookworm-backports'],
    packages: ['redict-server', 'redict-tools'],
  },
  {
    name: 'valkey-8.0',
    product: 'valkey',
    line: '8.0',
    suites: ['bookworm-backports'],
    packages: ['valkey-server', 'valkey-tools'],
  },
  {name: 'valkey-8.1', product: 'valkey', line: '8.1', suites: ['trixie'], packages: ['valkey-server', 'valkey-tools']},
  {name: 'valkey-9.1', product: 'valkey', line: '9.1', suites: ['sid'], packages: ['valkey-server', 'valkey-tools']},
]

/** Where unpacked servers live, outside the tree: they survive a clean checkout. */
export function serversFolder() {
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache')
  return join(cache, 'rdbtool', 'servers')
}

/**
 * A program that can be run: `command` and the arguments that go before its own.
 * @typedef {{command: string, args: string[]}} Program
 * @typedef {{name: string, product: string, version: string, server: Program, tool: (name: string) => Program | undefined}} Found
 */

/** @type {Map<string, Found | string>} */
const known = new Map()

/**
 * The server of that name, or in words why it cannot be had.
 * @param {string} name
 * @returns {Found | string}
 */
export function findServer(name) {
  const entry = CATALOG.find(one => one.name === name)
  if (!entry) return `no server is called ${name}; there are ${CATALOG.map(one => one.name).join(', ')}`
  const before = known.get(name)
  if (before !== undefined) return before
  const found = findUnpacked(entry) ?? findInstalled(entry) ?? absent(entry)
  known.set(name, found)
  return found
}

/** Forgets what was found: fetch.js has changed it. */
export function forgetServers() {
  known.clear()
}

/** @param {Entry} entry */
function absent(entry) {
  const how =
    entry.name === 'redis-7.0'
      ? 'sh test/server/install.sh installs it'
      : `node test/server/fetch.js ${entry.name} fetches it`
  return `${entry.name} is not on this machine: ${how}`
}

/**
 * @param {Entry} entry
 * @returns {Found | undefined}
 */
function findInstalled(entry) {
  const path = onPath(`${entry.product}-server`)
  if (!path) return undefined
  const version = askVersion({command: path, args: []})
  if (!version?.startsWith(`${entry.line}.`)) return undefined
  const tool = (/** @type {string} */ name) => {
    const command = onPath(`${entry.product}-${name}`)
    return command ? {command, args: []} : undefined
  }
  return {name: entry.name, product: entry.product, version, server: {command: path, args: []}, tool}
}

/**
 * Runs through the unpacked dynamic loader: the package's libc need not be this machine's.
 * @param {Entry} entry
 * @returns {Found | undefined}
 */
function findUnpacked(entry) {
  const folder = join(serversFolder(), entry.name)
  const manifest = join(folder, 'loader.json')
  if (!existsSync(manifest)) return undefined
  /** @type {{loader: string, libraries: string[]}} relative to the folder */
  const {loader, libraries} = JSON.parse(readFileSync(manifest, 'utf8'))
  const path = libraries.map(one => join(folder, one)).join(':')
  const tool = (/** @type {string} */ name) => {
    const binary = join(folder, 'root/usr/bin', `${entry.product}-${name}`)
    if (!existsSync(binary)) return undefined
    return {command: join(folder, loader), args: ['--library-path', path, binary]}
  }
  const server = tool('server')
  if (!server) return undefined
  const version = askVersion(server)
  if (!version?.startsWith(`${entry.line}.`)) return undefined
  return {name: entry.name, product: entry.product, version, server, tool}
}

/**
 * @param {Program} program
 * @returns {string | undefined}
 */
function askVersion({command, args}) {
  try {
    const text = execFileSync(command, [...args, '--version'], {encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore']})
    return /\bv=(\d+\.\d+\.\d+)/.exec(text)?.[1]
  } catch {
    return undefined
  }
}

/**
 * The full path of a program, if PATH has it.
 * @param {string} name
 * @returns {string | undefined}
 */
export function onPath(name) {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // Not in this folder.
    }
  }
  return undefined
}
