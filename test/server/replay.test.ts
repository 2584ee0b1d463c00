/** Logs: what we build of one holds what its server holds that loads it. */
import {mkdtempSync, readdirSync, readFileSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {expect, it} from 'vitest'
import {type Files, unpackFolder} from '../fixtures/aof-folder.js'
import {WRITES} from '../fixtures/writers.js'
import {describeEachServer} from './each-server.js'
import {
  commandsOf,
  differences,
  loggedCommands,
  logIn,
  minimised,
  type RandomRun,
  runAsLog,
  runThroughServer,
} from './replay-random.js'

const ROOT = fileURLToPath(new URL('../../fixtures/aof', import.meta.url))
const FIXTURES: {name: string; files: Files; meta: {appendfilename: string}}[] = readdirSync(ROOT).map(file => {
  return {name: file.slice(0, -5), ...JSON.parse(readFileSync(join(ROOT, file), 'utf8'))}
})

/** One run of each kind; `npm run soak` has more of them, without end. */
const COMMANDS = Number(process.env['RDBTOOL_REPLAY_COMMANDS'] ?? 30_000)
const SEED = Number(process.env['RDBTOOL_SEED'] ?? 20_261_127)

/** `npm run soak` asks for the fewest commands that differ; it takes minutes to find them. */
const MINIMISE = process.env['RDBTOOL_MINIMISE'] !== undefined

const TIMEOUT_MS = MINIMISE ? 3_600_000 : 300_000

async function expectSame(run: RandomRun, compared: typeof runAsLog, commands: typeof commandsOf): Promise<void> {
  const found = await compared(run).catch((error: Error) => {
    if (!MINIMISE) throw error
    return [error.stack ?? error.message]
  })
  if (found.length > 0 && MINIMISE) found.push(...(await minimised(run, await commands(run))))
  expect(found, `${run.name}, seed ${run.seed}, ${run.commands} commands`).toEqual([])
}

/** Each replays the keys of its shard, as far as commands allow it. */
const byThreads: typeof differences = (name, log, folder) =>
  differences(name, log, folder, {threads: 3, threadBytesMin: 0})

describeEachServer('the log of', name => {
  const mine = FIXTURES.filter(one => one.name.endsWith(`-${WRITES[name]}`) && !/name-quoted/.test(one.name))

  it.each(mine)('$name, built, holds what the server holds', async ({name: title, files}) => {
    const folder = mkdtempSync(join(tmpdir(), 'rdbtool-replay-'))
    try {
      unpackFolder(files, folder)
      const log = logIn(folder, name)
      // As servers before 5.0 log it, one of them holds a script.
      if (title.startsWith('upgraded')) {
        const cause = expect.objectContaining({code: 'UNKNOWN_COMMAND', message: expect.stringMatching(/^EVAL: /)})
        await expect(differences(name, log, folder)).rejects.toMatchObject({cause})
      } else {
        expect(await differences(name, log, folder)).toEqual([])
        expect(await byThreads(name, log, folder)).toEqual([])
      }
    } finally {
      rmSync(folder, {recursive: true, force: true})
    }
  })

  it(`random commands, with a snapshot before them, and a rewriting (seed ${SEED})`, {
    timeout: TIMEOUT_MS,
  }, async () => {
    const config = {'aof-use-rdb-preamble': 'yes'}
    await expectSame({name, seed: SEED, commands: COMMANDS, config, rewrite: true}, runThroughServer, loggedCommands)
  })

  it(`random commands, in a log of commands alone, with timestamps where it has them (seed ${SEED + 1})`, {
    timeout: TIMEOUT_MS,
  }, async () => {
    const stamps = name === 'redis-6.0' ? {} : {'aof-timestamp-enabled': 'yes'}
    const config = {'aof-use-rdb-preamble': 'no', ...stamps}
    await expectSame(
      {name, seed: SEED + 1, commands: COMMANDS, config, rewrite: true},
      runThroughServer,
      loggedCommands,
    )
  })

  it(`random commands, replayed by three threads (seed ${SEED + 3})`, {timeout: TIMEOUT_MS}, async () => {
    const config = {'aof-use-rdb-preamble': 'yes'}
    const run = {name, seed: SEED + 3, commands: COMMANDS / 6, config, rewrite: true}
    await expectSame(run, one => runThroughServer(one, byThreads), loggedCommands)
  })

  // Redis 6.0 refuses many an option that the engine knows, and would have logged none of them.
  it.skipIf(name === 'redis-6.0')(
    `random commands that no server has rewritten (seed ${SEED + 2})`,
    {
      timeout: TIMEOUT_MS,
    },
    async () => {
      const run = {name, seed: SEED + 2, commands: Math.ceil(COMMANDS / 10), config: {}, rewrite: false}
      await expectSame(run, runAsLog, commandsOf)
    },
  )
})
