/**
 * Writes the commands that make a stream (stream-commands.ts has their forms).
 */
import type {Int64} from '../bytes/int64.js'
import type {ByteOutput} from '../bytes/output.js'
import {ByteWriter} from '../bytes/writer.js'
import type {StreamId} from '../encoding/stream-id.js'
import type {Entry} from '../keyspace/entry.js'
import type {Losses} from '../keyspace/entry-sink.js'
import {PendingTable} from '../keyspace/pending-table.js'
import {type StreamConsumer, type StreamGroup, type StreamInfo, ValueVisitor} from '../keyspace/visitor.js'
import {bulk, putBulk, writeArrayHead, writeBulk} from '../resp/framing.js'
import {writeId, writeInteger} from './arguments.js'
import {isDeleted} from './stream-facts.js'

const XADD = bulk('XADD')
const XSETID = bulk('XSETID')
const XCLAIM = bulk('XCLAIM')
const XGROUP_CREATE = Buffer.concat([bulk('XGROUP'), bulk('CREATE')])
const XGROUP_CREATECONSUMER = Buffer.concat([bulk('XGROUP'), bulk('CREATECONSUMER')])
const ENTRIESADDED = bulk('ENTRIESADDED')
const MAXDELETEDID = bulk('MAXDELETEDID')
const ENTRIESREAD = bulk('ENTRIESREAD')
/** Makes a stream, and leaves nothing in it. */
const NOTHING = Buffer.concat(['MAXLEN', '0', '0-1', 'x', 'y'].map(bulk))
/** No time that it must have been idle. */
const AT_ONCE = bulk('0')
const TIME = bulk('TIME')
const RETRYCOUNT = bulk('RETRYCOUNT')
const JUSTID_FORCE = Buffer.concat([bulk('JUSTID'), bulk('FORCE')])

/** What commands do not tell of consumers. */
export const CONSUMERS_ANEW = 'consumers, whose seen and active times commands set anew'

export class StreamEmitter extends ValueVisitor {
  override readonly depth = 'elements'
  readonly #args = new ByteWriter()
  readonly #table = new PendingTable()
  #entry!: Entry
  /** Of each group, what is pending, with those marked whose entries are there; undefined: all are. */
  #marked: readonly PendingTable[] | undefined
  #entries = 0
  #groups = 0
  #group = new Uint8Array(0)
  #consumer: StreamConsumer | undefined

  constructor(
    readonly out: ByteOutput,
    readonly report: {notes: Losses},
  ) {
    super()
  }

  /** The next stream to be shown is that of `entry`. */
  prepare(entry: Entry, marked: readonly PendingTable[] | undefined): void {
    this.#entry = entry
    this.#marked = marked
    this.#entries = 0
    this.#groups = 0
  }

  override streamEntry(id: StreamId, fieldCount: number): void {
    this.#entries++
    this.#head(3 + 2 * fieldCount, XADD)
    writeId(this.#args, id)
    this.#move()
  }

  override streamField(
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    writeBulk(this.out, name, nameStart, nameEnd)
    writeBulk(this.out, value, valueStart, valueEnd)
  }

  override streamInfo({lastId, maxDeletedId, entriesAdded}: StreamInfo): void {
    const args = this.#args
    if (this.#entries === 0) {
      this.#head(7, XADD)
      this.#put(NOTHING)
      this.#move()
    }
    const told = maxDeletedId !== undefined && entriesAdded !== undefined
    this.#head(told ? 7 : 3, XSETID)
    writeId(args, lastId)
    if (told) {
      this.#put(ENTRIESADDED)
      writeInteger(args, entriesAdded)
      this.#put(MAXDELETEDID)
      writeId(args, maxDeletedId)
    }
    this.#move()
  }

  override group({name, lastId, entriesRead}: StreamGroup): void {
    const args = this.#args
    this.#group = name.slice()
    this.#groups++
    this.#table.clear()
    writeArrayHead(this.out, entriesRead === undefined ? 5 : 7)
    this.#put(XGROUP_CREATE)
    this.#putKey()
    putBulk(args, name, 0, name.length)
    writeId(args, lastId)
    if (entriesRead !== undefined) {
      this.#put(ENTRIESREAD)
      writeInteger(args, entriesRead)
    }
    this.#move()
  }

  override pending(id: StreamId, deliveredAtMs: Int64, deliveries: Int64): void {
    this.#table.add(id, deliveredAtMs, deliveries)
  }

  override consumer(consumer: StreamConsumer): void {
    this.#consumer = {...consumer, name: consumer.name.slice()}
    this.report.notes.add(CONSUMERS_ANEW)
    if (consumer.pendingCount > 0 && this.#marked === undefined) return
    writeArrayHead(this.out, 5)
    this.#put(XGROUP_CREATECONSUMER)
    this.#putKey()
    this.#putNames()
    this.#move()
  }

  override consumerPending(id: StreamId): void {
    const args = this.#args
    const table = this.#table
    const row = table.find(id)
    const marked = this.#marked?.[this.#groups - 1]
    // XCLAIM would make nothing of it.
    if (row < 0 || (marked !== undefined && isDeleted(marked, row))) return
    this.#head(12, XCLAIM)
    this.#putNames()
    this.#put(AT_ONCE)
    writeId(args, id)
    this.#put(TIME)
    writeInteger(args, table.deliveredAtMs(row))
    this.#put(RETRYCOUNT)
    writeInteger(args, table.deliveries(row))
    this.#put(JUSTID_FORCE)
    this.#move()
  }

  #head(argc: number, command: Uint8Array): void {
    const {keyBytes} = this.#entry
    writeArrayHead(this.out, argc)
    this.out.copy(command, 0, command.length)
    writeBulk(this.out, keyBytes.bytes, keyBytes.start, keyBytes.end)
  }

  #put(bytes: Uint8Array): void {
    this.#args.copy(bytes, 0, bytes.length)
  }

  #putKey(): void {
    const {bytes, start, end} = this.#entry.keyBytes
    putBulk(this.#args, bytes, start, end)
  }

  /** Group and consumer. */
  #putNames(): void {
    const {name} = this.#consumer!
    putBulk(this.#args, this.#group, 0, this.#group.length)
    putBulk(this.#args, name, 0, name.length)
  }

  #move(): void {
    const args = this.#args
    this.out.copy(args.bytes, 0, args.length)
    args.reset()
  }
}
