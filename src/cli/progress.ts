/**
 * Progress on standard error: how far, how fast, how long still. Only on a
 * terminal, only once a job has lasted long enough to be wondered about.
 */
import {formatDuration, formatShare, formatSize} from '../report/units.js'

const FIRST_SHOWN_MS = 500
const INTERVAL_MS = 100

/** What is being read. */
export interface Progressing {
  readonly storedRead: number
  /** Infinity where unknown. */
  readonly storedBytes: number
}

/** Shows the progress of a source until stopped. `quiet`, or no terminal: shows nothing. */
export class Progress {
  #timer: NodeJS.Timeout | undefined
  #spinner: {text: string; start(): unknown; stop(): unknown} | undefined
  readonly #startedMs = Date.now()

  constructor(
    readonly label: string,
    readonly source: Progressing,
    readonly quiet: boolean,
  ) {}

  start(): this {
    if (this.quiet || process.stderr.isTTY !== true) return this
    this.#timer = setTimeout(() => void this.#show(), FIRST_SHOWN_MS)
    this.#timer.unref()
    return this
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#spinner?.stop()
    this.#spinner = undefined
  }

  async #show(): Promise<void> {
    const {default: ora} = await import('ora')
    if (this.#timer === undefined) return
    this.#spinner = ora({text: this.#text(), stream: process.stderr, discardStdin: false})
    this.#spinner.start()
    this.#timer = setInterval(() => {
      if (this.#spinner !== undefined) this.#spinner.text = this.#text()
    }, INTERVAL_MS)
    this.#timer.unref()
  }

  #text(): string {
    const seconds = Math.max(Date.now() - this.#startedMs, 1) / 1000
    return progressText(this.label, this.source, seconds)
  }
}

/** `reading dump.rdb  42.0 %  1.2 GiB/s  3 seconds left` */
export function progressText(label: string, source: Progressing, seconds: number): string {
  const {storedRead, storedBytes} = source
  const rate = storedRead / seconds
  const speed = `${formatSize(rate)}/s`
  if (storedBytes === Number.POSITIVE_INFINITY) return `${label}  ${formatSize(storedRead)}  ${speed}`
  const left = rate > 0 ? `  ${formatDuration((storedBytes - storedRead) / rate)} left` : ''
  return `${label}  ${formatShare(storedRead, storedBytes)}  ${speed}${left}`
}
