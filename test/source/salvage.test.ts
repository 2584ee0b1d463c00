/** A salvaged log is for the server that the log was for. */
import {chmodSync, chownSync, readdirSync, statSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {salvageLog} from '../../src/source/salvage.js'
import {temporaryFolder} from '../start/folder.js'
import {sets, writeLog} from '../start/log.js'

const folder = temporaryFolder()

it('belongs to whom the log belongs, and is for those to read who may read that', async () => {
  const log = writeLog(join(folder.path, 'log'), {'appendonly.aof.1.incr.aof': `${sets('a')}*1`})
  for (const path of readdirSync(log).map(name => join(log, name))) {
    chmodSync(path, 0o640)
    if (process.getuid!() === 0) chownSync(path, 12_345, 54_321)
  }
  const out = join(folder.path, 'out')
  await salvageLog(log, out)
  for (const name of ['.', ...readdirSync(out)]) {
    const {mode, uid, gid} = statSync(join(out, name))
    expect((mode & 0o777).toString(8)).toBe(name === '.' ? '750' : '640')
    if (process.getuid!() === 0) expect([uid, gid]).toEqual([12_345, 54_321])
  }
})
