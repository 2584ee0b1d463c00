/**
 * All that is done with a snapshot, on every corpus, with one thread and with two, as one table of Markdown:
 *
 *   npm run bench -- table [--scale 0.01] [--runs 5]
 *
 * A cell says megabytes of the file a second. `cat` reads the file and does nothing: what it takes bounds the rest.
 */
import {mkdtempSync, rmSync} from 'node:fs'
import {cpus} from 'node:os'
import {join} from 'node:path'
import {RDB_CORPORA} from './corpora.js'
import {measureInTurns, median} from './measure.js'
import {dumpingPeers, inspectingPeers} from './peers.js'

const SERVER = 'redis-check-rdb'
/** The corpora whose ratios the table has a column for. */
const RATIOS = ['mixed', 'small']

/**
 * @typedef {import('./measure.js').Subject} Subject
 * @typedef {{bytes: number, seconds: number, rssBytes: number}} Cell
 * @typedef {(name: string, ...args: string[]) => Subject} Ours
 */

/**
 * What is measured on one file, by the name of its row.
 * @param {string} file
 * @param {string} out a path for what is built, in memory
 * @param {Ours} ours
 * @returns {Subject[]}
 */
function subjects(file, out, ours) {
  const work = [
    ['inspect', 'inspect', file],
    ['check, without the index', 'check', file, '--no-duplicates'],
    ['check', 'check', file],
    ...['jsonl', 'json', 'resp', 'csv', 'keys'].map(format => [`dump ${format}`, 'dump', file, '--format', format]),
    ['build, copied', 'build', file, '--out', out, '--force'],
    ['build for redis-6.2', 'build', file, '--out', out, '--force', '--target', 'redis-6.2', '--allow-loss'],
  ]
  const threaded = (/** @type {string} */ command) => WITH_THREADS.includes(command)
  const rows = work.flatMap(([name = '', command = '', ...args]) =>
    (threaded(command) ? ['1', '2'] : ['']).map(threads => ({
      ...ours(name, command, ...args, ...(threads === '' ? [] : ['--threads', threads])),
      name: `\`${name}\`${threads === '2' ? ', two threads' : ''}`,
    })),
  )
  const peers = new Map([...inspectingPeers(file), ...dumpingPeers(file)].map(peer => [peer.name, peer]))
  return [...rows, {name: 'cat', command: 'cat', args: [file]}, ...peers.values()]
}

/** Commands that take `--threads` and read a snapshot with them. */
const WITH_THREADS = ['check', 'dump']

/**
 * @param {{
 *   runs: number, memory: string, ours: Ours, tell: (words: string) => void,
 *   placed: (corpus: string) => Promise<{file: string, bytes: number, done: () => void}>,
 * }} options `memory` is a folder there
 * @returns {Promise<string>} the table, and what it was measured on
 */
export async function benchTable({runs, memory, ours, tell, placed}) {
  /** @type {Map<string, Map<string, Cell>>} */
  const rows = new Map()
  const folder = mkdtempSync(join(memory, 'table-'))
  try {
    for (const corpus of RDB_CORPORA) {
      const {file, bytes, done} = await placed(corpus)
      tell(`${corpus}: ${(bytes / 1e6).toFixed(0)} MB`)
      for (const {subject, runs: timed, failure} of await measureInTurns(
        subjects(file, join(folder, 'out.rdb'), ours),
        runs,
      )) {
        if (failure !== undefined) tell(`${corpus}: ${subject.name}: ${failure}`)
        else {
          const cells = rows.get(subject.name) ?? new Map()
          const seconds = median(timed.map(run => run.seconds))
          cells.set(corpus, {bytes, seconds, rssBytes: Math.max(...timed.map(run => run.rssBytes))})
          rows.set(subject.name, cells)
        }
      }
      rmSync(join(folder, 'out.rdb'), {force: true})
      done()
    }
  } finally {
    rmSync(folder, {recursive: true, force: true})
  }
  return markdown(rows, runs)
}

/**
 * @param {Map<string, Map<string, Cell>>} rows
 * @param {number} runs
 */
function markdown(rows, runs) {
  const speed = (/** @type {Cell | undefined} */ cell) => (cell ? (cell.bytes / 1e6 / cell.seconds).toFixed(0) : '–')
  const times = (/** @type {string} */ peer, /** @type {string} */ corpus, /** @type {Cell | undefined} */ cell) => {
    const other = rows.get(peer)?.get(corpus)
    return cell && other ? (other.seconds / cell.seconds).toPrecision(2) : '–'
  }
  const head = [
    'MB/s',
    ...RDB_CORPORA,
    ...RATIOS.map(corpus => `times \`${SERVER}\`, ${corpus}`),
    'times `cat`, mixed',
    'peak MB',
  ]
  const lines = [...rows].map(([name, cells]) => [
    name,
    ...RDB_CORPORA.map(corpus => speed(cells.get(corpus))),
    ...RATIOS.map(corpus => times(SERVER, corpus, cells.get(corpus))),
    times('cat', 'mixed', cells.get('mixed')),
    (Math.max(...[...cells.values()].map(cell => cell.rssBytes)) / 1e6).toFixed(0),
  ])
  const align = head.map((_, column) => (column === 0 ? '---' : '---:'))
  const [processor] = cpus()
  return [
    ...[head, align, ...lines].map(cells => `| ${cells.join(' | ')} |`),
    '',
    `${new Date().toISOString().slice(0, 10)}, ${cpus().length} cores (${processor?.model.trim()}), Node ${process.versions.node}, medians of ${runs} in turns.`,
    '',
  ].join('\n')
}
