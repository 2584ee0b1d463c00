/**
 * Copies of what a visitor is shown, gathered within a bound between windows.
 */
import {LimitError} from '../errors.js'
import type {Entry} from '../keyspace/entry.js'
import {type Depth, ValueVisitor} from '../keyspace/visitor.js'

/** Gathers copies of what it is shown, within a bound: what lies beyond is counted and let go. */
export abstract class Gathering<T> extends ValueVisitor {
  #gathered: T[] = []
  #bytes = 0
  /** Of the value: where a bound that is exceeded is told. */
  #offset = 0

  constructor(readonly bytesMax: number) {
    super()
  }

  take(): T[] {
    const gathered = this.#gathered
    this.#gathered = []
    return gathered
  }

  override begin(entry: Entry): void {
    this.#offset = entry.valueOffset
  }

  /** Between windows, so that the value can be passed over by whoever catches the error. */
  check(): void {
    if (this.#bytes > this.bytesMax) throw new LimitError('bytesMax', this.bytesMax, this.#bytes, this.#offset)
  }

  /** Counts bytes; false where they are too many to keep. */
  protected takes(bytes: number): boolean {
    this.#bytes += bytes
    if (this.#bytes <= this.bytesMax) return true
    this.#gathered = []
    return false
  }

  protected keep(element: T): void {
    this.#gathered.push(element)
  }
}

export class ChunkVisitor extends Gathering<Uint8Array> {
  constructor(
    readonly depth: Depth,
    bytesMax = Number.POSITIVE_INFINITY,
  ) {
    super(bytesMax)
  }

  override chunk(bytes: Uint8Array, start: number, end: number): void {
    if (end > start && this.takes(end - start)) this.keep(bytes.slice(start, end))
  }
}
