/** Sets: an element has no payload. */
import {argument, argumentBytes} from './frames'
import * as L from './layout'
import * as P from './packed'
import {SET} from './strings'

/** key member [member ...] */
export function sadd(database: u32, frame: u32): bool {
  const argc = load<u32>(frame, L.FRAME_ARGC)
  let bytes: u32 = 0
  for (let i: u32 = 2; i < argc; i++) {
    if (argumentBytes(frame, i) >= P.LENGTH_MORE) return false
    bytes += 2 + argumentBytes(frame, i)
  }
  const state = P.open(database, frame, SET)
  if (state == P.LEFT) return false
  if (state == P.ABSENT) P.make(database, frame, SET, bytes)
  else if (!P.takes(bytes, argc - 2)) return false
  for (let i: u32 = 2; i < argc; i++) {
    const member = argument(frame, i)
    const element = P.findMember(member, argumentBytes(frame, i))
    // What was added before is there by then.
    if (element == P.LONG) return false
    if (element == P.MISSING) P.insert(P.endOf(), member, argumentBytes(frame, i), 0)
  }
  return true
}

/** key member [member ...] */
export function srem(database: u32, frame: u32): bool {
  return P.removeMembers(database, frame, SET)
}
