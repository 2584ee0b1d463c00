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
import {NEVER} from '../keyspace/entry.js'
import {isSealed, isSizedTwice} from '../rdb/damage-edges.js'
import {BITS_STRONG, type KeyProfile} from '../rdb/key-profile.js'
import * as op from '../rdb/opcodes.js'
import type {SnapshotPiece} from '../rdb/piece-source.js'
import {type Flaw, RecordWalker} from '../rdb/record-walker.js'
import {Resynchroniser} from '../rdb/resynchronise.js'
import {CHECKSUM_VERSION_MIN, MAGIC_BYTES, type RdbHeader} from '../rdb/versions.js'
import {AnnouncedKeys, type TooManyKeys} from './announced-keys.js'
import {BITS_LIKE, ElementStretch} from './element-stretch.js'
import {KeyLearning} from './key-learning.js'
import {type AnnouncedSize, type RecentRecord, RecentRecords} from './recent-records.js'
import {isSourceText, SoundnessJudge} from './record-judge.js'
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
} from './snapshot-losses.js'
import {SurveyAccount} from './survey-account.js'
import {UncertainDatabases} from './uncertain-databases.js'

/** Records walked over between two turns of the event loop. */
const RECORDS_A_TURN = 4096
const CHECKSUM_BYTES = 8
/** Where a key is expected, one is damaged behind its name that is so much like this file. */
const BITS_BEGUN = 7
/** What was read before has led to a key that is so much like this file. */
const BITS_LED = 10
/** Right behind damage, a key is one that is so much like this file. */
const BITS_ALONE = 14

/** Looks through a snapshot whose header is known, or guessed. */
export async function surveySnapshot(
  region: ByteRegion,
  header: RdbHeader,
  options: SurveyOptions = {},
): Promise<SnapshotSurvey> {
  const first = new Surveying(region, header, options)
  const survey = await first.run()
  const {wasEarly, whole} = first.learning
  // What the keys are like that stand behind the damage tells what the ones beside it are.
  return wasEarly ? await new Surveying(region, header, options, whole).run() : survey
}

