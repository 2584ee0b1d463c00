/** The same data through real servers: written anew by every version, as a log of either form; diff sees no difference. */
import {cpSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {afterAll, expect, it} from 'vitest'
import {openFile, RdbReader} from '../../src/index.js'
import {build} from '../../src/jobs/build.js'
import type {DiffOptions} from '../../src/jobs/diff.js'
import {differencesOf} from '../reading/differences.js'
import {jsonOf} from '../reading/json-lines.js'
import {temporaryFolder} from '../start/folder.js'
import {describeEachServer} from './each-server.js'
import {readFixtures} from './goldens.js'
import {Loader} from './loader.js'
import {startServer} from './server.js'

const folder = temporaryFolder()
/** Written by the oldest server that there is: all others take them. */
const OLDEST = /-v9$/
/** Past their expiry, keys go when they are loaded; what one server alone knows; what says nothing about keys. */
const ELSEWHERE = /expiry-past|module|slot|cluster|aof|aux|idle|lru|lfu|frequency|databases-many|^empty/
const fixtures = readFixtures<object>('rdb').filter(({name}) => OLDEST.test(name) && !ELSEWHERE.test(name))

/** A server's log of commands does not carry what is pending of entries that are deleted: that is found. */
const LOST_BY_LOGS: Readonly<Record<string, string[]>> = {'stream-groups-v9': ['only-pending', 'pending-of-deleted']}

const same = async (before: string, after: string, options: Partial<Omit<DiffOptions, 'sink'>> = {}): Promise<void> => {
  const {lines} = await differencesOf(before, after, options)
  expect({before, lines}).toEqual({before, lines: []})
}

describeEachServer('the same in', name => {
  const loader = new Loader(name)
  afterAll(() => loader.stop())

  it('another version, JSON lines of it, and built for it', {timeout: 180_000}, async () => {
    expect(fixtures.length).toBeGreaterThan(20)
    for (const {name: title, path} of fixtures) {
      const server = await loader.load(path)
      const out = folder.write(`${name}-${title}.rdb`, readFileSync(await server.save()))
      await same(path, out)
      const lines = folder.write('lines.jsonl', await jsonOf(new RdbReader(await openFile(out))))
      await same(path, lines)
      const built = join(folder.path, `${name}-${title}-built.rdb`)
      await build([lines], {out: built, target: name === 'redict-7.3' ? 'redis-7.2' : name})
      await same(path, built)
    }
  })

  it.each(['yes', 'no'])('an append-only log, its snapshot before it: %s', {timeout: 180_000}, async preamble => {
    for (const {name: title, path} of fixtures) {
      const server = await startServer(name, {rdb: path, config: {'aof-use-rdb-preamble': preamble}})
      const log = join(folder.path, `${name}-${title}-${preamble}`)
      try {
        await server.client.call('CONFIG', 'SET', 'appendonly', 'yes')
        await rewritten(server)
        const single = Number(/\d+\.\d+/.exec(server.version)![0]) < 7
        cpSync(join(server.dir, single ? 'appendonly.aof' : 'appendonlydir'), single ? `${log}.aof` : log, {
          recursive: true,
        })
        // A log of commands has no idle consumers before redis 6.2 (XGROUP CREATECONSUMER).
        const options = preamble === 'no' && name === 'redis-6.0' ? {ignore: ['consumers'] as const} : {}
        const lost = preamble === 'no' ? (LOST_BY_LOGS[title] ?? []) : []
        const {lines} = await differencesOf(path, single ? `${log}.aof` : log, options)
        expect({title, lines: lines.map(({key}) => key)}).toEqual({title, lines: lost})
        for (const {differences} of lines)
          expect(differences).toEqual([expect.objectContaining({what: 'pending', id: '1-0'})])
      } finally {
        await server.stop()
      }
    }
  })
})

/** Waits until the first log has been written. */
async function rewritten(server: Awaited<ReturnType<typeof startServer>>): Promise<void> {
  for (let i = 0; i < 500; i++) {
    const info = String(await server.client.call('INFO', 'persistence'))
    if (/aof_rewrite_in_progress:0/.test(info) && /aof_rewrite_scheduled:0/.test(info) && /aof_enabled:1/.test(info))
      return
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  throw new Error('the log is not rewritten')
}
