/**
 * Streams, five versions of one layout.
 *
 *   <nodes> (<string: 16-byte master ID> <string: listpack>)*
 *   <length> <last ms> <last seq>
 *   v2+ <first ms> <first seq> <max deleted ms> <max deleted seq> <entries added>
 *   <groups> group*
 *   v4+ <duration s> <entries max> <producers> producer* <iids added> <iids duplicate>
 *
 *   group     <string: name> <last ms> <last seq>  v2+ <entries read, -1 unknown>
 *             <pending> (<16-byte ID> <int64 delivered ms> <deliveries>)*
 *             <consumers> consumer*
 *             v5 <nacked> <16-byte ID>*
 *   consumer  <string: name> <int64 seen ms>  v3+ <int64 active ms, -1 never>
 *             <pending> <16-byte ID>*
 *   producer  <string: name> <n> (<string: iid> <ms> <seq>)*
 *
 * Types 15 (redis 5.0), 19 (7.0), 21 (7.2), 26 (8.6), 27 (8.8) are v1 to v5.
 */
import type {ByteCursor} from '../../bytes/cursor.js'
import {asSigned} from '../../bytes/int64.js'
import {LentBytes} from '../../bytes/lent.js'
import {readCount, readLength64} from '../../encoding/length.js'
import {LISTPACK_BYTES_MIN} from '../../encoding/listpack.js'
import {StreamId} from '../../encoding/stream-id.js'
import {StreamNodeWalker} from '../../encoding/stream-node.js'
import {readString, skipBlob, skipString} from '../../encoding/string.js'
import {FormatError} from '../../errors.js'
import type {Entry} from '../../keyspace/entry.js'
import type {StreamInfo, ValueVisitor} from '../../keyspace/visitor.js'
import type {ValueReader} from './reader.js'

const ID_BYTES = 16
/** Of a node's entry: flags, both parts of its ID, and the count of its elements, each with a back length. */
const ENTRY_BYTES_MIN = 8
const PENDING_BYTES_MIN = ID_BYTES + 8 + 1

/** What the reader does next; each step ends in a commit. */
type Step = (cursor: ByteCursor, visitor: ValueVisitor) => void

export class StreamReader implements ValueReader {
  #entry!: Entry
  #step: Step | undefined
  /** Nodes, pending entries, IDs: whatever the present step counts down. */
  #left = 0
  /** At depth skip: the ID of the present node has been passed and committed. */
  #idPassed = false
  /** Entries that the nodes can hold by their size. */
  #entriesMax = 0
  #groupsLeft = 0
  #consumersLeft = 0
  #producersLeft = 0
  readonly #id = new StreamId()
  readonly #key = new LentBytes(1)
  readonly #blob = new LentBytes(0)
  readonly #name = new LentBytes(1)
  readonly #value = new LentBytes(1)
  readonly #walker = new StreamNodeWalker()

  constructor(readonly version: 1 | 2 | 3 | 4 | 5) {}

  begin(entry: Entry): void {
    this.#entry = entry
    this.#step = this.#begin
    this.#idPassed = false
    this.#entriesMax = 0
  }

  read(cursor: ByteCursor, visitor: ValueVisitor): void {
    while (this.#step !== undefined) {
      this.#step(cursor, visitor)
      cursor.commit()
    }
  }

  #begin(cursor: ByteCursor, visitor: ValueVisitor): void {
    this.#left = readCount(cursor, 1 + ID_BYTES + 1, 'stream nodes')
    if (visitor.depth !== 'skip') visitor.begin(this.#entry, undefined)
    this.#step = this.#left > 0 ? this.#node : this.#info
  }

  #node(cursor: ByteCursor, visitor: ValueVisitor): void {
    if (visitor.depth === 'skip') this.#skipNode(cursor)
    else this.#showNode(cursor, visitor)
    if (--this.#left === 0) this.#step = this.#info
  }

