/**
 * What a server takes to do what `build` does to a log: to load it and to save a snapshot.
 *
 *   node test/bench/load-and-save.js SERVER FOLDER       a copy of the folder's files is loaded
 */
import {cpSync, mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {startServer} from '../server/server.js'

const [name = '', log = ''] = process.argv.slice(2)
const dir = mkdtempSync(join(tmpdir(), 'rdbtool-load-'))
try {
  cpSync(log, join(dir, 'appendonlydir'), {recursive: true})
  const server = await startServer(name, {dir, config: {appendonly: 'yes', save: '', 'auto-aof-rewrite-percentage': 0}})
  await server.client.call('SAVE')
  await server.stop()
} finally {
  rmSync(dir, {recursive: true, force: true})
}
