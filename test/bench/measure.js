/**
 * Time and peak memory of a whole command. Two commands to be compared run in turns (A B A B ...), so that what else the
 * machine does falls on both; the first turn warms up and is not counted.
 */

import {spawn} from 'node:child_process'
import {mkdtempSync, readFileSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {onPath} from '../server/catalog.js'

/**
 * @typedef {{name: string, command: string, args: string[]}} Subject
 * @typedef {{seconds: number, rssBytes: number}} Run
 * @typedef {{subject: Subject, runs: Run[], failure?: string}} Measured
 */

/** GNU time asks the kernel for the true peak; without it the process is looked at every few milliseconds. */
const GNU_TIME = onPath('time')
const POLL_MS = 5

/** What is being measured must not outlive an interrupted run. @type {import('node:child_process').ChildProcess | undefined} */
let current
process.once('exit', () => {
  // The whole group: GNU time would leave its child behind.
  if (current?.pid !== undefined) process.kill(-current.pid, 'SIGKILL')
})

/**
 * @param {Subject} subject
 * @returns {Promise<Run>}
 */
export async function measure(subject) {
  const folder = mkdtempSync(join(tmpdir(), 'rdbtool-measure-'))
  const note = join(folder, 'rss')
  const timed = GNU_TIME ? [GNU_TIME, '--format', '%M', '--output', note, subject.command] : [subject.command]
  const [command = '', ...args] = [...timed, ...subject.args]
  const started = performance.now()
  const child = spawn(command, args, {stdio: ['ignore', 'ignore', 'pipe'], detached: true})
  current = child
  let peak = 0
  const poll = GNU_TIME ? undefined : setInterval(() => (peak = Math.max(peak, highWater(child.pid))), POLL_MS)
  let words = ''
  child.stderr.on('data', chunk => {
    words = (words + chunk).slice(-2000)
  })
  try {
    const code = await new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    const seconds = (performance.now() - started) / 1000
    if (code !== 0) throw new Error(`exit ${code}: ${words.trim().split('\n').slice(-3).join(' | ')}`)
    const rssBytes = GNU_TIME ? Number(readFileSync(note, 'utf8').trim().split('\n').at(-1)) * 1024 : peak
    return {seconds, rssBytes}
  } finally {
    current = undefined
    clearInterval(poll)
    rmSync(folder, {recursive: true, force: true})
  }
}

/** @param {number | undefined} pid */
function highWater(pid) {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}

/**
 * All subjects in turns. One that fails is left out from then on, with the reason.
 * @param {Subject[]} subjects
 * @param {number} runs counted turns, after the first
 * @returns {Promise<Measured[]>}
 */
export async function measureInTurns(subjects, runs) {
  /** @type {Measured[]} */
  const measured = subjects.map(subject => ({subject, runs: []}))
  for (let turn = 0; turn <= runs; turn++) {
    for (const one of measured) {
      if (one.failure !== undefined) continue
      try {
        const run = await measure(one.subject)
        if (turn > 0 || runs === 0) one.runs.push(run)
      } catch (error) {
        one.failure = /** @type {Error} */ (error).message
      }
    }
  }
  return measured
}

/** @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const high = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? Number.NaN) + high) / 2
}
