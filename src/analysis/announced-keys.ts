/**
 * How many keys a database has, and how many of them expire, a file says before
 * them (RESIZEDB). That settles some of what damage leaves open:
 *
 *   a key right behind it, without an expiry, may have lost one: where none is missing, it has not
 *   the name of the next database may be lost in it: not where more keys are missing than it can have held
 */

import type {AnnouncedSize, RecentRecord} from './recent-records.js'
import type {SnapshotLoss, SnapshotSurvey} from './snapshot-survey.js'

interface DoubtfulKey {
  loss: SnapshotLoss
  db: number
}

/** Of a record: a type, a key of one byte, a value. */
const RECORD_BYTES_MIN = 4

export class AnnouncedKeys {
  #announced: AnnouncedSize | undefined
  #kept = 0
  #expiring = 0
  #doubtful: DoubtfulKey[] = []
  #bytesLost = 0

  /** `onClear`: told of each that has lost nothing. */
  constructor(readonly onClear: (loss: SnapshotLoss, db: number) => void) {}

  /** RESIZEDB: a database begins. */
  announce(size: AnnouncedSize): void {
    this.settle()
    this.#announced = size
  }

  keep({expires}: RecentRecord): void {
    this.#kept++
    if (expires) this.#expiring++
  }

  /** The value of a key that expires is lost. */
  seeExpiry(): void {
    this.#expiring++
  }

  /** Bytes are lost. Whether the database goes on behind them for sure. */
  lose(bytes: number): boolean {
    this.#bytesLost += bytes
    if (this.#announced === undefined) return false
    return (this.#announced.keys - this.#kept) * RECORD_BYTES_MIN > this.#bytesLost
  }

  doubt(loss: SnapshotLoss, db: number): void {
    this.#doubtful.push({loss, db})
  }

  /** All keys of the database have been seen. */
  settle(): void {
    const {keys, expires} = this.#announced ?? {keys: -1, expires: -1}
    const isNoneLost = expires === this.#expiring && keys >= this.#kept + this.#doubtful.length
    if (isNoneLost) for (const {loss, db} of this.#doubtful) this.onClear(loss, db)
    this.#announced = undefined
    this.#kept = this.#expiring = this.#bytesLost = 0
    this.#doubtful = []
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
