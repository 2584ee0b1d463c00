/**
 * build: any sources into one snapshot, written for a named server.
 */
import {FileTarget} from '../bytes/target.js'
import {UsageError} from '../errors.js'
import type {EntrySource, SourceOrigin} from '../keyspace/entry-source.js'
import {Selection, type SelectionOptions} from '../keyspace/selection.js'
import type {Problem} from '../keyspace/visitor.js'
import {ownTarget, type Target, targetOf} from '../rdb/targets.js'
import {RdbWriter} from '../rdb/writer.js'
import {openEntries} from '../source/open.js'
import {BuildHead} from './build-head.js'
import {BuildVisitor} from './build-visitor.js'

export interface BuildOptions {
  /** Where the snapshot goes. */
  out: string
  /** Replace what is there. */
  force?: boolean | undefined
  /** For which server; absent: the version that the sources have themselves. */
  target?: string | undefined
  compress?: boolean | undefined
  /** Store every value anew, even where the target takes it as it is. */
  reencode?: boolean | undefined
  /** Go on where a checksum is wrong, and publish all the same. */
  ignoreChecksum?: boolean | undefined
  selection?: SelectionOptions | undefined
  nowMs?: number | undefined
  /** Told of each source once it is open: to show how far the reading is. */
  onOpen?: ((source: EntrySource) => void) | undefined
}

export interface Built {
  out: string
  target: string
  keysIn: number
  keysOut: number
  /** Keys passed over on purpose, by reason. */
  skipped: {reason: string; keys: number}[]
  /** What the target has no place for, though it is no data. */
  lost: {what: string; keys: number}[]
  /** Of the file. */
  bytes: number
  warnings: (Problem & {source: string})[]
}

/** A build failed at this source; `cause` says why. */
export class BuildError extends Error {
  override readonly name = 'BuildError'

  constructor(
    readonly source: string,
    override readonly cause: unknown,
  ) {
    super(`${source}: ${(cause as Error).message}`, {cause})
  }
}

/** Builds one file of all sources, in their order. Nothing is published unless every source was read to a good end. */
export async function build(names: readonly string[], options: BuildOptions): Promise<Built> {
  const target = FileTarget.create(options.out, {force: options.force})
  try {
    const built = await buildInto(target, names, options)
    await target.finish()
    return built
  } catch (error) {
    await target.abandon()
    throw error
  }
}

async function buildInto(file: FileTarget, names: readonly string[], options: BuildOptions): Promise<Built> {
  const sources = await openAll(names, options)
  try {
    const origins = await Promise.all(sources.map((source, i) => of(names[i]!, source.origin())))
    const target = options.target === undefined ? commonTarget(origins) : targetOf(options.target)
    const nowMs = options.nowMs ?? Date.now()
    const {compress, reencode} = options
    const writer = new RdbWriter(file, {target, compress, reencode, templates: sources.length === 1})
    const head = new BuildHead({target, bare: false, nowMs})
    const selection = new Selection({...options.selection, nowMs})
    const visitor = new BuildVisitor(writer, head, selection)
    const warnings: Built['warnings'] = []
    try {
      for (const [i, source] of sources.entries()) {
        writer.sourceFamily = source.format === 'rdb' ? origins[i]?.family : undefined
        visitor.problem = problem => warnings.push({...problem, source: names[i]!})
        options.onOpen?.(source)
        await of(names[i]!, source.run(visitor))
      }
      head.write(writer)
      const bytes = writer.finish()
      return {...visitor.counts(), out: options.out, target: target.name, bytes, warnings}
    } finally {
      writer.dispose()
    }
  } finally {
    for (const source of sources) await source.close()
  }
}

async function openAll(names: readonly string[], {ignoreChecksum}: BuildOptions): Promise<EntrySource[]> {
  const sources: EntrySource[] = []
  try {
    for (const name of names) sources.push(await of(name, openEntries(name, {ignoreChecksum})))
  } catch (error) {
    for (const source of sources) await source.close()
    throw error
  }
  return sources
}

/** Says of which source an error is. */
async function of<T>(name: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw new BuildError(name, error)
  }
}

/** The newest version among the sources, where all are of one family. */
function commonTarget(origins: readonly (SourceOrigin | undefined)[]): Target {
  const known = origins.filter(origin => origin !== undefined)
  const families = new Set(known.map(({family}) => family))
  if (families.size > 1) {
    throw new UsageError('some sources are of Redis and some of Valkey: say with --target for which server to build')
  }
  const newest = known.reduce<SourceOrigin | undefined>(
    (best, one) => (best === undefined || one.rdbVersion > best.rdbVersion ? one : best),
    undefined,
  )
  return ownTarget(newest)
}
