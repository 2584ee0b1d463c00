/**
 * check by several threads: one passes over the file, and judges records and what they say of each other; the others
 * verify values, a segment at a time.
 */

import {SoundnessVisitor} from '../analysis/soundness.js'
import {Findings, type Found} from '../analysis/soundness-findings.js'
import {type HugeCollection, HugeCollections} from '../analysis/soundness-huge.js'
import {ValuesSoundness} from '../analysis/soundness-values.js'
import type {ByteSource} from '../bytes/source.js'
import {Fingerprinter} from '../keyspace/fingerprint.js'
import {passesAll} from '../keyspace/passer.js'
import {RecordParcels} from '../keyspace/record-parcels.js'
import type {EntryVisitor} from '../keyspace/visitor.js'
import type {Inbox, Outbox} from '../parallel/answering.js'
import {type FlatError, flattened, restored} from '../parallel/crossing-errors.js'
import type {Parcel} from '../parallel/thread.js'
import type {RdbEnd, RdbReader} from '../rdb/reader.js'
import {readSegment} from '../rdb/segment-source.js'
import type {SegmentStart} from '../rdb/segments.js'
import type {RdbHeader} from '../rdb/versions.js'
import type {CheckIndexes} from './check-options.js'
import {readInSegments, type SegmentsOptions, type SegmentWork} from './segment-crew.js'

export interface CheckQuestion {
  start: SegmentStart
  problemsMax: number
  /** Of the fingerprints of elements of huge collections; absent where nobody looks for duplicates. */
  seed: Int32Array | undefined
}

export interface CheckAnswer {
  found: Found
  huge: HugeCollection[]
  /** Huge collections whose elements nobody looked at. */
  skipped: number
  failure: FlatError | undefined
}

/** What a thread does with a segment. */
export async function checkSegment(
  {start, problemsMax, seed}: CheckQuestion,
  outbox: Outbox,
  inbox: Inbox,
): Promise<CheckAnswer> {
  const findings = new Findings(problemsMax)
  const post = (buffer: ArrayBuffer, used: number): void => outbox.post(buffer, used, 0)
  const parcels = seed && new RecordParcels({take: () => outbox.take(), post}, {payloadWords: 0})
  const print = new Fingerprinter(seed)
  const huge = new HugeCollections(
    parcels && {
      add: (collection, bytes, from, to, offset) => {
        print.take(collection, bytes, from, to)
        parcels.addPrint(print.high, print.low, offset, NO_PAYLOAD, 0)
      },
    },
  )
  let failure: FlatError | undefined
  try {
    await readSegment(inbox, start, (reader: RdbReader) => valuesVisitor(findings, huge, reader, outbox))
  } catch (error) {
    failure = flattened(error)
  }
  parcels?.flush()
  return {found: findings.found(), huge: huge.all, skipped: huge.skipped, failure}
}

const NO_PAYLOAD = new Int32Array(0)

function valuesVisitor(findings: Findings, huge: HugeCollections, reader: RdbReader, outbox: Outbox): EntryVisitor {
  const values = new ValuesSoundness(findings, () => reader.offset, huge)
  return {
    entry: entry => {
      findings.entry = entry
      return values.of(entry)
    },
    damage: error => values.damaged(error),
    passer: passesAll(true),
    drain: () => outbox.ready(),
  }
}

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
  problemsMax: number,
  {ignoreChecksum, ...options}: SegmentsOptions & {ignoreChecksum?: boolean | undefined},
  indexes: CheckIndexes | undefined,
): Promise<CheckedSegments> {
  const work = new CheckWork(problemsMax, ignoreChecksum, indexes)
  const end = await readInSegments(source, work, true, options)
  return {visitor: work.visitor, header: work.header, end}
}

class CheckWork implements SegmentWork<CheckQuestion, CheckAnswer> {
  readonly script = 'check'
  readonly #seed: Int32Array | undefined
  header!: RdbHeader
  visitor!: SoundnessVisitor

  constructor(
    readonly problemsMax: number,
    readonly ignoreChecksum: boolean | undefined,
    readonly indexes: CheckIndexes | undefined,
  ) {
    if (indexes !== undefined) this.#seed = crypto.getRandomValues(new Int32Array(2))
  }

  passing(reader: RdbReader): EntryVisitor {
    this.header = reader.header!
    this.visitor = new SoundnessVisitor({
      header: this.header,
      position: () => reader.offset,
      recordStart: () => reader.recordOffset,
      problemsMax: this.problemsMax,
      keys: this.indexes?.keys,
      ignoreChecksum: this.ignoreChecksum,
      values: 'elsewhere',
    })
    return this.visitor
  }

  question(start: SegmentStart): CheckQuestion {
    return {start, problemsMax: this.problemsMax, seed: this.#seed}
  }

  take({buffer, used}: Parcel): undefined {
    const words = new Int32Array(buffer, 0, used / Int32Array.BYTES_PER_ELEMENT)
    this.indexes!.elements.addRecords(words, words.length)
  }

  answered({found, huge, skipped, failure}: CheckAnswer): void {
    if (failure !== undefined) throw restored(failure)
    this.visitor.findings.addFound(found)
    this.visitor.huge.addAll(huge, skipped)
  }
}
