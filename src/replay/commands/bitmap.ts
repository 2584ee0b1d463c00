/** Strings as bits. */

import {RecordPlace} from '../../resident/byte-table.js'
import type {Call} from '../call.js'
import {type CommandFamily, keyed, keyless, ReplyError, syntaxError, WRONG_TYPE} from '../command.js'
import {bitfieldCommands} from './bitfield.js'
import {STRING_BYTES_MAX, widened} from './string.js'

const place = new RecordPlace()
export const BAD_OFFSET = 'ERR bit offset is not an integer or out of range'
const NOT_BIT = 'ERR bit is not an integer or out of range'

/** key offset 0|1 */
function setbit(call: Call): void {
  const offset = call.number(2, BAD_OFFSET)
  if (offset < 0 || offset >= STRING_BYTES_MAX * 8) throw new ReplyError(BAD_OFFSET)
  const bit = call.number(3, NOT_BIT)
  if (bit !== 0 && bit !== 1) throw new ReplyError(NOT_BIT)
  const byte = Math.floor(offset / 8)
  widened(call, call.findString(1), byte + 1, place)
  const mask = 0x80 >>> (offset % 8)
  if (bit === 1) place.bytes[place.end + byte]! |= mask
  else place.bytes[place.end + byte]! &= ~mask
}

/** The bits of all sources at one byte; what is beyond a source's end is zero. */
type Combine = (bytes: readonly number[]) => number

const or = (bytes: readonly number[]): number => bytes.reduce((sum, byte) => sum | byte, 0)

/** Those that are set in exactly one. */
function one(bytes: readonly number[]): number {
  let seen = 0
  let twice = 0
  for (const byte of bytes) {
    twice |= seen & byte
    seen |= byte
  }
  return seen & ~twice
}

const OPERATIONS: Readonly<Record<string, Combine>> = {
  AND: bytes => bytes.reduce((all, byte) => all & byte, 0xff),
  OR: or,
  XOR: bytes => bytes.reduce((sum, byte) => sum ^ byte, 0),
  NOT: ([byte = 0]) => ~byte,
  // Redis 8.2: of the first source and the others.
  DIFF: ([first = 0, ...others]) => first & ~or(others),
  DIFF1: ([first = 0, ...others]) => ~first & or(others),
  ANDOR: ([first = 0, ...others]) => first & or(others),
  ONE: one,
}

/** operation destination key [key ...] */
function bitop(call: Call): void {
  const name = Object.keys(OPERATIONS).find(word => call.is(1, word))
  if (name === undefined) throw syntaxError()
  if (name === 'NOT' && call.argc !== 4) throw new ReplyError('ERR BITOP NOT must be called with a single source key.')
  if (/^DIFF|^ANDOR/.test(name) && call.argc < 5) {
    throw new ReplyError(`ERR BITOP ${name} must be called with at least two source keys.`)
  }
  const sources: Uint8Array[] = []
  for (let arg = 3; arg < call.argc; arg++) sources.push(stringOf(call, arg))
  const made = combined(sources, OPERATIONS[name]!)
  if (made.length === 0) {
    call.remove(2)
    return
  }
  const entry = call.db.setString(call.bytes, call.start(2), call.end(2), made, 0, made.length)
  call.db.expire(entry, Number.POSITIVE_INFINITY)
}

/** A copy of a string; of a key that is not there, nothing. */
function stringOf(call: Call, arg: number): Uint8Array {
  const entry = call.find(arg)
  if (entry < 0) return new Uint8Array(0)
  if (call.db.value(entry) !== undefined) throw new ReplyError(WRONG_TYPE)
  call.db.place(entry, place)
  return place.bytes.slice(place.end, place.payloadEnd)
}

function combined(sources: readonly Uint8Array[], combine: Combine): Uint8Array {
  const made = new Uint8Array(Math.max(...sources.map(({length}) => length)))
  const bytes = sources.map(() => 0)
  for (let i = 0; i < made.length; i++) {
    for (let j = 0; j < sources.length; j++) bytes[j] = sources[j]![i] ?? 0
    made[i] = combine(bytes)
  }
  return made
}

export const bitmapCommands: CommandFamily = {
  SETBIT: keyed(4, setbit),
  BITOP: keyless(-4, bitop),
  ...bitfieldCommands,
}
