/**
 * The consumer groups of a stream as JSON. A snapshot tells what is pending
 * before it tells whose it is; a row of JSON has both.
 *
 *   {"name": V, "lastId", "entriesRead"?, "pending": [[id, consumer | null, deliveredAtMs, deliveries], ...],
 *    "consumers": [{"name": V, "seenAtMs", "activeAtMs"?}, ...], "nacked"?: [id, ...]}
 */
import type {ByteOutput} from '../bytes/output.js'
import {STREAM_ID_TEXT_BYTES_MAX, type StreamId} from '../encoding/stream-id.js'
import {FormatError} from '../errors.js'
import type {Entry} from '../keyspace/entry.js'
import {NOBODY, PendingTable} from '../keyspace/pending-table.js'
import type {StreamConsumer, StreamGroup} from '../keyspace/visitor.js'
import {writeJsonBytes, writeJsonInteger} from './text.js'

export class JsonGroup {
  readonly table = new PendingTable()
  #entry!: Entry
  #group: StreamGroup | undefined
  #groups = 0
  #consumers: StreamConsumer[] = []
  #nacked: string[] = []
  /** `"groups":[` stands, and is not closed. */
  #inList = false

  constructor(readonly out: ByteOutput) {}

  begin(entry: Entry): void {
    this.#entry = entry
    this.#group = undefined
    this.#inList = false
  }

  open(): void {
    this.#groups = 0
    this.#inList = true
    this.out.ascii(',"groups":[')
  }

  group(group: StreamGroup): void {
    this.#write()
    this.#group = group
    this.#consumers = []
    this.#nacked = []
    this.table.clear()
  }

  consumer(consumer: StreamConsumer): void {
    this.#consumers.push(consumer)
  }

  consumerPending(id: StreamId): void {
    const row = this.table.find(id)
    if (row < 0) {
      const message = `a consumer has ${id} pending, its group has not: no server loads that`
      throw new FormatError('BAD_STREAM', message, this.#entry.offset)
    }
    this.table.own(row, this.#consumers.length - 1)
  }

  nacked(id: StreamId): void {
    this.#nacked.push(id.toString())
  }

  /** All groups have been shown. */
  finish(): void {
    if (!this.#inList) return
    this.#write()
    this.#group = undefined
    this.#inList = false
    this.out.ascii(']')
  }

  #write(): void {
    const {out} = this
    if (this.#group === undefined) return
    const {name, lastId, entriesRead} = this.#group
    out.ascii(this.#groups++ === 0 ? '{"name":' : ',{"name":')
    writeJsonBytes(out, name, 0, name.length)
    out.ascii(`,"lastId":"${lastId}"`)
    if (entriesRead !== undefined) {
      out.ascii(',"entriesRead":')
      writeJsonInteger(out, entriesRead)
    }
    this.#writePending()
    this.#writeConsumers()
    if (this.#nacked.length > 0) out.ascii(',"nacked":[')
    for (const [i, id] of this.#nacked.entries()) out.ascii(`${i === 0 ? '' : ','}"${id}"`)
    out.ascii(this.#nacked.length > 0 ? ']}' : '}')
  }

  #writePending(): void {
    const {out, table} = this
    out.ascii(',"pending":[')
    for (let row = 0; row < table.count; row++) {
      out.ascii(row === 0 ? '["' : ',["')
      out.room(STREAM_ID_TEXT_BYTES_MAX)
      out.at = table.id(row).format(out.bytes, out.at)
      out.ascii('",')
      const owner = table.owner(row)
      const name = owner === NOBODY ? undefined : this.#consumers[owner]!.name
      if (name === undefined) out.ascii('null')
      else writeJsonBytes(out, name, 0, name.length)
      out.ascii(',')
      writeJsonInteger(out, table.deliveredAtMs(row))
      out.ascii(',')
      writeJsonInteger(out, table.deliveries(row))
      out.ascii(']')
    }
    out.ascii(']')
  }

  #writeConsumers(): void {
    const {out} = this
    out.ascii(',"consumers":[')
    for (const [i, {name, seenAtMs, activeAtMs}] of this.#consumers.entries()) {
      out.ascii(i === 0 ? '{"name":' : ',{"name":')
      writeJsonBytes(out, name, 0, name.length)
      out.ascii(',"seenAtMs":')
      writeJsonInteger(out, seenAtMs)
      if (activeAtMs !== undefined) {
        out.ascii(',"activeAtMs":')
        writeJsonInteger(out, activeAtMs)
      }
      out.ascii('}')
    }
    out.ascii(']')
  }
}
