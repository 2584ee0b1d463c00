/**
 * How long one goes on trying to follow a master, and after what: of what a human must mend, no new attempt comes.
 */
import {FormatError, type WireCode, WireError} from '../errors.js'
import {type FullResyncOptions, PATIENCE_MS, RETRIES, retryDelayMs} from '../replication/full-resync.js'

/** A master whose stream breaks at one place will break it again. */
const BROKEN_STREAMS_MAX = 3
/** Refusals that time does not mend. */
const FINAL: ReadonlySet<WireCode> = new Set<WireCode>([
  'AUTH_REQUIRED',
  'AUTH_FAILED',
  'NO_PERMISSION',
  'COMMAND_UNKNOWN',
  'PROTECTED_MODE',
  'TLS_FAILED',
])

export class FollowPatience {
  #failures = 0
  #brokenTransfers = 0
  #brokenStreams = 0
  #leftMs: number

  constructor(readonly options: Pick<FullResyncOptions, 'patienceMs' | 'retries' | 'retryDelayMs'>) {
    this.#leftMs = options.patienceMs ?? PATIENCE_MS
  }

  /** The link stands. */
  goesWell(): void {
    this.#failures = 0
    this.#brokenTransfers = 0
    this.#leftMs = this.options.patienceMs ?? PATIENCE_MS
  }

  /** Before the next attempt, in milliseconds. */
  delay(): number {
    return retryDelayMs(this.#failures++, this.options)
  }

  /** Whether to try once more, after so long. `isFollowing`: a log is there that somebody relies on. */
  lasts(error: unknown, waitMs: number, isFollowing: boolean): boolean {
    const isFormat = error instanceof FormatError
    if (!isFormat && !(error instanceof WireError)) return false
    const {retries = RETRIES} = this.options
    const stage = isFormat ? 'transfer' : error.context.stage
    if (isFormat || error.code === 'SNAPSHOT_FAILED' || stage === 'transfer') return this.#brokenTransfers++ < retries
    const {code} = error
    if (code === 'UNEXPECTED_REPLY') return stage === 'stream' && this.#brokenStreams++ < BROKEN_STREAMS_MAX
    if (FINAL.has(code) && error.context.reason !== 'ECONNRESET') return false
    if (isFollowing) return true
    // What is wrong at the first try is told.
    this.#leftMs -= waitMs
    const again = this.#failures > 1
    return this.#leftMs > 0 && (code === 'MASTER_NOT_READY' || again || stage === 'waiting')
  }
}
