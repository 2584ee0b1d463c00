/**
 * The snapshots that a master hands out: of one source one for each version of the format that somebody needs, each in a
 * temporary file, whole and verified before the first byte of it is sent.
 *
 *   base        the source as it is now, in the version that it has itself, or for the target that was asked for
 *   converted   made of the base when it is asked for first; kept
 */
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {openFile} from '../bytes/source.js'
import {SpillError} from '../bytes/spill.js'
import {FileTarget} from '../bytes/target.js'
import {UnsupportedError} from '../errors.js'
import {SKIP} from '../keyspace/visitor.js'
import {RdbReader} from '../rdb/reader.js'
import {ownTarget, TARGETS, type Target} from '../rdb/targets.js'
import {RdbWriter} from '../rdb/writer.js'
import type {Readable, SnapshotPart} from '../replication/master-announced.js'
import type {ServedSnapshot, SnapshotWish} from '../replication/master-events.js'
import {isServerUrl} from '../resp/address.js'
import {openEntries} from '../source/open.js'
import {type BuildOptions, type Built, buildInto} from './build.js'
import {BuildError} from './build-sources.js'

/** Of Valkey from 9.0 on, and of everything that Redis and Valkey before it have in common. */
const VALKEY_TARGETS = {valkey: 'valkey-9.0', redis: 'valkey-8.0'} as const
const ADVICE = '; make room there, or name another folder with TMPDIR'
const READABLE_BY_OWNER = 0o600

export type StageOptions = Omit<BuildOptions, 'out' | 'stream' | 'force' | 'logMark'>

/** A snapshot that lies ready. */
export interface StagedSnapshot extends ServedSnapshot {
  /** Whom it was made for. */
  target: string
  built: Built
}

export type StageEvent =
  | {kind: 'staging'; target: string | undefined}
  | {kind: 'staged'; snapshot: StagedSnapshot; seconds: number}
  /** The data do not go into an older version; another is tried. */
  | {kind: 'not-in-target'; target: string; why: string}

/** What came of a conversion. */
type Attempt = StagedSnapshot | UnsupportedError

export class StagedSnapshots {
  readonly #attempts = new Map<string, Promise<Attempt>>()
  readonly #parts = new Map<SnapshotPart, Promise<ServedSnapshot>>()
  readonly #files: FileTarget[] = []
  /** One is made at a time: each takes the memory of a conversion. */
  #making: Promise<unknown> = Promise.resolve()

  private constructor(
    readonly source: string,
    readonly options: StageOptions,
    readonly onEvent: (event: StageEvent) => void,
  ) {}

  base!: StagedSnapshot

  /** Reads the source to a good end; throws what `build` throws. */
  static async stage(
    source: string,
    options: StageOptions,
    onEvent: (event: StageEvent) => void = () => {},
  ): Promise<StagedSnapshots> {
    const staged = new StagedSnapshots(source, options, onEvent)
    try {
      const target = options.target ?? (await targetOfSource(source, options))
      staged.base = await staged.#make(source, {...options, target})
      return staged
    } catch (error) {
      await staged.close()
      throw error
    }
  }

  /**
   * What such a replica reads: the base, where it is known to read that, or wants a file; else the lowest version that carries the data
   * without loss. Throws UnsupportedError where there is none.
   */
  async snapshotFor({readable, part}: SnapshotWish): Promise<ServedSnapshot> {
    if (part !== 'all') return await this.#partOf(part)
    const {base} = this
    if (readable === undefined || this.options.target !== undefined || reads(readable, base)) return base
    if (readable.rdbVersion === readable.rdbVersionMax) return await this.#converted(VALKEY_TARGETS[readable.family])
    let refusal: UnsupportedError | undefined
    const older = olderTargets(readable, base)
    for (const name of older) {
      const attempt = await this.#attempt(name)
      if (!(attempt instanceof UnsupportedError)) return attempt
      refusal = attempt
    }
    // Whoever may read it, for all that is known, is given it.
    if (base.family === 'redis' && base.rdbVersion <= readable.rdbVersionMax) return base
    refusal ??= new UnsupportedError('NOT_IN_TARGET', `no Redis reads RDB version ${base.rdbVersion}`, 0)
    if (readable.rdbVersionMax === Number.POSITIVE_INFINITY) throw refusal
    // It would drop its own data before it finds that it cannot read this.
    const [highest] = older.slice(-1)
    if (this.options.allowLoss === true && highest !== undefined) return await this.#converted(highest)
    throw tooOld(readable, base, refusal)
  }

