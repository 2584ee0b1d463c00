/**
 * build: any sources into one snapshot, written for a named server.
 *
 *   survey    only where sizes or conflicts decide: all sources are looked through first
 *   write     all sources in their order, into a file that has no name yet
 *   conflicts unless settled before: what was written is looked through for keys that are there twice
 *   publish
 */
import {DATABASES_DEFAULT} from '../analysis/soundness-databases.js'
import {Bitmap} from '../bytes/bitmap.js'
import {type ByteTarget, FileTarget} from '../bytes/target.js'
import {UsageError} from '../errors.js'
import {type EntryChangeOptions, EntryChanges} from '../keyspace/entry-changes.js'
import type {EntrySource, SourceFormat, SourceOrigin} from '../keyspace/entry-source.js'
import {LossReport, type Lost} from '../keyspace/loss-report.js'
import {Selection, type SelectionOptions} from '../keyspace/selection.js'
import type {Problem} from '../keyspace/visitor.js'
import {ownTarget, type Target, targetOf} from '../rdb/targets.js'
import {RdbWriter, type SortOptions} from '../rdb/writer.js'
import type {AofSource, Replayed} from '../source/aof.js'
import {isLog, type LogOptions, openEntries} from '../source/open.js'
import type {NamedSource} from '../source/shard-folder.js'
import type {HandedOver, Helpers} from '../source/shared-replay.js'
import {
  CONFLICTS_TOLD_MAX,
  type Conflict,
  ConflictError,
  type ConflictRule,
  Libraries,
  WrittenKeys,
} from './build-conflicts.js'
import {BuildHead, type LogMark} from './build-head.js'
import {modulesWanted, refuseLosses} from './build-losses.js'
import {Misplaced, type SlotRouter} from './build-router.js'
import {type BuildSource, of, openAll, openOptions, sourcesNamed} from './build-sources.js'
import {type Survey, surveySources} from './build-survey.js'
import {BuildVisitor} from './build-visitor.js'
import type {ReplayHelpersOptions} from './replay-helpers.js'

export interface BuildOptions extends LogOptions {
  /** Name of the file that the snapshot goes to. */
  out: string
  /** Where it goes instead of a file, whose end then says whether it is whole. */
  stream?: ByteTarget | undefined
  /** Replace what is there. */
  force?: boolean | undefined
  /** For which server; absent: the version that the sources have themselves. */
  target?: string | undefined
  /** For which server where no source says its version; absent: what Redis and Valkey both load. */
  targetUntold?: string | undefined
  /** Publish what lacks data that the target has no place for. */
  allowLoss?: boolean | undefined
  /** At the first of that, end with an UnsupportedError, instead of looking for all of it. */
  strict?: boolean | undefined
  /** Leave out values of modules, and their data beside the values. */
  dropModules?: boolean | undefined
  /** Leave out libraries of functions. */
  dropFunctions?: boolean | undefined
  compress?: boolean | undefined
  /** Store every value anew, even where the target takes it as it is. */
  reencode?: boolean | undefined
  /** Go on where a checksum is wrong, and publish all the same. */
  ignoreChecksum?: boolean | undefined
  selection?: SelectionOptions | undefined
  /** What is changed about keys and expiries. */
  changes?: EntryChangeOptions | undefined
  /** Which of several entries of one key stays; absent: none, that is an error. */
  onConflict?: ConflictRule | undefined
  /** Keys, and what has no order of its own within values, in the order of their bytes: the same data makes the same file. */
  sort?: boolean | undefined
  /** Before the keys, version and bits only: nothing of when it was made. */
  bare?: boolean | undefined
  /** For finding keys that are there twice, or for sorting. */
  memoryBytes?: number | undefined
  nowMs?: number | undefined
  /** Threads that replay a log side by side; absent: as many as pay. */
  threads?: number | undefined
  /** Bytes of a log from which on threads pay. */
  threadBytesMin?: number | undefined
  /** Makes a thread of a script of src/threads. */
  newThread?: ReplayHelpersOptions['newThread']
  /** The file is what a log begins with, and says so under this name; absent: it is a snapshot of its own. */
  logMark?: LogMark | undefined
  /** Which of several files a key goes to. */
  router?: SlotRouter | undefined
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
  /** What the target has no place for: data, if there was leave, and hints. */
  lost: Lost[]
  /** Of sources that are shards of a cluster: keys that are not of their shard's slots; absent where none of them is. */
  misplaced?: number | undefined
  /** Keys of each of several files. */
  shardKeys?: number[] | undefined
  /** Of the file. */
  bytes: number
  warnings: (Problem & {source: string})[]
  /** Of one source that is a log: what became of its commands. */
  replayed: Replayed | undefined
}

