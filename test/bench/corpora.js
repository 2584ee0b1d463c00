/**
 * Corpora for benchmarks, made by a real server from fixed seeds and kept in a cache folder:
 *
 *   node test/bench/corpora.js [name...] [--scale 0.01]      all of them at full size, unless told otherwise
 *
 * The folder is RDBTOOL_CORPORA, else .cache/corpora of the repository. What is there already is not made again.
 */

import {existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {startServer} from '../server/server.js'
import {aof} from './corpus-aof.js'
import {huge, lzf, mixed, small} from './corpus-content.js'

/** @type {Record<string, (scale: number) => import('./corpus-content.js').Batches>} */
const CONTENT = {small, mixed, lzf, huge, aof}

export const CORPORA = Object.keys(CONTENT)
/** Those that are one RDB file; `aof` is a folder with an `appendonlydir`. */
export const RDB_CORPORA = CORPORA.filter(name => name !== 'aof')

const APPENDING = {appendonly: 'yes', appendfsync: 'no', 'auto-aof-rewrite-percentage': 0}

export function corporaFolder() {
  return process.env['RDBTOOL_CORPORA'] || fileURLToPath(new URL('../../.cache/corpora', import.meta.url))
}

/**
 * The file of a corpus (of `aof` the folder), made now when it is not there.
 * @param {string} name
 * @param {number} [scale]
 * @param {(words: string) => void} [tell]
 * @returns {Promise<string>}
 */
export async function corpusFile(name, scale = 1, tell = () => {}) {
  const content = CONTENT[name]
  if (!content) throw new Error(`no corpus is called ${name}; there are ${CORPORA.join(', ')}`)
  const folder = corporaFolder()
  const appending = name === 'aof'
  const path = join(folder, `${name}${scale === 1 ? '' : `-${scale}`}${appending ? '' : '.rdb'}`)
  if (existsSync(path)) return path
  mkdirSync(folder, {recursive: true})
  const dir = mkdtempSync(join(folder, 'making-'))
  const started = performance.now()
  tell(`${name}: making it`)
  const server = await startServer('redis-7.0', {dir, config: appending ? APPENDING : {}})
  try {
    const commands = await server.client.load(content(scale))
    const keys = await server.client.call('INFO', 'keyspace')
    if (!appending) renameSync(await server.save(), path)
    await server.stop()
    if (appending) renameSync(dir, path)
    const seconds = ((performance.now() - started) / 1000).toFixed(0)
    tell(`${name}: ${(corpusBytes(path) / 1e6).toFixed(0)} MB from ${commands} commands in ${seconds} s`)
    tell(`${name}: ${String(keys).trim().split(/\s+/).slice(2).join(' ')}`)
  } finally {
    await server.stop()
    rmSync(dir, {recursive: true, force: true})
  }
  return path
}

/**
 * Of a file, or of all files of a folder.
 * @param {string} path
 */
export function corpusBytes(path) {
  if (!statSync(path).isDirectory()) return statSync(path).size
  const files = readdirSync(path, {recursive: true, encoding: 'utf8'}).map(name => statSync(join(path, name)))
  return files.reduce((sum, one) => sum + (one.isFile() ? one.size : 0), 0)
}

async function main() {
  const args = process.argv.slice(2)
  const at = args.indexOf('--scale')
  const scale = at < 0 ? 1 : Number(args.splice(at, 2)[1])
  if (!(scale > 0)) throw new Error('--scale takes a number above 0, as 0.01')
  for (const name of args.length > 0 ? args : CORPORA) {
    const path = await corpusFile(name, scale, words => process.stderr.write(`${words}\n`))
    process.stdout.write(`${path} ${corpusBytes(path)}\n`)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()
