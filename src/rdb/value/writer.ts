/**
 * What the writers of all value types share: where a value goes, and packed
 * blobs that hold it while it is small.
 *
 * A value's type byte stands before it and depends on what it turns out to
 * hold: a writer gathers elements until the form is settled, opens the record,
 * and from then on what it is shown streams.
 */
import type {LentBytes} from '../../bytes/lent.js'
import type {SpillBuffer} from '../../bytes/spill-buffer.js'
import type {ByteWriter} from '../../bytes/writer.js'
import {IntsetBuilder, IntsetWalker} from '../../encoding/intset.js'
import {ListpackBuilder, ListpackWalker} from '../../encoding/listpack.js'
import {ZiplistBuilder, ZiplistWalker} from '../../encoding/ziplist.js'
import {NO_TYPE_ID} from '../../keyspace/entry.js'
import type {LossKind} from '../../keyspace/loss-report.js'
import {type Depth, ValueVisitor} from '../../keyspace/visitor.js'
import {LOST} from '../loss-kinds.js'
import * as op from '../opcodes.js'
import type {Policy} from '../policy.js'
import {ScoreWatch} from './score-watch.js'

/** Takes one value after another. */
export interface ValueSink {
  /** Where the bytes of a value go; to be asked for once it is open. */
  readonly out: ByteWriter
  /** Writes what stands before the value: attributes, type, key. `mayGo`: it may be taken back yet. */
  open(typeId: number, mayGo?: boolean): void
  /** To be called within a large value: what is in `out` may be taken away. */
  settle(): void
  /** Takes bytes that need not pass through `out`. */
  take(bytes: Uint8Array, start: number, end: number): void
  /** The value is complete. */
  close(): void
  /** There is nothing to write: an empty collection is no key. */
  passEmpty(): void
  /** The target has no place for something of the present value, or for all of it. May throw; else the rest is to be written. */
  lose(kind: LossKind): void
  /** The same of a value that is open: what has been written of it is taken back. Throws where it has been seen by then. */
  takeBack(kind: LossKind): void
  /** No server can hold the present value; `what` says what of it. */
  refuse(what: string): never
  /** Fields that expired before are left out where they would not expire any more. */
  readonly nowMs: number
}

/** Writes the values of one type. */
export abstract class ValueWriter extends ValueVisitor {
  override readonly depth: Depth = 'elements'

  constructor(
    readonly sink: ValueSink,
    readonly policy: Policy,
  ) {
    super()
  }

  /** Removes temporary files. */
  dispose(): void {}
}

/** Hands everything that was gathered to a sink. */
export function takeAll(gathered: SpillBuffer, sink: Pick<ValueSink, 'take'>, block: LentBytes): void {
  for (let i = 0; i < gathered.blocks; i++) {
    gathered.readBlock(i, block)
    sink.take(block.bytes, block.start, block.end)
  }
}

/** Whether fields of a value stored so may have expiries. */
export function mayExpire(typeId: number): boolean {
  return typeId === NO_TYPE_ID || (typeId >= op.TYPE_HASH_22 && typeId <= op.TYPE_HASH_LISTPACK_EX)
}

/** Copies a value as it is stored. */
export class RawWriter extends ValueWriter {
  override readonly depth = 'raw'
  typeId = 0
  /** Sorted sets with a score that is no number are lost. */
  watchesScores = false
  readonly #scores = new ScoreWatch()
  #isWatched = false
  #isLost = false

  override begin(): void {
    this.#isLost = false
    this.#isWatched = this.watchesScores && this.typeId === op.TYPE_ZSET_2
    if (this.#isWatched) this.#scores.begin()
    this.sink.open(this.typeId, this.#isWatched)
  }

  override chunk(bytes: Uint8Array, start: number, end: number): void {
    if (this.#isWatched) this.#watch(bytes, start, end)
    if (!this.#isLost) this.sink.take(bytes, start, end)
  }

  override end(): void {
    if (this.#isWatched) this.#scores.end()
    this.#settleScores()
    if (!this.#isLost) this.sink.close()
  }

  #watch(bytes: Uint8Array, start: number, end: number): void {
    this.#scores.push(bytes, start, end)
    this.#settleScores()
  }

  #settleScores(): void {
    if (!this.#isWatched || !this.#scores.found) return
    this.#isWatched = false
    this.#isLost = true
    this.sink.takeBack(LOST.nanScores)
  }
}

type PackedBuilder = ListpackBuilder | ZiplistBuilder

/** One packed blob after another, in the target's form; what was packed can be read again. */
export class PackedBlob {
  readonly builder: PackedBuilder
  readonly #walker: ListpackWalker | ZiplistWalker

  constructor(policy: Policy) {
    const listpack = policy.packed === 'listpack'
    this.builder = listpack ? new ListpackBuilder() : new ZiplistBuilder(policy.legacyIntegers)
    this.#walker = listpack ? new ListpackWalker() : new ZiplistWalker()
  }

  /** Ends the blob and walks it: `next` lends its entries. */
  reopen(): void {
    const blob = this.builder.finish()
    this.#walker.open(blob, 0, blob.length, 0)
  }

  next(into: LentBytes): boolean {
    return this.#walker.next(into)
  }
}

/** The same for integers alone. */
export class IntegerBlob {
  readonly builder = new IntsetBuilder()
  readonly #walker = new IntsetWalker()

  reopen(): void {
    const blob = this.builder.finish()
    this.#walker.open(blob, 0, blob.length, 0)
  }

  next(into: LentBytes): boolean {
    return this.#walker.next(into)
  }
}
