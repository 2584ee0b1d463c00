/**
 * Reads a snapshot as a server does on loading it; it begins while the snapshot arrives, in the moments in which nothing
 * waits on the wire.
 */
import {type Inventory, InventoryVisitor} from '../analysis/inventory.js'
import type {ByteSource} from '../bytes/source.js'
import {FormatError, UnsupportedError} from '../errors.js'
import {SelectingVisitor, Selection} from '../keyspace/selection.js'
import type {SlotRange} from '../keyspace/slots.js'
import {RdbReader} from '../rdb/reader.js'
import type {ReplicaClient} from '../replication/client.js'
import type {Resync} from '../replication/full-resync.js'

export interface LoadedSnapshot {
  /** What is in it; up to `unread`, where there is that. */
  inventory: Inventory
  /** The snapshot is whole by its checksum, and holds what we do not know. */
  unread: UnsupportedError | undefined
  /** Keys of slots that were not to be expected; they are not in the inventory. */
  strayKeys: number
}

export class SnapshotLoading {
  readonly nowMs = Date.now()
  readonly #visitor = new InventoryVisitor({top: 0, nowMs: this.nowMs})
  readonly #selecting: SelectingVisitor | undefined
  readonly #reader: RdbReader
  /** What ended the reading before the end of the snapshot. */
  readonly #failure: Promise<unknown>

  constructor(
    readonly source: ByteSource,
    slots?: readonly SlotRange[],
  ) {
    if (slots !== undefined) this.#selecting = new SelectingVisitor(new Selection({slots}), this.#visitor)
    this.#reader = new RdbReader(source)
    const reading = this.#reader.run(this.#selecting ?? this.#visitor)
    this.#failure = reading.then(
      () => undefined,
      error => error,
    )
  }

  /** What is in it: all, or what is known where the checksum vouches for the rest. Anything else is thrown. */
  async finish(checksum: Resync['checksum']): Promise<LoadedSnapshot> {
    const failure = await this.#failure
    const {header, end, offset} = this.#reader
    const unread = failure instanceof UnsupportedError && checksum === 'ok' ? failure : undefined
    if (header === undefined || (failure !== undefined && unread === undefined)) throw failure
    const trailing = end?.trailingBytes ?? 0
    if (trailing > 0) {
      throw new FormatError(
        'BAD_LENGTH',
        `the master sent ${trailing} bytes behind the end of its snapshot`,
        end!.bytes,
      )
    }
    const inventory = this.#visitor.result(header, end?.bytes ?? offset, end)
    return {inventory, unread, strayKeys: this.#selecting?.counts.skipped.slot ?? 0}
  }
}

/** A snapshot for replicas says itself where in the stream it stands (redis 4.0 and later). */
export function adoptPlace(client: ReplicaClient, {aux}: Inventory): void {
  const id = aux.get('repl-id')
  const offset = Number(aux.get('repl-offset'))
  if (id !== undefined && /^[0-9a-zA-Z]{40}$/.test(id) && Number.isSafeInteger(offset)) client.adopt(id, offset)
}
