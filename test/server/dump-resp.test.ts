/**
 * What dump writes as commands, sent to a real server: it must answer all of them well, and then hold what it would
 * hold had it loaded the file itself. Each server has its own files, and the built ones that it takes.
 */
import {expect, it} from 'vitest'
import type {RestoreRule} from '../../src/aof/rewrite.js'
import {CommandWriter} from '../../src/aof/rewrite.js'
import {ByteOutput} from '../../src/bytes/output.js'
import {MemoryTarget} from '../../src/bytes/target.js'
import {type EntrySource, MemorySource, openFile, RdbReader} from '../../src/index.js'
import {JsonReader} from '../../src/jsonl/reader.js'
import {WRITES} from '../fixtures/writers.js'
import {jsonOf} from '../reading/json-lines.js'
import {accepts, type BuiltMeta} from './acceptance.js'
import {describeEachServer} from './each-server.js'
import {type Fixture, readFixtures} from './goldens.js'
import {Loader} from './loader.js'
import {compare, type Snapshot, snapshot} from './oracle.js'
import {send} from './send.js'
import {type Server, startServer} from './server.js'

interface Commands {
  bytes: Uint8Array
  losses: readonly {what: string; count: number}[]
}

async function commandsOf(source: EntrySource, restore: RestoreRule): Promise<Commands> {
  const target = new MemoryTarget()
  const writer = new CommandWriter(new ByteOutput(target), restore, await source.origin(), source.format === 'rdb')
  try {
    await source.run(writer)
  } finally {
    await source.close()
  }
  writer.finish()
  return {bytes: target.view(), losses: writer.losses}
}

interface Meta {
  product: string
}

/** The files that a server wrote itself, and what is built and loaded by it. */
function fixturesOf(name: string): {name: string; path: string}[] {
  const ending = new RegExp(`-${WRITES[name]}$`)
  const own = readFixtures<Meta>('rdb').filter(one => ending.test(one.name))
  const built = readFixtures<BuiltMeta>('rdb-built').filter(
    (one: Fixture<BuiltMeta>) => name === 'redis-8.0' && accepts(name, one.golden.meta),
  )
  return [...own, ...built]
}

/** Servers drop these on loading; as commands they would end in an error, or be gone as well. */
const WITHOUT_COMMANDS = /module-vectorset|slot-import/

/** The databases that some need. */
const SETTINGS = {databases: 20_000}
/**
 * What is loaded by a process of its own. Small integers are one object for all keys, and keep an idle time as long as the
 * process lives; and a Loader keeps what has expired.
 */
const ALONE = /^(lru|lfu|attributes|hash-ttl-past)-/

/** What a server holds that loaded the file. */
async function loaded(loader: Loader, {name: title, path}: {name: string; path: string}): Promise<Snapshot> {
  if (!ALONE.test(title)) return await snapshot(await loader.load(path))
  const server = await startServer(loader.name, {rdb: path, config: SETTINGS})
  try {
    return await snapshot(server)
  } finally {
    await server.stop()
  }
}

async function emptied(server: Server): Promise<void> {
  await server.client.call('FLUSHALL')
  if (Number.parseFloat(server.version) >= 7) await server.client.call('FUNCTION', 'FLUSH')
}

describeEachServer('commands for', name => {
  const fixtures = fixturesOf(name).filter(one => !WITHOUT_COMMANDS.test(one.name))

  it('make what its files hold, by any rule, from RDB and from JSON', {timeout: 300_000}, async () => {
    const server = await startServer(name, {config: SETTINGS})
    const loader = new Loader(name, SETTINGS)
    try {
      for (const fixture of fixtures) {
        const {name: title, path} = fixture
        const original = await loaded(loader, fixture)
        const rdb = async (): Promise<EntrySource> => new RdbReader(await openFile(path), {ignoreChecksum: true})
        const sources: [string, RestoreRule, () => Promise<EntrySource>][] = [
          ['auto', 'auto', rdb],
          ['always', 'always', rdb],
          ['from JSON', 'auto', async () => new JsonReader(new MemorySource(Buffer.from(await jsonOf(await rdb()))))],
        ]
        for (const [way, rule, open] of sources) {
          // RESTORE keeps a hash whose fields have all expired, loading does not.
          if (rule === 'always' && title.startsWith('hash-ttl-past')) continue
          await emptied(server)
          const {bytes, losses} = await commandsOf(await open(), rule)
          const errors = await send(server.port, bytes)
          const lines = compare(original, await snapshot(server), {clocks: false})
          if (errors.length > 0 || lines.length > 0 || losses.length > 0) {
            expect({title, way, errors: errors.slice(0, 5), lines: lines.slice(0, 10), losses}).toEqual({title, way})
          }
        }
      }
    } finally {
      await Promise.all([server.stop(), loader.stop()])
    }
  })
})
