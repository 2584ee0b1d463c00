/**
 * The benchmark: our commands against the peers that are installed, in one run, on corpora made by a real server.
 *
 *   npm run bench -- [what...] [--scale 0.01] [--runs 5] [--json]
 *   npm run bench -- table [--scale 0.01] [--runs 5]       everything that is done with a snapshot, as one table (table.js)
 *
 * what: `start`, `inspect`, `check`, `query`, `dump`, `build`, `build-sort`, `diff`, `aof-log`, `sync`, `load`, or one pair of them as `inspect:mixed`, `build:aof`, `aof-rewrite:aof`; all of them unless told. MB/s is of the input file; times
 * are medians. Inputs lie in memory when they fit, since an idle page cache may be evicted between two runs.
 */

import {copyFileSync, existsSync, mkdtempSync, rmSync, statfsSync, statSync} from 'node:fs'
import {cpus, loadavg, tmpdir} from 'node:os'
import {basename, join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {prepareBuild} from './building.js'
import {prepareDiff} from './comparing.js'
import {corpusBytes, corpusFile, RDB_CORPORA} from './corpora.js'
import {prepareLoad} from './loading.js'
import {measureInTurns, median} from './measure.js'
import {dumpingPeers, inspectingPeers, missingPeers} from './peers.js'
import {checkingLogs, prepareReplay, showingLogs} from './replaying.js'
import {prepareSync} from './syncing.js'
import {benchTable} from './table.js'

const MEMORY = '/dev/shm'
const RUN_JS = fileURLToPath(new URL('../../bin/run.js', import.meta.url))

/**
 * @typedef {import('./measure.js').Subject} Subject
 * @typedef {{subjects: Subject[], stop: () => Promise<void>}} Prepared
 * @typedef {{
 *   name: string, corpus?: string, subjects?: (file: string) => Subject[],
 *   prepare?: (file: string, memory: string) => Promise<Prepared>,
 * }} Bench
 */

/**
 * @param {string} name
 * @param {...string} args
 * @returns {Subject}
 */
const ours = (name, ...args) => ({name: `rdbtool ${name}`, command: process.execPath, args: [RUN_JS, ...args]})

/** What several threads can do is measured with one and with two. */
const THREADS = ['1', '2']

const PREFIXES_BY_MEMORY =
  'SELECT prefix1, count(*), sum(memory_bytes) AS bytes FROM keys GROUP BY 1 ORDER BY bytes DESC LIMIT 20'

/** @type {Bench[]} */
const BENCHES = [
  {
    name: 'start:version',
    subjects: () => [ours('--version', '--version'), {name: 'node -e 0', command: process.execPath, args: ['-e', '0']}],
  },
  ...RDB_CORPORA.map(corpus => ({
    name: `inspect:${corpus}`,
    corpus,
    subjects: (/** @type {string} */ file) => [ours('inspect', 'inspect', file), ...inspectingPeers(file)],
  })),
  ...RDB_CORPORA.map(corpus => ({
    name: `check:${corpus}`,
    corpus,
    // The first is what its peer does; the second also looks for keys that are there twice.
    subjects: (/** @type {string} */ file) => [
      ...THREADS.flatMap(threads => [
        ours(`check --threads ${threads}`, 'check', file, '--no-duplicates', '--threads', threads),
        ours(`check+index --threads ${threads}`, 'check', file, '--threads', threads),
      ]),
      ...inspectingPeers(file).filter(({name}) => name === 'redis-check-rdb'),
    ],
  })),
  ...RDB_CORPORA.map(corpus => ({
    name: `query:${corpus}`,
    corpus,
    subjects: (/** @type {string} */ file) => [
      ours('inspect', 'inspect', file),
      ours('inspect --by prefix', 'inspect', file, '--by', 'prefix'),
      ours('query by prefix', 'query', file, PREFIXES_BY_MEMORY),
    ],
  })),
  ...RDB_CORPORA.map(corpus => ({
    name: `dump:${corpus}`,
    corpus,
    subjects: (/** @type {string} */ file) => [
      ...['jsonl', 'json', 'resp', 'csv', 'keys'].flatMap(format =>
        THREADS.map(threads =>
          ours(`dump ${format} --threads ${threads}`, 'dump', file, '--format', format, '--threads', threads),
        ),
      ),
      ...dumpingPeers(file),
    ],
  })),
  ...RDB_CORPORA.flatMap(corpus =>
    [false, true].map(sort => ({
      name: `${sort ? 'build-sort' : 'build'}:${corpus}`,
      corpus,
      prepare: (/** @type {string} */ file, /** @type {string} */ memory) => prepareBuild(file, memory, ours, sort),
    })),
  ),
  ...RDB_CORPORA.map(corpus => ({
    name: `diff:${corpus}`,
    corpus,
    prepare: (/** @type {string} */ file, /** @type {string} */ memory) => prepareDiff(file, memory, ours),
  })),
  {
    name: 'check:aof',
    corpus: 'aof',
    subjects: (/** @type {string} */ folder) => checkingLogs(folder, ours),
  },
  {
    name: 'aof-log:aof',
    corpus: 'aof',
    subjects: (/** @type {string} */ folder) => showingLogs(folder, ours),
  },
  ...['build', 'aof-rewrite'].map(command => ({
    name: `${command}:aof`,
    corpus: 'aof',
    prepare: (/** @type {string} */ folder, /** @type {string} */ memory) =>
      prepareReplay(folder, memory, ours, command === 'aof-rewrite'),
  })),
  {
    name: 'load:mixed',
    corpus: 'mixed',
    prepare: (/** @type {string} */ file) => prepareLoad(file, (...args) => ours('load', ...args)),
  },
  .../** @type {const} */ ([
    ['diskless', 'yes'],
    ['disk', 'no'],
  ]).map(([transfer, diskless]) => ({
    name: `sync:${transfer}`,
    corpus: 'mixed',
    prepare: (/** @type {string} */ file, /** @type {string} */ memory) =>
      prepareSync(file, memory, diskless, (...args) => ours('sync', ...args)),
  })),
]

/** @param {string[]} argv */
function parseArguments(argv) {
  const args = [...argv]
  const take = (/** @type {string} */ flag, /** @type {number} */ fallback) => {
    const at = args.indexOf(flag)
    const value = at < 0 ? fallback : Number(args.splice(at, 2)[1])
    if (!(value > 0)) throw new Error(`${flag} takes a number above 0`)
    return value
  }
  const scale = take('--scale', 1)
  const runs = take('--runs', 5)
  const json = args.includes('--json')
  const table = args.includes('table')
  const wanted = args.filter(one => one !== '--json' && one !== 'table')
  const chosen = BENCHES.filter(
    ({name}) => wanted.length === 0 || wanted.some(one => name === one || name.startsWith(`${one}:`)),
  )
  if (chosen.length === 0)
    throw new Error(`nothing is called that; there are ${BENCHES.map(one => one.name).join(', ')}`)
  return {scale, runs, json, table, chosen}
}

/**
 * A copy of the file in memory if it fits there, else the file itself.
 * @param {string} path
 * @param {string} folder of ours in memory, or empty
 */
function nearest(path, folder) {
  if (folder === '') return path
  const {bavail, bsize} = statfsSync(MEMORY)
  if (bavail * bsize < statSync(path).size * 1.5) return path
  const copy = join(folder, basename(path))
  copyFileSync(path, copy)
  return copy
}

/**
 * A corpus, as near as it can be.
 * @param {string} corpus
 * @param {number} scale
 * @param {string} folder of ours in memory, or empty
 */
async function placed(corpus, scale, folder) {
  const path = await corpusFile(corpus, scale, words => process.stderr.write(`${words}\n`))
  const whole = statSync(path).isFile()
  const file = whole ? nearest(path, folder) : path
  return {
    file,
    bytes: corpusBytes(path),
    done: () => folder !== '' && file.startsWith(folder) && rmSync(file),
  }
}

/**
 * @param {Bench} bench
 * @param {{scale: number, runs: number, folder: string}} options
 */
async function runBench(bench, {scale, runs, folder}) {
  const {file, bytes, done} =
    bench.corpus === undefined ? {file: '', bytes: 0, done: () => {}} : await placed(bench.corpus, scale, folder)
  const prepared = await bench.prepare?.(file, folder)
  const measured = await measureInTurns(prepared?.subjects ?? bench.subjects?.(file) ?? [], runs)
  await prepared?.stop()
  done()
  const times = measured.map(one => median(one.runs.map(run => run.seconds)))
  return measured.map(({subject, runs, failure}, index) => {
    const seconds = times[index] ?? Number.NaN
    return {
      bench: bench.name,
      name: subject.name,
      seconds,
      secondsMin: Math.min(...runs.map(run => run.seconds)),
      secondsMax: Math.max(...runs.map(run => run.seconds)),
      mbPerSecond: bytes > 0 ? bytes / 1e6 / seconds : undefined,
      rssBytes: Math.max(0, ...runs.map(run => run.rssBytes)),
      timesOurs: index === 0 ? undefined : seconds / (times[0] ?? Number.NaN),
      failure,
      inMemory: folder !== '' && file.startsWith(folder),
    }
  })
}

/** @param {Awaited<ReturnType<typeof runBench>>[number]} row */
function formatRow(row) {
  const head = `  ${row.name.padEnd(20)}`
  if (row.failure !== undefined) return `${head} failed: ${row.failure}`
  const milliseconds = (/** @type {number} */ seconds) => (seconds * 1000).toFixed(seconds < 1 ? 1 : 0)
  const speed = row.mbPerSecond === undefined ? '' : `${row.mbPerSecond.toFixed(0).padStart(7)} MB/s`
  const ratio =
    row.timesOurs === undefined || Number.isNaN(row.timesOurs)
      ? ''
      : `${row.timesOurs.toFixed(2).padStart(8)} x our time`
  const range = `(${milliseconds(row.secondsMin)}..${milliseconds(row.secondsMax)})`
  const memory = `${(row.rssBytes / 1e6).toFixed(0).padStart(6)} MB peak`
  return `${head}${milliseconds(row.seconds).padStart(9)} ms ${range.padEnd(18)}${speed}${memory}${ratio}`
}

async function main() {
  const {scale, runs, json, table, chosen} = parseArguments(process.argv.slice(2))
  if (!existsSync(RUN_JS)) process.stderr.write('bin/run.js is not there: only the peers are measured\n')
  for (const words of missingPeers()) process.stderr.write(`${words}\n`)
  const [load = 0] = loadavg()
  if (load > 0.7)
    process.stderr.write(
      `the machine is not idle (load ${load.toFixed(1)}, ${cpus().length} cores): trust the ratios only\n`,
    )
  const folder = existsSync(MEMORY) ? mkdtempSync(join(MEMORY, 'rdbtool-bench-')) : ''
  const remove = () => folder !== '' && rmSync(folder, {recursive: true, force: true})
  process.once('exit', remove)
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.once(signal, () => process.exit(130))
  if (table) {
    const tell = (/** @type {string} */ words) => process.stderr.write(`${words}\n`)
    const memory = folder === '' ? tmpdir() : folder
    process.stdout.write(await benchTable({runs, memory, ours, tell, placed: corpus => placed(corpus, scale, folder)}))
    return
  }
  for (const bench of chosen) {
    const rows = await runBench(bench, {scale, runs, folder})
    if (json) {
      for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`)
      continue
    }
    const place = bench.corpus === undefined ? '' : rows[0]?.inMemory ? ', input in memory' : ', input on disk'
    process.stdout.write(`${bench.name}: median of ${runs}${place}\n${rows.map(row => `${formatRow(row)}\n`).join('')}`)
  }
}

try {
  await main()
} catch (error) {
  process.stderr.write(`${/** @type {Error} */ (error).message}\n`)
  process.exitCode = 1
}
