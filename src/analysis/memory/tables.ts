/**
 * What hash tables take besides what they hold: the dict of redis and valkey 8.0, and valkey's hashtable of 8.1.
 */
import {allocated} from './jemalloc.js'
import type {MemoryLayout} from './layout.js'

/** A dict is never smaller (redis 7.0 dict.h, DICT_HT_INITIAL_EXP). */
const SLOTS_MIN = 4
const POINTER = 8
const BUCKET_BYTES = 64
/** Elements of a bucket (valkey 8.1 hashtable.c, ENTRIES_PER_BUCKET); with a child bucket one less. */
const BUCKET_ELEMENTS = 7
/** dictEntryNoValue: key and next (valkey 8.0 dict.c). */
const BARE_ENTRY_BYTES = 16

/** The table itself as MEMORY USAGE has it, with room for `count`, as after loading: no entries. */
export function tableBytes(layout: MemoryLayout, count: number): number {
  return layout.hashtable > 0 ? layout.hashtable + bucketBytes(count) : layout.dict + POINTER * slotsOf(count)
}

/** What the allocator rounds the head of a table up by. */
export function tableRounding({hashtable, dict}: MemoryLayout, metadata: number): number {
  const head = (hashtable > 0 ? hashtable : dict) + metadata
  return allocated(head) - head
}

/** Slots of a dict that was sized for `count` (redis 7.0 dict.c, _dictNextExp). */
export function slotsOf(count: number): number {
  let slots = SLOTS_MIN
  while (slots < count) slots *= 2
  return slots
}

/**
 * Slots of a database's table after loading. Where the server looks for full ones itself (`fullDoubled`) it doubles one that is
 * not the smallest, once every key has a slot: redis 8.0.2 and valkey 8.0.1 have 131,072 for 65,536 keys, and 4 for 4.
 */
export function databaseSlotsOf(count: number, {fullDoubled}: MemoryLayout): number {
  return slotsOf(fullDoubled && count > SLOTS_MIN ? count + 1 : count)
}

/** Entries that a dict without values allocates, spread over all: keys alone in their slots have none. */
export function bareEntryBytes(count: number): number {
  const load = count / slotsOf(count)
  return load === 0 ? 0 : BARE_ENTRY_BYTES * (1 - (1 - Math.exp(-load)) / load)
}

/** Buckets sized for `count` (hashtable.c, nextBucketExp), and the child buckets that chance asks for. */
export function bucketBytes(count: number): number {
  return count === 0 ? 0 : BUCKET_BYTES * bucketsWithChildren(bucketsOf(count), count)
}

function bucketsOf(count: number): number {
  let buckets = 1
  while (buckets < (count * 5) / 32) buckets *= 2
  return buckets
}

function bucketsWithChildren(buckets: number, count: number): number {
  return buckets + (buckets === 1 ? childrenOf(count) : buckets * childrenExpected(count / buckets))
}

/** Child buckets of a bucket with so many elements. */
function childrenOf(elements: number): number {
  return elements <= BUCKET_ELEMENTS ? 0 : Math.ceil((elements - BUCKET_ELEMENTS) / (BUCKET_ELEMENTS - 1))
}

/** The same on average: elements fall into buckets by chance (Poisson). */
function childrenExpected(load: number): number {
  let probability = Math.exp(-load)
  let sum = 0
  for (let elements = 1; elements <= 32; elements++) {
    probability *= load / elements
    sum += probability * childrenOf(elements)
  }
  return sum
}

/**
 * A hash of at most 512 fields as it is loaded: packed until the first long one, then a table (rdb.c, rdbLoadObject). It
 * makes room for what was packed, then for what is still to come, which is not the same as room for all: it may have
 * to grow on the way, and then have its old slots too until as many fields have come as it takes to empty them.
 */
export function convertedTableBytes(layout: MemoryLayout, count: number, packed: number): number {
  const table = growing(layout)
  if (layout.presized) table.expand(packed)
  table.add(packed + 1)
  const left = count - packed - 1
  // A dict is not expanded for what is in its smallest anyway; a hashtable always is.
  if (layout.hashtable > 0 || left > SLOTS_MIN) table.expand(left)
  table.add(left)
  return table.bytes
}

/** The same of a hash whose fields expire, in redis: `packed` is -1 where it was a table from the start. It grows as they come. */
export function expiringTableBytes(layout: MemoryLayout, count: number, packed: number): number {
  const table = growing(layout)
  if (packed > 0) {
    table.expand(packed)
    table.add(packed)
  }
  const left = count - packed - 1
  if (packed >= 0 && left > SLOTS_MIN) table.expand(left)
  table.add(count - Math.max(0, packed))
  return table.bytes
}

function growing({hashtable, dict}: MemoryLayout): GrowingTable {
  return hashtable > 0 ? new GrowingHashtable(hashtable) : new GrowingDict(dict)
}

abstract class GrowingTable {
  count = 0
  protected size = 0
  /** Of the table that is being emptied, and in how many steps it will be. */
  protected old = 0
  protected steps = 0

  constructor(protected readonly head: number) {}

  /** Of the table, its slots or buckets, and those of the one that is being emptied. */
  abstract readonly bytes: number
  protected abstract sizeOf(count: number): number
  protected abstract get isFull(): boolean
  /** Steps in which the present table is emptied. */
  protected abstract stepsOf(): number

  /** Makes room for `count`, unless it is growing already. */
  expand(count: number): void {
    if (this.old > 0 || count < this.count) return
    const size = this.sizeOf(count)
    if (size === this.size) return
    if (this.count > 0) {
      this.old = this.size
      this.steps = this.stepsOf()
    }
    this.size = size
  }

  /** One element after another. */
  add(elements: number): void {
    for (let i = 0; i < elements; i++) {
      if (this.old > 0 && --this.steps <= 0) this.old = 0
      if (this.old === 0 && this.isFull) this.expand(this.count + 1)
      this.count++
    }
  }
}

class GrowingDict extends GrowingTable {
  protected override sizeOf(count: number): number {
    return slotsOf(count)
  }

  protected override get isFull(): boolean {
    return this.count >= this.size
  }

  /** Empty slots are passed over. */
  protected override stepsOf(): number {
    return Math.round(this.size * (1 - Math.exp(-this.count / this.size)))
  }

  override get bytes(): number {
    return this.head + POINTER * (this.size + this.old)
  }
}

class GrowingHashtable extends GrowingTable {
  protected override sizeOf(count: number): number {
    return bucketsOf(Math.max(1, count))
  }

  protected override get isFull(): boolean {
    return this.count + 1 > BUCKET_ELEMENTS * this.size
  }

  protected override stepsOf(): number {
    return this.size
  }

  override get bytes(): number {
    return this.head + BUCKET_BYTES * (bucketsWithChildren(this.size, this.count) + this.old)
  }
}
