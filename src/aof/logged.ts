/**
 * What a log says, told with what its commands do not say themselves: when, for
 * which database, and whether in a transaction.
 */
import type {LogCommand} from './log-reader.js'

/** A command in its place. Lent, with what it holds. */
export interface LoggedCommand {
  command: LogCommand
  /** Within the folder of the log. */
  file: string
  /** The one that is selected: of SELECT, the one that it selects. */
  db: number
  /** Since 1970, as the last annotation before it says; undefined where there is none. */
  seconds: number | undefined
  /** MULTI and EXEC themselves included. */
  inTransaction: boolean
}

/** The snapshot that a file begins with. */
export interface LoggedSnapshot {
  file: string
  bytes: number
  keys: number
  rdbVersion: number
  product: string
  serverVersion: string | undefined
  /** When it was written, since 1970, as it says itself. */
  seconds: number | undefined
}

/** Shown a log, in its order. */
export interface LoggedVisitor {
  command(logged: LoggedCommand): void
  snapshot(snapshot: LoggedSnapshot): void
  /** Everything that is there has been shown: who follows waits for more. Awaited. */
  pause?(): Promise<void> | undefined
  /** Awaited between windows: a place for back pressure. */
  drain?(): Promise<void> | undefined
}
