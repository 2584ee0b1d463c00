/**
 * check --salvage of a snapshot: every entry of it that can be saved, in a new
 * file of the same version.
 *
 *   survey   which pieces of it are sound, and what is lost between them
 *   twins    keys that are there twice: of each one stays
 *   write    the pieces, each read like a file of its own, into one that has no name yet
 *   publish
 */
import {existsSync} from 'node:fs'
import {type FileHandle, open} from 'node:fs/promises'
import {giveUpCleared} from '../analysis/announced-keys.js'
import {type LostLibrary, lostLibraries} from '../analysis/lost-libraries.js'
import type {SnapshotLoss, SnapshotSurvey, UncertainDatabase} from '../analysis/snapshot-losses.js'
import {surveySnapshot} from '../analysis/snapshot-survey.js'
import {Bitmap} from '../bytes/bitmap.js'
import {takeOwner} from '../bytes/owner.js'
import {FileRegion} from '../bytes/region.js'
import {FileTarget} from '../bytes/target.js'
import {FormatError} from '../errors.js'
import {EntryChanges} from '../keyspace/entry-changes.js'
import {LossReport} from '../keyspace/loss-report.js'
import {Selection} from '../keyspace/selection.js'
import {type GuessedHeader, guessHeader} from '../rdb/guess-header.js'
import {readPiece} from '../rdb/piece-source.js'
import {ownTarget} from '../rdb/targets.js'
import type {RdbHeader} from '../rdb/versions.js'
import {RdbWriter} from '../rdb/writer.js'
import type {SalvageOptions} from '../source/salvage.js'
import type {PlainFile} from '../source/scratch.js'
import {Libraries} from './build-conflicts.js'
import {BuildHead, type LogMark} from './build-head.js'
import {BuildVisitor} from './build-visitor.js'
import {TwinFinder} from './salvage-twins.js'

export interface SnapshotSalvage {
  out: string
  /** Of the file that was written. */
  bytes: number
  keys: number
  /** Libraries of functions. */
  functions: number
  /** Of those that are lost the first ones, as far as what is lost tells. */
  functionsLost: LostLibrary[]
  /** All of them. */
  functionLosses: number
  /** The first ones, by offset. */
  lost: SnapshotLoss[]
  /** All of them. */
  losses: number
  bytesLost: number
  /** Keys left out because the same one comes before them. */
  twins: number
  /** The first ones. */
  uncertain: UncertainDatabase[]
  keysUncertain: number
  /** Whose header was guessed, since its own is damaged. */
  headerGuessed: RdbHeader | undefined
  /** The mark of its end was found. */
  endFound: boolean
  /** Why what it is packed in could not be unpacked to its end. */
  unpackFailure: Error | undefined
}

/**
 * Writes what can be saved. `owner`: whose file the new one is to be, where that is there. FormatError where nothing can be
 * saved; then nothing is written.
 */
export async function salvageSnapshot(
  plain: PlainFile,
  out: string,
  owner: string,
  options: SalvageOptions & {logMark?: LogMark | undefined} = {},
): Promise<SnapshotSalvage> {
  const file = await open(plain.path, 'r')
  try {
    return await new SnapshotSalvaging(plain, file, out, owner, options).run()
  } finally {
    await file.close()
  }
}

/** Of the new file. */
interface Written {
  bytes: number
  functions: number
}

class SnapshotSalvaging {
  readonly #region: FileRegion
  #read = 0

  constructor(
    readonly plain: PlainFile,
    readonly file: FileHandle,
    readonly out: string,
    readonly owner: string,
    readonly options: SalvageOptions & {logMark?: LogMark | undefined},
  ) {
    this.#region = new FileRegion(file.fd, plain.bytes)
  }

  async run(): Promise<SnapshotSalvage> {
    const {plain, out, file} = this
    const guessed = guessHeader(this.#region)
    if (guessed === undefined) throw nothingSaved()
    this.#show()
    const survey = await this.#survey(guessed)
    const twins = new TwinFinder(plain.path, file.fd, this.#region, guessed.header, survey)
    await twins.leaveOut()
    if (twins.count > 0) giveUpCleared(survey)
    const written = await this.#write(guessed.header, survey)
    const {keys, lost, losses, bytesLost, uncertain} = survey
    const {libraries, count} = lostLibraries(this.#region, lost)
    return {
      ...{out, ...written, keys, lost, losses, bytesLost, uncertain},
      functionsLost: libraries,
      functionLosses: count,
      twins: twins.count,
      keysUncertain: survey.keysUncertain,
      headerGuessed: guessed.isGuessed ? guessed.header : undefined,
      endFound: survey.endOffset !== undefined,
      unpackFailure: plain.failure,
    }
  }

  /** Bytes that are read to find out, and again to write. */
  #show(): void {
    const read = (): number => this.#read
    this.options.onOpen?.({
      name: this.out,
      storedBytes: 2 * this.plain.bytes,
      get storedRead() {
        return read()
      },
    })
  }

  async #survey({header, isGuessed}: GuessedHeader): Promise<SnapshotSurvey> {
    const onRead = (offset: number): void => {
      this.#read = offset
    }
    const survey = await surveySnapshot(this.#region, header, {onRead, isHeaderLost: isGuessed})
    this.#read = this.plain.bytes
    return survey
  }

  async #write(header: RdbHeader, survey: SnapshotSurvey): Promise<Written> {
    const target = FileTarget.create(this.out, this.options)
    try {
      // Standard input is nobody's.
      if (existsSync(this.owner)) takeOwner(target.path, this.owner)
      const written = await this.#writeInto(target, header, survey)
      if (survey.keys === 0 && written.functions === 0 && survey.losses > 0) throw nothingSaved()
      await target.finish()
      return written
    } catch (error) {
      await target.abandon()
      throw error
    }
  }

  async #writeInto(target: FileTarget, header: RdbHeader, survey: SnapshotSurvey): Promise<Written> {
    const writer = new RdbWriter(target, {target: ownTarget(header)})
    const libraries = new Libraries('first', new Map())
    const visitor = salvageVisitor(writer, header, libraries, this.options.logMark)
    try {
      for (const piece of survey.pieces) {
        visitor.begins(header.family)
        await readPiece(this.file.fd, header, piece, survey.templates, visitor)
        // Nothing of its windows is still to be written.
        for (let i = 0; i < 2; i++) await writer.drain()
        this.#read = this.plain.bytes + piece.end
      }
      visitor.finish()
      return {bytes: writer.finish(), functions: libraries.count}
    } finally {
      writer.dispose()
    }
  }
}

/** Everything goes in, as it is; of libraries of one name the first. What is said of all keys is true no more. */
function salvageVisitor(
  writer: RdbWriter,
  header: RdbHeader,
  libraries: Libraries,
  logMark: LogMark | undefined,
): BuildVisitor {
  const nowMs = Date.now()
  return new BuildVisitor({
    writer,
    head: new BuildHead({target: ownTarget(header), bare: false, nowMs, logMark}),
    selection: new Selection({nowMs}, 'later'),
    changes: new EntryChanges({}),
    survey: {wrongSize: new Bitmap(), replaced: new Bitmap(), lastLibraries: new Map()},
    libraries,
    losses: new LossReport(),
    drops: {modules: false, functions: false},
    whole: false,
    keepsMarks: true,
    keepsRecords: true,
    keys: undefined,
    sort: false,
    router: undefined,
    misplaced: undefined,
  })
}

function nothingSaved(): FormatError {
  const error = new FormatError('BAD_MAGIC', 'no entry of it can be saved: nothing was written', 0)
  error.advice = 'use another copy; no sound record was found in this one'
  return error
}
