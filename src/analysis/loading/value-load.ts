/**
 * What the loads of all types share.
 */
import type {ByteCursor} from '../../bytes/cursor.js'
import type {Loader} from '../../rdb/loaders.js'
import type {HashTemplates} from '../../rdb/value/hash-template.js'
import type {ServerElements} from './distinct.js'
import type {Obstacles} from './obstacles.js'
import type {ServerStrings} from './strings.js'

/** Entries that a server packs at most of each kind, and bytes of one, unless it is configured otherwise. */
export const HASH_PACKED_MAX = 512
export const ZSET_PACKED_MAX = 128
export const SET_PACKED_MAX = 128
export const INTSET_MAX = 512
export const PACKED_BYTES_MAX = 64

/** What becomes of a key whose value has been read: `expired` where all its fields have. */
export type Loaded = 'whole' | 'empty' | 'expired'

export interface LoadContext {
  readonly cursor: ByteCursor
  readonly loader: Loader
  readonly strings: ServerStrings
  readonly obstacles: Obstacles
  readonly elements: ServerElements
  /** Those that the file has told so far. */
  readonly templates: HashTemplates
  /** Where the record begins that is being read. */
  readonly recordOffset: number
  /** The file is the base of a log. */
  readonly isBase: boolean
  /** Milliseconds since 1970; -Infinity where nothing expires while it is loaded. */
  readonly nowMs: number
}

/** Reads values as a server does; what stands in the way goes to the obstacles. Throws STARVED, and goes on from its last commit. */
export interface ValueLoad {
  begin(typeId: number): void
  read(): Loaded
}