  #skipNode(cursor: ByteCursor): void {
    if (!this.#idPassed) {
      skipString(cursor)
      this.#idPassed = true
      cursor.commit()
    }
    this.#admit(skipBlob(cursor, 0, this.#blob))
    this.#idPassed = false
  }

  #admit(nodeBytes: number): void {
    this.#entriesMax += Math.max(0, Math.floor((nodeBytes - LISTPACK_BYTES_MIN) / ENTRY_BYTES_MIN))
  }

  #showNode(cursor: ByteCursor, visitor: ValueVisitor): void {
    const key = this.#key
    const keyOffset = cursor.offset
    readString(cursor, key)
    if (key.end - key.start !== ID_BYTES) {
      const bytes = key.end - key.start
      // Compressed, it takes fewer bytes than it has.
      const at = Math.max(cursor.offset - bytes, keyOffset)
      throw new FormatError('BAD_STREAM', `a stream node's ID has ${bytes} bytes, not 16`, at)
    }
    this.#id.readBE(key.bytes, key.start)
    const offset = cursor.offset
    const blob = this.#blob
    readString(cursor, blob)
    this.#admit(blob.end - blob.start)
    if (visitor.depth === 'nodes') {
      visitor.streamNode(this.#id, blob.bytes, blob.start, blob.end)
      return
    }
    const walker = this.#walker
    walker.open(blob.bytes, blob.start, blob.end, offset, this.#id)
    while (walker.nextEntry()) {
      if (!walker.deleted) this.#showEntry(visitor)
    }
  }

  #showEntry(visitor: ValueVisitor): void {
    const walker = this.#walker
    const name = this.#name
    const value = this.#value
    visitor.streamEntry(walker.id, walker.fieldCount)
    for (let i = walker.fieldCount; i > 0; i--) {
      walker.nextField(name, value)
      visitor.streamField(name.bytes, name.start, name.end, value.bytes, value.start, value.end)
    }
  }

  #info(cursor: ByteCursor, visitor: ValueVisitor): void {
    const length = readLength64(cursor)
    // More entries than the nodes can hold are not believed: a hostile file counts as empty.
    this.#entry.elements = length <= this.#entriesMax ? Number(length) : 0
    const info: StreamInfo = {
      length,
      lastId: readIdLengths(cursor),
      firstId: undefined,
      maxDeletedId: undefined,
      entriesAdded: undefined,
    }
    if (this.version >= 2) {
      info.firstId = readIdLengths(cursor)
      info.maxDeletedId = readIdLengths(cursor)
      info.entriesAdded = readLength64(cursor)
    }
    this.#groupsLeft = readCount(cursor, 4, 'consumer groups')
    if (visitor.depth !== 'skip') visitor.streamInfo(info)
    this.#nextGroup()
  }

  #nextGroup(): void {
    if (this.#groupsLeft > 0) this.#step = this.#group
    else this.#step = this.version >= 4 ? this.#idempotence : undefined
  }

  #group(cursor: ByteCursor, visitor: ValueVisitor): void {
    const name = this.#name
    if (visitor.depth === 'skip') skipString(cursor)
    else readString(cursor, name)
    const lastId = readIdLengths(cursor)
    const entriesRead = this.version >= 2 ? asSigned(readLength64(cursor)) : undefined
    this.#left = readCount(cursor, PENDING_BYTES_MIN, 'pending entries')
    if (visitor.depth !== 'skip') {
      visitor.group({name: name.copy(), lastId, entriesRead, pendingCount: this.#left})
    }
    this.#groupsLeft--
    this.#step = this.#pending
  }

  #pending(cursor: ByteCursor, visitor: ValueVisitor): void {
    if (this.#left === 0) {
      this.#consumersLeft = readCount(cursor, 1 + 8 + 1, 'consumers')
      this.#step = this.#consumersLeft > 0 ? this.#consumer : this.#groupEnd
      return
    }
    this.#readId(cursor)
    const deliveredAtMs = cursor.i64le()
    const deliveries = readLength64(cursor)
    if (visitor.depth !== 'skip') visitor.pending(this.#id, deliveredAtMs, deliveries)
    this.#left--
  }

  #consumer(cursor: ByteCursor, visitor: ValueVisitor): void {
    const name = this.#name
    if (visitor.depth === 'skip') skipString(cursor)
    else readString(cursor, name)
    const seenAtMs = cursor.i64le()
    const activeAtMs = this.version >= 3 ? cursor.i64le() : undefined
    this.#left = readCount(cursor, ID_BYTES, 'pending IDs of a consumer')
    if (visitor.depth !== 'skip') {
      visitor.consumer({name: name.copy(), seenAtMs, activeAtMs, pendingCount: this.#left})
    }
    this.#consumersLeft--
    this.#step = this.#consumerPending
  }

  #consumerPending(cursor: ByteCursor, visitor: ValueVisitor): void {
    if (this.#left === 0) {
      this.#step = this.#consumersLeft > 0 ? this.#consumer : this.#groupEnd
      return
    }
    this.#readId(cursor)
    if (visitor.depth !== 'skip') visitor.consumerPending(this.#id)
    this.#left--
  }

  #groupEnd(cursor: ByteCursor): void {
    if (this.version < 5) {
      this.#nextGroup()
      return
    }
    this.#left = readCount(cursor, ID_BYTES, 'nacked IDs')
    this.#step = this.#nacked
  }

  #nacked(cursor: ByteCursor, visitor: ValueVisitor): void {
    if (this.#left === 0) {
      this.#nextGroup()
      return
    }
    this.#readId(cursor)
    if (visitor.depth !== 'skip') visitor.nacked(this.#id)
    this.#left--
  }

  #idempotence(cursor: ByteCursor, visitor: ValueVisitor): void {
    const durationSeconds = readLength64(cursor)
    const entriesMax = readLength64(cursor)
    this.#producersLeft = readCount(cursor, 2, 'producers')
    if (visitor.depth !== 'skip') {
      visitor.idempotence({durationSeconds, entriesMax, producerCount: this.#producersLeft})
    }
    this.#left = 0
    this.#step = this.#producer
  }

  #producer(cursor: ByteCursor, visitor: ValueVisitor): void {
    if (this.#producersLeft === 0) {
      this.#step = this.#counters
      return
    }
    const name = this.#name
    if (visitor.depth === 'skip') skipString(cursor)
    else readString(cursor, name)
    this.#left = readCount(cursor, 3, 'producer entries')
    if (visitor.depth !== 'skip') visitor.producer(name.copy(), this.#left)
    this.#producersLeft--
    this.#step = this.#producerEntry
  }

  #producerEntry(cursor: ByteCursor, visitor: ValueVisitor): void {
    if (this.#left === 0) {
      this.#step = this.#producer
      return
    }
    const name = this.#name
    if (visitor.depth === 'skip') skipString(cursor)
    else readString(cursor, name)
    const id = readIdLengths(cursor)
    if (visitor.depth !== 'skip') visitor.producerEntry(name.copy(), id)
    this.#left--
  }

  #counters(cursor: ByteCursor, visitor: ValueVisitor): void {
    const added = readLength64(cursor)
    const duplicates = readLength64(cursor)
    if (visitor.depth !== 'skip') visitor.idempotenceCounters(added, duplicates)
    this.#step = undefined
  }

  /** IDs of pending entries are 16 raw bytes, not a string. */
  #readId(cursor: ByteCursor): void {
    const start = cursor.take(ID_BYTES)
    this.#id.readBE(cursor.bytes, start)
  }
}

/** An ID stored as two lengths. */
function readIdLengths(cursor: ByteCursor): StreamId {
  const id = new StreamId()
  id.setMs(readLength64(cursor))
  id.setSeq(readLength64(cursor))
  return id
}
