/**
 * What hash tables and radix trees take besides what they hold.
 */
import type {MemoryLayout} from './layout.js'

/** A dict is never smaller (redis 7.0 dict.h, DICT_HT_INITIAL_EXP). */
const SLOTS_MIN = 4
const POINTER = 8
const BUCKET_BYTES = 64
/** Elements of a bucket (valkey 8.1 hashtable.c, ELEMENTS_PER_BUCKET); with a child bucket one less. */
const BUCKET_ELEMENTS = 7
/** sizeof(hashtable) (valkey 8.1 hashtable.c). */
const HASHTABLE_BYTES = 72
/** dictEntryNoValue: key and next (valkey 8.0 dict.c). */
const BARE_ENTRY_BYTES = 16

/** The table itself, with room for `count`, as after loading: no entries. */
export function tableBytes(layout: MemoryLayout, count: number): number {
  return layout.buckets ? HASHTABLE_BYTES + bucketBytes(count) : layout.dict + POINTER * slotsOf(count)
}

/** Slots of a dict that was sized for `count` (redis 7.0 dict.c, _dictNextExp). */
export function slotsOf(count: number): number {
  let slots = SLOTS_MIN
  while (slots < count) slots *= 2
  return slots
}

/** Entries that a dict without values allocates, spread over all: keys alone in their slots have none. */
export function bareEntryBytes(count: number): number {
  const load = count / slotsOf(count)
  return load === 0 ? 0 : BARE_ENTRY_BYTES * (1 - (1 - Math.exp(-load)) / load)
}

/** Buckets, filled to 91 % at most, and the child buckets that chance asks for (hashtable.c, nextBucketExp). */
function bucketBytes(count: number): number {
  if (count === 0) return 0
  let buckets = 1
  while (buckets < (count * 5) / 32) buckets *= 2
  return BUCKET_BYTES * (buckets + (buckets === 1 ? childrenOf(count) : buckets * childrenExpected(count / buckets)))
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
