/** `build` in its ways, and what it is compared with: the server's own check, which writes nothing. */
import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {inspectingPeers} from './peers.js'

/**
 * @param {string} file
 * @param {string} memory a folder in memory, or empty
 * @param {(name: string, ...args: string[]) => import('./measure.js').Subject} ours
 * @param {boolean} sort
 */
export async function prepareBuild(file, memory, ours, sort) {
  const folder = mkdtempSync(join(memory === '' ? tmpdir() : memory, 'built-'))
  const into = ['--out', join(folder, 'out.rdb'), '--force']
  const ways = sort
    ? [ours('build --sort', 'build', file, ...into, '--sort')]
    : [
        ours('build', 'build', file, ...into),
        // Standard output is thrown away here: what is left is reading, verifying and copying.
        ours('build to nowhere', 'build', file, '--out', '-'),
        ours('build --reencode', 'build', file, ...into, '--reencode'),
        // Ziplists in the place of listpacks, streams of the oldest form.
        ours('build for 6.2', 'build', file, ...into, '--target', 'redis-6.2', '--allow-loss'),
      ]
  return {
    subjects: [...ways, ...inspectingPeers(file).filter(({name}) => name === 'redis-check-rdb')],
    stop: async () => rmSync(folder, {recursive: true, force: true}),
  }
}