/**
 * Builds one file of all sources, in their order. Nothing is published unless every source was read to a good end, and no
 * data was lost without leave (LossError).
 */
export async function build(names: readonly string[], options: BuildOptions): Promise<Built> {
  const file = options.stream ?? FileTarget.create(options.out, {force: options.force})
  try {
    const built = await buildInto(file, names, options)
    refuseLosses(built, options)
    await file.finish()
    return built
  } catch (error) {
    await file.abandon()
    throw error
  }
}

/**
 * The same into a target, or several with a router, that somebody else finishes, or abandons, and who refuses what was lost;
 * of a stream the end is missing then.
 */
export async function buildInto(
  files: ByteTarget | readonly ByteTarget[],
  names: readonly string[],
  options: BuildOptions,
): Promise<Built> {
  const sources = sourcesNamed(names)
  if (options.pointInTime !== undefined && sources.length > 1) {
    throw new UsageError('a part can be taken of one log: name no other sources beside it')
  }
  return await new Building(sources, options).write('write' in files ? [files] : files)
}

/** Formats whose sources have each key once. */
const ONCE_EACH: ReadonlySet<SourceFormat> = new Set<SourceFormat>(['rdb', 'aof', 'server'])

const STANDARD_INPUT = '-'

const NO_SURVEY: Survey = {wrongSize: new Bitmap(), replaced: new Bitmap(), lastLibraries: new Map()}

class Building {
  readonly #selection: Selection
  readonly #changes: EntryChanges
  readonly #rule: ConflictRule
  readonly #sorts: boolean
  readonly #warnings: Built['warnings'] = []
  readonly #losses = new LossReport()
  /** Of a file that is sorted: entries that gave way to another of their key, and some of those that must not. */
  #twins = 0
  readonly #conflicts: Conflict[] = []

  readonly #misplaced: Misplaced | undefined
  readonly names: readonly string[]

  constructor(
    readonly sources: readonly NamedSource[],
    readonly options: BuildOptions,
  ) {
    this.names = sources.map(({name}) => name)
    if (sources.some(({slots}) => slots !== undefined)) this.#misplaced = new Misplaced()
    const {selection, changes = {}, onConflict = 'error', nowMs = Date.now()} = options
    this.#selection = new Selection({...selection, nowMs}, 'later')
    this.#changes = new EntryChanges(changes)
    this.#rule = onConflict
    this.#sorts = options.sort === true
  }

  async write(files: readonly ByteTarget[]): Promise<Built> {
    const survey = await this.#survey()
    const sources = await openAll(this.names, this.options)
    try {
      return await this.#writeAll(files, sources, survey)
    } finally {
      for (const source of sources) await source.close()
    }
  }