class Surveying {
  readonly learning: KeyLearning
  readonly profile: KeyProfile
  readonly #walker: RecordWalker
  readonly #sync: Resynchroniser
  readonly #recent = new RecentRecords(record => this.#settle(record))
  readonly #account: SurveyAccount
  readonly #uncertain: UncertainDatabases
  /** The piece that is being walked over: up to its end all is settled. */
  #piece: SnapshotPiece = {start: MAGIC_BYTES, end: MAGIC_BYTES, db: 0}
  /** Selected behind the last record that is settled. */
  #db = 0
  #endOffset: number | undefined
  #walked = 0
  /** Announced by the record that was walked over last. */
  #size: AnnouncedSize | undefined
  /** So is the library. */
  #isText = false
  readonly #announced = new AnnouncedKeys(
    (doubtful, butFirst) => this.#account.clear(doubtful, butFirst),
    tooMany => this.#tooMany.push(tooMany),
  )
  readonly #tooMany: TooManyKeys[] = []
  readonly #elements: ElementStretch
  /** Where those end that were passed over last: what follows may be one more. */
  #elementsEnd = -1

  constructor(
    readonly region: ByteRegion,
    readonly header: RdbHeader,
    readonly options: SurveyOptions,
    known?: KeyProfile,
  ) {
    this.learning = new KeyLearning(known)
    this.profile = this.learning.profile
    const judge = new SoundnessJudge(header)
    this.#walker = new RecordWalker(region, header, judge)
    judge.attach(this.#walker)
    judge.others.resizeDb = (_, keys, expires) => {
      this.#size = {keys, expires}
    }
    judge.others.function = source => {
      this.#isText = isSourceText(source)
    }
    this.#elements = new ElementStretch(region, this.#walker, this.profile)
    this.#sync = new Resynchroniser(region, this.#walker, this.profile)
    const lossesMax = options.lossesMax ?? LOSSES_MAX
    this.#account = new SurveyAccount(this.#walker, this.profile, lossesMax)
    this.#uncertain = new UncertainDatabases(lossesMax)
  }

  async run(): Promise<SnapshotSurvey> {
    const {inputBytes} = this.region
    if (this.options.isHeaderLost === true) this.#lose(0, MAGIC_BYTES, HEADER_LOST)
    for (let at = MAGIC_BYTES; at < inputBytes && this.#endOffset === undefined; ) {
      if (++this.#walked % RECORDS_A_TURN === 0) await this.#turn(at)
      const end = this.#step(at)
      at = end >= 0 ? end : await this.#passDamage(at)
    }
    this.#recent.settle()
    if (this.#endOffset === undefined && this.#piece.end === inputBytes && this.#piece.start < inputBytes) {
      this.#lose(inputBytes, inputBytes, {code: 'TRUNCATED', text: NO_END, offset: inputBytes})
    }
    this.#closePiece()
    this.#announced.settle()
    for (const tooMany of this.#tooMany) this.#account.giveUp(tooMany)
    return {
      ...this.#account.told,
      uncertain: this.#uncertain.kept,
      keysUncertain: this.#uncertain.keys,
      endOffset: this.#endOffset,
      templates: this.#walker.templates,
    }
  }

  async #turn(at: number): Promise<void> {
    this.options.onRead?.(at)
    await new Promise(resolve => setImmediate(resolve))
  }

  /** Walks over one record. Where it ends; -1 where damage is met. */
  #step(at: number): number {
    const walker = this.#walker
    const {entry} = walker
    const {db} = entry
    if (this.#sync.heads.isZeros(at)) {
      walker.reject({code: 'ZEROS', text: 'nothing but zero bytes stands here', offset: at})
      return -1
    }
    this.#size = undefined
    this.#isText = false
    if (!walker.walk(at) || walker.flaw !== undefined) return -1
    const {kind, end} = walker
    if (kind === 'end') return this.#end(at) ? end : -1
    const isKey = kind === 'key'
    if (isKey && entry.elements === 0 && entry.typeId === op.TYPE_HASH_METADATA) {
      walker.reject({code: 'EMPTY_COLLECTION', text: 'a hash without fields: no server keeps one', offset: at})
      return -1
    }
    if (isKey && at === this.#elementsEnd && this.profile.bits(walker, true) < 0) {
      walker.reject({...ELEMENTS, offset: at})
      return -1
    }
    if (isKey) this.learning.learn(walker)
    const byte = isKey ? entry.typeId : this.#byteAt(at)
    const expires = isKey && walker.attributes.expireAtMs !== NEVER
    const size = isKey ? undefined : this.#size
    this.#recent.push({
      offset: at,
      end,
      byte,
      isKey,
      bits: 0,
      fieldBits: 0,
      likeness: 0,
      isText: this.#isText,
      expires,
      size,
      db,
      dbAfter: entry.db,
    })
    return end
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
    const {db, typeId, valueOffset} = walker.entry
    this.learning.meetDamage()
    // Damage behind the key of a record did not begin before it.
    const hasKey = end < 0 ? walker.hasKey : kind === 'key'
    const keyBits = hasKey ? this.profile.bits(walker, false) : 0
    const isKnown = keyBits >= BITS_STRONG
    const expires = isKnown && walker.attributes.expireAtMs !== NEVER
    // Nothing but one place is looked at: less shows that a key is one than where records are looked for.
    const isBegun = keyBits >= BITS_BEGUN || (hasKey && isSizedTwice(this.region, typeId, valueOffset))
    let isStrong = isBegun || (!hasKey && this.#sync.heads.isIntact(at))
    const boundary = await this.#find(at, keyBits, isStrong)
    if (boundary === undefined && flaw!.code === END_WITHIN) {
      this.#endOffset = Math.min(at + 1 + CHECKSUM_BYTES, inputBytes)
      return inputBytes
    }
    const next = boundary ?? inputBytes
    let container = hasKey ? at : -1
    let pops = 0
    while ((recent.last?.end ?? 0) > next) {
      const popped = recent.pop()!
      // Of several that were read on the way, the first may have been led to.
      isStrong = pops++ === 0 && popped.likeness >= BITS_LED && !this.#mayBeField(popped)
      container = popped.isKey ? popped.offset : -1
    }
    // What is like no other key was read on the way there, once the way had been left.
    const isAstray = recent.dropUnlike()
    const dropped = isStrong && !isAstray ? undefined : this.#dropDoubtful(isAstray)
    recent.settle()
    // Only now the count is announced that they belong to.
    if (dropped?.isKey === true) this.#announced.loseKey(true)
    if (dropped?.expires === true) this.#announced.seeExpiry()
    const from = this.#piece.end
    walker.entry.db = this.#db
    // Its value alone is damaged, and the framing is whole.
    const isFramed = kind === 'key' && from === at && next === end
    const isValue = isKnown && isFramed
    this.#lose(from, next, flaw!, isValue ? this.#account.keyAt(at, db) : undefined)
    if (from === at && expires) this.#announced.seeExpiry()
    if (this.#elements.goesOn(from)) this.#announced.refute()
    else {
      if (container < 0) this.#elements.close()
      else this.#elements.open(container)
      if (isKnown || container >= 0) this.#announced.loseKey(isKnown && from === at)
    }
    if (boundary === undefined || isFramed) return next
    return this.#passDoubtful(next, next - from, dropped !== undefined)
  }

  /** The first key behind damage may have lost what stood before it; or it and others are no keys at all. */
  #passDoubtful(at: number, bytesBefore: number, isOneGiven: boolean): number {
    const walker = this.#walker
    const {db} = walker.entry
    const stretch = this.#elements.pass(at)
    const isKey = walker.walk(at) && walker.kind === 'key'
    const {end, flaw} = walker
    walker.entry.db = db
    const mayExpire = !this.profile.isTelling || this.profile.hasExpiries
    const expires = isKey && walker.attributes.expireAtMs !== NEVER
    const mayHaveExpired = isKey && mayExpire && !expires
    const bits = isKey ? this.profile.bits(walker, flaw === undefined) : BITS_STRONG
    const shared = {db: this.#db, mayHaveExpired, isOneGiven, bytesBefore}
    if (stretch.keys > 0) {
      const {keys, ends, unlike, isOfKnown} = stretch
      const loss = this.#lose(at, stretch.end, ELEMENTS, this.#account.keyAt(at, this.#db))
      const doubtful = {...shared, loss, keys, ends, unlike, isOfKnown}
      this.#announced.doubt({...doubtful, isKeptElse: false, mayBeElements: true})
      this.#elementsEnd = stretch.end
      return stretch.end
    }
    // It is damaged itself.
    if (flaw !== undefined) return at
    if (!mayHaveExpired && bits >= BITS_ALONE) return at
    // Where one is given up already, something must show that this one has lost its expiry.
    const isKeptElse = isOneGiven && bits >= BITS_ALONE && !this.#sync.heads.mayFollowExpiry(at)
    const loss = this.#lose(at, end, DOUBTFUL, this.#account.keyAt(at, this.#db))
    const doubtful = {
      ...shared,
      loss,
      keys: 1,
      ends: [end],
      unlike: bits < BITS_LIKE ? 1 : 0,
      isOfKnown: false,
    }
    this.#announced.doubt({...doubtful, isKeptElse, mayBeElements: false})
    return end
  }

  /** `bits`: how much the record is like this file that could not be read. */
  async #find(at: number, bits: number, isStrong: boolean): Promise<number | undefined> {
    const recent = this.#recent
    recent.weigh(this.#walker, this.profile)
    this.#sync.forget()
    const failed = {offset: at, end: at + 1, bits, fieldBits: 0}
    const from = recent.lookBackFrom(at)
    const {last} = recent
    // It is given up anyhow.
    if (!isStrong && last !== undefined && !isSealed(last.byte)) {
      last.bits = Math.min(last.bits, 0)
      last.fieldBits = 0
    }
    const search = this.#sync.find(from, at, [...recent.all, failed])
    for (;;) {
      const {done, value} = search.next()
      if (done === true) return value
      await this.#turn(value)
    }
  }

  /** Whether it is stored as fields of hashes are that are in this file. */
  #mayBeField({offset}: RecentRecord): boolean {
    return this.profile.hasTimedHashes && this.#byteAt(offset) === op.TYPE_STRING
  }

  /** Damage may have begun in the record before it, where nothing in that would show it. */
  #dropDoubtful(isAstray: boolean): RecentRecord | undefined {
    const recent = this.#recent
    const {last, beforeLast} = recent
    if (last === undefined || (last.isKey && isSealed(last.byte)) || last.isText) return undefined
    // A number is taken for what it says, as long as what belongs behind it is there.
    if (last.byte === op.OPCODE_RESIZEDB && beforeLast?.byte === op.OPCODE_SELECTDB) return undefined
    const dropped = recent.pop()
    // It is none: RESIZEDB follows, or other keys are far more like this file. What came before it led there.
    const isForeign = !last.isKey && !this.#sync.heads.isOpcode(last.byte)
    const isNone =
      isForeign || last.byte === op.OPCODE_SELECTDB || (isAstray && last.byte === op.TYPE_STRING && recent.isWeak(last))
    return isNone ? (this.#dropDoubtful(isAstray) ?? dropped) : dropped
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
    this.#announced.keep(record, record.byte === op.TYPE_HASH_METADATA && this.#elements.hasKeyFields(offset))
    this.#account.keepKey(offset, db)
    this.#uncertain.keep(offset)
  }

  /** A database is named: all of a piece is of one. */
  #select(end: number): void {
    this.#uncertain.end()
    if (this.#piece.db === this.#db) return
    this.#closePiece()
    this.#piece = {start: end, end, db: this.#db}
  }

  /** Nothing is kept of these bytes. `key`: whose value they are, where that is all. */
  #lose(start: number, end: number, flaw: Flaw, key?: NearKey): SnapshotLoss {
    this.#closePiece()
    this.#piece = {start: end, end, db: this.#db}
    // A value alone is no SELECTDB.
    const goesOn = this.#announced.lose(end - start, end)
    if (key === undefined && !goesOn) this.#uncertain.begin(end, this.#db)
    return this.#account.lose(start, end, flaw, key)
  }

  #closePiece(): void {
    if (this.#piece.end > this.#piece.start) this.#account.keepPiece(this.#piece)
  }

  #byteAt(offset: number): number {
    const {bytes, start} = this.region.lend(offset, 1)
    return bytes[start]!
  }
}
