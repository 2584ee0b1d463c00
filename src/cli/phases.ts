/**
 * What goes on during a long conversation, on standard error: a spinner with the present phase on a terminal. A phase may
 * bring its own progress.
 */
import type {Progressing} from './progress.js'
import {progressText, Spinner} from './progress.js'

export class Phases {
  #label = ''
  #progress: Progressing | undefined
  #sinceMs = Date.now()
  readonly #spinner: Spinner

  constructor(quiet: boolean) {
    this.#spinner = new Spinner(() => this.#text(), quiet)
  }

  /** Shows a new phase. */
  enter(label: string, progress?: Progressing): void {
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
    if (this.#progress !== undefined) return progressText(this.#label, this.#progress, seconds)
    return seconds < 1 ? this.#label : `${this.#label}  ${Math.floor(seconds)} s`
  }
}
