/**
 * What every command shares: colour only on a terminal, results on standard
 * output, failures told on standard error and mapped to exit codes.
 */
import {setTimeout} from 'node:timers/promises'
import {Command} from '@oclif/core'
import {formatFailure} from '../report/failure.js'
import {COLOUR, PLAIN, type Style} from '../report/table.js'
import {formatJson} from '../report/text.js'
import {EXIT_BUG, EXIT_FINE, exitCodeOf} from './exit.js'

/** Width assumed of a terminal that does not tell its own. */
const COLUMNS_DEFAULT = 80
/** A file or a pipe has no edge: keys are shown whole. */
const COLUMNS_UNBOUNDED = Number.POSITIVE_INFINITY
/** How long a signal may take that was sent together with the end of a pipe's writer. */
const SIGNAL_GRACE_MS = 100

export abstract class BaseCommand extends Command {
  /** Errors pass through: oclif would print them its own way. */
  protected override async catch(error: Error): Promise<never> {
    throw error
  }

  protected get style(): Style {
    return styleOf(process.stdout)
  }

  /** Columns of the terminal. */
  protected get columns(): number {
    return columnsOf(process.stdout)
  }

  protected print(lines: readonly string[]): void {
    this.log(lines.join('\n'))
  }

  protected printJson(value: unknown): void {
    this.log(formatJson(value))
  }

  /**
   * Ctrl-C also ends who writes into our pipe, and the end of the input may arrive
   * before our own signal: it is waited for before an early end is called damage.
   */
  protected async signalsMet(endedEarly: boolean): Promise<void> {
    await setTimeout(endedEarly ? SIGNAL_GRACE_MS : 0)
  }

  /** Tells what went wrong with a source, and sets the exit code. A bug of ours goes on to the entry point. */
  protected fail(failure: unknown, source: string | undefined, reported: boolean): void {
    const exitCode = exitCodeOf(failure)
    if (exitCode === EXIT_BUG) throw failure
    // On one screen, a report and what ended it are told apart.
    if (reported && process.stdout.isTTY && process.stderr.isTTY) this.logToStderr('')
    const lines = formatFailure(failure, source, styleOf(process.stderr), columnsOf(process.stderr))
    this.logToStderr(lines.join('\n'))
    // Of several sources, the worst.
    process.exitCode = Math.max(Number(process.exitCode ?? EXIT_FINE), exitCode)
  }
}

/** Columns of a terminal; what is none has no edge. */
export function columnsOf(stream: {isTTY?: boolean | undefined; columns?: number | undefined}): number {
  return stream.isTTY === true ? stream.columns || COLUMNS_DEFAULT : COLUMNS_UNBOUNDED
}

/** Colour on a terminal, unless NO_COLOR says otherwise (no-color.org: set and not empty). */
export function styleOf(stream: {isTTY?: boolean | undefined}): Style {
  const refused = (process.env['NO_COLOR'] ?? '') !== '' || process.env['TERM'] === 'dumb'
  return stream.isTTY === true && !refused ? COLOUR : PLAIN
}
