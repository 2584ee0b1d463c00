/**
 * What can be saved of a log that is torn or damaged, in a new place: a file of
 * the same name for each that the log is made of, with a manifest of its own, or
 * one file. Nothing of it is seen before all of it is there.
 */
import {existsSync, mkdirSync, realpathSync, statSync, writeFileSync} from 'node:fs'
import {type FileHandle, open, stat} from 'node:fs/promises'
import {basename, dirname, join} from 'node:path'
import {type Chain, type ChainFile, chainOfFile, readChain} from '../aof/chain.js'
import {formatManifest, type ManifestFile} from '../aof/manifest.js'
import type {Piece} from '../aof/salvage-pieces.js'
import {type LogSalvage, missingFile, type SalvagedFile, salvagedFile} from '../aof/salvage-result.js'
import {type LogSurvey, surveyLog} from '../aof/survey.js'
import {takeOwner} from '../bytes/owner.js'
import {FileRegion} from '../bytes/region.js'
import {type ByteTarget, FileTarget} from '../bytes/target.js'
import {
  type FolderMark,
  openFolder,
  publishFolder,
  refuseTaken,
  removeUnpublished,
  temporaryBeside,
} from '../bytes/unpublished.js'
import {FormatError, PlacedError, UsageError} from '../errors.js'
import type {EntrySource} from '../keyspace/entry-source.js'
import {guessHeader} from '../rdb/guess-header.js'
import {isServerUrl} from '../resp/address.js'
import {bulk} from '../resp/framing.js'
import {factsOf, type MendSnapshot, mendedFile} from './mended-file.js'
import {isChain, openEntries} from './open.js'
import {type PlainFile, plainFile} from './scratch.js'

export interface SalvageOptions {
  /** Replace a file, or a folder that a salvage has made before. */
  force?: boolean | undefined
  /**
   * Keep the whole commands too that are found again behind damage: those that are certainly in no broken transaction, and
   * for a database that is known.
   */
  pastDamage?: boolean | undefined
  /** Keep a snapshot whose checksum is wrong, without that: no server starts from it otherwise. */
  ignoreChecksum?: boolean | undefined
  /**
   * Saves what can be saved of a damaged snapshot that a file begins with, into a file of its own. Absent, such a log is refused.
   */
  mendSnapshot?: MendSnapshot | undefined
  /** Told once there is something to read: to show how far it is. */
  onOpen?: ((progress: SalvageProgress) => void) | undefined
}

/** Bytes of the log, each read and then written. */
export interface SalvageProgress {
  readonly name: string
  readonly storedRead: number
  readonly storedBytes: number
}

/** A manifest of ours begins with it: servers from redis 7.0 on read over it, and write it no more. */
const MARK = '# salvaged by rdbtool\n'
/** Of a snapshot, at its end. */
const CHECKSUM_BYTES = 8
const COPY_BYTES = 1024 * 1024

/**
 * Writes what can be saved of a log to a new place: a folder for a folder or a manifest, a file for a file. Throws UsageError
 * for a name that is taken and for what is no log, FormatError and UnsupportedError where what the log begins with is not
 * whole; then nothing is written.
 */
export async function salvageLog(name: string, out: string, options: SalvageOptions = {}): Promise<LogSalvage> {
  const salvaging = await LogSalvaging.open(name, out, options)
  try {
    return await salvaging.run()
  } finally {
    salvaging.close()
  }
}

/** It begins like a snapshot, and does not say that a log follows it: whoever catches it removes the file. */
export class SnapshotAlone extends UsageError {
  constructor(readonly plain: PlainFile) {
    super('a salvage of logs mends append-only logs, and this is a snapshot')
  }
}

/** One file of the log, and what is known of it. */
interface Surveyed {
  file: ChainFile
  plain: PlainFile | undefined
  keep: readonly Piece[]
  facts: SalvagedFile
}

export class LogSalvaging {
  readonly #scratch: PlainFile[] = []
  #done = 0
  #total = 0

