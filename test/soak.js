/**
 * Random commands through real servers and through the replay engine, with another seed each round, until something
 * differs: then the fewest commands that do are told. And before that, rewritings that are killed, masters in trouble
 * that are followed and come back to second by second, replicas of ours that stay online for a minute, and damaged and foreign
 * files that servers are started from.
 *
 *   npm run soak                                     without end
 *   npm run soak -- --minutes 30                     no round begins later than that
 *   npm run soak -- --seed 7 --rounds 1              a round again
 *   npm run soak -- --server valkey-9.1              one server
 *   npm run soak -- --commands 1000000               more of them in each run; 150,000 otherwise
 *   npm run soak -- --kills 1000                     so many of each form of log; 100 otherwise, none with 0
 *   npm run soak -- --troubles 1000                  so many of a followed master; 200 otherwise, none with 0
 *   npm run soak -- --moments 300                    so many seconds that are come back to; 60 otherwise
 *   npm run soak -- --targets 5                      so many minutes of starts of each server, to see whether check --target
 *                                                    was right: snapshots, then as many of logs; 2 otherwise, none with 0
 */
import {spawnSync} from 'node:child_process'
import {randomInt} from 'node:crypto'
import {fileURLToPath} from 'node:url'
import {parseArgs} from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))
const {values} = parseArgs({
  options: {
    minutes: {type: 'string', default: 'Infinity'},
    rounds: {type: 'string', default: 'Infinity'},
    seed: {type: 'string'},
    server: {type: 'string', default: ''},
    commands: {type: 'string', default: '150000'},
    kills: {type: 'string', default: '100'},
    troubles: {type: 'string', default: '200'},
    moments: {type: 'string', default: '60'},
    targets: {type: 'string', default: '2'},
  },
})
const until = Date.now() + Number(values.minutes) * 60_000
const escaped = values.server.replaceAll('.', '\\.')
const args = ['vitest', 'run', '--config', 'test/vitest.config.ts', '--reporter=verbose', '--bail=1']
args.push('test/server/replay.test.ts', '-t', `the log of ${escaped}.*random commands`)

const killed = ['vitest', 'run', '--config', 'test/vitest.config.ts', 'test/server/killed-rewrite.test.ts']
const killing = {
  ...process.env,
  RDBTOOL_KILLS: values.kills,
  RDBTOOL_SEED: values.seed ?? String(randomInt(1, 2 ** 31)),
}
/** Masters that are followed (follow-chaos.test.ts). */
const MASTERS = 4
const followed = ['vitest', 'run', '--config', 'test/vitest.config.ts', 'test/server/follow-chaos.test.ts']
followed.push('test/server/follow-moments.test.ts')
const troubling = {
  ...killing,
  RDBTOOL_CHAOS_ROUNDS: String(Math.ceil(Number(values.troubles) / MASTERS)),
  RDBTOOL_MOMENTS: values.moments,
}
let status = 0
if (Number(values.kills) > 0) status = spawnSync('npx', killed, {cwd: root, env: killing, stdio: 'inherit'}).status ?? 1
if (status === 0 && Number(values.troubles) > 0) {
  process.stdout.write(`troubles: --seed ${troubling.RDBTOOL_SEED}\n`)
  status = spawnSync('npx', followed, {cwd: root, env: troubling, stdio: 'inherit'}).status ?? 1
}
/** Seconds that each server stays attached to what is served (serve.test.ts). */
const online = {...process.env, RDBTOOL_ONLINE_SECONDS: '60', RDBTOOL_SKIP_BUILD: '1'}
const attached = ['vitest', 'run', '--config', 'test/vitest.config.ts', 'test/server/serve.test.ts']
if (status === 0) status = spawnSync('npx', attached, {cwd: root, env: online, stdio: 'inherit'}).status ?? 1
/** Of each fixture; there is time for some of them. */
const TARGET_MUTANTS = 20
const predicted = [
  'vitest',
  'run',
  '--config',
  'test/vitest.config.ts',
  '--maxWorkers=1',
  '-t',
  `${escaped}.*comes true$`,
]
predicted.push('test/server/check-target.test.ts', 'test/server/check-target-log.test.ts')
const predicting = {
  ...killing,
  RDBTOOL_SKIP_BUILD: '1',
  RDBTOOL_TARGET_MUTANTS: String(TARGET_MUTANTS),
  RDBTOOL_TARGET_MINUTES: values.targets,
}
if (status === 0 && Number(values.targets) > 0) {
  process.stdout.write(`targets: --seed ${predicting.RDBTOOL_SEED}\n`)
  status = spawnSync('npx', predicted, {cwd: root, env: predicting, stdio: 'inherit'}).status ?? 1
}
for (let round = 0; round < Number(values.rounds) && Date.now() < until && status === 0; round++) {
  // A round takes three seeds in a row.
  const seed = values.seed === undefined ? randomInt(1, 2 ** 31 - 3) : Number(values.seed) + 3 * round
  process.stdout.write(`round ${round + 1}: --seed ${seed}\n`)
  const env = {
    ...process.env,
    RDBTOOL_SEED: String(seed),
    RDBTOOL_REPLAY_COMMANDS: values.commands,
    RDBTOOL_MINIMISE: '1',
    RDBTOOL_REPLAY_WIDER: '1',
    RDBTOOL_SKIP_BUILD: '1',
  }
  status = spawnSync('npx', args, {cwd: root, env, stdio: 'inherit'}).status ?? 1
}
process.exitCode = status
