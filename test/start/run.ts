/**
 * The built program as its users start it: a process of its own, in a pipe, in a shell, on a terminal.
 */
import {spawn, spawnSync} from 'node:child_process'
import {statSync} from 'node:fs'
import {dirname} from 'node:path'
import {fileURLToPath} from 'node:url'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
export const BIN = fileURLToPath(new URL('../../bin/run.js', import.meta.url))

/** Whether another user may come to the program: a clone below a private folder can be run by its owner only. */
export const othersMayEnter = foldersAbove(BIN).every(folder => (statSync(folder).mode & 0o001) !== 0)

function foldersAbove(path: string): string[] {
  const above = dirname(path)
  return above === path ? [] : [above, ...foldersAbove(above)]
}

export interface Finished {
  /** Null where a signal ended it. */
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

export interface StartOptions {
  /** Written to standard input, which is then closed; without it there is none. */
  input?: Uint8Array | string | undefined
  env?: Record<string, string> | undefined
  cwd?: string | undefined
  uid?: number | undefined
  /** Typed after a while, on a terminal. */
  typed?: {text: string; afterMs: number} | undefined
}

/** Colour and width must come from the test, not from whoever runs it. */
export function environment(extra: Record<string, string> = {}): NodeJS.ProcessEnv {
  // Where CI is set, no progress is shown, terminal or not.
  const {NO_COLOR: _, FORCE_COLOR: __, COLUMNS: ___, CI: ____, ...env} = process.env
  return {...env, TERM: 'xterm-256color', NODE: process.execPath, BIN, ...extra}
}

/** Runs the program to its end. */
export function rdbtool(args: readonly string[], options: StartOptions = {}): Promise<Finished> {
  return finish(process.execPath, [BIN, ...args], options)
}

/** Runs a line of bash in which `rdbtool` is the program. */
export function shell(line: string, options: StartOptions = {}): Promise<Finished> {
  return finish('bash', ['-c', `rdbtool() { "$NODE" "$BIN" "$@"; }\n${line}`], options)
}

/** Runs the same on a terminal of that many columns; `stdout` is all that the terminal was sent. */
export function terminal(line: string, columns: number, options: StartOptions = {}): Promise<Finished> {
  const run = `rdbtool() { "$NODE" "$BIN" "$@"; }; stty cols ${columns} rows 40; ${line}`
  return finish('script', ['-qefc', `bash -c '${run.replaceAll("'", "'\\''")}'`, '/dev/null'], options)
}

/** Whether `terminal` can be used here (util-linux, in every Debian). */
export const hasTerminal = spawnSync('script', ['--version']).status === 0

/** Starts the program with its standard input open, and hands out the process. */
export function start(
  args: readonly string[],
  env: Record<string, string> = {},
): {child: ReturnType<typeof spawn>; finished: Promise<Finished>} {
  const child = spawn(process.execPath, [BIN, ...args], {env: environment(env), stdio: 'pipe'})
  return {child, finished: collect(child)}
}

function finish(command: string, args: readonly string[], options: StartOptions): Promise<Finished> {
  const {input, cwd, uid, env, typed} = options
  const stdin = input === undefined && typed === undefined ? 'ignore' : 'pipe'
  const child = spawn(command, args, {
    env: environment(env),
    stdio: [stdin, 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : {cwd}),
    ...(uid === undefined ? {} : {uid}),
  })
  // The program may leave before it has read everything.
  child.stdin?.on('error', () => {})
  if (typed === undefined) child.stdin?.end(input)
  else setTimeout(() => child.stdin?.write(typed.text), typed.afterMs)
  return collect(child)
}

function collect(child: ReturnType<typeof spawn>): Promise<Finished> {
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout?.on('data', piece => stdout.push(piece))
  child.stderr?.on('data', piece => stderr.push(piece))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) =>
      resolve({code, signal, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString()}),
    )
  })
}
