/**
 * The table of a database's keys, as src/resident/byte-table.ts and database.ts keep it.
 *
 *   record   <units> <bytes of the key> <bytes of the payload> <entry> <expires> <kind> <expires at: f64> key payload
 */
import {addressOf, free, HEAD_BYTES, isHere, isHuge, room, take} from './arena'
import {copy, isEqual} from './bytes'
import {CAPACITY, CELLS, EXPIRING, LENGTH, SIZE, USED_SLOTS} from './layout'

export const KEY_BYTES: u32 = 4
export const PAYLOAD_BYTES: u32 = 8
const ENTRY: u32 = 12
export const EXPIRES: u32 = 16
export const KIND: u32 = 20
export const EXPIRE_AT: u32 = 24
export const KEY: u32 = 32
/** Of a record, before the key, without the block's head. */
const RECORD_HEAD_BYTES: u32 = KEY - HEAD_BYTES
/** A record that shrinks within this keeps its block. */
const SLACK_BYTES: u32 = 128
const FREE_CELL: u32 = 0
const USED_CELL: u32 = 0xffff_ffff

export const NEVER: u32 = 0
const IN_MS: u32 = 1
/** The expiry is one that only src/resident holds. */
export const EXACTLY: u32 = 2

/** There is no such key. */
export const NONE: u32 = 0
/** What is there the kernel cannot see. */
export const ELSEWHERE: u32 = 1

/** The cell of the record that was found or added last. */
let cell: u32 = 0

/** Where the search for a key begins. */
// @ts-ignore: decorator
@inline
export function firstCell(database: u32, hash: u32): u32 {
  return load<u32>(database, CELLS) + ((hash & (2 * load<u32>(database, CAPACITY) - 1)) << 3)
}

/** The record of a key: its address, NONE, or ELSEWHERE. */
export function find(database: u32, hash: u32, key: u32, bytes: u32): u32 {
  const cells = load<u32>(database, CELLS)
  const mask = 2 * load<u32>(database, CAPACITY) - 1
  for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
    const at = cells + (slot << 3)
    const ref = load<u32>(at)
    if (ref == FREE_CELL) return NONE
    if (load<u32>(at, 4) != hash || ref == USED_CELL) continue
    if (!isHere(ref)) return ELSEWHERE
    const record = addressOf(ref)
    if (load<u32>(record, KEY_BYTES) != bytes || !isEqual(record + KEY, key, bytes)) continue
    if (isHuge(record)) return ELSEWHERE
    cell = at
    return record
  }
}

/** Whether a key can be added without the table being made anew. */
// @ts-ignore: decorator
@inline
export function takesKey(database: u32): bool {
  const capacity = load<u32>(database, CAPACITY)
  return load<u32>(database, LENGTH) < capacity && load<u32>(database, USED_SLOTS) < capacity + (capacity >>> 1)
}

/** Adds a key that is not there, with room for a payload; returns its record. */
export function add(database: u32, hash: u32, key: u32, bytes: u32, payloadBytes: u32, kind: u32): u32 {
  const record = take(RECORD_HEAD_BYTES + bytes + payloadBytes)
  const entry = load<u32>(database, LENGTH)
  const cells = load<u32>(database, CELLS)
  const capacity = load<u32>(database, CAPACITY)
  const mask = 2 * capacity - 1
  store<u32>(database, entry + 1, LENGTH)
  store<u32>(database, load<u32>(database, SIZE) + 1, SIZE)
  store<u32>(record, bytes, KEY_BYTES)
  store<u32>(record, payloadBytes, PAYLOAD_BYTES)
  store<u32>(record, entry, ENTRY)
  store<u32>(record, NEVER, EXPIRES)
  store<u32>(record, kind, KIND)
  store<f64>(record, 0, EXPIRE_AT)
  copy(record + KEY, key, bytes)
  let slot = hash & mask
  let at = cells + (slot << 3)
  while (load<u32>(at) - 1 < USED_CELL - 1) {
    slot = (slot + 1) & mask
    at = cells + (slot << 3)
  }
  if (load<u32>(at) == FREE_CELL) store<u32>(database, load<u32>(database, USED_SLOTS) + 1, USED_SLOTS)
  store<u32>(at, record >>> 4)
  store<u32>(at, hash, 4)
  store<u32>(entryAt(database, entry), record >>> 4)
  cell = at
  return record
}

// @ts-ignore: decorator
@inline
function entryAt(database: u32, entry: u32): u32 {
  return load<u32>(database, CELLS) + (load<u32>(database, CAPACITY) << 4) + (entry << 2)
}

/** Removes the record that was found last; what its value has besides is the caller's to free. */
export function remove(database: u32, record: u32): void {
  const cells = load<u32>(database, CELLS)
  const mask = 2 * load<u32>(database, CAPACITY) - 1
  const next = (((cell - cells) >>> 3) + 1) & mask
  const isLast = load<u32>(cells + (next << 3)) == FREE_CELL
  store<u32>(cell, isLast ? FREE_CELL : USED_CELL)
  if (isLast) store<u32>(database, load<u32>(database, USED_SLOTS) - 1, USED_SLOTS)
  const entry = load<u32>(record, ENTRY)
  store<u32>(entryAt(database, entry), 0)
  store<u32>(database, load<u32>(database, SIZE) - 1, SIZE)
  if (entry + 1 == load<u32>(database, LENGTH)) store<u32>(database, entry, LENGTH)
  setNever(database, record)
  free(record)
}

/** Gives the payload of the record that was found last another size, its beginning kept where asked; returns the record. */
export function resize(database: u32, record: u32, payloadBytes: u32, keep: bool): u32 {
  const head = RECORD_HEAD_BYTES + load<u32>(record, KEY_BYTES)
  const before = load<u32>(record, PAYLOAD_BYTES)
  const bytes = head + payloadBytes
  const there = room(record)
  if (bytes <= there && (bytes >= there >>> 1 || there <= SLACK_BYTES)) {
    store<u32>(record, payloadBytes, PAYLOAD_BYTES)
    return record
  }
  const wanted = payloadBytes > before && before > 0 && bytes > 128 ? bytes + (bytes >>> 3) : bytes
  const grown = take(wanted)
  copy(grown + HEAD_BYTES, record + HEAD_BYTES, head + (keep ? min(before, payloadBytes) : 0))
  free(record)
  store<u32>(grown, payloadBytes, PAYLOAD_BYTES)
  store<u32>(entryAt(database, load<u32>(grown, ENTRY)), grown >>> 4)
  store<u32>(cell, grown >>> 4)
  return grown
}

// @ts-ignore: decorator
@inline
export function payloadOf(record: u32): u32 {
  return record + KEY + load<u32>(record, KEY_BYTES)
}

// @ts-ignore: decorator
@inline
export function setNever(database: u32, record: u32): void {
  if (load<u32>(record, EXPIRES) == NEVER) return
  store<u32>(record, NEVER, EXPIRES)
  store<u32>(database, load<u32>(database, EXPIRING) - 1, EXPIRING)
}

export function setExpiry(database: u32, record: u32, atMs: f64): void {
  if (load<u32>(record, EXPIRES) == NEVER) {
    store<u32>(database, load<u32>(database, EXPIRING) + 1, EXPIRING)
    store<u32>(record, IN_MS, EXPIRES)
  }
  store<f64>(record, atMs, EXPIRE_AT)
}
