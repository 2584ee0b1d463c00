/** What a survey of a damaged snapshot tells: what is sound, what is lost, what nobody can be sure of. */
import type {KeptKey} from '../keyspace/entry.js'
import type {SnapshotPiece} from '../rdb/piece-source.js'
import type {Flaw, RecordWalker} from '../rdb/record-walker.js'

/** A key near what is lost. */
export interface NearKey extends KeptKey {
  db: number
}

/** Bytes of which nothing could be kept. */
export interface SnapshotLoss {
  offset: number
  bytes: number
  /** The key whose value is damaged, where that is all. */
  key?: NearKey | undefined
  /** Keys that are kept. */
  before?: NearKey | undefined
  after?: NearKey | undefined
  code: string
  /** What was found to be wrong, in words. */
  reason: string
}

/** Keys that follow a loss, up to where the next database is named. */
export interface UncertainDatabase {
  /** Absolute, in bytes. */
  offset: number
  /** What they are taken to be of. */
  db: number
  keys: number
}

export interface SnapshotSurvey {
  pieces: SnapshotPiece[]
  /** The first ones. */
  lost: SnapshotLoss[]
  /** All of them. */
  losses: number
  bytesLost: number
  keys: number
  /** The first ones. */
  uncertain: UncertainDatabase[]
  keysUncertain: number
  /** Where the file ends, its checksum included; undefined: its end is lost. */
  endOffset: number | undefined
  /** Keys, each alone, that are kept since the announced counts say that they have lost nothing. */
  cleared: SnapshotLoss[]
  /** What hashes refer to. */
  templates: RecordWalker['templates']
}

export interface SurveyOptions {
  /** Losses that are kept of all that are counted. */
  lossesMax?: number | undefined
  /** What the file begins with is not its header, which was guessed. */
  isHeaderLost?: boolean | undefined
  /** Told now and then how far it is. */
  onRead?: ((offset: number) => void) | undefined
}

export const LOSSES_MAX = 1000

export const DOUBTFUL: Flaw = {
  code: 'DOUBTFUL',
  text: 'the key stands right behind damage, where its expiry may be lost',
  offset: 0,
}
export const ELEMENTS: Flaw = {
  code: 'DOUBTFUL',
  text: 'what stands behind damage in a collection may be elements of it',
  offset: 0,
}
export const TOO_MANY: Flaw = {
  code: 'DOUBTFUL',
  text: 'behind damage, and the file announces fewer keys than are found',
  offset: 0,
}
export const HEADER_LOST: Flaw = {
  code: 'BAD_MAGIC',
  text: 'the file does not begin with a magic word and a version',
  offset: 0,
}
export const END_WITHIN = 'END_WITHIN'
export const NO_END = 'the file has no end: it may be cut short'
