/**
 * Damaged fixtures that check calls sound are sound: the server whose version they are of loads them, and holds what our
 * reader shows. Where check has nothing but warnings, the server loads them too. The checksum is zeroed, so that it hides
 * nothing. `npm run fuzz` does it in full.
 *
 *   RDBTOOL_MUTANTS=10000         mutants of each fixture that are checked
 *   RDBTOOL_MUTANTS_LOADED=500    of them, those that are loaded
 *   RDBTOOL_SEED=7                other mutants
 *   RDBTOOL_MUTANT_BYTES=100000   fixtures of more bytes are left out
 */
import {createHash} from 'node:crypto'
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
const BYTES_MAX = Number(process.env['RDBTOOL_MUTANT_BYTES'] ?? 20_000)
/** Mutants of a fixture that are told of. */
const WRONG_MAX = 10
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

/** Warnings of what some servers refuse, or all that are not told otherwise: nothing to be loaded. */
const NOT_FOR_ALL: ReadonlySet<string> = new Set(['TOO_NEW', 'VENDOR_ONLY', 'DATABASE_NUMBER'])

interface SoundMutant extends Mutant {
  /** Check finds nothing but the checksum that we have taken away. */
  clean: boolean
}

/** Mutants in which check finds no error, each once. */
async function soundMutants(fixture: Fixture): Promise<SoundMutant[]> {
  const sound: SoundMutant[] = []
  const seen = new Set<string>()
  for (const mutant of mutantsOf(fixture, SEED, MUTANTS, 'zeroed')) {
    const digest = createHash('sha1').update(mutant.bytes).digest('hex')
    if (seen.has(digest)) continue
    seen.add(digest)
    const {soundness, failure} = await checkSource(new MemorySource(mutant.bytes), {memoryBytes: 64 * 1024})
    if (failure !== undefined || soundness!.errors > 0) continue
    const codes = soundness!.problems.map(({code}) => code)
    if (codes.some(code => NOT_FOR_ALL.has(code))) continue
    sound.push({...mutant, clean: codes.every(code => code === 'CHECKSUM_ABSENT')})
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

/** What is wrong with a mutant that check took for sound. */
async function wrongWith({bytes, what, clean}: SoundMutant, loader: Loader): Promise<string | undefined> {
  const answers = await loader.load(bytes)
  if (typeof answers === 'string') return `${what}: the server refused it: ${answers}`
  if (!clean) return undefined
  const {golden} = await readGolden(new MemorySource(bytes), 'elements')
  const now = Date.now()
  const ours = held(golden.entries as GoldenEntry[], now)
  try {
    expect(held(answers.entries, now)).toMatchObject(ours)
    expect(answers.entries.length).toBeGreaterThanOrEqual(ours.length)
    expect(answers.functions).toEqual(golden.functions)
    return undefined
  } catch (error) {
    return `${what}: ${(error as Error).message}`
  }
}

describeEachServer('damage that check calls sound, in', name => {
  const own = wanted.filter(one => serverOf(one) === name)
  if (own.length === 0) return it.skip('another server takes them', () => {})
  it.each(own.map(one => [one.name, one] as const))(
    '%s',
    async (_, fixture) => {
      const loader = new Loader(name)
      const wrong: string[] = []
      try {
        for (const mutant of await soundMutants(fixture)) {
          const text = await wrongWith(mutant, loader)
          if (text !== undefined && wrong.push(text) === WRONG_MAX) break
        }
      } finally {
        await loader.stop()
      }
      expect(wrong.join('\n\n')).toBe('')
    },
    3_600_000,
  )
})
