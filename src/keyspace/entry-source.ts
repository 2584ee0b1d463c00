/**
 * Anything that can run a visitor: an RDB file, JSONL, a file of commands, CSV,
 * a log, a live server. What is built on visitors does not ask which it is.
 *
 * All make the calls that RdbReader.run makes, in its order: what stands before
 * the keys, then each key and its value, `begin` and `end` around the value.
 * Only an RDB file has stored bytes: an entry of any other source has the
 * `typeId` NO_TYPE_ID, and its value is shown by element whatever depth its
 * visitor asks for, except that skip is honoured.
 */
import type {EntryVisitor} from './visitor.js'

/** What a source is, by content. */
export type SourceFormat = 'rdb' | 'jsonl' | 'resp' | 'csv' | 'aof' | 'server'

/** Who made the data, as far as the source says before its first key. */
export interface SourceOrigin {
  /** Whose numbers and types these are. */
  family: 'redis' | 'valkey'
  rdbVersion: number
  /** As the source names them, where it does and no aux field has to tell. */
  product?: string | undefined
  serverVersion?: string | undefined
}

/** What is known once the end has been reached. */
export interface SourceEnd {
  /** `absent`: the source carries no checksum, or one that is switched off. */
  checksum: 'ok' | 'absent' | 'mismatch'
}

export interface EntrySource {
  readonly format: SourceFormat
  /** The bytes it is read from: for messages and progress. */
  readonly source: {
    readonly name: string
    readonly storedRead: number
    /** Infinity where unknown. */
    readonly storedBytes: number
    /** Unpacked; absent: as many as are stored. */
    readonly inputBytes?: number | undefined
    /** Where its bytes can be read again, if that is not its name. */
    readonly path?: string | undefined
  }
  /** Absolute position in the (unpacked) input, in bytes. */
  readonly offset: number
  /** Reads as far as is needed to tell; undefined where the source does not say. */
  origin(): Promise<SourceOrigin | undefined>
  /** Shows the visitor everything, once. Throws the errors of errors.ts, with place and offset; input/output errors pass through. */
  run(visitor: EntryVisitor): Promise<SourceEnd>
  close(): Promise<void>
}
