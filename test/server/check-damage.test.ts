/**
 * Damaged fixtures that check calls sound are sound: the server whose version they are of loads them, and holds what our
 * reader shows. The checksum is zeroed, so that it hides nothing.
 *
 *   RDBTOOL_MUTANTS=10000        mutants of each fixture that are checked
 *   RDBTOOL_MUTANTS_LOADED=500   of them, those that are loaded
 *   RDBTOOL_SEED=7               other mutants
 */
import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {MemorySource} from '../../src/index.js'
import {checkSource} from '../../src/jobs/check.js'
import {snapshot} from '../fixtures/snapshot.js'
import {type Mutant, mutantsOf} from '../jobs/mutants.js'
import {type Fixture, fixtures} from '../reading/fixtures.js'
import {readGolden} from '../reading/golden.js'
import {accepts, type BuiltMeta} from './acceptance.js'
import {describeEachServer} from './each-server.js'
import {comparable, type GoldenEntry} from './goldens.js'
import {type Server, startServer} from './server.js'

const MUTANTS = Number(process.env['RDBTOOL_MUTANTS'] ?? 60)
const LOADED = Number(process.env['RDBTOOL_MUTANTS_LOADED'] ?? 3)
const SEED = Number(process.env['RDBTOOL_SEED'] ?? 6)
const BYTES_MAX = 20_000
/** One server of each range of versions: the others would say the same again. */
const SERVERS = ['redis-7.0', 'redis-8.0', 'valkey-9.1']

/**
 * Not judged: what a module makes of its data, and whether Lua takes a source. One needs a cluster, and one has fields that
 * the server drops while it is asked.
 */
const UNJUDGED = /module|functions|function-v10|slot-import|hash-ttl-past/

/** The first of the servers that takes the fixture. */
function serverOf({name, golden}: Fixture): string | undefined {
  if (!/^rdb(-built)?\//.test(name) || UNJUDGED.test(name)) return undefined
  const rdbVersion = Number(/-v(\d+)/.exec(name)![1])
  const types = [...new Set(golden.entries.map(one => one.rdbType))]
  const magic = rdbVersion >= 80 ? 'VALKEY' : 'REDIS'
  const told = {note: '', magic, rdbVersion, types, opcodes: [], refusedBy: []} as BuiltMeta
  const meta = name.startsWith('rdb-built/') ? (golden.meta as unknown as BuiltMeta) : told
  return SERVERS.find(one => accepts(one, meta))
}

/** Mutants in which check finds nothing but the checksum that we have taken away. */
async function soundMutants(fixture: Fixture): Promise<Mutant[]> {
  const sound: Mutant[] = []
  for (const mutant of mutantsOf(fixture, SEED, MUTANTS, 'zeroed')) {
    const {soundness, failure} = await checkSource(new MemorySource(mutant.bytes), {memoryBytes: 64 * 1024})
    const clean = failure === undefined && soundness!.problems.every(({code}) => code === 'CHECKSUM_ABSENT')
    if (clean) sound.push(mutant)
  }
  // Spread over all, so that a few of many are no worse than the first of many.
  const step = Math.max(sound.length / LOADED, 1)
  return Array.from({length: Math.min(LOADED, sound.length)}, (_, i) => sound[Math.floor(i * step)]!)
}

/** Loads one file after another into one process, as long as that lives. */
class Loader {
  #server: Server | undefined

  constructor(readonly name: string) {}

  /** What the server holds then, or its last words. */
  async load(bytes: Uint8Array): Promise<{entries: GoldenEntry[]; functions: unknown[]} | string> {
    const config = {databases: 16, 'repl-diskless-load': 'disabled'}
    this.#server ??= await startServer(this.name, {config})
    const server = this.#server
    writeFileSync(join(server.dir, 'dump.rdb'), bytes)
    try {
      await server.client.call('DEBUG', 'RELOAD', 'NOSAVE')
      const {entries, functions} = await snapshot(server)
      return {entries: entries as GoldenEntry[], functions}
    } catch (error) {
      await this.stop()
      return `${(error as Error).message}\n${server.log().trim().split('\n').slice(-12).join('\n')}`
    }
  }

  async stop(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    await server?.stop()
  }
}

/** What means nothing: the order of a sorted set, of groups and consumers; how an integer beyond 2^53 is told. */
function held(entries: GoldenEntry[], nowMs: number): GoldenEntry[] {
  const plain = (_: string, one: unknown): unknown => {
    if (typeof one === 'bigint') return `${one}`
    return Array.isArray(one) && one.every(each => each?.name !== undefined) ? sorted(one) : one
  }
  return (JSON.parse(JSON.stringify(comparable(entries, nowMs), plain)) as GoldenEntry[]).map(entry =>
    entry.type === 'zset' ? {...entry, value: sorted(entry.value)} : entry,
  )
}

/** By their text: a name stands in it before all that differs. */
function sorted(all: readonly unknown[]): unknown[] {
  const name = (one: unknown): string => JSON.stringify((one as {name?: unknown}).name ?? one)
  return all.toSorted((a, b) => (name(a) < name(b) ? -1 : 1))
}

const wanted = fixtures.filter(one => one.bytes.length < BYTES_MAX)

describeEachServer('damage that check calls sound, in', name => {
  const own = wanted.filter(one => serverOf(one) === name)
  if (own.length === 0) return it.skip('another server takes them', () => {})
  it.each(own.map(one => [one.name, one] as const))(
    '%s',
    async (_, fixture) => {
      const loader = new Loader(name)
      try {
        for (const {bytes, what} of await soundMutants(fixture)) {
          const answers = await loader.load(bytes)
          if (typeof answers === 'string') expect.fail(`${what}: the server refused it: ${answers}`)
          const {golden} = await readGolden(new MemorySource(bytes), 'elements')
          const now = Date.now()
          const ours = held(golden.entries as GoldenEntry[], now)
          expect(held(answers.entries, now), what).toMatchObject(ours)
          expect(answers.entries.length, what).toBeGreaterThanOrEqual(ours.length)
          expect(answers.functions, what).toEqual(golden.functions)
        }
      } finally {
        await loader.stop()
      }
    },
    900_000,
  )
})