  private constructor(
    readonly chain: Chain,
    readonly out: string,
    readonly options: SalvageOptions,
    /** A name of the source under which it can be read once more. */
    readonly input: string,
    /** Of a log that is one file. */
    readonly plain: PlainFile | undefined,
  ) {
    if (plain !== undefined) this.#scratch.push(plain)
  }

  /** Looks whether there is a log and a place for it. Close it whatever comes. */
  static async open(name: string, out: string, options: SalvageOptions): Promise<LogSalvaging> {
    if (out === '-') throw new UsageError('a salvage needs a place of its own: name a file or a folder')
    if (isServerUrl(name)) throw new UsageError('a server sends a snapshot that is whole: a salvage mends files')
    statSync(dirname(out))
    if (await isChain(name)) {
      const chain = await readChain(name)
      refuseSame(chain.path, out)
      openFolder(out, options.force === true, markOf(chain))
      return new LogSalvaging(chain, out, options, name, undefined)
    }
    refuseTaken(out, options.force === true)
    if (name !== '-') refuseSame(name, out)
    const plain = await plainFile(name, out, true)
    try {
      await refuseOthers(plain)
      // Of a log, what is packed must be whole: nobody could say what its last command was.
      if (plain.failure !== undefined) throw plain.failure
      const chain = chainOfFile(plain.path)
      chain.files[0]!.name = basename(name)
      return new LogSalvaging(chain, out, options, plain.path, plain)
    } catch (error) {
      if (!(error instanceof SnapshotAlone)) plain.remove()
      throw error
    }
  }

  close(): void {
    for (const plain of this.#scratch) plain.remove()
  }

  /** `damaged`: files whose snapshots hold what is damaged within its frame, by their names: a survey of frames does not see it. */
  async run(damaged: ReadonlySet<string> = new Set()): Promise<LogSalvage> {
    const {chain, out} = this
    const {manifest, strays} = chain
    const found: (PlainFile | undefined)[] = []
    for (const file of chain.files) found.push(await this.#find(file))
    if (found.every(plain => plain === undefined)) throw nothingThere()
    this.#total = 2 * found.reduce((sum, plain) => sum + (plain?.bytes ?? 0), 0)
    this.#show()
    const surveyed: Surveyed[] = []
    const databases = new Set<number>()
    for (const [at, file] of chain.files.entries()) {
      const isDamaged = manifest === undefined ? damaged.size > 0 : damaged.has(file.name)
      surveyed.push(await this.#survey(file, found[at], databases, isDamaged))
    }
    if (manifest === undefined) await this.#writeFile(surveyed[0]!)
    else await this.#writeFolder(surveyed)
    const leftOut = [...(manifest?.history ?? []).map(({name}) => name), ...strays]
    return {out, files: surveyed.map(({facts}) => facts), leftOut}
  }

  #show(): void {
    const [done, total] = [() => this.#done, this.#total]
    this.options.onOpen?.({
      name: this.out,
      storedBytes: total,
      get storedRead() {
        return done()
      },
    })
  }

  /** Undefined: it is not there. */
  async #find({path}: ChainFile): Promise<PlainFile | undefined> {
    if (this.plain !== undefined) return this.plain
    try {
      await stat(path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
    const plain = await plainFile(path, this.out)
    this.#scratch.push(plain)
    return plain
  }

  async #survey(
    file: ChainFile,
    plain: PlainFile | undefined,
    databases: Set<number>,
    isDamaged: boolean,
  ): Promise<Surveyed> {
    if (plain === undefined) {
      this.#refuseBase(file, 'is not there')
      return {file, plain, keep: [], facts: missingFile(file)}
    }
    const isMended = file.type === 'base' && this.options.mendSnapshot !== undefined
    if (isMended && isDamaged) return await this.#mend(file, plain, databases)
    let survey: LogSurvey
    try {
      survey = await this.#look(file, plain, databases)
    } catch (error) {
      if (!(error instanceof PlacedError) || !isMended) throw error
      return await this.#mend(file, plain, databases)
    }
    return this.#surveyed(file, plain, survey)
  }

  /** Its snapshot is saved by itself, and what follows it is surveyed as in any other file. */
  async #mend(file: ChainFile, plain: PlainFile, databases: Set<number>): Promise<Surveyed> {
    const {out, chain, options} = this
    try {
      const mended = await mendedFile(file, plain, out, chain.manifest === undefined, options.mendSnapshot!)
      this.#scratch.push(mended)
      const {facts, keep} = this.#surveyed(file, mended, await this.#look(file, mended, databases))
      return {file, plain: mended, keep, facts: factsOf(facts, plain, mended)}
    } catch (failure) {
      if (failure instanceof PlacedError && chain.manifest !== undefined) failure.place.file = file.name
      throw failure
    }
  }

  #surveyed(file: ChainFile, plain: PlainFile, survey: LogSurvey): Surveyed {
    const past = this.options.pastDamage === true
    const keep = past ? survey.pieces : survey.pieces.filter(({start}) => start < survey.damagedAt)
    if (keep.length === 0 && survey.bytes > 0) this.#refuseBase(file, 'has nothing that can be kept')
    return {file, plain, keep, facts: salvagedFile(file, survey, keep)}
  }

  async #look({name}: ChainFile, {path, bytes}: PlainFile, databases: Set<number>): Promise<LogSurvey> {
    // What servers know by a command's name is loaded for logs only.
    const {commandJudge: judge} = await import('../replay/command-judge.js')
    const before = this.#done
    const {ignoreChecksum} = this.options
    const onRead = (read: number): void => {
      this.#done = before + read
    }
    try {
      return await surveyLog(path, bytes, {judge, databases, ignoreChecksum, onRead})
    } catch (error) {
      if (!(error instanceof PlacedError)) throw error
      if (this.chain.manifest !== undefined) error.place.file = name
      error.advice =
        'nothing was written: the snapshot that the log begins with cannot be read, and what was found of it is too little'
      throw error
    } finally {
      this.#done = before + bytes
    }
  }

