/**
 * check by several threads: each verifies the keys and values of stretches of the file; what the records between say of all
 * of it is judged by one.
 */

import {type SoundnessOptions, SoundnessVisitor} from '../analysis/soundness.js'
import {Findings, type Found} from '../analysis/soundness-findings.js'
import {type HugeCollection, HugeCollections} from '../analysis/soundness-huge.js'
import {type KeyCounts, type OtherRecord, PartSoundness} from '../analysis/soundness-part.js'
import type {ByteSource} from '../bytes/source.js'
import {Fingerprinter} from '../keyspace/fingerprint.js'
import type {KeyIndex} from '../keyspace/key-index.js'
import {RecordParcels} from '../keyspace/record-parcels.js'
import type {EntryVisitor, Problem} from '../keyspace/visitor.js'
import type {Inbox, Outbox} from '../parallel/answering.js'
import {type FlatError, flattened, restored} from '../parallel/crossing-errors.js'
import type {Parcel} from '../parallel/thread.js'
import type {RdbEnd, RdbReader} from '../rdb/reader.js'
import {readSegment} from '../rdb/segment-source.js'
import type {SegmentStart} from '../rdb/segments.js'
import type {StretchEnd} from '../rdb/stretch.js'
import type {RdbHeader} from '../rdb/versions.js'
import type {CheckIndexes} from './check-options.js'
import {
  begunWith,
  OneThreadError,
  readInSegments,
  type SegmentAnswer,
  type SegmentsOptions,
  type SegmentWork,
} from './segment-work.js'

export interface CheckQuestion {
  start: SegmentStart
  problemsMax: number
  /** Of the fingerprints of keys, and of elements of huge collections; absent where nobody looks for duplicates. */
  seed: Int32Array | undefined
}

export interface CheckAnswer extends SegmentAnswer {
  found: Found
  huge: HugeCollection[]
  /** Huge collections whose elements nobody looked at. */
  skipped: number
  /** Records that are no keys, and the keys behind the last of them. */
  others: OtherRecord[]
  counts: KeyCounts
  /** Where the last record ends. */
  end: number
  /** There is something that a part of a file does not tell enough of. */
  isOdd: boolean
}

/** What the parcels hold fingerprints of. */
const KEYS = 0
const ELEMENTS = 1
/** Of one stretch; a sound file has a dozen in all. */
const OTHERS_MAX = 10_000

/** What a thread does with a segment. */
export async function checkSegment(
  {start, problemsMax, seed}: CheckQuestion,
  outbox: Outbox,
  inbox: Inbox,
): Promise<CheckAnswer> {
  const findings = new Findings(problemsMax)
  const keys = seed && new Prints(seed, outbox, KEYS)
  const elements = seed && new Prints(seed, outbox, ELEMENTS)
  const huge = new HugeCollections(elements)
  let part!: PartSoundness
  let stretch: StretchEnd | undefined
  let failure: FlatError | undefined
  const visitorOf = (reader: RdbReader): EntryVisitor => {
    part = new PartSoundness({
      ...{header: start.header, findings, huge, start: reader.offset},
      position: () => reader.offset,
      recordStart: () => reader.recordOffset,
      key: keys && ((db, bytes, from, to, offset) => keys.add(db, bytes, from, to, offset)),
    })
    return Object.assign(part, {drain: () => outbox.ready()})
  }
  try {
    stretch = (await readSegment(inbox, start, visitorOf, begunWith(outbox))).stretch
  } catch (error) {
    failure = flattened(error)
  }
  keys?.flush()
  elements?.flush()
  const {others = [], counts = {keys: 0, expires: 0}, end = 0, isOdd = false} = part ?? {}
  const isMany = others.length > OTHERS_MAX
  const listed = {others: isMany ? [] : others, counts, end, isOdd: isOdd || isMany}
  return {found: findings.found(), huge: huge.all, skipped: huge.skipped, ...listed, stretch, failure}
}

/** Fingerprints on their way to an index. */
class Prints {
  readonly #print: Fingerprinter
  readonly #outbox: Outbox
  readonly #tag: number
  #parcels: RecordParcels | undefined

