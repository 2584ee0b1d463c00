/**
 * Keys that stand right behind damage, without an expiry: they may have lost one
 * to it, and then they are not what they were. How many of its keys expire a
 * file says before them: where none is missing, none was lost.
 */

import type {AnnouncedSize, RecentRecord} from './recent-records.js'
import type {SnapshotLoss} from './snapshot-survey.js'

interface DoubtfulKey {
  loss: SnapshotLoss
  db: number
}

export class DoubtfulKeys {
  #announced: AnnouncedSize | undefined
  #kept = 0
  #expiring = 0
  #doubtful: DoubtfulKey[] = []

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

  doubt(loss: SnapshotLoss, db: number): void {
    this.#doubtful.push({loss, db})
  }

  /** All keys of the database have been seen. */
  settle(): void {
    const {keys, expires} = this.#announced ?? {keys: -1, expires: -1}
    const isNoneLost = expires === this.#expiring && keys >= this.#kept + this.#doubtful.length
    if (isNoneLost) for (const {loss, db} of this.#doubtful) this.onClear(loss, db)
    this.#announced = undefined
    this.#kept = this.#expiring = 0
    this.#doubtful = []
  }
}