  /** Removes all of them. */
  async close(): Promise<void> {
    await this.#making.catch(() => {})
    for (const file of this.#files.splice(0)) await file.abandon()
  }

  async #converted(name: string): Promise<StagedSnapshot> {
    const attempt = await this.#attempt(name)
    if (!(attempt instanceof UnsupportedError)) return attempt
    const lossy = this.options.allowLoss === true ? await this.#attempt(name, true) : attempt
    if (lossy instanceof UnsupportedError) throw lossy
    return lossy
  }

  #attempt(name: string, allowLoss = false): Promise<Attempt> {
    const id = allowLoss ? `${name}, with losses` : name
    const before = this.#attempts.get(id)
    if (before !== undefined) return before
    const attempt = this.#queued(() => this.#tryConverting(name, allowLoss))
    this.#attempts.set(id, attempt)
    // What the disk refuses now it may take later.
    attempt.catch(() => this.#attempts.delete(id))
    return attempt
  }

  async #tryConverting(name: string, allowLoss: boolean): Promise<Attempt> {
    const {compress, memoryBytes, nowMs} = this.options
    try {
      const snapshot = await this.#make(this.base.path, {target: name, compress, memoryBytes, nowMs, allowLoss})
      const [lost] = snapshot.built.lost
      if (lost === undefined || allowLoss) return snapshot
      throw new UnsupportedError('NOT_IN_TARGET', `${name} cannot hold ${lost.what}`, 0)
    } catch (error) {
      const cause = error instanceof BuildError ? error.cause : error
      if (!(cause instanceof UnsupportedError)) throw cause
      this.onEvent({kind: 'not-in-target', target: name, why: cause.message})
      return cause
    }
  }

  #partOf(part: SnapshotPart): Promise<ServedSnapshot> {
    const before = this.#parts.get(part)
    if (before !== undefined) return before
    const made = this.#queued(() => this.#makePart(part))
    this.#parts.set(part, made)
    made.catch(() => this.#parts.delete(part))
    return made
  }

  async #queued<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#making.then(work, work)
    this.#making = done.catch(() => {})
    return await done
  }

  async #make(source: string, options: StageOptions): Promise<StagedSnapshot> {
    this.onEvent({kind: 'staging', target: options.target})
    const started = performance.now()
    const built = await this.#inFile(file =>
      buildInto(file, [source], {...options, strict: options.allowLoss !== true, out: file.name}),
    )
    const {path} = this.#files.at(-1)!
    const {family, rdbVersion} = await headerOf(path)
    const snapshot = {path, bytes: built.bytes, family, rdbVersion, target: built.target, built}
    this.onEvent({kind: 'staged', snapshot, seconds: (performance.now() - started) / 1000})
    return snapshot
  }

  /** Of the base, functions alone, or nothing at all. */
  async #makePart(part: SnapshotPart): Promise<ServedSnapshot> {
    const {family, rdbVersion} = this.base
    const bytes = await this.#inFile(async file => {
      const source = await openFile(this.base.path)
      const writer = new RdbWriter(file, {target: ownTarget({family, rdbVersion})})
      try {
        await new RdbReader(source).run({
          aux: (name, value) => writer.aux(name, value),
          function: library => {
            if (part === 'functions') writer.function(library)
          },
          entry: () => SKIP,
        })
        return writer.finish()
      } finally {
        writer.dispose()
        await source.close()
      }
    })
    return {path: this.#files.at(-1)!.path, bytes, family, rdbVersion}
  }

  /** A file that never gets a name of its own: it is gone with `close`, and with the process. */
  async #inFile<T>(write: (file: FileTarget) => Promise<T>): Promise<T> {
    const id = Buffer.from(crypto.getRandomValues(new Uint8Array(6))).toString('hex')
    let file: FileTarget | undefined
    try {
      file = FileTarget.create(join(tmpdir(), `rdbtool-serve-${id}`), {mode: READABLE_BY_OWNER})
      const result = await write(file)
      await file.settled()
      this.#files.push(file)
      return result
    } catch (error) {
      await file?.abandon()
      const cause = error instanceof BuildError ? error.cause : error
      throw isOfTheDisk(cause) ? new SpillError('write', tmpdir(), file?.bytes ?? 0, cause, ADVICE) : error
    }
  }
}

