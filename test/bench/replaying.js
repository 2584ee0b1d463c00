/** Logs: `build` and `check` of one, and what servers and their tools take for the same. */
import {mkdtempSync, readdirSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {findServer} from '../server/catalog.js'

const LOAD_AND_SAVE = fileURLToPath(new URL('load-and-save.js', import.meta.url))

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
 * @param {string} folder
 * @param {string} memory a folder in memory, or empty
 * @param {(name: string, ...args: string[]) => Subject} ours
 */
export async function prepareReplay(folder, memory, ours) {
  const out = mkdtempSync(join(memory === '' ? tmpdir() : memory, 'built-'))
  const loading = {
    name: 'redis-server 7.0',
    command: process.execPath,
    args: [LOAD_AND_SAVE, 'redis-7.0', logIn(folder)],
  }
  return {
    subjects: [ours('build', 'build', logIn(folder), '--out', join(out, 'out.rdb'), '--force'), loading],
    stop: async () => rmSync(out, {recursive: true, force: true}),
  }
}
