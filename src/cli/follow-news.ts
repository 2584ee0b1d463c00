/**
 * What somebody who is not looking must hear of a folder that follows a master, a line each on standard error: that the link
 * is gone, and back; what was put aside, cut off, or could not be done.
 */
import {newsOf} from '../report/followed-log.js'
import type {SyncEvent} from '../report/replica-log.js'
import {formatText} from '../report/text.js'

/** The same trouble is told again after so long. */
const AGAIN_MS = 600_000

export class FollowNews {
  #trouble = ''
  #toldMs = Number.NEGATIVE_INFINITY

  constructor(readonly write: (line: string) => void) {}

  event(event: SyncEvent): void {
    const text = this.#textOf(event)
    if (text !== undefined) this.write(`${new Date().toISOString()}  ${formatText(text)}`)
  }

  #textOf(event: SyncEvent): string | undefined {
    if (event.kind === 'retrying') {
      const {message} = event.failure
      if (message === this.#trouble && performance.now() - this.#toldMs < AGAIN_MS) return undefined
      this.#trouble = message
      this.#toldMs = performance.now()
      return `${message}; trying again`
    }
    if (event.kind === 'online' && this.#trouble !== '') {
      this.#trouble = ''
      return `following again, from offset ${event.offset} on`
    }
    return newsOf(event)
  }
}
