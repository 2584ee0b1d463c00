/**
 * How many keys a database has, and how many of them expire, a file says before
 * them (RESIZEDB). That settles some of what damage leaves open:
 *
 *   a key right behind it, without an expiry, may have lost one: where none is missing, it has not
 *   keys behind it may be elements of a collection: as many as are too many, the first ones
 *   the name of the next database may be lost in it: not where more keys are missing than it can have held
 *
 * And where more are kept than there were, what follows damage is not what it seems.
 */

import type {AnnouncedSize, RecentRecord} from './recent-records.js'
import type {SnapshotLoss, SnapshotSurvey} from './snapshot-losses.js'

/** Keys that are given up until the counts say what they are. */
export interface DoubtfulKeys {
  loss: SnapshotLoss
  db: number
  keys: number
  /** The first of them may have lost its expiry. */
  mayHaveExpired: boolean
  /** They may be elements of the collection before them. */
  mayBeElements: boolean
  /** Of which it is known what it announces. */
  isOfKnown: boolean
  /** Lost right before them. */
  bytesBefore: number
}

/** Places behind which more is kept than there was. */
export interface TooManyKeys {
  /** Keys that may be none, behind each of them. */
  keys: number
  ends: readonly number[]
}

/** Of a record: a type, a key of one byte, a value. */
const RECORD_BYTES_MIN = 4

export class AnnouncedKeys {
  #announced: AnnouncedSize | undefined
  #kept = 0
  #expiring = 0
  #doubtful: DoubtfulKeys[] = []
  #bytesLost = 0
  /** Keys of which it is known that they are lost. */
  #gone = 0
  /** Where what is lost ends: of each damage. */
  #ends: number[] = []
  #bytesKept = 0
  /** The count itself may be damaged. */
  #isTouched = false
  /** No other database can have begun within what is lost. */
  #isCertain = true

  /** `onClear`: told of each that has lost nothing, but for its first keys. */
  constructor(
    readonly onClear: (doubtful: DoubtfulKeys, butFirst: number) => void,
    readonly onTooMany: (tooMany: TooManyKeys) => void,
  ) {}

  /** RESIZEDB: a database begins. */
  announce(size: AnnouncedSize): void {
    this.settle()
    this.#announced = size
  }

  keep({expires, offset, end}: RecentRecord): void {
    this.#kept++
    this.#bytesKept += end - offset
    if (expires) this.#expiring++
  }

  /** The value of a key that expires is lost. */
  seeExpiry(): void {
    this.#expiring++
  }

  /** A key is lost that was one. */
  loseKey(): void {
    this.#gone++
  }

  /** Bytes are lost, up to `end`. Whether the database goes on behind them for sure. */
  lose(bytes: number, end: number): boolean {
    this.#bytesLost += bytes
    if (this.#kept + this.#gone === 0) this.#isTouched = true
    this.#ends.push(end)
    const goesOn = this.#goesOn
    // More than there were is no sign of another database, where none could begin until then.
    const isOver = this.#announced !== undefined && this.#kept + this.#gone > this.#announced.keys
    if (!goesOn && !isOver) this.#isCertain = false
    return goesOn
  }

  get #goesOn(): boolean {
    if (this.#announced === undefined) return false
    return (this.#announced.keys - this.#kept) * RECORD_BYTES_MIN > this.#bytesLost
  }

  doubt(doubtful: DoubtfulKeys): void {
    this.#doubtful.push(doubtful)
    // They belong to the damage before them.
    this.#ends.splice(-2, 1)
  }

  /** What was said to be elements last are such indeed, since the collection goes on behind them. */
  refute(): void {
    const last = this.#doubtful.at(-1)
    if (last?.mayBeElements === true) this.#doubtful.pop()
    if (this.#ends.length > 1) this.#ends.splice(-2, 1)
  }

  /** All keys of the database have been seen. */
  settle(): void {
    if (this.#announced !== undefined) this.#compare(this.#announced)
    this.#announced = undefined
    this.#kept = this.#expiring = this.#bytesLost = this.#bytesKept = this.#gone = 0
    this.#isTouched = false
    this.#isCertain = true
    this.#doubtful = []
    this.#ends = []
  }

  #compare({keys, expires}: AnnouncedSize): void {
    const doubted = this.#doubtful.reduce((sum, one) => sum + one.keys, 0)
    const tooMany = this.#kept + this.#gone + doubted - keys
    for (const one of this.#doubtful) {
      // Which keys are too many is known where they can be nowhere else.
      if (one.mayBeElements ? this.#isTouched || this.#ends.length > 1 : tooMany > 0) continue
      const mayHaveExpired = one.mayHaveExpired && expires !== this.#expiring
      const mayBeNone = one.mayBeElements ? tooMany + this.#margin(one, tooMany) : 0
      const butFirst = Math.max(mayBeNone, mayHaveExpired ? 1 : 0)
      if (butFirst >= one.keys) continue
      this.#kept += one.keys - butFirst
      this.onClear(one, butFirst)
    }
    const over = this.#kept + this.#gone - keys
    if (over <= 0 || this.#isTouched || !this.#isCertain || this.#ends.length === 0) return
    this.onTooMany({keys: over + this.#otherKeysLost(), ends: this.#ends})
  }

  /** Of keys that may be elements more may be than are too many: as many as are lost and not known to be. */
  #margin({isOfKnown, bytesBefore}: DoubtfulKeys, tooMany: number): number {
    if (isOfKnown) return tooMany > 0 ? 1 : 0
    if (this.#kept === 0) return Number.POSITIVE_INFINITY
    return 1 + Math.ceil((bytesBefore * this.#kept) / this.#bytesKept)
  }

  /** How many keys are among what is lost, of which nothing is known. */
  #otherKeysLost(): number {
    if (this.#gone === this.#ends.length) return 0
    return 1 + Math.ceil((this.#bytesLost * this.#kept) / this.#bytesKept)
  }
}

/**
 * Keys of the file stand in it twice, so that counts say nothing: the keys that they have cleared are given up after all.
 * To be called once the pieces are cut.
 */
export function giveUpCleared(survey: SnapshotSurvey): void {
  for (const loss of survey.cleared.splice(0)) {
    const at = survey.pieces.findIndex(({start, end}) => start === loss.offset && end === loss.offset + loss.bytes)
    // It was one of those that are there twice.
    if (at < 0) continue
    survey.pieces.splice(at, 1)
    survey.keys--
    survey.losses++
    survey.bytesLost += loss.bytes
    survey.lost.push(loss)
  }
  survey.lost.sort((a, b) => a.offset - b.offset)
}