  /** What all the others change. */
  #refuseBase({name, type}: ChainFile, what: string): void {
    const {manifest} = this.chain
    if (manifest === undefined || type !== 'base' || this.options.pastDamage === true) return
    const error = new FormatError('BAD_MANIFEST', `the base of this log, ${name}, ${what}: nothing was written`, 0)
    error.advice = 'restore it from a backup; --past-damage salvages the other files alone, which is no whole data set'
    error.place.file = name
    throw error
  }

  async #writeFile({keep, plain, facts}: Surveyed): Promise<void> {
    const target = FileTarget.create(this.out, this.options)
    // Standard input is nobody's.
    if (existsSync(this.chain.path)) takeOwner(target.path, this.chain.path)
    await this.#fill(target, plain!, keep, facts)
  }

  async #writeFolder(surveyed: readonly Surveyed[]): Promise<void> {
    const {out, chain, options} = this
    const mark = markOf(chain)
    const folder = temporaryBeside(out)
    mkdirSync(folder)
    try {
      for (const {file, plain, keep, facts} of surveyed) {
        if (plain === undefined) continue
        const target = FileTarget.create(join(folder, file.name))
        takeOwner(target.path, file.path)
        await this.#fill(target, plain, keep, facts)
      }
      writeFileSync(join(folder, mark.file), MARK + this.#manifest(surveyed), {flush: true})
      for (const name of [mark.file, '.']) takeOwner(join(folder, name), chain.manifestPath!)
      publishFolder(folder, out, options.force === true, mark)
    } catch (error) {
      removeUnpublished(folder)
      throw error
    }
  }

  /** The source's own, without what is superseded, and what is not there. */
  #manifest(surveyed: readonly Surveyed[]): string {
    const {base, increments} = this.chain.manifest!
    const facts = new Map(surveyed.map(({file, facts}) => [file.name, facts]))
    const kept = (file: ManifestFile): ManifestFile[] => {
      const {missing, bytesLost, bytesAdded} = facts.get(file.name)!
      if (missing) return []
      // Where it ended in the replication stream it ends no more.
      return [bytesLost > 0 || bytesAdded > 0 ? {...file, endOffset: undefined} : file]
    }
    const [newBase] = base === undefined ? [] : kept(base)
    return formatManifest({base: newBase, history: [], increments: increments.flatMap(kept)})
  }

  /** Writes what is kept of a file, and makes it last. */
  async #fill(target: FileTarget, plain: PlainFile, keep: readonly Piece[], facts: SalvagedFile): Promise<void> {
    const before = this.#done
    try {
      const file = await open(plain.path, 'r')
      try {
        let selected = 0
        for (const piece of keep) {
          if (piece.db !== undefined && piece.db !== selected) facts.bytesAdded += writeSelect(target, piece.db)
          selected = piece.dbAfter ?? piece.db ?? selected
          await this.#copyPiece(file, piece, target, facts)
        }
      } finally {
        await file.close()
      }
      await target.finish()
    } catch (error) {
      await target.abandon()
      throw error
    }
    this.#done = before + plain.bytes
  }

  async #copyPiece(file: FileHandle, {start, end}: Piece, target: ByteTarget, facts: SalvagedFile): Promise<void> {
    const {snapshotBytes, checksumDropped} = facts
    if (start > 0 || !checksumDropped) return await this.#copy(file, start, end, target)
    await this.#copy(file, 0, snapshotBytes - CHECKSUM_BYTES, target)
    target.write(new Uint8Array(CHECKSUM_BYTES), 0, CHECKSUM_BYTES)
    await this.#copy(file, snapshotBytes, end, target)
  }

  async #copy(file: FileHandle, start: number, end: number, target: ByteTarget): Promise<void> {
    const buffer = new Uint8Array(Math.min(COPY_BYTES, end - start))
    for (let at = start; at < end; ) {
      const {bytesRead} = await file.read(buffer, 0, Math.min(buffer.length, end - at), at)
      if (bytesRead === 0) throw new FormatError('TRUNCATED', 'the file has become shorter while it was read', at)
      target.write(buffer, 0, bytesRead)
      at += bytesRead
      this.#done += bytesRead
    }
  }
}