  constructor(seed: Int32Array, outbox: Outbox, tag: number) {
    this.#print = new Fingerprinter(seed)
    this.#outbox = outbox
    this.#tag = tag
  }

  add(db: number, bytes: Uint8Array, start: number, end: number, offset: number): void {
    this.#print.take(db, bytes, start, end)
    this.#parcels ??= this.#newParcels()
    this.#parcels.addPrint(this.#print.high, this.#print.low, offset, NO_PAYLOAD, 0)
  }

  flush(): void {
    this.#parcels?.flush()
  }

  #newParcels(): RecordParcels {
    const outbox = this.#outbox
    const post = (buffer: ArrayBuffer, used: number): void => outbox.post(buffer, used, 0, this.#tag)
    return new RecordParcels({take: () => outbox.take(), post}, {payloadWords: 0})
  }
}

const NO_PAYLOAD = new Int32Array(0)

/** What a check of a sound file comes to. */
export interface CheckedSegments {
  visitor: SoundnessVisitor
  header: RdbHeader
  end: RdbEnd
}

/**
 * Verifies a snapshot from its first byte to its last. Throws whatever ends that early, without a word of what was found
 * until then: who wants to know reads it again with one thread.
 */
export async function checkInSegments(
  source: ByteSource,
  {ignoreChecksum, ...options}: Pick<SoundnessOptions, 'problemsMax' | 'ignoreChecksum'> & SegmentsOptions,
  indexes: CheckIndexes | undefined,
): Promise<CheckedSegments> {
  const work = new CheckWork({problemsMax: options.problemsMax, ignoreChecksum}, indexes)
  const end = await readInSegments(source, work, true, options)
  const {visitor, header} = work
  visitor.finish(end.bytes, work.end)
  return {visitor, header, end}
}

class CheckWork implements SegmentWork<CheckQuestion, CheckAnswer> {
  readonly script = 'check'
  readonly answer = checkSegment
  readonly stretchBytes = STRETCH_BYTES
  header!: RdbHeader
  visitor!: SoundnessVisitor
  /** Where the last record ends. */
  end = 0
  readonly #seed: Int32Array | undefined
  /** Of the record that the visitor is shown. */
  readonly #place = {start: 0, end: 0}

  constructor(
    readonly options: Pick<SoundnessOptions, 'problemsMax' | 'ignoreChecksum'>,
    readonly indexes: CheckIndexes | undefined,
  ) {
    if (indexes !== undefined) this.#seed = crypto.getRandomValues(new Int32Array(2))
  }

  begin(header: RdbHeader): void {
    const place = this.#place
    this.header = header
    this.visitor = new SoundnessVisitor({
      ...this.options,
      header,
      position: () => place.end,
      recordStart: () => place.start,
    })
  }

  question(start: SegmentStart): CheckQuestion {
    return {start, problemsMax: this.options.problemsMax, seed: this.#seed}
  }

  take({buffer, used, tag}: Parcel): undefined {
    const words = new Int32Array(buffer, 0, used / Int32Array.BYTES_PER_ELEMENT)
    const index: KeyIndex = tag === KEYS ? this.indexes!.keys : this.indexes!.elements
    index.addRecords(words, words.length)
  }

  answered({found, huge, skipped, others, counts, end, isOdd, failure}: CheckAnswer): void {
    if (failure !== undefined) throw restored(failure)
    if (isOdd) throw new OneThreadError('what is told once of a file is told by one thread')
    const {visitor} = this
    visitor.findings.addFound(found)
    visitor.huge.addAll(huge, skipped)
    for (const other of others) this.#show(other)
    visitor.countKeys(counts)
    this.end = end
  }

  problem(problem: Problem): void {
    this.visitor.problem(problem)
  }

  #show({name, shown, counts, start, end}: OtherRecord): void {
    const {visitor} = this
    visitor.countKeys(counts)
    Object.assign(this.#place, {start, end})
    ;(visitor[name] as (...shown: unknown[]) => void)(...shown)
  }
}

const STRETCH_BYTES = 16 * 1024 * 1024
