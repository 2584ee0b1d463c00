/**
 * Sorted sets: an element's payload is its score, and elements stand in their order, as src/resident/sorted-set.ts keeps
 * them. The owner's flags say whether a server once did not pack it: then a score may be minus zero.
 */
import {compare} from './bytes'
import {argument, argumentBytes, argumentEnd} from './frames'
import * as L from './layout'
import {double, integer, readDouble, readInteger} from './numbers'
import * as P from './packed'
import {removeKey, SORTED_SET} from './strings'

const SCORE_BYTES: u32 = 8
/** What a server packs, unless told otherwise. */
const SERVER_ELEMENTS_MAX: u32 = 128
const SERVER_MEMBER_BYTES_MAX: u32 = 64

// @ts-ignore: decorator
@inline
function scoreOf(element: u32): f64 {
  return load<f64>(P.valueOf(element))
}

/** key score member [score member ...] */
export function zadd(database: u32, frame: u32): bool {
  const argc = load<u32>(frame, L.FRAME_ARGC)
  if ((argc & 1) != 0) return false
  for (let i: u32 = 2; i < argc; i += 2) if (!readDouble(argument(frame, i), argumentEnd(frame, i))) return false
  return open(database, frame) && giveAll(frame, argc, false)
}

/** key increment member */
export function zincrby(database: u32, frame: u32): bool {
  if (!readDouble(argument(frame, 2), argumentEnd(frame, 2))) return false
  return open(database, frame) && giveAll(frame, 4, true)
}

/** Opens the sorted set of a frame's key, or makes one, with room for every other argument from the third on. */
function open(database: u32, frame: u32): bool {
  const argc = load<u32>(frame, L.FRAME_ARGC)
  let bytes: u32 = 0
  for (let i: u32 = 3; i < argc; i += 2) {
    if (argumentBytes(frame, i) >= P.LENGTH_MORE) return false
    bytes += 2 + argumentBytes(frame, i) + SCORE_BYTES
  }
  const state = P.open(database, frame, SORTED_SET)
  if (state == P.OPEN) return P.takes(bytes, (argc - 2) >>> 1)
  if (state == P.ABSENT) P.make(database, frame, SORTED_SET, bytes)
  return state == P.ABSENT
}

/** Gives members their scores, or adds to them. */
function giveAll(frame: u32, argc: u32, adds: bool): bool {
  for (let i: u32 = 2; i < argc; i += 2) {
    readDouble(argument(frame, i), argumentEnd(frame, i))
    // What was given before is given once more.
    if (!give(argument(frame, i + 1), argumentBytes(frame, i + 1), double, adds)) return false
  }
  return true
}

function give(member: u32, bytes: u32, given: f64, adds: bool): bool {
  const element = P.findMember(member, bytes)
  if (element == P.LONG) return false
  if (element == P.MISSING) {
    if (bytes > SERVER_MEMBER_BYTES_MAX || load<u32>(P.block, P.COUNT) >= SERVER_ELEMENTS_MAX) store<u32>(P.owner, 1, 4)
    put(place(P.block + P.DATA, P.endOf(), given, member, bytes), member, bytes, given)
    return true
  }
  const before = scoreOf(element)
  const score = adds ? before + given : given
  // Both zeros are one score: the one that is there stays.
  if (score != before) shift(element, score, member, bytes)
  return true
}

// @ts-ignore: decorator
@inline
function put(at: u32, member: u32, bytes: u32, score: f64): void {
  const element = P.insert(at, member, bytes, SCORE_BYTES)
  store<f64>(P.valueOf(element), score)
}

/** An element has another score: it goes where that stands. */
function shift(element: u32, score: f64, member: u32, bytes: u32): void {
  const next = P.nextElement(element)
  const size = next - element
  const rises = score > scoreOf(element)
  const at = rises
    ? place(next, P.endOf(), score, member, bytes)
    : place(P.block + P.DATA, element, score, member, bytes)
  const to = rises ? at - size : at
  if (to != element) {
    if (rises) memory.copy(element, next, at - next)
    else memory.copy(at + size, at, element - at)
    store<u8>(to, bytes)
    store<u8>(to, SCORE_BYTES, 1)
    memory.copy(to + 2, member, bytes)
  }
  store<f64>(P.valueOf(to), score)
}

/** The first element of [from, end) that stands behind a score and a member; the end where none does. */
function place(from: u32, end: u32, score: f64, member: u32, bytes: u32): u32 {
  let p = from
  while (p < end) {
    const own = scoreOf(p)
    if (own > score) break
    if (own == score && compare(p + 2, P.memberBytes(p), member, bytes) > 0) break
    p = P.nextElement(p)
  }
  return p
}

/** key first last: of ranks, from the end where below zero. */
export function zremrangebyrank(database: u32, frame: u32): bool {
  if (!readInteger(argument(frame, 2), argumentEnd(frame, 2))) return false
  let from = integer
  if (!readInteger(argument(frame, 3), argumentEnd(frame, 3))) return false
  let to = integer
  const state = P.open(database, frame, SORTED_SET)
  if (state == P.LEFT) return false
  if (state == P.ABSENT) return true
  const size = load<u32>(P.block, P.COUNT) as i64
  if (from < 0) from = max<i64>(from + size, 0)
  if (to < 0) to += size
  to = min<i64>(to, size - 1)
  if (from > to) return true
  if (from == 0 && to == size - 1) {
    removeKey(database, P.record)
    return true
  }
  let p = P.block + P.DATA
  for (let rank: i64 = 0; rank < from; rank++) {
    if ((load<u16>(p) & 0x8080) != 0) return false
    p = P.nextElement(p)
  }
  const first = p
  for (let rank = from; rank <= to; rank++) {
    if ((load<u16>(p) & 0x8080) != 0) return false
    p = P.nextElement(p)
  }
  P.gap(first, p - first, 0)
  P.count(-((to - from + 1) as i32))
  return true
}

/** key member [member ...] */
export function zrem(database: u32, frame: u32): bool {
  return P.removeMembers(database, frame, SORTED_SET)
}
