/**
 * What every check is asked for and answers, and the indexes that it looks for duplicates with.
 */
import type {Soundness} from '../analysis/soundness.js'
import type {LogSalvage} from '../aof/salvage-result.js'
import type {EntrySource} from '../keyspace/entry-source.js'
import {KEY_INDEX_BYTES, KeyIndex} from '../keyspace/key-index.js'
import type {OnFetch} from '../source/live.js'
import type {LogOptions} from '../source/open.js'
import type {SalvageOptions} from '../source/salvage.js'
import type {TargetCheck, TargetJudge} from './check-target.js'
import type {SnapshotSalvage} from './salvage-snapshot.js'
import type {SegmentsOptions} from './segment-work.js'

export interface CheckOptions extends Pick<LogOptions, 'onlyCreates'>, SegmentsOptions {
  /** Look for duplicate keys, and duplicate elements of huge collections; true unless told. */
  duplicates?: boolean | undefined
  /** Bytes of memory for that; more goes to a temporary file. */
  memoryBytes?: number | undefined
  /** Problems told of each severity; all are counted. */
  problemsMax?: number | undefined
  /** A wrong checksum is a warning. */
  ignoreChecksum?: boolean | undefined
  /** Told how far a running server's snapshot has arrived. */
  onFetch?: OnFetch | undefined
  /** Told which server will start from the source: what it will do with it is judged beside. */
  judge?: TargetJudge | undefined
  /** Told of the source once it is open: to show how far the reading is. */
  onOpen?: ((source: EntrySource['source']) => void) | undefined
}

/** What is to be written beside the check, and where. */
export interface CheckSalvage extends Omit<SalvageOptions, 'ignoreChecksum'> {
  out: string
}

export interface Salvaged extends LogSalvage {
  /** Of the snapshot that the log begins with, where that is damaged. */
  snapshot: SnapshotSalvage | undefined
  /** What the new log is, checked like any other. */
  check: Soundness | undefined
}

export interface SalvagedSnapshot extends SnapshotSalvage {
  /** What the new file is, checked like any other. */
  check: Soundness | undefined
}

export interface Check {
  /** What was verified, up to where it had to end; undefined where the input is no source at all. */
  soundness: Soundness | undefined
  /** Why the input could not be checked, or not to its end: it cannot be opened, is no source, or holds what is not known. */
  failure: unknown
  /** What the server will do that was named. */
  target?: TargetCheck | undefined
  /** What was saved of a log, where that was asked for. */
  salvaged?: Salvaged | undefined
  /** The same of a snapshot. */
  salvagedSnapshot?: SalvagedSnapshot | undefined
  /** Why nothing was. */
  salvageFailure?: unknown
}

export const PROBLEMS_MAX = 100

/** Of the memory, what the keys get; elements of huge collections get the rest. */
const KEYS_SHARE = 0.75

export class CheckIndexes {
  readonly keys: KeyIndex
  readonly elements: KeyIndex

  constructor(memoryBytes: number) {
    this.keys = new KeyIndex({memoryBytes: Math.floor(memoryBytes * KEYS_SHARE)})
    this.elements = new KeyIndex({memoryBytes: Math.floor(memoryBytes * (1 - KEYS_SHARE))})
  }

  /** Removes temporary files. */
  close(): void {
    this.keys.close()
    this.elements.close()
  }
}

/** Undefined where nobody looks for duplicates. */
export function indexesFor({duplicates, memoryBytes = KEY_INDEX_BYTES}: CheckOptions): CheckIndexes | undefined {
  return duplicates === false ? undefined : new CheckIndexes(memoryBytes)
}
