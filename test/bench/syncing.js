/**
 * `sync` against `redis-cli --rdb`: the same master, which holds a corpus and waits for nobody else, to files in the same
 * place. Ours verifies what it fetched, and reads it as a server does.
 */

import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {findServer} from '../server/catalog.js'
import {startServer} from '../server/server.js'

const MASTER = 'redis-7.0'

/**
 * Starts the master and loads the file into it.
 * @param {string} file
 * @param {string} memory a folder in memory, or empty
 * @param {'yes' | 'no'} diskless
 * @param {(...args: string[]) => import('./measure.js').Subject} ours
 * @returns {Promise<import('./run.js').Prepared>}
 */
export async function prepareSync(file, memory, diskless, ours) {
  const dir = mkdtempSync(join(memory === '' ? tmpdir() : memory, 'master-'))
  const config = {'repl-diskless-sync': diskless, 'repl-diskless-sync-delay': 0, 'rdb-save-incremental-fsync': 'no'}
  const server = await startServer(MASTER, {dir, rdb: file, config})
  const found = findServer(MASTER)
  const cli = typeof found === 'string' ? undefined : found.tool('cli')
  const out = join(dir, 'ours.rdb')
  const subjects = [ours('sync', `127.0.0.1:${server.port}`, '--out', out, '--force')]
  if (cli) {
    const args = [...cli.args, '-p', String(server.port), '--rdb', join(dir, 'theirs.rdb')]
    subjects.push({name: 'redis-cli --rdb', command: cli.command, args})
  }
  const stop = async () => {
    await server.stop()
    rmSync(dir, {recursive: true, force: true})
  }
  return {subjects, stop}
}
