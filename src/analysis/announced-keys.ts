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

import {TYPE_STRING} from '../rdb/opcodes.js'
import type {AnnouncedSize, RecentRecord} from './recent-records.js'
import type {SnapshotLoss, SnapshotSurvey} from './snapshot-losses.js'

/** Keys that are given up until the counts say what they are. */
export interface DoubtfulKeys {
  loss: SnapshotLoss
  db: number
  keys: number
  /** Where each of them ends. */
  ends: readonly number[]
  /** The first of them may have lost its expiry. */
  mayHaveExpired: boolean
  /** Of them, the first ones, up to the last that is not like other keys. */
  unlike: number
  /** The key before the damage is given up as well. */
  isOneGiven: boolean
  /** Nothing but the counts could say that it has lost its expiry. */
  isKeptElse: boolean
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
  /** All that is kept of the database lies between. Absolute, in bytes. */
  start: number
  end: number
}

/** Most damage is within one record. */
const CONTAINED = 0.7
/** Damage that begins in a collection, and has taken more, may end in another. */
const CONTAINED_BYTES = 4096
const FIELDS_MEAN = 40
/** Half of so many keys are taken for strings, before any is known. */
const KEYS_GUESSED = 8
/** So likely has damage ended between an expiry and its key. */
const EXPIRY_LOST = 0.01
/** So likely may a key be none that is kept. */
const DOUBT_MAX = 0.02
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
  /** Those of them that may expire or not. */
  #unseen = 0
  /** Where what is lost ends: of each damage. */
  #ends: number[] = []
  #bytesKept = 0
  #keptStart = -1
  #keptEnd = -1
  /** Of all databases. */
  #keysAll = 0
  #bytesAll = 0
  #strings = 0
  #timedBytes = 0
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

  /** `hasKeyFields`: a hash that stores its fields as keys are stored, which they are like. */
  keep({expires, offset, end, byte}: RecentRecord, hasKeyFields: boolean): void {
    if (this.#kept++ === 0) this.#keptStart = offset
    this.#keptEnd = end
    this.#bytesKept += end - offset
    this.#keysAll++
    this.#bytesAll += end - offset
    if (byte === TYPE_STRING) this.#strings++
    if (hasKeyFields) this.#timedBytes += end - offset
    if (expires) this.#expiring++
  }

  /** The value of a key that expires is lost. */
  seeExpiry(): void {
    this.#expiring++
  }

  /** A key is lost that was one. `isKnown`: so is whether it expires, which has been told where it does. */
  loseKey(isKnown: boolean): void {
    this.#gone++
    if (!isKnown) this.#unseen++
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
    else for (const one of this.#doubtful) if (one.isKeptElse) this.onClear(one, 0)
    this.#announced = undefined
    this.#kept = this.#expiring = this.#bytesLost = this.#bytesKept = this.#gone = this.#unseen = 0
    this.#isTouched = false
    this.#isCertain = true
    this.#doubtful = []
    this.#ends = []
  }

  #compare({keys, expires}: AnnouncedSize): void {
    const doubted = this.#doubtful.reduce((sum, one) => sum + one.keys, 0)
    const missing = keys - this.#kept - this.#gone - doubted
    const lasting = keys - expires - (this.#kept + this.#gone - this.#unseen - this.#expiring)
    let none = this.#doubtful.some(one => one.mayBeElements) ? this.#noneOf(doubted, missing, lasting) : 0
    // Where nothing of what is lost is known to be a key, one is missing at least.
    const isMissing = missing >= (this.#gone > 0 ? 0 : 1)
    // More are kept than that: it is the count of another database, whose name is lost.
    const isOther = this.#kept + this.#gone > keys && !this.#isCertain
    for (const one of this.#doubtful) {
      const isNone = Math.min(
        one.mayBeElements ? none : isMissing || (isOther && one.isKeptElse) ? 0 : one.keys,
        one.keys,
      )
      if (one.mayBeElements) none -= isNone
      // Where others are lost, one of them has the expiry that is missing.
      const isOnlyOne = missing + this.#unseen <= 0
      const hasExpired = one.mayHaveExpired && expires > this.#expiring && (!one.isKeptElse || isOnlyOne)
      const isGiven = hasExpired || (one.mayBeElements && !one.isOneGiven)
      const butFirst = Math.max(isNone, one.unlike, isGiven ? 1 : 0)
      if (butFirst >= one.keys) continue
      this.#kept += one.keys - butFirst
      this.onClear(one, butFirst)
    }
    const over = this.#kept + this.#gone - keys
    if (over <= 0 || this.#isTouched || !this.#isCertain) return
    const lost = this.#ends.length === 0 ? 0 : this.#otherKeysLost()
    this.onTooMany({keys: over + lost, ends: this.#ends, start: this.#keptStart, end: this.#keptEnd})
  }

  /** More are not missing where so many bytes are lost: the count is damaged. */
  get #missingMax(): number {
    return 4 + (4 * this.#bytesLost * (this.#kept + 1)) / (this.#bytesKept + 1)
  }

  /**
   * How many of the keys in doubt may be elements of a hash, the first ones: so many that hardly more are. `missing` keys are
   * lost where none of them is. Each that is one means another key that is lost, and one string less in a row of strings.
   * `lasting`: keys are announced beside those that are known that do not expire.
   */
  #noneOf(doubted: number, missing: number, lasting: number): number {
    const isKnown = this.#doubtful.some(one => one.isOfKnown && one.bytesBefore < CONTAINED_BYTES)
    if (isKnown && missing <= 0) return Math.min(Math.max(-missing, doubted - lasting), doubted)
    const bytesGiven = this.#doubtful.reduce((sum, {loss}) => sum + loss.bytes, 0)
    const others = (Math.max(this.#bytesLost - bytesGiven, 0) * this.#keysAll) / (this.#bytesAll + 1)
    const string = (this.#strings + KEYS_GUESSED / 2) / (this.#keysAll + KEYS_GUESSED)
    const mean = this.#bytesAll / (this.#keysAll + 1) + 1
    const timed = (this.#timedBytes + mean / 4) / (this.#bytesAll + mean)
    const least = this.#gone > 0 ? 0 : 1
    // Keys of another database are among them, or the count itself is damaged: it tells nothing.
    const isTold = missing + doubted >= least && !(this.#isTouched && missing > this.#missingMax)
    const weights = Array.from({length: doubted + 1}, (_, none) => {
      const likely = isTold ? likelihood(missing + none - least, others) * lastingOdds(doubted - none, lasting) : 1
      return likely * (none === 0 ? 1 - timed : timed / FIELDS_MEAN / Math.max(string ** none, Number.EPSILON ** 16))
    })
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    if (!(total > 0)) return doubted
    let none = doubted
    for (let rest = weights[none]!; none > 0 && rest <= DOUBT_MAX * total; rest += weights[none]!) none--
    return none
  }

  /** How many keys are among what is lost, of which nothing is known. */
  #otherKeysLost(): number {
    if (this.#gone === this.#ends.length) return 0
    return 1 + Math.ceil((this.#bytesLost * this.#kept) / this.#bytesKept)
  }
}

/** How likely so many keys do not expire, where no more than `lasting` are announced: the first may have lost its expiry. */
function lastingOdds(keys: number, lasting: number): number {
  if (keys <= lasting) return 1
  return keys - 1 <= lasting ? EXPIRY_LOST : 0
}

/** How likely so many keys are lost beside the one that is damaged, where so many have room in what is lost. */
function likelihood(lost: number, room: number): number {
  if (lost <= 0) return lost < 0 ? 0 : CONTAINED
  return ((1 - CONTAINED) / (1 + room)) * (room / (1 + room)) ** (lost - 1)
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
