/** Folders that somebody takes for a log: what is said of them. */
import {mkdirSync, mkdtempSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {openChain} from '../../src/aof/chain.js'
import {temporaryFolder} from '../start/folder.js'

const folder = temporaryFolder()

function folderWith(...names: string[]): string {
  const dir = mkdtempSync(join(folder.path, 'dir-'))
  for (const name of names) {
    if (name.endsWith('dir')) mkdirSync(join(dir, name))
    else writeFileSync(join(dir, name), '')
  }
  return dir
}

describe('a folder without a manifest', () => {
  it.each([
    [['dump.rdb', 'appendonly.aof', 'appendonlydir'], 'no append-only one', 'appendonlydir'],
    [['dump.rdb', 'appendonly.aof'], 'no append-only one', 'appendonly.aof'],
    [['a.1.incr.aof', 'a.1.base.rdb'], 'a part of a log, a.1.', 'restore the manifest'],
  ])('with %j: what to name, or to do', async (names, text, advice) => {
    const dir = folderWith(...names)
    const error = await openChain(dir).catch(failure => failure)
    expect(error).toMatchObject({code: 'UNKNOWN_CONTAINER', message: expect.stringContaining(text)})
    expect(error.advice).toContain(advice.startsWith('append') ? `name ${join(dir, advice)}` : advice)
  })

  it('with nothing of a log has no advice of its own', async () => {
    const error = await openChain(folderWith('dump.rdb')).catch(failure => failure)
    expect(error).toMatchObject({code: 'UNKNOWN_CONTAINER', advice: undefined})
  })
})
