/** diff: the same data in another form is the same. */
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {MemorySource} from '../../src/index.js'
import {build} from '../../src/jobs/build.js'
import {differencesOf} from '../reading/differences.js'
import {distinct, readable} from '../reading/fixtures.js'
import {jsonOfRdb} from '../reading/json-lines.js'
import {temporaryFolder} from '../start/folder.js'

const folder = temporaryFolder()

/** A key is there twice: nobody can say which of both counts. */
const TWINS = 'rdb-built/key-twice-v9.rdb'
const fixtures = readable.filter(({name}) => name !== TWINS && name.endsWith('.rdb'))
/** One pending entry that two consumers own, which JSON has no words for. */
const TWO_OWNERS = /stream-two-consumers/
const TARGETS = ['redis-2.6', 'redis-3.2', 'redis-6.2', 'redis-7.2', 'redis-8.10', 'valkey-8.1', 'valkey-9.1']
const options = {ignoreChecksum: true, nowMs: 0}

const same = async (before: string, after: string): Promise<void> => {
  const {result, lines} = await differencesOf(before, after, options)
  expect(lines).toEqual([])
  expect(result.equal).toBe(true)
}

describe('the same data is the same', () => {
  it.each(fixtures)('$name and itself', async ({path}) => {
    await same(path, path)
  })

  it.each(fixtures.filter(({name}) => !TWO_OWNERS.test(name)))('$name as JSON lines', async ({name, path, bytes}) => {
    const lines = folder.write(`${name.replaceAll('/', '-')}.jsonl`, await jsonOfRdb(new MemorySource(bytes)))
    await same(path, lines)
    await same(lines, path)
  })

  it.each(distinct.filter(one => fixtures.includes(one)))(
    '$name built anew for servers that can hold it',
    async ({name, path}) => {
      for (const target of TARGETS) {
        const out = join(folder.path, `${name.replaceAll('/', '-')}-${target}.rdb`)
        const built = await build([path], {out, target, reencode: true, ignoreChecksum: true}).catch(() => undefined)
        if (built !== undefined) await same(path, out)
      }
    },
  )
})
