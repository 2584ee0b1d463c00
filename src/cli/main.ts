/**
 * The entry point behind bin/run.js: runs a command, prints its failure, sets
 * the exit code, and leaves quietly when the output is closed or a signal says so.
 */
import {fileURLToPath} from 'node:url'
import {run} from '@oclif/core'
import {formatFailure} from '../report/failure.js'
import {styleOf} from './command.js'
import {EXIT_BUG, EXIT_FINE, EXIT_SIGINT, EXIT_SIGTERM, exitCodeOf} from './exit.js'

/** oclif ends --help and --version by throwing this. */
const OCLIF_EXIT = 'EEXIT'

export async function main(args: string[]): Promise<void> {
  leaveQuietly()
  try {
    await run(args, {root: fileURLToPath(new URL('../..', import.meta.url))})
  } catch (error) {
    process.exitCode = fail(error, args)
  }
}

/** A closed pipe ends the output, not the world; a signal ends the run with its own code. */
function leaveQuietly(): void {
  process.stdout.on('error', error => {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') process.exit(EXIT_FINE)
    throw error
  })
  process.once('SIGINT', () => process.exit(EXIT_SIGINT))
  process.once('SIGTERM', () => process.exit(EXIT_SIGTERM))
}

function fail(error: unknown, args: readonly string[]): number {
  const {code, oclif} = error as {code?: string; oclif?: {exit?: number}}
  if (code === OCLIF_EXIT) return oclif?.exit ?? EXIT_FINE
  const exitCode = exitCodeOf(error)
  const source = oclif === undefined ? args.slice(1).find(arg => arg === '-' || !arg.startsWith('-')) : undefined
  const lines = formatFailure(error, source, styleOf(process.stderr))
  if (exitCode === EXIT_BUG) {
    lines.push('  next   this is a bug in rdbtool: please report it with the lines below')
    lines.push(error instanceof Error ? (error.stack ?? '') : '')
  }
  process.stderr.write(`${lines.join('\n')}\n`)
  return exitCode
}
