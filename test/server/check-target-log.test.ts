/**
 * What check --target says of a log is what becomes of its snapshot when a server starts from it: in one file, and in a folder
 * with a manifest where the server keeps its log so. The commands are not judged: here they are sound.
 *
 *   RDBTOOL_TARGET_MUTANTS=20   logs for each of the fixtures
 *   RDBTOOL_TARGET_MINUTES=5    no start of a server begins later than that
 *   RDBTOOL_SEED=7              other ones
 */
import {mkdirSync, mkdtempSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {check} from '../../src/jobs/check.js'
import {type TargetCheck, TargetJudge} from '../../src/jobs/check-target.js'
import {hex, str} from '../fixtures/builder.js'
import {Dice} from '../jobs/mutants.js'
import {type Fixture, fixtures} from '../reading/fixtures.js'
import {temporaryFolder} from '../start/folder.js'
import {describeEachServer} from './each-server.js'
import {type Start, Starter} from './start-from.js'
import {KINDS, recordFiles, shuffled, type TargetFile} from './target-files.js'

const MUTANTS = Number(process.env['RDBTOOL_TARGET_MUTANTS'] ?? 0)
const MINUTES = Number(process.env['RDBTOOL_TARGET_MINUTES'] ?? Number.POSITIVE_INFINITY)
const SEED = Number(process.env['RDBTOOL_SEED'] ?? 6)
const FILES = 24
const BYTES_MAX = 20_000
const AT_ONCE = 2
const KEY = 'behind the snapshot'
const COMMANDS = ['SELECT', '9', 'SET', KEY, 'x']
  .map(one => `$${one.length}\r\n${one}\r\n`)
  .reduce((log, one, i) => log + (i === 0 ? '*2\r\n' : i === 2 ? '*3\r\n' : '') + one, '')
const MANIFEST = 'file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n'
const MAGIC_BYTES = 9
/** Says that commands follow: a snapshot alone may have anything behind its end. */
const PREAMBLE = hex(0xfa, str('aof-preamble'), 0xc0, 1)
const LUA = /Failed loading library|Can't load Lua script/
const PLAIN = 'redis-6.0'

const folder = temporaryFolder()
const snapshots = fixtures.filter(
  ({name, bytes}) => /^rdb(-built)?\//.test(name) && !/\.aof$|bytes-after-end/.test(name) && bytes.length < BYTES_MAX,
)

function filesFor(name: string): TargetFile[] {
  const files: TargetFile[] = [...recordFiles(SEED * 100 + name.length, MUTANTS * 10 || FILES)]
  for (const [index, one] of snapshots.entries()) files.push(...variants(one, SEED * 1000 + index))
  const all = shuffled(files, SEED + name.length)
  return MUTANTS > 0 ? all : all.slice(0, 2 * FILES)
}

function* variants(one: Fixture, seed: number): Generator<TargetFile> {
  yield {what: one.name, bytes: one.bytes}
  const dice = new Dice(seed)
  for (const make of Object.values(KINDS)) {
    for (const {what, bytes} of make(one, dice, MUTANTS || 1, snapshots)) yield {what: `${one.name}: ${what}`, bytes}
  }
}

/** The log in a folder, or in one file, which is taken by all; returns its name. */
function writeLog(dir: string, rdb: Uint8Array, isFolder: boolean): string {
  if (!isFolder) {
    const path = join(dir, 'appendonly.aof')
    writeFileSync(
      path,
      Buffer.concat([rdb.subarray(0, MAGIC_BYTES), PREAMBLE, rdb.subarray(MAGIC_BYTES), Buffer.from(COMMANDS)]),
    )
    return path
  }
  const log = join(dir, 'appendonlydir')
  mkdirSync(log)
  writeFileSync(join(log, 'appendonly.aof.1.base.rdb'), rdb)
  writeFileSync(join(log, 'appendonly.aof.1.incr.aof'), COMMANDS)
  writeFileSync(join(log, 'appendonly.aof.manifest'), MANIFEST)
  return log
}

async function judged(target: string, log: string): Promise<TargetCheck | undefined> {
  const judge = new TargetJudge(target)
  try {
    return (await check(log, {judge})).target
  } finally {
    judge.close()
  }
}

function wrongWith({verdict, keys, obstacles}: TargetCheck, is: Start): string | undefined {
  if (verdict === 'unsure' || LUA.test(is.log)) return undefined
  // Where the server counts them itself, the key behind the snapshot is none of them.
  const held = is.expired < 0 ? is.keys - 1 : is.keys
  const isSame = verdict === is.verdict || (verdict === 'skips' && is.verdict === 'loads')
  if (isSame && (is.verdict !== 'loads' || keys.loaded === held)) return undefined
  const told = `${verdict} ${JSON.stringify(keys)} ${JSON.stringify(obstacles.map(one => one.text))}`
  return `${told}, but it ${is.verdict}: ${held} keys\n${is.log.split('\n').slice(-25).join('\n')}`
}

describeEachServer('check --target of a log for', name => {
  it('comes true', async () => {
    const files = filesFor(name)
    const all = files.length
    const starter = new Starter(name)
    const until = Date.now() + MINUTES * 60_000
    const wrong: string[] = []
    const counts: Record<string, number> = {}
    const tryOne = async ({what, bytes}: TargetFile, isFolder: boolean): Promise<void> => {
      const copy = mkdtempSync(join(folder.path, 'log-'))
      const said = await judged(name, writeLog(copy, bytes, isFolder))
      // What does not even begin as a snapshot is no log: nothing is said of it.
      if (said === undefined) return
      const is = await starter.start(undefined, dir => {
        writeLog(dir, bytes, isFolder)
        return {appendonly: 'yes', 'aof-use-rdb-preamble': 'yes'}
      })
      const outcome = said.verdict === 'unsure' ? `unsure (${is.verdict})` : said.verdict
      counts[outcome] = (counts[outcome] ?? 0) + 1
      const text = wrongWith(said, is)
      if (text !== undefined) wrong.push(`${isFolder ? 'folder' : 'file'} of ${what}: ${text}`)
    }
    const work = async (): Promise<void> => {
      for (let file = files.pop(); file !== undefined && Date.now() < until; file = files.pop()) {
        await tryOne(file, name !== PLAIN && files.length % 2 === 0)
      }
    }
    try {
      await Promise.all(Array.from({length: AT_ONCE}, work))
    } finally {
      starter.close()
    }
    const tried = `${all - files.length} of ${all} logs of seed ${SEED}, ${wrong.length} wrong`
    process.stderr.write(`check --target ${name}: ${tried}: ${JSON.stringify(counts)}\n`)
    expect(wrong.slice(0, 10).join('\n\n')).toBe('')
  }, 3_600_000)
})
