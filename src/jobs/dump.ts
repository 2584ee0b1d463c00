/**
 * dump: show all that a source holds to a format's writer, and publish what
 * that wrote only if the source turns out sound to its end.
 */
import type {RestoreRule} from '../aof/rewrite.js'
import {Bitmap} from '../bytes/bitmap.js'
import {ByteOutput} from '../bytes/output.js'
import type {ByteTarget} from '../bytes/target.js'
import {UsageError} from '../errors.js'
import {createSink, type DumpFormat} from '../export/sink.js'
import type {Entry} from '../keyspace/entry.js'
import {EntryChanges} from '../keyspace/entry-changes.js'
import type {Loss} from '../keyspace/entry-sink.js'
import type {EntrySource} from '../keyspace/entry-source.js'
import {SelectingVisitor, Selection, type SelectionCounts, type SelectionOptions} from '../keyspace/selection.js'
import {type EntryVisitor, type Problem, SKIP, type ValueVisitor} from '../keyspace/visitor.js'
import {limits} from '../limits.js'
import {RdbReader} from '../rdb/reader.js'
import {type LogOptions, type OpenOptions, openEntries} from '../source/open.js'
import {surveySources} from './build-survey.js'
import {dumpInSegments} from './dump-segments.js'
import {paysInSegments, type SegmentsOptions} from './segment-work.js'

export interface DumpOptions extends LogOptions, SegmentsOptions {
  format: DumpFormat
  /** Publish what a source with a wrong checksum holds; a problem says so. */
  ignoreChecksum?: boolean | undefined
  /** Of the format resp: which keys go as RESTORE; absent: those that other commands cannot carry whole. */
  restore?: RestoreRule | undefined
  /** Of the format csv: no cell may be taken for a formula. */
  safe?: boolean | undefined
  /** Which keys; absent: all. */
  selection?: SelectionOptions | undefined
  /** Told of the source once it is open: to show how far the reading is. */
  onOpen?: ((source: EntrySource['source']) => void) | undefined
}

export interface Dump {
  /** Keys that were written. */
  keys: number
  /** How many keys were passed over, and why; undefined where all were wanted. */
  selected: SelectionCounts | undefined
  /** What the format could not carry. */
  losses: readonly Loss[]
  /** What is no data and was left out: how often. */
  notes: readonly Loss[]
  /** What the source's reader met; the first limits.problemsMax. */
  problems: Problem[]
  /** Bytes written. */
  bytes: number
  /** What ended the run early: nothing was published then, except for what a stream had been given. */
  failure: unknown
}

/** Writes what a source holds to a target, which is finished, or abandoned on failure. Failures are told, not thrown. */
export async function dump(name: string, target: ByteTarget, options: DumpOptions): Promise<Dump> {
  const result = newDump()
  try {
    await dumpInto(target, name, options, result)
    await target.finish()
  } catch (error) {
    result.failure = error
    await target.abandon()
  }
  result.bytes = target.bytes
  return result
}

function newDump(): Dump {
  return {keys: 0, selected: undefined, losses: [], notes: [], problems: [], bytes: 0, failure: undefined}
}

/** The same into a target that somebody else finishes, or abandons. Throws what ends it early. */
export async function dumpInto(
  target: ByteTarget,
  name: string,
  options: DumpOptions,
  result: Dump = newDump(),
): Promise<Dump> {
  let source: EntrySource | undefined
  try {
    const chosen = await chooseOf(name, options)
    source = await openEntries(name, openOptions(options))
    options.onOpen?.(source.source)
    await write(source, target, {...options, chosen}, result)
  } finally {
    await source?.close()
  }
  result.bytes = target.bytes
  return result
}

function openOptions({ignoreChecksum, skipUnsupported, onlyCreates}: DumpOptions): OpenOptions {
  return {ignoreChecksum, skipUnsupported, onlyCreates}
}

interface Chosen {
  selection: Selection
  /** Numbers of entries that are left out by their size. */
  wrongSize: Bitmap
}

/** Bounds of size are known only once a value has been read: the source is looked through before. */
async function chooseOf(name: string, options: DumpOptions): Promise<Chosen> {
  const {minBytes, maxBytes} = options.selection ?? {}
  const bounded = minBytes !== undefined || maxBytes !== undefined
  if (bounded && name === '-') {
    throw new UsageError(
      '--min-bytes and --max-bytes read the source twice, standard input can be read once: name a file',
    )
  }
  const selection = new Selection(options.selection ?? {}, 'later')
  if (!bounded) return {selection, wrongSize: new Bitmap()}
  const open = async function* (): AsyncGenerator<EntrySource> {
    const source = await openEntries(name, openOptions(options))
    try {
      yield source
    } finally {
      await source.close()
    }
  }
  const changes = new EntryChanges({})
  const {wrongSize} = await surveySources({
    ...{open, selection, changes, bounded},
    ...{onConflict: 'error', memoryBytes: undefined, sources: 1},
  })
  return {selection, wrongSize}
}

/** Passes over what is not selected, by what was found of its size too. */
export class SizedVisitor extends SelectingVisitor {
  #number = -1

  constructor(
    selection: Selection,
    inner: EntryVisitor,
    readonly wrongSize: Bitmap,
  ) {
    super(selection, inner)
  }

  override entry(entry: Entry): ValueVisitor {
    this.#number++
    if (!this.wrongSize.has(this.#number)) return super.entry(entry)
    this.counts.seen++
    this.counts.skipped.bytes++
    return SKIP
  }
}

async function write(
  source: EntrySource,
  target: ByteTarget,
  {chosen, ...options}: DumpOptions & {chosen: Chosen},
  result: Dump,
): Promise<void> {
  const {selection, wrongSize} = chosen
  const bounded = options.selection?.minBytes !== undefined || options.selection?.maxBytes !== undefined
  if (source instanceof RdbReader && !bounded && (await paysInSegments(source.source, options))) {
    const {format, restore, safe} = options
    // Expiries are judged against one moment, whoever reads them.
    const form = {
      format,
      restore,
      safe,
      selection: {...options.selection, nowMs: options.selection?.nowMs ?? Date.now()},
    }
    await dumpInSegments(source.source, target, form, options, result)
    return
  }
  const out = new ByteOutput(target)
  const sink = createSink(options.format, out, {
    origin: await source.origin(),
    stored: source.format === 'rdb',
    restore: options.restore,
    safe: options.safe,
  })
  sink.problem = problem => {
    if (result.problems.length < limits.problemsMax) result.problems.push(problem)
  }
  const selecting = selection.everything ? undefined : new SizedVisitor(selection, sink, wrongSize)
  result.selected = selecting?.counts
  try {
    await source.run(selecting ?? sink)
    sink.finish()
  } finally {
    // Of a stream, whatever could be read has its use.
    out.flush()
    sink.dispose?.()
    Object.assign(result, {keys: sink.keys, losses: sink.losses, notes: sink.notes ?? []})
  }
}
