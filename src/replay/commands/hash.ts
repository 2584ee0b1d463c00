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

/** Leaves the value of a field in halves; one that is not there is 0. */
function integerAt(call: Call, hash: HashValue | undefined): void {
  halves.high = halves.low = 0
  if (hash === undefined || hash.find(call.bytes, call.start(2), call.end(2)) < 0) return
  if (!parseInt64(hash.at.bytes, hash.valueStart, hash.at.payloadEnd, halves)) {
    throw new ReplyError('ERR hash value is not an integer')
  }
}

/** key field increment: an expiry that the field has stays. */
function hincrby(call: Call): void {
  const {high, low} = call.halves(3)
  const there = call.lookup(1, HashValue)
  integerAt(call, there)
  addTo(halves, high, low)
  const end = formatInt64(halves.high, halves.low, digits, 0)
  const hash = there ?? call.make(1, new HashValue(call.keyspace.arena))
  hash.set(call.bytes, call.start(2), call.end(2), digits, 0, end, true)
}

function hincrbyfloat(call: Call): void {
  const increment = floatOf(call.bytes, call.start(3), call.end(3))
  if (increment === 'infinite') throw new ReplyError('ERR value is NaN or Infinity')
  const there = call.lookup(1, HashValue)
  const {bytes} = call
  const [start, end] = [call.start(2), call.end(2)]
  const found = there !== undefined && there.find(bytes, start, end) >= 0
  const before = found
    ? floatOf(there.at.bytes, there.valueStart, there.at.payloadEnd, 'ERR hash value is not a float')
    : ZERO_LONG_DOUBLE
  const sum = sumOfFloats(before, increment)
  const hash = there ?? call.make(1, new HashValue(call.keyspace.arena))
  hash.set(bytes, start, end, sum, 0, sum.length, true)
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
