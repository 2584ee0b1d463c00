/**
 * What differs between two data sets, shown to a sink key by key: what is on one side only with its value, what is on
 * both with the parts that differ.
 *
 *   removed, added                                       an entry of one side, as a reader shows it
 *   begin ─► type | expiry, use, parts of its value ─► end      a key of both sides
 *   library                                              functions
 *
 * Before is the first side, after the second. All bytes are lent, and valid during the call only; what is absent on a
 * side is undefined there.
 */
import type {ElementLog, LogPlace} from '../bytes/element-log.js'
import type {Int64} from '../bytes/int64.js'
import type {LentBytes} from '../bytes/lent.js'
import type {StreamId} from '../encoding/stream-id.js'
import type {Entry, ValueType} from './entry.js'
import type {SourceOrigin} from './entry-source.js'
import {SKIP, type ValueVisitor} from './visitor.js'

/** The first data set, the second. */
export const BEFORE = 0
export const AFTER = 1
export type Side = typeof BEFORE | typeof AFTER

/** What a key is on one side, besides its value. */
export interface KeyHead {
  type: ValueType
  expireAtMs: Int64
  /** -1 where it is not told. */
  idleSeconds: number
  frequency: number
  /** Elements of the value; bytes of a string. */
  elements: number
}

export interface ChangedKey {
  /** As the second data set counts it. */
  db: number
  /** Where it lies in the second source, as whoever reads that counts. */
  place: number
  keyBytes: LentBytes
  before: KeyHead
  after: KeyHead
}

/** The value of a field, and when it expires. */
export interface FieldValue {
  readonly value: LentBytes
  expireAtMs: Int64
}

/** Elements of a list, or pieces of a string, in their order: let the log go to the first, then ask for the next. */
export interface Run {
  readonly log: ElementLog
  readonly from: LogPlace
  count: number
}

/** A part of a stream that is no entry: what is told of it on each side, under names. */
export interface StreamPart {
  /** Its kind. */
  what:
    | 'lastId'
    | 'maxDeletedId'
    | 'entriesAdded'
    | 'group'
    | 'consumer'
    | 'pending'
    | 'idempotence'
    | 'producer'
    | 'producerEntry'
    | 'producerCounters'
  group?: Uint8Array
  name?: Uint8Array
  iid?: Uint8Array
  id?: StreamId
  before: StreamFacts | undefined
  after: StreamFacts | undefined
}

/** A library of functions, its source on each side; `name` is text. */
export interface LibraryChange {
  name: string
  before: Uint8Array | undefined
  after: Uint8Array | undefined
}

export type StreamFacts = Readonly<Record<string, StreamId | Int64 | Uint8Array | boolean | undefined>>

export abstract class DifferenceSink {
  /** First of all: what the second source says of itself, and whether it shows values as they are stored. */
  second(_origin: SourceOrigin | undefined, _stored: boolean): void {}

  /** Of the entries of one side: who reads the value. */
  removed(_entry: Entry): ValueVisitor {
    return SKIP
  }
  added(_entry: Entry): ValueVisitor {
    return SKIP
  }

  /** A key of both sides differs: how is told next. Lent until `end`. */
  begin(_key: ChangedKey): void {}
  end(): void {}
  /** It is of another type: its values are not compared. */
  type(): void {}
  expiry(_before: Int64, _after: Int64): void {}
  use(_what: 'idleSeconds' | 'frequency', _before: number, _after: number): void {}
  /** A string: both whole, in pieces of the same size, all but the last. */
  string(_before: Run, _after: Run): void {}
  /**
   * Of a list: what stands between what both begin with and what both end in; where that is as many items on both sides,
   * each run of those that differ.
   */
  items(_at: number, _before: Run, _after: Run): void {}
  /** A member of a set, that is on this side only. */
  member(_bytes: Uint8Array, _start: number, _end: number, _side: Side): void {}
  scored(
    _bytes: Uint8Array,
    _start: number,
    _end: number,
    _before: number | undefined,
    _after: number | undefined,
  ): void {}
  /** `sameValue`: only its expiry differs. */
  field(_name: LentBytes, _before: FieldValue | undefined, _after: FieldValue | undefined, _sameValue: boolean): void {}
  /** Names and values of its fields: <u32le length, bytes>*. */
  streamEntry(_id: StreamId, _before: LentBytes | undefined, _after: LentBytes | undefined): void {}
  streamPart(_part: StreamPart): void {}
  /** An element of an array. */
  indexed(_index: Int64, _before: LentBytes | undefined, _after: LentBytes | undefined): void {}
  insertIndex(_before: Int64 | undefined, _after: Int64 | undefined): void {}
  /** A value that has no parts to tell of: of a module, or a script of KeyDB. */
  opaque(): void {}

  /** All libraries of functions that differ, before any key is shown. */
  libraries(_changes: readonly LibraryChange[]): void {}

  /** All entries of one side that are on it alone have been shown. */
  endPass(): void {}

  /** Asked behind each `end`: whether the second side's entry is to be shown once more, as one that is added, at the end. */
  get wantsAgain(): boolean {
    return false
  }
  /** Those that are wanted again come now. */
  beginAgain(): void {}

  /** Awaited now and then: a place for back pressure. */
  drain(): Promise<void> | undefined {
    return undefined
  }
}
