/**
 * What of a damaged snapshot is sound: the pieces of it that can be read like a
 * file of their own, and what is lost between them.
 *
 *   [ piece ][ lost ][ piece ][ one value ][ piece ] ...
 *
 * Where a record cannot be read, records are looked for anew: in what follows,
 * and in what came just before, since a length that was damaged may have led
 * astray some way before anything was noticed.
 */

import type {ByteRegion} from '../bytes/region.js'
import {isSummed} from '../bytes/region-checksum.js'
import {LimitError} from '../errors.js'
import {NEVER} from '../keyspace/entry.js'
import {isSealed} from '../rdb/damage-edges.js'
import {BITS_STRONG, KeyProfile} from '../rdb/key-profile.js'
import * as op from '../rdb/opcodes.js'
import type {SnapshotPiece} from '../rdb/piece-source.js'
import {type Flaw, RecordWalker} from '../rdb/record-walker.js'
import {Resynchroniser} from '../rdb/resynchronise.js'
import {CHECKSUM_VERSION_MIN, MAGIC_BYTES, type RdbHeader} from '../rdb/versions.js'
import {AnnouncedKeys, type DoubtfulKeys, type TooManyKeys} from './announced-keys.js'
import {ElementStretch} from './element-stretch.js'
import {type AnnouncedSize, type RecentRecord, RecentRecords} from './recent-records.js'
import {SoundnessJudge} from './record-judge.js'
import {
  DOUBTFUL,
  ELEMENTS,
  END_WITHIN,
  HEADER_LOST,
  LOSSES_MAX,
  type NearKey,
  NO_END,
  type SnapshotLoss,
  type SnapshotSurvey,
  type SurveyOptions,
  TOO_MANY,
  type UncertainDatabase,
} from './snapshot-losses.js'

/** Records walked over between two turns of the event loop. */
const RECORDS_A_TURN = 4096
const CHECKSUM_BYTES = 8
/** Right behind damage, a key is one that is so much like this file. */
const BITS_ALONE = 14
/** A hostile file could be in more; they take a hundred bytes each. */
const PIECES_MAX = 2_000_000
/** In one list of a report. */
const NEAR_KEYS = 3 * LOSSES_MAX

/** Looks through a snapshot whose header is known, or guessed. */
export async function surveySnapshot(
  region: ByteRegion,
  header: RdbHeader,
  options: SurveyOptions = {},
): Promise<SnapshotSurvey> {
  return await new Surveying(region, header, options).run()
}

