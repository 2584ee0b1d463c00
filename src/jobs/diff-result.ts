/**
 * What a comparison came to.
 */
import {PlacedError} from '../errors.js'
import type {SourceFormat, SourceOrigin} from '../keyspace/entry-source.js'
import type {Problem} from '../keyspace/visitor.js'
import type {DiffRow} from './diff-counts.js'
import type {SideFacts} from './diff-digests.js'
import type {SideState} from './diff-plan.js'

/** One side, and how far its reading came. */
export interface DiffSide {
  /** As it was named. */
  source: string
  format: SourceFormat
  origin: SourceOrigin | undefined
  keys: number
  /** Collections without elements: they are no keys. */
  empty: number
  /** Keys whose values are damaged. */
  damaged: number
  problems: Problem[]
  /** What ended the reading early; everything before it was compared. */
  failure: unknown
  /** Something may be missing for it. */
  incomplete: boolean
}

export interface DiffResult {
  /** No difference was found, and nothing was left uncompared. */
  equal: boolean
  sides: readonly [DiffSide, DiffSide]
  rows: DiffRow[]
  /** Libraries of functions, and what modules keep beside keys, that are on one side only or differ. */
  libraries: NamedChange[]
  moduleAux: NamedChange[]
  /** What only one of the sources tells at all: it was not compared. */
  toldByOne: ('idle' | 'frequency')[]
  /** Keys that stand in a source more than once, or in databases that count as one: they were not compared. */
  twins: number
  /** Whether some databases count as others. */
  mapped: boolean
  /** Keys that changed in nothing but their idle times or access frequencies. */
  usedOnly: number
}

export interface NamedChange {
  name: string
  change: 'removed' | 'added' | 'changed'
}

/** Everything has been read, though it turned out at the end that something is wrong. */
export function isAtEnd(failure: unknown): boolean {
  return failure instanceof PlacedError && failure.code === 'BAD_CHECKSUM'
}

/** Names that are on one side only, where the other was read to its end, or that differ. */
export function changesOf<T>(
  [before, after]: readonly [SideState, SideState],
  factsOf: (facts: SideFacts) => ReadonlyMap<string, T>,
  same: (a: T, b: T) => boolean,
): NamedChange[] {
  const [first, second] = [factsOf(before.facts), factsOf(after.facts)]
  const names = [...new Set([...first.keys(), ...second.keys()])].sort()
  return names.flatMap((name): NamedChange[] => {
    const [a, b] = [first.get(name), second.get(name)]
    if (a === undefined) return before.incomplete ? [] : [{name, change: 'added'}]
    if (b === undefined) return after.incomplete ? [] : [{name, change: 'removed'}]
    return same(a, b) ? [] : [{name, change: 'changed'}]
  })
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
