/**
 * Streams are written here; their layout stands in stream.ts, beside the reader.
 *
 *   nodes    gathered, since their number stands before them
 *   groups   likewise, and of each group its consumers
 *
 * Of an older version than the source's, what is left out is lost unless a server would make the same of the rest
 * (redis 7.0 rdb.c, for RDB_TYPE_STREAM_LISTPACKS): no entry was deleted, each that is there was added, nobody knows of a
 * group what it has read, but for one that stands before the first entry, at it, or at the last.
 */
import {type Int64, splitInt64} from '../../bytes/int64.js'
import {LentBytes} from '../../bytes/lent.js'
import {SpillBuffer} from '../../bytes/spill-buffer.js'
import type {ByteWriter} from '../../bytes/writer.js'
import {writeInt64Length, writeLength} from '../../encoding/length.js'
import {STREAM_ID_BYTES, StreamId} from '../../encoding/stream-id.js'
import {StreamNodeBuilder} from '../../encoding/stream-node.js'
import {writeString} from '../../encoding/string.js'
import {FormatError} from '../../errors.js'
import type {Entry} from '../../keyspace/entry.js'
import type {StreamConsumer, StreamGroup, StreamIdempotence, StreamInfo} from '../../keyspace/visitor.js'
import {LOST} from '../loss-kinds.js'
import * as op from '../opcodes.js'
import type {Policy} from '../policy.js'
import {takeAll, type ValueSink, ValueWriter} from './writer.js'

type StreamVersion = 1 | 2 | 3 | 4 | 5

const TYPES: Readonly<Record<StreamVersion, number>> = {
  1: op.TYPE_STREAM_LISTPACKS,
  2: op.TYPE_STREAM_LISTPACKS_2,
  3: op.TYPE_STREAM_LISTPACKS_3,
  4: op.TYPE_STREAM_LISTPACKS_4,
  5: op.TYPE_STREAM_LISTPACKS_5,
}

/** What a server sets up where nobody configured it (redis 8.6). */
const IDEMPOTENCE_DEFAULT = 100
/** Who owns what no consumer does, for servers that know of no such entries. */
const ADOPTER = 'nacked'
const ADOPTER_FIRST = ADOPTER.charCodeAt(0)
/** With a number behind it. */
const ADOPTER_BYTES_MAX = 24
const NEVER_ACTIVE = -1
const UNKNOWN_READ = -1

export class StreamWriter extends ValueWriter {
  readonly #node: StreamNodeBuilder
  readonly #nodes = new SpillBuffer()
  readonly #groups = new SpillBuffer()
  /** Of the present group. */
  readonly #consumers = new SpillBuffer()
  readonly #nacked = new SpillBuffer()
  /** Of consumers of the present group, those that begin as that of ours. */
  readonly #names = new Set<string>()
  readonly #producers = new SpillBuffer()
  readonly #block = new LentBytes()
  readonly #firstId = new StreamId()
  readonly #halves = {high: 0, low: 0}
  #version: StreamVersion = 3
  #entries = 0
  #nodeCount = 0
  #info: StreamInfo | undefined
  #groupCount = 0
  #inGroup = false
  #consumerCount = 0
  #nackedCount = 0
  #idempotence: StreamIdempotence | undefined
  #added: Int64 = 0
  #duplicates: Int64 = 0
  /** Fields of the present entry still to come. */
  #fieldsLeft = 0

  constructor(sink: ValueSink, policy: Policy) {
    super(sink, policy)
    this.#node = new StreamNodeBuilder(policy.streamNodeBytesMax, policy.streamNodeEntriesMax, policy.boundaryForm)
  }

