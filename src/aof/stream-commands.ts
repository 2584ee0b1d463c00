/**
 * Streams as commands. Whether those carry a stream whole is known only at its
 * end: so it is gathered as it is stored, looked through, and then written one
 * way or the other.
 *
 *   XADD k id f v ...                                           each entry
 *   XADD k MAXLEN 0 0-1 x y                                     instead, of an empty stream
 *   XSETID k last [ENTRIESADDED n MAXDELETEDID id]
 *   XGROUP CREATE k g last [ENTRIESREAD n]
 *   XCLAIM k g c 0 id TIME ms RETRYCOUNT n JUSTID FORCE         each pending entry
 *   XGROUP CREATECONSUMER k g c                                 a consumer without any
 *
 * XCLAIM makes nothing pending whose entry has been deleted; nobody sets what
 * no consumer owns, or what a producer has sent before.
 */

import {Crc64} from '../bytes/crc64.js'
import {ByteCursor, STARVED} from '../bytes/cursor.js'
import {LentBytes} from '../bytes/lent.js'
import type {ByteOutput} from '../bytes/output.js'
import {SpillBuffer} from '../bytes/spill-buffer.js'
import {ByteWriter} from '../bytes/writer.js'
import {type Entry, NO_TYPE_ID} from '../keyspace/entry.js'
import type {Losses} from '../keyspace/entry-sink.js'
import {ValueVisitor} from '../keyspace/visitor.js'
import * as op from '../rdb/opcodes.js'
import {policyOf} from '../rdb/policy.js'
import {StreamReader} from '../rdb/value/stream.js'
import {StreamWriter} from '../rdb/value/stream-writer.js'
import type {ValueSink} from '../rdb/value/writer.js'
import {writeBulkEnd, writeBulkHead} from '../resp/framing.js'
import type {Restores} from './restores.js'
import type {RestoreRule} from './rewrite.js'
import {StreamEmitter} from './stream-emitter.js'
import {PendingOfDeleted, StreamFacts} from './stream-facts.js'

const VERSIONS: Readonly<Record<number, 1 | 2 | 3 | 4 | 5>> = {
  [op.TYPE_STREAM_LISTPACKS]: 1,
  [op.TYPE_STREAM_LISTPACKS_2]: 2,
  [op.TYPE_STREAM_LISTPACKS_3]: 3,
  [op.TYPE_STREAM_LISTPACKS_4]: 4,
  [op.TYPE_STREAM_LISTPACKS_5]: 5,
}
/** Of a payload: version and checksum. */
const FOOTER_BYTES = 10

export class StreamCommands {
  readonly #gathered = new SpillBuffer()
  readonly #stored: ValueVisitor
  readonly #encoded: StreamWriter
  readonly #emitter: StreamEmitter
  readonly #block = new LentBytes()
  /** By version: streams are many and small, and what reads them is large. */
  readonly #readers = new Map<number, StreamReader>()
  readonly #facts = new StreamFacts()
  #typeId = 0
  #entry!: Entry
  #finishKey: () => void = () => {}

