/**
 * What a build reads: its sources are opened to learn who made them, since that decides for whom it is built, and read in
 * their order after that. Of very many, files are opened anew when it is their turn: an open one holds windows.
 */
import type {EntrySource, SourceFormat, SourceOrigin} from '../keyspace/entry-source.js'
import {type LogOptions, type OpenOptions, openEntries} from '../source/open.js'
import {type NamedSource, sourcesOf} from '../source/shard-folder.js'
import {ConflictError} from './build-conflicts.js'

/** So many are kept open. */
const OPEN_MAX = 16

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

/** Says of which source an error is. */
export async function of<T>(name: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw error instanceof ConflictError ? error : new BuildError(name, error)
  }
}

/** What is read of a source besides its keys. */
export interface ReadOptions extends LogOptions {
  ignoreChecksum?: boolean | undefined
  nowMs?: number | undefined
}

export function openOptions(options: ReadOptions): OpenOptions {
  const {ignoreChecksum, skipUnsupported, onlyCreates, pointInTime, nowMs} = options
  return {ignoreChecksum, skipUnsupported, onlyCreates, pointInTime, nowMs}
}

/** The sources that names stand for: of a folder of shards, all of them. */
export function sourcesNamed(names: readonly string[]): NamedSource[] {
  return names.flatMap(name => {
    try {
      return sourcesOf([name])
    } catch (error) {
      throw new BuildError(name, error)
    }
  })
}

/** One source. */
export interface BuildSource {
  readonly format: SourceFormat
  readonly origin: SourceOrigin | undefined
  /** Opened for its turn. */
  take(): Promise<EntrySource>
  close(): Promise<void>
}

export async function openAll(names: readonly string[], options: ReadOptions): Promise<BuildSource[]> {
  const sources: BuildSource[] = []
  try {
    for (const name of names) sources.push(await openOne(name, options, sources.length < OPEN_MAX))
  } catch (error) {
    for (const source of sources) await source.close()
    throw error
  }
  return sources
}

/** `keep`: it stays open. What can be read once does in any case. */
async function openOne(name: string, options: ReadOptions, keep: boolean): Promise<BuildSource> {
  const open = (): Promise<EntrySource> => of(name, openEntries(name, openOptions(options)))
  let opened: EntrySource | undefined = await open()
  const close = async (): Promise<void> => {
    await opened?.close()
    opened = undefined
  }
  try {
    const {format, source} = opened
    const origin = await of(name, opened.origin())
    if (!keep && format === 'rdb' && Number.isFinite(source.storedBytes)) await close()
    const take = async (): Promise<EntrySource> => {
      opened ??= await open()
      return opened
    }
    return {format, origin, take, close}
  } catch (error) {
    await close()
    throw error
  }
}
