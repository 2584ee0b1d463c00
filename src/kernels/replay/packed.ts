/**
 * Few small elements packed in one block, as src/resident/members.ts keeps them; a record's payload names it.
 *
 *   block   <units> <bytes: u32> <elements: u32> (<bytes of the member> <bytes of the payload> member payload)*
 *   owner   <ref of the block: u32> <flags: u32>
 *
 * What the kernel adds has lengths of one byte; where others stand in a block, it is left to others.
 */
import {addressOf, free, HEAD_BYTES, isHere, isHuge, room, take} from './arena'
import {copy, isEqual, move} from './bytes'
import {argument, argumentBytes} from './frames'
import * as L from './layout'
import {findKey, removeKey} from './strings'
import {add, ELSEWHERE, KIND, NONE, payloadOf, takesKey} from './table'

export const USED: u32 = 4
export const COUNT: u32 = 8
export const DATA: u32 = 12
const PACKED_HEAD_BYTES: u32 = DATA - HEAD_BYTES
/** As in src/resident/members.ts. */
const PACKED_BYTES_MAX: u32 = 4096
const PACKED_ELEMENTS_MAX: u32 = 256
const PACKED_BYTES_MIN: u32 = 52
/** From here on a length takes more than a byte. */
export const LENGTH_MORE: u32 = 0x80
/** Of the block and flags, in a record. */
export const OWNER_BYTES: u32 = 8

/** The block of the key that was opened last, and where its record names it. */
export let block: u32 = 0
export let owner: u32 = 0
export let record: u32 = 0

/** The key has a block of this kind. */
export const OPEN: i32 = 1
/** There is no such key, and one can be made. */
export const ABSENT: i32 = 0
/** It is left to others. */
export const LEFT: i32 = -1

/** Opens the collection at a frame's key. */
export function open(database: u32, frame: u32, kind: u32): i32 {
  record = findKey(database, frame)
  if (record == NONE) return takesKey(database) ? ABSENT : LEFT
  if (record == ELSEWHERE || load<u32>(record, KIND) != kind) return LEFT
  owner = payloadOf(record)
  const ref = load<u32>(owner)
  if (!isHere(ref)) return LEFT
  block = addressOf(ref)
  return isHuge(block) ? LEFT : OPEN
}

/** Makes the key of a frame, with a block for so many bytes of elements. */
export function make(database: u32, frame: u32, kind: u32, bytes: u32): void {
  const hash = load<u32>(frame, L.FRAME_HASH)
  record = add(database, hash, argument(frame, 1), argumentBytes(frame, 1), OWNER_BYTES, kind)
  owner = payloadOf(record)
  block = take(max(PACKED_HEAD_BYTES + bytes, PACKED_BYTES_MIN))
  store<u32>(block, 0, USED)
  store<u32>(block, 0, COUNT)
  store<u32>(owner, block >>> 4)
  store<u32>(owner, 0, 4)
}

/** The key that was made has this block. */
// @ts-ignore: decorator
@inline
export function setBlock(made: u32): void {
  block = made
}

/** Where the block's elements end. */
// @ts-ignore: decorator
@inline
export function endOf(): u32 {
  return block + DATA + load<u32>(block, USED)
}

/** There is no such member. */
export const MISSING: u32 = 0
/** There are lengths of more than a byte. */
export const LONG: u32 = 1

/** Where an element lies: MISSING, or LONG. */
export function findMember(member: u32, bytes: u32): u32 {
  const end = endOf()
  let p = block + DATA
  while (p < end) {
    const lengths = load<u16>(p) as u32
    if ((lengths & 0x8080) != 0) return LONG
    const own = lengths & 0x7f
    if (own == bytes && isEqual(p + 2, member, bytes)) return p
    p += 2 + own + (lengths >>> 8)
  }
  return MISSING
}

// @ts-ignore: decorator
@inline
export function memberBytes(element: u32): u32 {
  return load<u8>(element)
}

// @ts-ignore: decorator
@inline
export function valueBytes(element: u32): u32 {
  return load<u8>(element, 1)
}

// @ts-ignore: decorator
@inline
export function valueOf(element: u32): u32 {
  return element + 2 + load<u8>(element)
}

// @ts-ignore: decorator
@inline
export function nextElement(element: u32): u32 {
  return valueOf(element) + valueBytes(element)
}

/** Whether elements of so many bytes more, and as many in number, have room by the limits. */
// @ts-ignore: decorator
@inline
export function takes(bytes: u32, elements: u32): bool {
  return load<u32>(block, USED) + bytes <= PACKED_BYTES_MAX && load<u32>(block, COUNT) + elements <= PACKED_ELEMENTS_MAX
}

/** Makes `wanted` bytes of the `there` bytes at a place; returns the place, since the block may move. */
export function gap(at: u32, there: u32, wanted: u32): u32 {
  const used = load<u32>(block, USED)
  const place = at - block - DATA
  const needed = PACKED_HEAD_BYTES + used - there + wanted
  const behind = used - place - there
  if (needed > room(block)) {
    const grown = take(needed + (needed >>> 2))
    copy(grown + HEAD_BYTES, block + HEAD_BYTES, PACKED_HEAD_BYTES + place)
    copy(grown + DATA + place + wanted, at + there, behind)
    free(block)
    block = grown
    store<u32>(owner, grown >>> 4)
  } else if (there != wanted && behind > 0) {
    move(at + wanted, at + there, behind)
  }
  store<u32>(block, used - there + wanted, USED)
  return block + DATA + place
}

// @ts-ignore: decorator
@inline
export function count(change: i32): void {
  store<u32>(block, load<u32>(block, COUNT) + change, COUNT)
}

/** Puts a member where another, or none, stands, and counts it; returns it. Its value is to be written. */
export function insert(at: u32, member: u32, bytes: u32, payloadBytes: u32): u32 {
  const element = gap(at, 0, 2 + bytes + payloadBytes)
  count(1)
  store<u8>(element, bytes)
  store<u8>(element, payloadBytes, 1)
  copy(element + 2, member, bytes)
  return element
}

/** key member [member ...]: removes them, and the key that has none left. */
export function removeMembers(database: u32, frame: u32, kind: u32): bool {
  const state = open(database, frame, kind)
  if (state == LEFT) return false
  if (state == ABSENT) return true
  const argc = load<u32>(frame, L.FRAME_ARGC)
  for (let i: u32 = 2; i < argc; i++) {
    const element = findMember(argument(frame, i), argumentBytes(frame, i))
    // What was removed before is removed once more, to no effect.
    if (element == LONG) return false
    if (element == MISSING) continue
    gap(element, nextElement(element) - element, 0)
    count(-1)
  }
  if (load<u32>(block, COUNT) == 0) removeKey(database, record)
  return true
}
