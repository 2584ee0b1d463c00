/**
 * aof-rewrite: a log as the shortest one that means the same data.
 */
import {statSync} from 'node:fs'
import {join} from 'node:path'
import {UnsupportedError, UsageError} from '../errors.js'
import type {Cut} from '../replay/point-in-time.js'
import type {AofSource, Replayed} from '../source/aof.js'
import {BuildError} from './build.js'
import {type BuildLogOptions, type BuiltLog, buildLog} from './build-log.js'
import {LogInPlace} from './log-in-place.js'
import {besideLog, type LogPlan, NEWER, planRewrite} from './log-plan.js'

export interface RewriteOptions
  extends Omit<BuildLogOptions, 'out' | 'form' | 'base' | 'onlyCreates' | 'selection' | 'changes' | 'onConflict'> {
  /** Absent: the log's own name with `.rewritten` behind it. */
  out?: string | undefined
  /** Replace the log where it lies, and keep a backup of it. */
  inPlace?: boolean | undefined
  /** Whether it begins with a snapshot, or with commands; absent: a snapshot, where the server is known to take one. */
  preamble?: boolean | undefined
}

export interface RewrittenLog extends BuiltLog {
  /** Commands that were replayed, those that framed others among them. */
  commands: number
  /** Of them, such as a server would have answered with an error. */
  errors: number
  /** Commands that cannot be replayed offline, and were left out. */
  unsupported: number
  /** Commands that were left out as asked. */
  dropped: number
  /** Where the reading ended before the log did. */
  cut: Cut | undefined
  /** The last time that the log says of what was taken, in seconds since 1970. */
  lastTimestamp: number | undefined
  /** Of the log's files, and of those that were written. */
  bytesIn: number
  bytesOut: number
  /** Where the old log is. */
  backup: string | undefined
  /** Processes of other users, of which it is not known whether they have the log open. */
  unseenProcesses: number
}

/** Rewrites a log. Nothing is published unless all of it was read to a good end; errors are those of buildLog, and UsageError. */
export async function rewriteLog(path: string, options: RewriteOptions = {}): Promise<RewrittenLog> {
  if (options.inPlace === true && options.out !== undefined) {
    throw new UsageError('in place there is no other place: leave out --in-place or --out')
  }
  const plan = await planOf(path, options)
  const inPlace = options.inPlace === true ? inPlaceOf(plan) : undefined
  let log: AofSource | undefined
  const rewrite = async ({form, base, target}: Pick<LogPlan, 'form' | 'base' | 'target'>): Promise<BuiltLog> => {
    const buildOptions: BuildLogOptions = {
      ...options,
      ...{form, base, target},
      out: inPlace === undefined ? (options.out ?? besideLog(plan.chain.path, 'rewritten')) : plan.chain.path,
      onOpen: source => {
        log = source as AofSource
        options.onOpen?.(source)
      },
    }
    return inPlace === undefined ? await buildLog([path], buildOptions) : await inPlace.rewrite(buildOptions)
  }
  const built = await rewrite(plan).catch(async error => {
    if (!plan.guessed || plan.form === 'file' || options.preamble === true || !isNotInTarget(error)) throw error
    return await rewrite({...plan, ...NEWER})
  })
  return {
    ...built,
    ...factsOf(log!.replayed!),
    ...{bytesIn: plan.bytes, bytesOut: bytesOf(built)},
    ...{backup: inPlace?.backup, unseenProcesses: inPlace?.unseenProcesses ?? 0},
  }
}

function isNotInTarget(error: unknown): boolean {
  const cause = error instanceof BuildError ? error.cause : error
  return cause instanceof UnsupportedError && cause.code === 'NOT_IN_TARGET'
}

async function planOf(path: string, options: RewriteOptions): Promise<LogPlan> {
  try {
    return await planRewrite(path, options)
  } catch (error) {
    throw error instanceof UsageError ? error : new BuildError(path, error)
  }
}

function inPlaceOf({chain, form}: LogPlan): LogInPlace {
  if (form === (chain.manifest === undefined ? 'file' : 'folder')) return new LogInPlace(chain)
  throw new UsageError('in place a log keeps its form, and that of the target is another: give --out instead')
}

function factsOf({commands, errors, skipped, dropped, cut, lastTimestamp}: Replayed) {
  return {commands, errors, unsupported: skipped, dropped, cut, lastTimestamp}
}

function bytesOf({form, out, files}: BuiltLog): number {
  if (form === 'file') return statSync(out).size
  return files.reduce((sum, name) => sum + statSync(join(out, name)).size, 0)
}
