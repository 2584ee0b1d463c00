/**
 * One side of a comparison is digested, by this thread or as another is asked to.
 */
import type {MeaningOptions} from '../keyspace/digest.js'
import type {EntrySource, SourceFormat, SourceOrigin} from '../keyspace/entry-source.js'
import {RecordParcels} from '../keyspace/record-parcels.js'
import type {SelectionOptions} from '../keyspace/selection.js'
import type {EntryVisitor, Problem} from '../keyspace/visitor.js'
import {limits} from '../limits.js'
import type {Outbox} from '../parallel/answering.js'
import {type FlatError, flattened} from '../parallel/crossing-errors.js'
import {type OpenOptions, openEntries} from '../source/open.js'
import {SideSelection} from './diff-choosing.js'
import {DiffCounts, type DiffRow} from './diff-counts.js'
import {
  DIGEST_WORDS,
  DigestPass,
  type DigestPassOptions,
  EXPIRY_WORDS,
  Places,
  SECOND_SIDE,
  type SideFacts,
} from './diff-digests.js'

/** How entries are digested. Plain data, as is all that a thread is asked. */
export interface DigestForm {
  seed: Uint8Array
  meaning: MeaningOptions
  /** A bit for each type whose values are digested as they are stored, as far as the kernel does (diff-stored-types.ts). */
  storedTypes: number
}

/** What one side came to, beside its records. */
export interface DigestedSide {
  facts: SideFacts
  keys: number
  problems: Problem[]
  format: SourceFormat
  origin: SourceOrigin | undefined
  /** What ended the reading. */
  failure: unknown
}

/** What the thread is asked: to digest the second side. */
export interface DigestQuestion {
  path: string
  opening: Omit<OpenOptions, 'onFetch'>
  selection: SelectionOptions
  form: DigestForm
}

export interface DigestAnswer extends Omit<DigestedSide, 'failure'> {
  failure: FlatError | undefined
  rows: DiffRow[]
  /** Of the records that were sent. */
  balance: Int32Array
}

/** How an index is made that takes such digests. */
export function indexForm({expiry}: MeaningOptions): {
  payloadWords: number
  balanced: {boundary: number; word: number}
} {
  const payloadWords = DIGEST_WORDS + (expiry === 'fields' ? EXPIRY_WORDS : 0)
  return {payloadWords, balanced: {boundary: SECOND_SIDE, word: 0}}
}

/** A parcel goes at least so often, to say how far the thread is. */
const TOLD_BYTES = 16 * 1024 * 1024

/** What the thread does. */
export async function digestElsewhere(
  {path, opening, selection, form}: DigestQuestion,
  outbox: Outbox,
): Promise<DigestAnswer> {
  const source = await openEntries(path, opening)
  const counts = new DiffCounts()
  const {source: input} = source
  let told = 0
  const post = (buffer: ArrayBuffer, used: number): void => {
    told = input.storedRead
    outbox.post(buffer, used, told)
  }
  const parcels = new RecordParcels({take: () => outbox.take(), post}, indexForm(form.meaning))
  const drain = (): Promise<void> | undefined => {
    if (input.storedRead - told > TOLD_BYTES) parcels.flush()
    return outbox.ready()
  }
  const chosen = new SideSelection(selection)
  const options = {...form, side: 1 as const, index: parcels, counts, dbOf: (db: number) => db, drain}
  const found = await digestSource(source, options, pass => chosen.marking(pass))
  parcels.flush()
  const failure = found.failure === undefined ? undefined : flattened(found.failure)
  return {...found, failure, rows: counts.rows(), balance: parcels.balance!.sums}
}

/** Digests a source to its end, or as far as it can be read, and closes it. */
export async function digestSource(
  source: EntrySource,
  options: Omit<DigestPassOptions, 'places' | 'onProblem'>,
  selecting: (pass: DigestPass) => EntryVisitor,
): Promise<DigestedSide> {
  const problems: Problem[] = []
  const pass = new DigestPass({
    ...options,
    places: new Places(source.format === 'rdb'),
    onProblem: problem => {
      if (problems.length < limits.problemsMax) problems.push(problem)
    },
  })
  let failure: unknown
  let origin: SourceOrigin | undefined
  try {
    origin = await source.origin()
    await source.run(selecting(pass))
  } catch (error) {
    failure = error
  } finally {
    await source.close()
  }
  return {facts: pass.facts, keys: pass.keys, problems, format: source.format, origin, failure}
}
