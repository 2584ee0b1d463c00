/**
 * What goes on during a long conversation, on standard error: a spinner with the present phase on a terminal. A phase may
 * bring its own progress.
 */
import type {Progressing} from './progress.js'
import {progressText, Spinner} from './progress.js'

export class Phases {
  #label: string | (() => string) = ''
  #progress: Progressing | undefined
  #sinceMs = Date.now()
  readonly #spinner: Spinner

  constructor(quiet: boolean) {
    this.#spinner = new Spinner(() => this.#text(), quiet)
  }

  /** Shows a new phase; a label may change as it goes. */
  enter(label: string | (() => string), progress?: Progressing): void {
    this.#label = label
    this.#progress = progress
    this.#sinceMs = Date.now()
    this.#spinner.start()
  }

  stop(): void {
    this.#spinner.stop()
  }

  #text(): string {
    const seconds = Math.max(Date.now() - this.#sinceMs, 1) / 1000
    const label = typeof this.#label === 'string' ? this.#label : this.#label()
    if (this.#progress !== undefined) return progressText(label, this.#progress, seconds)
    return seconds < 1 ? label : `${label}  ${Math.floor(seconds)} s`
  }
}
