/** Logs for the tests of what is made of them: in a folder, and in a file. */
import {mkdtempSync, readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect} from 'vitest'
import {MemoryTarget} from '../../src/index.js'
import {dump} from '../../src/jobs/dump.js'
import {hex, str} from '../fixtures/builder.js'
import {temporaryFolder} from '../start/folder.js'
import {sets, writeLog} from '../start/log.js'
import {RdbFile, text} from '../start/rdb.js'

export const folder = temporaryFolder()
export const newFolder = (): string => mkdtempSync(join(folder.path, 'rewrite-'))

export const BASE = 'appendonly.aof.1.base.rdb'
export const INCR = 'appendonly.aof.1.incr.aof'

export function snapshot(version: number, mark: string): Buffer {
  const file = new RdbFile('REDIS', version).op(0xfa, str(mark), hex(0xc0, 1)).db(0)
  return file.key(0, 'base', text('v')).end()
}

/** A folder with a snapshot and a file of commands. */
export function folderLog(
  commands = sets('a', 'b', 'a'),
  base: Uint8Array | string = snapshot(10, 'aof-base'),
): string {
  return writeLog(join(newFolder(), 'appendonlydir'), {[BASE]: base, [INCR]: commands})
}

export function fileLog(content: Uint8Array | string = sets('a', 'b', 'a')): string {
  const path = join(newFolder(), 'appendonly.aof')
  writeFileSync(path, content)
  return path
}

/** Keys of a source, in their order. */
export async function keysOf(path: string): Promise<string> {
  const target = new MemoryTarget()
  const {failure} = await dump(path, target, {format: 'keys'})
  expect(failure).toBeUndefined()
  return Buffer.from(target.view()).toString().trim().replaceAll('\n', ' ')
}

export const names = (path: string): string => readdirSync(path).sort().join(' ')
export const start = (path: string): string => readFileSync(path, 'latin1').slice(0, 9)
