/**
 * Compares pairs of keys whose elements were spread (diff-spread.ts), exactly, and shows a sink what differs. A pair that
 * turns out to be the same is not shown. Memory is that of one element, and of the logs that strings and lists spill to.
 */
import {compareBytes} from '../bytes/compare.js'
import type {ByteSorter, SortedRecord} from '../bytes/sorter.js'
import {ByteWriter} from '../bytes/writer.js'
import {AFTER, BEFORE, type ChangedKey, type DifferenceSink, type Side} from '../keyspace/difference.js'
import {NEVER} from '../keyspace/entry.js'
import {VALUE_TYPES} from '../keyspace/selection.js'
import {type ComparisonRule, ElementComparison, sameExpiry} from './diff-elements.js'
import {HEAD, ITEM, PENDING, PIECE, PREFIX_BYTES} from './diff-parts.js'
import {RecordReader} from './diff-record.js'
import {SequenceComparison} from './diff-sequence.js'

/** Records between two places where the sink may wait. */
const RECORDS_BETWEEN_DRAINS = 256

/** Told of each pair once it is complete, and what differs: `use`: idle time or access frequency alone. */
export type OnPair = (key: ChangedKey, differs: 'nothing' | 'use' | 'more') => void

interface Head extends ChangedKey {
  sides: number
}

export class PairComparison {
  readonly #record: SortedRecord = {bytes: new Uint8Array(0), keyStart: 0, keyEnd: 0, payloadEnd: 0}
  readonly #reader = new RecordReader()
  readonly #elements: ElementComparison
  readonly #sequence: SequenceComparison
  #head: Head | undefined
  #pair = -1
  #differs = false
  #differsByMore = false
  /** Types differ: nothing else is compared. */
  #over = false
  /** The last record of an element, until it is known whether the other side has it too; all of a pending entry. */
  readonly #held = new ByteWriter(256)
  readonly #heldAt: {payload: number; end: number}[] = []
  #heldKeyEnd = 0

  constructor(
    readonly sorter: ByteSorter,
    readonly sink: DifferenceSink,
    readonly rule: ComparisonRule,
    readonly onPair: OnPair,
  ) {
    const differ = (): void => this.#differ()
    this.#elements = new ElementComparison(sink, rule, differ)
    this.#sequence = new SequenceComparison(sink, differ, () => this.#elements.tellOpaque())
  }

  async run(): Promise<void> {
    const record = this.#record
    this.sorter.sort()
    for (let count = 0; this.sorter.next(record); count++) {
      this.#take(record)
      if (count % RECORDS_BETWEEN_DRAINS !== 0) continue
      const draining = this.sink.drain()
      if (draining !== undefined) await draining
    }
    this.#endPair()
  }

  close(): void {
    this.#sequence.close()
  }

  #take({bytes, keyStart, keyEnd, payloadEnd}: SortedRecord): void {
    const pair = this.#reader.open(bytes, keyStart).pair()
    if (pair !== this.#pair) {
      this.#endPair()
      this.#pair = pair
    }
    const part = bytes[keyStart + PREFIX_BYTES - 1]!
    if (part === HEAD) {
      this.#takeHead(bytes, keyEnd, payloadEnd)
      return
    }
    if (this.#over) return
    const side = bytes[keyEnd] as Side
    if (part === PIECE || part === ITEM) {
      this.#sequence.add(side, bytes, keyEnd + 1, payloadEnd)
      return
    }
    const same =
      this.#heldAt.length > 0 &&
      compareBytes(bytes, keyStart, keyEnd, this.#held.bytes, 0, this.#heldKeyEnd) === 0 &&
      (part === PENDING || this.#held.bytes[this.#heldAt[0]!.payload] !== side)
    if (!same) this.#release()
    this.#hold(bytes, keyStart, keyEnd, payloadEnd, !same)
    if (same && part !== PENDING) this.#release()
  }

  #hold(bytes: Uint8Array, keyStart: number, keyEnd: number, payloadEnd: number, first: boolean): void {
    const held = this.#held
    if (first) {
      held.reset()
      held.copy(bytes, keyStart, keyEnd)
      this.#heldKeyEnd = held.length
    }
    const payload = held.length
    held.copy(bytes, keyEnd, payloadEnd)
    this.#heldAt.push({payload, end: held.length})
  }

  /** Compares what is held. */
  #release(): void {
    if (this.#heldAt.length === 0) return
    this.#elements.compare(this.#held.bytes, this.#heldKeyEnd, this.#heldAt)
    this.#heldAt.length = 0
  }

  #takeHead(bytes: Uint8Array, start: number, end: number): void {
    const reader = this.#reader.open(bytes, start)
    const side = reader.u8() as Side
    const type = VALUE_TYPES[reader.u8()]!
    const head = {
      type,
      expireAtMs: reader.told() ?? NEVER,
      idleSeconds: reader.f64(),
      frequency: reader.f64(),
      elements: reader.f64(),
    }
    const db = reader.f64()
    const place = reader.f64()
    if (this.#head === undefined) {
      const keyBytes = reader.copyRest(end)
      this.#head = {db, place, keyBytes, before: head, after: head, sides: 1 << side}
      return
    }
    const known = this.#head
    const key = known.keyBytes
    if (side === BEFORE) known.before = head
    else known.after = head
    known.sides |= 1 << side
    if (compareBytes(bytes, reader.at, end, key.bytes, key.start, key.end) !== 0) throw new ChangedMeanwhile()
    // Database and place are those of the second side.
    if (side === AFTER) Object.assign(known, {db, place})
    this.#compareHeads(known)
  }

  #compareHeads({before, after}: Head): void {
    const {sink, rule} = this
    if (before.type !== after.type) {
      this.#differ()
      sink.type()
      this.#over = true
    }
    if (!sameExpiry(before.expireAtMs, after.expireAtMs, rule)) {
      this.#differ()
      sink.expiry(before.expireAtMs, after.expireAtMs)
    }
    for (const what of ['idleSeconds', 'frequency'] as const) {
      const compared = what === 'idleSeconds' ? rule.meaning.idle : rule.meaning.frequency
      const [one, other] = [before[what], after[what]]
      if (!compared || one < 0 || other < 0 || one === other) continue
      this.#beginDifferences()
      sink.use(what, one, other)
    }
    this.#sequence.begin(after.type)
    this.#elements.begin()
  }

  #differ(): void {
    this.#differsByMore = true
    this.#beginDifferences()
  }

  #beginDifferences(): void {
    if (this.#differs) return
    this.#differs = true
    this.sink.begin(this.#head!)
  }

  #endPair(): void {
    if (this.#head === undefined) return
    if (this.#head.sides !== (1 << BEFORE) + (1 << AFTER)) throw new ChangedMeanwhile()
    this.#release()
    if (!this.#over) this.#sequence.end()
    if (this.#differs) this.sink.end()
    this.onPair(this.#head, this.#differsByMore ? 'more' : this.#differs ? 'use' : 'nothing')
    this.#head = undefined
    this.#differs = this.#differsByMore = this.#over = false
  }
}

/** What was read the second time is not what was read the first time. */
export class ChangedMeanwhile extends Error {
  override readonly name = 'ChangedMeanwhile'

  constructor() {
    super('a source has changed while it was compared')
  }
}
