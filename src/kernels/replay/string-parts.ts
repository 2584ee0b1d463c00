/** Commands that change a part of a string, or add to it. False: nothing was changed, others do it. */
import {COMMAND_BYTES_MAX} from './arena'
import {copy} from './bytes'
import {argument, argumentBytes, argumentEnd} from './frames'
import * as L from './layout'
import {integer, readInteger} from './numbers'
import {findKey, STRING} from './strings'
import {add, ELSEWHERE, KIND, NONE, PAYLOAD_BYTES, payloadOf, resize, takesKey} from './table'

/** The string of the key that was widened last. */
let text: u32 = 0

/** Sees to it that a key is a string of at least so many bytes, what is new of them zero. */
function widen(database: u32, frame: u32, record: u32, bytes: u32): void {
  let before: u32 = 0
  let widened = record
  if (record == NONE) {
    const hash = load<u32>(frame, L.FRAME_HASH)
    widened = add(database, hash, argument(frame, 1), argumentBytes(frame, 1), bytes, STRING)
  } else {
    before = load<u32>(record, PAYLOAD_BYTES)
    if (bytes > before) widened = resize(database, record, bytes, true)
  }
  text = payloadOf(widened)
  if (bytes > before) memory.fill(text + before, 0, bytes - before)
}

/** Whether a key is none, and can be made, or a string; what it has and is to have is short enough for the kernel. */
// @ts-ignore: decorator
@inline
function mayWiden(database: u32, record: u32, bytes: u64): bool {
  if (record == ELSEWHERE || bytes > (COMMAND_BYTES_MAX as u64)) return false
  return record == NONE ? takesKey(database) : load<u32>(record, KIND) == STRING
}

/** key offset value */
export function setrange(database: u32, frame: u32): bool {
  const bytes = argumentBytes(frame, 3)
  if (bytes == 0 || !readInteger(argument(frame, 2), argumentEnd(frame, 2)) || integer < 0) return false
  const record = findKey(database, frame)
  const end = (integer as u64) + bytes
  if (!mayWiden(database, record, end)) return false
  widen(database, frame, record, end as u32)
  copy(text + (integer as u32), argument(frame, 3), bytes)
  return true
}

/** key offset 0|1 */
export function setbit(database: u32, frame: u32): bool {
  if (argumentBytes(frame, 3) != 1) return false
  const bit = (load<u8>(argument(frame, 3)) as u32) - 0x30
  if (bit > 1 || !readInteger(argument(frame, 2), argumentEnd(frame, 2)) || integer < 0) return false
  const byte = (integer as u64) >>> 3
  const record = findKey(database, frame)
  if (!mayWiden(database, record, byte + 1)) return false
  widen(database, frame, record, (byte as u32) + 1)
  const at = text + (byte as u32)
  const mask = 0x80 >>> ((integer as u32) & 7)
  store<u8>(at, bit == 1 ? load<u8>(at) | mask : load<u8>(at) & ~mask)
  return true
}

/** key value */
export function append(database: u32, frame: u32): bool {
  const record = findKey(database, frame)
  if (record == ELSEWHERE) return false
  const before = record == NONE || load<u32>(record, KIND) != STRING ? 0 : load<u32>(record, PAYLOAD_BYTES)
  const bytes = argumentBytes(frame, 2)
  if (!mayWiden(database, record, (before as u64) + bytes)) return false
  widen(database, frame, record, before + bytes)
  copy(text + before, argument(frame, 2), bytes)
  return true
}