  async #writeAll(files: readonly ByteTarget[], sources: readonly BuildSource[], survey: Survey): Promise<Built> {
    const {options, names} = this
    const {out, router} = options
    const origins = sources.map(({origin}) => origin)
    const target = options.target === undefined ? commonTarget(origins, options) : targetOf(options.target)
    // Where slots have no shard nothing is written: keys are counted.
    const isWritten = router?.isWhole !== false
    const keys = isWritten && this.#mayCollide(sources) ? new WrittenKeys(options.memoryBytes) : undefined
    if (keys !== undefined && files[0]!.path === undefined) throw cannotTakeBack(files[0]!.name)
    router?.begins(target)
    const writer = this.#writer(files, target, keys)
    const visitor = this.#visitor(writer, target, survey, keys)
    let replayed: Replayed | undefined
    try {
      for (const [i, {format, take, close}] of sources.entries()) {
        const name = names[i]!
        const source = await take()
        writer.sourceNumber = i
        visitor.begins(format === 'rdb' ? origins[i]?.family : undefined)
        this.#misplaced?.begins(this.sources[i]!.slots)
        visitor.problem = problem => this.#warnings.push({...problem, source: name})
        keys?.begins(
          name,
          writer.files.map(({place}) => place),
        )
        options.onOpen?.(source)
        if (isLog(source) && name !== STANDARD_INPUT) {
          source.helpers = await this.#helpers(source, target, writer, visitor)
        }
        await of(name, source.run(visitor))
        // Nothing of its windows is still to be written.
        for (let i = 0; i < 2; i++) await writer.drain()
        await close()
        if (isLog(source) && sources.length === 1) replayed = source.replayed
      }
      router?.check()
      visitor.finish()
      this.#noteModules(writer.modules, target)
      const misplaced = this.#misplaced?.keys
      const facts = {misplaced, out, target: target.name, warnings: this.#warnings, replayed}
      // What went to a stream cannot be taken back, but without its end nobody loads it.
      if (files[0]!.path === undefined) refuseLosses({...this.#counts(visitor), ...facts, bytes: writer.place}, options)
      const bytes = writer.finish()
      this.#noteDatabases(writer.highestDb)
      if (this.#conflicts.length > 0) throw new ConflictError(this.#conflicts)
      await keys?.check(
        files.map(one => ({path: one.path!, bytes: one.bytes})),
        writer.header,
      )
      const shardKeys = router && writer.files.map(one => one.keys)
      return {...this.#counts(visitor), ...facts, shardKeys, bytes}
    } finally {
      writer.dispose()
      keys?.close()
    }
  }

  /** Of a log all of which goes in as it is: others are looked at key by key, and what helpers write down is not. */
  async #helpers(
    log: AofSource,
    target: Target,
    writer: RdbWriter,
    visitor: BuildVisitor,
  ): Promise<Helpers | undefined> {
    const {compress, reencode = false, strict = false, nowMs = Date.now()} = this.options
    if (reencode || !this.#isWhole) return undefined
    const onHandedOver = ({keys, written, emptied, lost}: HandedOver): void => {
      visitor.keysIn += keys - written
      writer.emptied += emptied
      this.#losses.merge(lost)
    }
    const {helpersFor} = await import('./replay-helpers.js')
    const {threads, threadBytesMin, newThread} = this.options
    return helpersFor(log, {target, compress, strict, nowMs, threads, threadBytesMin, newThread, onHandedOver})
  }

  /** Nothing is selected, changed, sorted or left out. */
  get #isWhole(): boolean {
    if (this.names.length > 1 || this.options.router !== undefined || this.#sorts) return false
    return this.#selection.everything && this.#changes.nothing
  }

  /** Servers end at a database that they do not have, from a log as from a snapshot. */
  #noteDatabases(highest: number): void {
    if (highest < DATABASES_DEFAULT) return
    const needs = `a server starts from what is written with "databases ${highest + 1}" or more only`
    const text = `database ${highest}: a server has ${DATABASES_DEFAULT} unless told otherwise; ${needs}`
    this.#warnings.push({code: 'DATABASE_NUMBER', severity: 'warning', offset: 0, text, source: this.names[0]!})
  }

  #noteModules(modules: ReadonlySet<string>, target: Target): void {
    const wanted = modulesWanted(modules, target)
    if (wanted.length === 0) return
    const text = `a server without ${wanted.length > 1 ? 'the modules' : 'the module'} ${wanted.join(', ')} does not start from what is written; --drop-modules leaves their values out`
    this.#warnings.push({code: 'MODULES_NEEDED', severity: 'warning', offset: 0, text, source: this.names[0]!})
  }

  #writer(files: readonly ByteTarget[], target: Target, keys: WrittenKeys | undefined): RdbWriter {
    const {compress, reencode, memoryBytes, router, strict, nowMs = Date.now()} = this.options
    const onTwin: SortOptions['onTwin'] = (twin, stays) => {
      this.#twins++
      if (this.#rule !== 'error' || this.#conflicts.length === CONFLICTS_TOLD_MAX) return
      this.#conflicts.push({
        db: twin.db,
        key: twin.key.copy(),
        sources: [this.names[stays.source]!, this.names[twin.source]!],
      })
    }
    return new RdbWriter(files, {
      ...{target, compress, reencode},
      ...(strict === true ? {} : {losses: this.#losses, nowMs}),
      templates: this.names.length === 1 && !this.#sorts && router === undefined,
      fileOf: router && (key => router.fileOf(key)),
      onRecord: keys && (({db, keyBytes}, place) => keys.add(db, keyBytes, place)),
      sort: this.#sorts ? {memoryBytes, twins: this.#rule, onTwin} : undefined,
    })
  }

  #visitor(writer: RdbWriter, target: Target, survey: Survey, keys: WrittenKeys | undefined): BuildVisitor {
    const [selection, changes] = [this.#selection, this.#changes]
    const {nowMs = Date.now(), logMark, router, dropModules = false, dropFunctions = false} = this.options
    const drops = {modules: dropModules, functions: dropFunctions}
    const asItIs = selection.everything && !changes.mayCollide && !this.#sorts
    const whole = this.names.length === 1 && asItIs && router === undefined
    const head = new BuildHead({target, bare: this.#sorts || this.options.bare === true, nowMs, logMark})
    const libraries = new Libraries(this.#rule, survey.lastLibraries)
    const keepsMarks = whole && target.own
    const nothingLeftOut = survey.wrongSize.size === 0 && survey.replaced.size === 0
    const keepsRecords = changes.keepsRecords && nothingLeftOut
    return new BuildVisitor({
      ...{writer, head, selection, changes, survey, libraries, whole, keepsMarks, keepsRecords, keys, drops},
      ...{losses: this.#losses, sort: this.#sorts, router, misplaced: this.#misplaced},
    })
  }

  #counts(visitor: BuildVisitor): Pick<Built, 'keysIn' | 'keysOut' | 'skipped' | 'lost'> {
    const counts = visitor.counts()
    if (this.#twins > 0) counts.skipped.push({reason: 'conflict', keys: this.#twins})
    return counts
  }

  /** Whether two entries of one key may be met that nothing has been settled about: one RDB file has each key once. */
  #mayCollide(sources: readonly BuildSource[]): boolean {
    if (this.#rule !== 'error' || this.#sorts) return false
    return sources.length > 1 || this.#changes.mayCollide || !ONCE_EACH.has(sources[0]!.format)
  }

  async #survey(): Promise<Survey> {
    const {names, options} = this
    const {minBytes, maxBytes} = options.selection ?? {}
    const bounded = minBytes !== undefined || maxBytes !== undefined
    // Sorting brings entries of one key together by itself.
    const settled = this.#rule === 'error' || this.#sorts
    if (!bounded && settled) return NO_SURVEY
    const open = async function* (): AsyncGenerator<Pick<EntrySource, 'run'>> {
      for (const name of names) {
        const source = await of(name, openEntries(name, openOptions(options)))
        try {
          if (source.source.storedBytes === Number.POSITIVE_INFINITY) throw cannotReadTwice(name)
          options.onOpen?.(source)
          yield {run: visitor => of(name, source.run(visitor))}
        } finally {
          await source.close()
        }
      }
    }
    const {memoryBytes, dropModules} = options
    const [selection, changes, onConflict] = [this.#selection, this.#changes, settled ? 'error' : this.#rule] as const
    const {length: sources} = names
    return surveySources({open, selection, changes, onConflict, bounded, memoryBytes, dropModules, sources})
  }
}

function cannotReadTwice(name: string): UsageError {
  const why = 'sizes and conflicts are settled by reading everything twice'
  return new UsageError(`${name}: ${why}, and a pipe can be read once: save it to a file first`)
}

function cannotTakeBack(name: string): UsageError {
  const why = 'a key that is there twice is found when all is written, and that cannot be taken back'
  return new UsageError(`${name}: ${why}: say --on-conflict first or last, or --sort, or give a file`)
}

/** The newest version among the sources, where all are of one family. */
function commonTarget(
  origins: readonly (SourceOrigin | undefined)[],
  {targetUntold}: Pick<BuildOptions, 'targetUntold'>,
): Target {
  const known = origins.filter(origin => origin !== undefined)
  const families = new Set(known.map(({family}) => family))
  if (families.size > 1) {
    throw new UsageError('some sources are of Redis and some of Valkey: say with --target for which server to build')
  }
  const newest = known.reduce<SourceOrigin | undefined>(
    (best, one) => (best === undefined || one.rdbVersion > best.rdbVersion ? one : best),
    undefined,
  )
  return newest === undefined && targetUntold !== undefined ? targetOf(targetUntold) : ownTarget(newest)
}
