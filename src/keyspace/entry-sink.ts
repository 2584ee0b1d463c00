/**
 * Anything that takes what a source shows and writes it down in a format of its own.
 */
import type {EntryVisitor} from './visitor.js'

/** What a format could not carry, and of how many keys (or other things) it was left out. */
export interface Loss {
  what: string
  count: number
}

export interface EntrySink extends EntryVisitor {
  /** Keys written so far. */
  readonly keys: number
  readonly losses: readonly Loss[]
  /** What is no data, and the format says nothing of: hints of eviction, clocks that start anew. */
  readonly notes?: readonly Loss[] | undefined
  /** Removes temporary files, however it ends. */
  dispose?(): void
  /** All has been shown: writes what closes the output. The target is left to whoever made it. */
  finish(): void
  /**
   * To be called first: what is shown stands behind what other sinks have written. `enters` is told, before anything is
   * written that depends on it, in which database that has to leave off.
   */
  continues?(enters: (db: number) => void): void
  /** What has been shown so far is written; the rest is another's. Returns the database it leaves off in, if any. */
  pauses(): number | undefined
}

/** Counts losses by what was lost. */
export class Losses {
  readonly all: Loss[] = []

  add(what: string, count = 1): void {
    const known = this.all.find(one => one.what === what)
    if (known === undefined) this.all.push({what, count})
    else known.count += count
  }
}
