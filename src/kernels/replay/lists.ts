/**
 * Lists of one node, as src/resident/list.ts keeps it; of more nodes they are objects, and left to others.
 *
 *   block   <units> <bytes: u32> <elements: u32> (<bytes of the element> element)*
 */
import {copy} from './bytes'
import {argument, argumentBytes, argumentEnd} from './frames'
import * as L from './layout'
import {integer, readInteger} from './numbers'
import * as P from './packed'
import {LIST, removeKey} from './strings'

/** As in src/resident/list.ts. */
const NODE_BYTES_MAX: u32 = 4096
const NODE_ELEMENTS_MAX: u32 = 128

/** Elements that have lengths of more bytes than `next` reads. */
const NODE_BYTES_READ_MAX: u32 = 1 << 21

// @ts-ignore: decorator
@inline
function open(database: u32, frame: u32): i32 {
  const state = P.open(database, frame, LIST)
  return state == P.OPEN && load<u32>(P.block, P.USED) >= NODE_BYTES_READ_MAX ? P.LEFT : state
}

/** key element [element ...] */
export function push(database: u32, frame: u32, atHead: bool): bool {
  const argc = load<u32>(frame, L.FRAME_ARGC)
  let bytes: u32 = 0
  for (let i: u32 = 2; i < argc; i++) bytes += lengthBytes(argumentBytes(frame, i)) + argumentBytes(frame, i)
  // Lengths of three bytes are for elements that fill a node.
  if (bytes > NODE_BYTES_MAX) return false
  const state = P.open(database, frame, LIST)
  if (state == P.LEFT) return false
  if (state == P.ABSENT) P.make(database, frame, LIST, bytes)
  else if (load<u32>(P.block, P.USED) + bytes > NODE_BYTES_MAX) return false
  const elements = argc - 2
  if (load<u32>(P.block, P.COUNT) + elements > NODE_ELEMENTS_MAX) return false
  let p = P.gap(atHead ? P.block + P.DATA : P.endOf(), 0, bytes)
  for (let i: u32 = 0; i < elements; i++) {
    const number = atHead ? argc - 1 - i : 2 + i
    const size = argumentBytes(frame, number)
    if (size < P.LENGTH_MORE) store<u8>(p++, size)
    else {
      store<u16>(p, (size & 0x7f) | 0x80 | ((size >>> 7) << 8))
      p += 2
    }
    copy(p, argument(frame, number), size)
    p += size
  }
  P.count(elements as i32)
  return true
}

// @ts-ignore: decorator
@inline
function lengthBytes(bytes: u32): u32 {
  return bytes < P.LENGTH_MORE ? 1 : 2
}

/** Where the element behind another begins; elements of a node have lengths of two bytes at most, or three where they are alone. */
// @ts-ignore: decorator
@inline
function next(p: u32): u32 {
  const first = load<u8>(p) as u32
  if (first < P.LENGTH_MORE) return p + 1 + first
  const second = load<u8>(p, 1) as u32
  if (second < P.LENGTH_MORE) return p + 2 + ((first & 0x7f) | (second << 7))
  return p + 3 + ((first & 0x7f) | ((second & 0x7f) << 7) | ((load<u8>(p, 2) as u32) << 14))
}

function skip(elements: u32): u32 {
  let p = P.block + P.DATA
  for (let i: u32 = 0; i < elements; i++) p = next(p)
  return p
}

function drop(database: u32, fromHead: u32, fromTail: u32): void {
  const size = load<u32>(P.block, P.COUNT)
  const kept = size - fromHead - fromTail
  if (fromTail > 0) store<u32>(P.block, skip(size - fromTail) - P.block - P.DATA, P.USED)
  if (fromHead > 0) {
    const head = P.block + P.DATA
    P.gap(head, skip(fromHead) - head, 0)
  }
  store<u32>(P.block, kept, P.COUNT)
}

/** key */
export function pop(database: u32, frame: u32, atHead: bool): bool {
  const state = open(database, frame)
  if (state != P.OPEN) return state == P.ABSENT
  if (load<u32>(P.block, P.COUNT) == 1) removeKey(database, P.record)
  else drop(database, atHead ? 1 : 0, atHead ? 0 : 1)
  return true
}

/** key start stop: what is kept. */
export function ltrim(database: u32, frame: u32): bool {
  if (!readInteger(argument(frame, 2), argumentEnd(frame, 2))) return false
  const from = integer
  if (!readInteger(argument(frame, 3), argumentEnd(frame, 3))) return false
  const to = integer
  const state = open(database, frame)
  if (state != P.OPEN) return state == P.ABSENT
  const size = load<u32>(P.block, P.COUNT) as i64
  const first = max<i64>(from < 0 ? from + size : from, 0)
  const last = min<i64>(to < 0 ? to + size : to, size - 1)
  if (first > last) removeKey(database, P.record)
  else drop(database, first as u32, (size - 1 - last) as u32)
  return true
}
