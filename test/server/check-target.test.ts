/**
 * What check --target says that a server will do is what it does: it is started from fixtures of every producer, from damaged
 * ones, from ones that are cut short, under the header of another, or two in one, from records in any order, and from packed
 * values that it unpacks at once, and must load as many keys, refuse or crash as was said. `npm run fuzz` does it with many
 * more, and `npm run soak` with other ones. Not judged is what Lua makes of the bodies of functions and scripts, and what the
 * prediction itself calls unsure: how often that was is told on standard error, and why.
 *
 *   RDBTOOL_TARGET_MUTANTS=20   damaged files of each fixture, and twenty times as many of records in any order
 *   RDBTOOL_TARGET_MINUTES=5    no start of a server begins later than that; files are taken in any order
 *   RDBTOOL_SEED=7              other ones
 */
import {expect, it} from 'vitest'
import {type LoadPrediction, predictLoad} from '../../src/index.js'
import {Dice} from '../jobs/mutants.js'
import {type Fixture, fixtures} from '../reading/fixtures.js'
import {describeEachServer} from './each-server.js'
import {largeFiles} from './large-values.js'
import {type Start, Starter} from './start-from.js'
import {everyCut, KINDS, recordFiles, shuffled, type TargetFile} from './target-files.js'

const FULL = Number(process.env['RDBTOOL_TARGET_MUTANTS'] ?? 0)
const MINUTES = Number(process.env['RDBTOOL_TARGET_MINUTES'] ?? Number.POSITIVE_INFINITY)
const SEED = Number(process.env['RDBTOOL_SEED'] ?? 6)
/** Unless all are wanted: of the servers' own files, every so manieth. */
const STEP = 6
/** And so many damaged files in all, and of records in any order. */
const DAMAGED = 40
const RECORDS = 30
const RECORDS_PER_MUTANT = 20
const BYTES_MAX = 20_000
/** Of fixtures so small every cut is tried, where all are wanted. */
const CUT_BYTES_MAX = 100
const AT_ONCE = 2
const LUA = /Failed loading library|Can't load Lua script/
const SERVERS = ['redis-6.0', 'redis-7.0', 'redis-8.0', 'redict-7.3', 'valkey-8.0', 'valkey-8.1', 'valkey-9.1']

const snapshots = fixtures.filter(one => /^rdb(-built)?\//.test(one.name) && one.bytes.length < BYTES_MAX)
/** Which end where an RDB does. */
const alone = snapshots.filter(one => !/\.aof$|bytes-after-end/.test(one.name))

/** Whole ones: each that is built, and the servers' own. */
function wholeFiles(server: number): TargetFile[] {
  const chosen = (one: Fixture, index: number): boolean =>
    FULL > 0 || one.name.startsWith('rdb-built') || index % STEP === server % STEP
  return snapshots.filter(chosen).map(({name, bytes}) => ({what: name, bytes}))
}

/** Of fixtures that the server loads; of one that it refuses at once, one in so many. */
async function damagedOf(target: string, server: number): Promise<TargetFile[]> {
  const files: TargetFile[] = []
  for (const [index, one] of alone.entries()) {
    const {verdict} = await predictLoad(one.bytes, target)
    const isLoaded = verdict === 'loads' || verdict === 'skips'
    const count = isLoaded ? FULL || 3 : Math.ceil(FULL / 4)
    const dice = new Dice(SEED * 1000 + 10 * index + server)
    for (const make of Object.values(KINDS)) {
      for (const {what, bytes} of make(one, dice, count, alone)) files.push({what: `${one.name}: ${what}`, bytes})
    }
  }
  if (FULL > 0) return files
  return Array.from({length: DAMAGED}, (_, i) => files[Math.floor((i * files.length) / DAMAGED)]!)
}

async function filesFor(name: string): Promise<TargetFile[]> {
  const server = SERVERS.indexOf(name)
  const large = [...largeFiles(SEED + server, FULL || 2)].filter((_, i) => FULL > 0 || i % 2 === server % 2)
  const records = recordFiles(SEED * 1000 + server, FULL * RECORDS_PER_MUTANT || RECORDS)
  return [...wholeFiles(server), ...(await damagedOf(name, server)), ...large, ...records]
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

/** Starts servers from the files, as long as there is time, and tells what was wrong. */
async function tryAll(name: string, all: readonly TargetFile[]): Promise<string> {
  const files = shuffled(all, SEED)
  const starter = new Starter(name)
  const until = Date.now() + MINUTES * 60_000
  const wrong: string[] = []
  const counts: Record<string, number> = {}
  const work = async (): Promise<void> => {
    while (Date.now() < until) {
      const file = files.pop()
      if (file === undefined) return
      const said = await predictLoad(file.bytes, name)
      const is = await starter.start(file.bytes)
      const why = said.verdict === 'unsure' ? ` (${is.verdict}: ${said.obstacles[0]!.text.replace(/\d+/g, 'N')})` : ''
      const outcome = `${said.verdict}${why}`
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
  const tried = `${all.length - files.length} of ${all.length} files of seed ${SEED}, ${wrong.length} wrong`
  process.stderr.write(`check --target ${name}: ${tried}: ${JSON.stringify(counts)}\n`)
  return wrong.slice(0, 10).join('\n\n')
}

describeEachServer('check --target of', name => {
  it('comes true', async () => {
    expect(await tryAll(name, await filesFor(name))).toBe('')
  }, 3_600_000)

  it.runIf(FULL > 0)(
    'comes true of small files that are cut at every byte',
    async () => {
      const small = alone.filter(({bytes}) => bytes.length < CUT_BYTES_MAX)
      expect(
        await tryAll(
          name,
          small.flatMap(one => [...everyCut(one)]),
        ),
      ).toBe('')
    },
    3_600_000,
  )
})
