/**
 * The entry point behind bin/run.js: runs a command, prints its failure, sets
 * the exit code, and leaves quietly when the output is closed or a signal says so.
 */
import {existsSync, readFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'
import {type Interfaces, run} from '@oclif/core'
import {formatFailure} from '../report/failure.js'
import {columnsOf, styleOf} from './command.js'
import {EXIT_BUG, EXIT_FINE, exitCodeOf} from './exit.js'
import {watchSignals} from './interrupt.js'
import {formatTypedWrong, isTypedWrong} from './typed-wrong.js'

const ROOT = new URL('../..', import.meta.url)

/** oclif ends --help by throwing this. */
const OCLIF_EXIT = 'EEXIT'

export async function main(args: string[]): Promise<void> {
  leaveQuietly(args)
  try {
    const pjson = isOwnCommand(args[0]) ? withoutPlugins() : undefined
    // No plugins of users: the home folder is nobody's business, and often not ours to read (sudo -u redis).
    await run(args, {root: fileURLToPath(ROOT), userPlugins: false, devPlugins: false, ...(pjson && {pjson})})
  } catch (error) {
    process.exitCode = fail(error, args)
  }
}

function isOwnCommand(name: string | undefined): boolean {
  return name !== undefined && existsSync(new URL(`dist/bundle/commands/${encodeURIComponent(name)}.js`, ROOT))
}

/** A command of ours needs none of the plugins: looking for help and completion would cost it a tenth of its start. */
function withoutPlugins(): Interfaces.PJSON {
  const pjson = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as Interfaces.PJSON
  return {...pjson, oclif: {...pjson.oclif, plugins: []}}
}

/** A closed pipe ends the output, not the world; a signal ends the run with its own code. */
function leaveQuietly(args: readonly string[]): void {
  process.stdout.on('error', leaveWhenClosed)
  // Where nobody listens to what goes wrong, the results still count.
  process.stderr.on('error', () => {})
  watchSignals()
  // Nobody awaits a write to a full disk: it is met here.
  process.once('uncaughtException', error => process.exit(fail(error, args)))
}

/** What is known by now stands, such as damage that the exit code tells. */
function leaveWhenClosed(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? EXIT_FINE)
}

function fail(error: unknown, args: readonly string[]): number {
  const {code, oclif} = error as {code?: string; oclif?: {exit?: number}}
  if (code === OCLIF_EXIT) return oclif?.exit ?? EXIT_FINE
  const exitCode = exitCodeOf(error)
  const style = styleOf(process.stderr)
  const lines = isTypedWrong(error)
    ? formatTypedWrong(error, args[0], style)
    : formatFailure(error, undefined, style, columnsOf(process.stderr))
  if (exitCode === EXIT_BUG) {
    lines.push('  next   this is a bug in rdbtool: please report it with the lines below')
    lines.push(error instanceof Error ? (error.stack ?? '') : '')
  }
  process.stderr.write(`${lines.join('\n')}\n`)
  return exitCode
}