class Surveying {
  readonly #walker: RecordWalker
  readonly #profile = new KeyProfile()
  readonly #sync: Resynchroniser
  readonly #recent = new RecentRecords(record => this.#settle(record))
  readonly #lossesMax: number
  readonly #pieces: SnapshotPiece[] = []
  readonly #lost: SnapshotLoss[] = []
  #losses = 0
  #bytesLost = 0
  #keys = 0
  #keysUncertain = 0
  readonly #uncertain: UncertainDatabase[] = []
  /** The piece that is being walked over: up to its end all is settled. */
  #piece: SnapshotPiece = {start: MAGIC_BYTES, end: MAGIC_BYTES, db: 0}
  /** Selected behind the last record that is settled. */
  #db = 0
  /** Keys are settled now whose database is a guess. */
  #guessing: UncertainDatabase | undefined
  /** Where the last key stands that is kept; -1: none is. */
  #lastKeyAt = -1
  #lastKeyDb = 0
  /** Of losses, how many know what key follows. */
  #followed = 0
  readonly #cleared: SnapshotLoss[] = []
  #endOffset: number | undefined
  #walked = 0
  /** Of the last keys that were looked for. */
  #walkedKeys = 0
  /** Announced by the record that was walked over last. */
  #size: AnnouncedSize | undefined
  readonly #announced = new AnnouncedKeys(
    (doubtful, butFirst) => this.#clear(doubtful, butFirst),
    tooMany => this.#tooMany.push(tooMany),
  )
  readonly #tooMany: TooManyKeys[] = []
  readonly #elements: ElementStretch

  constructor(
    readonly region: ByteRegion,
    readonly header: RdbHeader,
    readonly options: SurveyOptions,
  ) {
    const judge = new SoundnessJudge(header)
    this.#walker = new RecordWalker(region, header, judge)
    judge.attach(this.#walker)
    judge.others.resizeDb = (_, keys, expires) => {
      this.#size = {keys, expires}
    }
    this.#elements = new ElementStretch(region, this.#walker, this.#profile)
    this.#sync = new Resynchroniser(region, this.#walker, this.#profile)
    this.#lossesMax = options.lossesMax ?? LOSSES_MAX
  }

  async run(): Promise<SnapshotSurvey> {
    const {inputBytes} = this.region
    if (this.options.isHeaderLost === true) this.#lose(0, MAGIC_BYTES, HEADER_LOST)
    for (let at = MAGIC_BYTES; at < inputBytes && this.#endOffset === undefined; ) {
      if (++this.#walked % RECORDS_A_TURN === 0) await this.#turn(at)
      at = this.#step(at) ? this.#walker.end : await this.#passDamage(at)
    }
    this.#recent.settle()
    if (this.#endOffset === undefined && this.#piece.end === inputBytes && this.#piece.start < inputBytes) {
      this.#lose(inputBytes, inputBytes, {code: 'TRUNCATED', text: NO_END, offset: inputBytes})
    }
    this.#closePiece()
    this.#announced.settle()
    for (const {keys, ends} of this.#tooMany) for (const end of ends) this.#giveUp(end, keys)
    return {
      pieces: this.#pieces.filter(({start, end}) => start < end).sort((a, b) => a.start - b.start),
      lost: this.#lost
        .filter(({bytes, code}) => bytes > 0 || code !== DOUBTFUL.code)
        .sort((a, b) => a.offset - b.offset),
      losses: this.#losses,
      bytesLost: this.#bytesLost,
      keys: this.#keys,
      uncertain: this.#uncertain,
      keysUncertain: this.#keysUncertain,
      endOffset: this.#endOffset,
      cleared: this.#cleared,
      templates: this.#walker.templates,
    }
  }

  async #turn(at: number): Promise<void> {
    this.options.onRead?.(at)
    await new Promise(resolve => setImmediate(resolve))
  }

  /** Walks over one record; false where damage is met. */
  #step(at: number): boolean {
    const walker = this.#walker
    const {entry} = walker
    const {db} = entry
    if (this.#sync.heads.isZeros(at)) {
      walker.reject({code: 'ZEROS', text: 'nothing but zero bytes stands here', offset: at})
      return false
    }
    this.#size = undefined
    if (!walker.walk(at) || walker.flaw !== undefined) return false
    const {kind, end} = walker
    if (kind === 'end') return this.#end(at)
    const isKey = kind === 'key'
    if (isKey) this.#profile.learn(walker)
    const byte = isKey ? entry.typeId : this.#byteAt(at)
    const expires = isKey && walker.attributes.expireAtMs !== NEVER
    const size = isKey ? undefined : this.#size
    this.#recent.push({offset: at, end, byte, isKey, bits: 0, expires, size, db, dbAfter: entry.db})
    return true
  }

  /** A mark of the end, which is one where nothing follows, or where the checksum is right. */
  #end(at: number): boolean {
    const {inputBytes} = this.region
    const end = at + 1 + (this.header.rdbVersion < CHECKSUM_VERSION_MIN ? 0 : CHECKSUM_BYTES)
    if (end === inputBytes || isSummed(this.region, at + 1, end)) {
      this.#endOffset = end
      return true
    }
    this.#walker.reject({code: END_WITHIN, text: 'a mark of the end stands here, and more follows it', offset: at})
    return false
  }

  /** Looks for where records go on, and says where. */
  async #passDamage(at: number): Promise<number> {
    const {inputBytes} = this.region
    const walker = this.#walker
    const recent = this.#recent
    const {flaw, end, kind} = walker
    const {db} = walker.entry
    // Damage behind the key of a record did not begin before it.
    const hasKey = end < 0 ? walker.hasKey : kind === 'key'
    const keyBits = hasKey ? this.#profile.bits(walker, false) : 0
    const isKnown = keyBits >= BITS_STRONG
    const expires = isKnown && walker.attributes.expireAtMs !== NEVER
    let isStrong = isKnown || (!hasKey && this.#sync.heads.isIntact(at))
    const boundary = await this.#find(at, keyBits, isStrong)
    if (boundary === undefined && flaw!.code === END_WITHIN) {
      this.#endOffset = Math.min(at + 1 + CHECKSUM_BYTES, inputBytes)
      return inputBytes
    }
    const next = boundary ?? inputBytes
    let container = hasKey ? at : -1
    while ((recent.last?.end ?? 0) > next) {
      const popped = recent.pop()!
      isStrong = popped.bits >= BITS_STRONG
      container = popped.isKey ? popped.offset : -1
    }
    // What is like no other key was read on the way there, once the way had been left.
    if (recent.dropUnlike()) isStrong = false
    const dropped = isStrong ? undefined : this.#dropDoubtful()
    recent.settle()
    // Only now the count is announced that they belong to.
    if (dropped?.isKey === true) this.#announced.loseKey()
    if (dropped?.expires === true) this.#announced.seeExpiry()
    const from = this.#piece.end
    walker.entry.db = this.#db
    // Its value alone is damaged, and the framing is whole.
    const isValue = isKnown && from === at && next === end
    this.#lose(from, next, flaw!, isValue ? this.#keyAt(at, db) : undefined)
    if (from === at && expires) this.#announced.seeExpiry()
    if (this.#elements.goesOn(from)) this.#announced.refute()
    else {
      if (container < 0) this.#elements.close()
      else this.#elements.open(container)
      if (isKnown || container >= 0) this.#announced.loseKey()
    }
    return boundary === undefined || isValue ? next : this.#passDoubtful(next, next - from)
  }

  /** The first key behind damage may have lost what stood before it; or it and others are no keys at all. */
  #passDoubtful(at: number, bytesBefore: number): number {
    const walker = this.#walker
    const {db} = walker.entry
    const stretch = this.#elements.pass(at)
    const isKey = walker.walk(at) && walker.kind === 'key'
    const {end} = walker
    walker.entry.db = db
    const mayExpire = !this.#profile.isTelling || this.#profile.hasExpiries
    const mayHaveExpired = isKey && mayExpire && walker.attributes.expireAtMs === NEVER
    if (stretch.keys > 0) {
      const loss = this.#lose(at, stretch.end, ELEMENTS, this.#keyAt(at, this.#db))
      const isOfKnown = this.#elements.isOpen
      const doubtful = {loss, db: this.#db, keys: stretch.keys, mayHaveExpired, isOfKnown, bytesBefore}
      this.#announced.doubt({...doubtful, mayBeElements: true})
      return stretch.end
    }
    const bits = isKey ? this.#profile.bits(walker, walker.flaw === undefined) : BITS_STRONG
    if (!(mayHaveExpired && this.#sync.heads.mayFollowExpiry(at)) && bits >= BITS_ALONE) return at
    const loss = this.#lose(at, end, DOUBTFUL, this.#keyAt(at, this.#db))
    const doubtful = {loss, db: this.#db, keys: 1, mayHaveExpired, isOfKnown: false, bytesBefore}
    this.#announced.doubt({...doubtful, mayBeElements: false})
    return end
  }

  /** They have lost nothing, but for the first ones: what was taken for a loss is none. */
  #clear({loss, db, keys}: DoubtfulKeys, butFirst: number): void {
    const end = loss.offset + loss.bytes
    const start = this.#behindKeys(loss.offset, end, butFirst)
    this.#bytesLost -= end - start
    this.#keys += keys - butFirst
    this.#pieces.push({start, end, db})
    const cleared = {...loss, offset: start, bytes: end - start, key: this.#keyAt(start, db)}
    if (keys - butFirst === 1) this.#cleared.push(cleared)
    loss.bytes = start - loss.offset
    if (butFirst > 0) return
    this.#losses--
    const before = this.#lost.find(one => one.offset + one.bytes === loss.offset)
    if (before !== undefined) before.after = loss.key
  }

  /** Behind a loss more is kept than there was: what was taken for keys may be none. */
  #giveUp(from: number, keys: number): void {
    const piece = this.#pieces.find(({start}) => start === from)
    if (piece === undefined) return
    const end = this.#behindKeys(from, piece.end, keys)
    const loss = {offset: from, bytes: end - from, code: TOO_MANY.code, reason: TOO_MANY.text}
    this.#lost.push({...loss, before: undefined, after: undefined, key: this.#keyAt(from, piece.db)})
    this.#losses++
    this.#bytesLost += end - from
    this.#keys -= this.#walkedKeys
    piece.start = end
  }

  /** Where so many keys end that stand from `start` on, and before `end`. */
  #behindKeys(start: number, end: number, keys: number): number {
    const walker = this.#walker
    let at = start
    for (this.#walkedKeys = 0; this.#walkedKeys < keys && at < end && walker.walk(at); at = walker.end) {
      if (walker.kind === 'key') this.#walkedKeys++
    }
    return at
  }

  /** `bits`: how much the record is like this file that could not be read. */
  async #find(at: number, bits: number, isStrong: boolean): Promise<number | undefined> {
    const recent = this.#recent
    recent.weigh(this.#walker, this.#profile)
    this.#sync.forget()
    const failed = {offset: at, end: at + 1, bits}
    const from = recent.lookBackFrom(at)
    const {last} = recent
    // It is given up anyhow.
    if (!isStrong && last !== undefined && !isSealed(last.byte)) last.bits = Math.min(last.bits, 0)
    const search = this.#sync.find(from, at, [...recent.all, failed])
    for (;;) {
      const {done, value} = search.next()
      if (done === true) return value
      await this.#turn(value)
    }
  }

  /** Damage may have begun in the record before it, where nothing in that would show it. */
  #dropDoubtful(): RecentRecord | undefined {
    const recent = this.#recent
    const {last, beforeLast} = recent
    if (last === undefined || (last.isKey && isSealed(last.byte))) return undefined
    // A number is taken for what it says, as long as what belongs behind it is there.
    if (last.byte === op.OPCODE_RESIZEDB && beforeLast?.byte === op.OPCODE_SELECTDB) return undefined
    return recent.pop()
  }

  /** A record is believed. */
  #settle(record: RecentRecord): void {
    const {offset, end, isKey, db, dbAfter} = record
    this.#db = dbAfter
    this.#piece.end = end
    if (!isKey) {
      if (record.byte === op.OPCODE_SELECTDB) this.#select(end)
      if (record.size !== undefined) this.#announced.announce(record.size)
      return
    }
    this.#announced.keep(record)
    this.#keys++
    this.#lastKeyAt = offset
    this.#lastKeyDb = db
    if (this.#guessing !== undefined) this.#guess(offset)
    if (this.#followed === this.#lost.length) return
    const after = this.#keyAt(offset, db)
    for (; this.#followed < this.#lost.length; this.#followed++) this.#lost[this.#followed]!.after = after
  }

  /** A database is named: all of a piece is of one. */
  #select(end: number): void {
    this.#guessing = undefined
    if (this.#piece.db === this.#db) return
    this.#closePiece()
    this.#piece = {start: end, end, db: this.#db}
  }

  /** Of the key at an offset the database is not known for sure. */
  #guess(offset: number): void {
    const guessing = this.#guessing!
    this.#keysUncertain++
    if (guessing.keys++ > 0) return
    guessing.offset = offset
    if (this.#uncertain.length < this.#lossesMax) this.#uncertain.push(guessing)
  }

  /** Nothing is kept of these bytes. `key`: whose value they are, where that is all. */
  #lose(start: number, end: number, {code, text}: Flaw, key?: NearKey): SnapshotLoss {
    this.#closePiece()
    this.#piece = {start: end, end, db: this.#db}
    this.#losses++
    this.#bytesLost += end - start
    // A value alone is no SELECTDB.
    const goesOn = this.#announced.lose(end - start, end)
    if (key === undefined && !goesOn) this.#guessing = {offset: end, db: this.#db, keys: 0}
    const loss: SnapshotLoss = {offset: start, bytes: end - start, key, code, reason: text}
    if (this.#lost.length >= this.#lossesMax) return loss
    if (this.#lastKeyAt >= 0) loss.before = this.#keyAt(this.#lastKeyAt, this.#lastKeyDb)
    this.#lost.push(loss)
    return loss
  }

  #closePiece(): void {
    if (this.#piece.end === this.#piece.start) return
    if (this.#pieces.push(this.#piece) > PIECES_MAX) {
      throw new LimitError('PIECES_MAX', PIECES_MAX, this.#pieces.length, this.#piece.start)
    }
  }

  /** The key of a record that was walked over before. */
  #keyAt(offset: number, db: number): NearKey {
    const {entry} = this.#walker
    const selected = entry.db
    this.#walker.readHead(offset)
    const near = {db, ...entry.keptKey(NEAR_KEYS)}
    entry.db = selected
    return near
  }

  #byteAt(offset: number): number {
    const {bytes, start} = this.region.lend(offset, 1)
    return bytes[start]!
  }
}
