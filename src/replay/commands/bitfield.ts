/** BITFIELD: integers of any width within a string. */
import {addWrapped, asGiven, boundOf, type FieldInteger, fitsIn, fromBits, toBits} from '../../bytes/bit-integer.js'
import {RecordPlace} from '../../resident/byte-table.js'
import type {Call} from '../call.js'
import {type CommandFamily, keyed, ReplyError, syntaxError} from '../command.js'
import {BAD_OFFSET} from './bitmap.js'
import {widened} from './string.js'

const BAD_TYPE = 'ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.'

type Overflow = 'WRAP' | 'SAT' | 'FAIL'

interface Operation extends FieldInteger {
  kind: 'GET' | 'SET' | 'INCRBY'
  offset: number
  arg: number
  overflow: Overflow
}

function typeAt(call: Call, arg: number): FieldInteger {
  const match = arg < call.argc ? /^([iu])([1-9]\d?)$/.exec(call.text(arg)) : null
  const signed = match?.[1] === 'i'
  const bits = Number(match?.[2] ?? 0)
  if (bits < 1 || bits > (signed ? 64 : 63)) throw new ReplyError(BAD_TYPE)
  return {signed, bits}
}

/** A bit, or `#n`: the n-th integer of this width. */
function offsetAt(call: Call, arg: number, bits: number): number {
  if (arg >= call.argc) throw syntaxError()
  const text = call.text(arg)
  const match = /^(#?)(0|-?[1-9]\d{0,15})$/.exec(text)
  const offset = match === null ? -1 : Number(match[2]) * (match[1] === '#' ? bits : 1)
  if (offset < 0 || offset > Number.MAX_SAFE_INTEGER) throw new ReplyError(BAD_OFFSET)
  return offset
}

function operations(call: Call): Operation[] {
  const found: Operation[] = []
  let overflow: Overflow = 'WRAP'
  for (let arg = 2; arg < call.argc; ) {
    if (call.is(arg, 'OVERFLOW') && arg + 1 < call.argc) {
      const named = (['WRAP', 'SAT', 'FAIL'] as const).find(one => call.is(arg + 1, one))
      if (named === undefined) throw new ReplyError('ERR Invalid OVERFLOW type specified')
      overflow = named
      arg += 2
      continue
    }
    const kind = (['GET', 'SET', 'INCRBY'] as const).find(one => call.is(arg, one))
    if (kind === undefined || arg + (kind === 'GET' ? 2 : 3) >= call.argc) throw syntaxError()
    const type = typeAt(call, arg + 1)
    const offset = offsetAt(call, arg + 2, type.bits)
    if (kind !== 'GET') call.integer(arg + 3)
    found.push({...type, kind, offset, arg: arg + 3, overflow})
    arg += kind === 'GET' ? 3 : 4
  }
  return found
}

const place = new RecordPlace()

function bitfield(call: Call): void {
  const writes = operations(call).filter(({kind}) => kind !== 'GET')
  let entry = call.findString(1)
  if (writes.length === 0) return
  // The string is widened for all of them at once, even where one of them fails.
  let bytes = 0
  for (const {offset, bits} of writes) bytes = Math.max(bytes, Math.floor((offset + bits - 1) / 8) + 1)
  entry = widened(call, entry, bytes, place)
  for (const operation of writes) {
    call.db.place(entry, place)
    write(call, operation)
  }
}

function write(call: Call, operation: Operation): void {
  const {kind, offset, arg, overflow} = operation
  const given = call.integer(arg)
  const isSet = kind === 'SET'
  const value = isSet ? asGiven(given, operation) : fromBits(place.bytes, place.end, offset, operation)
  const increment = isSet ? 0 : given
  const fits = overflow === 'WRAP' || fitsIn(value, increment, operation)
  if (!fits && overflow === 'FAIL') return
  const sum = fits ? addWrapped(value, increment, operation) : boundOf(value, increment, operation)
  toBits(place.bytes, place.end, offset, operation, sum)
}

export const bitfieldCommands: CommandFamily = {
  BITFIELD: keyed(-2, bitfield),
}
