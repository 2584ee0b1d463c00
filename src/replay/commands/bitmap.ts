/** Strings as bits. */

import {RecordPlace} from '../../resident/byte-table.js'
import type {Call} from '../call.js'
import {type CommandFamily, keyed, keyless, ReplyError, syntaxError, WRONG_TYPE} from '../command.js'
import {bitfieldCommands} from './bitfield.js'
import {widened} from './string.js'

const place = new RecordPlace()
const EMPTY = new Uint8Array(0)
export const BAD_OFFSET = 'ERR bit offset is not an integer or out of range'
const NOT_BIT = 'ERR bit is not an integer or out of range'

/** key offset 0|1 */
function setbit(call: Call): void {
  const offset = call.number(2, BAD_OFFSET)
  if (offset < 0) throw new ReplyError(BAD_OFFSET)
  const bit = call.number(3, NOT_BIT)
  if (bit !== 0 && bit !== 1) throw new ReplyError(NOT_BIT)
  const byte = Math.floor(offset / 8)
  widened(call, call.findString(1), byte + 1, place)
  const mask = 0x80 >>> (offset % 8)
  if (bit === 1) place.bytes[place.end + byte]! |= mask
  else place.bytes[place.end + byte]! &= ~mask
}

/** What two bytes become. */
type Combine = (one: number, other: number) => number

const and: Combine = (one, other) => one & other
const or: Combine = (one, other) => one | other
const xor: Combine = (one, other) => one ^ other
const andNot: Combine = (one, other) => one & ~other

/** Combines bytes with those of another, which is zero beyond its end; the result takes their place. */
function fold(into: Uint8Array, other: Uint8Array, combine: Combine): Uint8Array {
  const end = Math.min(into.length, other.length)
  for (let i = 0; i < end; i++) into[i] = combine(into[i]!, other[i]!)
  for (let i = end; i < into.length; i++) into[i] = combine(into[i]!, 0)
  return into
}

function united(sources: readonly Uint8Array[], bytes: number): Uint8Array {
  const union = new Uint8Array(bytes)
  for (const source of sources) fold(union, source, or)
  return union
}

/** Those that are set in exactly one. */
function inOne(sources: readonly Uint8Array[], bytes: number): Uint8Array {
  const seen = new Uint8Array(bytes)
  const twice = new Uint8Array(bytes)
  for (const source of sources) {
    fold(twice, fold(source.slice(), seen, and), or)
    fold(seen, source, or)
  }
  return fold(seen, twice, andNot)
}

/** Of the first source, as long as the longest, and the others. */
type Operation = (first: Uint8Array, others: readonly Uint8Array[]) => Uint8Array

const all =
  (combine: Combine): Operation =>
  (first, others) =>
    others.reduce((made, other) => fold(made, other, combine), first)

const OPERATIONS: Readonly<Record<string, Operation>> = {
  AND: all(and),
  OR: all(or),
  XOR: all(xor),
  NOT: first => first.map(byte => ~byte),
  // Redis 8.2.
  DIFF: all(andNot),
  DIFF1: (first, others) => fold(united(others, first.length), first, andNot),
  ANDOR: (first, others) => fold(first, united(others, first.length), and),
  ONE: (first, others) => inOne([first, ...others], first.length),
}

/** operation destination key [key ...] */
function bitop(call: Call): void {
  const name = Object.keys(OPERATIONS).find(word => call.is(1, word))
  if (name === undefined) throw syntaxError()
  if (name === 'NOT' && call.argc !== 4) throw new ReplyError('ERR BITOP NOT must be called with a single source key.')
  if (/^(DIFF1?|ANDOR)$/.test(name) && call.argc < 5) {
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
  if (entry < 0) return EMPTY
  if (call.db.value(entry) !== undefined) throw new ReplyError(WRONG_TYPE)
  call.db.place(entry, place)
  return place.bytes.slice(place.end, place.payloadEnd)
}

function combined([first = EMPTY, ...others]: readonly Uint8Array[], operation: Operation): Uint8Array {
  const longest = others.reduce((most, {length}) => Math.max(most, length), first.length)
  const widened = new Uint8Array(longest)
  widened.set(first)
  return operation(widened, others)
}

export const bitmapCommands: CommandFamily = {
  SETBIT: keyed(4, setbit),
  BITOP: keyless(-4, bitop),
  ...bitfieldCommands,
}