function nothingThere(): FormatError {
  return new FormatError('BAD_MANIFEST', 'none of the files that the manifest names is there: nothing was written', 0)
}

function writeSelect(target: ByteTarget, db: number): number {
  const command = Buffer.concat([Buffer.from('*2\r\n'), bulk('SELECT'), bulk(String(db))])
  target.write(command, 0, command.length)
  return command.length
}

function markOf({manifestPath}: Chain): FolderMark {
  return {file: basename(manifestPath!), isOurs: text => text.startsWith(MARK)}
}

function refuseSame(path: string, out: string): void {
  if (existsSync(path) && existsSync(out) && realpathSync(path) === realpathSync(out)) {
    throw new UsageError(
      `${out} is what is to be salvaged: that goes to a new place, and nothing that is there is changed`,
    )
  }
}

/** Throws FormatError for what is nothing at all. */
async function refuseOthers(plain: PlainFile): Promise<void> {
  const source = await openEntries(plain.path)
  try {
    if (source.format === 'aof') return
    if (source.format !== 'rdb') throw new UsageError('a salvage mends snapshots and append-only logs: this is neither')
    await headerOf(source, plain)
    throw new SnapshotAlone(plain)
  } finally {
    await source.close()
  }
}

/** What a snapshot begins with may be damaged, as long as it is known for one. */
async function headerOf(source: EntrySource, plain: PlainFile): Promise<void> {
  try {
    await source.origin()
  } catch (error) {
    if (error instanceof FormatError && (await isSnapshot(plain.path, plain.bytes))) return
    throw error
  }
}

async function isSnapshot(path: string, bytes: number): Promise<boolean> {
  const file = await open(path, 'r')
  try {
    return guessHeader(new FileRegion(file.fd, bytes)) !== undefined
  } finally {
    await file.close()
  }
}
