/**
 * aof-rewrite: a log as the shortest one that means the same data.
 */
import {existsSync, readdirSync, readFileSync, realpathSync, statSync} from 'node:fs'
import {basename, dirname, join} from 'node:path'
import type {Chain} from '../aof/chain.js'
import {parseManifest} from '../aof/manifest.js'
import {FormatError, UnsupportedError, UsageError} from '../errors.js'
import {isServerUrl} from '../resp/address.js'
import {isLog, nameOf, openEntries} from '../source/open.js'
import {type BuildLogOptions, type BuiltLog, buildLog} from './build-log.js'
import {BuildError} from './build-sources.js'
import {LogInPlace} from './log-in-place.js'
import {besideLog, type LogShape, shapeOf, UPGRADED} from './log-shape.js'

export interface RewriteOptions
  extends Omit<BuildLogOptions, 'out' | 'form' | 'base' | 'onlyCreates' | 'selection' | 'changes' | 'onConflict'> {
  /** Absent: the log's own name with `.rewritten` behind it. */
  out?: string | undefined
  /** Replace the log where it lies, and keep a backup of it; `force` then: though it cannot be seen whether a server has it open. */
  inPlace?: boolean | undefined
  /** Whether it begins with a snapshot, or with commands; absent: a snapshot, where the server is known to take one. */
  preamble?: boolean | undefined
}

export interface RewrittenLog extends BuiltLog {
  /** Of the log's files, and of those that were written, without manifests. */
  bytesIn: number
  bytesOut: number
  /** Where the old log is. */
  backup: string | undefined
}

/** Rewrites a log. Nothing is published unless all of it was read to a good end; errors are those of buildLog, and UsageError. */
export async function rewriteLog(path: string, options: RewriteOptions = {}): Promise<RewrittenLog> {
  const {inPlace, out, preamble} = options
  if (inPlace === true && out !== undefined) {
    throw new UsageError('in place there is no other place: leave out --in-place or --out')
  }
  const log = await lookAt(path, options)
  const known = {form: log.chain.manifest === undefined ? 'file' : 'folder', hasSnapshot: log.hasSnapshot} as const
  const shape = shapeOf(options, known)
  if (inPlace === true && shape.form !== known.form) {
    throw new UsageError('in place a log keeps its form, and that of the target is another: give --out instead')
  }
  const place = inPlace === true ? await LogInPlace.open(path, options.force === true) : undefined
  const rewrite = async (as: LogShape): Promise<BuiltLog> => {
    const ownedLike = log.chain.manifestPath ?? log.chain.path
    // Where the version is a guess, what it cannot hold says that it is wrong.
    const strict = options.target === undefined
    const buildOptions = {...options, ...as, out: out ?? besideLog(log.chain.path, 'rewritten'), ownedLike, strict}
    return place === undefined ? await buildLog([path], buildOptions) : await place.rewrite(buildOptions)
  }
  const built = await rewrite(shape).catch(async error => {
    if (!isNotInTarget(error) || options.target !== undefined) throw error
    // Its snapshot is older than what its server is now.
    if (shape.form === 'folder' && preamble !== true) return await rewrite(UPGRADED).catch(namesServer)
    return namesServer(error)
  })
  return {...built, bytesIn: log.bytes, bytesOut: bytesOf(built), backup: place?.backup}
}

interface LookedAt {
  chain: Chain
  /** Of its files, as they are stored. */
  bytes: number
  hasSnapshot: boolean
}

/** Looks at a log that is to be rewritten. Throws UsageError of what is none. */
async function lookAt(path: string, {pointInTime}: RewriteOptions): Promise<LookedAt> {
  if (path === '-') throw new UsageError('a log is looked at before it is rewritten: name a file, or use build')
  if (isServerUrl(path)) throw new UsageError('a log is rewritten from its files: name its folder')
  try {
    refuseOdd(path)
    const source = await openEntries(path, {pointInTime})
    try {
      if (!isLog(source)) {
        throw new UsageError(`${nameOf(path)} is no append-only log: build makes one of it, with --out appendonlydir/`)
      }
      const hasSnapshot = (await source.origin()) !== undefined
      return {chain: source.chain, bytes: source.source.storedBytes, hasSnapshot}
    } finally {
      await source.close()
    }
  } catch (error) {
    throw error instanceof UsageError ? error : new BuildError(path, error)
  }
}

/** What cannot be read twice, holds nothing, or is only a part of a log. What is not there, others tell. */
function refuseOdd(path: string): void {
  const stats = statSync(path, {throwIfNoEntry: false})
  if (stats === undefined || stats.isDirectory()) return
  if (!stats.isFile()) throw new UsageError(`${path} is no file: a log is looked at before it is rewritten`)
  if (stats.size === 0) throw new UsageError(`${path} is empty: there is nothing to rewrite`)
  const manifest = manifestOf(path)
  if (manifest === undefined) return
  throw new UsageError(`${path} is a part of the log of ${manifest}: name that, or its folder`)
}

/** The manifest beside a file that names it. */
function manifestOf(path: string): string | undefined {
  const real = realpathSync(path)
  const beside = readdirSync(dirname(real)).filter(name => name.endsWith('.manifest'))
  return beside.map(name => join(dirname(real), name)).find(manifest => names(manifest, basename(real)))
}

function names(manifest: string, file: string): boolean {
  try {
    const {base, increments} = parseManifest(readFileSync(manifest))
    return base?.name === file || increments.some(({name}) => name === file)
  } catch (error) {
    if (error instanceof FormatError) return false
    throw error
  }
}

function isNotInTarget(error: unknown): boolean {
  const cause = error instanceof BuildError ? error.cause : error
  return cause instanceof UnsupportedError && cause.code === 'NOT_IN_TARGET'
}

function namesServer(error: unknown): never {
  const cause = error instanceof BuildError ? error.cause : error
  if (cause instanceof UnsupportedError && cause.code === 'NOT_IN_TARGET') {
    cause.advice = 'the log does not say which server wrote it last: name it with --target'
  }
  throw error
}

function bytesOf({form, out, files}: BuiltLog): number {
  if (form === 'file') return statSync(out).size
  const paths = files.filter(name => !name.endsWith('.manifest')).map(name => join(out, name))
  return paths.filter(existsSync).reduce((sum, one) => sum + statSync(one).size, 0)
}
