/**
 * The biggest keys: by memory where it is estimated, else by bytes in the file;
 * and the collections of most elements.
 */
import {type Entry, isCollection, type KeptKey, type ValueType} from '../keyspace/entry.js'
import {TopN} from './top.js'

export interface BigKey extends KeptKey {
  db: number
  type: ValueType
  encoding: string
  elements: number
  rdbBytes: number
  /** Estimated; 0 where nobody asked. */
  memoryBytes: number
  /** NEVER where there is none. */
  expireAtMs: number | bigint
}

export class BiggestKeys {
  readonly #bySize: TopN<BigKey>
  readonly #byElements: TopN<BigKey>
  /** Memory or, where it is not estimated, bytes that a key must have to be looked at: most do not. */
  sizeMin = 0
  /** Elements that a collection must have. */
  elementsMin = 0

  constructor(readonly size: number) {
    this.#bySize = new TopN(size, isBigger)
    this.#byElements = new TopN(size, hasMore)
    if (size === 0) this.sizeMin = this.elementsMin = Number.POSITIVE_INFINITY
  }

  /** Call it for what reaches `sizeMin`. */
  addBySize(entry: Entry, rdbBytes: number, memoryBytes: number): void {
    this.#bySize.add(this.#keyOf(entry, rdbBytes, memoryBytes))
    if (this.#bySize.full) this.sizeMin = sizeOf(this.#bySize.least!)
  }

  /** Call it for what reaches `elementsMin`; what is no collection is passed over. */
  addByElements(entry: Entry, rdbBytes: number, memoryBytes: number): void {
    if (!isCollection(entry.type)) return
    this.#byElements.add(this.#keyOf(entry, rdbBytes, memoryBytes))
    if (this.#byElements.full) this.elementsMin = this.#byElements.least!.elements
  }

  bySize(): BigKey[] {
    return this.#bySize.sorted()
  }

  byElements(): BigKey[] {
    return this.#byElements.sorted()
  }

  #keyOf(entry: Entry, rdbBytes: number, memoryBytes: number): BigKey {
    const {db, type, encoding, elements, expireAtMs} = entry
    return {db, ...entry.keptKey(this.size), type, encoding, elements, rdbBytes, memoryBytes, expireAtMs}
  }
}

/** What keys are ranked by first. */
function sizeOf({memoryBytes, rdbBytes}: BigKey): number {
  return memoryBytes > 0 ? memoryBytes : rdbBytes
}

/** By memory, bytes, database, then key: the same answer whatever the order of the file. */
export function isBigger(a: BigKey, b: BigKey): boolean {
  if (a.memoryBytes !== b.memoryBytes) return a.memoryBytes > b.memoryBytes
  if (a.rdbBytes !== b.rdbBytes) return a.rdbBytes > b.rdbBytes
  if (a.db !== b.db) return a.db < b.db
  return Buffer.compare(a.key, b.key) < 0
}

/** By elements, then as above. */
export function hasMore(a: BigKey, b: BigKey): boolean {
  return a.elements !== b.elements ? a.elements > b.elements : isBigger(a, b)
}
