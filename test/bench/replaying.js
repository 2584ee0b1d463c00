/** Logs: `build`, `aof-rewrite`, `check` and `aof-log` of one, and what servers and their tools take for the same. */
import {mkdtempSync, readdirSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {findServer} from '../server/catalog.js'

const LOAD_AND_WRITE = fileURLToPath(new URL('load-and-write.js', import.meta.url))

/** @typedef {import('./measure.js').Subject} Subject */

/** The folder of the log in the folder of a corpus. @param {string} folder */
const logIn = folder => join(folder, 'appendonlydir')

/**
 * @param {string} folder
 * @param {(name: string, ...args: string[]) => Subject} ours
 * @returns {Subject[]}
 */
export function checkingLogs(folder, ours) {
  const log = logIn(folder)
  const server = findServer('redis-7.0')
  const manifest = readdirSync(log).find(name => name.endsWith('.manifest')) ?? ''
  const subjects = [ours('check', 'check', log, '--no-duplicates')]
  if (typeof server === 'string') return subjects
  const {command, args} = server.tool('check-aof')
  return [...subjects, {name: 'redis-check-aof', command, args: [...args, join(log, manifest)]}]
}

/**
 * Lines are written to nowhere. No peer shows them: beside it stands what only looks for their ends.
 * @param {string} folder
 * @param {(name: string, ...args: string[]) => Subject} ours
 * @returns {Subject[]}
 */
export function showingLogs(folder, ours) {
  const log = logIn(folder)
  return [
    ours('aof-log', 'aof-log', log),
    ours('aof-log --json', 'aof-log', log, '--json'),
    ours('aof-log --match', 'aof-log', log, '--match', 'user:41080'),
    ours('aof-log --command', 'aof-log', log, '--command', 'FLUSHALL'),
    ...checkingLogs(folder, ours).slice(1),
  ]
}

/**
 * @param {string} folder
 * @param {string} memory a folder in memory, or empty
 * @param {(name: string, ...args: string[]) => Subject} ours
 * @param {boolean} rewrites whether a log is written, not a snapshot
 */
export async function prepareReplay(folder, memory, ours, rewrites) {
  const out = mkdtempSync(join(memory === '' ? tmpdir() : memory, 'built-'))
  const log = logIn(folder)
  const loading = {
    name: 'redis-server 7.0',
    command: process.execPath,
    args: [LOAD_AND_WRITE, 'redis-7.0', log, rewrites ? 'log' : 'snapshot'],
  }
  const [command, to] = rewrites ? ['aof-rewrite', 'appendonlydir'] : ['build', 'out.rdb']
  const writing = [1, 2].map(threads => {
    const args = [log, '--out', join(out, to), '--force', '--threads', String(threads)]
    return ours(`${command} --threads ${threads}`, command, ...args)
  })
  return {
    subjects: [...writing, loading],
    stop: async () => rmSync(out, {recursive: true, force: true}),
  }
}
