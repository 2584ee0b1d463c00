/**
 * One side of a comparison: how it is opened, what of it is selected, and the passes over it.
 */
import {ChangedMeanwhile} from '../analysis/diff-merge.js'
import {Bitmap} from '../bytes/bitmap.js'
import {PlacedError} from '../errors.js'
import type {Side} from '../keyspace/difference.js'
import {EntryChanges} from '../keyspace/entry-changes.js'
import type {EntrySource, SourceFormat, SourceOrigin} from '../keyspace/entry-source.js'
import type {EntryVisitor} from '../keyspace/visitor.js'
import {surveySources} from './build-survey.js'
import type {SideSelection} from './diff-choosing.js'
import {type DigestPass, Places, type SideFacts} from './diff-digests.js'
import {showExcerpts} from './diff-excerpts.js'
import {type RepeatableSource, SourceChangedError} from './diff-source.js'

/** A source failed so that nothing can be compared; `cause` says why. */
export class SideError extends Error {
  override readonly name = 'SideError'

  constructor(
    readonly source: string,
    override readonly cause: unknown,
  ) {
    super(`${source}: ${(cause as Error).message}`, {cause})
  }
}

/** Says of which source an error is. */
export async function ofSource<T>(name: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw error instanceof SideError ? error : new SideError(name, error)
  }
}

/** What a source is. */
export interface SideKind {
  format: SourceFormat
  origin: SourceOrigin | undefined
  /** Its bytes lie in the file as they are read: entries can be read by their offsets. */
  plain: boolean
  /** Its stored size. */
  bytes: number
}

const NOTHING = new Bitmap()

export class SideReader {
  #wrongSize = NOTHING
  /** What ended the first reading, and will end every other. */
  failure: unknown

  constructor(
    readonly source: RepeatableSource,
    readonly side: Side,
    readonly selection: SideSelection,
    /** The database that those of the source count as. */
    readonly dbOf: (db: number) => number,
    readonly onOpen: ((source: EntrySource['source']) => void) | undefined,
  ) {}

  get name(): string {
    return this.source.name
  }

  async kind(): Promise<SideKind> {
    const source = await ofSource(this.name, this.source.entries())
    try {
      const {storedBytes, inputBytes = storedBytes} = source.source
      const origin = await ofSource(this.name, source.origin())
      return {format: source.format, origin, plain: storedBytes === inputBytes, bytes: storedBytes}
    } finally {
      await source.close()
    }
  }

  /** `onOpen`: told of it instead of who is told otherwise. */
  async open(onOpen = this.onOpen): Promise<EntrySource> {
    const source = await ofSource(this.name, this.source.entries())
    onOpen?.(source.source)
    return source
  }

  /** Which entries are left out by their size: known only once their values have been read. */
  async survey(): Promise<void> {
    const open = async function* (this: SideReader): AsyncGenerator<EntrySource> {
      const source = await this.open()
      try {
        yield source
      } finally {
        await source.close()
      }
    }.bind(this)
    const survey = surveySources({
      ...{open, selection: this.selection.all, changes: new EntryChanges({}), bounded: true},
      ...{onConflict: 'error', memoryBytes: undefined, sources: 1},
    })
    this.#wrongSize = (await ofSource(this.name, survey)).wrongSize
  }

  /** Whether some are left out by their size. */
  get sized(): boolean {
    return this.#wrongSize !== NOTHING
  }

  /** Tells a pass which entries are chosen. */
  marking(pass: DigestPass): EntryVisitor {
    return this.selection.marking(pass, this.#wrongSize)
  }

  /** Reads it once more, up to where it was read the first time; `places`: only the entries that lie there. */
  async pass(visitorOf: (places: Places) => EntryVisitor, facts: SideFacts, places?: readonly number[]): Promise<void> {
    if (places !== undefined) {
      const {origin} = await this.kind()
      const {family, rdbVersion} = origin!
      const file = {path: this.source.path, family, rdbVersion, dbs: facts.dbs}
      await this.#read(showExcerpts(file, places, visitorOf(new Places(true))))
      return
    }
    const source = await this.open()
    try {
      await this.#read(source.run(this.selection.showing(visitorOf(new Places(source.format === 'rdb')))))
    } finally {
      await source.close()
    }
  }

  async #read(reading: Promise<unknown>): Promise<void> {
    try {
      await reading
    } catch (error) {
      if (error instanceof ChangedMeanwhile) throw this.changed()
      // What ended it the first time ends it again.
      if (!(error instanceof PlacedError) || this.failure === undefined) throw new SideError(this.name, error)
    }
  }

  /** Throws where it has been changed since it was opened first. */
  mustBeTheSame(): void {
    try {
      this.source.mustBeTheSame()
    } catch (error) {
      throw new SideError(this.name, error)
    }
  }

  /** Something else was read than before. */
  changed(): SideError {
    return new SideError(this.name, new SourceChangedError())
  }
}
