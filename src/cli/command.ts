/**
 * What every command shares: writing to a pipe that may close, colour only on
 * a terminal, and failures left to the entry point, which alone maps them to
 * exit codes.
 */
import {Command} from '@oclif/core'
import {COLOUR, PLAIN, type Style} from '../report/table.js'

/** Width assumed where the output is no terminal. */
const COLUMNS_DEFAULT = 80
/** A file or a pipe has no edge: keys are shown whole. */
const COLUMNS_UNBOUNDED = 1_000_000

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
    return process.stdout.isTTY === true ? (process.stdout.columns ?? COLUMNS_DEFAULT) : COLUMNS_UNBOUNDED
  }

  protected print(lines: readonly string[]): void {
    this.log(lines.join('\n'))
  }

  protected printJson(value: unknown): void {
    this.log(JSON.stringify(value, undefined, 2))
  }
}

/** Colour on a terminal, unless NO_COLOR says otherwise (no-color.org: set and not empty). */
export function styleOf(stream: {isTTY?: boolean | undefined}): Style {
  const refused = (process.env['NO_COLOR'] ?? '') !== '' || process.env['TERM'] === 'dumb'
  return stream.isTTY === true && !refused ? COLOUR : PLAIN
}
