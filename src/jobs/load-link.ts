/**
 * A connection to a server that is loaded: who answers is known by its run ID, and every database that is wanted is there. One
 * that breaks is made anew, with patience and within bounds:
 *
 *   the same run ID     nothing that was acknowledged is gone: what was not answered goes again
 *   another one         the server was started anew, and may have lost what it had: the load ends
 */
import {setTimeout as sleep} from 'node:timers/promises'
import {UnsupportedError, type WireCode, WireError} from '../errors.js'
import {formatAddress, type ServerAddress} from '../resp/address.js'
import type {Connection} from '../resp/connection.js'
import type {Pipeline} from '../resp/pipeline.js'
import {Questions, ReplyFailure} from '../resp/reply.js'

/** In all, for a server to come back. */
export const LOAD_PATIENCE_MS = 60_000
const DELAY_MS = 100
const DELAY_MS_MAX = 5000
/** A connection that breaks at one command will break there again. */
const BREAKS_MAX = 3
/** Of one argument (redis 7.0 proto-max-bulk-len); a connection with a larger one is closed. */
const BULK_BYTES_MAX = 512 * 1024 * 1024
/** What time mends. */
const PASSING: ReadonlySet<WireCode> = new Set<WireCode>([
  'CONNECT_FAILED',
  'CONNECT_TIMEOUT',
  'CONNECTION_LOST',
  'SILENCE',
  'MASTER_NOT_READY',
])

export interface LinkOptions {
  connectTimeoutMs: number
  silenceMs: number
  /** Absent: LOAD_PATIENCE_MS. */
  patienceMs?: number | undefined
  /** Those that something is loaded into. */
  databases: readonly number[]
  signal?: AbortSignal | undefined
}

export interface Link {
  questions: Questions
  /** Of the server, from its start to its end; empty where it does not tell. */
  runId: string
  /** The longest argument it takes. */
  bulkBytesMax: number
}

/** Connects, with the database selected. WireError where it cannot be, UnsupportedError where the server has not all databases. */
export async function openLink(address: ServerAddress, options: LinkOptions, db = 0): Promise<Link> {
  const questions = await Questions.open(address, options.connectTimeoutMs, options.silenceMs)
  try {
    const runId = await infoOf(questions, 'run_id')
    const others = options.databases.filter(one => one !== db && one !== 0)
    for (const one of others) await select(questions, one)
    if (others.length > 0 || db !== 0) await select(questions, db)
    return {questions, runId, bulkBytesMax: await bulkBytesOf(questions)}
  } catch (error) {
    questions.close()
    throw error
  }
}

async function infoOf(questions: Questions, name: string): Promise<string> {
  const reply = await questions.ask('INFO', 'server')
  return new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(typeof reply === 'string' ? reply : '')?.[1] ?? ''
}

/** What is sent behind a SELECT that was refused would go to another database. */
async function select(questions: Questions, db: number): Promise<void> {
  const reply = await questions.ask('SELECT', String(db))
  if (!(reply instanceof ReplyFailure)) return
  const {address} = questions.connection
  if (!/out of range|invalid DB index|cluster/i.test(reply.text)) {
    const context = {stage: 'loading', reply: `-${reply.text}`} as const
    throw new WireError('WRITE_REFUSED', `${address} refused SELECT ${db}: ${reply.text}`, address, context)
  }
  const error = new UnsupportedError('NOT_IN_TARGET', `${address} has no database ${db}: ${reply.text}`, 0)
  error.advice = `raise databases in its configuration, put the keys elsewhere with --map-db ${db}=0, or leave them out with --db`
  throw error
}

/** Who may not ask takes it for what servers have by default. */
async function bulkBytesOf(questions: Questions): Promise<number> {
  const reply = await questions.ask('CONFIG', 'GET', 'proto-max-bulk-len')
  const told = Array.isArray(reply) ? Number(reply[1]) : Number.NaN
  return Number.isSafeInteger(told) && told > 0 ? Math.min(told, BULK_BYTES_MAX) : BULK_BYTES_MAX
}

/** How often the connection of one pipeline broke, and where. */
export class LinkPatience {
  #answered = -1
  #breaks = 0

  constructor(
    readonly address: ServerAddress,
    readonly runId: string,
    readonly options: LinkOptions,
  ) {}

  /** Another connection instead of one that broke; throws where none comes, or none would help. */
  async reopen(error: unknown, pipeline: Pick<Pipeline, 'answered' | 'nextDb' | 'head'>): Promise<Connection> {
    if (!isPassing(error)) throw error
    const isProgress = pipeline.answered !== this.#answered || pipeline.head === undefined
    this.#breaks = isProgress ? 0 : this.#breaks + 1
    this.#answered = pipeline.answered
    if (this.#breaks >= BREAKS_MAX) throw this.#breaksAgain(error as WireError, pipeline.head)
    const {connection} = await this.connect(error, pipeline.nextDb)
    return connection
  }

  /** Connects with patience. `error`: what is told where that is over; absent: what it met. */
  async connect(error?: unknown, db = 0): Promise<Questions> {
    const {signal, patienceMs = LOAD_PATIENCE_MS} = this.options
    const endMs = performance.now() + patienceMs
    for (let delayMs = DELAY_MS; ; delayMs = Math.min(2 * delayMs, DELAY_MS_MAX)) {
      try {
        return this.#same(await openLink(this.address, this.options, db))
      } catch (met) {
        const leftMs = endMs - performance.now()
        if (!isPassing(met)) throw met
        if (leftMs <= 0 || signal?.aborted === true) throw error ?? met
        await sleep(Math.min(delayMs, leftMs), undefined, {signal}).catch(() => {})
      }
    }
  }

  #same({questions, runId}: Link): Questions {
    if (runId === this.runId || runId === '' || this.runId === '') return questions
    questions.close()
    const name = formatAddress(this.address)
    const text = `${name} was started anew while it was loaded: what it had taken may be gone`
    throw new WireError('SERVER_RESTARTED', text, name, {stage: 'loading'})
  }

  #breaksAgain({code, context, address}: WireError, head: Pipeline['head']): WireError {
    const bytes = head === undefined ? 0 : head.end - head.start
    const text = `${address} breaks the connection off each time at one place: there a command of ${bytes} bytes is sent`
    return new WireError(code, text, address, context)
  }
}

export function isPassing(error: unknown): boolean {
  return error instanceof WireError && PASSING.has(error.code)
}