  constructor(
    readonly out: ByteOutput,
    readonly restores: Restores,
    readonly restore: RestoreRule,
    readonly report: {losses: Losses; notes: Losses},
  ) {
    const take = (bytes: Uint8Array, start: number, end: number): void => {
      this.#gathered.out.copy(bytes, start, end)
      this.#gathered.settle()
    }
    this.#stored = new StoredVisitor(take, () => this.#write())
    const sink: ValueSink = {
      out: this.#gathered.out,
      open: typeId => {
        this.#typeId = typeId
      },
      settle: () => this.#gathered.settle(),
      take,
      close: () => this.#write(),
      passEmpty: () => {},
      lose: ({what, data}) => {
        if (data) restores.refuse(this.#entry, what)
      },
      takeBack: ({what}) => restores.refuse(this.#entry, what),
      refuse: what => restores.refuse(this.#entry, what),
      nowMs: Number.NEGATIVE_INFINITY,
    }
    this.#encoded = new StreamWriter(sink, policyOf(restores.own))
    this.#emitter = new StreamEmitter(out, report)
  }

  /** Who gathers the stream; `finishKey` is called once its commands have been written. */
  entry(entry: Entry, finishKey: () => void): ValueVisitor {
    this.#entry = entry
    this.#finishKey = finishKey
    this.#gathered.reset()
    if (entry.typeId === NO_TYPE_ID) return this.#encoded
    this.#typeId = entry.typeId
    return this.#stored
  }

  #write(): void {
    const facts = this.#facts
    facts.prepare(VERSIONS[this.#typeId]!)
    this.#show(facts)
    let deleted = 0
    if (facts.pendingCount > 0) {
      const pending = new PendingOfDeleted(facts.groups)
      this.#show(pending)
      deleted = pending.count()
    }
    if (this.restore === 'auto' && (deleted > 0 || !facts.commandsCarry)) {
      this.#writeRestore()
      return
    }
    if (deleted > 0) this.report.losses.add('pending entries of deleted messages', deleted)
    facts.tell(this.report.losses)
    this.#emitter.prepare(this.#entry, deleted > 0 ? facts.groups : undefined)
    this.#show(this.#emitter)
    this.#finishKey()
  }

  /** Runs the grammar over what was gathered. */
  #show(visitor: ValueVisitor): void {
    const reader = this.#reader(VERSIONS[this.#typeId]!)
    const gathered = this.#gathered
    const cursor = new ByteCursor(gathered.bytes, false)
    reader.begin(this.#entry)
    let next = 0
    for (;;) {
      try {
        reader.read(cursor, visitor)
        return
      } catch (error) {
        if (error !== STARVED) throw error
        cursor.rewind()
        const block = this.#block
        gathered.readBlock(next++, block)
        // What is left of one block must outlast the reading of the next.
        const bytes = gathered.isSpilled ? block.copy() : block.bytes
        cursor.refill(bytes, 0, block.end - block.start)
      }
    }
  }

  #reader(version: 1 | 2 | 3 | 4 | 5): StreamReader {
    const reader = this.#readers.get(version) ?? new StreamReader(version)
    this.#readers.set(version, reader)
    return reader
  }

  #writeRestore(): void {
    const {out, restores} = this
    const entry = this.#entry
    const family = restores.origin?.family ?? 'redis'
    // Their listpacks are not quite those of others: only their own version says so.
    const target = family === 'valkey' || entry.typeId === NO_TYPE_ID ? restores.own : restores.targetOf(entry)!
    const gathered = this.#gathered
    restores.head(entry)
    writeBulkHead(out, 1 + gathered.bytes + FOOTER_BYTES)
    const sum = new Crc64()
    const give = (bytes: Uint8Array, start: number, end: number): void => {
      sum.update(bytes, start, end)
      out.copy(bytes, start, end)
    }
    give(Uint8Array.of(this.#typeId), 0, 1)
    for (let i = 0; i < gathered.blocks; i++) {
      gathered.readBlock(i, this.#block)
      give(this.#block.bytes, this.#block.start, this.#block.end)
    }
    give(Uint8Array.of(target.rdbVersion & 0xff, target.rdbVersion >> 8), 0, 2)
    const footer = new ByteWriter(8)
    const {high, low} = sum.digest()
    footer.i64le(high, low)
    out.copy(footer.bytes, 0, footer.length)
    writeBulkEnd(out)
    restores.tail(entry)
  }

  dispose(): void {
    this.#gathered.close()
    this.#encoded.dispose()
  }
}

/** Takes the stored bytes of a value. */
class StoredVisitor extends ValueVisitor {
  override readonly depth = 'raw'

  constructor(
    readonly take: (bytes: Uint8Array, start: number, end: number) => void,
    readonly done: () => void,
  ) {
    super()
  }

  override chunk(bytes: Uint8Array, start: number, end: number): void {
    this.take(bytes, start, end)
  }

  override end(): void {
    this.done()
  }
}