/** What a replica that dropped its link may be able to read instead: the newest server of the version before. */
export function targetBefore({family, rdbVersion}: Pick<ServedSnapshot, 'family' | 'rdbVersion'>): string | undefined {
  if (family === 'valkey') return 'valkey-8.1'
  return TARGETS.findLast(one => one.product === 'redis' && one.rdbVersion < rdbVersion)?.name
}

function reads({family, rdbVersion}: Readable, snapshot: ServedSnapshot): boolean {
  // Versions of Redis above 11 are nothing that Valkey reads (valkey 9.0 rdb.h).
  if (snapshot.family === 'redis') return snapshot.rdbVersion <= (family === 'valkey' ? 11 : rdbVersion)
  return family === 'valkey' && snapshot.rdbVersion <= rdbVersion
}

function tooOld({rdbVersionMax}: Readable, {target}: StagedSnapshot, refusal: UnsupportedError): UnsupportedError {
  const text = `a replica that waits for each answer reads RDB version ${rdbVersionMax} at most, and ${refusal.message}`
  const error = new UnsupportedError('NOT_IN_TARGET', text, refusal.offset, {cause: refusal})
  error.place = refusal.place
  error.advice = `--allow-loss leaves that out; --target ${target} sends all of it to everybody, if this replica is newer than it seems`
  return error
}

/** One of each version from the one that is read for certain up to that of the base, or the last that may be read, lowest first. */
function olderTargets({rdbVersion: rdbVersionMin, rdbVersionMax}: Readable, base: ServedSnapshot): string[] {
  const end = base.family === 'redis' ? base.rdbVersion : Number.POSITIVE_INFINITY
  const redis = TARGETS.filter(({product, rdbVersion}) => product === 'redis' && rdbVersion >= rdbVersionMin)
  const firsts = new Map(redis.toReversed().map(target => [target.rdbVersion, target]))
  return [...firsts.values()]
    .filter(({rdbVersion}) => rdbVersion < end && rdbVersion <= rdbVersionMax)
    .sort((a, b) => a.rdbVersion - b.rdbVersion)
    .map(({name}) => name)
}

/**
 * The first server that reads the version of the source, so that nothing stands in the file that no such server knows;
 * undefined where the source can be read only once, or does not tell.
 */
async function targetOfSource(source: string, options: StageOptions): Promise<string | undefined> {
  if (source === '-' || isServerUrl(source)) return undefined
  const {pointInTime, onlyCreates} = options
  const entries = await openEntries(source, {pointInTime, onlyCreates})
  try {
    const origin = await entries.origin()
    if (origin === undefined) return undefined
    const {family, rdbVersion} = origin
    const suits = (one: Target): boolean => one.product === family && one.rdbVersion >= rdbVersion
    return family === 'valkey' && rdbVersion < 80 ? undefined : TARGETS.find(suits)?.name
  } finally {
    await entries.close()
  }
}

async function headerOf(path: string): Promise<Pick<ServedSnapshot, 'family' | 'rdbVersion'>> {
  const source = await openFile(path)
  try {
    const {family, rdbVersion} = (await new RdbReader(source).origin())!
    return {family, rdbVersion}
  } finally {
    await source.close()
  }
}

/** What the disk says concerns the temporary file where no path says otherwise. */
function isOfTheDisk(error: unknown): boolean {
  const {code, syscall, path} = (error ?? {}) as NodeJS.ErrnoException
  return typeof code === 'string' && syscall === 'write' && path === undefined
}
