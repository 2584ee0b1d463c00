/** Hashes: fields and their values. */
import {formatInt64, type Halves, parseInt64} from '../../bytes/int64.js'
import {ZERO_LONG_DOUBLE} from '../../bytes/long-double.js'
import {HashValue} from '../../resident/hash.js'
import type {Call} from '../call.js'
import {type CommandFamily, keyed, ReplyError, wrongArgc} from '../command.js'
import {hashExpiryCommands} from './hash-expiry.js'
import {addTo, floatOf, sumOfFloats} from './number.js'

const halves: Halves = {high: 0, low: 0}
const digits = new Uint8Array(24)

/** Sets a field to an argument. */
export function setField(call: Call, hash: HashValue, field: number, value: number, keepsExpiry = false): boolean {
  const {bytes} = call
  const [start, end] = [call.start(field), call.end(field)]
  return hash.set(bytes, start, end, bytes, call.start(value), call.end(value), keepsExpiry)
}

/** key field value [field value ...]: an expiry that a field had is gone. */
function hset(name: string): (call: Call) => void {
  return call => {
    if (call.argc % 2 !== 0) throw wrongArgc(name)
    const hash = call.open(1, HashValue)
    for (let arg = 2; arg < call.argc; arg += 2) setField(call, hash, arg, arg + 1)
  }
}

function hsetnx(call: Call): void {
  const hash = call.open(1, HashValue)
  if (hash.find(call.bytes, call.start(2), call.end(2)) < 0) setField(call, hash, 2, 3)
}

/** key field increment: an expiry that the field has stays. */
function hincrby(call: Call): void {
  const {high, low} = call.halves(3)
  const there = call.lookup(1, HashValue)
  const handle = there?.find(call.bytes, call.start(2), call.end(2)) ?? -1
  halves.high = halves.low = 0
  if (
    there !== undefined &&
    handle >= 0 &&
    !parseInt64(there.at.bytes, there.valueStart, there.at.payloadEnd, halves)
  ) {
    throw new ReplyError('ERR hash value is not an integer')
  }
  addTo(halves, high, low)
  put(call, there, handle, digits, formatInt64(halves.high, halves.low, digits, 0))
}

/** Gives a field, which has been looked for, a value. */
function put(call: Call, there: HashValue | undefined, handle: number, value: Uint8Array, end: number): void {
  if (there !== undefined && handle >= 0) {
    there.replace(handle, value, 0, end)
    return
  }
  const hash = there ?? call.make(1, new HashValue(call.keyspace.arena))
  hash.set(call.bytes, call.start(2), call.end(2), value, 0, end)
}

function hincrbyfloat(call: Call): void {
  const increment = floatOf(call.bytes, call.start(3), call.end(3))
  if (increment === 'infinite') throw new ReplyError('ERR value is NaN or Infinity')
  const there = call.lookup(1, HashValue)
  const handle = there?.find(call.bytes, call.start(2), call.end(2)) ?? -1
  const before =
    there !== undefined && handle >= 0
      ? floatOf(there.at.bytes, there.valueStart, there.at.payloadEnd, 'ERR hash value is not a float')
      : ZERO_LONG_DOUBLE
  const sum = sumOfFloats(before, increment)
  put(call, there, handle, sum, sum.length)
}

/** Removes fields that are arguments. */
export function removeFields(call: Call, hash: HashValue, first: number, end: number): void {
  for (let arg = first; arg < end; arg++) hash.remove(call.bytes, call.start(arg), call.end(arg))
  call.removeIfEmpty(1, hash)
}

function hdel(call: Call): void {
  const hash = call.lookup(1, HashValue)
  if (hash !== undefined) removeFields(call, hash, 2, call.argc)
}

export const hashCommands: CommandFamily = {
  HSET: keyed(-4, hset('hset')),
  HMSET: keyed(-4, hset('hmset')),
  HSETNX: keyed(4, hsetnx),
  HINCRBY: keyed(4, hincrby),
  HINCRBYFLOAT: keyed(4, hincrbyfloat),
  HDEL: keyed(-3, hdel),
  ...hashExpiryCommands,
}
