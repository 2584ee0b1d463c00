/** Logs that we write: a server that starts from one holds what it holds that loads what we made it of. */
import {mkdirSync, mkdtempSync, readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {expect, it} from 'vitest'
import type {LogBase} from '../../src/aof/naming.js'
import {buildLog} from '../../src/jobs/build-log.js'
import {type RewriteOptions, rewriteLog} from '../../src/jobs/rewrite-log.js'
import {type Files, unpackFolder} from '../fixtures/aof-folder.js'
import {WRITES} from '../fixtures/writers.js'
import {temporaryFolder} from '../start/folder.js'
import {describeEachServer} from './each-server.js'
import {readFixtures} from './goldens.js'
import * as oracle from './oracle.js'
import {comparedAsLogs, logIn, runThroughServer} from './replay-random.js'

const ROOT = fileURLToPath(new URL('../../fixtures/aof', import.meta.url))
const LOGS: {name: string; files: Files; meta: {appendfilename: string}}[] = readdirSync(ROOT).map(file => {
  return {name: file.slice(0, -5), ...JSON.parse(readFileSync(join(ROOT, file), 'utf8'))}
})
const BASES: LogBase[] = ['snapshot', 'commands']
const RANDOM_COMMANDS = Number(process.env['RDBTOOL_REPLAY_COMMANDS'] ?? 10_000)
const SEED = Number(process.env['RDBTOOL_SEED'] ?? 20_261_127)
/** Some files have more than servers have unless told. */
const DATABASES = 20_000
/** What stands around values and keys: how values themselves are stored, writer.test.ts and dump-resp.test.ts prove. */
const CHOSEN =
  /^(stream-groups|stream-deleted|functions|expiry|databases|databases-many|lru|lfu|cluster|hash-.*-ttl|zset-skiplist|list-.*-big)-v/

const folder = temporaryFolder()
const newFolder = (): string => mkdtempSync(join(folder.path, 'server-'))

/** Rewrites a log to where its server would keep it, in a folder of its own. */
async function rewritten(name: string, log: string, options: RewriteOptions): Promise<string> {
  const out = logIn(newFolder(), name)
  await rewriteLog(log, {out, ...options})
  return out
}

describeEachServer('a log rewritten for', name => {
  // As servers before 5.0 log it, one of them holds a script.
  const mine = LOGS.filter(one => one.name.endsWith(`-${WRITES[name]}`) && !/upgraded/.test(one.name))
  const named = mine.filter(one => !/name-quoted/.test(one.name))

  it.each(named)('$name holds the same', async ({files}) => {
    const dir = newFolder()
    unpackFolder(files, dir)
    const log = logIn(dir, name)
    const original = await oracle.loaded(name, log)
    const forms: RewriteOptions[] = [{}, {preamble: false}, {target: name}, {target: name, preamble: false}]
    for (const options of forms) {
      const ours = await oracle.loaded(name, await rewritten(name, log, options))
      expect(comparedAsLogs(original, ours), JSON.stringify(options)).toEqual([])
    }
  })

  it('of random commands holds the same', {timeout: 120_000}, async () => {
    const run = {name, seed: SEED, commands: RANDOM_COMMANDS, config: {}, rewrite: true}
    const found = await runThroughServer(run, async (_, log) => {
      const original = await oracle.loaded(name, log)
      const forms: RewriteOptions[] = [{}, {preamble: false}]
      const lines: string[] = []
      for (const options of forms) {
        const ours = await oracle.loaded(name, await rewritten(name, log, options))
        lines.push(...comparedAsLogs(original, ours))
      }
      return lines
    })
    expect(found, `${name}, seed ${SEED}`).toEqual([])
  })

  it.each(mine)('$name holds the same in its place', async ({name: title, files, meta: {appendfilename}}) => {
    const [dir, other] = [newFolder(), newFolder()]
    for (const one of [dir, other]) unpackFolder(files, one)
    const [log, ours] = [logIn(dir, name), logIn(other, name)]
    const {backup} = await rewriteLog(ours, {inPlace: true})
    const config = {appendfilename: `"${appendfilename}"`}
    const original = await oracle.loaded(name, log, config)
    const differences = async (path: string): Promise<string[]> =>
      oracle.compare(original, await oracle.loaded(name, path, config), {clocks: false, idle: false})
    expect(await differences(ours)).toEqual([])
    if (name === 'redis-6.0') return
    // What was there before is a log as well.
    const kept = join(newFolder(), 'appendonlydir')
    mkdirSync(kept)
    unpackFolder(
      Object.fromEntries(
        readdirSync(backup!).map(file => [file, {base64: readFileSync(join(backup!, file), 'base64')}]),
      ),
      kept,
    )
    expect(await differences(kept), title).toEqual([])
  })
})

describeEachServer('a log built of a snapshot for', name => {
  const ending = new RegExp(`-${WRITES[name]}$`)
  const mine = readFixtures<object>('rdb').filter(one => ending.test(one.name) && CHOSEN.test(one.name))

  it.each(mine)('$name holds the same', {timeout: 60_000}, async ({path}) => {
    const original = await oracle.loaded(name, path, {databases: DATABASES})
    for (const base of BASES) {
      const out = logIn(newFolder(), name)
      const form = name === 'redis-6.0' ? 'file' : 'folder'
      await buildLog([path], {out, form, base, ignoreChecksum: true})
      const ours = await oracle.loaded(name, out, {databases: DATABASES})
      const options = base === 'commands' ? {clocks: false, idle: false} : {}
      expect(oracle.compare(original, ours, options), base).toEqual([])
    }
  })
})
