/**
 * inspect: open a source, count what it holds, and say how far that came.
 */
import {
  type InventoriedSource,
  type Inventory,
  type InventoryOptions,
  InventoryVisitor,
  type MemoryOptions,
} from '../analysis/inventory.js'
import type {KeySpread} from '../analysis/spread.js'
import {type FormatError, PlacedError} from '../errors.js'
import type {EntrySource, SourceEnd, SourceOrigin} from '../keyspace/entry-source.js'
import {SelectingVisitor, Selection, type SelectionCounts, type SelectionOptions} from '../keyspace/selection.js'
import {RdbReader} from '../rdb/reader.js'
import {maskAddress} from '../resp/address.js'
import type {OnFetch} from '../source/live.js'
import {type LogOptions, openEntries} from '../source/open.js'

export interface InspectOptions extends InventoryOptions, LogOptions {
  /** Go on where the checksum is wrong; the report says so. */
  ignoreChecksum?: boolean | undefined
  /** Which keys to count; absent: all. */
  selection?: SelectionOptions | undefined
  /** Told how far a running server's snapshot has arrived. */
  onFetch?: OnFetch | undefined
  /** Told of the source once it is open: to show how far the reading is. */
  onOpen?: ((source: EntrySource['source']) => void) | undefined
}

export interface Inspection {
  /** The source as it was named, without a password. */
  source: string
  /** What was counted, up to the failure where there is one; undefined where the input is no source at all. */
  inventory: Inventory | undefined
  /** What the sums of several sources are made of; absent where nobody asked. */
  spread: KeySpread | undefined
  /** How many keys were passed over, and why; absent where all were counted. */
  selected: SelectionCounts | undefined
  /** Bytes of the input as it is stored; Infinity where nobody knows. */
  storedBytes: number
  /** The input is stored compressed. */
  compressed: boolean
  /** What stopped the opening or the reading. */
  failure: unknown
}

/** Opens what a name stands for, reads it to its end or to the first damage, and closes it. Failures are told, not thrown. */
export async function inspect(name: string, options: InspectOptions): Promise<Inspection> {
  let source: EntrySource
  try {
    source = await openEntries(name, options)
  } catch (failure) {
    const nothing = {inventory: undefined, spread: undefined, selected: undefined}
    return {source: maskAddress(name), ...nothing, storedBytes: Number.POSITIVE_INFINITY, compressed: false, failure}
  }
  options.onOpen?.(source.source)
  const selection = new Selection(options.selection ?? {}, 'later')
  let selecting: SelectingVisitor | undefined
  const takes = (memoryBytes: number): boolean => {
    if (selection.takesBytes(memoryBytes)) return true
    selecting?.refuseBytes()
    return false
  }
  const memory = memoryOptions(options, takes, source.format === 'aof')
  let origin: SourceOrigin | undefined
  const visitor = new InventoryVisitor({...options, memory}, () => origin)
  if (!selection.everything) selecting = new SelectingVisitor(selection, visitor)
  let end: SourceEnd | undefined
  let failure: unknown
  try {
    origin = await source.origin()
    end = await source.run(selecting ?? visitor)
  } catch (error) {
    failure = error
  }
  const {storedBytes, inputBytes = storedBytes} = source.source
  await source.close()
  const bytes = bytesRead(source, failure)
  const {format} = source
  const read = visitor.resultOf({format, header: undefined, origin, bytes, end, ...placeOf(source, failure)})
  const inventory = isNothing(read, selecting, failure) ? undefined : read
  const counted = {inventory, spread: visitor.spread, selected: selecting?.counts}
  return {source: maskAddress(name), ...counted, storedBytes, compressed: storedBytes !== inputBytes, failure}
}

/** What stops the reading before anything was read is no damage: the input is something else. */
function isNothing(inventory: Inventory, selecting: SelectingVisitor | undefined, failure: unknown): boolean {
  if (failure === undefined || (failure instanceof PlacedError && failure.place.key !== undefined)) return false
  const {format, header, keys, aux, otherAux, functions, modules} = inventory
  if (format === 'rdb') return header === undefined
  const seen = selecting?.counts.seen ?? keys
  return seen + aux.size + otherAux.length + functions.length + modules.length === 0
}

/** Bounds of size ask for an estimate too; and keys of a log have no other size than that. */
function memoryOptions(
  {memory, selection = {}}: InspectOptions,
  takes: (memoryBytes: number) => boolean,
  log: boolean,
): MemoryOptions | undefined {
  const bounded = selection.minBytes !== undefined || selection.maxBytes !== undefined
  if (bounded) return {...memory, takes}
  return log ? (memory ?? {}) : memory
}

/** Of an RDB file more is known: its end was reached where its checksum is wrong, too. */
function placeOf(
  source: EntrySource,
  failure: unknown,
): Pick<InventoriedSource, 'header' | 'bytes' | 'end'> | undefined {
  if (!(source instanceof RdbReader)) return undefined
  const {header, end} = source
  return {header, end, bytes: end?.bytes ?? bytesRead(source, failure)}
}

/** A value is passed over before all of it has arrived: where the input ended first, that is how far it was read. */
function bytesRead(source: EntrySource, failure: unknown): number {
  const {code, offset} = (failure ?? {}) as Partial<FormatError>
  return code === 'TRUNCATED' && offset !== undefined ? Math.min(source.offset, offset) : source.offset
}
