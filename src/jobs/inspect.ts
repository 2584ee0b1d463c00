/**
 * inspect: open a source, count what it holds, and say how far that came.
 */
import {type Inventory, type InventoryOptions, InventoryVisitor, type MemoryOptions} from '../analysis/inventory.js'
import type {KeySpread} from '../analysis/spread.js'
import type {ByteSource} from '../bytes/source.js'
import type {FormatError} from '../errors.js'
import {SelectingVisitor, Selection, type SelectionCounts, type SelectionOptions} from '../keyspace/selection.js'
import {RdbReader} from '../rdb/reader.js'
import {maskAddress} from '../resp/address.js'
import type {OnFetch} from '../source/live.js'
import {openSource} from '../source/open.js'

export interface InspectOptions extends InventoryOptions {
  /** Go on where the checksum is wrong; the report says so. */
  ignoreChecksum?: boolean | undefined
  /** Which keys to count; absent: all. */
  selection?: SelectionOptions | undefined
  /** Told how far a running server's snapshot has arrived. */
  onFetch?: OnFetch | undefined
  /** Told of the source once it is open: to show how far the reading is. */
  onOpen?: ((source: ByteSource) => void) | undefined
}

export interface Inspection {
  /** The source as it was named, without a password. */
  source: string
  /** What was counted, up to the failure where there is one; undefined where not even the header could be read. */
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
  let source: ByteSource
  try {
    source = await openSource(name, options)
  } catch (failure) {
    const nothing = {inventory: undefined, spread: undefined, selected: undefined}
    return {source: maskAddress(name), ...nothing, storedBytes: Number.POSITIVE_INFINITY, compressed: false, failure}
  }
  options.onOpen?.(source)
  const reader = new RdbReader(source, {ignoreChecksum: options.ignoreChecksum})
  const selection = new Selection(options.selection ?? {}, 'later')
  let selecting: SelectingVisitor | undefined
  const takes = (memoryBytes: number): boolean => {
    if (selection.takesBytes(memoryBytes)) return true
    selecting?.refuseBytes()
    return false
  }
  const memory = memoryOptions(options, takes)
  const visitor = new InventoryVisitor({...options, memory}, () => reader.header)
  if (!selection.everything) selecting = new SelectingVisitor(selection, visitor)
  let failure: unknown
  try {
    await reader.run(selecting ?? visitor)
  } catch (error) {
    failure = error
  }
  const {storedBytes, inputBytes} = source
  await source.close()
  const {header, end} = reader
  const inventory = header === undefined ? undefined : visitor.result(header, bytesRead(reader, failure), end)
  const counted = {inventory, spread: visitor.spread, selected: selecting?.counts}
  return {source: maskAddress(name), ...counted, storedBytes, compressed: storedBytes !== inputBytes, failure}
}

/** Bounds of size ask for an estimate too. */
function memoryOptions(
  {memory, selection = {}}: InspectOptions,
  takes: (memoryBytes: number) => boolean,
): MemoryOptions | undefined {
  const bounded = selection.minBytes !== undefined || selection.maxBytes !== undefined
  return bounded ? {...memory, takes} : memory
}

/** A value is passed over before all of it has arrived: where the input ended first, that is how far it was read. */
function bytesRead(reader: RdbReader, failure: unknown): number {
  const {code, offset} = (failure ?? {}) as Partial<FormatError>
  return code === 'TRUNCATED' && offset !== undefined ? Math.min(reader.offset, offset) : reader.offset
}
