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
import type {StretchEnd} from '../rdb/stretch.js'
import type {Dump, DumpOptions} from './dump.js'
import {begunWith, readInSegments, type SegmentAnswer, type SegmentWork} from './segment-work.js'

/** What is written of it fits what threads may have ready before its turn has come. */
const STRETCH_BYTES = 4 * 1024 * 1024

/** How a dump is written, wherever it is written. */
export interface DumpForm extends Pick<DumpOptions, 'format'>, Pick<SinkOptions, 'restore' | 'safe'> {
  selection: SelectionOptions
}

export interface DumpQuestion {
  form: DumpForm
  start: SegmentStart
  isFirst: boolean
}

export interface DumpAnswer extends SegmentAnswer, Pick<Dump, 'keys' | 'losses' | 'notes' | 'selected' | 'problems'> {
  /** The database that the commands leave off in, if they are in one. */
  db: number | undefined
  /** What ends all, where the file does: to be written if its checksum is right. */
  ending: Uint8Array
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
  let stretch: StretchEnd | undefined
  try {
    const read = await readSegment(inbox, start, () => visitor, begunWith(outbox))
    stretch = read.stretch
    if (read.how === 'cut') db = sink.pauses()
    if (read.how === 'whole') {
      out.flush()
      target.ending = []
      sink.finish()
    }
  } catch (error) {
    failure = flattened(error)
  } finally {
    out.flush()
    sink.dispose?.()
    await target.finish()
  }
  const {keys, losses, notes = []} = sink
  const ending = new Uint8Array(Buffer.concat(target.ending ?? []))
  return {keys, losses, notes, problems, selected: selecting?.counts, db, ending, stretch, failure}
}

/** Writes what a snapshot holds to a target, as one thread would. */
export async function dumpInSegments(
  source: ByteSource,
  target: ByteTarget,
  form: DumpForm,
  options: DumpOptions,
  result: Dump,
): Promise<void> {
  const work = new DumpWork(form, target, result)
  await readInSegments(source, work, options.ignoreChecksum, options)
  target.write(work.ending, 0, work.ending.length)
}

class DumpWork implements SegmentWork<DumpQuestion, DumpAnswer> {
  readonly script = 'dump'
  readonly answer = dumpSegment
  readonly stretchBytes = STRETCH_BYTES
  ending: Uint8Array = new Uint8Array(0)
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
    const {target} = this
    const bytes = new Uint8Array(buffer)
    if (target.writeLent !== undefined) return target.writeLent(bytes, 0, used)
    target.write(bytes, 0, used)
    return target.drain()
  }

  answered({keys, losses, notes, selected, problems, db, ending, failure}: DumpAnswer): void {
    const {result} = this
    result.keys += keys
    addAll(this.#losses, losses)
    addAll(this.#notes, notes)
    if (selected !== undefined) result.selected = addCounts(result.selected, selected)
    for (const problem of problems) this.problem(problem)
    if (db !== undefined) this.#db = db
    this.ending = ending
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
