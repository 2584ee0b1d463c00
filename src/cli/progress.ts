/**
 * Progress on standard error: how far, how fast, how long still. Only on a
 * terminal, only once a job has lasted long enough to be wondered about.
 */
import {formatText, shorten} from '../report/text.js'
import {formatDuration, formatShare, formatSize} from '../report/units.js'
import {maskAddress} from '../resp/address.js'

const FIRST_SHOWN_MS = 500
const INTERVAL_MS = 100
/** Of the source, in a line of progress. */
const NAME_COLUMNS_MAX = 40

/** What is being read. */
export interface Progressing {
  readonly storedRead: number
  /** Infinity where unknown. */
  readonly storedBytes: number
}

/** A line that changes until it is stopped. `quiet`, no terminal, or one that tells no width: nothing is shown. */
export class Spinner {
  #timer: NodeJS.Timeout | undefined
  #spinner: {text: string; start(): unknown; stop(): unknown} | undefined

  constructor(
    readonly text: () => string,
    readonly quiet: boolean,
  ) {}

  /** Once it is started, starting it again changes nothing. */
  start(): void {
    const {isTTY, columns} = process.stderr
    // Lines are counted by the width, to be taken back: of none that never ends (script, expect).
    if (this.quiet || isTTY !== true || !(columns > 0) || this.#timer !== undefined) return
    this.#timer = setTimeout(() => void this.#show(), FIRST_SHOWN_MS)
    this.#timer.unref()
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
    this.#spinner = ora({text: this.text(), stream: process.stderr, discardStdin: false})
    this.#spinner.start()
    this.#timer = setInterval(() => {
      if (this.#spinner !== undefined) this.#spinner.text = this.text()
    }, INTERVAL_MS)
    this.#timer.unref()
  }
}

/** Shows the progress of a source until stopped. `quiet`, or no terminal: shows nothing. */
export class Progress {
  readonly #startedMs = Date.now()
  readonly #spinner: Spinner

  constructor(
    readonly label: string,
    readonly source: Progressing,
    quiet: boolean,
  ) {
    this.#spinner = new Spinner(() => this.#text(), quiet)
  }

  start(): this {
    this.#spinner.start()
    return this
  }

  stop(): void {
    this.#spinner.stop()
  }

  #text(): string {
    const seconds = Math.max(Date.now() - this.#startedMs, 1) / 1000
    return progressText(this.label, this.source, seconds)
  }
}

/** Progress of a source: of a running server first how its snapshot arrives, then how it is read. */
export class SourceProgress {
  #progress: Progress | undefined

  /** `verb`: what is done with the source, such as `reading`. */
  constructor(
    readonly verb: string,
    readonly quiet: boolean,
  ) {}

  /** What the job is to tell, and of what. */
  options(name: string): {
    onFetch: (transfer: Progressing) => void
    onOpen: (source: Progressing & {name: string}) => void
  } {
    return {
      onFetch: transfer => this.#show('fetching', maskAddress(name), transfer),
      onOpen: source => this.#show(this.verb, source.name, source),
    }
  }

  stop(): void {
    this.#progress?.stop()
  }

  #show(verb: string, name: string, source: Progressing): void {
    this.stop()
    const label = `${verb} ${shorten(formatText(name), NAME_COLUMNS_MAX)}`
    this.#progress = new Progress(label, source, this.quiet).start()
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
