/**
 * A source that can be read more than once: a file or folder by its name; whatever arrives only once (a pipe, a running
 * server) by a temporary file of it.
 */
import {readdirSync, statSync} from 'node:fs'
import {stat} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'
import type {ByteSource} from '../bytes/source.js'
import {SpillError} from '../bytes/spill.js'
import {Spool} from '../bytes/spool.js'
import type {EntrySource} from '../keyspace/entry-source.js'
import {isServerUrl} from '../resp/address.js'
import {type OpenOptions, openEntries, openSource} from '../source/open.js'

export class RepeatableSource {
  #held: {close(): Promise<void>} | undefined
  readonly #marks: string

  private constructor(
    /** As it was named. */
    readonly name: string,
    /** What can be opened again and again. */
    readonly path: string,
    held: {close(): Promise<void>} | undefined,
    readonly options: OpenOptions,
  ) {
    this.#held = held
    this.#marks = marksOf(path)
  }

  static async open(name: string, options: OpenOptions): Promise<RepeatableSource> {
    if (isServerUrl(name)) {
      const source = await openSource(name, options)
      return new RepeatableSource(name, (source as ByteSource & {path: string}).path, source, options)
    }
    const stats = name === '-' ? undefined : await stat(name)
    if (stats?.isFile() || stats?.isDirectory()) return new RepeatableSource(name, name, undefined, options)
    const source = await openSource(name, options)
    try {
      const spool = await spooled(source)
      return new RepeatableSource(name, spool.path, {close: () => spool.discard()}, options)
    } finally {
      await source.close()
    }
  }

  /** Opens it from its beginning. */
  async entries(): Promise<EntrySource> {
    this.mustBeTheSame()
    return await openEntries(this.path, this.options)
  }

  /** For whoever opens `path` himself. */
  mustBeTheSame(): void {
    if (marksOf(this.path) !== this.#marks) throw new SourceChangedError()
  }

  /** Removes what was made for it. */
  async close(): Promise<void> {
    await this.#held?.close()
    this.#held = undefined
  }
}

/** What was read the second time is not what was read the first time. */
export class SourceChangedError extends Error {
  override readonly name = 'SourceChangedError'
  readonly code = 'SOURCE_CHANGED'
  readonly syscall = 'read'

  constructor() {
    super('was changed while it was compared: compare a copy, or the running server itself')
  }
}

/** By what it can be seen that a file is another, or has been written to; of a log, each of its files. */
function marksOf(path: string): string {
  const folder = statSync(path).isDirectory() ? path : path.endsWith('.manifest') ? dirname(path) : undefined
  const files = folder === undefined ? [path] : readdirSync(folder).map(name => join(folder, name))
  const marks = files.sort().map(file => {
    const {ino, size, mtimeNs} = statSync(file, {bigint: true})
    return `${file} ${ino} ${size} ${mtimeNs}`
  })
  return marks.join('\n')
}

async function spooled(source: ByteSource): Promise<Spool> {
  const spool = await Spool.create(join(tmpdir(), 'rdbtool-diff')).catch(refuse)
  try {
    for (let window = await source.read(); window !== undefined; window = await source.read()) {
      spool.append(window.bytes, window.start, window.end)
      await spool.ready()?.catch(refuse)
    }
    await spool.finish().catch(refuse)
    return spool
  } catch (error) {
    await spool.discard()
    throw error
  }
}

function refuse(error: unknown): never {
  throw new SpillError('write', tmpdir(), 0, error, '; make room there, or name another folder with TMPDIR')
}
