/**
 * `diff` of a file and of what a real server makes of it: the same data, its members and fields in another order, as after
 * every restart. Beside it stands one look at both, `inspect`; no peer compares by meaning.
 */
import {copyFileSync, mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {startServer} from '../server/server.js'

/**
 * @param {string} file
 * @param {string} memory a folder in memory, or empty
 * @param {(name: string, ...args: string[]) => import('./measure.js').Subject} ours
 */
export async function prepareDiff(file, memory, ours) {
  const folder = mkdtempSync(join(memory === '' ? tmpdir() : memory, 'compared-'))
  const other = join(folder, 'other.rdb')
  const server = await startServer('redis-7.0', {rdb: file})
  try {
    copyFileSync(await server.save(), other)
  } finally {
    await server.stop()
  }
  return {
    subjects: [
      ours('inspect both', 'inspect', file, other),
      ours('diff', 'diff', file, other),
      ours('diff --threads 1', 'diff', file, other, '--threads', '1'),
      ours('diff --memory 64mb', 'diff', file, other, '--memory', '64mb'),
    ],
    stop: async () => rmSync(folder, {recursive: true, force: true}),
  }
}
