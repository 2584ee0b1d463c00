/**
 * What an EntryVisitor wants no more of than sums: entries that a reader passes
 * over many at a time, where it can.
 */
import type {SummedWindow} from '../bytes/crc64.js'
import type {Entry, ValueType} from './entry.js'

/** The sums over entries of one type and encoding. */
export interface PassedEntries {
  db: number
  type: ValueType
  typeId: number
  encoding: string
  keys: number
  /** Bytes of strings. */
  elements: number
  /** Of their records in the file. */
  bytes: number
  expiring: number
  /** Those that expired before `Passer.nowMs`. */
  expired: number
}

/**
 * Which entries need not be shown, and who is told the sums over those that were
 * not. A reader may show any entry all the same. Read anew for every run of
 * entries: its owner may change it when an entry is shown.
 */
export interface Passer {
  /** Values are verified, and those that are not sound shown; otherwise the lengths in them are believed. */
  readonly deep: boolean
  /** A bit for each type byte below 32 that may be passed. */
  types: number
  /** Entries with a record of so many bytes are shown. */
  bytesEnd: number
  /** Collections of so many elements are shown. */
  elementsEnd: number
  /** The moment that expiries are judged against, in milliseconds since 1970. */
  readonly nowMs: number
  /** First of all: entries from `offset` on were passed. `entry` still tells where the one before them ends. */
  begin?(entry: Entry, offset: number): void
  /**
   * The records that were passed, whole and one behind the other, as they are stored. Lent: bytes of a
   * window, which stay as they are until the next but one is read. `summed`: asked now, it knows the checksums up to both.
   */
  records?(db: number, bytes: Uint8Array, start: number, end: number, summed: SummedWindow | undefined): void
  /** Once for each type and encoding among them; lent. */
  add(sums: PassedEntries): void
  /**
   * Where the keys passed lie, three numbers each: record, key, end of the key, as places in `bytes`; the first, `base`
   * added, is the offset in the input. Lent.
   */
  keys?(db: number, bytes: Uint8Array, places: Int32Array, count: number, base: number): void
}

/** For whoever looks at no entry: all may be passed, and nobody wants the sums. */
export function passesAll(deep: boolean): Passer {
  const {POSITIVE_INFINITY: none} = Number
  return {deep, types: -1, bytesEnd: none, elementsEnd: none, nowMs: 0, add: () => {}}
}
