/** Hashes: an element's payload is the field's value. Hashes whose fields expire are objects, and left to others. */
import {copy} from './bytes'
import {argument, argumentBytes, argumentEnd} from './frames'
import * as L from './layout'
import {DIGITS_END, integer, readInteger, spell} from './numbers'
import * as P from './packed'
import {HASH} from './strings'

/** key field value [field value ...] */
export function hset(database: u32, frame: u32): bool {
  const argc = load<u32>(frame, L.FRAME_ARGC)
  if ((argc & 1) != 0) return false
  let bytes: u32 = 0
  for (let i: u32 = 2; i < argc; i++) {
    if (argumentBytes(frame, i) >= P.LENGTH_MORE) return false
    bytes += 1 + argumentBytes(frame, i)
  }
  const state = P.open(database, frame, HASH)
  if (state == P.LEFT) return false
  if (state == P.ABSENT) P.make(database, frame, HASH, bytes)
  else if (!P.takes(bytes, (argc - 2) >>> 1)) return false
  for (let i: u32 = 2; i < argc; i += 2) {
    const field = P.findMember(argument(frame, i), argumentBytes(frame, i))
    // What was set before is set once more, to the same.
    if (field == P.LONG) return false
    put(field, frame, i, argument(frame, i + 1), argumentBytes(frame, i + 1))
  }
  return true
}

/** Gives a field, which has been looked for, a value. */
function put(field: u32, frame: u32, name: u32, value: u32, bytes: u32): void {
  let element = field
  if (element == P.MISSING) {
    element = P.insert(P.endOf(), argument(frame, name), argumentBytes(frame, name), bytes)
  } else if (P.valueBytes(element) != bytes) {
    const at = P.valueOf(element)
    const moved = P.gap(at, P.valueBytes(element), bytes)
    element = moved - (at - element)
    store<u8>(element, bytes, 1)
  }
  copy(P.valueOf(element), value, bytes)
}

/** key field increment */
export function hincrby(database: u32, frame: u32): bool {
  if (!readInteger(argument(frame, 3), argumentEnd(frame, 3))) return false
  const change = integer
  const nameBytes = argumentBytes(frame, 2)
  if (nameBytes >= P.LENGTH_MORE) return false
  const state = P.open(database, frame, HASH)
  if (state == P.LEFT) return false
  let field = P.MISSING
  let value: i64 = 0
  if (state == P.OPEN) {
    if (!P.takes(2 + nameBytes + 20, 1)) return false
    field = P.findMember(argument(frame, 2), nameBytes)
    if (field == P.LONG) return false
    if (field != P.MISSING) {
      const at = P.valueOf(field)
      if (!readInteger(at, at + P.valueBytes(field))) return false
      value = integer
    }
  }
  const digits = spell(value + change)
  const bytes = DIGITS_END - digits
  if (state == P.ABSENT) P.make(database, frame, HASH, 2 + nameBytes + bytes)
  put(field, frame, 2, digits, bytes)
  return true
}

/** key field [field ...] */
export function hdel(database: u32, frame: u32): bool {
  return P.removeMembers(database, frame, HASH)
}
