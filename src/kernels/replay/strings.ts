/** Commands on strings, and on keys whatever they hold. False: nothing was changed, others do it. */
import {addressOf, free, isHere, isHuge} from './arena'
import {copy} from './bytes'
import {argument, argumentBytes, argumentEnd} from './frames'
import {hashOf} from './hash'
import * as L from './layout'
import {DIGITS_END, integer, readInteger, spell} from './numbers'
import {isOwn} from './owners'
import {
  add,
  ELSEWHERE,
  EXACTLY,
  EXPIRES,
  find,
  KIND,
  NONE,
  PAYLOAD_BYTES,
  payloadOf,
  remove,
  resize,
  setExpiry,
  setNever,
  takesKey,
} from './table'

/** What a record's payload is. */
export const STRING: u32 = 0
/** An object of src/resident. */
const OBJECT: u32 = 1
/** A block that the payload names: hash, set, sorted set, list. */
export const HASH: u32 = 2
export const SET: u32 = 3
export const SORTED_SET: u32 = 4
export const LIST: u32 = 5
/** Its block names others: it is not for everybody to free. */
export const STREAM: u32 = 6

/** The letters of PXAT, in whatever case. */
const PXAT: u32 = 0x5441_5850
const UPPER: u32 = 0xdfdf_dfdf
/** Above, it may be that a double does not hold it. */
const MS_MAX: i64 = 0x1f_ffff_ffff_ffff

/** The record of a frame's key: its address, NONE, or ELSEWHERE. */
// @ts-ignore: decorator
@inline
export function findKey(database: u32, frame: u32): u32 {
  return find(database, load<u32>(frame, L.FRAME_HASH), argument(frame, 1), argumentBytes(frame, 1))
}

/** Whether the kernel may replace or remove what a record has. */
// @ts-ignore: decorator
@inline
function isPlain(record: u32): bool {
  if (load<u32>(record, EXPIRES) == EXACTLY) return false
  const kind = load<u32>(record, KIND)
  if (kind == STRING) return true
  if (kind == OBJECT || kind == STREAM) return false
  const ref = load<u32>(payloadOf(record))
  return isHere(ref) && !isHuge(addressOf(ref))
}

// @ts-ignore: decorator
@inline
function freeBlock(record: u32): void {
  if (load<u32>(record, KIND) != STRING) free(addressOf(load<u32>(payloadOf(record))))
}

/** The key is a string of so many bytes from now on; returns its record, whose payload is to be written. */
// @ts-ignore: decorator
@inline
function makeString(database: u32, frame: u32, record: u32, bytes: u32): u32 {
  if (record == NONE) {
    const hash = load<u32>(frame, L.FRAME_HASH)
    return add(database, hash, argument(frame, 1), argumentBytes(frame, 1), bytes, STRING)
  }
  freeBlock(record)
  store<u32>(record, STRING, KIND)
  return load<u32>(record, PAYLOAD_BYTES) == bytes ? record : resize(database, record, bytes, false)
}

/** key value [PXAT ms] */
export function set(database: u32, frame: u32): bool {
  const argc = load<u32>(frame, L.FRAME_ARGC)
  let expireAt: i64 = 0
  if (argc != 3) {
    if (argc != 5 || argumentBytes(frame, 3) != 4 || (load<u32>(argument(frame, 3)) & UPPER) != PXAT) return false
    if (!readInteger(argument(frame, 4), argumentEnd(frame, 4)) || integer <= 0 || integer > MS_MAX) return false
    expireAt = integer
  }
  let record = findKey(database, frame)
  if (record == NONE ? !takesKey(database) : record == ELSEWHERE || !isPlain(record)) return false
  const bytes = argumentBytes(frame, 2)
  record = makeString(database, frame, record, bytes)
  copy(payloadOf(record), argument(frame, 2), bytes)
  if (expireAt == 0) setNever(database, record)
  else setExpiry(database, record, expireAt as f64)
  return true
}

/** key increment */
function addTo(database: u32, frame: u32, increment: i64): bool {
  let record = findKey(database, frame)
  if (record == ELSEWHERE) return false
  let value: i64 = 0
  if (record == NONE) {
    if (!takesKey(database)) return false
  } else {
    if (load<u32>(record, KIND) != STRING) return false
    const start = payloadOf(record)
    if (!readInteger(start, start + load<u32>(record, PAYLOAD_BYTES))) return false
    value = integer
  }
  // Of 18 digits each: they do not overflow.
  const digits = spell(value + increment)
  const bytes = DIGITS_END - digits
  record = makeString(database, frame, record, bytes)
  copy(payloadOf(record), digits, bytes)
  return true
}

/** key [increment] */
export function increment(database: u32, frame: u32, sign: i64): bool {
  if (load<u32>(frame, L.FRAME_ARGC) == 2) return addTo(database, frame, sign)
  return readInteger(argument(frame, 2), argumentEnd(frame, 2)) && addTo(database, frame, sign * integer)
}

/** key [key ...] */
export function del(database: u32, frame: u32): bool {
  const argc = load<u32>(frame, L.FRAME_ARGC)
  for (let i: u32 = 1; i < argc; i++) {
    const key = argument(frame, i)
    const bytes = argumentBytes(frame, i)
    if (argc > 2 && !isOwn(key, bytes)) continue
    const record = find(database, i == 1 ? load<u32>(frame, L.FRAME_HASH) : hashOf(key, bytes), key, bytes)
    if (record == NONE) continue
    // What was removed before is removed once more, to no effect.
    if (record == ELSEWHERE || !isPlain(record)) return false
    removeKey(database, record)
  }
  return true
}

/** Removes the key that was found last, and what it has. */
export function removeKey(database: u32, record: u32): void {
  freeBlock(record)
  remove(database, record)
}

/** key ms */
export function pexpireat(database: u32, frame: u32): bool {
  if (!readInteger(argument(frame, 2), argumentEnd(frame, 2)) || integer <= 0 || integer > MS_MAX) return false
  const record = findKey(database, frame)
  if (record == NONE) return true
  if (record == ELSEWHERE || load<u32>(record, EXPIRES) == EXACTLY) return false
  setExpiry(database, record, integer as f64)
  return true
}

/** key */
export function persist(database: u32, frame: u32): bool {
  const record = findKey(database, frame)
  if (record == NONE) return true
  if (record == ELSEWHERE || load<u32>(record, EXPIRES) == EXACTLY) return false
  setNever(database, record)
  return true
}
