/**
 * `load` and `serve` against `redis-cli --pipe`: the same data, as a snapshot and as the commands that create it, into the same
 * server, which is emptied before each run. Ours also read the snapshot to its end before they send anything.
 */

import {execFileSync} from 'node:child_process'
import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {findServer} from '../server/catalog.js'
import {freePort, startServer} from '../server/server.js'

const SERVER = 'redis-7.0'

/**
 * @param {string} file
 * @param {(...args: string[]) => import('./measure.js').Subject} ours
 * @returns {Promise<import('./run.js').Prepared>}
 */
export async function prepareLoad(file, ours) {
  const found = findServer(SERVER)
  if (typeof found === 'string') throw new Error(found)
  const dir = mkdtempSync(join(tmpdir(), 'loading-'))
  const commands = join(dir, 'commands.resp')
  const {command, args} = ours('dump', file, '--format', 'resp', '--out', commands)
  execFileSync(command, args, {stdio: 'ignore'})
  const server = await startServer(SERVER)
  const cli = found.tool('cli')
  const asked = (/** @type {string[]} */ ...words) =>
    [cli.command, ...cli.args, '-p', String(server.port), ...words].map(one => `'${one}'`).join(' ')
  const emptied = (/** @type {import('./measure.js').Subject} */ subject, rest = '') => {
    const line = [subject.command, ...subject.args].map(one => `'${one}'`).join(' ')
    return {name: subject.name, command: 'bash', args: ['-c', `${asked('FLUSHALL')} && ${line} ${rest}`]}
  }
  const pipe = {
    name: 'redis-cli --pipe',
    command: cli.command,
    args: [...cli.args, '-p', String(server.port), '--pipe'],
  }
  const port = String(await freePort())
  const attached = `& ${asked('REPLICAOF', '127.0.0.1', port)}; wait $! && ${asked('REPLICAOF', 'NO', 'ONE')}`
  const subjects = [
    emptied(ours('load', file, `127.0.0.1:${server.port}`)),
    emptied({...ours('serve', file, '--port', port, '--once'), name: 'serve --once'}, attached),
    emptied(pipe, `< '${commands}'`),
  ]
  const stop = async () => {
    await server.stop()
    rmSync(dir, {recursive: true, force: true})
  }
  return {subjects, stop}
}