  override begin(entry: Entry): void {
    const {streamVersion} = this.policy
    if (streamVersion === 0) this.sink.lose(LOST.streams)
    for (const part of [this.#nodes, this.#groups, this.#consumers, this.#nacked, this.#producers]) part.reset()
    this.#node.reset()
    this.#entries = this.#nodeCount = this.#groupCount = this.#consumerCount = this.#nackedCount = 0
    this.#inGroup = false
    this.#names.clear()
    this.#info = this.#idempotence = undefined
    this.#added = this.#duplicates = 0
    this.#version = streamVersion || 1
    // The fifth is written for streams that have pending entries nobody owns; a stored one may have them.
    const mayBeNacked = entry.typeId < 0 || entry.typeId === op.TYPE_STREAM_LISTPACKS_5
    if (this.#version === 5 && !mayBeNacked) this.#version = 4
  }

  override streamEntry(id: StreamId, fieldCount: number): void {
    if (this.#entries++ === 0) this.#firstId.set(id)
    this.#node.beginEntry(id)
    this.#fieldsLeft = fieldCount
    if (fieldCount === 0) this.#endEntry()
  }

  override streamField(
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    this.#node.field(name, nameStart, nameEnd, value, valueStart, valueEnd)
    if (--this.#fieldsLeft === 0) this.#endEntry()
  }

  override streamInfo(info: StreamInfo): void {
    this.#info = info
    // Who knows none of this is written as a server wrote it that knew none: the loader estimates it.
    if (info.maxDeletedId === undefined && info.entriesAdded === undefined) {
      this.#version = 1
      return
    }
    if (this.#version > 1 || info.derived === true) return
    if (info.maxDeletedId?.isZero === false) this.sink.lose(LOST.maxDeletedIds)
    if (info.entriesAdded !== undefined && Number(info.entriesAdded) !== this.#entries) {
      this.sink.lose(LOST.entriesAdded)
    }
  }

  override group(group: StreamGroup): void {
    this.#endGroup()
    const {out} = this.#groups
    const {name, lastId, entriesRead = -1, pendingCount} = group
    writeString(out, name, 0, name.length, this.policy.compress)
    writeIdLengths(out, lastId)
    if (this.#version >= 2) writeInt64Length(out, entriesRead)
    else if (entriesRead !== -1 && this.#info?.derived !== true && Number(entriesRead) !== this.#readUpTo(lastId)) {
      this.sink.lose(LOST.entriesRead)
    }
    writeLength(out, pendingCount)
    this.#inGroup = true
    this.#groupCount++
  }

  override pending(id: StreamId, deliveredAtMs: Int64, deliveries: Int64): void {
    const {out} = this.#groups
    writeId(out, id)
    this.#time(out, deliveredAtMs)
    writeInt64Length(out, deliveries)
    this.#groups.settle()
  }

  override consumer({name, seenAtMs, activeAtMs = seenAtMs, pendingCount}: StreamConsumer): void {
    const {out} = this.#consumers
    writeString(out, name, 0, name.length, this.policy.compress)
    this.#time(out, seenAtMs)
    if (this.#version >= 3) this.#time(out, activeAtMs)
    else if (activeAtMs !== seenAtMs) this.sink.lose(LOST.activeTimes)
    writeLength(out, pendingCount)
    this.#consumers.settle()
    this.#consumerCount++
    if (this.#version < 5) this.#noteName(name)
  }

  override consumerPending(id: StreamId): void {
    writeId(this.#consumers.out, id)
    this.#consumers.settle()
  }

  override nacked(id: StreamId): void {
    if (this.#version < 5) this.sink.lose(LOST.nackZones)
    writeId(this.#nacked.out, id)
    this.#nacked.settle()
    this.#nackedCount++
  }

  override idempotence(settings: StreamIdempotence): void {
    this.#endGroup()
    this.#idempotence = settings
    const {durationSeconds, entriesMax, producerCount} = settings
    const isDefault = durationSeconds === IDEMPOTENCE_DEFAULT && entriesMax === IDEMPOTENCE_DEFAULT
    if (this.#version < 4 && (!isDefault || producerCount > 0)) this.sink.lose(LOST.producers)
  }

  override producer(name: Uint8Array, count: number): void {
    const {out} = this.#producers
    writeString(out, name, 0, name.length, this.policy.compress)
    writeLength(out, count)
  }

  override producerEntry(iid: Uint8Array, id: StreamId): void {
    const {out} = this.#producers
    writeString(out, iid, 0, iid.length, this.policy.compress)
    writeIdLengths(out, id)
    this.#producers.settle()
  }

  override idempotenceCounters(added: Int64, duplicates: Int64): void {
    this.#added = added
    this.#duplicates = duplicates
    if (this.#version < 4 && (added !== 0 || duplicates !== 0)) this.sink.lose(LOST.producers)
  }

  override end(entry: Entry): void {
    const {sink} = this
    const info = this.#info
    if (info === undefined) throw new FormatError('BAD_STREAM', 'the stream ends before its last ID', entry.offset)
    this.#endGroup()
    this.#endNode()
    sink.open(TYPES[this.#version])
    const {out} = sink
    writeLength(out, this.#nodeCount)
    takeAll(this.#nodes, sink, this.#block)
    writeLength(out, this.#entries)
    writeIdLengths(out, info.lastId)
    if (this.#version >= 2) this.#writeInfo(out, info)
    writeLength(out, this.#groupCount)
    takeAll(this.#groups, sink, this.#block)
    if (this.#version >= 4) this.#writeIdempotence()
    sink.close()
  }

  override dispose(): void {
    for (const part of [this.#nodes, this.#groups, this.#consumers, this.#nacked, this.#producers]) part.close()
  }

  #endEntry(): void {
    if (this.#node.endEntry()) return
    this.#endNode()
    this.#node.endEntry()
  }

  #endNode(): void {
    const node = this.#node
    if (node.isEmpty) return
    const {out} = this.#nodes
    writeLength(out, STREAM_ID_BYTES)
    writeId(out, node.masterId)
    const blob = node.finish()
    writeString(out, blob, 0, blob.length, this.policy.compress)
    this.#nodes.settle()
    this.#nodeCount++
    node.reset()
  }

  /** Puts the consumers of the present group behind its pending entries. */
  #endGroup(): void {
    if (!this.#inGroup) return
    this.#inGroup = false
    const groups = this.#groups
    const onward = {
      take: (bytes: Uint8Array, start: number, end: number): void => {
        groups.out.copy(bytes, start, end)
        groups.settle()
      },
    }
    const adopts = this.#version < 5 && this.#nackedCount > 0
    writeLength(groups.out, this.#consumerCount + (adopts ? 1 : 0))
    takeAll(this.#consumers, onward, this.#block)
    if (adopts) this.#adopt(groups.out)
    if (adopts || this.#version === 5) {
      writeLength(groups.out, this.#nackedCount)
      takeAll(this.#nacked, onward, this.#block)
    }
    groups.settle()
    this.#consumers.reset()
    this.#nacked.reset()
    this.#consumerCount = this.#nackedCount = 0
    this.#names.clear()
  }

  /**
   * Begins a consumer of our own, who has what nobody owns: a pending entry without a consumer ends servers that do not
   * know of such, and without being pending it would be delivered to nobody any more.
   */
  #adopt(out: ByteWriter): void {
    let name = ADOPTER
    for (let n = 2; this.#names.has(name); n++) name = `${ADOPTER}-${n}`
    const bytes = Buffer.from(name)
    writeString(out, bytes, 0, bytes.length, this.policy.compress)
    this.#time(out, 0)
    if (this.#version >= 3) this.#time(out, NEVER_ACTIVE)
  }

  /** Remembers the names of consumers that ours must not have. */
  #noteName(name: Uint8Array): void {
    if (name[0] !== ADOPTER_FIRST) return
    const text = Buffer.from(name.subarray(0, ADOPTER_BYTES_MAX)).toString('latin1')
    if (text.startsWith(ADOPTER)) this.#names.add(text)
  }

  /** What redis 7.0 takes for the entries that a group has read, of a stream as we write it for those before (t_stream.c streamEstimateDistanceFromFirstEverEntry). */
  #readUpTo(lastId: StreamId): number {
    const order = lastId.compare(this.#info!.lastId)
    if (this.#entries === 0) return 0
    if (order === 0) return this.#entries
    if (order > 0) return UNKNOWN_READ
    const toFirst = lastId.compare(this.#firstId)
    return toFirst < 0 ? 0 : toFirst === 0 ? 1 : UNKNOWN_READ
  }

  #writeInfo(out: ByteWriter, {firstId, maxDeletedId, entriesAdded}: StreamInfo): void {
    const first = firstId ?? (this.#entries > 0 ? this.#firstId : ZERO_ID)
    writeIdLengths(out, first)
    writeIdLengths(out, maxDeletedId ?? ZERO_ID)
    writeInt64Length(out, entriesAdded ?? this.#entries)
  }

  #writeIdempotence(): void {
    const {sink} = this
    const settings = this.#idempotence
    writeInt64Length(sink.out, settings?.durationSeconds ?? IDEMPOTENCE_DEFAULT)
    writeInt64Length(sink.out, settings?.entriesMax ?? IDEMPOTENCE_DEFAULT)
    writeLength(sink.out, settings?.producerCount ?? 0)
    takeAll(this.#producers, sink, this.#block)
    writeInt64Length(sink.out, this.#added)
    writeInt64Length(sink.out, this.#duplicates)
  }

  #time(out: ByteWriter, ms: Int64): void {
    splitInt64(ms, this.#halves)
    out.i64le(this.#halves.high, this.#halves.low)
  }
}

const ZERO_ID = new StreamId()

function writeId(out: ByteWriter, id: StreamId): void {
  const at = out.reserve(STREAM_ID_BYTES)
  id.writeBE(out.bytes, at)
}

/** An ID stored as two lengths. */
function writeIdLengths(out: ByteWriter, id: StreamId): void {
  writeInt64Length(out, id.ms)
  writeInt64Length(out, id.seq)
}
