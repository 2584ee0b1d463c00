/**
 * What check --target says that a server will do is what it does: it is started from fixtures of every producer, from damaged
 * ones, from ones that are cut short, and from packed values that it unpacks at once, and must load as many keys, refuse or
 * crash as was said. `npm run fuzz` does it with many more. Not judged is what Lua makes of the bodies of functions and scripts, and what the prediction itself calls unsure:
 * how often that was is told on standard error.
 *
 *   RDBTOOL_TARGET_MUTANTS=20   damaged files of each fixture that the server loads whole
 *   RDBTOOL_SEED=7              other ones
 */
import {expect, it} from 'vitest'
import {type LoadPrediction, predictLoad} from '../../src/index.js'
import {Dice, mutantsOf} from '../jobs/mutants.js'
import {type Fixture, fixtures} from '../reading/fixtures.js'
import {describeEachServer} from './each-server.js'
import {largeFiles} from './large-values.js'
import {type Start, Starter} from './start-from.js'

const FULL = Number(process.env['RDBTOOL_TARGET_MUTANTS'] ?? 0)
const SEED = Number(process.env['RDBTOOL_SEED'] ?? 6)
/** Unless all are wanted: of the servers' own files, every so manieth. */
const STEP = 6
/** And so many damaged files in all. */
const DAMAGED = 30
const BYTES_MAX = 20_000
const AT_ONCE = 2
const LUA = /Failed loading library|Can't load Lua script/

interface File {
  what: string
  bytes: Uint8Array
}

const snapshots = fixtures.filter(one => /^rdb(-built)?\//.test(one.name) && one.bytes.length < BYTES_MAX)

/** Whole ones: each that is built, and the servers' own. */
function wholeFiles(server: number): File[] {
  const chosen = (one: Fixture, index: number): boolean =>
    FULL > 0 || one.name.startsWith('rdb-built') || index % STEP === server % STEP
  return snapshots.filter(chosen).map(({name, bytes}) => ({what: name, bytes}))
}

/** Some bytes changed, left out or put in, with the checksum zeroed or as it was; or the end missing. */
function* damagedFiles(fixture: Fixture, seed: number, count: number): Generator<File> {
  const dice = new Dice(seed)
  const {name, bytes} = fixture
  for (const mutant of mutantsOf(fixture, seed, count, 'zeroed')) yield {...mutant, what: `${name}: ${mutant.what}`}
  for (let i = 0; i < count / 8; i++) {
    const end = dice.below(bytes.length)
    yield {what: `${name}: cut at byte ${end}`, bytes: bytes.slice(0, end)}
  }
  for (const mutant of mutantsOf(fixture, seed + 1, Math.ceil(count / 16), 'kept')) {
    yield {...mutant, what: `${name}: checksum kept, ${mutant.what}`}
  }
}

async function damagedOf(target: string, server: number): Promise<File[]> {
  const loaded: Fixture[] = []
  for (const one of snapshots) {
    if (one.name.endsWith('.aof')) continue
    const {verdict} = await predictLoad(one.bytes, target)
    if (verdict === 'loads' || verdict === 'skips') loaded.push(one)
  }
  const files = loaded.flatMap((one, index) => [...damagedFiles(one, SEED * 1000 + 10 * index + server, FULL || 3)])
  if (FULL > 0) return files
  return Array.from({length: DAMAGED}, (_, i) => files[Math.floor((i * files.length) / DAMAGED)]!)
}

/** What is wrong with a prediction; nothing where it came true, or did not commit itself. */
function wrongWith(said: LoadPrediction, is: Start): string | undefined {
  const {verdict, keys, obstacles, unseen} = said
  if (verdict === 'unsure') return undefined
  const scripted = unseen.includes('functions') || unseen.includes('scripts')
  if (scripted && LUA.test(is.log)) return undefined
  const same = verdict === is.verdict || (verdict === 'skips' && is.verdict === 'loads')
  const all = is.expired < 0 || (keys.expired === is.expired && keys.empty === is.empty)
  if (same && (is.verdict !== 'loads' || (keys.loaded === is.keys && all))) return undefined
  const told = `${verdict} ${JSON.stringify(keys)} ${JSON.stringify(obstacles.map(one => one.text))}`
  return `${told}, but it ${is.verdict}: ${is.keys} keys\n${is.log.split('\n').slice(-25).join('\n')}`
}

describeEachServer('check --target of', name => {
  it('comes true', async () => {
    const server = ['redis-6.0', 'redis-7.0', 'redis-8.0', 'redict-7.3', 'valkey-8.0', 'valkey-8.1'].indexOf(name) + 1
    const large = [...largeFiles(SEED + server, FULL || 2)].filter((_, i) => FULL > 0 || i % 2 === server % 2)
    const files = [...wholeFiles(server), ...(await damagedOf(name, server)), ...large]
    const starter = new Starter(name)
    const wrong: string[] = []
    const counts: Record<string, number> = {}
    const work = async (): Promise<void> => {
      for (let file = files.pop(); file !== undefined; file = files.pop()) {
        const said = await predictLoad(file.bytes, name)
        const is = await starter.start(file.bytes)
        const outcome = said.verdict === 'unsure' ? `unsure (${is.verdict})` : said.verdict
        counts[outcome] = (counts[outcome] ?? 0) + 1
        const text = wrongWith(said, is)
        if (text !== undefined) wrong.push(`${file.what}: ${text}`)
      }
    }
    try {
      await Promise.all(Array.from({length: AT_ONCE}, work))
    } finally {
      starter.close()
    }
    process.stderr.write(`check --target ${name}: ${JSON.stringify(counts)}\n`)
    expect(wrong.slice(0, 10).join('\n\n')).toBe('')
  }, 3_600_000)
})
