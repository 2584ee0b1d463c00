/** What a survey keeps and what it loses, and what becomes of that once the announced counts have been compared. */
import {LimitError} from '../errors.js'
import type {KeyProfile} from '../rdb/key-profile.js'
import type {SnapshotPiece} from '../rdb/piece-source.js'
import type {Flaw, RecordWalker} from '../rdb/record-walker.js'
import type {DoubtfulKeys, TooManyKeys} from './announced-keys.js'
import {
  DOUBTFUL,
  LOSSES_MAX,
  type NearKey,
  type SnapshotLoss,
  type SnapshotSurvey,
  TOO_MANY,
} from './snapshot-losses.js'
import {type Stretch, unlikeStretch} from './unlike-stretch.js'

/** A hostile file could be in more; they take a hundred bytes each. */
const PIECES_MAX = 2_000_000
/** In one list of a report. */
const NEAR_KEYS = 3 * LOSSES_MAX

export class SurveyAccount {
  readonly #pieces: SnapshotPiece[] = []
  readonly #lost: SnapshotLoss[] = []
  #losses = 0
  #bytesLost = 0
  #keys = 0
  /** Where the last key stands that is kept; -1: none is. */
  #lastKeyAt = -1
  #lastKeyDb = 0
  /** Of losses, how many know what key follows. */
  #followed = 0
  readonly #cleared: SnapshotLoss[] = []

  /** `walker` is lent meanwhile. */
  constructor(
    readonly walker: RecordWalker,
    readonly profile: KeyProfile,
    readonly lossesMax: number,
  ) {}

  /** A key is kept. */
  keepKey(offset: number, db: number): void {
    this.#keys++
    this.#lastKeyAt = offset
    this.#lastKeyDb = db
    if (this.#followed === this.#lost.length) return
    const after = this.keyAt(offset, db)
    for (; this.#followed < this.#lost.length; this.#followed++) this.#lost[this.#followed]!.after = after
  }

  keepPiece(piece: SnapshotPiece): void {
    if (this.#pieces.push(piece) > PIECES_MAX) {
      throw new LimitError('PIECES_MAX', PIECES_MAX, this.#pieces.length, piece.start)
    }
  }

  /** `key`: whose value these bytes are, where that is all. */
  lose(start: number, end: number, {code, text}: Flaw, key?: NearKey): SnapshotLoss {
    this.#losses++
    this.#bytesLost += end - start
    const loss: SnapshotLoss = {offset: start, bytes: end - start, key, code, reason: text}
    if (this.#lost.length >= this.lossesMax) return loss
    if (this.#lastKeyAt >= 0) loss.before = this.keyAt(this.#lastKeyAt, this.#lastKeyDb)
    this.#lost.push(loss)
    return loss
  }

  /** They have lost nothing, but for the first ones: what was taken for a loss is none. */
  clear({loss, db, keys, ends}: DoubtfulKeys, butFirst: number): void {
    const end = loss.offset + loss.bytes
    const start = ends[butFirst - 1] ?? loss.offset
    this.#bytesLost -= end - start
    this.#keys += keys - butFirst
    this.#pieces.push({start, end, db})
    const cleared = {...loss, offset: start, bytes: end - start, key: this.keyAt(start, db)}
    if (keys - butFirst === 1) this.#cleared.push(cleared)
    loss.bytes = start - loss.offset
    if (butFirst > 0) return
    this.#losses--
    const before = this.#lost.find(one => one.offset + one.bytes === loss.offset)
    if (before !== undefined) before.after = loss.key
  }

  /** More is kept than there was: behind what is lost, or else where it is unlike the rest, what was taken for keys may be none. */
  giveUp(tooMany: TooManyKeys): void {
    if (tooMany.ends.length === 0) this.#giveUpUnlike(tooMany)
    for (const from of tooMany.ends) {
      const piece = this.#pieces.find(({start}) => start === from)
      if (piece === undefined) continue
      const {end, keys} = this.#behindKeys(from, piece.end, tooMany.keys)
      this.#addLoss({start: from, end}, piece.db, keys)
      piece.start = end
    }
  }

  #giveUpUnlike(tooMany: TooManyKeys): void {
    const found = unlikeStretch(this.walker, this.profile, tooMany, tooMany.keys)
    const piece = this.#pieces.find(({start, end}) => found !== undefined && start <= found.start && found.end <= end)
    if (found === undefined || piece === undefined) return
    const {keys} = this.#behindKeys(found.start, found.end, Number.POSITIVE_INFINITY)
    this.#pieces.push({...piece, start: found.end})
    piece.end = found.start
    this.#addLoss(found, piece.db, keys)
  }

  #addLoss({start, end}: Stretch, db: number, keys: number): void {
    const loss = {offset: start, bytes: end - start, code: TOO_MANY.code, reason: TOO_MANY.text}
    this.#lost.push({...loss, before: undefined, after: undefined, key: this.keyAt(start, db)})
    this.#losses++
    this.#bytesLost += end - start
    this.#keys -= keys
  }

  /** Where so many keys end that stand from `start` on, and before `end`, and how many there are. */
  #behindKeys(start: number, end: number, keysMax: number): {end: number; keys: number} {
    const {walker} = this
    let at = start
    let keys = 0
    for (; keys < keysMax && at < end && walker.walk(at); at = walker.end) if (walker.kind === 'key') keys++
    return {end: at, keys}
  }

  /** The key of a record that was walked over before. */
  keyAt(offset: number, db: number): NearKey {
    const {entry} = this.walker
    const selected = entry.db
    this.walker.readHead(offset)
    const near = {db, ...entry.keptKey(NEAR_KEYS)}
    entry.db = selected
    return near
  }

  /** All of it, in the order of the file. */
  get told(): Pick<SnapshotSurvey, 'pieces' | 'lost' | 'losses' | 'bytesLost' | 'keys' | 'cleared'> {
    return {
      pieces: this.#pieces.filter(({start, end}) => start < end).sort((a, b) => a.start - b.start),
      lost: this.#lost
        .filter(({bytes, code}) => bytes > 0 || code !== DOUBTFUL.code)
        .sort((a, b) => a.offset - b.offset),
      losses: this.#losses,
      bytesLost: this.#bytesLost,
      keys: this.#keys,
      cleared: this.#cleared,
    }
  }
}
