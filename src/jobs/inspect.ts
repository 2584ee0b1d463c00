/**
 * inspect: open a source, count what it holds, and say how far that came.
 */
import {type Inventory, type InventoryOptions, InventoryVisitor} from '../analysis/inventory.js'
import type {ByteSource} from '../bytes/source.js'
import {RdbReader} from '../rdb/reader.js'

export interface InspectOptions extends InventoryOptions {
  /** Go on where the checksum is wrong; the report says so. */
  ignoreChecksum?: boolean | undefined
}

export interface Inspection {
  source: string
  /** What was counted, up to the failure where there is one; undefined where not even the header could be read. */
  inventory: Inventory | undefined
  /** What stopped the reading. */
  failure: unknown
}

/** Reads a source to its end or to the first damage, and closes it. Never throws for what the input holds. */
export async function inspect(source: ByteSource, options: InspectOptions): Promise<Inspection> {
  const reader = new RdbReader(source, {ignoreChecksum: options.ignoreChecksum})
  const visitor = new InventoryVisitor(options)
  let failure: unknown
  try {
    await reader.run(visitor)
  } catch (error) {
    failure = error
  }
  await source.close()
  const {header, end, offset} = reader
  const inventory = header === undefined ? undefined : visitor.result(header, offset, end)
  return {source: source.name, inventory, failure}
}
