/**
 * What a server takes to do what `build` and `aof-rewrite` do to a log: to load it, and to write what it holds.
 *
 *   node test/bench/load-and-write.js SERVER FOLDER snapshot|log      a copy of the folder's files is loaded
 */
import {cpSync, mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {startServer} from '../server/server.js'

const [name = '', log = '', what = ''] = process.argv.slice(2)
const dir = mkdtempSync(join(tmpdir(), 'rdbtool-load-'))
try {
  cpSync(log, join(dir, 'appendonlydir'), {recursive: true})
  const config = {appendonly: 'yes', save: '', 'auto-aof-rewrite-percentage': 0}
  const {client, stop} = await startServer(name, {dir, config})
  if (what === 'log') {
    await client.call('BGREWRITEAOF')
    for (let busy = true; busy; await sleep(10)) {
      busy = !/aof_rewrite_in_progress:0/.test(String(await client.call('INFO', 'persistence')))
    }
  } else {
    await client.call('SAVE')
  }
  await stop()
} finally {
  rmSync(dir, {recursive: true, force: true})
}
