/**
 * dump by several threads: each writes segments down as if the whole file were its own, and what they have written is put
 * together in the order of the file.
 */
import {writeSelect} from '../aof/rewrite.js'
import {ByteOutput} from '../bytes/output.js'
import type {ByteSource} from '../bytes/source.js'
import type {ByteTarget} from '../bytes/target.js'
import {createSink, type SinkOptions} from '../export/sink.js'
import {type Loss, Losses} from '../keyspace/entry-sink.js'
import {addCounts, SelectingVisitor, Selection, type SelectionOptions} from '../keyspace/selection.js'
import type {EntryVisitor, Problem} from '../keyspace/visitor.js'
import {limits} from '../limits.js'
import type {Inbox, Outbox} from '../parallel/answering.js'
import {type FlatError, flattened, restored} from '../parallel/crossing-errors.js'
import {ParcelTarget} from '../parallel/parcel-target.js'
import type {Parcel} from '../parallel/thread.js'
import {readSegment} from '../rdb/segment-source.js'
import type {SegmentStart} from '../rdb/segments.js'
import type {Dump, DumpOptions} from './dump.js'
import {readInSegments, type SegmentWork} from './segment-crew.js'

/** How a dump is written, wherever it is written. */
export interface DumpForm extends Pick<DumpOptions, 'format'>, Pick<SinkOptions, 'restore' | 'safe'> {
  selection: SelectionOptions
}

export interface DumpQuestion {
  form: DumpForm
  start: SegmentStart
  isFirst: boolean
}

export interface DumpAnswer extends Pick<Dump, 'keys' | 'losses' | 'notes' | 'selected' | 'problems'> {
  /** The database that the commands leave off in, if they are in one. */
  db: number | undefined
  failure: FlatError | undefined
}

/** What a thread does with a segment. */
export async function dumpSegment(
  {form, start, isFirst}: DumpQuestion,
  outbox: Outbox,
  inbox: Inbox,
): Promise<DumpAnswer> {
  const target = new ParcelTarget(outbox)
  const out = new ByteOutput(target)
  const {format, selection: wanted, ...options} = form
  const {family, rdbVersion} = start.header
  const sink = createSink(format, out, {...options, origin: {family, rdbVersion}, stored: true})
  const problems: Problem[] = []
  sink.problem = problem => {
    if (problems.length < limits.problemsMax) problems.push(problem)
  }
  if (!isFirst) sink.continues?.(db => target.tagged(db))
  const selection = new Selection(wanted, 'later')
  const selecting = selection.everything ? undefined : new SelectingVisitor(selection, sink)
  const visitor: EntryVisitor = selecting ?? sink
  let failure: FlatError | undefined
  let db: number | undefined
  try {
    const end = await readSegment(inbox, start, () => visitor)
    if (end === 'cut') db = sink.pauses()
    else if (end === 'whole') sink.finish()
  } catch (error) {
    failure = flattened(error)
  } finally {
    out.flush()
    sink.dispose?.()
    await target.finish()
  }
  const {keys, losses, notes = []} = sink
  return {keys, losses, notes, problems, selected: selecting?.counts, db, failure}
}

/** Writes what a snapshot holds to a target, as one thread would. */
export async function dumpInSegments(
  source: ByteSource,
  target: ByteTarget,
  form: DumpForm,
  options: DumpOptions,
  result: Dump,
): Promise<void> {
  await readInSegments(source, new DumpWork(form, target, result), options.ignoreChecksum, options)
}

class DumpWork implements SegmentWork<DumpQuestion, DumpAnswer> {
  readonly script = 'dump'
  readonly #losses = new Losses()
  readonly #notes = new Losses()
  #db: number | undefined

  constructor(
    readonly form: DumpForm,
    readonly target: ByteTarget,
    readonly result: Dump,
  ) {
    Object.assign(result, {losses: this.#losses.all, notes: this.#notes.all})
  }

  question(start: SegmentStart, isFirst: boolean): DumpQuestion {
    return {form: this.form, start, isFirst}
  }

  take({buffer, used, tag}: Parcel): Promise<void> | undefined {
    if (tag >= 0 && tag !== this.#db) this.#select(tag)
    this.target.write(new Uint8Array(buffer), 0, used)
    return this.target.drain()
  }

  answered({keys, losses, notes, selected, problems, db, failure}: DumpAnswer): void {
    const {result} = this
    result.keys += keys
    addAll(this.#losses, losses)
    addAll(this.#notes, notes)
    if (selected !== undefined) result.selected = addCounts(result.selected, selected)
    for (const problem of problems) this.problem(problem)
    if (db !== undefined) this.#db = db
    if (failure !== undefined) throw restored(failure)
  }

  problem(problem: Problem): void {
    const {problems} = this.result
    if (problems.length < limits.problemsMax) problems.push(problem)
  }

  #select(db: number): void {
    const out = new ByteOutput(this.target)
    writeSelect(out, db)
    out.flush()
  }
}

function addAll(losses: Losses, more: readonly Loss[]): void {
  for (const {what, count} of more) losses.add(what, count)
}
