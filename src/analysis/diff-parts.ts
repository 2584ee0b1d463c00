/**
 * The parts that values are spread into (diff-spread.ts), in the order in which those of a pair are compared.
 */
export const HEAD = 0
export const PIECE = 1
export const ITEM = 2
export const MEMBER = 3
export const SCORED = 4
export const FIELD = 5
export const ENTRY = 6
export const INFO = 7
export const GROUP = 8
export const CONSUMER = 9
export const PENDING = 10
export const IDEMPOTENCE = 11
export const PRODUCER = 12
export const PRODUCER_ENTRY = 13
export const PRODUCER_COUNTERS = 14
export const INDEXED = 15
export const INSERT_INDEX = 16
export const OPAQUE = 17

/** Of a key: pair and part. */
export const PREFIX_BYTES = 7

/** What a record of a pending entry says. */
export const DELIVERED = 0
export const OWNED = 1
export const UNOWNED = 2

/** Large enough to be few, small enough to lie in memory many at a time. */
export const STRING_PIECE_BYTES = 32 * 1024
