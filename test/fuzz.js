/**
 * The damage tests in full: 10,000 mutants of every fixture, however large, each checked, and as many of those that check
 * calls sound as are wanted loaded by real servers and compared with what our reader shows. Then 100 million distinct keys
 * through the table of prefixes, and as many random logs, and snapshots, as mutants, damaged at random and salvaged;
 * snapshots of real servers too, which then load what was saved. Every fixture is read in every window.
 *
 *   npm run fuzz                                     everything: about two hours on two cores
 *   npm run fuzz -- --mutants 2000 --loaded 200      less of it
 *   npm run fuzz -- --seed 7                         other mutants
 *   npm run fuzz -- -t zset                          of these fixtures only
 *
 * What is not told here goes to vitest. A failure names the mutant: seed, number, what was done and where; the same call
 * makes the same one again.
 */
import {spawnSync} from 'node:child_process'
import {fileURLToPath} from 'node:url'
import {parseArgs} from 'node:util'

const SUITES = [
  'test/damage.test.ts',
  'test/windows.test.ts',
  'test/rdb/passing.test.ts',
  'test/jobs/check-damage.test.ts',
  'test/server/check-damage.test.ts',
  'test/server/check-target.test.ts',
  'test/server/check-target-log.test.ts',
  'test/analysis/prefixes.test.ts',
  'test/aof/survey-random.test.ts',
  'test/analysis/snapshot-survey-random.test.ts',
  'test/server/salvage.test.ts',
  'test/server/salvage-damaged-base.test.ts',
  'test/jobs/salvage-base-random.test.ts',
]
const root = fileURLToPath(new URL('..', import.meta.url))

const {values, tokens} = parseArgs({
  args: process.argv.slice(2),
  options: {
    mutants: {type: 'string', default: '10000'},
    loaded: {type: 'string', default: '10000'},
    seed: {type: 'string'},
  },
  strict: false,
  tokens: true,
})
const own = new Set(['mutants', 'loaded', 'seed'])
const passedOn = process.argv.slice(2).filter((_, index) => {
  const token = tokens.findLast(one => one.index <= index)
  return token?.kind !== 'option' || !own.has(token.name)
})

const env = {
  ...process.env,
  RDBTOOL_MUTANTS: String(values.mutants),
  RDBTOOL_MUTANTS_LOADED: String(values.loaded),
  // Of each a server is started, seven times.
  RDBTOOL_TARGET_MUTANTS: String(Math.min(Number(values.loaded), 20)),
  RDBTOOL_FLOOD_KEYS: String(10 ** 8),
  RDBTOOL_ALL_WINDOWS: '1',
  // The largest fixture is smaller than this.
  RDBTOOL_MUTANT_BYTES: String(10 ** 9),
  ...(values.seed === undefined ? {} : {RDBTOOL_SEED: String(values.seed)}),
}
const args = ['vitest', 'run', '--config', 'test/vitest.config.ts', '--reporter=verbose', ...SUITES, ...passedOn]
const {status} = spawnSync('npx', args, {cwd: root, env, stdio: 'inherit'})
process.exitCode = status ?? 1
