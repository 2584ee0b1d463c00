/**
 * inspect: open a source, count what it holds, and say how far that came.
 */
import {type Inventory, type InventoryOptions, InventoryVisitor} from '../analysis/inventory.js'
import type {ByteSource} from '../bytes/source.js'
import type {FormatError} from '../errors.js'
import {RdbReader} from '../rdb/reader.js'
import {openSource} from '../source/open.js'

export interface InspectOptions extends InventoryOptions {
  /** Go on where the checksum is wrong; the report says so. */
  ignoreChecksum?: boolean | undefined
  /** Told of the source once it is open: to show how far the reading is. */
  onOpen?: ((source: ByteSource) => void) | undefined
}

export interface Inspection {
  /** What was counted, up to the failure where there is one; undefined where not even the header could be read. */
  inventory: Inventory | undefined
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
    source = await openSource(name)
  } catch (failure) {
    return {inventory: undefined, storedBytes: Number.POSITIVE_INFINITY, compressed: false, failure}
  }
  options.onOpen?.(source)
  const reader = new RdbReader(source, {ignoreChecksum: options.ignoreChecksum})
  const visitor = new InventoryVisitor(options)
  let failure: unknown
  try {
    await reader.run(visitor)
  } catch (error) {
    failure = error
  }
  const {storedBytes, inputBytes} = source
  await source.close()
  const {header, end} = reader
  const inventory = header === undefined ? undefined : visitor.result(header, bytesRead(reader, failure), end)
  return {inventory, storedBytes, compressed: storedBytes !== inputBytes, failure}
}

/** A value is passed over before all of it has arrived: where the input ended first, that is how far it was read. */
function bytesRead(reader: RdbReader, failure: unknown): number {
  const {code, offset} = (failure ?? {}) as Partial<FormatError>
  return code === 'TRUNCATED' && offset !== undefined ? Math.min(reader.offset, offset) : reader.offset
}
