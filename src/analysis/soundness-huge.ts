/**
 * Duplicate elements of collections that are too large to be looked into
 * exactly: a fingerprint and an offset of each element, in one index for all of
 * them. What is found is a suspicion until the elements have been read again.
 */
import type {Entry, KeptKey} from '../keyspace/entry.js'
import type {KeyIndex} from '../keyspace/key-index.js'

/** Takes elements as an index does. */
export type ElementTaker = Pick<KeyIndex, 'add'>

/** Of huge collections no file has more. */
const HUGE_MANY = 10_000

/** A collection whose elements are in the index. */
export interface HugeCollection extends KeptKey {
  db: number
  type: Entry['type']
  typeId: number
  /** Of its record. */
  offset: number
}

export class HugeCollections {
  /** Collections that were too large, in file order. */
  readonly all: HugeCollection[] = []
  /** How many could not be looked into, since there is no index. */
  skipped = 0

  constructor(readonly index: ElementTaker | undefined) {}

  /** A collection begins whose elements follow; false where nobody takes them. */
  begin(entry: Entry): boolean {
    if (this.index === undefined) {
      this.skipped++
      return false
    }
    const {db, type, typeId, offset} = entry
    this.all.push({db, ...entry.keptKey(HUGE_MANY), type, typeId, offset})
    return true
  }

  /** An element of the collection begun last; `offset` is where it is stored. */
  add(bytes: Uint8Array, start: number, end: number, offset: number): void {
    // By where it begins, collections are told apart whoever looks at them.
    this.index!.add(this.all.at(-1)!.offset | 0, bytes, start, end, offset)
  }

  /** Those that follow, looked at by somebody else. */
  addAll(all: readonly HugeCollection[], skipped: number): void {
    this.all.push(...all)
    this.skipped += skipped
  }

  /** The collection that holds the element at an offset. */
  holding(offset: number): HugeCollection {
    let low = 0
    for (let high = this.all.length - 1; low < high; ) {
      const middle = (low + high + 1) >> 1
      if (this.all[middle]!.offset <= offset) low = middle
      else high = middle - 1
    }
    return this.all[low]!
  }
}
